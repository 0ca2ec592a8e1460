"""What is known of one logical resource of a stack: its lives, and what its last requests were answered.

A life is a physical resource from the Create or replacement with which it began to its Delete. Pure values and rules.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from enum import StrEnum
from typing import Any, TypeVar

from .names import Named

# Lambda may deliver an event again for an hour. More requests than these do not come for one resource in that time.
ANSWERS_KEPT = 6
# A rollback goes back to the last one. UpdateReplacePolicy may retain many, and an item has 400 KB at most.
EARLIER_LIVES_KEPT = 3
# The id of a life that no record tells: its pieces' tags do.
UNRECORDED = "*"
# CloudFormation gives up a Create after an hour at most, and a Delete that nobody answered after another one; in
# between it waits for other resources. A Delete that is issued later than this means another Create.
SECONDS_UNTIL_A_CREATE_COUNTS = 2 * 3600.0 + 900.0


class State(StrEnum):
    """How far a life is, as CloudFormation was told."""

    BEGUN = "begun"  # never answered as SUCCESS
    STANDS = "stands"  # answered as SUCCESS
    CONDEMNED = "condemned"  # its Delete failed


@dataclass(frozen=True)
class Life:
    """One physical resource. Its `id` is the RequestId with which it began; empty for what version 1.0.0 made.

    `made_with` is what the live endpoint was created with and `snapshot` how it looked then, as `model/comparison.py`
    has them; empty where no request knows. `succeeded_with` are hashes of the properties that succeeded last, and the
    time before.
    """

    id: str
    physical_id: str
    state: State = State.BEGUN
    # The state in which a replacement found it; its rollback leaves such a life alone.
    stood_before: str = ""
    # Whether an event named its physical id, so that CloudFormation is known to know it.
    is_known: bool = False
    # Whether a Create began it, and when that was issued, in seconds since 1970; 0 if that can't be told.
    of_create: bool = False
    issued: float = 0.0
    # When the first request after it was issued.
    followed: float = 0.0
    # Whether it began as an import; and where what stood then differs from ours, what it is compared with instead: by
    # "document", "boundary" and "trust" what was wanted at the import. A change of ours ends its entry.
    is_import: bool = False
    baseline: Mapping[str, str] = field(default_factory=dict)
    # The ARNs of the pieces that were made by hand.
    imported: tuple[str, ...] = ()
    # The names that its pieces ever had, written before a call makes them.
    roles: tuple[str, ...] = ()
    policies: tuple[str, ...] = ()
    tag_keys: tuple[str, ...] = ()
    # Whether a request began to create the endpoint anew and did not see it active.
    is_changing: bool = False
    made_with: Mapping[str, Any] = field(default_factory=dict)
    snapshot: Mapping[str, Any] = field(default_factory=dict)
    # The endpoint's fingerprint tag then: while a request is changing it, an endpoint that has it is still the one.
    fingerprint: str = ""
    succeeded_with: tuple[str, ...] = ()

    def is_same(self, other: Life) -> bool:
        """Whether both describe one life; those that version 1.0.0 made differ in the physical id alone."""
        return (self.id, self.physical_id) == (other.id, other.physical_id)

    @property
    def names(self) -> Named:
        """The names of its roles and policies."""
        return Named(frozenset(self.roles), frozenset(self.policies))

    def named(self, roles: Iterable[str], policies: Iterable[str], tag_keys: Iterable[str]) -> Life:
        """The life with these names beside those that it has."""
        return replace(
            self,
            roles=tuple(sorted({*self.roles, *roles})),
            policies=tuple(sorted({*self.policies, *policies})),
            tag_keys=tuple(sorted({*self.tag_keys, *tag_keys})),
        )


@dataclass(frozen=True)
class Answer:
    """What CloudFormation is told: SUCCESS with attributes, or FAILED with a reason and a Code."""

    request_id: str
    physical_id: str
    reason: str = ""
    code: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_success(self) -> bool:
        """Whether the answer is SUCCESS."""
        return not self.code


Stored = TypeVar("Stored", "Life", "Answer", "Record")


@dataclass(frozen=True)
class Record:
    """The lives of a logical resource, and its last answers.

    `is_unsettled`: a request changed something and did not end in order, so that AWS may still show what was.
    `is_complete`: no other life stands. That is not so before the first request to end for a resource that version
    1.0.0 made, or whose item was lost; a Create knows that none does.
    """

    lives: tuple[Life, ...] = ()
    answers: tuple[Answer, ...] = ()
    # The physical id that the last Create or Update was answered with as SUCCESS.
    current: str = ""
    # The RequestId of a Create that CloudFormation is not known to have heard of, by an answer or a Delete since.
    open_create: str = ""
    # How many Creates were followed by another Create before CloudFormation sent their Delete.
    overtaken_creates: int = 0
    is_unsettled: bool = False
    is_complete: bool = False

    def life_at(self, physical_id: str) -> Life | None:
        """The life of this physical id."""
        return next((life for life in self.lives if life.physical_id == physical_id), None)

    def life_named(self, physical_id: str) -> Life:
        """The life that an event names. Where none is on record, the tags of its pieces tell which it is."""
        return self.life_at(physical_id) or Life(UNRECORDED, physical_id, State.STANDS)

    def life_of(self, request_id: str) -> Life | None:
        """The life that the request began."""
        return next((life for life in self.lives if life.id == request_id), None)

    def recorded(self, life: Life) -> Life:
        """What is known of the life by now."""
        return next((each for each in self.lives if each.is_same(life)), life)

    def others(self, life: Life | None, *states: State) -> list[Life]:
        """The lives in one of these states, without this one."""
        return [each for each in self.lives if each.state in states and not (life and each.is_same(life))]

    def left_behind(self) -> list[str]:
        """The physical ids that CloudFormation has no more, and whose Delete failed: nobody would hear of them."""
        return [each.physical_id for each in self.others(None, State.CONDEMNED) if each.physical_id != self.current]

    def with_life(self, life: Life) -> Record:
        """The record in which this is what is known of the life."""
        return replace(self, lives=(*self.without(life).lives, life))

    def without(self, life: Life) -> Record:
        """The record once the life has ended."""
        return replace(self, lives=tuple(each for each in self.lives if not each.is_same(life)))

    def with_answer(self, answer: Answer) -> Record:
        """The record with one answer more; the oldest is forgotten."""
        return replace(self, answers=(*self.answers, answer)[-ANSWERS_KEPT:])

    def answer_to(self, request_id: str) -> Answer | None:
        """What the request was answered, if it has ended."""
        return next((answer for answer in self.answers if answer.request_id == request_id), None)

    def as_json(self) -> str:
        """The record as it is stored."""
        return json.dumps(self, default=vars)

    @classmethod
    def from_json(cls, text: str) -> Record:
        """The record of `as_json`."""
        stored = json.loads(text)
        lives = (_of(Life, life) for life in stored.pop("lives"))
        answers = (_of(Answer, answer) for answer in stored.pop("answers"))
        known = _of(cls, stored)
        return replace(
            known, lives=tuple(replace(life, state=State(life.state)) for life in lives), answers=tuple(answers)
        )


def _of(kind: type[Stored], stored: Mapping[str, Any]) -> Stored:
    """JSON has lists only. What a later release of ours stored is left out."""
    names = {each.name for each in fields(kind)} & set(stored)
    known: Any = {name: tuple(value) if isinstance(value := stored[name], list) else value for name in names}
    return kind(**known)


# What a request does to the lives, before it changes anything


def followed(record: Record, request_id: str, issued: float) -> Record:
    """A request comes. `issued` is in seconds since 1970, or 0."""
    lives = (
        life if life.followed or life.id == request_id else replace(life, followed=issued) for life in record.lives
    )
    return replace(record, lives=tuple(lives))


def let_go(record: Record, request_id: str) -> Record:
    """A Create comes for a resource that CloudFormation does not have: what stands was retained, and is let go.

    Where nobody knows whether the answer to the last Create was heard, its Delete may still come.
    """
    lives = tuple(life for life in record.lives if life.state is not State.STANDS or life.id == request_id)
    overtaken = record.overtaken_creates + (record.open_create not in ("", request_id))
    return replace(record, lives=lives, is_complete=True, open_create=request_id, overtaken_creates=overtaken)


def heard(record: Record) -> Record:
    """CloudFormation has had the answer to the last Create, or has sent its Delete."""
    return replace(record, open_create="")


def succeeded(record: Record, life: Life) -> Record:
    """The life is what CloudFormation has from now on. Of those that it had before, only the last are kept."""
    earlier = [each for each in record.others(life, State.STANDS) if each.is_known]
    forgotten = earlier[: max(len(earlier) - EARLIER_LIVES_KEPT, 0)]
    lives = tuple(each for each in record.without(life).lives if each not in forgotten)
    return replace(record, lives=(*lives, life), current=life.physical_id)


def named_by_event(life: Life, keeps_undo: bool = False) -> Life:
    """An Update names the life. So CloudFormation has it, and the update that began it is over.

    `keeps_undo`: the event goes back to what stood before that update, and the Delete of the life comes next.
    """
    return replace(life, is_known=True, state=State.STANDS, stood_before=life.stood_before if keeps_undo else "")


def taken_up(life: Life) -> Life:
    """A replacement comes to a life that stands: its rollback leaves it alone, unless CloudFormation never had it."""
    if life.state is State.STANDS and not life.is_known:
        return life
    return replace(life, stood_before=life.stood_before or life.state)


def update_is_over(record: Record, cleaned_up: Life) -> Record:
    """The clean-up after a replacement comes: what the replacement took up is the resource's own from now on."""
    lives = (each if each.is_same(cleaned_up) else replace(each, stood_before="") for each in record.lives)
    return replace(record, lives=tuple(lives))


