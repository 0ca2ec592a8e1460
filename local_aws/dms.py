"""The DMS of the embedded AWS. Endpoints, connections and tasks are emulated here; moto serves all other operations.

https://docs.aws.amazon.com/dms/latest/APIReference/
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from botocore import xform_name
from botocore.validate import ParamValidator
from ministack.core import iam_evaluator
from ministack.core.responses import get_account_id, get_region
from ministack.core.router import extract_access_key_id
from moto.core.request import Request
from moto.dms.responses import DatabaseMigrationServiceResponse
from moto.moto_api import state_manager

from .dms_connections import Connections
from .dms_endpoints import Endpoint, Endpoints, partition_of
from .dms_parameters import DmsFault, ParameterFault, check, invalid
from .dms_settings import MODEL, Given
from .iam_history import Assumption, TrustHistory, dms_may_assume
from .rates import DMS_REFILL, DMS_SIZE, Bucket
from .replication_configs import ReplicationConfigs
from .replication_tasks import ReplicationTasks
from .state import State
from .switches import Switches

TARGET_PREFIX = "AmazonDMSv20160101"
# Replication instances are available at once, unless a switch says otherwise.
state_manager.set_transition("dms::replicationinstance", {"progression": "immediate"})


@dataclass
class Account:
    """The DMS of one account in one Region, and the surroundings of its endpoints."""

    account_id: str
    region: str
    state: State
    history: TrustHistory

    def __post_init__(self) -> None:
        self.endpoints = Endpoints(self)
        self.connections = Connections(self)
        check_instance = self.connections.check_instance
        self.tasks = ReplicationTasks(self, check_instance=check_instance, source_of=self.endpoints.source_of)
        self.configs = ReplicationConfigs(self, source_of=self.endpoints.source_of)
        self.bucket = Bucket(DMS_SIZE, DMS_REFILL, self.now)

    @property
    def switches(self) -> Switches:
        """How DMS behaves now."""
        return self.state.switches

    def now(self) -> float:
        """The time in virtual seconds."""
        return self.state.now()

    def may_assume(self, role_arn: str, external_id: str, endpoint_arn: str) -> bool:
        """Whether DMS, with this ExternalId, may assume the role, as far as IAM has propagated its trust policy."""
        trust = self.history.seen(role_arn, self.switches.propagation_seconds)
        return dms_may_assume(trust, Assumption(role_arn, external_id, self.account_id, endpoint_arn))

    def why_not_deleted(self, endpoint_arn: str) -> str:
        """What prevents the delete of the endpoint; empty if nothing does."""
        if self.tasks.are_on(endpoint_arn) or self.configs.are_on(endpoint_arn):
            return "is part of one or more ReplicationTasks"
        if self.switches.test_blocks_delete and self.connections.is_tested(endpoint_arn):
            return "has a connection that is being tested"
        return ""


class DmsService:
    """Serves the signed requests that IAM allows."""

    def __init__(self, state: State, history: TrustHistory) -> None:
        self._state = state
        self._history = history
        self._accounts: dict[tuple[str, str], Account] = {}

    async def handle(self, method: str, path: str, headers: dict[str, str], body: bytes, query: Given) -> Any:
        """Status, headers and body of the answer, in the form of MiniStack's handlers."""
        operation = headers.get("x-amz-target", "").rpartition(".")[2]
        access_key = extract_access_key_id(headers, query)
        try:
            self._throttle()
            given = _parse(operation, body)
            emulated = self._emulated(operation, access_key, given)
            return _json(200, emulated(given)) if emulated else _ask_moto(operation, body)
        except DmsFault as fault:
            # An account's root is somebody at a desk; functions have sessions.
            if isinstance(fault, ParameterFault) and not access_key.isdigit():
                self._state.refusals.append(f"{operation}: {fault}")
            return _json(400, {"__type": fault.code, "message": str(fault)})

    def _emulated(self, operation: str, access_key: str, about: Given) -> Callable[[Given], Given] | None:
        """The method that serves the operation; None if moto serves it."""
        name, account = xform_name(operation), self._account
        checked = getattr(self, f"_{name}", None)
        if checked is not None:
            return lambda given: dict(checked(given, access_key))
        tagged: dict[str, Any] = {
            "endpoint": account.endpoints,
            "task": account.tasks,
            "replication-config": account.configs,
        }
        if name.endswith(("_tags_to_resource", "_tags_from_resource", "_tags_for_resource")):
            served_by = [tagged.get(_kind_in(about.get("ResourceArn", "")))]
        else:
            served_by = [account.endpoints, account.connections, account.tasks, account.configs]
        for each in served_by:
            if served := getattr(each, name, None):
                return lambda given: dict(served(given))
        return None

    def tags_of(self, arn: str) -> dict[str, str]:
        """The tags of an endpoint of any account that exists now; none for other ARNs."""
        return next((each.tags for each in self._standing() if each.arn == arn), {})

    def endpoint_arns(self) -> list[str]:
        """Of the endpoints of all accounts that exist now."""
        return [each.arn for each in self._standing()]

    def _standing(self) -> Iterator[Endpoint]:
        return (each for account in self._accounts.values() for each in account.endpoints.standing())

    def tasks(self) -> ReplicationTasks:
        """The replication tasks of the caller's account."""
        return self._account.tasks

    @property
    def _account(self) -> Account:
        key = (get_account_id(), get_region())
        if key not in self._accounts:
            self._accounts[key] = Account(*key, self._state, self._history)
        return self._accounts[key]

    def _throttle(self) -> None:
        if self._state.switches.throttle_dms and not self._account.bucket.take():
            raise DmsFault("ThrottlingException", "Rate exceeded")

    def _create_endpoint(self, given: Given, access_key: str) -> Given:
        check(given, self._state.switches)
        self._check_tags("endpoint", given, access_key)
        role_arn = given.get("S3Settings", {}).get("ServiceAccessRoleArn", "")
        if role_arn:
            self._check_pass_role(role_arn, access_key)
        return self._account.endpoints.create_endpoint(given)

    def _create_replication_task(self, given: Given, access_key: str) -> Given:
        self._check_tags("task", given, access_key)
        return self._account.tasks.create_replication_task(given)

    def _create_replication_config(self, given: Given, access_key: str) -> Given:
        self._check_tags("replication-config", given, access_key)
        return self._account.configs.create_replication_config(given)

    def _check_tags(self, kind: str, given: Given, access_key: str) -> None:
        """A create with tags needs the permission to tag too, as in IAM (see permissions.py)."""
        if not given.get("Tags"):
            return
        tail = given.get("ResourceIdentifier", "*")
        arn = f"arn:{partition_of(get_region())}:dms:{get_region()}:{get_account_id()}:{kind}:{tail}"
        tags = {f"aws:RequestTag/{tag['Key']}": tag.get("Value", "") for tag in given["Tags"]}
        keys = [tag["Key"] for tag in given["Tags"]]
        self._check_caller(access_key, "dms:AddTagsToResource", arn, tags | {"aws:TagKeys": keys})

    def _check_pass_role(self, role_arn: str, access_key: str) -> None:
        """https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_passrole.html"""
        self._check_caller(access_key, "iam:PassRole", role_arn, {"iam:PassedToService": "dms.amazonaws.com"})

    def _check_caller(self, access_key: str, action: str, arn: str, context: dict[str, Any] | None = None) -> None:
        """Check one more action. MiniStack checks only one action on one resource for each call."""
        service = action.partition(":")[0]
        if iam_evaluator.enforce(access_key, action, service, get_region(), resource_arn=arn, service_context=context):
            caller = (iam_evaluator.resolve_caller_identity(access_key) or {}).get("userArn", access_key)
            message = f"User: {caller} is not authorized to perform: {action} on resource: {arn}"
            reason = f"because no identity-based policy allows the {action} action"
            raise DmsFault("AccessDeniedException", f"{message} {reason}")

    def _delete_endpoint(self, given: Given, _access_key: str) -> Given:
        answer = self._account.endpoints.delete_endpoint(given)
        self._account.connections.forget(given["EndpointArn"])
        return answer

    def _test_connection(self, given: Given, access_key: str) -> Given:
        endpoint = self._account.endpoints.find(given["EndpointArn"])
        self._check_caller(access_key, "dms:TestConnection", given["ReplicationInstanceArn"])
        return self._account.connections.test_connection(endpoint, given["ReplicationInstanceArn"])


def _parse(operation: str, body: bytes) -> Given:
    """The parameters of the call. Raises DmsFault if their types are not those of the API's model."""
    try:
        given = json.loads(body or b"{}")
    except ValueError:
        raise DmsFault("SerializationException", "The request is not JSON") from None
    if operation not in MODEL.operation_names:
        raise DmsFault("UnknownOperationException", f"There is no operation {operation}")
    shape = MODEL.operation_model(operation).input_shape
    report = ParamValidator().validate(given, shape) if shape else None
    if report and report.has_errors():
        raise invalid(report.generate_report())
    return dict(given)


def _kind_in(arn: str) -> str:
    """Of what kind the resource of this ARN is; an endpoint, where several are named."""
    return arn.split(":")[5] if arn.count(":") > 5 else "endpoint"  # noqa: PLR2004  # arn:aws:dms:region:account:kind:tail


def _ask_moto(operation: str, body: bytes) -> tuple[int, dict[str, str], bytes]:
    """Ask moto, which reads the account from a header and the Region from the signature."""
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


def _json(status: int, answer: Given) -> tuple[int, dict[str, str], bytes]:
    return status, {"Content-Type": "application/x-amz-json-1.1"}, json.dumps(answer).encode()
