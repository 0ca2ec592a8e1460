"""ADOPT with IAM enforced: what accounts/*.yaml grant for it is needed, and lets nothing else through."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from local_aws import EmbeddedAws
from local_aws.cloudformation import CloudFormation
from local_aws.organisation import DEV, purge, update_account
from tests import by_hand

from .attempts import DOCUMENT, OWNER, TRUST, attempted, role, taken_over
from .test_permissions import Policy, listed, traced_in
from .world import adoptable, create, properties, refused, settings, tags_of, the_endpoint, update

Answer = dict[str, Any]
ADMINISTRATOR = "arn:aws:iam::aws:policy/AdministratorAccess"
BOUNDARY = "arn:aws:iam::aws:policy/PowerUserAccess"
ADOPTING = properties(ADOPT="true")
BOTH = {DEV.data_lake: "data-lake.yaml", DEV.dms: "dms.yaml"}


@pytest.fixture(scope="module")
def grants(deployed: EmbeddedAws) -> Iterator[None]:
    for account, template in BOTH.items():
        update_account(deployed, account, template, Adopt="dms-*")
    yield
    for account, template in BOTH.items():
        update_account(deployed, account, template, Adopt="")


@pytest.fixture
def arn(grants: None, aws: EmbeddedAws) -> Iterator[str]:
    """Of an endpoint that was made by hand, and is there at the end still, or the test has taken it away."""
    iam, dms = aws.client("iam", DEV.data_lake), aws.client("dms", DEV.dms)
    aws.switch(propagation_seconds=0.0)
    role_arn = by_hand.make_role_and_policy(iam, DEV.bucket, "dms-orders", "dms-orders")
    given = {"BucketName": DEV.bucket, "BucketFolder": "orders", "DataFormat": "parquet"}
    yield by_hand.make_endpoint(iam, dms, role_arn, lambda: time.sleep(0), **given)
    purge(aws, [DEV])


def delete(cloudformation: CloudFormation, given: Answer) -> Answer:
    return cloudformation.send("Delete", given, PhysicalResourceId="dev/orders")


def test_an_endpoint_in_use_is_adopted_and_given_back(
    aws: EmbeddedAws, cloudformation: CloudFormation, arn: str
) -> None:
    before = the_endpoint(aws)
    answer = create(cloudformation, ADOPT="true")
    assert answer["Data"]["EndpointArn"] == arn
    assert "dms-s3-endpoint:adopted" in tags_of(aws, arn)
    assert delete(cloudformation, ADOPTING)["Status"] == "SUCCESS"
    assert (the_endpoint(aws), tags_of(aws, arn)) == (before, {})


def test_one_that_differs_is_created_again_and_deleted_once_adopt_is_taken_out(
    aws: EmbeddedAws, cloudformation: CloudFormation, arn: str
) -> None:
    wanted = {"S3SETTINGS": settings(DATAFORMAT="csv")}
    create(cloudformation, ADOPT="true", **wanted)
    assert the_endpoint(aws)["S3Settings"]["DataFormat"].lower() == "csv"
    own = properties(**wanted)
    assert update(cloudformation, own | {"ADOPT": "true"}, own)["Status"] == "SUCCESS"
    assert delete(cloudformation, own)["Status"] == "SUCCESS"
    assert aws.client("dms", DEV.dms).describe_endpoints()["Endpoints"] == []
    assert aws.client("iam", DEV.data_lake).list_policies(Scope="Local")["Policies"] == []


@dataclass(frozen=True)
class Situation:
    """The request, and what comes before it."""

    request: Callable[[CloudFormation], Answer]
    before: Callable[[CloudFormation], object] = lambda _cloudformation: None


def _iam(cloudformation: CloudFormation) -> Any:
    return cloudformation.aws.client("iam", DEV.data_lake)


def _put_inline_policy(cloudformation: CloudFormation) -> None:
    _iam(cloudformation).put_role_policy(RoleName="dms-orders", PolicyName="theirs", PolicyDocument=DOCUMENT)


def _bind(cloudformation: CloudFormation) -> None:
    _iam(cloudformation).put_role_permissions_boundary(RoleName="dms-orders", PermissionsBoundary=BOUNDARY)


def _adopt(**changes: Any) -> Callable[[CloudFormation], Answer]:
    return lambda cloudformation: cloudformation.send("Create", ADOPTING | changes)


def _take_over(cloudformation: CloudFormation) -> None:
    """For good."""
    create(cloudformation, ADOPT="true")
    assert update(cloudformation, ADOPTING, properties())["Status"] == "SUCCESS"


def _after(*before: Callable[[CloudFormation], object]) -> Callable[[CloudFormation], object]:
    return lambda cloudformation: [act(cloudformation) for act in before]


def _delete(given: Answer) -> Callable[[CloudFormation], Answer]:
    return lambda cloudformation: delete(cloudformation, given)


TAGGED = properties(TAGS=[{"Key": "team", "Value": "data-lake"}])
ADOPT = Situation(_adopt())
GIVE_BACK = Situation(_delete(ADOPTING), before=_adopt())
DELETE = Situation(_delete(properties()), before=_after(_put_inline_policy, _take_over))
RETAG = Situation(lambda cf: update(cf, properties(), TAGGED), before=_take_over)
UNTAG = Situation(
    lambda cf: update(cf, TAGGED, properties()), before=_after(_take_over, lambda cf: update(cf, properties(), TAGGED))
)
UNBIND = Situation(lambda cf: update(cf, ADOPTING, properties()), before=_after(_bind, _adopt()))
NEEDED: dict[str, dict[tuple[str, str], Situation]] = {
    DEV.data_lake_role_arn: {
        ("ReadRolesToAdopt", "iam:ListAttachedRolePolicies"): ADOPT,
        ("ReadPoliciesToAdopt", "iam:GetPolicy"): ADOPT,
        ("ReadPoliciesToAdopt", "iam:GetPolicyVersion"): ADOPT,
        ("ReadPoliciesToAdopt", "iam:ListEntitiesForPolicy"): ADOPT,
        ("AdoptRoles", "iam:TagRole"): ADOPT,
        ("AdoptPolicies", "iam:TagPolicy"): ADOPT,
        ("TagAdoptedRoles", "iam:TagRole"): RETAG,
        ("TagAdoptedRoles", "iam:UntagRole"): UNTAG,
        ("TagAdoptedPolicies", "iam:TagPolicy"): RETAG,
        ("TagAdoptedPolicies", "iam:UntagPolicy"): UNTAG,
        ("GiveBackRoles", "iam:UntagRole"): GIVE_BACK,
        ("GiveBackPolicies", "iam:UntagPolicy"): GIVE_BACK,
        ("AdoptedRoles", "iam:UpdateAssumeRolePolicy"): ADOPT,
        ("AdoptedRoles", "iam:DetachRolePolicy"): DELETE,
        ("AdoptedRoles", "iam:ListRolePolicies"): DELETE,
        ("AdoptedRoles", "iam:DeleteRolePolicy"): DELETE,
        ("AdoptedRoles", "iam:DeleteRole"): DELETE,
        ("AttachAdopted", "iam:AttachRolePolicy"): Situation(_adopt(POLICYNAME="dms-new")),
        ("BoundariesOfAdopted", "iam:PutRolePermissionsBoundary"): Situation(_adopt(PERMISSIONSBOUNDARY=BOUNDARY)),
        ("TakeBoundariesOfAdoptedAway", "iam:DeleteRolePermissionsBoundary"): UNBIND,
        ("AdoptedPolicies", "iam:CreatePolicyVersion"): ADOPT,
        ("AdoptedPolicies", "iam:ListPolicyVersions"): DELETE,
        ("AdoptedPolicies", "iam:DeletePolicyVersion"): DELETE,
        ("AdoptedPolicies", "iam:DeletePolicy"): DELETE,
    },
    DEV.dms_role_arn: {
        ("GiveBackEndpoints", "dms:RemoveTagsFromResource"): GIVE_BACK,
        ("PassAdoptedRolesToDms", "iam:PassRole"): Situation(_adopt(S3SETTINGS=settings(DATAFORMAT="csv"))),
    },
}
GRANTS = [(role_arn, *grant) for role_arn, needed in NEEDED.items() for grant in needed]


@pytest.mark.usefixtures("grants")
@pytest.mark.parametrize("role_arn", NEEDED)
def test_no_grant_is_missing_in_the_table_above(aws: EmbeddedAws, role_arn: str) -> None:
    statements = Policy.of(aws, role_arn, "adoption").document["Statement"]
    allowed = [each for each in statements if each["Effect"] == "Allow"]
    assert {(each["Sid"], action) for each in allowed for action in listed(each["Action"])} == NEEDED[role_arn].keys()


def test_each_grant_is_traced_in_the_docs_to_what_needs_it() -> None:
    assert traced_in("adoption.md") == sorted((sid, action) for _role_arn, sid, action in GRANTS)


@pytest.mark.parametrize(("role_arn", "sid", "action"), GRANTS, ids=[f"{sid}-{action}" for _arn, sid, action in GRANTS])
def test_without_the_grant_a_request_fails_and_names_it(
    aws: EmbeddedAws, cloudformation: CloudFormation, arn: str, role_arn: str, sid: str, action: str
) -> None:
    situation = NEEDED[role_arn][sid, action]
    situation.before(cloudformation)
    with Policy.of(aws, role_arn, "adoption").without(sid, action):
        assert action in refused(situation.request(cloudformation), "AccessDenied")


@pytest.mark.usefixtures("grants")
def test_whatever_may_be_adopted_nothing_that_has_an_owner_and_not_the_role_itself_can(aws: EmbeddedAws) -> None:
    owned = [{"Key": "dms-s3-endpoint:stack-id", "Value": "arn:aws:cloudformation:eu-west-1:111111111111:stack/b/1"}]
    itself, tags = {"RoleName": "dms-s3-endpoint-data-lake"}, {"Tags": OWNER}
    attempts: dict[str, tuple[str, Answer]] = {
        "another owner": ("tag_role", {"RoleName": "theirs", **tags}),
        "no owner": ("untag_role", {"RoleName": "theirs", "TagKeys": ["dms-s3-endpoint:stack-id"]}),
        "its trust": ("update_assume_role_policy", {"RoleName": "nobodys", "PolicyDocument": TRUST}),
        "itself": ("tag_role", {**itself, **tags}),
        "trust in itself": ("update_assume_role_policy", {**itself, "PolicyDocument": TRUST}),
        "rights": ("attach_role_policy", {"RoleName": "theirs", "PolicyArn": ADMINISTRATOR}),
    }
    with adoptable(aws, "*", afterwards="dms-*"):
        aws.client("iam", DEV.data_lake).create_role(**role("theirs", "/", Tags=owned))
        aws.client("iam", DEV.data_lake).create_role(**role("nobodys", "/"))
        with taken_over(aws, DEV.data_lake_role_arn) as iam:
            tried = {name: attempted(iam, *call) for name, call in attempts.items()}
    assert tried == dict.fromkeys(attempts, "AccessDenied")


@pytest.mark.usefixtures("grants")
def test_without_the_grants_adopt_says_which_template_has_them(
    aws: EmbeddedAws, cloudformation: CloudFormation
) -> None:
    with adoptable(aws, "", afterwards="dms-*"):
        by_hand.make_role_and_policy(aws.client("iam", DEV.data_lake), DEV.bucket, "dms-orders", "dms-orders")
        answer = cloudformation.send("Create", ADOPTING)
    assert "accounts/data-lake.yaml" in refused(answer, "AccessDenied")
