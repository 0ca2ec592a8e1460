"""One request at a time: each rule of the lease, in virtual time, with the real table's code over one in memory."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from development.faults.scenarios import another_folder, properties
from dms_s3_endpoint.aws.deadline import SECONDS_KEPT_TO_ANSWER
from dms_s3_endpoint.aws.lease_table import NoTableError
from dms_s3_endpoint.aws.sessions import (
    ADDRESSES,
    CALLS,
    CALLS_OF_LEASES,
    SECONDS_AFTER_GIVING_UP,
    SECONDS_OF_AN_ATTEMPT,
    SECONDS_TO_CONNECT,
    SECONDS_TO_READ,
)
from dms_s3_endpoint.cloudformation.event import Event
from dms_s3_endpoint.cloudformation.lifecycle import answer
from dms_s3_endpoint.cloudformation.response import SECONDS_BEFORE_THE_END
from dms_s3_endpoint.model.errors import EndpointError
from dms_s3_endpoint.model.lives import Answer, Life, Record, State
from dms_s3_endpoint.model.physical_id import read_physical_id
from dms_s3_endpoint.procedure.lease import (
    SECONDS_AFTER_THE_END,
    SECONDS_OF_A_CONFIRMATION,
    SECONDS_TO_SETTLE,
    SECONDS_UNTIL_OTHERS_STOPPED,
    AnsweredError,
    Lease,
    LeaseLostError,
)

from .builders import URL, FakeClock, make_event, make_url
from .in_memory import EPOCH, CloudInMemory, DeploymentInMemory, kill_after, lose_answer_once, refuse
from .races import RacingClock
from .wire import TIMED_OUT, Attempt, KilledError

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.usefixtures("in_memory")
OURS = properties("orders")
S_AND_T = SECONDS_UNTIL_OTHERS_STOPPED
# A few calls to the table, of 0.01 s each; and a pause of the waiting.
MOMENT, PAUSE = 0.1, 4.0
STANDING = Life("first", "dev/orders", State.STANDS)


class Resource:
    """One resource of a stack, and the runs of the function for its requests."""

    def __init__(self, clock: FakeClock | None = None) -> None:
        self.clock = clock or FakeClock()
        self.cloud = CloudInMemory(self.clock)

    def run(self, request_id: str, issued: float | None = None, kind: str = "Update") -> DeploymentInMemory:
        """A run that has not begun. Without a time the request does not tell when it was issued."""
        url = URL if issued is None else make_url(issued)
        return self.cloud.deployment(Event.read(make_event(kind, RequestId=request_id, ResponseURL=url)))

    def lease(self, request_id: str, issued: float | None = None) -> Lease:
        return self.run(request_id, issued).lease

    def held(self, request_id: str = "first", issued: float | None = None) -> Lease:
        """The lease of a new resource's first request."""
        lease = self.lease(request_id, issued)
        lease.acquire(is_create=True)
        return lease

    def seconds_of(self, work: Callable[[], object]) -> float:
        began = self.clock.now
        work()
        return self.clock.now - began

    @property
    def item(self) -> Any:
        (item,) = (self.cloud.dynamodb.items or {}).values()
        return item


def is_held(lease: Lease) -> bool:
    try:
        lease.ensure_held("any")
    except LeaseLostError:
        return False
    return True


def answered(lease: Lease) -> Answer:
    return Answer(lease.request_id, "dev/orders")


def wait_and_acquire(waited: dict[str, float], clock: FakeClock, lease: Lease) -> None:
    """Notes how long it took, or -1 if the lease was lost meanwhile; the lease then gives way."""
    began = clock.now
    try:
        lease.acquire()
    except LeaseLostError:
        lease.give_way()
        waited[lease.request_id] = -1.0
    else:
        waited[lease.request_id] = clock.now - began


# Who waits, and for how long


def test_the_first_create_of_a_resource_takes_the_lease_without_waiting() -> None:
    resource = Resource()
    lease = resource.lease("first")
    assert resource.seconds_of(lambda: lease.acquire(is_create=True)) < MOMENT
    assert (is_held(lease), lease.record) == (True, Record(is_complete=True, open_create="first"))


@pytest.mark.parametrize("acquire", [Lease.acquire, Lease.acquire_for_delete])
def test_an_update_or_delete_that_finds_no_item_waits_as_somebody_may_have_lost_it(
    acquire: Callable[[Lease], None],
) -> None:
    resource = Resource()
    lease = resource.lease("first")
    assert resource.seconds_of(lambda: acquire(lease)) == pytest.approx(S_AND_T, abs=MOMENT)
    assert (is_held(lease), lease.record) == (True, Record(is_complete=False))


