"""The decision alone: what stands goes in, the Plan comes out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from dms_s3_endpoint.model.endpoint import Endpoint
from dms_s3_endpoint.model.errors import Code, EndpointError
from dms_s3_endpoint.model.hashing import fingerprint
from dms_s3_endpoint.model.ownership import ADOPTED, FINGERPRINT, Owner
from dms_s3_endpoint.model.parse import parse
from dms_s3_endpoint.model.pieces import LiveEndpoint, Observed, Policy, Role, role_fingerprint
from dms_s3_endpoint.model.policies import access_policy, trust_policy
from dms_s3_endpoint.procedure.adoption import objections
from dms_s3_endpoint.procedure.plan import Before, Do, Plan, Step, decide
from dms_s3_endpoint.procedure.preview import Report, preview

from .builders import DATA_LAKE, DMS, ENVIRONMENTS, STACK_ID, make_properties

REGION = "eu-west-1"
OWNER = Owner(STACK_ID, "Endpoint", "dev/orders")
ROLE_ARN = f"arn:aws:iam::{DATA_LAKE}:role/dms-orders"
POLICY_ARN = f"arn:aws:iam::{DATA_LAKE}:policy/dms-orders"
MARK = {ADOPTED: "true"}


def wanted(**changes: Any) -> Endpoint:
    """With a catalog, so that the policy names a region."""
    settings = {"BUCKETNAME": "data-lake-dev", "GLUECATALOGGENERATION": "true"}
    return parse(make_properties(S3SETTINGS=settings, **changes), ENVIRONMENTS)


def fingerprints(of: Endpoint) -> tuple[str, str, str]:
    """Of policy, role and endpoint."""
    role = role_fingerprint(of.role_name, of.permissions_boundary)
    return fingerprint(access_policy(of, REGION)), role, of.fingerprint


def standing(of: Endpoint, tags: tuple[Mapping[str, str], ...] = ({}, {}, {}), **live: Any) -> Observed:
    """Policy, role and endpoint as wanted, with these tags; `live` changes the endpoint."""
    about: dict[str, Any] = {
        "arn": f"arn:aws:dms:{REGION}:{DMS}:endpoint:orders",
        "identifier": "orders",
        "status": "active",
        "role_arn": ROLE_ARN,
        "external_id": "one",
        "settings": of.effective_settings,
        "kind": "target of s3",
    }
    return Observed(
        Policy("dms-orders", POLICY_ARN, access_policy(of, REGION), tags[0]),
        Role("dms-orders", ROLE_ARN, trust_policy(["one"]), "", tags[1]),
        LiveEndpoint(tags=tags[2], **(about | live)),
        frozenset({POLICY_ARN}),
    )


def owned(of: Endpoint, **more: str) -> Observed:
    tags = tuple(OWNER.tags(each) | more for each in fingerprints(of))
    return standing(of, tags)


def test_what_was_made_by_hand_is_imported_with_our_tags_and_the_mark() -> None:
    adopting = wanted(ADOPT="true")
    observed = standing(adopting)
    plan = decide(adopting, OWNER, observed, REGION)
    names = ("policy dms-orders", "role dms-orders", "endpoint orders")
    assert plan.refusals == ()
    assert plan.steps == tuple(
        Step(Do.IMPORT, name, "it was made by hand", piece, OWNER.tags(tag) | MARK)
        for name, piece, tag in zip(names, observed.pieces, fingerprints(adopting), strict=True)
    )


def test_the_mark_is_set_again_where_an_update_that_took_adopt_out_is_rolled_back() -> None:
    adopting = wanted(ADOPT="true")
    policy, role, live = (OWNER.tags(each) for each in fingerprints(adopting))
    observed = standing(adopting, (policy, role, live | MARK))
    assert decide(adopting, OWNER, observed, REGION, Before(frozenset())).steps == tuple(
        Step(Do.IMPORT, name, "its endpoint was made by hand", piece, MARK)
        for name, piece in (("policy dms-orders", observed.policy), ("role dms-orders", observed.role))
    )


def test_an_import_names_a_missing_bucket_and_role_as_none() -> None:
    adopting = wanted(ADOPT="true")
    found = objections(adopting, standing(adopting, settings={}, role_arn=""))
    assert found[:2] == [
        "endpoint orders has bucket (none), not data-lake-dev",
        f"endpoint orders has role (none), not dms-orders of account {DATA_LAKE}",
    ]


def test_what_stands_as_wanted_needs_no_step() -> None:
    assert decide(wanted(), OWNER, owned(wanted()), REGION, Before(frozenset())).steps == ()
    elsewhere = decide(wanted(), OWNER, owned(wanted()), "eu-central-1", Before(frozenset()))
    assert [(step.do, step.name) for step in elsewhere.steps] == [
        (Do.REPLACE_DOCUMENT, "dms-orders"),
        (Do.RETAG, "policy dms-orders"),
    ]
    assert elsewhere.steps[1].added == {FINGERPRINT: fingerprint(access_policy(wanted(), "eu-central-1"))}


@pytest.mark.parametrize(
    ("key", "removed"), [("team", ()), ("Stage", ("Stage",)), ("STAGE", ("STAGE",)), ("stage", ("stage",))]
)
def test_a_tag_that_is_given_up_is_removed_unless_the_new_key_differs_in_case_alone(
    key: str, removed: tuple[str, ...]
) -> None:
    observed = owned(wanted(), **{key: "x", "theirs": "y"})
    plan = decide(wanted(TAGS=[{"Key": "TEAM", "Value": "x"}]), OWNER, observed, REGION, Before(frozenset({key})))
    assert [(step.do, step.added, step.removed) for step in plan.steps] == [(Do.RETAG, {"TEAM": "x"}, removed)] * 3


def test_a_report_keeps_the_problems_that_it_had_before_the_plan() -> None:
    report = Report(problems=["before"])
    refusal = EndpointError(Code.NAME_TAKEN, "role x exists", "Choose another name")
    preview(Plan(refusals=(refusal,)), False, report)
    assert report.problems == ["before", "NameTaken: role x exists. Choose another name"]
