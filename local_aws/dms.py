"""The DMS of the embedded AWS: endpoints, with the cross-account handshake; moto's backend for all else.

What is known of the real one, and what is not, is in the README; each unknown is a switch of `wire.Switches`.
https://docs.aws.amazon.com/dms/latest/APIReference/
"""

from __future__ import annotations

import base64
import json
import re
import secrets
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

import boto3
from botocore.session import get_session
from botocore.validate import ParamValidator
from ministack.core.iam_evaluator import (
    EvalContext,
    _gather_role_policies,
    _permissions_boundary,
    enforce,
    evaluate,
    resolve_caller_identity,
)
from ministack.core.responses import get_account_id, get_region
from ministack.core.router import extract_access_key_id
from ministack.services import iam, s3
from moto.core.request import Request
from moto.dms.models import dms_backends
from moto.dms.responses import DatabaseMigrationServiceResponse
from moto.moto_api import state_manager

from .iam_history import Assumption, TrustHistory, dms_may_assume
from .state import State

TARGET_PREFIX = "AmazonDMSv20160101"
IDENTIFIER = re.compile(r"[A-Za-z](-?[A-Za-z0-9])*", re.ASCII)
SOMEBODY_ELSES_ID = "00000000-0000-4000-8000-000000000000"
BUCKET_SIZE, CALLS_A_SECOND = 200.0, 8.0
LONGEST_IDENTIFIER = {"EndpointIdentifier": 255, "ResourceIdentifier": 31}
NOT_FOR_S3 = ("Username", "Password", "ServerName", "Port", "DatabaseName")
MODEL = get_session().get_service_model("dms")
S3_SETTINGS: Any = MODEL.shape_for("S3Settings")
SETTING_TYPES = {name: shape.type_name for name, shape in S3_SETTINGS.members.items()}
# Replication instances are available at once: nothing here depends on how long that takes.
state_manager.set_transition("dms::replicationinstance", {"progression": "immediate"})
# In the answers of CreateEndpoint and DescribeEndpoints these are there, given or not.
DEFAULTS = {
    "CsvRowDelimiter": "\\n",
    "CsvDelimiter": ",",
    "CompressionType": "NONE",
    "EnableStatistics": True,
    "DatePartitionEnabled": False,
}
Given = dict[str, Any]


