"""Endpoints in the DMS account. The only user of DMS.

https://docs.aws.amazon.com/dms/latest/APIReference/
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, partial
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from .errors import Code, EndpointError, error_code, error_message, is_definite, is_denial, or_none, out_of_time, step
from .ownership import FINGERPRINT, Owner
from .parallel import in_parallel
from .patience import Patience
from .request import Endpoint
from .settings import Setting, parse_attributes, with_attributes

if TYPE_CHECKING:
    from mypy_boto3_dms import DatabaseMigrationServiceClient
    from mypy_boto3_dms.type_defs import EndpointTypeDef, TagTypeDef

UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
# https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
EXTERNAL_ID = re.compile(r"[\w+=,.@:/-]{2,1224}", re.ASCII)
# Faults of CreateEndpoint that pass: the role can't be assumed yet; its predecessor is on its way out.
REFUSED = {"AccessDeniedFault", "InvalidResourceStateFault"}
# DescribeEndpoints may be late; one that still stands after this was made anew, by a request beside us.
SECONDS_UNTIL_A_DELETE_SHOWS = 30.0
# A delete takes tens of seconds (hashicorp/terraform-provider-aws#29171). One alone is looked at each two seconds; many
# at once share what DMS allows an account, 200 calls and 8 a second: so 36 are not throttled, by `make bench`.
PAUSE_OF_A_DELETE = 2.0
DELETES_LOOKED_AT_IN_A_SECOND = 9.0
# After the last try to delete an endpoint, the time in which to find out who uses it.
SECONDS_TO_NAME_USERS = 15.0
# A role that was made or changed a moment ago may fail a connection test that it passes later.
SECONDS_FOR_FRESH_PERMISSIONS = 120.0


@dataclass(frozen=True)
class LiveEndpoint:
    """An endpoint as DescribeEndpoints tells of it, with its tags."""

    arn: str
    identifier: str
    status: str
    role_arn: str
    external_id: str
    settings: Mapping[str, object]
    tags: Mapping[str, str]
    # As "target of s3".
    kind: str = ""


@dataclass(frozen=True)
class CreateAnswer:
    """What CreateEndpoint said: accepted or refused, and the ExternalId where it gave one."""

    accepted: bool
    external_id: str
    refusal: str = ""
    exists: bool = False

    @property
    def tells_nothing(self) -> bool:
        """Refused for now, without an ExternalId: the role can't be assumed yet, or was not seen to."""
        return not (self.accepted or self.exists or self.external_id)


