"""The way of the function's calls to AWS: botocore's standard retries in virtual time, and what disturbs an attempt."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError, ConnectionClosedError, ReadTimeoutError

from dms_s3_endpoint.aws.deadline import Deadline
from dms_s3_endpoint.aws.sessions import MOST_ATTEMPTS

from .builders import FakeClock
from .races import RacingClock

SECONDS_OF_A_CALL, SECONDS_OF_A_LEASE_CALL = 0.05, 0.01
# As aws/sessions.py configures botocore (CALLS): https://docs.aws.amazon.com/boto3/latest/guide/retries.html
LONGEST_PAUSE, READ_TIMEOUT = 20.0, 20.0
# And for the table of leases (CALLS_OF_LEASES).
MOST_ATTEMPTS_OF_A_LEASE, READ_TIMEOUT_OF_A_LEASE = 6, 3.0
# AWS may carry out a call after its client gave up, but not longer after.
SECONDS_AFTER_A_TIMEOUT = 5.0

# What happens at a call: given the call itself, it answers for it.
Happening = Callable[[Callable[[], Any]], Any]
Happenings = dict[int | tuple[str, int], Happening]
# Who is told what becomes of each attempt: the operation, which attempt, and in words.
Note = Callable[[str, int, str], None]

LONGEST_WORDS = 100
READS = ("get_", "list_", "describe_")
LOST, TIMED_OUT = "connection closed", "read timeout"
STATUSES = {"Throttling": 400, "AccessDenied": 403, "InternalFailure": 500}


class KilledError(BaseException):
    """The function's process is no more: nothing in it can catch this."""


@dataclass(frozen=True)
class Attempt:
    """One attempt of a call. Seconds count from its sending.

    `delay`: until AWS carries it out, `answered`: from then until the client knows, `error`: what AWS answers instead,
    `killed`: until the function's process ends.
    """

    delay: float = 0.0
    answered: float = 0.0
    error: str = ""
    takes_effect: bool = True
    killed: float = math.inf

    def listens(self, timeout: float) -> float:
        """Until when the client waits."""
        return min(timeout, self.killed)

    def __str__(self) -> str:
        """What a trace shows at its sending: what its outcome doesn't tell."""
        words = [
            f"carried out after {self.delay:.1f} s" if self.delay > 1.0 and self.takes_effect else "",
            f"answered {self.answered:.1f} s later" if self.answered > 1.0 else "",
            f"carried out, but {self.error}" if self.error and self.takes_effect else "",
            f"process killed after {self.killed:.1f} s" if self.killed < math.inf else "",
        ]
        return ", ".join(word for word in words if word)


UNDISTURBED = Attempt()
# The attempts of a call, given its name, and which of this name it is. What is not told is undisturbed.
Disturb = Callable[[str, int], Iterable[Attempt]]


def undisturbed(_name: str, _nth: int) -> Iterable[Attempt]:
    """Nothing is disturbed."""
    return ()


def unnoted(_operation: str, _number: int, _words: str) -> None:
    """Nobody is told."""


class _RetriedError(Exception):
    """The client makes another attempt; `seen` is what it raises if there is none left."""

    def __init__(self, seen: Exception) -> None:
        super().__init__()
        self.seen = seen