class DmsFault(Exception):  # noqa: N818  # AWS's own term
    """An answer that is an error: `code` is its type."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass
class Endpoint:
    arn: str
    identifier: str
    direction: str
    engine: str
    role_arn: str
    settings: Given
    attributes: dict[str, str]
    external_id: str
    tags: dict[str, str]
    created: float
    active: float
    status: str = "active"
    deleted: float | None = None
    gone: float | None = None

    def status_at(self, now: float) -> str:
        if self.deleted is not None and self.deleted <= now:
            return "deleting"
        return "creating" if now < self.active else self.status

    def stands_at(self, now: float) -> bool:
        return self.created <= now and (self.gone is None or now < self.gone)


@dataclass
class Account:
    """The endpoints of one account in one Region, and what hangs on them."""

    endpoints: list[Endpoint] = field(default_factory=list)
    # Creates by identifier, for an ExternalId that changes.
    creates: dict[str, int] = field(default_factory=dict)
    connections: dict[tuple[str, str], Given] = field(default_factory=dict)
    configs: dict[str, Given] = field(default_factory=dict)
    # For the switch `busy_first`.
    refused_tests: set[str] = field(default_factory=set)
    # For the switch `throttle_dms`: the calls that are left, and as of when.
    allowance: float = BUCKET_SIZE
    allowance_at: float = 0.0


class DmsService:
    """Serves the signed requests that IAM has let through."""

    def __init__(self, state: State, history: TrustHistory) -> None:
        self._state = state
        self._history = history
        self._accounts: dict[tuple[str, str], Account] = {}

    async def handle(self, method: str, path: str, headers: dict[str, str], body: bytes, query: Given) -> Any:
        operation = headers.get("x-amz-target", "").rpartition(".")[2]
        try:
            self._throttle()
            given = _parse(operation, body)
            own = getattr(self, f"_{_snake(operation)}", None)
            if own is None or _is_motos(given):
                return _ask_moto(operation, body)
            return _json(200, own(given, extract_access_key_id(headers, query)))
        except DmsFault as fault:
            return _json(400, {"__type": fault.code, "message": str(fault)})

    def tags_of(self, arn: str) -> dict[str, str]:
        return next((e.tags for account in self._accounts.values() for e in account.endpoints if e.arn == arn), {})

    @property
    def _account(self) -> Account:
        return self._accounts.setdefault((get_account_id(), get_region()), Account())

    def _throttle(self) -> None:
        now, account = self._state.now(), self._account
        refilled = account.allowance + (now - account.allowance_at) * CALLS_A_SECOND
        account.allowance, account.allowance_at = min(BUCKET_SIZE, refilled), now
        if not self._state.switches.throttle_dms:
            return
        if account.allowance < 1:
            raise DmsFault("ThrottlingException", "Rate exceeded")
        account.allowance -= 1

    # CreateEndpoint

    def _create_endpoint(self, given: Given, access_key: str) -> Given:
        _check(given)
        if len(self._standing()) >= self._state.switches.quota:
            raise DmsFault("ResourceQuotaExceededFault", "The quota for this resource quota has been exceeded.")
        role_arn = given.get("S3Settings", {}).get("ServiceAccessRoleArn", "")
        if role_arn:
            self._check_pass_role(role_arn, access_key)
        wanted = self._wanted(given, role_arn)
        self._refuse_duplicates(wanted)
        kept = self._handshake(wanted) if role_arn else self._keep(wanted)
        return {"Endpoint": self._shown(kept, self._state.now(), tells_external_id=True)}

    def _check_pass_role(self, role_arn: str, access_key: str) -> None:
        """https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_passrole.html"""
        self._check_caller(access_key, "iam:PassRole", role_arn, {"iam:PassedToService": "dms.amazonaws.com"})
        if self._state.switches.not_allow_listed and _account_of(role_arn) != get_account_id():
            raise DmsFault("AccessDeniedException", "Cross-account pass role is not allowed.")

    def _check_caller(self, access_key: str, action: str, arn: str, context: dict[str, str] | None = None) -> None:
        """For what MiniStack does not know of the call: it checks one action on one resource."""
        service = action.partition(":")[0]
        if enforce(access_key, action, service, get_region(), resource_arn=arn, service_context=context):
            caller = (resolve_caller_identity(access_key) or {}).get("userArn", access_key)
            message = f"User: {caller} is not authorized to perform: {action} on resource: {arn}"
            reason = f"because no identity-based policy allows the {action} action"
            raise DmsFault("AccessDeniedException", f"{message} {reason}")

    def _wanted(self, given: Given, role_arn: str) -> Endpoint:
        now, identifier = self._state.now(), given["EndpointIdentifier"].lower()
        self._account.creates[identifier] = self._account.creates.get(identifier, 0) + 1
        attributes = _attributes(given.get("ExtraConnectionAttributes", ""))
        dropped = self._state.switches.drops_on_create
        settings = {name: value for name, value in given.get("S3Settings", {}).items() if name not in dropped}
        tail = given.get("ResourceIdentifier") or base64.b32encode(secrets.token_bytes(25)).decode()[:39]
        return Endpoint(
            arn=f"arn:{_partition()}:dms:{get_region()}:{get_account_id()}:endpoint:{tail}",
            identifier=identifier,
            direction=given["EndpointType"],
            engine=given["EngineName"],
            role_arn=role_arn,
            settings=_settings_in(attributes) | settings,
            attributes=attributes,
            external_id=self._external_id(identifier) if _account_of(role_arn) != get_account_id() else "",
            tags={tag["Key"]: tag["Value"] for tag in given.get("Tags", [])},
            created=now,
            active=now + self._state.switches.create_seconds,
        )

    def _external_id(self, identifier: str) -> str:
        generation = 0
        if self._state.switches.external_id == "per_call":
            generation = min(self._account.creates[identifier], 2)
        return str(uuid.uuid5(uuid.NAMESPACE_URL, f"{get_account_id()}/{identifier}/{generation}"))

    def _refuse_duplicates(self, wanted: Endpoint) -> None:
        reserved = self._state.switches.identifier_reserved_seconds
        for each in self._account.endpoints:
            if each.gone is not None and self._state.now() >= each.gone + reserved:
                continue
            replaced = self._state.switches.first_create == "fault_until_trusted" and each.status == "failed"
            if not replaced and (each.identifier == wanted.identifier or each.arn == wanted.arn):
                raise DmsFault("ResourceAlreadyExistsFault", f"Endpoint {wanted.identifier} already exists.")

    def _handshake(self, wanted: Endpoint) -> Endpoint:
        """The endpoint to answer with, kept or not. Raises DmsFault where the role can't be assumed."""
        assumable = self._assumable(wanted, wanted.external_id)
        demanded = assumable and not self._assumable(wanted, SOMEBODY_ELSES_ID)
        # A role of the same account needs no ExternalId.
        form = self._state.switches.first_create if wanted.external_id else "keeps"
        if form == "fault_with_id" and not demanded:
            raise _not_assumable(wanted, f" Its trust policy must demand the external id {wanted.external_id}.")
        if form == "fault_until_trusted" and not demanded:
            self._keep(replace(wanted, status="failed"))
            raise _not_assumable(wanted)
        if not assumable:
            raise _not_assumable(wanted)
        if form == "no_external_id":
            wanted = replace(wanted, external_id="")
        if form == "status_failed" and not demanded:
            wanted = replace(wanted, status="failed")
        return wanted if form == "keeps_nothing" and not demanded else self._keep(wanted)

    def _assumable(self, endpoint: Endpoint, external_id: str) -> bool:
        trust = self._history.seen(endpoint.role_arn, self._state.switches.propagation_seconds)
        return dms_may_assume(trust, Assumption(endpoint.role_arn, external_id, get_account_id(), endpoint.arn))

    def _keep(self, endpoint: Endpoint) -> Endpoint:
        others = [each for each in self._account.endpoints if each.identifier != endpoint.identifier]
        self._account.endpoints = [*others, endpoint]
        return endpoint

    # Endpoints that stand

    def _standing(self) -> list[Endpoint]:
        return [each for each in self._account.endpoints if each.stands_at(self._state.now())]

    def _find(self, arn: str) -> Endpoint:
        for each in self._standing():
            if each.arn == arn:
                return each
        raise DmsFault("ResourceNotFoundFault", f"Endpoint {arn} not found.")

    def _describe_endpoints(self, given: Given, _access_key: str) -> Given:
        then = self._state.now() - self._state.switches.describe_lag_seconds
        found = [each for each in self._account.endpoints if each.stands_at(then)]
        for each in given.get("Filters", []):
            found = [endpoint for endpoint in found if _matches(endpoint, each)]
        if not found and given.get("Filters") and self._state.switches.describe_empty == "fault":
            raise DmsFault("ResourceNotFoundFault", "No Endpoints found matching provided filters")
        tells = self._state.switches.describe_tells_external_id
        return _page("Endpoints", [self._shown(each, then, tells_external_id=tells) for each in found], given)

    def _shown(self, endpoint: Endpoint, at: float, *, tells_external_id: bool) -> Given:
        shown: Given = {
            "EndpointIdentifier": endpoint.identifier,
            "EndpointType": endpoint.direction.upper(),
            "EngineName": endpoint.engine,
            "EngineDisplayName": "Amazon S3" if endpoint.engine == "s3" else endpoint.engine,
            "ExtraConnectionAttributes": _attributes_shown(endpoint),
            "Status": endpoint.status_at(at),
            "EndpointArn": endpoint.arn,
            "SslMode": "none",
        }
        if endpoint.role_arn:
            shown["ServiceAccessRoleArn"] = endpoint.role_arn
            shown["S3Settings"] = _settings_shown(endpoint)
        if endpoint.external_id and tells_external_id:
            shown["ExternalId"] = endpoint.external_id
        return shown

    def _modify_endpoint(self, given: Given, _access_key: str) -> Given:
        endpoint = self._find(given["EndpointArn"])
        raise DmsFault("AccessDeniedFault", f"The IAM Role {endpoint.role_arn} is not configured properly.")

    def _delete_endpoint(self, given: Given, _access_key: str) -> Given:
        endpoint = self._find(given["EndpointArn"])
        if endpoint.deleted is not None:
            raise DmsFault("InvalidResourceStateFault", f"Endpoint {endpoint.arn} is being deleted.")
        if self._users(endpoint.arn):
            raise DmsFault(
                "InvalidResourceStateFault", f"Endpoint {endpoint.arn} is part of one or more ReplicationTasks."
            )
        endpoint.deleted = self._state.now()
        endpoint.gone = endpoint.deleted + self._state.switches.delete_seconds
        for key in [key for key in self._account.connections if key[0] == endpoint.arn]:
            del self._account.connections[key]
        return {"Endpoint": self._shown(endpoint, self._state.now(), tells_external_id=True)}

    def _users(self, arn: str) -> bool:
        tasks = dms_backends[get_account_id()][get_region()].replication_tasks.values()
        configs = self._account.configs.values()
        return any(arn in (task.source_endpoint_arn, task.target_endpoint_arn) for task in tasks) or any(
            arn in (config["SourceEndpointArn"], config["TargetEndpointArn"]) for config in configs
        )

    # Tags

    def _add_tags_to_resource(self, given: Given, _access_key: str) -> Given:
        self._find(given["ResourceArn"]).tags.update({tag["Key"]: tag["Value"] for tag in given["Tags"]})
        return {}

    def _remove_tags_from_resource(self, given: Given, _access_key: str) -> Given:
        tags = self._find(given["ResourceArn"]).tags
        for key in given["TagKeys"]:
            tags.pop(key, None)
        return {}

    def _list_tags_for_resource(self, given: Given, _access_key: str) -> Given:
        arns = [given["ResourceArn"]] if given.get("ResourceArn") else given.get("ResourceArnList", [])
        if not arns:
            raise DmsFault("InvalidParameterValueException", "The parameter ResourceArn must be provided")
        found = [(arn, self._find(arn).tags) for arn in arns]
        return {"TagList": [{"Key": k, "Value": v, "ResourceArn": arn} for arn, tags in found for k, v in tags.items()]}

    # Connections

    def _test_connection(self, given: Given, access_key: str) -> Given:
        endpoint, instance = self._find(given["EndpointArn"]), given["ReplicationInstanceArn"]
        self._check_caller(access_key, "dms:TestConnection", instance)
        _check_instance(instance)
        account, pair = self._account, (endpoint.arn, instance)
        running = account.connections.get(pair, {}).get("ends", 0.0) > self._state.now()
        if not running:
            account.connections[pair] = self._new_test(endpoint, instance)
        if running or self._is_busy(endpoint):
            raise DmsFault("InvalidResourceStateFault", "The connection is already being tested.")
        return {"Connection": self._connection(account.connections[pair]) | {"Status": "testing"}}

    def _new_test(self, endpoint: Endpoint, instance: str) -> Given:
        return {
            "ReplicationInstanceArn": instance,
            "ReplicationInstanceIdentifier": instance.rpartition(":")[2],
            "EndpointArn": endpoint.arn,
            "EndpointIdentifier": endpoint.identifier,
            "ends": self._state.now() + self._state.switches.connection_test_seconds,
            "failure": self._connection_failure(endpoint),
        }

    def _is_busy(self, endpoint: Endpoint) -> bool:
        """Whether a test that somebody else started is found running: once for each endpoint."""
        refused = self._account.refused_tests
        busy = self._state.switches.connection_test == "busy_first" and endpoint.arn not in refused
        refused.add(endpoint.arn)
        return busy

    def _connection_failure(self, endpoint: Endpoint) -> str:
        """What DMS would find wrong on the way to the bucket; empty where nothing is."""
        if self._state.switches.connection_test == "fails":
            return _test_failure("Failed to connect to the bucket")
        if not self._assumable(endpoint, endpoint.external_id):
            return _test_failure(f"Failed to assume role {endpoint.role_arn}")
        return self._bucket_failure(endpoint)

    def _bucket_failure(self, endpoint: Endpoint) -> str:
        account, name = _account_of(endpoint.role_arn), endpoint.settings["BucketName"]
        if s3._buckets.get_scoped(account, None, name) is None:
            return _test_failure(f"Failed to list bucket {name}: NoSuchBucket")
        if endpoint.settings.get("ExpectedBucketOwner", account) != account:
            # S3 does not say why.
            return _test_failure("Failed to list bucket: Access Denied")
        denied = [action for action, arn in _needed(endpoint) if not _role_may(endpoint.role_arn, action, arn)]
        return _test_failure(f"Access Denied: {', '.join(denied)}") if denied else ""

    def _describe_connections(self, given: Given, _access_key: str) -> Given:
        found = [self._connection(each) for each in self._account.connections.values()]
        names = {"endpoint-arn": "EndpointArn", "replication-instance-arn": "ReplicationInstanceArn"}
        for by in given.get("Filters", []):
            found = [each for each in found if each[_filtered(by, names)] in by["Values"]]
        if not found and given.get("Filters"):
            raise DmsFault("ResourceNotFoundFault", "No Connections found matching provided filters")
        return _page("Connections", found, given)

    def _delete_connection(self, given: Given, _access_key: str) -> Given:
        pair = (given["EndpointArn"], given["ReplicationInstanceArn"])
        if pair not in self._account.connections:
            raise DmsFault("ResourceNotFoundFault", "Connection not found.")
        return {"Connection": self._connection(self._account.connections.pop(pair)) | {"Status": "deleting"}}

    def _connection(self, connection: Given) -> Given:
        shown = {key: value for key, value in connection.items() if key not in ("ends", "failure")}
        if self._state.now() < connection["ends"]:
            return shown | {"Status": "testing"}
        if connection["failure"]:
            return shown | {"Status": "failed", "LastFailureMessage": connection["failure"]}
        return shown | {"Status": "successful"}

    # Serverless replications, which moto does not have

    def _create_replication_config(self, given: Given, _access_key: str) -> Given:
        tail = given.get("ResourceIdentifier") or base64.b32encode(secrets.token_bytes(25)).decode()[:39]
        arn = f"arn:{_partition()}:dms:{get_region()}:{get_account_id()}:replication-config:{tail}"
        self._account.configs[arn] = given | {"ReplicationConfigArn": arn}
        return {"ReplicationConfig": self._account.configs[arn]}

    def _describe_replication_configs(self, given: Given, _access_key: str) -> Given:
        found = list(self._account.configs.values())
        names = {
            "replication-config-arn": "ReplicationConfigArn",
            "replication-config-id": "ReplicationConfigIdentifier",
        }
        for by in given.get("Filters", []):
            found = [each for each in found if each[_filtered(by, names)] in by["Values"]]
        return _page("ReplicationConfigs", found, given)

    def _delete_replication_config(self, given: Given, _access_key: str) -> Given:
        arn = given["ReplicationConfigArn"]
        if arn not in self._account.configs:
            raise DmsFault("ResourceNotFoundFault", f"Replication config {arn} not found.")
        return {"ReplicationConfig": self._account.configs.pop(arn)}


