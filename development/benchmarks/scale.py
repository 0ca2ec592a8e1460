"""`python -m development.benchmarks.scale`: how fleets grow, in memory and in virtual time; build/scale.json.

All endpoints are of one pair of accounts, and begin at once: the hardest case for the rates of DMS and IAM. 1,000
endpoints is DMS's quota: https://docs.aws.amazon.com/dms/latest/userguide/CHAP_Limits.html
"""

from __future__ import annotations

import json
import logging
import random
import sys
import uuid
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from botocore import xform_name
from rich.console import Console
from rich.table import Table

from dms_s3_endpoint.aws.sessions import MOST_ATTEMPTS
from local_aws.rates import DMS_REFILL, DMS_SIZE, IAM_REFILL, IAM_SIZE, Bucket
from tests.unit.builders import make_event, make_properties
from tests.unit.in_memory import CloudInMemory, FakeDms, FakeIam, deployed_in_memory
from tests.unit.races import RacingClock
from tests.unit.wire import SECONDS_OF_A_CALL, Attempt

from .model import BOUNDS, LATENCY, USUAL

FLEETS = (1, 12, 36, 64, 100, 200, 1000)
SEED = 1
REPORT = Path(__file__).resolve().parents[2] / "build" / "scale.json"
ANSWERED = Attempt(answered=LATENCY - SECONDS_OF_A_CALL)
THROTTLED = Attempt(answered=LATENCY - SECONDS_OF_A_CALL, error="Throttling", takes_effect=False)
# Until both buckets are full again.
REST = 3600.0


@dataclass(frozen=True)
class Scale:
    """One operation of a fleet. Seconds are virtual; `failures` counts the answers that are no SUCCESS by code."""

    operation: str
    endpoints: int
    seconds: float
    bound: float
    calls: int
    throttled: int
    failures: dict[str, int]

    @property
    def ratio(self) -> float:
        return self.seconds / self.bound


def bound_of(operation: str, endpoints: int) -> float:
    """Seconds: of one operation, or of the fewest calls of all where the rate of DMS or IAM allows fewer in that."""
    calls = BOUNDS[operation].chain + BOUNDS[operation].beside
    of_dms = sum(_serves(FakeDms, call) for call in calls) * endpoints
    of_iam = sum(_serves(FakeIam, call) for call in calls) * endpoints
    return max(BOUNDS[operation].seconds(), (of_dms - DMS_SIZE) / DMS_REFILL, (of_iam - IAM_SIZE) / IAM_REFILL)


def _serves(service: type, call: str) -> bool:
    return hasattr(service, xform_name(call))


class Rates:
    """The rates of both services, as what disturbs the calls of all functions."""

    def __init__(self, clock: RacingClock) -> None:
        self.dms = Bucket(DMS_SIZE, DMS_REFILL, lambda: clock.now)
        self.iam = Bucket(IAM_SIZE, IAM_REFILL, lambda: clock.now)
        self.seen: Counter[bool] = Counter()

    def disturb(self, name: str, _nth: int) -> Iterator[Attempt]:
        """Each attempt takes from its service's bucket when it is sent. DynamoDB and STS have no such rate."""
        if not hasattr(FakeIam, name) and not hasattr(FakeDms, name):
            return
        bucket = self.iam if hasattr(FakeIam, name) else self.dms
        for _attempt in range(MOST_ATTEMPTS):
            has_taken = bucket.take()
            self.seen[has_taken] += 1
            yield ANSWERED if has_taken else THROTTLED


class Fleet:
    """So many endpoints of one pair of accounts."""

    def __init__(self, endpoints: int) -> None:
        self.draw = random.Random(SEED)  # noqa: S311  # no secret
        self.clock = RacingClock(choose=lambda count: self.draw.randrange(count) if count > 1 else 0)
        self.cloud = CloudInMemory(self.clock, validates=False, jitter=self.draw.random)
        self.cloud.switch(propagation_seconds=USUAL.propagation, delete_seconds=USUAL.delete)
        self.names = [f"orders-{number}" for number in range(endpoints)]

    def create(self) -> Scale:
        return self._all("create", [self._event("Create", name) for name in self.names])

    def delete(self) -> Scale:
        """Of those that stand."""
        events = [self._event("Delete", name, PhysicalResourceId=f"dev/{name}") for name in self.names]
        return self._all("delete", events)

    def _event(self, request_type: str, name: str, **more: Any) -> dict[str, Any]:
        wanted = make_properties(ENDPOINTIDENTIFIER=name, POLICYNAME=f"{name}-policy", ROLENAME=f"{name}-role")
        own = {"LogicalResourceId": name.replace("-", ""), "RequestId": str(uuid.UUID(int=self.draw.getrandbits(128)))}
        return make_event(request_type, ResourceProperties=wanted, **own, **more)

    def _all(self, operation: str, events: Sequence[dict[str, Any]]) -> Scale:
        self.clock.now += REST
        rates, began = Rates(self.clock), self.clock.now
        answers = self.clock.race(*[(0.0, lambda event=event: self._delivered(event, rates)) for event in events])
        failures = Counter(each["Reason"].partition(":")[0] for each in answers if each["Status"] != "SUCCESS")
        seconds, seen = self.clock.now - began, rates.seen
        bound = bound_of(operation, len(events))
        return Scale(operation, len(events), seconds, bound, seen.total(), seen[False], dict(failures))

    def _delivered(self, event: dict[str, Any], rates: Rates) -> dict[str, Any]:
        self.cloud.disturb = rates.disturb
        (answer,) = self.cloud.deliver(event)
        return answer


def measured(fleets: Sequence[int], console: Console) -> list[Scale]:
    """Each fleet is created, and then deleted."""
    found = []
    with deployed_in_memory():
        for endpoints in fleets:
            fleet = Fleet(endpoints)
            for work in (fleet.create, fleet.delete):
                with console.status(f"{work.__name__} {endpoints} endpoints"):  # shown on a terminal only
                    found.append(work())
    return found


def table_of(found: Sequence[Scale]) -> Table:
    table = Table(
        "endpoints", "operation", "seconds", "bound", "times the bound", "calls of each", "throttled", "failed"
    )
    for each in found:
        calls = f"{each.calls / each.endpoints:.1f}"
        failed = ", ".join(f"{count} {code}" for code, count in each.failures.items()) or "0"
        row = (f"{each.seconds:.0f}", f"{each.bound:.0f}", f"{each.ratio:.2f}", calls, str(each.throttled), failed)
        table.add_row(str(each.endpoints), each.operation, *row)
    return table


def main(arguments: Sequence[str]) -> None:
    """Print the table of the fleets of these sizes, and write the report. What the functions log is of no use here."""
    logging.disable()
    console = Console(width=110)
    found = measured([int(each) for each in arguments] or FLEETS, console)
    REPORT.parent.mkdir(exist_ok=True)
    REPORT.write_text(json.dumps([asdict(each) for each in found], indent=2) + "\n")
    console.print(table_of(found))


if __name__ == "__main__":
    main(sys.argv[1:])
