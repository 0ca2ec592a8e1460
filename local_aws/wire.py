"""What the server and its users say to each other: faults, and records of calls and answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

Fault = Literal[
    "throttle",
    "http500",
    "access_denied",
    "reset_before",  # the connection breaks, nothing was done
    "reset_after",  # it was done, the answer is lost
    "hang",  # no answer for HANG_SECONDS, then the connection breaks
]
HANG_SECONDS = 950.0


@dataclass(frozen=True)
class Call:
    """One AWS API call that was served; times in virtual seconds since the server began."""

    service: str
    operation: str
    account: str
    caller: str  # an ARN, or the access key id where it is nobody's
    resource: str  # the name, identifier or ARN that the request is about, as far as it tells
    started: float
    ended: float
    status: int  # 0 where the connection broke instead
    error_code: str | None


@dataclass(frozen=True)
class Answer:
    """One PUT to a ResponseURL of MiniStack's CloudFormation; a second one to the same URL is one of its own."""

    body: dict[str, Any]
    size: int
    content_type: str
    fault: str | None  # what CloudFormation, or S3 behind the URL, objects to
