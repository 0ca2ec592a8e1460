"""A pair of accounts in memory: IAM in a few dictionaries, the embedded AWS's DMS, and a clock that sleeping moves.

What the deployed function shows in minutes is shown here in seconds: each call can be made to fail, or be the
moment in which something else happens.
"""

from __future__ import annotations

import itertools
import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import cache
from types import SimpleNamespace
from typing import Any
from unittest import mock

from botocore import xform_name
from botocore.errorfactory import ClientExceptionsFactory
from botocore.exceptions import ClientError, ConnectionClosedError, ParamValidationError
from botocore.session import get_session
from botocore.validate import ParamValidator

from development.faults.inventory import Inventory, inventory_of
from dms_s3_endpoint.aws import parallel
from dms_s3_endpoint.aws.accounts import Accounts
from dms_s3_endpoint.aws.deadline import SECONDS_KEPT_TO_ANSWER
from dms_s3_endpoint.aws.dms import Dms
from dms_s3_endpoint.aws.iam import Iam
from dms_s3_endpoint.aws.lease_table import LeaseTable
from dms_s3_endpoint.aws.sessions import is_changing
from dms_s3_endpoint.aws.stacks import Stacks
from dms_s3_endpoint.aws.storage import Storage
from dms_s3_endpoint.cloudformation.event import Event
from dms_s3_endpoint.cloudformation.lifecycle import answer
from dms_s3_endpoint.cloudformation.origin import Origin
from dms_s3_endpoint.model.arns import arn_of, name_in
from dms_s3_endpoint.model.environments import Environment
from dms_s3_endpoint.model.errors import Code, EndpointError
from dms_s3_endpoint.model.figures import Figures
from dms_s3_endpoint.model.ownership import DEMANDED_BOUNDARY
from dms_s3_endpoint.procedure.lease import Lease
from local_aws.dms_endpoints import Endpoints
from local_aws.dms_parameters import DmsFault, ParameterFault, check
from local_aws.switches import Switches, changed

from .builders import DATA_LAKE, DEV, DMS, ENVIRONMENTS, FUNCTION_ARN, FakeClock, make_client_error
from .races import Pool
from .wire import Disturb, Happening, Happenings, KilledError, Note, Wire, undisturbed, unnoted

MOST_VERSIONS = 5
OWN_ROLE = name_in(DEV.data_lake_role_arn)
Given = dict[str, Any]
TABLE = "leases"
# The virtual clock began then.
EPOCH = 1767225600.0  # 2026-01-01T00:00:00Z
RUNS = itertools.count(1)
# The parameters that DMS refused.
REFUSALS: list[str] = []


