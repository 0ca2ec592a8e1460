"""This resource: single operations in three pairs of accounts at once, and fleets in one."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from local_aws.cloudformation import CloudFormation
from local_aws.organisation import PAIRS, Pair
from local_aws.wire import Call

from .measured import THROTTLED, Measured, measure
from .model import BOUNDS, USUAL, Draw

Properties = dict[str, Any]
Operation = Callable[[], object]
NUMBERS = itertools.count(1)
FLEETS = (1, 12, 36)


def properties(pair: Pair, name: str, folder: str = "orders") -> Properties:
    return {
        "ENVIRONMENT": pair.name,
        "ENDPOINTIDENTIFIER": name,
        "POLICYNAME": f"{name}-policy",
        "ROLENAME": f"{name}-role",
        "S3SETTINGS": {"BUCKETNAME": pair.bucket, "BUCKETFOLDER": folder},
    }


@dataclass
class Resource:
    """One resource of a stack of its own."""

    cloudformation: CloudFormation
    pair: Pair
    name: str = field(default_factory=lambda: f"orders-{next(NUMBERS)}")
    calls: list[Call] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._logical_id = self.name

    def create(self) -> None:
        self._send("Create", self._wanted())

    def update(self) -> None:
        """Another folder: the policy changes, and the endpoint is deleted and created again."""
        self._send("Update", self._wanted("invoices"), OldResourceProperties=self._wanted())

    def replace(self) -> None:
        """Another identifier, and the clean-up that CloudFormation sends once the new one stands."""
        old, old_id, self.name = self._wanted(), self._id, f"{self.name}-new"
        self._send("Update", self._wanted(), OldResourceProperties=old, PhysicalResourceId=old_id)
        self._send("Delete", old, PhysicalResourceId=old_id)

    def delete(self) -> None:
        self._send("Delete", self._wanted())

    @property
    def _id(self) -> str:
        return f"{self.pair.name}/{self.name}"

    def _wanted(self, folder: str = "orders") -> Properties:
        return properties(self.pair, self.name, folder)

    def _send(self, request_type: str, wanted: Properties, **more: Any) -> None:
        more = {"LogicalResourceId": self._logical_id, "PhysicalResourceId": self._id} | more
        event = self.cloudformation.event(request_type, wanted, **more)
        self.cloudformation.invoke(event)
        answer = self.cloudformation.received[event["RequestId"]].answer
        if answer["Status"] != "SUCCESS":
            self.failures.append(answer["Reason"])
        # What the lease takes, and the question to CloudFormation, is in the seconds; nobody else has them.
        calls = self.cloudformation.aws.calls(event["RequestId"])
        self.calls += [call for call in calls if call.service not in ("dynamodb", "cloudformation")]


def warm_up(cloudformation: CloudFormation, count: int) -> None:
    """So many processes of the function, which Lambda would start beside one another on machines of its own."""

    def do_nothing() -> None:
        other = {"LogicalResourceId": f"nothing-{next(NUMBERS)}", "PhysicalResourceId": "invalid/nothing"}
        event = cloudformation.event("Delete", {}, **other)
        # Each is kept busy until all have begun.
        cloudformation.received[event["RequestId"]].delay = 4.0
        cloudformation.invoke(event)

    _at_once([do_nothing] * count)


def single(cloudformation: CloudFormation, draw: Draw) -> list[Measured]:
    """Each operation in three pairs of accounts at once, whose rates don't meet."""
    cloudformation.aws.switch(**draw.switches())
    resources = [Resource(cloudformation, pair) for pair in PAIRS]
    found: list[Measured] = []
    for operation in ("create", "update", "replace", "delete"):
        found += _at_once([partial(_measured, each, operation, draw) for each in resources])
    failures = [failure for each in resources for failure in each.failures]
    if failures:
        raise RuntimeError(failures)
    return found


def _measured(resource: Resource, operation: str, draw: Draw) -> Measured:
    now = resource.cloudformation.aws.clock.now
    return measure(operation, getattr(resource, operation), lambda: resource.calls, draw, now)


@dataclass(frozen=True)
class Fleet:
    """So many endpoints of one pair of accounts at once."""

    operation: str
    endpoints: int
    seconds: float
    calls: int
    throttled: int
    failures: Sequence[str]

    @property
    def ratio(self) -> float:
        """To the bound of one: the fewest calls of 36 fit into DMS's bucket, so its rate allows them as much."""
        return self.seconds / BOUNDS[self.operation].seconds()


def fleets(cloudformation: CloudFormation) -> list[Fleet]:
    cloudformation.aws.switch(**USUAL.switches())
    found = []
    for count in FLEETS:
        resources = [Resource(cloudformation, PAIRS[0]) for _ in range(count)]
        found += [_fleet(operation, resources) for operation in ("create", "delete")]
    return found


def _fleet(operation: str, resources: Sequence[Resource]) -> Fleet:
    # Until DMS's bucket is full again: a fleet finds the rate as it is documented.
    time.sleep(25.0)
    for each in resources:
        each.calls.clear()
    began = time.monotonic()
    _at_once([getattr(each, operation) for each in resources])
    seconds = time.monotonic() - began
    calls = [call for each in resources for call in each.calls]
    throttled = sum(call.error_code in THROTTLED for call in calls)
    failures = [failure for each in resources for failure in each.failures]
    return Fleet(operation, len(resources), seconds, len(calls), throttled, failures)


def _at_once(works: Sequence[Callable[[], Any]]) -> list[Any]:
    with ThreadPoolExecutor(max_workers=len(works)) as pool:
        return [done.result() for done in [pool.submit(work) for work in works]]
