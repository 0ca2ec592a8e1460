"""Calls side by side: in their order, all of them ended, and no failure lost."""

from __future__ import annotations

import threading

import pytest

from dms_s3_endpoint.aws.parallel import in_parallel


def test_answers_come_in_the_order_of_the_calls() -> None:
    first_may_end = threading.Event()
    assert in_parallel(lambda: first_may_end.wait(5), first_may_end.set) == (True, None)


def test_the_first_failure_is_raised_once_all_have_ended() -> None:
    ended: list[str] = []

    def fail(name: str) -> None:
        ended.append(name)
        raise ValueError(name)

    with pytest.raises(ValueError, match="one"):
        in_parallel(lambda: fail("one"), lambda: fail("two"), lambda: ended.append("three"))
    assert sorted(ended) == ["one", "three", "two"]


def test_no_calls_are_no_answers() -> None:
    assert in_parallel() == ()
