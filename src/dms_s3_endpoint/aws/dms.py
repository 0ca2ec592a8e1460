"""Endpoints in the DMS account. The only user of DMS.

https://docs.aws.amazon.com/dms/latest/APIReference/
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from ..model.attributes import parse_attributes, with_attributes
from ..model.endpoint import Endpoint
from ..model.errors import Code, EndpointError, out_of_time
from ..model.ownership import FINGERPRINT
from ..model.pieces import LiveEndpoint
from ..model.s3_settings import Setting
from .deadline import Deadline
from .errors import aws_call, error_code, error_message, is_definite, is_denial
from .external_id import external_id_in, uuids_in
from .parallel import in_parallel
from .tags import tag_list, tags_in

if TYPE_CHECKING:
    from mypy_boto3_dms import DatabaseMigrationServiceClient
    from mypy_boto3_dms.type_defs import EndpointTypeDef

logger = logging.getLogger(__name__)
# https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
EXTERNAL_ID = re.compile(r"[\w+=,.@:/-]{2,1224}", re.ASCII)
# Faults of CreateEndpoint that pass: the role can't be assumed yet; its predecessor is still being deleted.
REJECTED = {"AccessDeniedFault", "InvalidResourceStateFault"}
# DescribeEndpoints may be late, so an endpoint may seem to stand after its delete was accepted.
SECONDS_UNTIL_A_DELETE_SHOWS = 30.0
# A delete takes tens of seconds (hashicorp/terraform-provider-aws#29171). So ask seldom before, often while most end,
# and seldom again. Then 36 deletes at once keep within what DMS allows, 200 calls and 8 more each second, and one alone
# ends a second after DMS (`make bench`).
SECONDS_IN_WHICH_DELETES_END = (14.0, 60.0)
FIRST_PAUSE_OF_A_DELETE, PAUSE_WHILE_DELETES_END, LONGEST_PAUSE_OF_A_DELETE = 4.0, 2.0, 8.0
# DescribeEndpoints may show a new endpoint late, and DescribeConnections a new test.
SECONDS_TO_SHOW = 30.0
# DMS modifies an endpoint in some seconds; one that a rejected create left in this status may have it for good.
SECONDS_FOR_A_PASSING_STATUS = 60.0
# DMS may still fail a connection test because of a role that was made or changed a moment ago.
SECONDS_FOR_FRESH_PERMISSIONS = 120.0


@dataclass(frozen=True)
class CreateAnswer:
    """What CreateEndpoint said: accepted or rejected for now, and the ExternalId if it gave one."""

    accepted: bool
    external_id: str
    rejection: str = ""
    exists: bool = False

    @property
    def tells_nothing(self) -> bool:
        """Rejected for now, without an ExternalId: DMS can't assume the role yet."""
        return not (self.accepted or self.exists or self.external_id)