@pytest.mark.parametrize(("code", "then"), [("", True), ("Throttled", False)])
def test_what_is_known_is_all_there_is_once_a_request_succeeded(code: str, then: bool) -> None:
    resource = Resource()
    first, second, third = (resource.lease(each) for each in ("first", "second", "third"))
    first.acquire()
    first.end(replace(answered(first), code=code))
    second.acquire()
    assert second.record.is_complete is then
    second.end(replace(answered(second), code="Throttled"))
    third.acquire()
    assert third.record.is_complete is then


def test_a_successor_does_not_wait_for_a_request_that_has_ended() -> None:
    resource = Resource()
    first = resource.held()
    first.end(answered(first))
    second = resource.lease("second")
    assert resource.seconds_of(second.acquire) < MOMENT


def test_a_successor_waits_until_the_other_said_that_it_stopped() -> None:
    clock = RacingClock()
    resource, waited = Resource(clock), dict[str, float]()
    first, second = resource.held(), resource.lease("second")

    def stop() -> None:
        assert not is_held(first)
        first.give_way()

    clock.race((0.0, partial(wait_and_acquire, waited, clock, second)), (20.0, stop))
    assert 20.0 < waited["second"] < 20.0 + PAUSE
    assert is_held(second)


def test_a_successor_waits_no_longer_than_others_can_have_a_call_in_flight() -> None:
    resource = Resource()
    resource.held()
    second = resource.lease("second")
    assert resource.seconds_of(second.acquire) == pytest.approx(S_AND_T, abs=MOMENT)
    assert is_held(second)


def test_a_successor_says_in_the_log_that_it_waits(caplog: pytest.LogCaptureFixture) -> None:
    resource = Resource()
    resource.held()
    resource.lease("second").acquire()
    assert caplog.messages == ["Another request is at work on the resource: waiting until it stopped"]


def test_a_successor_whose_time_ends_while_it_waits_says_why_it_changed_nothing() -> None:
    resource = Resource()
    resource.held()
    second = resource.lease("second")
    resource.clock.now += second.deadline.left() - 30.0
    with pytest.raises(EndpointError, match="NotStabilized: get-item lease: another request may still be at work"):
        second.acquire()


def test_a_successor_counts_from_when_its_own_write_was_acknowledged() -> None:
    resource = Resource()
    resource.held()
    second = resource.run("second")
    second.wire.disturb = lambda name, _nth: [Attempt(answered=2.5)] if name == "put_item" else []
    assert resource.seconds_of(second.lease.acquire) == pytest.approx(2.5 + S_AND_T, abs=MOMENT)


def test_in_a_chain_of_three_the_last_still_waits_for_the_first() -> None:
    clock = RacingClock()
    resource, waited = Resource(clock), dict[str, float]()
    resource.held()
    second, third = resource.lease("second"), resource.lease("third")
    clock.race(
        (0.0, partial(wait_and_acquire, waited, clock, second)),
        (10.0, partial(wait_and_acquire, waited, clock, third)),
    )
    assert waited["second"] == -1.0
    assert waited["third"] == pytest.approx(S_AND_T, abs=MOMENT)


def test_in_a_chain_of_three_the_last_goes_on_once_both_others_said_that_they_stopped() -> None:
    clock = RacingClock()
    resource, waited = Resource(clock), dict[str, float]()
    first, second, third = resource.held(), resource.lease("second"), resource.lease("third")
    clock.race(
        (0.0, partial(wait_and_acquire, waited, clock, second)),
        (10.0, partial(wait_and_acquire, waited, clock, third)),
        (30.0, first.give_way),
    )
    assert waited["second"] == -1.0
    assert 20.0 < waited["third"] < 20.0 + PAUSE


def test_one_that_was_killed_while_it_waited_is_waited_for_as_the_first_is() -> None:
    clock = RacingClock()
    resource = Resource(clock)
    first, second, third = resource.held(), resource.run("second"), resource.lease("third")
    second.wire.happenings = {("put_item", 1): kill_after}
    with pytest.raises(KilledError):
        second.lease.acquire()
    first.give_way()
    assert resource.seconds_of(third.acquire) == pytest.approx(S_AND_T, abs=MOMENT)


def test_what_a_request_did_not_live_to_see_is_given_the_time_to_show() -> None:
    resource = Resource()
    first = resource.held()
    first.write(Record().with_life(STANDING))
    second, third = resource.lease("second"), resource.lease("third")
    assert resource.seconds_of(second.acquire) == pytest.approx(S_AND_T + SECONDS_TO_SETTLE, abs=MOMENT)
    second.end(answered(second))
    assert resource.seconds_of(third.acquire) < MOMENT


