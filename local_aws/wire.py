"""The records that the server and its users exchange: faults, calls, answers and decisions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, get_args

# Error answers that any call can get instead of its own answer.
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
    "ResourceNotFound",  # of DynamoDB: no table
]
Fault = (
    ErrorFault
    | Literal[
        "reset_before",  # the connection breaks; AWS did nothing
        "reset_after",  # AWS did it; the answer is lost
        "hang",  # no answer for HANG_SECONDS, then the connection breaks
        "kill_before",  # the calling function dies, as if it were out of memory; AWS did nothing
        "kill_after",  # AWS did it, then the function dies
        "freeze_after",  # AWS did it, then the function does nothing until Lambda's timeout ends it
    ]
)
ERROR_FAULTS: tuple[str, ...] = get_args(ErrorFault)
HANG_SECONDS = 950.0
FOR_GOOD = 1_000_000


@dataclass(frozen=True)
class Call:
    """One signed AWS API call; times in virtual seconds since the server began."""

    service: str
    operation: str
    account: str
    caller: str  # an ARN, or the access key id if it is unknown
    resource: str  # the name, identifier or ARN in the request, else its path
    started: float
    ended: float
    status: int  # 0 if the connection broke
    error_code: str | None
    event: str  # the RequestId of the calling function's CloudFormation event; empty for other callers


@dataclass(frozen=True)
class Answer:
    """One PUT to a ResponseURL of MiniStack's CloudFormation."""

    body: dict[str, Any]
    size: int
    content_type: str
    fault: str | None  # why CloudFormation, or S3 behind the URL, rejects it; None if accepted


@dataclass(frozen=True)
class Shown:
    """What CloudFormation shows of a stack's resource; `physical_id` is empty as long as it has none."""

    status: str
    physical_id: str = ""


@dataclass(frozen=True)
class Decision:
    """IAM's decision on one action of a role's session on one resource."""

    caller: str  # the session's ARN
    action: str  # "iam:CreateRole"
    resource: str
    context: dict[str, Any]  # condition keys and their values, with the resource's tags
    allowed: bool