@dataclass
class FakeIam:
    """The account of the data lake. Methods are boto3's, as far as they are used."""

    clock: FakeClock
    service: str = "iam"
    lag_seconds: float = 0.0
    # The ARN of the boundary that accounts/data-lake.yaml demands; empty where it was deployed with `none`.
    demanded_boundary: str = ""
    roles: dict[str, Given] = field(default_factory=dict)
    policies: dict[str, Given] = field(default_factory=dict)
    # Each role's trust policies with the time since when; an empty one where there was none.
    trusts: dict[str, list[tuple[float, Given]]] = field(default_factory=dict)

    def _found(self, kind: str, found: Given | None) -> Given:
        if found is None or self.clock.now < found["made"] + self.lag_seconds:
            raise make_client_error("NoSuchEntity", f"The {kind} cannot be found.")
        return found

    def _role(self, name: str) -> Given:
        return self._found(f"role {name}", self.roles.get(name))

    def _policy(self, arn: str) -> Given:
        return self._found(f"policy {arn}", self.policies.get(arn))

    def _own_role(self, name: str) -> Given:
        """For the calls that accounts/data-lake.yaml grants by tags: what IAM does not find has none."""
        return self._granted(f"role {name}", self.roles.get(name))

    def _own_policy(self, arn: str) -> Given:
        return self._granted(f"policy {arn}", self.policies.get(arn))

    def _granted(self, kind: str, found: Given | None) -> Given:
        try:
            return self._found(kind, found)
        except ClientError:
            raise make_client_error("AccessDenied", f"Not authorized on {kind}") from None

    def _trust(self, role: Given, document: str) -> None:
        role["AssumeRolePolicyDocument"] = json.loads(document) if document else {}
        self.trusts.setdefault(role["Arn"], []).append((self.clock.now, role["AssumeRolePolicyDocument"]))

    def create_role(self, RoleName: str, Path: str, AssumeRolePolicyDocument: str, Tags: Any, **more: Any) -> Given:  # noqa: N803  # boto3's names, here and below
        self._demand_boundary(more.get("PermissionsBoundary", ""))
        if RoleName in self.roles:
            raise make_client_error("EntityAlreadyExists", f"Role {RoleName} exists.")
        role = {"RoleName": RoleName, "Path": Path, "Arn": f"arn:aws:iam::{DATA_LAKE}:role{Path}{RoleName}"}
        self.roles[RoleName] = role | {"Tags": _tags(Tags), "attached": set(), "made": self.clock.now}
        self._trust(self.roles[RoleName], AssumeRolePolicyDocument)
        if "PermissionsBoundary" in more:
            self.put_role_permissions_boundary_now(RoleName, more["PermissionsBoundary"])
        return {"Role": _shown(self.roles[RoleName])}

    def put_role_permissions_boundary_now(self, name: str, arn: str) -> None:
        self.roles[name]["PermissionsBoundary"] = {"PermissionsBoundaryArn": arn}

    def _demand_boundary(self, boundary: str) -> None:
        if self.demanded_boundary and boundary != self.demanded_boundary:
            raise make_client_error("AccessDenied", f"Only with the boundary {self.demanded_boundary}.")

    def get_role(self, RoleName: str) -> Given:  # noqa: N803
        if RoleName == OWN_ROLE:
            return {"Role": self._own()}
        return {"Role": _shown(self._role(RoleName))}

    def _own(self) -> Given:
        """The role of accounts/data-lake.yaml; it is in no listing, and so in no inventory."""
        tags = [{"Key": DEMANDED_BOUNDARY, "Value": self.demanded_boundary}] if self.demanded_boundary else []
        return {"RoleName": OWN_ROLE, "Arn": DEV.data_lake_role_arn, "Tags": tags}

    def list_roles(self, PathPrefix: str = "/") -> Given:  # noqa: N803
        return {"Roles": self._listed(self.roles, PathPrefix)}

    def _listed(self, pieces: dict[str, Given], path: str) -> list[Given]:
        seen = [piece for piece in pieces.values() if self.clock.now >= piece["made"] + self.lag_seconds]
        return [_shown(piece) for piece in seen if piece["Path"].startswith(path)]

    def list_role_tags(self, RoleName: str) -> Given:  # noqa: N803
        return {"Tags": _tag_list(self._role(RoleName)["Tags"])}

    def tag_role(self, RoleName: str, Tags: Any) -> None:  # noqa: N803
        self._own_role(RoleName)["Tags"] |= _tags(Tags)

    def untag_role(self, RoleName: str, TagKeys: list[str]) -> None:  # noqa: N803
        _untag(self._own_role(RoleName), TagKeys)

    def put_role_permissions_boundary(self, RoleName: str, PermissionsBoundary: str) -> None:  # noqa: N803
        self._demand_boundary(PermissionsBoundary)
        self._own_role(RoleName)["PermissionsBoundary"] = {"PermissionsBoundaryArn": PermissionsBoundary}

    def delete_role_permissions_boundary(self, RoleName: str) -> None:  # noqa: N803
        self._demand_boundary("")
        self._own_role(RoleName).pop("PermissionsBoundary", None)

    def update_assume_role_policy(self, RoleName: str, PolicyDocument: str) -> None:  # noqa: N803
        self._trust(self._own_role(RoleName), PolicyDocument)

    def list_attached_role_policies(self, RoleName: str) -> Given:  # noqa: N803
        return {"AttachedPolicies": [{"PolicyArn": arn} for arn in sorted(self._own_role(RoleName)["attached"])]}

    def attach_role_policy(self, RoleName: str, PolicyArn: str) -> None:  # noqa: N803
        self._policy(PolicyArn)
        role = self._own_role(RoleName)
        self._demand_boundary(role.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn", ""))
        role["attached"].add(PolicyArn)

    def detach_role_policy(self, RoleName: str, PolicyArn: str) -> None:  # noqa: N803
        attached = self._own_role(RoleName)["attached"]
        if PolicyArn not in attached:
            raise make_client_error("NoSuchEntity", "It is not attached.")
        attached.remove(PolicyArn)

    def list_role_policies(self, RoleName: str) -> Given:  # noqa: N803
        return {"PolicyNames": sorted(self._own_role(RoleName).get("inline", set()))}

    def delete_role_policy(self, RoleName: str, PolicyName: str) -> None:  # noqa: N803
        inline = self._own_role(RoleName).get("inline", set())
        if PolicyName not in inline:
            raise make_client_error("NoSuchEntity", f"The role policy {PolicyName} cannot be found.")
        inline.remove(PolicyName)

    def delete_role(self, RoleName: str) -> None:  # noqa: N803
        role = self._own_role(RoleName)
        if role["attached"] or role.get("inline"):
            raise make_client_error("DeleteConflict", "Something is attached.")
        self._trust(role, "")
        del self.roles[RoleName]

    def create_policy(self, PolicyName: str, Path: str, PolicyDocument: str, Tags: Any) -> Given:  # noqa: N803
        if any(policy["PolicyName"] == PolicyName for policy in self.policies.values()):
            raise make_client_error("EntityAlreadyExists", f"Policy {PolicyName} exists.")
        arn = f"arn:aws:iam::{DATA_LAKE}:policy{Path}{PolicyName}"
        policy = {"PolicyName": PolicyName, "Path": Path, "Arn": arn, "Tags": _tags(Tags), "made": self.clock.now}
        self.policies[arn] = policy | {"versions": {"v1": json.loads(PolicyDocument)}, "DefaultVersionId": "v1"}
        return {"Policy": _shown(self.policies[arn])}

    def get_policy(self, PolicyArn: str) -> Given:  # noqa: N803
        return {"Policy": _shown(self._policy(PolicyArn))}

    def get_policy_version(self, PolicyArn: str, VersionId: str) -> Given:  # noqa: N803
        versions = self._policy(PolicyArn)["versions"]
        if VersionId not in versions:
            raise make_client_error("NoSuchEntity", f"Policy version {VersionId} does not exist.")
        return {"PolicyVersion": {"Document": versions[VersionId]}}

    def list_policies(self, PathPrefix: str = "/", Scope: str = "All") -> Given:  # noqa: N803
        assert Scope == "Local"
        return {"Policies": self._listed(self.policies, PathPrefix)}

    def list_policy_tags(self, PolicyArn: str) -> Given:  # noqa: N803
        return {"Tags": _tag_list(self._policy(PolicyArn)["Tags"])}

    def tag_policy(self, PolicyArn: str, Tags: Any) -> None:  # noqa: N803
        self._own_policy(PolicyArn)["Tags"] |= _tags(Tags)

    def untag_policy(self, PolicyArn: str, TagKeys: list[str]) -> None:  # noqa: N803
        _untag(self._own_policy(PolicyArn), TagKeys)

    def list_policy_versions(self, PolicyArn: str) -> Given:  # noqa: N803
        policy = self._own_policy(PolicyArn)
        return {
            "Versions": [
                {"VersionId": version, "IsDefaultVersion": version == policy["DefaultVersionId"], "CreateDate": number}
                for number, version in enumerate(policy["versions"])
            ]
        }

    def create_policy_version(self, PolicyArn: str, PolicyDocument: str, SetAsDefault: bool) -> Given:  # noqa: N803
        policy = self._own_policy(PolicyArn)
        if len(policy["versions"]) == MOST_VERSIONS:
            raise make_client_error("LimitExceeded", "A policy can have at most 5 versions.")
        assert SetAsDefault
        policy["made_versions"] = policy.get("made_versions", 1) + 1
        policy["DefaultVersionId"] = f"v{policy['made_versions']}"
        policy["versions"][policy["DefaultVersionId"]] = json.loads(PolicyDocument)
        return {"PolicyVersion": {"VersionId": policy["DefaultVersionId"]}}

    def delete_policy_version(self, PolicyArn: str, VersionId: str) -> None:  # noqa: N803
        policy = self._own_policy(PolicyArn)
        if VersionId not in policy["versions"]:
            raise make_client_error("NoSuchEntity", "The version cannot be found.")
        if VersionId == policy["DefaultVersionId"]:
            raise make_client_error("DeleteConflict", "It is the default version.")
        del policy["versions"][VersionId]

    def list_entities_for_policy(self, PolicyArn: str) -> Given:  # noqa: N803
        self._own_policy(PolicyArn)
        names = [name for name, role in self.roles.items() if PolicyArn in role["attached"]]
        return {"PolicyRoles": [{"RoleName": name} for name in names], "PolicyUsers": [], "PolicyGroups": []}

    def delete_policy(self, PolicyArn: str) -> None:  # noqa: N803
        policy = self._own_policy(PolicyArn)
        if len(policy["versions"]) > 1 or self.list_entities_for_policy(PolicyArn)["PolicyRoles"]:
            raise make_client_error("DeleteConflict", "Detach it, and delete its versions first.")
        del self.policies[PolicyArn]


@dataclass
class FakeDms:
    """The account of the endpoints, which see the trust policies of `iam`. Methods are boto3's."""

    iam: FakeIam
    clock: FakeClock
    service: str = "dms"
    switches: Switches = field(default_factory=Switches)
    account_id: str = DMS
    region: str = "eu-west-1"
    tasks: dict[str, str] = field(default_factory=dict)
    configs: list[Given] = field(default_factory=list)
    test_messages: list[str] = field(default_factory=list)
    tested: list[Given] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.endpoints = Endpoints(self)

    def now(self) -> float:
        return self.clock.now

    def may_assume(self, role_arn: str, external_id: str, endpoint_arn: str) -> bool:
        since = self.clock.now - self.switches.propagation_seconds
        seen = [trust for written, trust in self.iam.trusts.get(role_arn, []) if written <= since]
        return bool(seen) and any(_trusts(statement, external_id) for statement in seen[-1].get("Statement", []))

    def why_not_deleted(self, endpoint_arn: str) -> str:
        users = [*self.tasks.values(), *(config["TargetEndpointArn"] for config in self.configs)]
        return "is part of one or more ReplicationTasks" if endpoint_arn in users else ""

    def create_endpoint(self, **given: Any) -> Given:
        return _answered(self._checked_create, given)

    def _checked_create(self, given: Given) -> Given:
        check(given, self.switches)
        return self.endpoints.create_endpoint(given)

    def describe_endpoints(self, **given: Any) -> Given:
        return _answered(self.endpoints.describe_endpoints, given)

    def delete_endpoint(self, **given: Any) -> Given:
        """Granted by tags too, which none has that is gone."""
        if given["EndpointArn"] not in [each.arn for each in self.endpoints.kept]:
            raise make_client_error("AccessDeniedException", "Not authorized")
        return _answered(self.endpoints.delete_endpoint, given)

    def list_tags_for_resource(self, **given: Any) -> Given:
        return _answered(self.endpoints.list_tags_for_resource, given)

    def add_tags_to_resource(self, **given: Any) -> Given:
        return _answered(self.endpoints.add_tags_to_resource, given)

    def remove_tags_from_resource(self, **given: Any) -> Given:
        return _answered(self.endpoints.remove_tags_from_resource, given)

    def describe_replication_tasks(self, Filters: Any, WithoutSettings: bool) -> Given:  # noqa: N803
        ((name, (arn,)),) = _filters(Filters)
        assert (name, WithoutSettings) == ("endpoint-arn", True)
        return self._found(
            "ReplicationTasks", [{"ReplicationTaskIdentifier": n} for n, a in self.tasks.items() if a == arn]
        )

    def _found(self, kind: str, found: list[Given]) -> Given:
        if not found and self.switches.describe_empty == "fault":
            raise make_client_error("ResourceNotFoundFault", f"No {kind} found.")
        return {kind: found}

    def describe_replication_configs(self, Marker: str) -> Given:  # noqa: N803
        """One on a page."""
        start = int(Marker or 0)
        more = {"Marker": str(start + 1)} if start + 1 < len(self.configs) else {}
        return self._found("ReplicationConfigs", self.configs[start : start + 1]) | more

    def test_connection(self, **given: Any) -> None:
        """What comes of it is in `test_messages`: an empty one is a success. Before it there is no connection."""
        self.tested.append(given)

    def describe_connections(self, Filters: Any) -> Given:  # noqa: N803
        (of_endpoint, (arn,)), (of_instance, (instance_arn,)) = _filters(Filters)
        assert (of_endpoint, of_instance) == ("endpoint-arn", "replication-instance-arn")
        assert ":rep:" in instance_arn
        self.endpoints.find(arn)
        if {"ReplicationInstanceArn": instance_arn, "EndpointArn": arn} not in self.tested:
            return self._found("Connections", [])
        message = self.test_messages.pop(0) if self.test_messages else ""
        status = {"Status": "failed", "LastFailureMessage": message} if message else {"Status": "successful"}
        return {"Connections": [status if message != "testing" else {"Status": "testing"}]}


@dataclass
class FakeDynamoDB:
    """The table of leases in the tools account. Methods are boto3's, as far as they are used."""

    service: str = "dynamodb"
    # None: there is no table.
    items: dict[str, Given] | None = field(default_factory=dict)

    def _items(self, table: str) -> dict[str, Given]:
        if self.items is None or table != TABLE:
            raise make_client_error("ResourceNotFoundException", "Requested resource not found")
        return self.items

    def get_item(self, TableName: str, Key: Given, ConsistentRead: bool, ProjectionExpression: str = "") -> Given:  # noqa: N803
        assert ConsistentRead
        item = self._items(TableName).get(Key["resource"]["S"])
        wanted = ProjectionExpression.split(", ") if ProjectionExpression else list(item or ())
        return {"Item": {name: item[name] for name in wanted if name in item}} if item else {}

    def put_item(self, TableName: str, Item: Given, ConditionExpression: str, **more: Any) -> Given:  # noqa: N803
        items, key = self._items(TableName), Item["resource"]["S"]
        there = items.get(key, {})
        if ConditionExpression == "attribute_not_exists(#resource)":
            holds = not there
        else:
            assert ConditionExpression == "version = :version AND holder = :holder"
            values = more["ExpressionAttributeValues"]
            holds = (there.get("version"), there.get("holder")) == (values[":version"], values[":holder"])
        if not holds:
            raise make_client_error("ConditionalCheckFailedException", "The conditional request failed")
        items[key] = dict(Item)
        return {}

    def update_item(self, TableName: str, Key: Given, UpdateExpression: str, **more: Any) -> Given:  # noqa: N803
        assert UpdateExpression == "DELETE unstopped :token"
        there = self._items(TableName).get(Key["resource"]["S"])
        if there is None:
            raise make_client_error("ConditionalCheckFailedException", "The conditional request failed")
        (token,) = more["ExpressionAttributeValues"][":token"]["SS"]
        left = set(there.pop("unstopped", {"SS": []})["SS"]) - {token}
        there |= {"unstopped": {"SS": sorted(left)}} if left else {}
        return {}


@dataclass
class FakeCloudFormation:
    """The stacks of the tools account. Methods are boto3's, as far as they are used."""

    service: str = "cloudformation"
    # By the stack's id its status, and with a logical id its resource.
    statuses: dict[str, str] = field(default_factory=dict)
    resources: dict[tuple[str, str], Given] = field(default_factory=dict)
    # Whether the events are its own; else somebody makes them up.
    sends: bool = True

    def begin(self, event: Given) -> None:
        """From now on it shows that it waits for the answer to the event."""
        if not self.sends:
            return
        resource = {"ResourceStatus": f"{event['RequestType'].upper()}_IN_PROGRESS"}
        known = {"PhysicalResourceId": event["PhysicalResourceId"]} if "PhysicalResourceId" in event else {}
        self.statuses[event["StackId"]] = "UPDATE_IN_PROGRESS"
        self.resources[event["StackId"], event["LogicalResourceId"]] = resource | known

    def describe_stack_resource(self, StackName: str, LogicalResourceId: str) -> Given:  # noqa: N803
        found = self.resources.get((StackName, LogicalResourceId))
        if found is None:
            raise make_client_error("ValidationError", f"Resource {LogicalResourceId} does not exist for stack")
        return {"StackResourceDetail": found}

    def describe_stacks(self, StackName: str) -> Given:  # noqa: N803
        if StackName not in self.statuses:
            raise make_client_error("ValidationError", f"Stack with id {StackName} does not exist")
        return {"Stacks": [{"StackId": StackName, "StackStatus": self.statuses[StackName]}]}


@contextmanager
def deployed_in_memory() -> Iterator[None]:
    """The function's variables; and calls that it makes side by side are made as races.Pool makes them."""
    variables = {
        "ENVIRONMENTS": DEV.name,
        "DATA_LAKE_ROLE_ARNS": DEV.data_lake_role_arn,
        "DMS_ROLE_ARNS": DEV.dms_role_arn,
        "VERIFY_STACKS": "false",
    }
    with mock.patch.dict(os.environ, variables), mock.patch.object(parallel, "ThreadPoolExecutor", Pool):
        yield


@dataclass
class CloudInMemory:
    """Both accounts, with the function in them.

    `happenings` are for the next event: by the number of the call from 0, or by its name and which of that name. So are
    `disturb`, which disturbs single attempts of calls, and `note`, which is told of each.
    """

    clock: FakeClock = field(default_factory=FakeClock)
    happenings: Happenings = field(default_factory=dict)
    disturb: Disturb = undisturbed
    note: Note = unnoted
    # Whether CloudFormation's bucket takes the answer to the next event.
    takes_answer: bool = True
    # Told, once an event is over, of the calls that were made for it.
    on_end: Callable[[Given, list[str], list[Given]], None] = lambda _event, _calls, _answers: None
    timeout: float = 900.0
    # The names of environments whose roles may not be assumed.
    unreachable: set[str] = field(default_factory=set)
    # The data-lake account's clients of S3 and KMS, which only a check makes.
    storage_clients: dict[str, Any] = field(default_factory=dict)
    # By what the function is invoked.
    function_arn: str = FUNCTION_ARN
    # A number from 0 to 1 for each pause.
    jitter: Callable[[], float] = lambda: 0.5
    # Whether each call's parameters are checked as botocore does.
    validates: bool = True
    # Where the function asks whether a request is CloudFormation's; None if it does not ask.
    cloudformation: FakeCloudFormation | None = None

    def __post_init__(self) -> None:
        self.iam = FakeIam(self.clock)
        self.dms = FakeDms(self.iam, self.clock)
        self.dynamodb = FakeDynamoDB()
        # What the last request counted.
        self.left_behind: list[str] = []

    def switch(self, **switches: Any) -> None:
        self.dms.switches = changed(self.dms.switches, switches)
        self.iam.lag_seconds = self.dms.switches.iam_lag_seconds

    def inventory(self) -> Inventory:
        # Whoever looks for himself sees it as it is.
        switches, self.dms.switches = self.dms.switches, Switches()
        self.iam.lag_seconds, lag = 0.0, self.iam.lag_seconds
        try:
            return inventory_of(FakeClient(self.iam), FakeClient(self.dms), lambda name: True)
        finally:
            self.dms.switches, self.iam.lag_seconds = switches, lag

    def wait_for_nothing(self) -> None:
        self.clock.now += 3600.0

    def deliver(self, event: Given) -> list[Given]:
        """The answers: one, or none where the function was killed."""
        wire = self._wire(self.happenings, self.disturb, self.note)
        if self.cloudformation:
            self.cloudformation.begin(event)
        self.happenings, self.disturb, self.note = {}, undisturbed, unnoted
        takes_answer, self.takes_answer = self.takes_answer, True
        answers: list[Given] = []
        with suppress(KilledError):
            said = self._answer(event, wire, takes_answer)
            answers = [said] if said else []
        self.on_end(event, wire.calls, answers)
        return answers

    def _answer(self, event: Given, wire: Wire, takes_answer: bool) -> Given | None:
        """None where another delivery of the event answers."""
        request = Event.read(event)
        deployment = self._deployment(wire, request)
        said = answer(request, deployment)
        self.left_behind = deployment.figures.left_behind
        if said is None:
            return None
        if takes_answer:
            deployment.lease.note_delivered()
        ids = {key: event[key] for key in ("StackId", "RequestId", "LogicalResourceId")}
        if not said.is_success:
            return ids | {"Status": "FAILED", "Reason": said.reason, "PhysicalResourceId": said.physical_id}
        told = {"Status": "SUCCESS", "Reason": "", "PhysicalResourceId": said.physical_id}
        return ids | told | {"Data": dict(said.attributes)}

    def deployment(self, request: Event) -> DeploymentInMemory:
        """The function as it is deployed in this cloud, for one event."""
        return self._deployment(self._wire(), request)

    def _wire(self, happenings: Happenings | None = None, disturb: Disturb = undisturbed, note: Note = unnoted) -> Wire:
        deadline = self.clock.deadline(self.clock.now + self.timeout - SECONDS_KEPT_TO_ANSWER)
        deadline = replace(deadline, jitter=self.jitter)
        return Wire(self.clock, deadline, happenings or {}, disturb=disturb, note=note, jitter=self.jitter)

    def _lease(self, wire: Wire, request: Event) -> Lease:
        client: Any = FakeClient(self.dynamodb, wire.call_of_lease, self.validates)
        deadline, token = wire.deadline, f"run {next(RUNS)}"
        lease = Lease(LeaseTable(client, TABLE), deadline, request.resource, request.request_id, request.issued, token)
        lease.epoch = lambda: EPOCH + self.clock.now

        def before_attempt(operation: str) -> None:
            deadline.raise_if_over()
            if is_changing(operation.capitalize()):
                lease.ensure_held(operation)

        def on_unanswered(operation: str) -> None:
            if is_changing(operation.capitalize()):
                lease.note_unanswered(operation)

        wire.before_attempt, wire.on_unanswered = before_attempt, on_unanswered
        return lease

    def _deployment(self, wire: Wire, request: Event) -> DeploymentInMemory:
        iam: Any = FakeClient(self.iam, wire.call, self.validates)
        dms: Any = FakeClient(self.dms, wire.call, self.validates)
        storage = Storage(self.storage_clients.__getitem__, "eu-west-1")
        in_data_lake = Iam(iam, "aws", DATA_LAKE, wire.deadline)
        in_dms = Dms(
            dms,
            wire.deadline,
            never_external_ids=frozenset({request.request_id.lower()}),
            account_arn=f"arn:aws:dms:eu-west-1:{DMS}",
        )
        accounts = Accounts(
            in_data_lake, in_dms, storage, "eu-west-1", wire.deadline, Figures(throttled=wire.throttled)
        )
        asked: Any = FakeClient(self.cloudformation, wire.call, self.validates)
        origin = Origin(arn_of(self.function_arn), stacks=Stacks(asked) if self.cloudformation else None)
        return DeploymentInMemory(ENVIRONMENTS, accounts, self._lease(wire, request), origin, self.unreachable, wire)


@dataclass(frozen=True)
class DeploymentInMemory:
    """What the lifecycle asks of the deployed function."""

    environments: Mapping[str, Environment]
    accounts: Accounts
    lease: Lease
    origin: Origin
    unreachable: set[str]
    wire: Wire

    @property
    def figures(self) -> Figures:
        return self.accounts.figures

    def enter(self, environment: Environment) -> Accounts:
        if environment.name in self.unreachable or self.wire.denies("assume_role"):
            raise EndpointError(Code.ASSUME_ROLE_DENIED, f"assume-role {environment.dms_role_arn}", "Deploy it")
        return self.accounts


@dataclass
class FakeClient:
    """A boto3 client of a fake, each of whose calls goes through `call`."""

    fake: Any
    call: Callable[[str, Callable[[], Any]], Any] = lambda _name, effect: effect()
    validates: bool = True

    @property
    def exceptions(self) -> Any:
        return _exceptions(self.fake.service)

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        served = getattr(self.fake, operation)
        shape = _input_shape(self.fake.service, operation)

        def call(**given: Any) -> Any:
            # As botocore does, before anything is sent.
            if self.validates and (report := ParamValidator().validate(given, shape)).has_errors():
                raise ParamValidationError(report=report.generate_report())
            try:
                return self.call(operation, lambda: served(**given))
            except ClientError as error:
                # Of the class that botocore has for the code.
                raise self.exceptions.from_code(error.response["Error"]["Code"])(error.response, operation) from error

        return call

    def get_paginator(self, operation: str) -> SimpleNamespace:
        return SimpleNamespace(paginate=lambda **given: self._pages(operation, given))

    def _pages(self, operation: str, given: Given) -> Iterator[Given]:
        more: Given = {}
        while True:
            page = getattr(self, operation)(**given, **more)
            yield page
            if "Marker" not in page:
                return
            more = {"Marker": page["Marker"]}


def kill_before(_effect: Callable[[], Any]) -> Any:
    raise KilledError


def kill_after(effect: Callable[[], Any]) -> Any:
    effect()
    raise KilledError


def lose_answer(effect: Callable[[], Any]) -> Any:
    effect()
    raise ConnectionClosedError(endpoint_url="https://nowhere.example.invalid")


def lose_answer_once(effect: Callable[[], Any]) -> Any:
    """As botocore does it: the call is made again."""
    effect()
    return effect()


def refuse(code: str, message: str = "") -> Happening:
    def refused(_effect: Callable[[], Any]) -> Any:
        raise make_client_error(code, message or code)

    return refused


FAULTS: dict[str, Happening] = {
    "throttled": refuse("Throttling"),
    "5xx": refuse("InternalFailure"),
    "denied": refuse("AccessDenied"),
    "session expired": refuse("ExpiredToken"),
    "answer lost": lose_answer,
    "answer lost once": lose_answer_once,
    "killed before": kill_before,
    "killed after": kill_after,
}


@cache
def _exceptions(service: str) -> Any:
    return ClientExceptionsFactory().create_client_exceptions(get_session().get_service_model(service))


@cache
def _input_shape(service: str, operation: str) -> Any:
    model = get_session().get_service_model(service)
    return next(
        model.operation_model(name).input_shape for name in model.operation_names if xform_name(name) == operation
    )


def _filters(given: list[Given]) -> list[tuple[str, list[str]]]:
    return [(each["Name"], each["Values"]) for each in given]


def _answered(serve: Callable[[Given], Given], given: Given) -> Given:
    try:
        return serve(given)
    except DmsFault as fault:
        if isinstance(fault, ParameterFault):
            REFUSALS.append(str(fault))
        raise make_client_error(fault.code, str(fault)) from fault


def _trusts(statement: Mapping[str, Any], external_id: str) -> bool:
    demanded = statement.get("Condition", {}).get("StringEquals", {}).get("sts:ExternalId", [])
    demanded = [demanded] if isinstance(demanded, str) else demanded
    return statement["Principal"] == {"Service": "dms.amazonaws.com"} and (not demanded or external_id in demanded)


def _shown(piece: Given) -> Given:
    hidden = ("made", "attached", "inline", "versions", "made_versions")
    return {key: value for key, value in piece.items() if key not in hidden} | {"Tags": _tag_list(piece["Tags"])}


def _tags(tags: list[dict[str, str]]) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in tags}


def _tag_list(tags: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def _untag(piece: Given, keys: list[str]) -> None:
    for key in keys:
        piece["Tags"].pop(key, None)