def _parse(operation: str, body: bytes) -> Given:
    """The parameters, of the types that the API's model has."""
    try:
        given = json.loads(body or b"{}")
    except ValueError:
        raise DmsFault("SerializationException", "The request is not JSON") from None
    if operation not in MODEL.operation_names:
        raise DmsFault("UnknownOperationException", f"There is no operation {operation}")
    shape = MODEL.operation_model(operation).input_shape
    report = ParamValidator().validate(given, shape) if shape else None
    if report and report.has_errors():
        raise DmsFault("InvalidParameterValueException", report.generate_report())
    return dict(given)


def _is_motos(given: Given) -> bool:
    """Whether the call is about the tags of something that is not ours."""
    arn = given.get("ResourceArn", "")
    return bool(arn) and ":endpoint:" not in arn


def _ask_moto(operation: str, body: bytes) -> tuple[int, dict[str, str], bytes]:
    """Account and Region reach moto in headers, the Region as a signature's."""
    scope = f"Credential=x/20000101/{get_region()}/dms/aws4_request"
    headers = {
        "content-type": "application/x-amz-json-1.1",
        "x-amz-target": f"{TARGET_PREFIX}.{operation}",
        "x-moto-account-id": get_account_id(),
        "authorization": f"AWS4-HMAC-SHA256 {scope}",
    }
    url = f"https://dms.{get_region()}.amazonaws.com/"
    request = Request.from_primitives("POST", url, headers, body)
    try:
        status, _, answer = DatabaseMigrationServiceResponse.dispatch(request, url, request.headers)
    except NotImplementedError:
        raise DmsFault("UnknownOperationException", f"{operation} is not emulated") from None
    return (
        status,
        {"Content-Type": "application/x-amz-json-1.1"},
        answer.encode() if isinstance(answer, str) else answer,
    )