def test_what_a_request_that_gave_way_had_begun_is_given_the_time_to_show() -> None:
    clock = RacingClock()
    resource, waited = Resource(clock), dict[str, float]()
    first, second = resource.held(), resource.lease("second")
    first.write(Record().with_life(STANDING))
    clock.race((0.0, partial(wait_and_acquire, waited, clock, second)), (10.0, first.give_way))
    assert 10.0 + SECONDS_TO_SETTLE < waited["second"] < 10.0 + SECONDS_TO_SETTLE + PAUSE


# Who wins


def test_a_request_that_was_issued_earlier_fails_and_changes_nothing() -> None:
    resource = Resource()
    later = resource.held("later", issued=100.0)
    before, stale = dict(resource.item), resource.lease("stale", issued=99.0)
    with pytest.raises(LeaseLostError) as raised:
        stale.acquire()
    assert (raised.value.to_itself, resource.item) == (False, before)
    stale.give_way()
    assert is_held(later)


def test_a_request_that_was_issued_earlier_fails_also_after_the_later_one_has_ended() -> None:
    resource = Resource()
    later = resource.held("later", issued=100.0)
    later.end(answered(later))
    with pytest.raises(LeaseLostError):
        resource.lease("stale", issued=99.0).acquire()


@pytest.mark.parametrize(
    ("first", "second"), [(100.0, 101.0), (100.0, 100.0), (100.0, None), (None, 100.0), (None, None)]
)
def test_a_later_request_wins_and_where_no_time_tells_the_last_to_begin(
    first: float | None, second: float | None
) -> None:
    resource = Resource()
    one, other = resource.held("one", first), resource.lease("other", second)
    other.acquire()
    assert (is_held(one), is_held(other)) == (False, True)


def test_a_request_of_an_unknown_time_does_not_let_a_stale_one_in() -> None:
    resource = Resource()
    resource.held("first", 100.0)
    resource.lease("unknown").acquire()
    with pytest.raises(LeaseLostError):
        resource.lease("stale", 99.0).acquire()


def test_a_request_that_is_displaced_while_it_waits_fails() -> None:
    clock = RacingClock()
    resource, waited = Resource(clock), dict[str, float]()
    resource.held("first", 100.0)
    clock.race(
        (0.0, partial(wait_and_acquire, waited, clock, resource.lease("second", 101.0))),
        (5.0, partial(wait_and_acquire, waited, clock, resource.lease("third", 102.0))),
    )
    assert waited["second"] == -1.0


def overtaken_by(other: Lease) -> Callable[[Callable[[], Any]], Any]:
    """At a write: another run writes just before."""

    def overtake(effect: Callable[[], Any]) -> Any:
        other.acquire(is_create=True)
        return effect()

    return overtake


def test_two_that_begin_at_once_do_not_both_believe_that_they_came_first() -> None:
    resource = Resource()
    slower, faster = resource.run("slower"), resource.lease("faster")
    slower.wire.happenings = {("put_item", 1): overtaken_by(faster)}
    seconds = resource.seconds_of(lambda: slower.lease.acquire(is_create=True))
    assert S_AND_T < seconds < S_AND_T + PAUSE
    assert (is_held(faster), is_held(slower.lease)) == (False, True)


def test_one_that_is_overtaken_by_a_later_request_before_its_first_write_fails() -> None:
    resource = Resource()
    slower, faster = resource.run("slower", 100.0), resource.lease("faster", 101.0)
    slower.wire.happenings = {("put_item", 1): overtaken_by(faster)}
    with pytest.raises(LeaseLostError):
        slower.lease.acquire()
    assert is_held(faster)


# Two deliveries of one event


def test_of_two_deliveries_the_later_wins_and_the_displaced_knows_that_it_was_by_itself() -> None:
    resource = Resource()
    first, again = resource.held("event", 100.0), resource.lease("event", 100.0)
    again.acquire()
    with pytest.raises(LeaseLostError) as raised:
        first.ensure_held("any")
    assert raised.value.to_itself


def create(**changes: Any) -> dict[str, Any]:
    return make_event("Create", ResourceProperties=OURS, ResponseURL=make_url(0.0), **changes)


def test_of_two_deliveries_side_by_side_one_answers_and_the_endpoint_stands() -> None:
    clock = RacingClock()
    resource = Resource(clock)
    deliver = partial(resource.cloud.deliver, create())
    first, second = clock.race((0.0, deliver), (0.3, deliver))
    assert (first, [said["Status"] for said in second]) == ([], ["SUCCESS"])
    assert [live.identifier for live in resource.cloud.dms.endpoints.standing()] == ["orders"]