class Dms:
    """The DMS account, as the role that the function assumed there sees it.

    Each method raises EndpointError, its text beginning with the call that failed.
    """

    def __init__(self, client: DatabaseMigrationServiceClient, patience: Patience) -> None:
        self._client = client
        self._patience = patience
        # Asked before each create and delete: an update that has lost its claim raises EndpointError.
        self.guard: Callable[[], None] = lambda: None
        # Whether DescribeEndpoints shows by now what this request asked for: see endpoint.set_up.
        self.unseen: list[Callable[[], bool]] = []

    def find_endpoint(self, identifier: str, tags: Mapping[str, str] | None = None) -> LiveEndpoint | None:
        """Whose `tags` are known costs one call less: DescribeEndpoints tells none."""
        return self._find("endpoint-id", identifier, tags)

    def _find(self, name: str, value: str, tags: Mapping[str, str] | None) -> LiveEndpoint | None:
        """An empty match is a ResourceNotFoundFault or an empty list; both have been seen."""
        with step(f"describe-endpoints {value}"):
            filters = [{"Name": name, "Values": [value]}]
            answer = or_none("ResourceNotFoundFault", self._client.describe_endpoints, Filters=filters)
            endpoints = answer["Endpoints"] if answer else []
            if not endpoints:
                return None
            return self._with_tags(endpoints[0]) if tags is None else _live(endpoints[0], tags)

    def _with_tags(self, endpoint: EndpointTypeDef) -> LiveEndpoint | None:
        arn = endpoint["EndpointArn"]
        answer = or_none("ResourceNotFoundFault", self._client.list_tags_for_resource, ResourceArn=arn)
        return _live(endpoint, {tag["Key"]: tag["Value"] for tag in answer["TagList"]}) if answer else None

    def endpoints_of(self, owner: Owner) -> list[LiveEndpoint]:
        """The endpoints of this stack's logical resource, whatever their identifiers: their roles have its path."""
        with step("describe-endpoints"):
            pages = self._client.get_paginator("describe_endpoints").paginate()
            ours = [each for page in pages for each in page["Endpoints"] if owner.path in _role_arn(each)]
            return [live for endpoint in ours if (live := self._with_tags(endpoint)) and owner.made_it(live.tags)]

    def identifiers_of_role(self, role_arn: str) -> list[str]:
        """The endpoints that have the role, whoever made them."""
        with step("describe-endpoints"):
            pages = self._client.get_paginator("describe_endpoints").paginate()
            endpoints = or_none("ResourceNotFoundFault", lambda: [e for page in pages for e in page["Endpoints"]])
        return [each["EndpointIdentifier"] for each in endpoints or [] if _role_arn(each) == role_arn]

    def create_endpoint(
        self, endpoint: Endpoint, role_arn: str, tags: Mapping[str, str], as_attributes: Mapping[str, Setting]
    ) -> CreateAnswer:
        """One CreateEndpoint. Settings in `as_attributes` are given a second time, as connection attributes.

        Raises EndpointError for what no repetition mends; NotAllowListed for a pair of accounts that AWS Support
        has not allowed.
        """
        attributes = with_attributes(endpoint.extra_connection_attributes, as_attributes)
        optional: Any = {"ExtraConnectionAttributes": attributes} if attributes else {}
        settings: Any = {**endpoint.s3_settings, "ServiceAccessRoleArn": role_arn}
        self.guard()
        before, self.unseen = self.unseen, [lambda: self.find_endpoint(endpoint.endpoint_identifier) is not None]
        with step(f"create-endpoint {endpoint.endpoint_identifier}"):
            try:
                answer = self._client.create_endpoint(
                    EndpointIdentifier=endpoint.endpoint_identifier,
                    ResourceIdentifier=endpoint.resource_identifier,
                    EndpointType="target",
                    EngineName="s3",
                    S3Settings=settings,
                    Tags=_tag_list(tags),
                    **optional,
                )
            except ClientError as error:
                if is_definite(error) and error_code(error) not in REFUSED:
                    self.unseen = before
                return _refusal(error, endpoint)
        return CreateAnswer(accepted=True, external_id=answer["Endpoint"].get("ExternalId", ""))

    def delete_endpoint(self, live: LiveEndpoint) -> None:
        """Ask for the delete, and wait until nothing is left.

        Raises EndpointError: EndpointInUse while tasks hold it and the time runs out.
        """
        refusal = ""
        for _waited in self._patience.attempts(at_most=self._patience.left() - SECONDS_TO_NAME_USERS):
            refusal = self._ask_for_delete(live) or self._wait_until_gone(live)
            if not refusal:
                return
        self.refuse_if_in_use(live)
        raise out_of_time(f"delete-endpoint {live.identifier}: {refusal}")

    def _ask_for_delete(self, live: LiveEndpoint) -> str:
        """Why DMS refuses for the time being; empty where it accepts, or the endpoint is gone.

        One that is gone has no tags any more, by which the call would be granted.
        """
        self.guard()
        self.unseen = [lambda: not self._is_active(live)]
        with step(f"delete-endpoint {live.identifier}"):
            try:
                self._client.delete_endpoint(EndpointArn=live.arn)
            except ClientError as error:
                if error_code(error) == "InvalidResourceStateFault":
                    return error_message(error) or "invalid state"
                gone = is_denial(error) and self._find("endpoint-arn", live.arn, live.tags) is None
                if error_code(error) != "ResourceNotFoundFault" and not gone:
                    raise
        return ""

    def _is_active(self, live: LiveEndpoint) -> bool:
        now = self._find("endpoint-arn", live.arn, live.tags)
        return now is not None and now.status == "active"

    def _wait_until_gone(self, live: LiveEndpoint) -> str:
        """Why it must be asked for again; empty once it is gone.

        A request beside us may have made the next one of the same ARN.
        """
        for waited in self._patience.attempts(first=PAUSE_OF_A_DELETE, longest=cache(self._pause_of_deletes)):
            now = self._find("endpoint-arn", live.arn, live.tags)
            if now and now.status != "deleting":
                now = self._find("endpoint-arn", live.arn, tags=None)
            if now is None or _succeeds(now, live):
                return ""
            if now.status != "deleting" and waited > SECONDS_UNTIL_A_DELETE_SHOWS:
                return f"it is {now.status} again"
        raise out_of_time(f"delete-endpoint {live.identifier}: it is still being deleted")

    def _pause_of_deletes(self) -> float:
        """Seconds between two looks, by how many endpoints are being deleted beside this one; the first page tells."""
        filters = [{"Name": "engine-name", "Values": ["s3"]}]
        with step("describe-endpoints"):
            answer = or_none("ResourceNotFoundFault", self._client.describe_endpoints, Filters=filters)
        statuses = [endpoint["Status"].lower() for endpoint in (answer["Endpoints"] if answer else [])]
        return max(PAUSE_OF_A_DELETE, statuses.count("deleting") / DELETES_LOOKED_AT_IN_A_SECOND)

    def users_of(self, live: LiveEndpoint) -> list[str]:
        """The tasks and replication configs on the endpoint."""
        tasks, configs = in_parallel(partial(self._tasks, live.arn), partial(self._replication_configs, live.arn))
        return tasks + configs

    def refuse_if_in_use(self, live: LiveEndpoint, because: str = "") -> None:
        """Raises EndpointError (EndpointInUse) that names who uses the endpoint, and why it would be deleted."""
        if users := self.users_of(live):
            raise EndpointError(
                Code.ENDPOINT_IN_USE,
                f"delete-endpoint {live.identifier}{because}: used by {', '.join(users)}",
                "Delete these first (stopping them is not enough), deploy again, then create them anew",
            )

    def _tasks(self, arn: str) -> list[str]:
        pages = self._client.get_paginator("describe_replication_tasks").paginate(
            Filters=[{"Name": "endpoint-arn", "Values": [arn]}], WithoutSettings=True
        )
        with step("describe-replication-tasks"):
            tasks = or_none("ResourceNotFoundFault", lambda: [t for page in pages for t in page["ReplicationTasks"]])
        return [f"task {task['ReplicationTaskIdentifier']}" for task in tasks or []]

    def _replication_configs(self, arn: str) -> list[str]:
        """DescribeReplicationConfigs has no filter for endpoints, and boto3 no paginator for it."""
        configs, marker = [], ""
        with step("describe-replication-configs"):
            while True:
                page = or_none("ResourceNotFoundFault", self._client.describe_replication_configs, Marker=marker)
                configs += page["ReplicationConfigs"] if page else []
                marker = page.get("Marker", "") if page else ""
                if not marker:
                    break
        used_by = [config for config in configs if arn in (config["SourceEndpointArn"], config["TargetEndpointArn"])]
        return [f"replication config {config['ReplicationConfigIdentifier']}" for config in used_by]

    def tag_endpoint(self, live: LiveEndpoint, added: Mapping[str, str], removed: list[str]) -> None:
        with step(f"add-tags-to-resource {live.identifier}"):
            if added:
                self._client.add_tags_to_resource(ResourceArn=live.arn, Tags=_tag_list(added))
            if removed:
                self._client.remove_tags_from_resource(ResourceArn=live.arn, TagKeys=removed)

    def test_connection(self, live: LiveEndpoint, instance_arn: str) -> None:
        """Raises EndpointError: ConnectionTestFailed with DMS's own message."""
        message = "no answer"
        for _waited in self._patience.attempts(at_most=SECONDS_FOR_FRESH_PERMISSIONS, longest=15.0):
            self._start_test(live, instance_arn)
            message = self._test_result(live, instance_arn)
            if not message:
                return
        raise EndpointError(
            Code.CONNECTION_TEST_FAILED,
            f"test-connection {live.identifier}: {message}",
            "Check bucket, key and their policies in the data-lake account, and the network of the instance",
        )

    def _start_test(self, live: LiveEndpoint, instance_arn: str) -> None:
        """A test of the pair that is already under way is refused with InvalidResourceStateFault: its result serves."""
        with step(f"test-connection {live.identifier}"):
            try:
                self._client.test_connection(ReplicationInstanceArn=instance_arn, EndpointArn=live.arn)
            except ClientError as error:
                if error_code(error) != "InvalidResourceStateFault" or "test" not in error_message(error).lower():
                    raise

    def _test_result(self, live: LiveEndpoint, instance_arn: str) -> str:
        """The failure message of the test, empty if it succeeded."""
        filters = [
            {"Name": "endpoint-arn", "Values": [live.arn]},
            {"Name": "replication-instance-arn", "Values": [instance_arn]},
        ]
        for _waited in self._patience.attempts(first=1.0):
            with step(f"describe-connections {live.identifier}"):
                answer = or_none("ResourceNotFoundFault", self._client.describe_connections, Filters=filters)
            connection = answer["Connections"][0] if answer and answer["Connections"] else {"Status": "testing"}
            if connection["Status"] == "successful":
                return ""
            if connection["Status"] == "failed":
                return connection.get("LastFailureMessage", "failed")
        raise out_of_time(f"test-connection {live.identifier}: no result")