def _partition() -> str:
    return boto3.Session().get_partition_for_region(get_region())


def _account_of(arn: str) -> str:
    return arn.split(":")[4] if arn else get_account_id()


def _check(given: Given) -> None:
    """The parameters, before the role is looked at."""
    _check_identifiers(given)
    if given["EndpointType"] not in ("source", "target"):
        raise DmsFault("InvalidParameterValueException", f"Endpoint type {given['EndpointType']} is not valid")
    if given["EngineName"] == "s3":
        _check_s3(given)


def _check_identifiers(given: Given) -> None:
    for name, longest in LONGEST_IDENTIFIER.items():
        if name in given and not (IDENTIFIER.fullmatch(given[name]) and len(given[name]) <= longest):
            raise DmsFault("InvalidParameterValueException", f"The parameter {name} is not a valid identifier")


def _check_s3(given: Given) -> None:
    settings = given.get("S3Settings", {})
    for name in ("BucketName", "ServiceAccessRoleArn"):
        if not settings.get(name):
            message = f"The parameter {name} must be provided and must not be blank"
            raise DmsFault("InvalidParameterCombinationException", message)
    if any(value == "" for value in settings.values()):
        raise DmsFault("InvalidParameterValueException", "A setting must not be blank")
    if given.get("SslMode", "none") != "none":
        raise DmsFault("InvalidParameterCombinationException", "SslMode is not supported for S3 endpoints")
    wrong = [name for name in NOT_FOR_S3 if name in given]
    if wrong:
        raise DmsFault("InvalidParameterCombinationException", f"{wrong[0]} is not supported for S3 endpoints")


