"""What a user reads in the stack's events when a request fails, and how AWS's own errors become it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from typing import Any, TypeVar

from botocore.exceptions import BotoCoreError, ClientError

Answer = TypeVar("Answer")

REASON_LENGTH = 400
FIRST_SERVER_ERROR = 500


class Code(StrEnum):
    """The first word of every Reason; users and alarms match on it."""

    INVALID_REQUEST = "InvalidRequest"
    UNKNOWN_ENVIRONMENT = "UnknownEnvironment"
    ASSUME_ROLE_DENIED = "AssumeRoleDenied"
    NAME_TAKEN = "NameTaken"
    NOT_ALLOW_LISTED = "NotAllowListed"
    ROLE_NOT_ASSUMABLE = "RoleNotAssumable"
    NO_EXTERNAL_ID = "NoExternalId"
    ENDPOINT_IN_USE = "EndpointInUse"
    CONNECTION_TEST_FAILED = "ConnectionTestFailed"
    ACCESS_DENIED = "AccessDenied"
    LIMIT_EXCEEDED = "LimitExceeded"
    THROTTLED = "Throttled"
    NOT_STABILIZED = "NotStabilized"
    INTERNAL_ERROR = "InternalError"


# Failures that the author of a stack mends; all others are for who operates the function, and raise its alarm.
OF_THE_AUTHOR = frozenset(
    {
        Code.INVALID_REQUEST,
        Code.UNKNOWN_ENVIRONMENT,
        Code.NAME_TAKEN,
        Code.ENDPOINT_IN_USE,
        Code.CONNECTION_TEST_FAILED,
    }
)


class EndpointError(Exception):
    """A request that failed: `failed` names the step and the thing, `way_out` says what to do."""

    def __init__(self, code: Code, failed: str, way_out: str) -> None:
        self.code = code
        self.failed = one_line(failed)
        self.way_out = one_line(way_out)
        super().__init__(f"{code}: {self.failed}. {self.way_out}")

    @property
    def reason(self) -> str:
        """One line of at most 400 characters: code and step first, the way out kept whole, the middle shortened."""
        head = f"{self.code}: {self.failed}"
        tail = f". {self.way_out}"
        if len(head) + len(tail) > REASON_LENGTH:
            head = head[: max(REASON_LENGTH - len(tail) - 1, 0)] + "…"
        return (head + tail)[:REASON_LENGTH]


def one_line(text: str) -> str:
    """Without what can't be seen, or would move what can."""
    line = re.sub(r"\s+", " ", text).strip().rstrip(".")
    return "".join(letter if letter.isprintable() else "?" for letter in line)


def error_code(error: ClientError) -> str:
    return error.response["Error"]["Code"]


def error_message(error: ClientError) -> str:
    return error.response["Error"].get("Message", "")


def is_definite(error: ClientError) -> bool:
    """Whether AWS says that it did nothing; after a 5xx that is not known."""
    return error.response["ResponseMetadata"].get("HTTPStatusCode", 0) < FIRST_SERVER_ERROR


def is_denial(error: ClientError) -> bool:
    return error_code(error) in {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"}


THROTTLING = {
    "Throttling",
    "ThrottlingException",
    "ThrottledException",
    "RequestThrottled",
    "RequestLimitExceeded",
    "TooManyRequestsException",
}


def is_throttling(error: ClientError) -> bool:
    return error_code(error) in THROTTLING


def or_none(expected: str, call: Callable[..., Answer], *args: Any, **kwargs: Any) -> Answer | None:
    """The call's answer, or None where AWS answers with the error code `expected`."""
    try:
        return call(*args, **kwargs)
    except ClientError as error:
        if error_code(error) != expected:
            raise
        return None


class OutOfTimeError(Exception):
    """Raised instead of an attempt of a call after the deadline."""


def out_of_time(failed: str) -> EndpointError:
    return EndpointError(Code.NOT_STABILIZED, failed, "Deploy again; it goes on where it stood")


@contextmanager
def step(name: str) -> Iterator[None]:
    """Turn what AWS answers inside the block into an EndpointError that begins with the step's name."""
    try:
        yield
    except ClientError as error:
        raise from_client_error(error, name) from error
    except OutOfTimeError as error:
        raise out_of_time(f"{name}: the function's time is over") from error
    except BotoCoreError as error:
        raise EndpointError(
            Code.INTERNAL_ERROR, f"{name}: {error}", "Deploy again; it goes on where it stood"
        ) from error


def from_client_error(error: ClientError, name: str) -> EndpointError:
    code, way_out = _classify(error)
    return EndpointError(code, f"{name}: {error_code(error)}: {error_message(error)}", way_out)


def _classify(error: ClientError) -> tuple[Code, str]:
    aws_code = error_code(error)
    if is_throttling(error):
        return Code.THROTTLED, "Deploy again, with fewer endpoints at once"
    if is_denial(error):
        return (
            Code.ACCESS_DENIED,
            "Grant the action to the role named; accounts/data-lake.yaml and accounts/dms.yaml do",
        )
    if aws_code in {"ResourceQuotaExceededFault", "LimitExceeded", "LimitExceededException"}:
        return Code.LIMIT_EXCEEDED, "Delete what is not used, or have AWS raise the quota"
    if aws_code.startswith("InvalidParameter") or aws_code in _REFUSED_INPUT:
        return Code.INVALID_REQUEST, "Correct the property and deploy again"
    return Code.INTERNAL_ERROR, "See the function's log for the whole error, then deploy again"


_REFUSED_INPUT = {
    "ValidationError",
    "ValidationException",
    "MalformedPolicyDocument",
    "InvalidInput",
    "KMSKeyNotAccessibleFault",
    "S3AccessDeniedFault",
}