def test_the_displaced_delivery_is_answered_with_nothing_by_the_lifecycle() -> None:
    clock = RacingClock()
    resource = Resource(clock)
    request = Event.read(create())
    runs = [resource.cloud.deployment(request), resource.cloud.deployment(request)]
    first, second = clock.race((0.0, lambda: answer(request, runs[0])), (0.3, lambda: answer(request, runs[1])))
    assert first is None
    assert second.is_success


def test_a_request_that_was_displaced_by_another_event_answers_that_it_failed() -> None:
    clock = RacingClock()
    resource = Resource(clock)
    gone = make_event("Delete", PhysicalResourceId="s-E-1", RequestId="2", ResourceProperties=OURS)
    created, deleted = clock.race(
        (0.0, partial(resource.cloud.deliver, create())),
        (0.3, partial(resource.cloud.deliver, gone | {"ResponseURL": make_url(1.0)})),
    )
    assert created[0]["Reason"] == (
        "NotStabilized: a later request for this resource came, so this one stopped. "
        "Nothing, if the stack is rolling back; otherwise deploy again"
    )
    assert (deleted[0]["Status"], resource.cloud.inventory()) == ("SUCCESS", {})


def test_a_request_that_has_ended_is_answered_again_as_it_was_and_changes_nothing() -> None:
    resource = Resource()
    first = resource.cloud.deliver(create())
    run = resource.cloud.deployment(Event.read(create()))
    again = answer(Event.read(create()), run)
    assert again
    assert (run.wire.calls, dict(again.attributes)) == (["get_item"], first[0]["Data"])


def test_a_failure_is_answered_again_too_though_it_would_succeed_by_now() -> None:
    resource = Resource()
    resource.cloud.happenings = {("create_role", 1): refuse("AccessDenied")}
    first = resource.cloud.deliver(create())
    assert first[0]["Status"] == "FAILED"
    assert resource.cloud.deliver(create()) == first


def test_a_request_is_answered_as_it_was_also_after_later_ones() -> None:
    resource = Resource()
    first = resource.held("first", 100.0)
    first.end(answered(first))
    second = resource.lease("second", 101.0)
    second.acquire()
    with pytest.raises(AnsweredError) as raised:
        resource.lease("first", 100.0).acquire()
    assert raised.value.answer == answered(first)
    assert is_held(second)


# What the holder asks before each attempt


def test_a_displaced_run_holds_nothing_any_more() -> None:
    resource = Resource()
    first = resource.held()
    assert is_held(first)
    resource.lease("second").acquire()
    with pytest.raises(LeaseLostError) as raised:
        first.ensure_held("any")
    assert not raised.value.to_itself


def test_a_run_whose_item_is_gone_has_lost_the_lease_and_never_takes_it_anew() -> None:
    resource = Resource()
    first = resource.held()
    resource.cloud.dynamodb.items = {}
    assert not is_held(first)
    with pytest.raises(LeaseLostError):
        first.write(Record())
    with pytest.raises(LeaseLostError):
        first.end(answered(first))
    assert resource.cloud.dynamodb.items == {}


def test_a_run_that_the_watchdog_closed_starts_nothing_and_is_not_taken_for_stopped() -> None:
    resource = Resource()
    first = resource.held()
    first.close()
    first.end_late(answered(first))
    assert not is_held(first)
    first.give_way()
    second = resource.lease("second")
    assert resource.seconds_of(second.acquire) == pytest.approx(S_AND_T, abs=MOMENT)
    assert second.record.answer_to("first") == answered(first)


def test_a_closed_run_raises_nothing_where_the_lease_is_lost_and_logs_why(caplog: pytest.LogCaptureFixture) -> None:
    resource = Resource()
    first = resource.held()
    resource.lease("second").acquire()
    first.close()
    first.end_late(answered(first))
    assert resource.item["request_id"] == {"S": "second"}
    (record,) = [each for each in caplog.records if each.message == "The answer was not recorded"]
    assert record.exc_info
    assert record.exc_info[0] is LeaseLostError


def test_a_confirmation_that_took_too_long_is_asked_for_again() -> None:
    resource = Resource()
    run = resource.run("first")
    run.lease.acquire(is_create=True)
    slow = [Attempt(error=TIMED_OUT, delay=9.0), Attempt(delay=9.0), Attempt()]
    run.wire.disturb = lambda name, nth: slow if (name, nth) == ("get_item", 2) else []
    run.lease.ensure_held("any")
    assert run.wire.calls == ["get_item", "put_item", "get_item", "get_item"]