class Dms:
    """DMS, as the role that the function assumed in its account sees it.

    Each method raises EndpointError, whose text begins with the call that failed. UUIDs in `never_external_ids`, in
    lower case, are known to be something else: the request's own. `account_arn` is the beginning of what the account
    has, such as arn:aws:dms:eu-west-1:333333333333; only `arn_of` needs it.
    """

    def __init__(
        self,
        client: DatabaseMigrationServiceClient,
        deadline: Deadline,
        *,
        never_external_ids: frozenset[str] = frozenset(),
        account_arn: str = "",
    ) -> None:
        self._client = client
        self._deadline = deadline
        self._never_external_ids = never_external_ids
        self._account_arn = account_arn
        # Whether DescribeEndpoints shows by now the last change that this request asked for.
        self._asked_for: Callable[[], bool] | None = None

    def wait_until_seen(self) -> None:
        """Wait until DMS shows what this request changed, for SECONDS_TO_SHOW at most. Raises nothing."""
        if self._asked_for is None:
            return
        try:
            for _waited in self._deadline.attempts(at_most=SECONDS_TO_SHOW):
                if self._asked_for():
                    return
        except EndpointError as error:
            logger.warning("Not known to be seen", extra={"cause": error.reason})

    def find_endpoint(self, identifier: str, tags: Mapping[str, str] | None = None) -> LiveEndpoint | None:
        """The endpoint of this identifier. Known `tags` save a call: DescribeEndpoints returns none."""
        return self._find("endpoint-id", identifier, tags)

    def arn_of(self, resource_identifier: str) -> str:
        """The ARN that an endpoint of this resource identifier has in the account."""
        return f"{self._account_arn}:endpoint:{resource_identifier}"

    def endpoint_at(self, arn: str) -> LiveEndpoint | None:
        """The endpoint of this ARN, with its tags: whose it is, and what its identifier is, may be unknown."""
        return self._find("endpoint-arn", arn, tags=None)

    def _find(self, name: str, value: str, tags: Mapping[str, str] | None) -> LiveEndpoint | None:
        """An empty match is a ResourceNotFoundFault or an empty list; both have been seen."""
        filters: Any = [{"Name": name, "Values": [value]}]
        with aws_call(f"describe-endpoints {value}"), suppress(self._client.exceptions.ResourceNotFoundFault):
            endpoints = self._client.describe_endpoints(Filters=filters)["Endpoints"]
            if endpoints:
                return _live(endpoints[0], self._tags(endpoints[0]) if tags is None else tags)
        return None

    def _tags(self, endpoint: EndpointTypeDef) -> dict[str, str]:
        """Raises ClientError (ResourceNotFoundFault) when the endpoint is gone."""
        return tags_in(self._client.list_tags_for_resource(ResourceArn=endpoint["EndpointArn"])["TagList"])

    def once_created(self, live: LiveEndpoint) -> LiveEndpoint:
        """The endpoint once DMS is no longer creating it; the final reading of its ExternalId."""
        for _waited in self._deadline.attempts():
            if live.status != "creating":
                return live
            live = self.find_endpoint(live.identifier, live.tags) or live
        raise out_of_time(f"create-endpoint {live.identifier}: it is still being created")

    def once_settled(self, live: LiveEndpoint) -> LiveEndpoint:
        """The endpoint once DMS is no longer creating it, and has had its time to modify it.

        Only a request's first look waits for a modification. What our own create left in that status is deleted.
        """
        live = self.once_created(live)
        for _waited in self._deadline.attempts(at_most=SECONDS_FOR_A_PASSING_STATUS):
            if live.status != "modifying":
                break
            live = self.find_endpoint(live.identifier, live.tags) or live
        return live

    def identifiers_of_role(self, role_arn: str) -> list[str]:
        """The endpoints that have the role, whoever made them."""
        with aws_call("describe-endpoints"):
            return [each["EndpointIdentifier"] for each in self._all_endpoints() if _role_arn(each) == role_arn]

    def _all_endpoints(self) -> list[EndpointTypeDef]:
        with suppress(self._client.exceptions.ResourceNotFoundFault):
            pages = self._client.get_paginator("describe_endpoints").paginate()
            return [each for page in pages for each in page["Endpoints"]]
        return []

    def create_endpoint(
        self, endpoint: Endpoint, role_arn: str, tags: Mapping[str, str], as_attributes: Mapping[str, Setting]
    ) -> CreateAnswer:
        """One CreateEndpoint. Settings in `as_attributes` are given a second time, as connection attributes.

        Raises EndpointError for what no retry mends; NotAllowListed for a pair of accounts that AWS Support has not
        allowed.
        """
        attributes = with_attributes(endpoint.extra_connection_attributes, as_attributes)
        optional: Any = {"ExtraConnectionAttributes": attributes} if attributes else {}
        settings: Any = {**endpoint.s3_settings, "ServiceAccessRoleArn": role_arn}
        before, self._asked_for = self._asked_for, partial(self._shows, endpoint.endpoint_identifier)
        with aws_call(f"create-endpoint {endpoint.endpoint_identifier}"):
            try:
                answer = self._client.create_endpoint(
                    EndpointIdentifier=endpoint.endpoint_identifier,
                    ResourceIdentifier=endpoint.resource_identifier,
                    EndpointType="target",
                    EngineName="s3",
                    S3Settings=settings,
                    Tags=tag_list(tags),
                    **optional,
                )
            except ClientError as error:
                if is_definite(error) and error_code(error) not in REJECTED:
                    self._asked_for = before
                sent = uuids_in(repr((endpoint, role_arn, tags)))
                return _rejection(error, endpoint, self._never_external_ids | sent)
        return CreateAnswer(accepted=True, external_id=answer["Endpoint"].get("ExternalId", ""))

    def _shows(self, identifier: str) -> bool:
        return self.find_endpoint(identifier) is not None

    def request_delete(self, live: LiveEndpoint) -> str:
        """Why DMS refuses for the time being; empty if it accepts, or if the endpoint is gone.

        An endpoint that is gone has no tags any more, by which the call would be granted: so a denial may mean that.
        """
        self._asked_for = partial(self._shows_no_longer, live)
        with aws_call(f"delete-endpoint {live.identifier}"):
            try:
                self._client.delete_endpoint(EndpointArn=live.arn)
            except self._client.exceptions.InvalidResourceStateFault as error:
                return error_message(error) or "invalid state"
            except self._client.exceptions.ResourceNotFoundFault:
                return ""
            except ClientError as error:
                if not is_denial(error) or self._find("endpoint-arn", live.arn, live.tags):
                    raise
        return ""

    def _shows_no_longer(self, live: LiveEndpoint) -> bool:
        now = self._find("endpoint-arn", live.arn, live.tags)
        return now is None or now.status != "active"

    def wait_until_gone(self, live: LiveEndpoint) -> str:
        """Wait after an accepted delete. Why it must be asked for again; empty once the endpoint is gone.

        A concurrent request may have made the next endpoint under the same ARN. Raises EndpointError: NotStabilized.
        """
        for waited in self._deadline.attempts(first=FIRST_PAUSE_OF_A_DELETE, longest=_pause_of_a_delete):
            now = self._find("endpoint-arn", live.arn, live.tags)
            if now and now.status != "deleting":
                now = self._find("endpoint-arn", live.arn, tags=None)
            if now is None or _succeeds(now, live):
                return ""
            if now.status != "deleting" and waited > SECONDS_UNTIL_A_DELETE_SHOWS:
                return f"it is {now.status} again"
        raise out_of_time(f"delete-endpoint {live.identifier}: it is still being deleted")

    def users_of(self, live: LiveEndpoint) -> tuple[str, ...]:
        """The tasks and replication configs on the endpoint, as "task nightly"."""
        tasks, configs = in_parallel(partial(self._tasks, live.arn), partial(self._replication_configs, live.arn))
        return (*tasks, *configs)

    def _tasks(self, arn: str) -> list[str]:
        filters: Any = [{"Name": "endpoint-arn", "Values": [arn]}]
        with (
            aws_call("describe-replication-tasks"),
            suppress(self._client.exceptions.ResourceNotFoundFault),
        ):
            pages = self._client.get_paginator("describe_replication_tasks").paginate(
                Filters=filters, WithoutSettings=True
            )
            tasks = [task for page in pages for task in page["ReplicationTasks"]]
            return [f"task {task['ReplicationTaskIdentifier']}" for task in tasks]
        return []

    def _replication_configs(self, arn: str) -> list[str]:
        """DescribeReplicationConfigs has no filter for endpoints, and boto3 no paginator for it."""
        configs, marker = list[Any](), ""
        with (
            aws_call("describe-replication-configs"),
            suppress(self._client.exceptions.ResourceNotFoundFault),
        ):
            while True:
                page = self._client.describe_replication_configs(Marker=marker)
                configs += page["ReplicationConfigs"]
                marker = page.get("Marker", "")
                if not marker:
                    break
        used_by = [config for config in configs if arn in (config["SourceEndpointArn"], config["TargetEndpointArn"])]
        return [f"replication config {config['ReplicationConfigIdentifier']}" for config in used_by]

    def tag_endpoint(self, live: LiveEndpoint, added: Mapping[str, str], removed: Iterable[str]) -> None:
        """Remove the tags of the keys, then add the others: both together may be more than DMS takes."""
        with aws_call(f"add-tags-to-resource {live.identifier}"):
            if keys := list(removed):
                self._client.remove_tags_from_resource(ResourceArn=live.arn, TagKeys=keys)
            if added:
                self._client.add_tags_to_resource(ResourceArn=live.arn, Tags=tag_list(added))

    def test_connection(self, live: LiveEndpoint, instance_arn: str) -> None:
        """Test the connection from the replication instance. Raises EndpointError: ConnectionTestFailed."""
        message = "no answer"
        for _waited in self._deadline.attempts(at_most=SECONDS_FOR_FRESH_PERMISSIONS, longest=15.0):
            before = self._connection(live, instance_arn)
            self._start_test(live, instance_arn)
            message = self._test_result(live, instance_arn, before)
            if not message:
                return
        raise EndpointError(
            Code.CONNECTION_TEST_FAILED,
            f"test-connection {live.identifier}: {message}",
            "Check bucket, key and their policies in the data-lake account, and the network of the instance",
        )

    def _start_test(self, live: LiveEndpoint, instance_arn: str) -> None:
        """Start a test, unless one of the same pair is under way: its result will do.

        DMS refuses a second test with InvalidResourceStateFault, and an instance that is not available, too. The text
        does not tell which, as it may quote any name: the connection does, though it may be shown late.
        """
        with aws_call(f"test-connection {live.identifier}"):
            for _waited in self._deadline.attempts(at_most=SECONDS_TO_SHOW):
                try:
                    self._client.test_connection(ReplicationInstanceArn=instance_arn, EndpointArn=live.arn)
                except self._client.exceptions.InvalidResourceStateFault as error:
                    refusal = error
                else:
                    return
                if self._connection(live, instance_arn).get("Status") == "testing":
                    return
            raise refusal

    def _test_result(self, live: LiveEndpoint, instance_arn: str, before: Mapping[str, Any]) -> str:
        """The failure message of the test; empty if it succeeded.

        A connection has one result, which names no test: one as it was `before` may be that of an earlier test still.
        """
        is_new = False
        for waited in self._deadline.attempts(first=1.0):
            connection = self._connection(live, instance_arn)
            is_new = is_new or connection != before or waited > SECONDS_TO_SHOW
            if is_new and connection.get("Status") == "successful":
                return ""
            if is_new and connection.get("Status") == "failed":
                return str(connection.get("LastFailureMessage", "failed"))
        raise out_of_time(f"test-connection {live.identifier}: no result")

    def _connection(self, live: LiveEndpoint, instance_arn: str) -> Mapping[str, Any]:
        """Empty until DMS shows it."""
        filters: Any = [
            {"Name": "endpoint-arn", "Values": [live.arn]},
            {"Name": "replication-instance-arn", "Values": [instance_arn]},
        ]
        with (
            aws_call(f"describe-connections {live.identifier}"),
            suppress(self._client.exceptions.ResourceNotFoundFault, IndexError),
        ):
            return self._client.describe_connections(Filters=filters)["Connections"][0]
        return {}


