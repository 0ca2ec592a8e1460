"""Throttling of IAM, with a token bucket for each account."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import Any

from ministack.core.responses import get_account_id

from .iam_history import Handler
from .rates import IAM_REFILL, IAM_SIZE, Bucket


def throttled(handler: Handler, now: Callable[[], float], is_on: Callable[[], bool]) -> Handler:
    """The IAM handler, throttled with a bucket for each account while `is_on`."""
    buckets: dict[str, Bucket] = defaultdict(lambda: Bucket(IAM_SIZE, IAM_REFILL, now))

    async def handle(method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any]) -> Any:
        if not is_on() or buckets[get_account_id()].take():
            return await handler(method, path, headers, body, query)
        error = "<Error><Type>Sender</Type><Code>Throttling</Code><Message>Rate exceeded</Message></Error>"
        return 400, {"Content-Type": "text/xml"}, f"<ErrorResponse>{error}</ErrorResponse>".encode()

    return handle
