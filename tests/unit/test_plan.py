"""The decision alone: what stands goes in, the Plan comes out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from development.faults.scenarios import BOUNDARY
from dms_s3_endpoint.model.comparison import made_with, snapshot
from dms_s3_endpoint.model.endpoint import Endpoint
from dms_s3_endpoint.model.errors import Code, EndpointError
from dms_s3_endpoint.model.hashing import fingerprint
from dms_s3_endpoint.model.ownership import ADOPTED, FINGERPRINT, Owner
from dms_s3_endpoint.model.parse import parse
from dms_s3_endpoint.model.pieces import LiveEndpoint, Observed, Policy, Role, role_fingerprint
from dms_s3_endpoint.model.policies import access_policy, trust_policy
from dms_s3_endpoint.procedure.adoption import objections
from dms_s3_endpoint.procedure.before import Before
from dms_s3_endpoint.procedure.plan import Do, Plan, Step, decide
from dms_s3_endpoint.procedure.preview import Report, preview
from dms_s3_endpoint.procedure.recreation import why_recreated

from .builders import DATA_LAKE, DMS, ENVIRONMENTS, STACK_ID, make_properties

REGION = "eu-west-1"
OWNER = Owner(STACK_ID, "Endpoint", "dev/orders")
ROLE_ARN = f"arn:aws:iam::{DATA_LAKE}:role/dms-orders"
POLICY_ARN = f"arn:aws:iam::{DATA_LAKE}:policy/dms-orders"
MARK = {ADOPTED: "true"}


def wanted(**changes: Any) -> Endpoint:
    """With a catalog, so that the policy names a region."""
    settings = {"BUCKETNAME": "data-lake-dev", "GLUECATALOGGENERATION": "true", "INCLUDEOPFORFULLLOAD": "true"}
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


def test_an_import_warns_of_what_stays_open_and_of_an_arn_that_will_change() -> None:
    adopting = wanted(ADOPT="true")
    by_hand = with_live(standing(adopting), arn=f"arn:aws:dms:{REGION}:{DMS}:endpoint:BYHAND")
    assert by_hand.role
    by_hand = replace(by_hand, role=replace(by_hand.role, trust_policy=trust_policy([])))
    assert decide(adopting, OWNER, by_hand, REGION).warnings == (
        "endpoint orders keeps its ARN until it is created again; then its last part changes",
        "role dms-orders admits DMS with any ExternalId, until the endpoint is created again",
    )
    assert decide(adopting, OWNER, standing(adopting), REGION).warnings == ()


def test_an_endpoint_that_is_created_again_with_another_arn_is_warned_of() -> None:
    observed = with_live(owned(wanting()), arn=f"arn:aws:dms:{REGION}:{DMS}:endpoint:BYHAND")
    plan = decide(wanting(MAXFILESIZE="8"), OWNER, observed, REGION, known(wanting(), observed))
    assert plan.has(Do.DELETE_ENDPOINT)
    assert plan.warnings == ("endpoint orders gets another ARN: its last part becomes orders",)
    unchanged = decide(wanting(), OWNER, observed, REGION, known(wanting(), observed))
    assert (unchanged.steps, unchanged.warnings) == ((), ())


def test_an_import_names_a_missing_bucket_and_role_as_none() -> None:
    adopting = wanted(ADOPT="true")
    found = objections(adopting, standing(adopting, settings={}, role_arn=""))
    assert found[:2] == [
        "endpoint orders has bucket (none), not data-lake-dev",
        f"endpoint orders has role (none), not dms-orders of account {DATA_LAKE}",
    ]


def test_each_step_says_why_it_is_taken() -> None:
    absent = "it does not exist"
    assert decide(wanted(), OWNER, Observed(), REGION).steps == (
        Step(Do.CREATE_POLICY, "dms-orders", absent),
        Step(Do.CREATE_ROLE, "dms-orders", absent),
        Step(Do.CREATE_ENDPOINT, "orders", absent),
        Step(Do.ATTACH, "dms-orders", "role dms-orders does not have it"),
    )


@pytest.mark.parametrize(
    ("declared", "stands", "reason"),
    [(BOUNDARY, "", f"it has none, not {BOUNDARY}"), ("", BOUNDARY, f"it has {BOUNDARY}, not none")],
)
def test_a_boundary_that_differs_is_named_with_the_one_that_is_wanted(declared: str, stands: str, reason: str) -> None:
    of = wanted(PERMISSIONSBOUNDARY=declared)
    observed = owned(of)
    assert observed.role
    role = replace(observed.role, permissions_boundary=stands)
    (step,) = decide(of, OWNER, replace(observed, role=role), REGION, Before()).steps
    assert step == Step(Do.SET_BOUNDARY, "dms-orders", reason, role)


def test_what_stands_as_wanted_needs_no_step() -> None:
    assert decide(wanted(), OWNER, owned(wanted()), REGION, Before(frozenset())).steps == ()
    elsewhere = decide(wanted(), OWNER, owned(wanted()), "eu-central-1", Before(frozenset()))
    assert [(step.do, step.name) for step in elsewhere.steps] == [
        (Do.REPLACE_DOCUMENT, "dms-orders"),
        (Do.RETAG, "policy dms-orders"),
    ]
    assert elsewhere.steps[1].added == {FINGERPRINT: fingerprint(access_policy(wanted(), "eu-central-1"))}


@pytest.mark.parametrize("key", ["team", "Stage"])
def test_a_tag_that_is_given_up_is_removed_from_each_piece_also_where_the_new_key_differs_in_case_alone(
    key: str,
) -> None:
    observed = owned(wanted(), **{key: "x", "theirs": "y"})
    plan = decide(wanted(TAGS=[{"Key": "TEAM", "Value": "x"}]), OWNER, observed, REGION, Before(frozenset({key})))
    assert [(step.do, step.added, step.removed) for step in plan.steps] == [(Do.RETAG, {"TEAM": "x"}, (key,))] * 3


# When the endpoint is created anew


def wanting(**settings: Any) -> Endpoint:
    return parse(make_properties(S3SETTINGS={"BUCKETNAME": "data-lake-dev", **settings}), ENVIRONMENTS)


def known(of: Endpoint, observed: Observed, **more: Any) -> Before:
    """As the last request recorded it."""
    assert observed.live
    return Before(made_with=made_with(of), snapshot=snapshot(observed.live), succeeded=True, **more)


def with_live(observed: Observed, **changes: Any) -> Observed:
    assert observed.live
    return replace(observed, live=replace(observed.live, **changes))


def modified(observed: Observed, **settings: Any) -> Observed:
    """As ModifyEndpoint does it."""
    assert observed.live
    return with_live(observed, settings={**observed.live.settings, **settings})


def reasons(plan: Plan) -> list[str]:
    assert plan.refusals == ()
    return [step.reason for step in plan.of(Do.DELETE_ENDPOINT)]


def test_settings_that_are_wanted_otherwise_than_before_recreate_it_also_those_that_are_taken_out() -> None:
    old = wanting(CDCPATH="changes", MAXFILESIZE="7")
    observed = owned(old)
    plan = decide(wanting(MAXFILESIZE="8"), OWNER, observed, REGION, known(old, observed))
    assert reasons(plan) == ["CDCPATH, MAXFILESIZE differs"]


@pytest.mark.parametrize("tag", ["", "of an older release"])
def test_a_fingerprint_that_is_lost_or_another_is_written_again_and_recreates_nothing(tag: str) -> None:
    observed = owned(wanting())
    assert observed.live
    tags = {**observed.live.tags, FINGERPRINT: tag}
    if not tag:
        del tags[FINGERPRINT]
    observed = with_live(observed, tags=tags)
    plan = decide(wanting(), OWNER, observed, REGION, known(wanting(), observed))
    assert [(step.do, step.name, dict(step.added)) for step in plan.steps] == [
        (Do.RETAG, "endpoint orders", {FINGERPRINT: wanting().fingerprint})
    ]


def test_what_was_changed_by_hand_since_it_became_active_recreates_it() -> None:
    before = known(wanting(), owned(wanting()))
    observed = modified(owned(wanting()), MaxFileSize=7)
    assert reasons(decide(wanting(), OWNER, observed, REGION, before)) == ["MAXFILESIZE changed by hand"]


def test_what_was_changed_by_hand_stays_while_tasks_use_the_endpoint_and_all_else_is_done() -> None:
    before = known(wanting(), owned(wanting()))
    observed = replace(modified(owned(wanting()), MaxFileSize=7), users=("task replication",))
    tagged = parse(make_properties(TAGS=[{"Key": "team", "Value": "x"}]), ENVIRONMENTS)
    plan = decide(tagged, OWNER, observed, REGION, before)
    assert (plan.refusals, [step.do for step in plan.steps]) == ((), [Do.RETAG] * 3)
    assert plan.warnings == ("orders stays as it is, as tasks use it: MAXFILESIZE changed by hand",)


def test_settings_that_are_wanted_otherwise_are_refused_while_tasks_use_the_endpoint() -> None:
    observed = replace(owned(wanting()), users=("task replication",))
    plan = decide(wanting(MAXFILESIZE="8"), OWNER, observed, REGION, known(wanting(), observed))
    assert [refusal.code for refusal in plan.refusals] == [Code.ENDPOINT_IN_USE]


@pytest.mark.parametrize(("status", "found"), [("active", []), ("modifying", []), ("failed", ["its status is failed"])])
def test_a_status_that_passes_recreates_nothing(status: str, found: list[str]) -> None:
    observed = with_live(owned(wanting()), status=status)
    assert reasons(decide(wanting(), OWNER, observed, REGION, known(wanting(), observed))) == found


def test_where_nothing_is_recorded_the_fingerprint_tells_that_the_endpoint_is_as_wanted() -> None:
    """So do the old properties that the event has, and where these are none, the live settings."""
    observed = modified(owned(wanting()), CdcPath="somewhere")
    assert reasons(decide(wanting(), OWNER, observed, REGION)) == []
    untold = with_live(observed, tags=OWNER.tags("lost"))
    assert reasons(decide(wanting(), OWNER, untold, REGION, Before(old_properties=wanting()))) == []
    assert reasons(decide(wanting(), OWNER, untold, REGION)) == ["CDCPATH differs"]


def test_without_a_record_the_old_properties_tell_what_is_wanted_otherwise() -> None:
    observed = owned(wanting(MAXFILESIZE="7"))
    plan = decide(wanting(), OWNER, observed, REGION, Before(old_properties=wanting(MAXFILESIZE="7")))
    assert reasons(plan) == ["MAXFILESIZE differs"]


def test_where_nothing_else_tells_what_was_wanted_role_and_resource_identifier_are_compared_too() -> None:
    observed = owned(wanting(MAXFILESIZE="7"), life="another")
    another = with_live(observed, role_arn=f"{ROLE_ARN}-2", arn=f"arn:aws:dms:{REGION}:{DMS}:endpoint:BYHAND", tags={})
    assert why_recreated(wanting(), another, Before()) == "MAXFILESIZE, ROLENAME, RESOURCEIDENTIFIER differs"


# What is refused


def test_a_piece_of_another_life_is_taken_by_whoever_its_tags_name() -> None:
    observed = owned(wanting())
    (first, *_) = decide(wanting(), replace(OWNER, life="another"), observed, REGION).refusals
    assert (first.code, "is Endpoint of stack orders/" in first.reason) == (Code.NAME_TAKEN, True)


def test_a_piece_of_the_endpoint_that_is_replaced_is_told_from_one_of_others() -> None:
    observed = replace(owned(wanting()), live=None)
    new = replace(OWNER, physical_id="dev/new")
    (first, *_) = decide(wanting(), new, observed, REGION, Before(replaces="dev/orders")).refusals
    assert first.reason.startswith("InvalidRequest: policy dms-orders belongs to the endpoint that this update repl")
    others = tuple(replace(OWNER, stack_id="others").tags(each) for each in fingerprints(wanting()))
    (first, *_) = decide(wanting(), new, standing(wanting(), others), REGION, Before(replaces="dev/orders")).refusals
    assert first.code is Code.NAME_TAKEN


def test_an_instance_of_another_region_is_refused_before_anything_is_changed() -> None:
    testing = wanted(TESTREPLICATIONINSTANCEARN=f"arn:aws:dms:us-east-1:{DMS}:rep:TESTS")
    (refusal,) = decide(testing, OWNER, Observed(), REGION).refusals
    assert refusal.reason.startswith("InvalidRequest: TESTREPLICATIONINSTANCEARN is in us-east-1, and the endpoint in")


@pytest.mark.parametrize(
    ("demands", "stands", "reason"),
    [
        (True, "", "it does not demand aws:SourceAccount"),
        (False, DMS, "it demands aws:SourceAccount"),
        (True, DMS, ""),
        (False, "", ""),
    ],
)
def test_the_trust_is_written_again_where_the_function_demands_the_source_account_otherwise(
    demands: bool, stands: str, reason: str
) -> None:
    of = replace(wanted(), environment=replace(wanted().environment, demands_source_account=demands))
    observed = owned(of)
    assert observed.role
    role = replace(observed.role, trust_policy=trust_policy(["one"], source_account=stands))
    plan = decide(of, OWNER, replace(observed, role=role), REGION, Before())
    assert plan.steps == ((Step(Do.BIND_TRUST, "dms-orders", reason, role),) if reason else ())


def test_a_trust_that_demands_another_external_id_is_written_again() -> None:
    observed = owned(wanted())
    assert observed.role
    role = replace(observed.role, trust_policy=trust_policy(["another"]))
    (step,) = decide(wanted(), OWNER, replace(observed, role=role), REGION, Before()).steps
    assert step == Step(Do.BIND_TRUST, "dms-orders", "it does not demand the endpoint's ExternalId", role)


def test_a_resource_identifier_that_another_endpoint_has_is_refused_before_the_delete() -> None:
    observed = replace(owned(wanting()), arn_taken_by="theirs")
    plan = decide(wanting(MAXFILESIZE="8"), OWNER, observed, REGION, known(wanting(), observed))
    (refusal,) = plan.refusals
    assert refusal.reason.startswith("NameTaken: create-endpoint orders: endpoint theirs has this RESOURCEIDENTIFIER")
    assert refusal.reason.endswith("Choose another RESOURCEIDENTIFIER")


# Connection tests


@pytest.mark.parametrize(
    ("before", "tests"),
    [
        (Before(), True),
        (Before(succeeded=True), False),
        (Before(is_going_back=True), False),
        (Before(succeeded=True, is_going_back=True), False),
    ],
)
def test_an_endpoint_that_stands_is_tested_if_it_never_succeeded_and_a_rollback_tests_nothing(
    before: Before, tests: bool
) -> None:
    testing = wanted(TESTREPLICATIONINSTANCEARN=f"arn:aws:dms:{REGION}:{DMS}:rep:TESTS")
    assert decide(testing, OWNER, owned(testing), REGION, before).has(Do.TEST_CONNECTION) is tests


def test_an_endpoint_that_is_created_anew_is_tested_though_it_succeeded_but_not_in_a_rollback() -> None:
    testing = wanted(TESTREPLICATIONINSTANCEARN=f"arn:aws:dms:{REGION}:{DMS}:rep:TESTS")
    failed = with_live(owned(testing), status="failed")
    assert decide(testing, OWNER, failed, REGION, Before(succeeded=True)).has(Do.TEST_CONNECTION)
    going_back = Before(succeeded=True, is_going_back=True)
    assert not decide(testing, OWNER, failed, REGION, going_back).has(Do.TEST_CONNECTION)


def test_a_report_keeps_the_problems_that_it_had_before_the_plan() -> None:
    report = Report(problems=["before"])
    refusal = EndpointError(Code.NAME_TAKEN, "role x exists", "Choose another name")
    preview(Plan(refusals=(refusal,)), False, report)
    assert report.problems == ["before", "NameTaken: role x exists. Choose another name"]
