"""Fleets in virtual time: `python -m development.benchmarks.scale`."""

from __future__ import annotations

import pytest

from development.benchmarks import scale
from development.benchmarks.model import BOUNDS
from development.benchmarks.scale import Fleet, bound_of

pytestmark = pytest.mark.usefixtures("in_memory")


def test_the_bound_of_few_is_that_of_one_and_of_many_what_dms_allows() -> None:
    assert bound_of("create", 36) == BOUNDS["create"].seconds()
    # Three calls of DMS for each, of which 200 are allowed at once and then 8 a second.
    assert bound_of("create", 1000) == (3 * 1000 - 200) / 8


def test_36_at_once_are_not_throttled() -> None:
    fleet = Fleet(36)
    for measured in (fleet.create(), fleet.delete()):
        assert (measured.failures, measured.throttled) == ({}, 0)
    assert fleet.cloud.inventory() == {}


def test_a_hundred_at_once_are_throttled_and_none_fails() -> None:
    fleet = Fleet(100)
    for measured in (fleet.create(), fleet.delete()):
        assert (measured.failures, measured.throttled > 0) == ({}, True)
    assert fleet.cloud.inventory() == {}


def test_a_request_whose_call_is_throttled_each_time_fails_and_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scale, "DMS_REFILL", 1.0)
    fleet = Fleet(50)
    created = fleet.create()
    assert created.failures.keys() == {"Throttled"}
    # An endpoint, a role and a policy of each that succeeded.
    assert len(fleet.cloud.inventory()) == 3 * (50 - created.failures["Throttled"])
