"""The cells: each request, at each call that it makes of AWS, each fault. And their runs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from local_aws.cloudformation import CloudFormation
from local_aws.wire import FOR_GOOD, Fault

from .deployed import Deployed
from .run import Ended, run
from .scenarios import SCENARIOS
from .stack import Event

# By name: the fault, how many calls it is for, and whether the request must succeed in spite of it.
FAULTS: dict[str, tuple[Fault, int, bool]] = {
    "throttled": ("throttle", FOR_GOOD, False),
    "5xx": ("http500", FOR_GOOD, False),
    "reset": ("reset_before", FOR_GOOD, False),
    "answer lost once": ("reset_after", 1, True),
    "answer lost": ("reset_after", FOR_GOOD, False),
    "denied": ("access_denied", FOR_GOOD, False),
    "hangs": ("hang", FOR_GOOD, False),
    "out of memory": ("kill_after", 1, False),
    "timed out": ("freeze_after", 1, False),
}
# These end the function without an answer: the event may come once more, or CloudFormation goes on.
ENDS_FUNCTION = ("out of memory", "timed out")
# Polling repeats itself: of one operation, a request's first calls, and no more.
CALLS_OF_AN_OPERATION = 3


@dataclass(frozen=True)
class Cell:
    request: str
    service: str
    operation: str
    nth: int  # of the request's calls of this operation
    fault: str

    @property
    def call(self) -> str:
        return f"{self.service}:{self.operation}"


@dataclass(frozen=True)
class Run:
    cell: Cell
    again: bool

    @property
    def waits(self) -> bool:
        """For the end of the function's time."""
        return FAULTS[self.cell.fault][0] in ("hang", "freeze_after")


def calls_of(request: str, cloudformation: CloudFormation) -> list[tuple[str, str, int]]:
    """Service, operation and number of each call that the request makes when nothing is wrong."""
    cloud, events = Deployed(cloudformation), list[str]()
    ended = run(cloud, SCENARIOS[request], cloud.name, lambda event: events.append(event["RequestId"]))
    if ended != Ended(survived=True, violations=[]):
        raise RuntimeError(f"{request}, with no fault: {ended}")
    counts = Counter((call.service, call.operation) for call in cloud.aws.calls(events[0]))
    return [
        (service, operation, nth)
        for (service, operation), count in counts.items()
        for nth in range(1, min(count, CALLS_OF_AN_OPERATION) + 1)
    ]


def cells_of(requests: Iterable[str], cloudformation: CloudFormation) -> list[Cell]:
    return [
        Cell(request, *call, fault)
        for request in requests
        for call in calls_of(request, cloudformation)
        for fault in FAULTS
    ]


def runs_of(cells: Iterable[Cell]) -> list[Run]:
    """Each cell once; and where the function dies at once, once more with the event delivered again."""
    return [Run(cell, again) for cell in cells for again in (False, True) if not again or cell.fault == "out of memory"]


def violations_of(wanted: Run, cloudformation: CloudFormation) -> list[str]:
    """Of one run."""
    cloud, cell, events = Deployed(cloudformation), wanted.cell, list[str]()
    fault, times, must_survive = FAULTS[cell.fault]

    def disturb(event: Event) -> None:
        events.append(event["RequestId"])
        cloud.aws.inject(cell.service, cell.operation, fault, cell.nth, times, event["RequestId"])

    may_end = cell.fault in ENDS_FUNCTION
    ended = run(cloud, SCENARIOS[cell.request], cloud.name, disturb, may_end, wanted.again)
    for event in events:
        cloud.aws.forget(event)
    violations = (["it did not survive"] if must_survive and not ended.survived else []) + ended.violations
    return violations and [*violations, *cloud.errors]
