"""What template.yaml and accounts/*.yaml grant: each is needed, and none reaches beyond what is the function's own."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from local_aws import EmbeddedAws
from local_aws.cloudformation import CloudFormation
from local_aws.organisation import DEV, FUNCTION_NAME, PAIRS, ROOT, TOOLS, function_role_arn, lease_table, policy_arns

from .world import create, no_boundary_demanded, properties, refused, replication_instance, settings, update

Answer = dict[str, Any]
BOUNDARY = "arn:aws:iam::aws:policy/PowerUserAccess"
RETAGGED = properties(TAGS=[{"Key": "stage", "Value": "dev"}])
TAGGED = properties(TAGS=[{"Key": "team", "Value": "data-lake"}])
THEIRS = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "s3:*", "Resource": "*"}]})


@dataclass(frozen=True)
class Situation:
    """What stands when a request comes, that request, and what is put right by hand after it."""

    request: Callable[[CloudFormation], Answer]
    before: Callable[[CloudFormation], object] = lambda _cloudformation: None
    after: Callable[[CloudFormation], object] = lambda _cloudformation: None


def _create(**changes: Any) -> Callable[[CloudFormation], Answer]:
    return lambda cloudformation: cloudformation.send("Create", properties(**changes))


def _delete(cloudformation: CloudFormation) -> Answer:
    return cloudformation.send("Delete", properties(), PhysicalResourceId="dev/orders")


def _update(old: Answer, new: Answer) -> Situation:
    return Situation(lambda cf: update(cf, old, new), before=lambda cf: cf.send("Create", old))


def _create_and(*more: Callable[[CloudFormation], object]) -> Callable[[CloudFormation], object]:
    return lambda cloudformation: [act(cloudformation) for act in (create, *more)]


def _iam(cloudformation: CloudFormation) -> Any:
    return cloudformation.aws.client("iam", DEV.data_lake)


def _put_inline_policy(cloudformation: CloudFormation) -> None:
    _iam(cloudformation).put_role_policy(RoleName="dms-orders", PolicyName="theirs", PolicyDocument=THEIRS)


def _policy_arn(cloudformation: CloudFormation) -> str:
    (arn,) = policy_arns(cloudformation.aws, DEV)
    return arn


def _attach_elsewhere(cloudformation: CloudFormation) -> None:
    _iam(cloudformation).create_role(RoleName="theirs", AssumeRolePolicyDocument=THEIRS)
    _iam(cloudformation).attach_role_policy(RoleName="theirs", PolicyArn=_policy_arn(cloudformation))


def _detach_elsewhere(cloudformation: CloudFormation) -> None:
    _iam(cloudformation).detach_role_policy(RoleName="theirs", PolicyArn=_policy_arn(cloudformation))
    _iam(cloudformation).delete_role(RoleName="theirs")


def _unbind(cloudformation: CloudFormation) -> None:
    _iam(cloudformation).delete_role_permissions_boundary(RoleName="dms-orders")


def _create_with_test(cloudformation: CloudFormation) -> Answer:
    return _create(TESTREPLICATIONINSTANCEARN=replication_instance(cloudformation.aws))(cloudformation)


def _delete_instance(cloudformation: CloudFormation) -> None:
    dms = cloudformation.aws.client("dms", DEV.dms)
    for instance in dms.describe_replication_instances()["ReplicationInstances"]:
        dms.delete_replication_instance(ReplicationInstanceArn=instance["ReplicationInstanceArn"])


def _create_that_is_cancelled(cloudformation: CloudFormation) -> Answer:
    """The answer to the Delete that comes while the Create is at work."""
    cloudformation.aws.switch(create_seconds=400.0)
    first = cloudformation.event("Create", properties())
    running = threading.Thread(target=cloudformation.invoke, args=[first])
    running.start()
    while "CreateEndpoint" not in {call.operation for call in cloudformation.aws.calls(first["RequestId"])}:
        assert running.is_alive(), cloudformation.received[first["RequestId"]].bodies
        time.sleep(0.02)
    answer = cloudformation.send("Delete", properties(), PhysicalResourceId="played-Endpoint-1ABCDEFGHIJKL")
    running.join()
    return answer


def _create_not_yet_listed(cloudformation: CloudFormation) -> Answer:
    """CloudFormation shows its stack in progress, and no such resource."""
    cloudformation.aws.show_stack(cloudformation.stack_id, "CREATE_IN_PROGRESS", {"Endpoint": None})
    event = cloudformation.made_up(cloudformation.request("Create", properties()))
    cloudformation.invoke(event)
    return cloudformation.received[event["RequestId"]].answer


def _reset_switches(cloudformation: CloudFormation) -> None:
    cloudformation.aws.reset_switches()


ANOTHER_FOLDER = properties(S3SETTINGS=settings(BUCKETFOLDER="elsewhere"))
CREATE, DELETE = Situation(_create()), Situation(_delete, before=create)
CREATE_WITH_TEST = Situation(_create_with_test, after=_delete_instance)
NO_CHANGE, CHANGE = _update(properties(), properties()), _update(properties(), ANOTHER_FOLDER)
RETAG = _update(TAGGED, RETAGGED)
# As of the time before a boundary was demanded.
BIND = Situation(lambda cf: update(cf, properties(), ANOTHER_FOLDER), before=_create_and(_unbind))
UNBIND = _update(properties(PERMISSIONSBOUNDARY=BOUNDARY), properties())
DELETE_WITH_INLINE_POLICY = Situation(_delete, before=_create_and(_put_inline_policy))
DELETE_OF_TWO_VERSIONS = Situation(_delete, before=_create_and(lambda cf: update(cf, properties(), ANOTHER_FOLDER)))
DELETE_OF_POLICY_IN_USE = Situation(_delete, before=_create_and(_attach_elsewhere), after=_detach_elsewhere)

OVERLAP = Situation(_create_that_is_cancelled, after=_reset_switches)
CREATE_NOT_YET_LISTED = Situation(_create_not_yet_listed)

FUNCTION_ROLE_ARN = f"arn:aws:iam::{TOOLS}:role/{FUNCTION_NAME}-eu-west-1"
POLICIES = {
    FUNCTION_ROLE_ARN: ("hold-leases", "ask-cloudformation"),
    DEV.data_lake_role_arn: ("endpoint-roles-and-policies",),
    DEV.dms_role_arn: ("endpoints",),
}
# By role, statement and action: where it is needed.
NEEDED: dict[str, dict[tuple[str, str], Situation]] = {
    FUNCTION_ROLE_ARN: {
        ("HoldLeases", "dynamodb:GetItem"): CREATE,
        ("HoldLeases", "dynamodb:PutItem"): CREATE,
        ("HoldLeases", "dynamodb:UpdateItem"): OVERLAP,
        ("AskCloudFormation", "cloudformation:DescribeStackResource"): CREATE,
        ("AskCloudFormation", "cloudformation:DescribeStacks"): CREATE_NOT_YET_LISTED,
    },
    DEV.data_lake_role_arn: {
        ("CreateRoles", "iam:CreateRole"): CREATE,
        ("CreatePolicies", "iam:CreatePolicy"): CREATE,
        ("TagNew", "iam:TagRole"): CREATE,
        ("TagNew", "iam:TagPolicy"): CREATE,
        ("TagOwn", "iam:TagRole"): RETAG,
        ("TagOwn", "iam:UntagRole"): RETAG,
        ("TagOwn", "iam:TagPolicy"): RETAG,
        ("TagOwn", "iam:UntagPolicy"): RETAG,
        ("ReadRolesOfAnyName", "iam:GetRole"): CREATE,
        ("ReadRoles", "iam:ListRoleTags"): DELETE,
        ("OwnRoles", "iam:UpdateAssumeRolePolicy"): CREATE,
        ("OwnRoles", "iam:ListAttachedRolePolicies"): NO_CHANGE,
        ("OwnRoles", "iam:DetachRolePolicy"): DELETE,
        ("OwnRoles", "iam:ListRolePolicies"): DELETE_WITH_INLINE_POLICY,
        ("OwnRoles", "iam:DeleteRolePolicy"): DELETE_WITH_INLINE_POLICY,
        ("OwnRoles", "iam:DeleteRole"): DELETE,
        ("AttachTheirPolicies", "iam:AttachRolePolicy"): CREATE,
        ("Boundaries", "iam:PutRolePermissionsBoundary"): BIND,
        ("ReadPolicies", "iam:GetPolicy"): CREATE,
        ("ReadPolicies", "iam:GetPolicyVersion"): NO_CHANGE,
        ("ReadPolicies", "iam:ListPolicyTags"): DELETE,
        ("OwnPolicies", "iam:CreatePolicyVersion"): CHANGE,
        ("OwnPolicies", "iam:ListPolicyVersions"): DELETE_OF_TWO_VERSIONS,
        ("OwnPolicies", "iam:DeletePolicyVersion"): DELETE_OF_TWO_VERSIONS,
        ("OwnPolicies", "iam:ListEntitiesForPolicy"): DELETE_OF_POLICY_IN_USE,
        ("OwnPolicies", "iam:DeletePolicy"): DELETE,
        ("ListByPath", "iam:ListRoles"): DELETE,
        ("ListByPath", "iam:ListPolicies"): DELETE,
    },
    DEV.dms_role_arn: {
        ("CreateEndpoints", "dms:CreateEndpoint"): CREATE,
        ("TagNewEndpoints", "dms:AddTagsToResource"): CREATE,
        ("TagOwnEndpoints", "dms:AddTagsToResource"): RETAG,
        ("TagOwnEndpoints", "dms:RemoveTagsFromResource"): RETAG,
        ("ReadTags", "dms:ListTagsForResource"): DELETE,
        ("OwnEndpoints", "dms:DeleteEndpoint"): DELETE,
        ("OwnEndpoints", "dms:TestConnection"): CREATE_WITH_TEST,
        ("TestFromInstances", "dms:TestConnection"): CREATE_WITH_TEST,
        ("Describe", "dms:DescribeEndpoints"): CREATE,
        ("Describe", "dms:DescribeConnections"): CREATE_WITH_TEST,
        ("Describe", "dms:DescribeReplicationTasks"): CHANGE,
        ("Describe", "dms:DescribeReplicationConfigs"): CHANGE,
        ("PassRolesToDms", "iam:PassRole"): CREATE,
    },
}
# And this one, in a data-lake account that demands no boundary.
TAKE_AWAY = ("TakeBoundariesAway", "iam:DeleteRolePermissionsBoundary")
# Each once; together they make every call that the function makes.
TRIED_ALONE = list(dict.fromkeys(situation for grants in NEEDED.values() for situation in grants.values()))
GRANTS = [(role_arn, *grant) for role_arn, grants in NEEDED.items() for grant in grants]
# But for the one by which a request that gives way tells the next one that it has stopped: that only waits longer.
DEMANDED = [grant for grant in GRANTS if NEEDED[grant[0]][grant[1:]] is not OVERLAP]


@dataclass(frozen=True)
class Policy:
    """An inline policy of a role."""

    iam: Any
    role: str
    name: str

    @classmethod
    def of(cls, aws: EmbeddedAws, role_arn: str, name: str) -> Policy:
        return cls(aws.client("iam", role_arn.split(":")[4]), role_arn.rpartition("/")[2], name)

    @classmethod
    def that_has(cls, aws: EmbeddedAws, role_arn: str, sid: str) -> Policy:
        of_role = [cls.of(aws, role_arn, name) for name in POLICIES[role_arn]]
        return next(each for each in of_role if sid in {statement["Sid"] for statement in each.document["Statement"]})

    @property
    def document(self) -> Any:
        return self.iam.get_role_policy(RoleName=self.role, PolicyName=self.name)["PolicyDocument"]

    @contextmanager
    def without(self, sid: str, action: str) -> Iterator[None]:
        whole, less = self.document, self.document
        (statement,) = [each for each in less["Statement"] if each["Sid"] == sid]
        statement["Action"] = [each for each in listed(statement["Action"]) if each != action] or "none:None"
        self.put(less)
        try:
            yield
        finally:
            self.put(whole)

    def put(self, document: Any) -> None:
        self.iam.put_role_policy(RoleName=self.role, PolicyName=self.name, PolicyDocument=json.dumps(document))


def listed(given: str | list[str]) -> list[str]:
    return [given] if isinstance(given, str) else given


@pytest.mark.parametrize("role_arn", NEEDED)
def test_no_grant_is_missing_in_the_table_above(aws: EmbeddedAws, role_arn: str) -> None:
    assert granted_by(aws, role_arn, *POLICIES[role_arn]) == NEEDED[role_arn].keys()


def granted_by(aws: EmbeddedAws, role_arn: str, *policies: str) -> set[tuple[str, str]]:
    """The statements and actions that these policies of the role allow."""
    documents = [Policy.of(aws, role_arn, name).document for name in policies]
    statements = [statement for document in documents for statement in document["Statement"]]
    allowed = [each for each in statements if each["Effect"] == "Allow"]
    return {(each["Sid"], action) for each in allowed for action in listed(each["Action"])}


def test_where_no_boundary_is_demanded_it_can_be_taken_away_too_and_that_is_needed(
    aws: EmbeddedAws, cloudformation: CloudFormation
) -> None:
    with no_boundary_demanded(aws):
        granted = granted_by(aws, DEV.data_lake_role_arn, *POLICIES[DEV.data_lake_role_arn])
        UNBIND.before(cloudformation)
        with Policy.of(aws, DEV.data_lake_role_arn, "endpoint-roles-and-policies").without(*TAKE_AWAY):
            answer = UNBIND.request(cloudformation)
        cloudformation.send("Delete", properties(), PhysicalResourceId=answer["PhysicalResourceId"])
    assert granted == {*NEEDED[DEV.data_lake_role_arn], TAKE_AWAY}
    assert TAKE_AWAY[1] in refused(answer, "AccessDenied")


def test_each_grant_is_traced_in_the_docs_to_the_call_that_needs_it() -> None:
    assert traced_in("security.md") == sorted([*((sid, action) for _role_arn, sid, action in GRANTS), TAKE_AWAY])


def traced_in(page: str) -> list[tuple[str, str]]:
    """The statements and actions in the tables of a page of docs/."""
    text = (ROOT / "docs" / page).read_text()
    rows = re.findall(r"^\| `(\w+)` \| (.+?) \| .+ \| .+ \|$", text, re.MULTILINE)
    return sorted((sid, action) for sid, actions in rows for action in re.findall(r"`(\w+:\w+)`", actions))


@pytest.mark.parametrize(
    ("role_arn", "sid", "action"), DEMANDED, ids=[f"{sid}-{action}" for _arn, sid, action in DEMANDED]
)
def test_without_the_grant_a_request_fails_and_names_it_and_with_it_all_is_taken_away(
    aws: EmbeddedAws, cloudformation: CloudFormation, role_arn: str, sid: str, action: str
) -> None:
    situation = NEEDED[role_arn][sid, action]
    situation.before(cloudformation)
    with Policy.that_has(aws, role_arn, sid).without(sid, action):
        answer = situation.request(cloudformation)
    situation.after(cloudformation)
    ended = cloudformation.send("Delete", properties(), PhysicalResourceId=answer["PhysicalResourceId"])
    assert action in refused(answer, "AccessDenied")
    assert ended["Status"] == "SUCCESS", ended


def test_without_the_grant_to_tell_that_it_has_stopped_a_request_that_gives_way_names_it_in_the_log(
    aws: EmbeddedAws, cloudformation: CloudFormation
) -> None:
    with Policy.of(aws, FUNCTION_ROLE_ARN, "hold-leases").without("HoldLeases", "dynamodb:UpdateItem"):
        answer = OVERLAP.request(cloudformation)
    OVERLAP.after(cloudformation)
    assert answer["Status"] == "SUCCESS", answer
    assert "is not authorized to perform: dynamodb:UpdateItem" in aws.log_text()


def test_the_function_itself_may_hold_leases_ask_of_stacks_assume_the_listed_roles_and_write_its_log_and_its_queue(
    aws: EmbeddedAws,
) -> None:
    assert function_role_arn(aws) == FUNCTION_ROLE_ARN
    table = f"arn:aws:dynamodb:{aws.region}:{TOOLS}:table/{lease_table(aws)}"
    stacks = f"arn:aws:cloudformation:{aws.region}:{TOOLS}:stack/*"
    listed = [arn for pair in PAIRS for arn in (pair.data_lake_role_arn, pair.dms_role_arn)]
    queue, log = f"sqs:{aws.region}:{TOOLS}:dms-s3-endpoint-never-ran", f"logs:{aws.region}:{TOOLS}:log-group"
    assert {action: sorted(resources) for action, resources in _granted(aws).items()} == {
        "sts:AssumeRole": sorted(listed),
        "logs:CreateLogStream": [f"arn:aws:{log}:/aws/lambda/dms-s3-endpoint:*"],
        "logs:PutLogEvents": [f"arn:aws:{log}:/aws/lambda/dms-s3-endpoint:*"],
        "sqs:SendMessage": [f"arn:aws:{queue}"],
        **{f"dynamodb:{call}": [table] for call in ("GetItem", "PutItem", "UpdateItem")},
        **{f"cloudformation:{call}": [stacks] for call in ("DescribeStackResource", "DescribeStacks")},
    }


def _granted(aws: EmbeddedAws) -> dict[str, list[str]]:
    """By action the resources on which the function's role may do it."""
    iam, role = aws.client("iam", TOOLS), f"dms-s3-endpoint-{aws.region}"
    names = iam.list_role_policies(RoleName=role)["PolicyNames"]
    documents = [iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"] for name in names]
    statements = [statement for document in documents for statement in document["Statement"]]
    return {action: listed(statement["Resource"]) for statement in statements for action in listed(statement["Action"])}


@pytest.mark.parametrize("role_arn", [DEV.data_lake_role_arn, DEV.dms_role_arn])
def test_a_role_that_the_function_may_not_assume_is_named(
    aws: EmbeddedAws, cloudformation: CloudFormation, role_arn: str
) -> None:
    iam, role, name = aws.client("iam", TOOLS), f"dms-s3-endpoint-{aws.region}", "assume-the-listed-roles"
    whole = iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
    less = json.dumps(whole).replace(role_arn, "arn:aws:iam::999999999999:role/another")
    iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=less)
    answer = cloudformation.send("Create", properties())
    iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=json.dumps(whole))
    assert role_arn in refused(answer, "AssumeRoleDenied")