def test_a_confirmation_that_came_in_time_is_not_asked_for_again() -> None:
    resource = Resource()
    run = resource.run("first")
    run.lease.acquire(is_create=True)
    run.wire.disturb = lambda _name, _nth: [Attempt(delay=9.0), Attempt()]
    assert 3.0 < resource.seconds_of(lambda: run.lease.ensure_held("any")) < SECONDS_OF_A_CONFIRMATION
    assert run.wire.calls.count("get_item") == 2


def test_a_run_that_was_displaced_while_its_confirmation_was_on_its_way_starts_nothing() -> None:
    resource = Resource()
    run = resource.run("first")
    run.lease.acquire(is_create=True)

    def answer_late(effect: Callable[[], Any]) -> Any:
        shown = effect()
        resource.lease("second").acquire()
        return shown

    run.wire.happenings = {("get_item", 2): answer_late}
    assert not is_held(run.lease)


@pytest.mark.parametrize("acquired_before", [True, False])
def test_a_changing_call_is_made_only_by_who_holds_the_lease_and_a_read_by_anybody(acquired_before: bool) -> None:
    resource = Resource()
    run = resource.run("first")
    if acquired_before:
        run.lease.acquire(is_create=True)
    assert run.accounts.iam.find_role("orders") is None
    owner = Event.read(make_event("Create")).owner(STANDING)
    make = partial(run.accounts.iam.create_role, "orders", {"Statement": []}, "", owner.path, {})
    if acquired_before:
        assert make()
    else:
        with pytest.raises(LeaseLostError):
            make()
    assert ("orders" in resource.cloud.iam.roles) is acquired_before


def test_a_call_that_is_throttled_is_not_repeated_once_the_lease_is_lost() -> None:
    clock = RacingClock()
    resource, waited = Resource(clock), dict[str, float]()
    run, second = resource.run("first"), resource.lease("second")
    run.lease.acquire(is_create=True)
    throttled = Attempt(error="Throttling", takes_effect=False)
    run.wire.disturb = lambda name, _nth: [throttled] * 7 if name == "create_role" else []
    owner = Event.read(make_event("Create")).owner(STANDING)

    def make() -> None:
        with pytest.raises(LeaseLostError):
            run.accounts.iam.create_role("orders", {"Statement": []}, "", owner.path, {})
        run.lease.give_way()

    clock.race((0.0, make), (3.0, partial(wait_and_acquire, waited, clock, second)))
    assert resource.cloud.iam.roles == {}
    assert waited["second"] < S_AND_T


# What is written


@pytest.mark.parametrize("nth", [1, 2, 3])
def test_a_write_whose_answer_was_lost_meets_itself(nth: int) -> None:
    resource = Resource()
    run = resource.run("first")
    run.wire.happenings = {("put_item", nth): lose_answer_once}
    run.lease.acquire(is_create=True)
    run.lease.write(Record().with_life(STANDING))
    assert is_held(run.lease)
    run.lease.end(answered(run.lease))
    assert resource.clock.now < 1.0
    second = resource.lease("second")
    second.acquire()
    assert (second.record.lives, second.record.answers) == ((STANDING,), (answered(run.lease),))


@pytest.mark.parametrize(
    "write", [lambda lease: lease.write(Record()), lambda lease: lease.end(answered(lease))], ids=["write", "end"]
)
def test_what_another_run_overtook_is_not_written(write: Callable[[Lease], None]) -> None:
    resource = Resource()
    first, second = resource.held(), resource.lease("second")
    second.acquire()
    before = dict(resource.item)
    with pytest.raises(LeaseLostError) as raised:
        write(first)
    assert (raised.value.to_itself, resource.item) == (False, before)


def test_what_was_written_beside_the_holder_is_not_overwritten() -> None:
    resource = Resource()
    first = resource.held()
    resource.item["version"] = {"N": "7"}
    with pytest.raises(LeaseLostError):
        first.write(Record())
    assert resource.item["version"] == {"N": "7"}


def test_an_answer_that_could_not_be_recorded_is_not_given() -> None:
    resource = Resource()
    throttled = refuse("ThrottlingException")
    resource.cloud.happenings = {("put_item", 3): throttled}
    (said,) = resource.cloud.deliver(create())
    assert said["Reason"].startswith("Throttled: put-item lease: ThrottlingException")
    assert said["PhysicalResourceId"] == "dev/orders"


