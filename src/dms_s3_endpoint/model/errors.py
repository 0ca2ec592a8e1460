"""What a user reads in the stack's events when a request fails."""

from __future__ import annotations

import re
from collections.abc import Iterable
from enum import StrEnum

REASON_LENGTH = 400
# Of one error, so that a request can't fill the log: of its faults, of the text of one, and of all of them.
LOGGED_FAULTS, LOGGED_LENGTH, LOGGED_IN_ALL = 100, 2000, 10_000


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
    """A request that failed: `failed` names the step and the thing, `remedy` says what to do.

    `more` are further faults of the same request. The text of the exception has them all, for the log, up to
    LOGGED_FAULTS of them, and LOGGED_IN_ALL characters.
    """

    def __init__(self, code: Code, failed: str, remedy: str, more: Iterable[str] = ()) -> None:
        self.code = code
        self.faults = tuple(shortened(one_line(each), LOGGED_LENGTH) for each in (failed, *more))
        self.remedy = one_line(remedy)
        told = shortened(self._told(LOGGED_FAULTS, "left out"), LOGGED_IN_ALL)
        super().__init__(f"{code}: {told}. {self.remedy}")

    @property
    def failed(self) -> str:
        """All faults."""
        return "; ".join(self.faults)

    @property
    def reason(self) -> str:
        """One line of at most 400 characters: code and step first, the remedy whole, faults that don't fit counted."""
        head, tail = f"{self.code}: ", f". {self.remedy}"[:REASON_LENGTH]
        space = max(REASON_LENGTH - len(head) - len(tail), 0)
        told = [self._told(count, "in the log") for count in range(len(self.faults), 0, -1)]
        fitting = next((each for each in told if len(each) <= space), "")
        return (head + (fitting or self._shortened_to(space)) + tail)[:REASON_LENGTH]

    def _told(self, count: int, where: str) -> str:
        left = len(self.faults) - count
        return "; ".join(self.faults[:count]) + (f"; and {left} more, {where}" if left > 0 else "")

    def _shortened_to(self, space: int) -> str:
        """The first fault, without its end."""
        first, others = self.faults[0], self._told(1, "in the log")[len(self.faults[0]) :]
        return shortened(first, max(space - len(others), 0)) + others


def shortened(text: str, longest: int) -> str:
    """The text, or its head and an ellipsis."""
    return text if len(text) <= longest else text[: max(longest - 1, 0)] + "…"


def one_line(text: str) -> str:
    """The text with its white space folded and what can't be printed replaced by `?`."""
    line = re.sub(r"\s+", " ", text).strip().rstrip(".")
    return "".join(letter if letter.isprintable() else "?" for letter in line)


def out_of_time(failed: str) -> EndpointError:
    """The error of a request that ran out of time; the next deployment continues from what stands."""
    return EndpointError(Code.NOT_STABILIZED, failed, "Deploy again; it continues from what stands")
