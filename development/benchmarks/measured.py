"""What an operation took, from the calls that the embedded AWS has served."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from local_aws.wire import Call

from .model import BOUNDS, Draw

THROTTLED = {"Throttling", "ThrottlingException"}


@dataclass(frozen=True)
class Measured:
    """One operation: seconds until it was done, and its calls in the order of their ends."""

    operation: str
    seconds: float
    calls: Sequence[Call]
    draw: Draw

    @property
    def ratio(self) -> float:
        return self.seconds / BOUNDS[self.operation].seconds(self.draw)

    @property
    def waiting(self) -> int:
        """Calls that were made again for as long as AWS needed: for DMS to see the role, or the delete to be over."""
        bound = BOUNDS[self.operation]
        made, needed = (Counter(each) for each in ([call.operation for call in self.calls], bound.chain + bound.beside))
        repeated = ("CreateEndpoint", "DescribeEndpoints")
        return sum(max(made[name] - needed[name], 0) for name in repeated)

    @property
    def further(self) -> int:
        """Calls beyond the fewest possible, beside those that wait."""
        return len(self.calls) - self.waiting - BOUNDS[self.operation].calls

    @property
    def throttled(self) -> int:
        return sum(call.error_code in THROTTLED for call in self.calls)

    @property
    def gap(self) -> float:
        """Seconds without an endpoint: from when DMS had removed it until it took the next."""
        gone = next(call.ended for call in self.calls if call.operation == "DeleteEndpoint") + self.draw.delete
        return max(call.ended for call in self.calls if call.operation == "CreateEndpoint") - gone


def measure(
    operation: str,
    work: Callable[[], object],
    calls: Callable[[], Sequence[Call]],
    draw: Draw,
    now: Callable[[], float],
) -> Measured:
    """`calls` are asked for before and after: those in between count. `now` is the embedded AWS's own clock."""
    before = len(calls())
    began = now()
    work()
    seconds = now() - began
    return Measured(operation, seconds, calls()[before:], draw)
