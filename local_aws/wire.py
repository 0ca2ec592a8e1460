"""What the server and its users say to each other: faults, and records of calls and answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, get_args

# Answers of AWS that a call may get instead of its own, whatever it asks for.
ErrorFault = Literal[
    "throttle",
    "http500",
    "access_denied",
    "ExpiredToken",
    "NoSuchEntity",
    "EntityAlreadyExists",
    "DeleteConflict",
    "ConcurrentModification",
    "LimitExceeded",
    "MalformedPolicyDocument",
    "InvalidResourceStateFault",
]
Fault = (
    ErrorFault
    | Literal[
        "reset_before",  # the connection breaks, nothing was done
        "reset_after",  # it was done, the answer is lost
        "hang",  # no answer for HANG_SECONDS, then the connection breaks
        "kill_before",  # the function that makes the call dies, as one does whose memory is full; nothing was done
        "kill_after",  # it was done, then the function dies
        "freeze_after",  # it was done, and the function does nothing more until Lambda ends it by its timeout
    ]
)
ERROR_FAULTS: tuple[str, ...] = get_args(ErrorFault)
HANG_SECONDS = 950.0
FOR_GOOD = 1_000_000


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
    event: str  # the RequestId of the CloudFormation event that the calling function works on; empty for others


@dataclass(frozen=True)
class Answer:
    """One PUT to a ResponseURL of MiniStack's CloudFormation; a second one to the same URL is one of its own."""

    body: dict[str, Any]
    size: int
    content_type: str
    fault: str | None  # what CloudFormation, or S3 behind the URL, objects to


@dataclass(frozen=True)
class Decision:
    """Whether IAM let the session of a role do one action on one resource."""

    caller: str  # the session's ARN
    action: str  # "iam:CreateRole"
    resource: str
    context: dict[str, Any]  # condition keys and their values, with the resource's tags
    allowed: bool
