"""What a life's record tells a Plan, and what a Plan leaves in the record. The rules alone, without a cloud."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from dms_s3_endpoint.model.comparison import hash_of, made_with, snapshot
from dms_s3_endpoint.model.lives import Life, State
from dms_s3_endpoint.model.ownership import ADOPTED, FINGERPRINT
from dms_s3_endpoint.model.parse import parse
from dms_s3_endpoint.model.pieces import LiveEndpoint, Observed
from dms_s3_endpoint.procedure.known import after_success, before_plan, while_at_work
from dms_s3_endpoint.procedure.plan import Do, Plan, Step, baseline_of

from .builders import ENVIRONMENTS, make_properties

REGION = "eu-west-1"
TEAM, STAGE = [{"Key": "team", "Value": "data-lake"}], [{"Key": "stage", "Value": "dev"}]
OLD = parse(make_properties(TAGS=TEAM), ENVIRONMENTS)
NEW = parse(make_properties(ROLENAME="new-role", POLICYNAME="new-policy", TAGS=STAGE), ENVIRONMENTS)
NEWER = parse(make_properties(ROLENAME="newer-role"), ENVIRONMENTS)


def live(folder: str = "orders", tags: Mapping[str, str] | None = None) -> LiveEndpoint:
    return LiveEndpoint("arn", "orders", "active", "role", "one", {"BucketFolder": folder}, tags or {})


STANDING = Life(
    "create",
    "dev/orders",
    State.STANDS,
    roles=("dms-orders",),
    policies=("dms-orders",),
    tag_keys=("team",),
    made_with=made_with(OLD),
    snapshot=snapshot(live()),
    fingerprint=OLD.fingerprint,
    succeeded_with=(hash_of(OLD),),
)
BEGUN = Life("create", "dev/orders")
BASELINE = {"document": "as found", "boundary": "as found", "trust": "as it was"}
IMPORTED = replace(STANDING, is_import=True, baseline=BASELINE)


def doing(*dos: Do) -> Plan:
    return Plan(steps=tuple(Step(do, "orders") for do in dos))


# before_plan


def test_what_is_recorded_counts_and_the_properties_that_the_event_has_from_before_do_not() -> None:
    before = before_plan(STANDING, NEW, old_properties=OLD)
    assert (before.made_with, before.snapshot) == (STANDING.made_with, STANDING.snapshot)
    assert before.old_properties is None
    assert before.tag_keys == {"team"}
    assert before.succeeded


def test_where_no_request_knows_what_the_endpoint_is_the_properties_from_before_tell_it() -> None:
    unknown = replace(STANDING, made_with={}, snapshot={})
    assert before_plan(unknown, NEW, old_properties=OLD).old_properties == OLD


def test_they_tell_nothing_of_an_endpoint_that_a_request_was_changing() -> None:
    changing = replace(STANDING, made_with={}, is_changing=True)
    assert before_plan(changing, NEW, old_properties=OLD).old_properties is None


def test_what_is_known_of_an_endpoint_that_a_request_was_changing_is_tied_to_its_fingerprint() -> None:
    before = before_plan(replace(STANDING, is_changing=True), NEW, None)
    assert (before.fingerprint, before.succeeded) == (OLD.fingerprint, False)
    assert before.snapshot == STANDING.snapshot
    assert before_plan(STANDING, NEW, None).fingerprint == ""


def test_what_was_never_answered_as_success_did_not_succeed() -> None:
    assert not before_plan(BEGUN, OLD, None).succeeded
    assert before_plan(replace(STANDING, state=State.CONDEMNED), OLD, None).succeeded


def test_it_goes_back_to_what_succeeded_last_and_to_what_did_the_time_before() -> None:
    """An update that succeeded is rolled back too, when another resource of the stack fails."""
    life = after_success(after_success(STANDING, NEW, doing(), live()), NEWER, doing(), live())
    assert [before_plan(life, each, None).is_going_back for each in (NEWER, NEW, OLD)] == [True, True, False]


def test_what_an_import_found_is_told() -> None:
    before = before_plan(IMPORTED, OLD, None)
    assert (before.is_import, before.baseline) == (True, BASELINE)


# while_at_work


def test_the_names_and_tag_keys_of_both_are_recorded_before_anything_is_changed() -> None:
    life = while_at_work(STANDING, NEW, doing(Do.CREATE_ROLE), REGION)
    assert life.roles == ("dms-orders", "new-role")
    assert life.policies == ("dms-orders", "new-policy")
    assert life.tag_keys == ("stage", "team")


@pytest.mark.parametrize(("do", "is_changing"), [(Do.CREATE_ENDPOINT, True), (Do.REPLACE_DOCUMENT, False)])
def test_only_a_plan_that_creates_the_endpoint_changes_it_and_what_is_known_stays_until_it_has(
    do: Do, is_changing: bool
) -> None:
    life = while_at_work(STANDING, NEW, doing(do), REGION)
    assert life.is_changing is is_changing
    assert (life.made_with, life.snapshot) == (STANDING.made_with, STANDING.snapshot)
    assert life.fingerprint == OLD.fingerprint


def test_the_next_request_still_knows_that_the_one_before_was_changing_it() -> None:
    changing = replace(STANDING, is_changing=True)
    assert while_at_work(changing, NEW, doing(Do.RETAG), REGION).is_changing


IMPORTED_LIVE = Observed(live=live(tags={ADOPTED: "true"}))


@pytest.mark.parametrize("plan", [doing(Do.IMPORT), Plan(IMPORTED_LIVE), Plan(IMPORTED_LIVE, doing(Do.RETAG).steps)])
def test_an_import_is_recorded_also_one_that_only_the_mark_of_the_endpoint_tells(plan: Plan) -> None:
    life = while_at_work(STANDING, OLD, plan, REGION)
    assert (life.is_import, life.baseline) == (True, baseline_of(OLD, REGION))


def test_what_the_import_found_stays_the_baseline_of_later_requests() -> None:
    assert while_at_work(IMPORTED, NEW, Plan(IMPORTED_LIVE), REGION).baseline == BASELINE


def test_what_no_import_began_has_no_baseline() -> None:
    life = while_at_work(STANDING, OLD, Plan(Observed(live=live())), REGION)
    assert (life.is_import, life.baseline) == (False, {})


@pytest.mark.parametrize(
    ("do", "replaced"),
    [
        (Do.CREATE_POLICY, {"document"}),
        (Do.REPLACE_DOCUMENT, {"document"}),
        (Do.SET_BOUNDARY, {"boundary"}),
        (Do.CREATE_ROLE, {"boundary", "trust"}),
        (Do.CREATE_ENDPOINT, {"trust"}),
        (Do.RETAG, set()),
    ],
)
def test_a_change_of_ours_ends_what_the_import_found(do: Do, replaced: set[str]) -> None:
    assert set(BASELINE) - set(while_at_work(IMPORTED, NEW, doing(do), REGION).baseline) == replaced


# after_success


def test_only_the_names_and_tag_keys_that_were_wanted_are_left() -> None:
    life = after_success(while_at_work(STANDING, NEW, doing(), REGION), NEW, doing(), live())
    assert (life.roles, life.policies, life.tag_keys) == (("new-role",), ("new-policy",), ("stage",))


@pytest.mark.parametrize("life", [BEGUN, replace(STANDING, state=State.CONDEMNED, is_changing=True)])
def test_the_life_stands_and_nobody_is_changing_it(life: Life) -> None:
    done = after_success(life, NEW, doing(Do.CREATE_ENDPOINT), live("new"))
    assert (done.state, done.is_changing) == (State.STANDS, False)
    assert (done.made_with, done.fingerprint) == (made_with(NEW), NEW.fingerprint)
    assert done.snapshot == snapshot(live("new"))


OURS, OTHERS = {FINGERPRINT: OLD.fingerprint}, {FINGERPRINT: "of another"}


@pytest.mark.parametrize(
    ("life", "plan", "tags", "is_new"),
    [
        (STANDING, doing(Do.RETAG), OTHERS, False),
        (STANDING, doing(Do.CREATE_ENDPOINT), OURS, True),
        (replace(STANDING, snapshot={}), doing(), OURS, True),
        # A request died while it changed the endpoint, before it had deleted it, and after it had created it.
        (replace(STANDING, is_changing=True), doing(), OURS, False),
        (replace(STANDING, is_changing=True), doing(), OTHERS, True),
    ],
)
def test_the_snapshot_is_taken_of_each_new_endpoint_and_of_no_other(
    life: Life, plan: Plan, tags: dict[str, Any], is_new: bool
) -> None:
    """What somebody changed by hand while tasks were on it stays a difference."""
    looks = live("by-hand", tags)
    assert after_success(life, OLD, plan, looks).snapshot == (snapshot(looks) if is_new else STANDING.snapshot)


def test_the_last_two_successes_are_kept_each_once() -> None:
    life = STANDING
    for wanted in (OLD, NEW, NEW, OLD):
        life = after_success(life, wanted, doing(), live())
    assert life.succeeded_with == (hash_of(OLD), hash_of(NEW))
    assert after_success(life, NEWER, doing(), live()).succeeded_with == (hash_of(NEWER), hash_of(OLD))
