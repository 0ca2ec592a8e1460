"""ADOPT with IAM enforced: each grant of accounts/*.yaml for it is needed, and they let nothing else through."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatch
from typing import Any

import pytest

from development.faults.inventory import Inventory, inventory_of
from local_aws import EmbeddedAws
from local_aws.cloudformation import CloudFormation
from local_aws.organisation import DEV, policy_arns, purge
from tests import by_hand

from .attempts import (
    ADOPTABLE,
    DOCUMENT,
    ITSELF,
    MARK,
    ON_ADOPTABLE,
    ON_ADOPTABLE_ENDPOINTS,
    OWNER,
    POWER_USER,
    TRUST,
    UNTOUCHABLE,
    Attempts,
    changes_of,
    endpoint,
    pieces_of_others,
    taken_over,
)
from .second_engine import assert_refused_by_both, disagreements
from .test_permissions import Policy, granted_by, traced_in
from .world import (
    adoptable,
    allow_adoption,
    create,
    no_boundary_demanded,
    properties,
    refused,
    settings,
    tags_of,
    task_on,
    the_endpoint,
    update,
)

Answer = dict[str, Any]
ADOPTING = properties(ADOPT="true")
OWN = properties()


@pytest.fixture(scope="module")
def grants(deployed: EmbeddedAws) -> Iterator[None]:
    allow_adoption(deployed, ADOPTABLE)
    yield
    allow_adoption(deployed, "")


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
    differing = ADOPTING | {"S3SETTINGS": settings(DATAFORMAT="csv"), "PERMISSIONSBOUNDARY": POWER_USER}
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
    assert policy_arns(aws, DEV) == []


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
    _iam(cloudformation).put_role_permissions_boundary(RoleName="dms-orders", PermissionsBoundary=POWER_USER)


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
TAKE_OUT = Situation(_take_out, before=_adopt)
MARK_AGAIN = Situation(lambda cf: update(cf, OWN, ADOPTING), before=_take_over)
BOUND = properties(PERMISSIONSBOUNDARY=POWER_USER)
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
        ("ReadToAdopt", "iam:ListAttachedRolePolicies"): ADOPT,
        ("ReadToAdopt", "iam:GetPolicy"): ADOPT,
        ("ReadToAdopt", "iam:GetPolicyVersion"): ADOPT,
        ("ReadToAdopt", "iam:ListEntitiesForPolicy"): ADOPT,
        ("AdoptUnowned", "iam:TagRole"): ADOPT,
        ("AdoptUnowned", "iam:TagPolicy"): ADOPT,
        ("TagAdopted", "iam:TagRole"): RETAG,
        ("TagAdopted", "iam:UntagRole"): UNTAG,
        ("TagAdopted", "iam:TagPolicy"): RETAG,
        ("TagAdopted", "iam:UntagPolicy"): UNTAG,
        ("GiveBack", "iam:UntagRole"): GIVE_BACK,
        ("GiveBack", "iam:UntagPolicy"): GIVE_BACK,
        ("AdoptedRoles", "iam:UpdateAssumeRolePolicy"): MOVE,
        ("AdoptedRoles", "iam:DetachRolePolicy"): DELETE,
        ("AdoptedRoles", "iam:ListRolePolicies"): DELETE,
        ("AdoptedRoles", "iam:DeleteRolePolicy"): DELETE,
        ("AdoptedRoles", "iam:DeleteRole"): DELETE,
        ("AttachAdopted", "iam:AttachRolePolicy"): _change(POLICYNAME="dms-new"),
        ("BoundariesOfAdopted", "iam:PutRolePermissionsBoundary"): _change(PERMISSIONSBOUNDARY=DEV.boundary_arn),
        ("AdoptedPolicies", "iam:CreatePolicyVersion"): MOVE,
        ("AdoptedPolicies", "iam:ListPolicyVersions"): DELETE_MOVED,
        ("AdoptedPolicies", "iam:DeletePolicyVersion"): DELETE_MOVED,
        ("AdoptedPolicies", "iam:DeletePolicy"): DELETE,
    },
    DEV.dms_role_arn: {
        ("AdoptEndpoints", "dms:AddTagsToResource"): ADOPT,
        ("MarkEndpoints", "dms:AddTagsToResource"): MARK_AGAIN,
        ("GiveBackEndpoints", "dms:RemoveTagsFromResource"): TAKE_OUT,
        ("PassAdoptedRolesToDms", "iam:PassRole"): _change(S3SETTINGS=settings(DATAFORMAT="csv")),
    },
}
# And this one, where no boundary is demanded.
TAKE_AWAY = ("TakeBoundariesOfAdoptedAway", "iam:DeleteRolePermissionsBoundary")
GRANTS = [(role_arn, *grant) for role_arn, needed in NEEDED.items() for grant in needed]


@pytest.mark.usefixtures("grants")
@pytest.mark.parametrize("role_arn", NEEDED)
def test_no_grant_is_missing_in_the_table_above(aws: EmbeddedAws, role_arn: str) -> None:
    assert granted_by(aws, role_arn, "adoption") == NEEDED[role_arn].keys()


@pytest.mark.usefixtures("arn")
def test_where_no_boundary_is_demanded_it_can_be_taken_away_too_and_that_is_needed(
    aws: EmbeddedAws, cloudformation: CloudFormation
) -> None:
    with no_boundary_demanded(aws):
        granted = granted_by(aws, DEV.data_lake_role_arn, "adoption")
        UNBIND.before(cloudformation)
        with Policy.of(aws, DEV.data_lake_role_arn, "adoption").without(*TAKE_AWAY):
            answer = UNBIND.request(cloudformation)
    assert granted == {*NEEDED[DEV.data_lake_role_arn], TAKE_AWAY}
    assert TAKE_AWAY[1] in refused(answer, "AccessDenied")


def test_each_grant_is_traced_in_the_docs_to_what_needs_it() -> None:
    assert traced_in("adoption.md") == sorted([*((sid, action) for _role_arn, sid, action in GRANTS), TAKE_AWAY])


@pytest.mark.parametrize(("role_arn", "sid", "action"), GRANTS, ids=[f"{sid}-{action}" for _arn, sid, action in GRANTS])
def test_without_the_grant_a_request_fails_and_names_it(
    aws: EmbeddedAws, cloudformation: CloudFormation, arn: str, role_arn: str, sid: str, action: str
) -> None:
    situation = NEEDED[role_arn][sid, action]
    situation.before(cloudformation)
    with Policy.of(aws, role_arn, "adoption").without(sid, action):
        assert action in refused(situation.request(cloudformation), "AccessDenied")


@pytest.mark.usefixtures("arn")
@pytest.mark.parametrize("situation", dict.fromkeys(each for needed in NEEDED.values() for each in needed.values()))
def test_two_engines_decide_alike_on_each_call(
    aws: EmbeddedAws, cloudformation: CloudFormation, situation: Situation
) -> None:
    situation.before(cloudformation)
    situation.request(cloudformation)
    assert disagreements(aws, [each for each in aws.decisions() if each.resource != "*" or each.allowed]) == []


@pytest.mark.usefixtures("grants")
@pytest.mark.parametrize(
    ("role_arn", "attempts"),
    [(DEV.data_lake_role_arn, ON_ADOPTABLE), (DEV.dms_role_arn, ON_ADOPTABLE_ENDPOINTS)],
    ids=["roles and policies", "endpoints"],
)
def test_nothing_that_has_an_owner_can_be_adopted_and_nothing_changed_that_has_none(
    aws: EmbeddedAws, role_arn: str, attempts: Attempts
) -> None:
    with pieces_of_others(aws), taken_over(aws, role_arn) as client:
        assert_refused_by_both(aws, client, attempts)


@pytest.mark.usefixtures("grants")
@pytest.mark.parametrize("names", UNTOUCHABLE)
def test_whatever_may_be_adopted_what_is_ours_or_awss_can_not(aws: EmbeddedAws, names: str) -> None:
    given = UNTOUCHABLE[names]
    assert fnmatch(f"{given['Path']}{given['RoleName']}"[1:], names)
    named, iam = {"RoleName": given["RoleName"]}, aws.client("iam", DEV.data_lake)
    with adoptable(aws, names, afterwards=ADOPTABLE):
        role_arn = iam.create_role(**given)["Role"]["Arn"]
        with taken_over(aws, DEV.data_lake_role_arn) as client:
            assert_refused_by_both(aws, client, {"to adopt it": ("tag_role", {**named, "Tags": [*OWNER, MARK]})})
            iam.tag_role(**named, Tags=[*OWNER, MARK])
            assert_refused_by_both(aws, client, changes_of(given["RoleName"]))
        with taken_over(aws, DEV.dms_role_arn) as client:
            assert_refused_by_both(aws, client, {"to pass it": ("create_endpoint", endpoint(role_arn, Tags=OWNER))})


@pytest.mark.usefixtures("grants")
def test_whatever_may_be_adopted_its_own_role_and_the_boundary_can_not(aws: EmbeddedAws) -> None:
    policy = {"PolicyArn": DEV.boundary_arn}
    attempts: Attempts = {
        "itself": ("tag_role", {"RoleName": ITSELF, "Tags": OWNER}),
        "its trust": ("update_assume_role_policy", {"RoleName": ITSELF, "PolicyDocument": TRUST}),
        "the boundary": ("tag_policy", {**policy, "Tags": OWNER}),
    }
    as_if_adopted: Attempts = {
        "another boundary": ("create_policy_version", {**policy, "PolicyDocument": DOCUMENT, "SetAsDefault": True}),
        "no boundary": ("delete_policy", policy),
        "the boundary of nobody": ("untag_policy", {**policy, "TagKeys": [each["Key"] for each in OWNER]}),
    }
    iam = aws.client("iam", DEV.data_lake)
    with adoptable(aws, "dms-s3-endpoint-*", afterwards=ADOPTABLE), taken_over(aws, DEV.data_lake_role_arn) as client:
        another = iam.create_policy(PolicyName="dms-s3-endpoint-another", PolicyDocument=DOCUMENT)["Policy"]
        attempts["another's boundary"] = ("tag_policy", {"PolicyArn": another["Arn"], "Tags": OWNER})
        assert_refused_by_both(aws, client, attempts)
        iam.tag_policy(**policy, Tags=[*OWNER, MARK])
        assert_refused_by_both(aws, client, as_if_adopted)
        iam.untag_policy(**policy, TagKeys=[each["Key"] for each in [*OWNER, MARK]])


@pytest.mark.usefixtures("grants")
def test_without_the_grants_adopt_says_which_template_has_them(
    aws: EmbeddedAws, cloudformation: CloudFormation
) -> None:
    with adoptable(aws, "", afterwards=ADOPTABLE):
        by_hand.make_role_and_policy(aws.client("iam", DEV.data_lake), DEV.bucket, "dms-orders", "dms-orders")
        answer = cloudformation.send("Create", ADOPTING)
    assert "accounts/data-lake.yaml" in refused(answer, "AccessDenied")