def test_what_is_known_is_written_before_it_is_made() -> None:
    resource = Resource()
    resource.cloud.happenings = {("create_policy", 1): kill_after}
    assert resource.cloud.deliver(create()) == []
    lease = resource.lease("another")
    lease.look()
    (life,) = lease.record.lives
    assert (life.physical_id, life.state, life.is_changing) == ("dev/orders", State.BEGUN, True)
    assert (life.roles, life.policies) == ((OURS["ROLENAME"],), (OURS["POLICYNAME"],))
    assert lease.record.is_unsettled


def test_an_attempt_that_was_not_answered_leaves_the_run_unstopped() -> None:
    resource = Resource()
    first, second = resource.held(), resource.lease("second")
    first.write(Record())
    first.note_unanswered("any")
    first.end(answered(first))
    assert resource.seconds_of(second.acquire) == pytest.approx(S_AND_T + SECONDS_TO_SETTLE, abs=MOMENT)
    assert second.record.answer_to("first") == answered(first)


def test_an_attempt_that_can_take_effect_no_more_leaves_nobody_waiting() -> None:
    resource = Resource()
    first, second = resource.held(), resource.lease("second")
    first.note_unanswered("any")
    resource.clock.now += S_AND_T + 0.1
    first.end(answered(first))
    assert resource.seconds_of(second.acquire) < MOMENT


def test_a_displaced_run_does_not_say_that_it_stopped_while_a_call_may_be_in_flight() -> None:
    clock = RacingClock()
    resource, waited = Resource(clock), dict[str, float]()
    first, second = resource.held(), resource.lease("second")

    def stop() -> None:
        first.note_unanswered("any")
        first.give_way()

    clock.race((0.0, partial(wait_and_acquire, waited, clock, second)), (10.0, stop))
    assert waited["second"] == pytest.approx(S_AND_T, abs=MOMENT)


def test_after_an_attempt_without_an_answer_another_operation_waits_until_that_can_take_effect_no_more() -> None:
    resource = Resource()
    first = resource.held()
    first.note_unanswered("create_endpoint")
    resource.clock.now += 1.0
    assert resource.seconds_of(lambda: first.ensure_held("create_endpoint")) < MOMENT
    seconds = resource.seconds_of(lambda: first.ensure_held("delete_endpoint"))
    assert seconds == pytest.approx(SECONDS_AFTER_GIVING_UP - 1.0, abs=MOMENT)
    assert resource.seconds_of(lambda: first.ensure_held("delete_endpoint")) < MOMENT


def test_one_that_was_displaced_while_it_waited_for_its_own_call_starts_nothing() -> None:
    clock = RacingClock()
    resource, waited = Resource(clock), dict[str, float]()
    first, second = resource.held(), resource.lease("second")
    first.note_unanswered("create_endpoint")

    def delete_next() -> None:
        with pytest.raises(LeaseLostError):
            first.ensure_held("delete_endpoint")

    clock.race((0.0, delete_next), (1.0, partial(wait_and_acquire, waited, clock, second)))
    assert is_held(second)


def test_a_call_whose_answer_was_lost_is_noted_as_unanswered() -> None:
    resource = Resource()
    run = resource.run("first")
    run.lease.acquire(is_create=True)
    run.wire.disturb = lambda name, _nth: [Attempt(answered=30.0)] if name == "create_role" else []
    owner = Event.read(make_event("Create")).owner(STANDING)
    run.accounts.iam.create_role("orders", {"Statement": []}, "", owner.path, {})
    run.lease.end(answered(run.lease))
    assert resource.item["holder"] == {"S": run.lease.token}


def test_the_item_outlives_the_last_life_by_the_longest_age_of_an_event_and_is_kept_as_long_as_one_is_there() -> None:
    resource = Resource()
    first = resource.held()
    first.record = Record().with_life(STANDING)
    first.end(answered(first))
    assert "expires" not in resource.item
    second = resource.lease("second")
    second.acquire()
    second.record = second.record.without(STANDING)
    second.end(answered(second))
    assert int(resource.item["expires"]["N"]) == pytest.approx(EPOCH + resource.clock.now + 4500, abs=1.0)
    third = resource.lease("third")
    third.acquire()
    assert "expires" not in resource.item


def test_a_create_lets_go_of_what_stands_with_the_very_write_that_takes_the_lease() -> None:
    """Killed at once, it leaves a record by which its Delete does not take what stood before for its own."""
    resource = Resource()
    first = resource.held()
    first.record = Record().with_life(STANDING)
    first.end(answered(first))
    second, third = resource.run("second"), resource.lease("third")
    second.wire.happenings = {("put_item", 1): kill_after}
    with pytest.raises(KilledError):
        second.lease.acquire(is_create=True)
    third.acquire()
    assert third.record.lives == ()
    assert third.record.is_complete