def _check_instance(arn: str) -> None:
    instance = dms_backends[get_account_id()][get_region()].replication_instances.get(arn)
    if instance is None:
        raise DmsFault("ResourceNotFoundFault", f"Replication instance {arn} not found.")
    if instance.status != "available":
        raise DmsFault("InvalidResourceStateFault", f"Replication instance {arn} is not available.")


def _filtered(by: Given, names: dict[str, str]) -> str:
    """The member that a filter is about."""
    if by["Name"] not in names or not by["Values"]:
        raise DmsFault("InvalidParameterValueException", f"Invalid filter {by['Name']}")
    return names[by["Name"]]


def _matches(endpoint: Endpoint, by: Given) -> bool:
    members = ("identifier", "arn", "direction", "engine")
    names = dict(zip(("endpoint-id", "endpoint-arn", "endpoint-type", "engine-name"), members, strict=True))
    return getattr(endpoint, _filtered(by, names)) in by["Values"]


def _not_assumable(endpoint: Endpoint, more: str = "") -> DmsFault:
    return DmsFault(
        "AccessDeniedFault", f"The IAM Role {endpoint.role_arn} is not configured properly.AccessDenied{more}"
    )


def _test_failure(detail: str) -> str:
    return (
        "Test Endpoint failed: Application-Status: 1020912, Application-Message: Failed to connect to S3, "
        f"Application-Detailed-Message: {detail}"
    )


