"""Waiting: how long, how often, and never past the moment when CloudFormation must be answered."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

# What the end of a request needs of Lambda's own limit: the call in flight when the deadline passes (32 s to connect
# and to read: see sessions.py), then the answer to CloudFormation (12 s: see response.py).
SECONDS_KEPT_TO_ANSWER = 45.0
# The answer itself may use the time until this long before Lambda ends the function.
SECONDS_KEPT_TO_END = 1.0
# The last attempt of a wait comes this long before the deadline, so that the wait can say what it waited for.
SECONDS_FOR_THE_LAST_CALL = 5.0
# AWS throttles an account, not a request: when it does, many are asking. So each throttled attempt makes all later
# pauses longer by half of their usual length, until they are three times as long. 64 deletes at once then take 1.5
# instead of 2.5 times the bound (development/benchmarks/scale.py).
LONGER_WHEN_THROTTLED, MOST_TIMES_LONGER = 0.5, 3.0


class OutOfTimeError(Exception):
    """Raised instead of an attempt of a call after the deadline."""


@dataclass(frozen=True)
class Deadline:
    """A moment on `clock`, in seconds, and the pauses between attempts until then. `jitter` is between 0 and 1.

    `throttled` has the attempts that AWS has throttled; it grows while the request works.
    """

    at: float
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    jitter: Callable[[], float] = random.random
    throttled: Sequence[str] = ()

    @classmethod
    def before_lambda_ends(cls, context: LambdaContext, kept: float, throttled: Sequence[str] = ()) -> Deadline:
        """The moment `kept` seconds before Lambda ends the function."""
        at = time.monotonic() + context.get_remaining_time_in_millis() / 1000 - kept
        return cls(at, throttled=throttled)

    def left(self) -> float:
        """Seconds until the deadline; negative after it."""
        return self.at - self.clock()

    def is_near(self) -> bool:
        """Whether a wait that ended now ended for want of time."""
        return self.left() <= SECONDS_FOR_THE_LAST_CALL

    def attempts(
        self, at_most: float | None = None, first: float = 0.5, longest: float | Callable[[float], float] = 3.0
    ) -> Iterator[float]:
        """Yield the seconds waited so far: at once, then after growing, jittered pauses, until the time is up.

        `at_most` bounds the whole wait in seconds; without it the deadline does. The last attempt falls on the limit
        itself, so that a wait is never given up early. `longest` may depend on the seconds waited so far.
        """
        started = self.clock()
        last = self.at - SECONDS_FOR_THE_LAST_CALL
        ends = last if at_most is None else min(last, started + at_most)
        pause = first
        while True:
            yield self.clock() - started
            remaining = ends - self.clock()
            if remaining <= 0:
                return
            self.sleep(min(pause * self._times_longer() * (0.75 + self.jitter() / 2), remaining))
            pause = min(pause * 1.6, longest(self.clock() - started) if callable(longest) else longest)

    def _times_longer(self) -> float:
        return min(1 + LONGER_WHEN_THROTTLED * len(self.throttled), MOST_TIMES_LONGER)

    def wait(self, seconds: float) -> None:
        """Sleep, but not past the deadline."""
        self.sleep(max(min(seconds, self.left()), 0.0))

    def raise_if_over(self) -> None:
        """Raise OutOfTimeError once the deadline has passed; called before each attempt of each AWS call."""
        if self.left() <= 0:
            raise OutOfTimeError
