"""One request at a time: a lease for each logical resource of a stack, which the request issued last takes over.

CloudFormation sends the Delete of a Create that it cancels, and the rollback of an update, while the function may
still work on the first, for minutes. The holder confirms its lease by a consistent read before each attempt of each
changing call. The successor waits until no attempt that was confirmed before can still take effect.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from ..aws.deadline import Deadline
from ..aws.lease_table import Item, LeaseTable, NoTableError
from ..aws.sessions import SECONDS_AFTER_GIVING_UP, SECONDS_OF_AN_ATTEMPT
from ..model.errors import Code, EndpointError, out_of_time
from ..model.lives import Answer, Record, followed, heard, let_go

logger = logging.getLogger(__name__)

# An attempt starts within this many seconds of sending the read that confirms the lease.
SECONDS_OF_A_CONFIRMATION = 5.0
# So no attempt of a run that lost its lease takes effect later than this after the successor's write. No two clocks are
# compared: the successor counts from when its write was acknowledged, and reads that are sent later show that write.
SECONDS_UNTIL_OTHERS_STOPPED = SECONDS_OF_A_CONFIRMATION + SECONDS_OF_AN_ATTEMPT
# A change that a request did not live to see: IAM and DMS show it after this long.
SECONDS_TO_SETTLE = 30.0
# Lambda delivers an event for an hour at most (template.yaml, MaximumEventAgeInSeconds), and a quarter of an hour is
# the longest run. Until then the item tells a late delivery that it is late.
SECONDS_AFTER_THE_END = 3600 + 900


class LeaseLostError(EndpointError):
    """Another request has the lease. `to_itself`: another delivery of this very event."""

    def __init__(self, to_itself: bool) -> None:
        super().__init__(
            Code.NOT_STABILIZED,
            "a later request for this resource came, so this one stopped",
            "Nothing, if the stack is rolling back; otherwise deploy again",
        )
        self.to_itself = to_itself


class AnsweredError(Exception):
    """The request has ended already; `answer` is what it was answered."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.request_id)
        self.answer = answer