def _needed(endpoint: Endpoint) -> Iterable[tuple[str, str]]:
    """What DMS does at the bucket, and with the key, for the role."""
    settings, partition = endpoint.settings, _partition()
    bucket = f"arn:{partition}:s3:::{settings['BucketName']}"
    folder = settings.get("BucketFolder", "").strip("/")
    yield "s3:ListBucket", bucket
    yield "s3:PutObject", f"{bucket}/{folder}/test" if folder else f"{bucket}/test"
    key = settings.get("ServerSideEncryptionKmsKeyId", "")
    if key and "kms" in settings.get("EncryptionMode", "").lower():
        of_account = f"arn:{partition}:kms:{get_region()}:{_account_of(endpoint.role_arn)}:key/{key}"
        yield "kms:GenerateDataKey", key if key.startswith("arn:") else of_account


def _role_may(role_arn: str, action: str, resource_arn: str) -> bool:
    account, name = _account_of(role_arn), role_arn.rpartition("/")[2]
    context = EvalContext(
        principal_arn=role_arn,
        principal_type="AssumedRole",
        principal_account=account,
        action=action,
        resource_arn=resource_arn,
        region=get_region(),
    )
    limits = _permissions_boundary(iam._roles, name, account)
    return bool(evaluate(context, _gather_role_policies(name, account), *limits).decision == "Allow")


