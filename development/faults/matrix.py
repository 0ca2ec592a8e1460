"""The fault matrix: a cell for each request, each of its AWS calls and each fault. A cell has one or two runs."""

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

# By name: the fault, the number of calls that it affects, and whether the request must succeed in spite of it.
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
# These end the function without an answer. Then Lambda delivers the event again, or CloudFormation goes on.
ENDS_FUNCTION = ("out of memory", "timed out")
# Polling repeats calls, so only a request's first calls of each operation are cells.
CALLS_OF_AN_OPERATION = 3


@dataclass(frozen=True)
class Cell:
    """One fault at one call of one request."""

    request: str
    service: str
    operation: str
    nth: int  # of the request's calls of this operation
    fault: str

    @property
    def call(self) -> str:
        """Service and operation, such as `iam:CreateRole`."""
        return f"{self.service}:{self.operation}"


@dataclass(frozen=True)
class Run:
    """A run of a cell. `again`: the event is delivered again after the function ended."""

    cell: Cell
    again: bool

    @property
    def waits(self) -> bool:
        """Whether the run mostly waits for the function's timeout."""
        return FAULTS[self.cell.fault][0] in ("hang", "freeze_after")


def calls_of(request: str, cloudformation: CloudFormation) -> list[tuple[str, str, int]]:
    """Service, operation and number of each call that the request makes without faults."""
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
    """All cells of the requests."""
    return [
        Cell(request, *call, fault)
        for request in requests
        for call in calls_of(request, cloudformation)
        for fault in FAULTS
    ]


def runs_of(cells: Iterable[Cell]) -> list[Run]:
    """A run for each cell, and a second run with a second delivery if the fault kills the function at once."""
    return [Run(cell, again) for cell in cells for again in (False, True) if not again or cell.fault == "out of memory"]


def violations_of(wanted: Run, cloudformation: CloudFormation) -> list[str]:
    """Do one run and return its violations."""
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
