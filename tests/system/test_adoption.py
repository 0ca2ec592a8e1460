"""ADOPT with IAM enforced: each grant of accounts/*.yaml for it is needed, and they let nothing else through."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from development.faults.inventory import Inventory, inventory_of
from local_aws import EmbeddedAws
from local_aws.cloudformation import CloudFormation
from local_aws.organisation import DEV, purge, update_account
from tests import by_hand

from .attempts import DOCUMENT, OWNER, TRUST, attempted, role, taken_over
from .test_permissions import Policy, listed, traced_in
from .world import adoptable, create, properties, refused, settings, tags_of, task_on, the_endpoint, update

Answer = dict[str, Any]
ADMINISTRATOR = "arn:aws:iam::aws:policy/AdministratorAccess"
BOUNDARY = "arn:aws:iam::aws:policy/PowerUserAccess"
ADOPTING = properties(ADOPT="true")
OWN = properties()
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
    """Of an endpoint that was made by hand. Role, policy and endpoint are removed at the end, if they still stand."""
    iam, dms = aws.client("iam", DEV.data_lake), aws.client("dms", DEV.dms)
    aws.switch(propagation_seconds=0.0)
    role_arn = by_hand.make_role_and_policy(iam, DEV.bucket, "dms-orders", "dms-orders")
    given = {"BucketName": DEV.bucket, "BucketFolder": "orders", "DataFormat": "parquet"}
    yield by_hand.make_endpoint(iam, dms, role_arn, lambda: time.sleep(0), **given)
    purge(aws, [DEV])


def delete(cloudformation: CloudFormation, given: Answer) -> Answer:
    return cloudformation.send("Delete", given, PhysicalResourceId="dev/orders")


def shown_of(aws: EmbeddedAws) -> Inventory:
    """All that the APIs show of what was made by hand, without our tags."""
    iam, dms = aws.client("iam", DEV.data_lake), aws.client("dms", DEV.dms)
    inventory = inventory_of(iam, dms, lambda name: name in ("orders", "dms-orders"))
    for piece in inventory.values():
        piece["tags"] = {key: value for key, value in piece["tags"].items() if not key.startswith("dms-s3-endpoint:")}
    return inventory


def test_an_endpoint_in_use_is_imported_and_given_back_without_a_trace(
    aws: EmbeddedAws, cloudformation: CloudFormation, arn: str
) -> None:
    before = shown_of(aws)
    with task_on(aws, arn):
        answer = create(cloudformation, ADOPT="true")
        assert answer["Data"]["EndpointArn"] == arn
        assert "dms-s3-endpoint:adopted" in tags_of(aws, arn)
        assert shown_of(aws) == before
        assert delete(cloudformation, ADOPTING)["Status"] == "SUCCESS"
    assert (shown_of(aws), tags_of(aws, arn)) == (before, {})


def test_what_differs_is_named_and_nothing_is_changed(
    aws: EmbeddedAws, cloudformation: CloudFormation, arn: str
) -> None:
    before = shown_of(aws)
    differing = ADOPTING | {"S3SETTINGS": settings(DATAFORMAT="csv"), "PERMISSIONSBOUNDARY": BOUNDARY}
    reason = refused(cloudformation.send("Create", differing), "InvalidRequest")
    assert "endpoint orders differs in DATAFORMAT" in reason
    assert "role dms-orders has boundary (none), not PERMISSIONSBOUNDARY" in reason
    assert (shown_of(aws), tags_of(aws, arn)) == (before, {})


def test_with_adopt_taken_out_it_is_changed_and_deleted_like_any_other(
    aws: EmbeddedAws, cloudformation: CloudFormation, arn: str
) -> None:
    _take_over(cloudformation)
    assert the_endpoint(aws)["EndpointArn"] == arn
    changed = properties(S3SETTINGS=settings(DATAFORMAT="csv"))
    assert update(cloudformation, OWN, changed)["Status"] == "SUCCESS"
    assert the_endpoint(aws)["S3Settings"]["DataFormat"].lower() == "csv"
    assert delete(cloudformation, changed)["Status"] == "SUCCESS"
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


def _adopt(cloudformation: CloudFormation) -> Answer:
    return cloudformation.send("Create", ADOPTING)


def _take_out(cloudformation: CloudFormation) -> Answer:
    return update(cloudformation, ADOPTING, OWN)


def _take_over(cloudformation: CloudFormation) -> None:
    """For good."""
    create(cloudformation, ADOPT="true")
    assert _take_out(cloudformation)["Status"] == "SUCCESS"


def _after(*before: Callable[[CloudFormation], object]) -> Callable[[CloudFormation], object]:
    return lambda cloudformation: [act(cloudformation) for act in before]


def _delete(given: Answer) -> Callable[[CloudFormation], Answer]:
    return lambda cloudformation: delete(cloudformation, given)


def _change(**changes: Any) -> Situation:
    """Of what was taken over."""
    return Situation(lambda cloudformation: update(cloudformation, OWN, properties(**changes)), before=_take_over)


TAGGED = properties(TAGS=[{"Key": "team", "Value": "data-lake"}])
ADOPT = Situation(_adopt)
GIVE_BACK = Situation(_delete(ADOPTING), before=_adopt)
DELETE = Situation(_delete(OWN), before=_after(_put_inline_policy, _take_over))
RETAG = _change(TAGS=TAGGED["TAGS"])
UNTAG = Situation(lambda cf: update(cf, TAGGED, OWN), before=_after(_take_over, lambda cf: update(cf, OWN, TAGGED)))
BOUND = properties(PERMISSIONSBOUNDARY=BOUNDARY)
ADOPTING_BOUND = BOUND | {"ADOPT": "true"}
UNBIND = Situation(
    lambda cf: update(cf, BOUND, OWN),
    before=_after(_bind, lambda cf: cf.send("Create", ADOPTING_BOUND), lambda cf: update(cf, ADOPTING_BOUND, BOUND)),
)
IN_ANOTHER_FOLDER = properties(S3SETTINGS=settings(BUCKETFOLDER="invoices"))
MOVE = Situation(lambda cf: update(cf, OWN, IN_ANOTHER_FOLDER), before=_take_over)
DELETE_MOVED = Situation(_delete(IN_ANOTHER_FOLDER), before=_after(_take_over, MOVE.request))
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
        ("AdoptedRoles", "iam:UpdateAssumeRolePolicy"): MOVE,
        ("AdoptedRoles", "iam:DetachRolePolicy"): DELETE,
        ("AdoptedRoles", "iam:ListRolePolicies"): DELETE,
        ("AdoptedRoles", "iam:DeleteRolePolicy"): DELETE,
        ("AdoptedRoles", "iam:DeleteRole"): DELETE,
        ("AttachAdopted", "iam:AttachRolePolicy"): _change(POLICYNAME="dms-new"),
        ("BoundariesOfAdopted", "iam:PutRolePermissionsBoundary"): _change(PERMISSIONSBOUNDARY=BOUNDARY),
        ("TakeBoundariesOfAdoptedAway", "iam:DeleteRolePermissionsBoundary"): UNBIND,
        ("AdoptedPolicies", "iam:CreatePolicyVersion"): MOVE,
        ("AdoptedPolicies", "iam:ListPolicyVersions"): DELETE_MOVED,
        ("AdoptedPolicies", "iam:DeletePolicyVersion"): DELETE_MOVED,
        ("AdoptedPolicies", "iam:DeletePolicy"): DELETE,
    },
    DEV.dms_role_arn: {
        ("GiveBackEndpoints", "dms:RemoveTagsFromResource"): GIVE_BACK,
        ("PassAdoptedRolesToDms", "iam:PassRole"): _change(S3SETTINGS=settings(DATAFORMAT="csv")),
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
