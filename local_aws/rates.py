"""How many calls AWS lets an account make: a token bucket for each service.

https://aws.amazon.com/blogs/security/how-to-monitor-and-query-iam-resources-at-scale-part-2/
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

DMS_SIZE, DMS_REFILL = 200.0, 8.0
# AWS publishes no figures for IAM; these are of the same order.
IAM_SIZE, IAM_REFILL = 200.0, 20.0


@dataclass
class Bucket:
    """A token bucket of `size` calls; `refill` calls come back in each virtual second."""

    size: float
    refill: float
    now: Callable[[], float]

    def __post_init__(self) -> None:
        self._left = self.size
        self._as_of = self.now()

    def take(self) -> bool:
        """Take one call. False if none was left."""
        now = self.now()
        self._left, self._as_of = min(self.size, self._left + (now - self._as_of) * self.refill), now
        if self._left < 1:
            return False
        self._left -= 1
        return True
