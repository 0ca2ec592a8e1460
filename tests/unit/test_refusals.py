"""The watch over what DMS refuses (tests/refusals.py), and what a user sees of a refusal that nothing can foresee."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from development.faults.stack import Stack
from tests.refusals import all_foreseen

from .builders import STACK_ID, make_event, make_properties
from .in_memory import REFUSALS, CloudInMemory

pytestmark = pytest.mark.usefixtures("in_memory")
# DMS does not know it, and the function can't know that.
UNKNOWN = make_properties(EXTRACONNECTIONATTRIBUTES="maxFileSizes=7")


def watched(*marks: str, met: list[str]) -> None:
    """What the watch says of a test with these marks in which DMS refused this."""
    test: Any = SimpleNamespace(get_closest_marker=lambda name: name in marks)
    refusals = ["before"]
    with all_foreseen(test, lambda: refusals):
        refusals += met


def test_a_test_fails_if_dms_refuses_what_it_does_not_provoke() -> None:
    watched(met=[])
    with pytest.raises(AssertionError, match=r"the function should have refused: one; other$"):
        watched(met=["one", "other", "one"])


def test_a_test_that_is_marked_fails_if_it_provokes_nothing() -> None:
    watched("provokes", met=["one"])
    with pytest.raises(AssertionError, match="DMS refused no parameter"):
        watched("provokes", met=[])


@pytest.mark.provokes
def test_a_create_that_dms_refuses_ends_with_the_words_of_dms_and_leaves_nothing() -> None:
    cloud = CloudInMemory()
    (answer,) = cloud.deliver(make_event("Create", ResourceProperties=UNKNOWN))
    assert answer["Reason"].startswith("InvalidRequest: create-endpoint orders: InvalidParameterValueException: ")
    assert REFUSALS[-1] in answer["Reason"]
    assert cloud.inventory() == {}


@pytest.mark.provokes
def test_an_update_that_dms_refuses_is_rolled_back_whole() -> None:
    stack = Stack(CloudInMemory(), STACK_ID)
    assert stack.create(make_properties())
    before = stack.cloud.inventory()
    assert not stack.update(UNKNOWN)
    assert (stack.cloud.inventory(), stack.violations) == (before, [])