def _attributes(text: str) -> dict[str, str]:
    """Of ExtraConnectionAttributes: `name=value;…`."""
    parts = [part.partition("=") for part in text.split(";") if "=" in part]
    return {name.strip(): value for name, _, value in parts}


def _settings_in(attributes: dict[str, str]) -> Given:
    """The connection attributes that are S3Settings too; DMS shows them in both places."""
    names = {name.lower(): name for name in SETTING_TYPES}
    known = {names[name.lower()]: value for name, value in attributes.items() if name.lower() in names}
    return {name: _typed(SETTING_TYPES[name], value) for name, value in known.items()}


def _typed(type_name: str, value: str) -> Any:
    if type_name == "boolean":
        return value.lower() == "true"
    return int(value) if type_name == "integer" and value.isdigit() else value


def _settings_shown(endpoint: Endpoint) -> Given:
    return DEFAULTS | {name: _as_answered(name, value) for name, value in endpoint.settings.items()}


def _attributes_shown(endpoint: Endpoint) -> str:
    """All settings, however given, as DMS joins them: sorted, in lower camel case."""
    settings = _settings_shown(endpoint) if endpoint.role_arn else {}
    shown = {f"{name[0].lower()}{name[1:]}": _text(value) for name, value in settings.items()}
    spelt = {name.lower() for name in shown}
    shown |= {name: value for name, value in endpoint.attributes.items() if name.lower() not in spelt}
    shown.pop("serviceAccessRoleArn", None)
    return "".join(f"{name}={value};" for name, value in sorted(shown.items()))


def _as_answered(name: str, value: Any) -> Any:
    """AWS's casing in answers: GZIP, SSE_S3, PARQUET_1_0, but lower-case formats."""
    if name in ("CompressionType", "EncryptionMode", "ParquetVersion") and isinstance(value, str):
        return value.upper().replace("-", "_")
    return value


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _page(name: str, items: list[Given], given: Given) -> Given:
    size, start = int(given.get("MaxRecords") or 100), int(given.get("Marker") or 0)
    answer: Given = {name: items[start : start + size]}
    return answer | ({"Marker": str(start + size)} if start + size < len(items) else {})


def _snake(operation: str) -> str:
    return re.sub(r"(?<!^)([A-Z])", r"_\1", operation).lower()


def _json(status: int, answer: Given) -> tuple[int, dict[str, str], bytes]:
    return status, {"Content-Type": "application/x-amz-json-1.1"}, json.dumps(answer).encode()