def given_up_by_update(record: Record, named: Life, but: str) -> list[Life]:
    """Lives of replacements that CloudFormation never took, as it names another life: they are to be removed.

    `but` is the physical id that the update wants.
    """
    return [
        life
        for life in record.lives
        if not life.is_same(named)
        and life.physical_id != but
        and not life.stood_before
        and (life.state is State.BEGUN or (life.state is State.STANDS and not life.is_known))
    ]


def back_as_before(record: Record, life: Life) -> Record:
    """The replacement that took up the life is undone: the life is again what it was."""
    return record.with_life(replace(life, state=State(life.stood_before), stood_before="", is_known=True))


def cancelled(record: Record, asked_for: str, issued: float) -> list[Life]:
    """The lives that a Delete means whose id CloudFormation invented, as it never had an answer to the Create.

    Those that never succeeded; and that of the last Create, if its answer may be lost, or have come too late.
    `asked_for` is a hash of the Delete's properties, or empty; `issued` is the Delete's, in seconds since 1970, or 0.
    """
    return [
        life
        for life in record.lives
        if life.state is State.BEGUN
        # Otherwise it is the Delete of the Create before.
        or (not record.overtaken_creates and _may_be_cancelled(life, asked_for, issued))
    ]


def delete_came(record: Record) -> Record:
    """A Delete of an id that CloudFormation invented came: it has heard of one Create more."""
    return replace(heard(record), overtaken_creates=max(record.overtaken_creates - 1, 0))


def _may_be_cancelled(life: Life, asked_for: str, issued: float) -> bool:
    """No event has named it since its Create, the Delete has the same properties, and the first request came in time.

    What comes after that may be a Delete that goes on where another one died.
    """
    if life.is_known or not life.of_create or (asked_for and asked_for not in life.succeeded_with):
        return False
    issued = life.followed or issued
    return not issued or issued - life.issued <= SECONDS_UNTIL_A_CREATE_COUNTS