def _pause_of_a_delete(waited: float) -> float:
    """The longest pause, in seconds, after a delete has taken `waited` seconds."""
    earliest, latest = SECONDS_IN_WHICH_DELETES_END
    return PAUSE_WHILE_DELETES_END if earliest <= waited < latest else LONGEST_PAUSE_OF_A_DELETE


def _succeeds(now: LiveEndpoint, live: LiveEndpoint) -> bool:
    """Whether the endpoint of the same ARN is a new one: with another fingerprint, or usable where the old was not."""
    usable = ("active", "creating")
    differs = now.tags.get(FINGERPRINT) != live.tags.get(FINGERPRINT)
    return differs or (now.status in usable and live.status not in (*usable, "deleting"))


def _rejection(error: ClientError, endpoint: Endpoint, never_external_ids: frozenset[str]) -> CreateAnswer:
    message = error_message(error)
    if "pass role is not allowed" in message.lower():
        raise _not_allow_listed(endpoint, message) from error
    if error_code(error) == "ResourceAlreadyExistsFault":
        return CreateAnswer(accepted=False, external_id="", rejection=message, exists=True)
    if error_code(error) in REJECTED:
        return CreateAnswer(accepted=False, external_id=external_id_in(error, never_external_ids), rejection=message)
    raise error


def _not_allow_listed(endpoint: Endpoint, message: str) -> EndpointError:
    pair = f"DMS account {endpoint.environment.dms_account}, data-lake account {endpoint.environment.data_lake_account}"
    return EndpointError(
        Code.NOT_ALLOW_LISTED,
        f"create-endpoint {endpoint.endpoint_identifier}: {message} ({pair})",
        "Ask AWS Support to allow this pair of accounts for cross-account DMS endpoints",
    )


def _live(endpoint: EndpointTypeDef, tags: Mapping[str, str]) -> LiveEndpoint:
    """DMS shows a setting in S3Settings or in ExtraConnectionAttributes; `settings` has both."""
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
