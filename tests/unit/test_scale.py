"""Fleets in virtual time: `python -m development.benchmarks.scale`."""

from __future__ import annotations

import pytest

from development.benchmarks.model import BOUNDS
from development.benchmarks.scale import Fleet, bound_of

pytestmark = pytest.mark.usefixtures("in_memory")


def test_the_bound_of_few_is_that_of_one_and_of_many_what_dms_allows() -> None:
    assert bound_of("create", 36) == BOUNDS["create"].seconds
    # Three calls of DMS for each, of which 200 are allowed at once and then 8 a second.
    assert bound_of("create", 1000) == (3 * 1000 - 200) / 8


def test_36_at_once_are_not_throttled() -> None:
    fleet = Fleet(36)
    for scale in (fleet.create(), fleet.delete()):
        assert (scale.failures, scale.throttled) == ({}, 0)
    assert fleet.cloud.inventory() == {}


def test_of_too_many_at_once_some_are_throttled_and_leave_nothing() -> None:
    fleet = Fleet(100)
    scale = fleet.create()
    assert scale.failures.keys() == {"Throttled"}
    # An endpoint, a role and a policy of each that succeeded.
    assert len(fleet.cloud.inventory()) == 3 * (100 - scale.failures["Throttled"])