@dataclass
class Wire:
    """The calls of one delivery of an event.

    `before_attempt` is told the operation before each attempt, retries included, as what sessions.new_client registers
    is. `happenings` stand for a whole call, with all its attempts.
    """

    clock: FakeClock
    deadline: Deadline
    happenings: Happenings = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    disturb: Disturb = undisturbed
    note: Note = unnoted
    jitter: Callable[[], float] = lambda: 0.5
    killed: bool = False

    def __post_init__(self) -> None:
        self.throttled: list[str] = []
        self.deadline = replace(self.deadline, sleep=self.sleep, throttled=self.throttled)
        self.before_attempt: Callable[[str], None] = lambda _operation: self.deadline.raise_if_over()
        self.on_unanswered: Callable[[str], None] = lambda _operation: None

    def call(self, name: str, effect: Callable[[], Any]) -> Any:
        """What AWS answers in the end. Raises what botocore raises then."""
        self.sleep(SECONDS_OF_A_CALL)
        self.before_attempt(name)
        if happening := self._happening(name):
            return self._happened(happening, effect)
        attempts = iter(self.disturb(name, self.calls.count(name)))
        for number in range(1, MOST_ATTEMPTS + 1):
            if number > 1:
                self.before_attempt(name)
            try:
                return self._attempt(name, number, next(attempts, UNDISTURBED), effect, READ_TIMEOUT)
            except _RetriedError as error:
                seen = error.seen
                if isinstance(seen, BotoCoreError):
                    self.on_unanswered(name)
            if number < MOST_ATTEMPTS:
                self.sleep(self.jitter() * min(2.0 ** (number - 1), LONGEST_PAUSE))
        raise seen

    def _happening(self, name: str) -> Happening | None:
        """Of the next call, which has this name."""
        happening = self.happenings.get(len(self.calls)) or self.happenings.get((name, self.calls.count(name) + 1))
        self.calls.append(name)
        return happening

    def denies(self, name: str) -> bool:
        """Whether the call is denied, as a session's first one is."""
        return any(attempt.error == "AccessDenied" for attempt in self.disturb(name, 1))

    def call_of_lease(self, name: str, effect: Callable[[], Any]) -> Any:
        """A call to the table of leases, which may come after the deadline of the work."""
        self.sleep(SECONDS_OF_A_LEASE_CALL)
        if happening := self._happening(name):
            return self._happened(happening, effect)
        attempts = iter(self.disturb(name, self.calls.count(name)))
        for number in range(1, MOST_ATTEMPTS_OF_A_LEASE + 1):
            try:
                return self._attempt(name, number, next(attempts, UNDISTURBED), effect, READ_TIMEOUT_OF_A_LEASE)
            except _RetriedError as error:
                seen = error.seen
            if number < MOST_ATTEMPTS_OF_A_LEASE:
                self.sleep(self.jitter() * min(2.0 ** (number - 1), LONGEST_PAUSE))
        raise seen

    def sleep(self, seconds: float) -> None:
        """Raises KilledError in a process that is no more: its handlers and finally blocks do nothing."""
        if not self.killed:
            self.clock.sleep(seconds)
        if self.killed:
            raise KilledError

    def _happened(self, happening: Happening, effect: Callable[[], Any]) -> Any:
        try:
            return happening(effect)
        except KilledError:
            self.killed = True
            raise

    def _attempt(self, name: str, number: int, planned: Attempt, effect: Callable[[], Any], timeout: float) -> Any:
        """Raises _RetriedError where botocore makes another one."""
        planned = _bounded(planned, timeout)
        if disturbed := str(planned):
            self.note(name, number, f"is sent: {disturbed}")
        seen = self._sent(name, number, planned, effect, timeout)
        if planned.error == "Throttling":
            self.throttled.append(name)
        if planned.killed <= timeout:
            self.killed = True
            self.note(name, number, "the process is killed")
        if self.killed:
            raise KilledError
        self.note(name, number, _in_words(seen))
        if not isinstance(seen, Exception):
            return seen
        if isinstance(seen, BotoCoreError) or (planned.error and planned.error != "AccessDenied"):
            raise _RetriedError(seen)
        raise seen

    def _sent(self, name: str, number: int, planned: Attempt, effect: Callable[[], Any], timeout: float) -> Any:
        """What the client sees: an answer, or an error. Whatever becomes of the process, AWS carries the call out."""
        listens = planned.listens(timeout)
        if planned.delay > listens:
            self._carry_out_later(name, number, planned, effect)
            self._pass(listens)
            return _error(TIMED_OUT)
        self._pass(planned.delay)
        answer = _answer(effect) if planned.takes_effect else None
        if planned.delay + planned.answered > listens:
            if not name.startswith(READS):
                self.note(name, number, f"is carried out, and nobody listens: {_in_words(answer)}")
            self._pass(listens - planned.delay)
            return _error(TIMED_OUT)
        self._pass(planned.answered)
        return _error(planned.error) if planned.error else answer

    def _pass(self, seconds: float) -> None:
        if seconds:
            self.clock.sleep(seconds)

    def _carry_out_later(self, name: str, number: int, planned: Attempt, effect: Callable[[], Any]) -> None:
        """While the client no longer listens: a runner of its own."""
        if not planned.takes_effect or name.startswith(READS):
            return
        if not isinstance(self.clock, RacingClock):
            _answer(effect)
            return

        def carry_out() -> None:
            self.note(name, number, f"is carried out, and nobody listens: {_in_words(_answer(effect))}")

        self.clock.start(planned.delay, carry_out)


def _bounded(planned: Attempt, timeout: float) -> Attempt:
    """Not carried out later than AWS does."""
    latest = timeout + SECONDS_AFTER_A_TIMEOUT
    return replace(planned, delay=latest) if planned.delay > latest else planned


def _answer(effect: Callable[[], Any]) -> Any:
    """What AWS answers, an error of AWS included."""
    try:
        return effect()
    except ClientError as error:
        return error


def _in_words(answer: Any) -> str:
    if isinstance(answer, ClientError):
        return f"{answer.response['Error']['Code']}: {answer.response['Error']['Message']}"[:LONGEST_WORDS]
    return str(answer) if isinstance(answer, Exception) else "ok"


def _error(kind: str) -> Exception:
    """What the client raises."""
    endpoint = "https://nowhere.example.invalid"
    if kind == LOST:
        return ConnectionClosedError(endpoint_url=endpoint)
    if kind == TIMED_OUT:
        return ReadTimeoutError(endpoint_url=endpoint)
    metadata: Any = {"RequestId": "r", "HTTPStatusCode": STATUSES[kind]}
    return ClientError({"Error": {"Code": kind, "Message": kind}, "ResponseMetadata": metadata}, "Operation")