def _succeeds(now: LiveEndpoint, live: LiveEndpoint) -> bool:
    """Whether the one of the same ARN is another: usable where the last one was not, or of other properties."""
    usable = ("active", "creating")
    differs = now.tags.get(FINGERPRINT) != live.tags.get(FINGERPRINT)
    return differs or (now.status in usable and live.status not in (*usable, "deleting"))


def _refusal(error: ClientError, endpoint: Endpoint) -> CreateAnswer:
    message = error_message(error)
    if "pass role is not allowed" in message.lower():
        raise _not_allow_listed(endpoint, message) from error
    if error_code(error) == "ResourceAlreadyExistsFault":
        return CreateAnswer(accepted=False, external_id="", refusal=message, exists=True)
    if error_code(error) in REFUSED:
        return CreateAnswer(accepted=False, external_id=external_id_in(error, sent=repr(endpoint)), refusal=message)
    raise error


def _not_allow_listed(endpoint: Endpoint, message: str) -> EndpointError:
    pair = f"DMS account {endpoint.environment.dms_account}, data-lake account {endpoint.environment.data_lake_account}"
    return EndpointError(
        Code.NOT_ALLOW_LISTED,
        f"create-endpoint {endpoint.endpoint_identifier}: {message} ({pair})",
        "Have AWS Support allow this pair of accounts for cross-account DMS endpoints",
    )


