"""Throttling with a token bucket for each account, as AWS describes it.

https://aws.amazon.com/blogs/security/how-to-monitor-and-query-iam-resources-at-scale-part-2/
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ministack.core.responses import get_account_id

from .iam_history import Handler

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


def throttled(handler: Handler, now: Callable[[], float], is_on: Callable[[], bool]) -> Handler:
    """The IAM handler, throttled with a bucket for each account while `is_on`."""
    buckets: dict[str, Bucket] = defaultdict(lambda: Bucket(IAM_SIZE, IAM_REFILL, now))

    async def handle(method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any]) -> Any:
        if not is_on() or buckets[get_account_id()].take():
            return await handler(method, path, headers, body, query)
        error = "<Error><Type>Sender</Type><Code>Throttling</Code><Message>Rate exceeded</Message></Error>"
        return 400, {"Content-Type": "text/xml"}, f"<ErrorResponse>{error}</ErrorResponse>".encode()

    return handle
