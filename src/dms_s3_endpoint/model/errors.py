"""What a user reads in the stack's events when a request fails."""

from __future__ import annotations

import re
from enum import StrEnum

REASON_LENGTH = 400


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


# Errors that the stack's author can fix. All others raise the operator's alarm.
USER_ERRORS = frozenset(
    {
        Code.INVALID_REQUEST,
        Code.UNKNOWN_ENVIRONMENT,
        Code.NAME_TAKEN,
        Code.ENDPOINT_IN_USE,
        Code.CONNECTION_TEST_FAILED,
    }
)


class EndpointError(Exception):
    """A request that failed: `failed` names the step and the thing, `remedy` says what to do."""

    def __init__(self, code: Code, failed: str, remedy: str) -> None:
        self.code = code
        self.failed = one_line(failed)
        self.remedy = one_line(remedy)
        super().__init__(f"{code}: {self.failed}. {self.remedy}")

    @property
    def reason(self) -> str:
        """One line of at most 400 characters: code and step first, the remedy kept whole, the middle shortened."""
        head = f"{self.code}: {self.failed}"
        tail = f". {self.remedy}"
        if len(head) + len(tail) > REASON_LENGTH:
            head = head[: max(REASON_LENGTH - len(tail) - 1, 0)] + "…"
        return (head + tail)[:REASON_LENGTH]


def one_line(text: str) -> str:
    """The text with its white space folded and what can't be printed replaced by `?`."""
    line = re.sub(r"\s+", " ", text).strip().rstrip(".")
    return "".join(letter if letter.isprintable() else "?" for letter in line)


def out_of_time(failed: str) -> EndpointError:
    """The error of a request that ran out of time; the next deployment continues from what stands."""
    return EndpointError(Code.NOT_STABILIZED, failed, "Deploy again; it continues from what stands")