def external_id_in(error: ClientError, sent: str = "") -> str:
    """The ExternalId in a fault's text: a UUID after 'external id', else a lone one.

    Never the request's own id, nor one that we sent, as part of a name.
    """
    message = error_message(error)
    own = {str(error.response["ResponseMetadata"].get("RequestId", "")).lower(), *UUID.findall(sent.lower())}
    named = re.search(r"external[\s_-]?id", message, re.IGNORECASE)
    ids = [found for found in UUID.finditer(message) if found[0].lower() not in own]
    near = [found[0] for found in ids if named and found.start() >= named.end()]
    if near:
        return near[0]
    alone = {found[0] for found in ids}
    return alone.pop() if len(alone) == 1 else ""


def _live(endpoint: EndpointTypeDef, tags: Mapping[str, str]) -> LiveEndpoint:
    """The settings as they are, whether DMS tells of them in S3Settings or in ExtraConnectionAttributes."""
    parts = endpoint.get("ExtraConnectionAttributes", "").split(";")
    attributes = ";".join(part for part in parts if part.partition("=")[0].strip() and "=" in part)
    settings: Any = endpoint.get("S3Settings", {})
    external_id = endpoint.get("ExternalId", "")
    return LiveEndpoint(
        arn=endpoint["EndpointArn"],
        identifier=endpoint["EndpointIdentifier"],
        status=endpoint["Status"].lower(),
        role_arn=_role_arn(endpoint),
        external_id=external_id if EXTERNAL_ID.fullmatch(external_id) else "",
        settings=parse_attributes(attributes) | settings,
        tags=tags,
        kind=" of ".join(endpoint[key].lower() for key in ("EndpointType", "EngineName") if key in endpoint),
    )


def _role_arn(endpoint: EndpointTypeDef) -> str:
    settings: Any = endpoint.get("S3Settings", {})
    return str(settings.get("ServiceAccessRoleArn") or endpoint.get("ServiceAccessRoleArn", ""))


def _tag_list(tags: Mapping[str, str]) -> list[TagTypeDef]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]
