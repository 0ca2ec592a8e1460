"""Waiting: how long, how often, and never past the moment when CloudFormation must be answered."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from .errors import OutOfTimeError

# Lambda's own limit less what the end of a request needs: the call in flight when the deadline passes
# (20 s read timeout), then the answer to CloudFormation with its retries (10 s).
SECONDS_KEPT_TO_ANSWER = 30.0
# A wait's last attempt still comes before the deadline, so that the wait itself says what it waited for.
SECONDS_FOR_THE_LAST_CALL = 5.0


@dataclass(frozen=True)
class Patience:
    """A deadline in seconds on `clock`, and the pauses between attempts."""

    deadline: float
    clock: Callable[[], float]
    sleep: Callable[[float], None]
    jitter: Callable[[], float] = random.random

    def left(self) -> float:
        """Seconds until the deadline; negative after it."""
        return self.deadline - self.clock()

    def is_over(self) -> bool:
        """Whether a wait that ended now ended for want of time."""
        return self.left() <= SECONDS_FOR_THE_LAST_CALL

    def attempts(
        self, at_most: float | None = None, first: float = 0.5, longest: float | Callable[[], float] = 3.0
    ) -> Iterator[float]:
        """Yield the seconds waited so far: at once, then after growing, jittered pauses, until the time is up.

        `at_most` bounds the whole wait in seconds; without it the deadline does. The last attempt
        falls on the limit itself, so that a wait is never given up early. The `longest` pause may change meanwhile.
        """
        started = self.clock()
        last = self.deadline - SECONDS_FOR_THE_LAST_CALL
        ends = last if at_most is None else min(last, started + at_most)
        pause = first
        while True:
            yield self.clock() - started
            remaining = ends - self.clock()
            if remaining <= 0:
                return
            self.sleep(min(pause * (0.75 + self.jitter() / 2), remaining))
            pause = min(pause * 1.6, longest() if callable(longest) else longest)

    def wait(self, seconds: float) -> None:
        """Sleep, but not past the deadline."""
        self.sleep(max(min(seconds, self.left()), 0.0))

    def stop_when_over(self) -> None:
        """Raise OutOfTimeError once the deadline has passed; asked before each attempt of each AWS call."""
        if self.left() <= 0:
            raise OutOfTimeError