def test_a_create_that_is_delivered_again_does_not_let_go_of_what_it_made_itself() -> None:
    resource = Resource()
    first, again = resource.held(), resource.lease("first")
    first.write(Record().with_life(STANDING))
    again.acquire(is_create=True)
    assert [life.state for life in again.record.lives] == [State.STANDS]


def test_who_takes_the_lease_notes_when_the_first_request_after_a_life_came() -> None:
    resource = Resource()
    first = resource.held(issued=100.0)
    first.record = Record().with_life(STANDING)
    first.end(answered(first))
    for request_id, issued in (("second", 200.0), ("third", 300.0)):
        lease = resource.lease(request_id, issued)
        lease.acquire()
        lease.end(answered(lease))
        assert [life.followed for life in lease.record.lives] == [EPOCH + 200.0]


def test_a_check_reads_what_is_known_and_takes_nothing() -> None:
    resource = Resource()
    looking = resource.lease("check")
    looking.look()
    assert (looking.record, resource.cloud.dynamodb.items) == (Record(), {})
    first = resource.held()
    first.write(Record().with_life(STANDING))
    looking.look()
    assert looking.record.lives == (STANDING,)
    assert is_held(first)


# Without the table


def stood() -> Resource:
    """A resource that stands, and whose table is gone."""
    resource = Resource()
    assert resource.cloud.deliver(create())[0]["Status"] == "SUCCESS"
    resource.cloud.dynamodb.items = None
    return resource


def test_without_the_table_a_create_fails_and_changes_nothing() -> None:
    resource = Resource()
    resource.cloud.dynamodb.items = None
    (said,) = resource.cloud.deliver(create())
    assert said["Reason"].startswith("InternalError: get-item: table leases of the leases does not exist. Deploy ")
    assert resource.cloud.inventory() == {}


def test_what_a_create_answers_without_its_lease_has_no_real_id_and_its_delete_removes_what_it_began() -> None:
    """As a first delivery of it may have made something that the second can't know of."""
    resource = Resource()
    resource.cloud.happenings = {("create_role", 1): kill_after}
    assert resource.cloud.deliver(create()) == []
    resource.cloud.happenings = {("get_item", 1): refuse("ThrottlingException")}
    (said,) = resource.cloud.deliver(create())
    assert (said["Status"], read_physical_id(said["PhysicalResourceId"])) == ("FAILED", None)
    (said,) = resource.cloud.deliver(delete(said["PhysicalResourceId"]))
    assert (said["Status"], resource.cloud.inventory()) == ("SUCCESS", {})


def test_without_the_table_a_delete_of_the_marker_succeeds_as_it_means_nothing() -> None:
    resource = stood()
    before = resource.cloud.inventory()
    (said,) = resource.cloud.deliver(delete("invalid/Endpoint"))
    assert (said["Status"], resource.cloud.inventory()) == ("SUCCESS", before)


def test_without_the_table_an_update_fails_and_changes_nothing() -> None:
    resource = stood()
    before = resource.cloud.inventory()
    given = {"ResourceProperties": another_folder("orders"), "OldResourceProperties": OURS}
    (said,) = resource.cloud.deliver(make_event("Update", PhysicalResourceId="dev/orders", **given))
    assert (said["Status"], said["PhysicalResourceId"]) == ("FAILED", "dev/orders")
    assert resource.cloud.inventory() == before


def delete(physical_id: str) -> dict[str, Any]:
    ids = {"PhysicalResourceId": physical_id, "RequestId": "2"}
    return make_event("Delete", ResourceProperties=OURS, ResponseURL=make_url(1.0), **ids)


def test_without_the_table_a_delete_of_a_real_id_waits_and_removes_what_has_its_tags() -> None:
    resource = stood()
    seconds = resource.seconds_of(lambda: resource.cloud.deliver(delete("dev/orders")))
    assert seconds >= S_AND_T + SECONDS_TO_SETTLE
    assert resource.cloud.inventory() == {}


def test_without_the_table_a_delete_of_an_invented_id_removes_nothing(caplog: pytest.LogCaptureFixture) -> None:
    resource = stood()
    before = resource.cloud.inventory()
    (said,) = resource.cloud.deliver(delete("stack-Endpoint-1A2B3C"))
    assert (said["Status"], resource.cloud.inventory()) == ("SUCCESS", before)
    assert "No Create of this resource is on record" in caplog.text