@dataclass
class Lease:
    """The lease of one run of the function, which a token tells apart: two deliveries of an event share all else.

    `resource` is the key of the item, `issued` when CloudFormation sent the request, in seconds since 1970, or 0.
    """

    table: LeaseTable
    deadline: Deadline
    resource: str
    request_id: str
    issued: float
    token: str
    epoch: Callable[[], float] = time.time
    record: Record = field(default_factory=Record, init=False)
    _item: Item | None = field(default=None, init=False)
    # The item as it was found where the request had been answered.
    _answered: Item | None = field(default=None, init=False)
    _without_table: bool = field(default=False, init=False)
    _is_closed: bool = field(default=False, init=False)
    # The operation whose attempt last ended without an answer, and when.
    _unanswered: str = field(default="", init=False)
    _unanswered_at: float | None = field(default=None, init=False)

    @property
    def was_acquired(self) -> bool:
        """Whether this run had the lease."""
        return self._item is not None

    def acquire(self, is_create: bool = False, waits_if_new: bool = True) -> None:
        """Take the lease, and wait until no other request can still change anything.

        With the very write that takes it, a Create lets go what stands. Only a Create knows that nobody else is at
        work where there is no item: `waits_if_new` is for the others.

        Raises AnsweredError if the request has ended, LeaseLostError if a later one came, and EndpointError.
        """
        for _waited in self.deadline.attempts():
            before = self.table.read(self.resource)
            if before:
                self._refuse_if_over(before)
            if self._take(before, is_create):
                self._wait_for_others(before, waits_if_new and not is_create)
                return
        raise LeaseLostError(to_itself=False)

    def acquire_for_delete(self) -> None:
        """As `acquire`. Without the table nobody can confirm a lease: so wait, and go on by the pieces' tags."""
        try:
            self.acquire()
        except NoTableError as error:
            logger.warning("Deleting without a lease", extra={"cause": error.reason})
            self._without_table = True
            self._wait(SECONDS_UNTIL_OTHERS_STOPPED + SECONDS_TO_SETTLE)

    def look(self) -> None:
        """Read what is known, without taking the lease: for a request that changes nothing."""
        item = self.table.read(self.resource)
        self.record = item.record if item else Record()

    def _refuse_if_over(self, before: Item) -> None:
        if answer := before.record.answer_to(self.request_id):
            self._answered = before
            raise AnsweredError(answer)
        if before.request_id != self.request_id and 0 < self.issued < before.issued:
            raise LeaseLostError(to_itself=False)

    def _take(self, before: Item | None, is_create: bool) -> bool:
        unstopped = before.unstopped | ({before.holder} - {""}) if before else frozenset[str]()
        known = followed(before.record if before else Record(), self.request_id, self.issued)
        self.record = let_go(known, self.request_id) if is_create else known
        issued = max(self.issued, before.issued if before else 0.0)
        return self._write(Item(0, self.token, self.request_id, issued, unstopped, self.record), before)

    def _write(self, item: Item, over: Item | None) -> bool:
        written = self.table.write(self.resource, item, over)
        self._item = written or self._item
        return written is not None

    def _wait_for_others(self, before: Item | None, waits_if_new: bool) -> None:
        if before is None and waits_if_new:
            self._wait(SECONDS_UNTIL_OTHERS_STOPPED)
        elif self._item and self._item.unstopped:
            self._wait_until_stopped()
        if self.record.is_unsettled:
            self._wait(SECONDS_TO_SETTLE)

    def _wait(self, seconds: float) -> None:
        """Raises EndpointError (NotStabilized) if so much time is not left."""
        self.deadline.wait(seconds)
        if self.deadline.left() <= 0:
            raise out_of_time("get-item lease: another request may still be at work")

    def _wait_until_stopped(self) -> None:
        logger.warning("Another request is at work on the resource: waiting until it stopped")
        until = self.deadline.clock() + SECONDS_UNTIL_OTHERS_STOPPED
        for _waited in self.deadline.attempts(at_most=SECONDS_UNTIL_OTHERS_STOPPED, first=1.0):
            if not self._confirmed().unstopped:
                break
        else:
            self._wait(until - self.deadline.clock())
        if self._item:
            self._item = replace(self._item, unstopped=frozenset())

    def ensure_held(self, operation: str) -> None:
        """Raise LeaseLostError unless this run holds the lease; before each attempt of each changing call.

        An attempt of another operation that ended without an answer may still take effect. So wait until it can't: a
        delete, for example, must not meet the endpoint that is created after it.
        """
        while not self._without_table:
            if self._unanswered_at is not None and operation != self._unanswered:
                self.deadline.wait(self._unanswered_at + SECONDS_AFTER_GIVING_UP - self.deadline.clock())
            sent = self.deadline.clock()
            self._confirmed()
            if self.deadline.clock() - sent <= SECONDS_OF_A_CONFIRMATION:
                return

    def _confirmed(self) -> Item:
        """The item, which names this run."""
        now = None if self._is_closed else self.table.confirm(self.resource)
        if now is None or now.holder != self.token:
            raise LeaseLostError(to_itself=now is not None and now.request_id == self.request_id)
        return now

    def note_unanswered(self, operation: str) -> None:
        """An attempt of a changing call ended without an answer: AWS may still carry it out."""
        self._unanswered, self._unanswered_at = operation, self.deadline.clock()

    def write(self, record: Record) -> None:
        """Write what is known, before it is changed. Raises LeaseLostError."""
        self.record = replace(record, is_unsettled=True)
        if self._item:
            self._write_held(replace(self._item, record=self.record))

    def _write_held(self, item: Item) -> None:
        if not self._write(item, self._item):
            self._confirmed()
            raise LeaseLostError(to_itself=False)

    def end(self, answer: Answer) -> None:
        """Write the answer, and that this run has stopped. Raises LeaseLostError: then the answer is not true."""
        if self._is_closed:
            raise LeaseLostError(to_itself=False)
        self._end(answer)

    def _end(self, answer: Answer) -> None:
        if self._item is None:
            return
        stopped = self._has_stopped()
        record = self.record.with_answer(answer)
        self.record = replace(
            record,
            is_unsettled=record.is_unsettled and not stopped,
            is_complete=record.is_complete or answer.is_success,
        )
        expires = 0 if self.record.lives else int(self.epoch()) + SECONDS_AFTER_THE_END
        holder = "" if stopped else self.token
        self._write_held(replace(self._item, holder=holder, record=self.record, expires=expires))

    def note_delivered(self) -> None:
        """Note that CloudFormation has the answer to this Create. Raises nothing.

        Also where this delivery gave the answer of an earlier one again, unless somebody is at work.
        """
        item = self._item or self._answered
        if item is None or item.record.open_create != self.request_id or item.holder not in ("", self.token):
            return
        self.record = heard(item.record)
        try:
            self._write(replace(item, record=self.record), item)
        except EndpointError as error:
            logger.warning("That the answer was delivered is not recorded", extra={"cause": error.reason})

    def _has_stopped(self) -> bool:
        since = self._unanswered_at
        return not self._is_closed and (since is None or self.deadline.clock() - since > SECONDS_UNTIL_OTHERS_STOPPED)

    def close(self) -> None:
        """Let no attempt start any more: from another thread, while a call does not return."""
        self._is_closed = True

    def end_late(self, answer: Answer) -> None:
        """As `end`, once the answer is sent. Raises nothing: at worst, a second delivery does the work again."""
        try:
            self._end(answer)
        except Exception as error:
            logger.warning("The answer was not recorded", exc_info=error)

    def was_answered(self) -> bool:
        """Whether another delivery of the event has answered. Raises nothing: a second answer is ignored."""
        try:
            item = self.table.read(self.resource)
        except EndpointError:
            return False
        return item is not None and item.record.answer_to(self.request_id) is not None

    def give_way(self) -> None:
        """Tell the successor that this run has stopped. Raises nothing: it only makes the other wait longer."""
        if self._item is None or not self._has_stopped():
            return
        try:
            self.table.note_stopped(self.resource, self.token)
        except EndpointError as error:
            logger.warning("The successor was not told", extra={"cause": error.reason})
