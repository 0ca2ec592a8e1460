"""Each request, at each call that it makes, each fault; then what CloudFormation does; under each variant of AWS."""

from __future__ import annotations

import random
from typing import Any

import pytest

from development.faults.run import Ended, run
from development.faults.scenarios import SCENARIOS
from development.faults.stack import Event
from development.faults.variants import VARIANTS

from .in_memory import FAULTS, CloudInMemory, FakeCloudFormation, refuse
from .wire import Happening

pytestmark = pytest.mark.usefixtures("in_memory", "no_log")
# Polling repeats itself: of one operation, a request's first calls, and no more.
CALLS_OF_AN_OPERATION = 6
# Of the cells of a request, so many are drawn, unless --all-faults is given.
RUNS_OF_THE_USUAL, RUNS_OF_A_VARIANT = 50, 3


def cloud_of(variant: str) -> CloudInMemory:
    """In the usual one the function asks CloudFormation, too, which no variant changes."""
    cloud = CloudInMemory(cloudformation=FakeCloudFormation() if variant == "usual" else None)
    cloud.switch(**VARIANTS[variant])
    return cloud


def calls_of(request_kind: str, variant: str) -> list[str]:
    """The calls of the request when nothing is wrong."""
    calls_by_event: dict[str, list[str]] = {}
    watched: list[str] = []
    cloud = cloud_of(variant)
    cloud.on_end = lambda event, calls, _: calls_by_event.update({event["RequestId"]: calls})
    ended = run(cloud, SCENARIOS[request_kind], "orders", lambda event: watched.append(event["RequestId"]))
    assert ended == Ended(survived=True, violations=[])
    return calls_by_event[watched[0]]


def cells_of(request_kind: str, variant: str) -> list[tuple[int, str, bool, bool]]:
    """Number of the call, name of the fault, whether it ends the function, and the event is delivered once more."""
    calls = calls_of(request_kind, variant)
    numbers = [n for n, call in enumerate(calls) if calls[:n].count(call) < CALLS_OF_AN_OPERATION]
    return [
        (number, fault, fault.startswith("killed"), again)
        for number in numbers
        for fault in FAULTS
        for again in (False, True)
        if fault.startswith("killed") or not again
    ]


def disturbed(
    request_kind: str, variant: str, number: int, happening: Happening, may_end: bool = False, again: bool = False
) -> Ended:
    cloud = cloud_of(variant)

    def disturb(_event: Event) -> None:
        cloud.happenings = {number: happening}

    return run(cloud, SCENARIOS[request_kind], "orders", disturb, may_end, again)


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("request_kind", SCENARIOS)
def test_no_fault_leaves_or_wedges_anything(request_kind: str, variant: str, request: Any) -> None:
    cells = cells_of(request_kind, variant)
    if not request.config.getoption("--all-faults"):
        most = RUNS_OF_THE_USUAL if variant == "usual" else RUNS_OF_A_VARIANT
        cells = random.Random(f"{request_kind} {variant}").sample(cells, min(most, len(cells)))  # noqa: S311  # no secret
    found = {cell: disturbed(request_kind, variant, cell[0], FAULTS[cell[1]], *cell[2:]) for cell in cells}
    assert {cell: ended.violations for cell, ended in found.items() if ended.violations} == {}
    assert [cell for cell, ended in found.items() if cell[1] == "answer lost once" and not ended.survived] == []


@pytest.mark.parametrize("code", ["ConcurrentModification", "NoSuchEntity", "DeleteConflict"])
@pytest.mark.parametrize("request_kind", SCENARIOS)
def test_iam_may_collide_with_itself(request_kind: str, code: str) -> None:
    calls = calls_of(request_kind, "usual")
    settled = {
        "update_assume_role_policy": ("ConcurrentModification", "NoSuchEntity"),
        "attach_role_policy": ("ConcurrentModification", "NoSuchEntity"),
        "delete_role": ("ConcurrentModification", "DeleteConflict"),
        "delete_policy": ("ConcurrentModification", "DeleteConflict"),
    }
    for number, call in enumerate(calls):
        ended = disturbed(request_kind, "usual", number, refuse(code))
        assert ended.violations == [], (call, ended)
        assert ended.survived or code not in settled.get(call, ()), call