@pytest.mark.parametrize(("code", "says"), [("ThrottlingException", "Throttled"), ("AccessDenied", "AccessDenied")])
@pytest.mark.parametrize("call", ["get_item", "put_item"])
def test_a_table_that_throttles_or_denies_fails_each_request_and_nothing_is_changed(
    call: str, code: str, says: str
) -> None:
    resource = Resource()
    resource.cloud.deliver(create())
    before = resource.cloud.inventory()
    given = {"ResourceProperties": another_folder("orders"), "OldResourceProperties": OURS, "RequestId": "3"}
    updated = make_event("Update", PhysicalResourceId="dev/orders", ResponseURL=make_url(1.0), **given)
    for event in (updated, delete("dev/orders"), delete("stack-Endpoint-1A2B3C")):
        resource.cloud.happenings = {(call, 1): refuse(code)}
        (said,) = resource.cloud.deliver(event)
        assert said["Reason"].startswith(f"{says}: {call.replace('_', '-')} lease: {code}"), said
    assert resource.cloud.inventory() == before


def test_a_table_that_goes_while_a_request_holds_its_lease_stops_it(caplog: pytest.LogCaptureFixture) -> None:
    resource = Resource()
    first = resource.held()
    resource.cloud.dynamodb.items = None
    with pytest.raises(NoTableError):
        first.ensure_held("any")
    first.give_way()
    (record,) = caplog.records
    assert record.message == "The successor was not told"
    assert "update-item" in vars(record)["cause"]
    first.close()
    first.end_late(answered(first))


def test_who_never_took_the_lease_writes_nothing() -> None:
    resource = Resource()
    lease = resource.lease("first")
    lease.write(Record().with_life(STANDING))
    lease.end(answered(lease))
    lease.give_way()
    assert resource.cloud.dynamodb.items == {}


def test_one_that_never_gets_its_turn_fails_at_the_deadline() -> None:
    resource = Resource()
    run = resource.run("first")
    overtaken = refuse("ConditionalCheckFailedException")
    run.wire.happenings = {("put_item", nth): overtaken for nth in range(1, 1000)}
    with pytest.raises(EndpointError, match="NotStabilized"):
        run.lease.acquire(is_create=True)
    assert resource.clock.now > 800.0


# The arithmetic: the constants stand in sessions.py, lease.py, deadline.py and response.py

IN_FLIGHT = SECONDS_TO_CONNECT * ADDRESSES + SECONDS_TO_READ


def timeouts(config: Any) -> tuple[float, float]:
    """To connect, and to read."""
    return config.connect_timeout, config.read_timeout


def test_the_seconds_that_a_successor_waits_cover_the_last_attempt_that_was_confirmed_before() -> None:
    assert timeouts(CALLS) == (SECONDS_TO_CONNECT, SECONDS_TO_READ)
    assert IN_FLIGHT + SECONDS_AFTER_GIVING_UP == SECONDS_OF_AN_ATTEMPT == 40
    assert SECONDS_OF_A_CONFIRMATION + SECONDS_OF_AN_ATTEMPT == SECONDS_UNTIL_OTHERS_STOPPED == 45.0


def test_a_confirmation_may_use_its_timeouts_once_and_still_counts() -> None:
    assert sum(timeouts(CALLS_OF_LEASES)) <= SECONDS_OF_A_CONFIRMATION


def test_the_time_that_is_kept_to_answer_covers_the_call_in_flight_and_the_answer() -> None:
    assert IN_FLIGHT + SECONDS_BEFORE_THE_END <= SECONDS_KEPT_TO_ANSWER


def test_one_write_of_the_watchdog_leaves_the_time_to_answer() -> None:
    to_connect, to_read = timeouts(CALLS_OF_LEASES)
    assert to_connect * ADDRESSES + to_read < SECONDS_BEFORE_THE_END


def test_an_item_outlives_the_longest_age_of_an_event_and_the_longest_run() -> None:
    function = (ROOT / "template.yaml").read_text()
    ages = [int(each) for each in re.findall(r"^ +(?:MaximumEventAgeInSeconds|Timeout): (\d+)", function, re.MULTILINE)]
    assert len(ages) == 2
    assert sum(ages) == SECONDS_AFTER_THE_END


def test_a_displaced_delivery_answers_nothing_either_once_the_next_request_has_the_lease() -> None:
    resource = Resource()
    first, again, successor = resource.held(), resource.lease("first"), resource.lease("second")
    again.acquire()
    assert not first.was_answered()
    again.end(answered(again))
    successor.acquire()
    assert not is_held(first)
    assert first.was_answered()
