from __future__ import annotations

from dataclasses import replace

import pytest

from dms_s3_endpoint.aws.deadline import SECONDS_FOR_THE_LAST_CALL, OutOfTimeError

from .builders import FakeClock


def test_the_first_attempt_comes_at_once_and_the_pauses_grow_to_the_longest() -> None:
    clock = FakeClock()
    for waited in clock.deadline().attempts(first=1.0, longest=4.0):
        if waited > 30:
            break
    assert clock.slept[:4] == [1.0, 1.6, pytest.approx(2.56), 4.0]
    assert set(clock.slept[4:]) == {4.0}


def test_the_longest_pause_may_depend_on_how_long_one_has_waited() -> None:
    clock = FakeClock()
    for waited in clock.deadline().attempts(first=8.0, longest=lambda waited: 2.0 if 20.0 <= waited < 30.0 else 8.0):
        if waited > 60:
            break
    assert clock.slept == pytest.approx([8.0, 8.0, 8.0, 2.0, 2.0, 2.0, 3.2, 5.12, 8.0, 8.0, 8.0])


def test_each_throttled_attempt_makes_the_pauses_longer_until_they_are_three_times_as_long() -> None:
    clock, throttled = FakeClock(), list[str]()
    attempts = replace(clock.deadline(), throttled=throttled).attempts(first=2.0, longest=2.0)
    next(attempts)
    for _ in range(6):
        next(attempts)
        throttled.append("DescribeEndpoints")
    assert clock.slept == [2.0, 3.0, 4.0, 5.0, 6.0, 6.0]


def test_the_last_attempt_falls_on_the_limit() -> None:
    assert list(FakeClock().deadline().attempts(at_most=10.0))[-1] == pytest.approx(10.0)


def test_no_wait_goes_past_the_deadline() -> None:
    clock = FakeClock()
    assert list(clock.deadline(20.0).attempts(at_most=300.0))[-1] == 20.0 - SECONDS_FOR_THE_LAST_CALL


def test_there_is_one_attempt_even_when_no_time_is_left() -> None:
    assert list(FakeClock(now=100.0).deadline(20.0).attempts()) == [0.0]


def test_calls_are_stopped_from_the_deadline_on() -> None:
    FakeClock(now=19.9).deadline(20.0).raise_if_over()
    with pytest.raises(OutOfTimeError):
        FakeClock(now=20.0).deadline(20.0).raise_if_over()


def test_a_wait_that_the_deadline_ended_is_told_from_one_that_had_its_time() -> None:
    in_time, late = FakeClock().deadline(20.0), FakeClock().deadline(20.0)
    list(in_time.attempts(at_most=10.0))
    list(late.attempts(at_most=300.0))
    assert (in_time.is_near(), late.is_near()) == (False, True)
