"""A search for races: CloudFormation's requests for one resource, overlapping, while AWS is slow, throttles and fails.

A race is a chain of moves of CloudFormation, drawn from a seed. After each move the accounts must be as CloudFormation
believes. `python -m tests.unit.race_search 1234` tells the story of a seed.
"""

from __future__ import annotations

import json
import logging
import random
import sys
import uuid
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import chain, repeat
from typing import Any, TextIO
from zlib import crc32

from development.faults.inventory import Inventory
from development.faults.run import faults_of_standing
from development.faults.scenarios import BOUNDARY, BUCKET
from development.faults.stack import LOGICAL_ID, Answer, Event, WedgedError, faults_of
from development.faults.variants import VARIANTS
from dms_s3_endpoint.aws.sessions import MOST_ATTEMPTS
from dms_s3_endpoint.model.parse import parse
from tests import by_hand

from .builders import ENVIRONMENTS, STACK_ID
from .in_memory import CloudInMemory, deployed_in_memory
from .races import Ending, RacingClock
from .wire import LOST, READ_TIMEOUT, READS, SECONDS_AFTER_A_TIMEOUT, Attempt

# template.yaml: Lambda gives an event up at this age. CloudFormation waits as long for an answer.
LONGEST_AGE = SERVICE_TIMEOUT = 3600.0
# The watchdog of cloudformation/response.py answers for a function that is late.
SECONDS_TO_ANSWER = 888.0
SECONDS_UNTIL_SETTLED = 300.0
BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
URL = "https://cloudformation-custom-resource-response-euwest1.s3.eu-west-1.amazonaws.com/x?X-Amz-Date={}&X-Amz-Signature=c0ffee"
OTHER_STACK = STACK_ID.replace("orders", "another")
NAMES = ("orders", "invoices", "sales", "returns", "stock")
FOLDERS = ("raw", "clean")
# Of so many updates one switches between ONUPDATE: replace and the other way.
EACH_SWITCH = 5
TAGS: tuple[dict[str, str], ...] = ({"team": "data-lake"}, {"team": "finance", "stage": "dev"}, {"stage": "test"}, {})


# ---- What can be wanted


@dataclass(frozen=True)
class Wanted:
    """The properties of a resource. The names of role and policy begin with that of the endpoint."""

    name: str = "orders"
    role: str = "role"
    policy: str = "policy"
    folder: int = 0
    tags: int = 0
    is_bounded: bool = False
    shouts: bool = False
    adopts: bool = False
    # Whether its life began by ADOPT: then document and trust are somebody's own.
    is_imported: bool = False
    # ONUPDATE: replace, so that the names that stand have a suffix.
    replaces: bool = False

    def properties(self) -> dict[str, Any]:
        more: dict[str, Any] = {"PERMISSIONSBOUNDARY": BOUNDARY} if self.is_bounded else {}
        more |= {"ADOPT": "true"} if self.adopts else {}
        more |= {"ONUPDATE": "replace"} if self.replaces else {}
        return {
            "ENVIRONMENT": "dev",
            "ENDPOINTIDENTIFIER": self.name.upper() if self.shouts else self.name,
            "POLICYNAME": f"{self.name}-{self.policy}",
            "ROLENAME": f"{self.name}-{self.role}",
            "S3SETTINGS": {"BUCKETNAME": BUCKET, "BUCKETFOLDER": FOLDERS[self.folder]},
            "TAGS": [{"Key": key, "Value": value} for key, value in TAGS[self.tags].items()],
            **more,
        }

    @property
    def identifier(self) -> str:
        return f"{self.name}{self.suffix}"

    @property
    def role_name(self) -> str:
        return f"{self.name}-{self.role}{self.suffix}"

    @property
    def policy_name(self) -> str:
        return f"{self.name}-{self.policy}{self.suffix}"

    @property
    def physical_id(self) -> str:
        return f"dev/{self.identifier}"

    @property
    def suffix(self) -> str:
        return f"-{generation_of(replace(self, shouts=False, tags=0))}" if self.replaces else ""

    def __str__(self) -> str:
        bounded = ", bounded" if self.is_bounded else ""
        adopts = ", ADOPT" if self.adopts else ""
        names = f"{self.identifier} ({self.role_name}, {self.policy_name}"
        return f"{names}, {FOLDERS[self.folder]}, tags {self.tags}{bounded}{adopts})"


@cache
def generation_of(wanted: Wanted) -> str:
    return parse(wanted.properties(), ENVIRONMENTS).generation


def _other(text: str) -> str:
    return text.removesuffix("-2") if text.endswith("-2") else f"{text}-2"


MADE_BY_HAND = Wanted(tags=3, adopts=True, is_imported=True)
CHANGES: dict[str, Callable[[Wanted], Wanted]] = {
    "same": lambda old: replace(old, shouts=not old.shouts),
    "tags": lambda old: replace(old, tags=(old.tags + 1) % len(TAGS)),
    "boundary": lambda old: replace(old, is_bounded=not old.is_bounded),
    "policy name": lambda old: replace(old, policy=_other(old.policy)),
    "role name": lambda old: replace(old, role=_other(old.role)),
    "settings": lambda old: replace(old, folder=1 - old.folder),
}


# ---- What disturbs a delivery

USUAL = Attempt(delay=0.03, answered=0.02)
OPERATIONS = (
    *("assume_role", "create_policy", "create_policy_version", "create_role", "attach_role_policy", "create_endpoint"),
    *("update_assume_role_policy", "put_role_permissions_boundary", "delete_role_permissions_boundary"),
    *("tag_role", "untag_role", "tag_policy", "add_tags_to_resource", "remove_tags_from_resource"),
    *("delete_endpoint", "detach_role_policy", "delete_role", "delete_policy", "list_roles", "list_policies"),
    *("get_item", "put_item", "update_item"),
    *("get_policy", "get_role", "describe_endpoints", "describe_replication_tasks", "list_tags_for_resource"),
)
MISHAPS = {"slow": 4, "throttled": 4, "5xx": 3, "lost": 2, "late": 2, "killed": 1}


@dataclass(frozen=True)
class Trouble:
    """What a delivery of an event meets: each call is disturbed by chance, and those of one operation always.

    It goes by its own seed, the operation and which of this name it is: so it stays, whatever other calls there are.
    """

    seed: int = 0
    share: float = 0.0
    focus: str = ""
    mishaps: tuple[str, ...] = ()
    begins: float = 0.0
    answer_is_lost: bool = False

    @property
    def is_any(self) -> bool:
        return bool(self.share or self.focus or self.answer_is_lost)

    def disturb(self, name: str, nth: int) -> Iterable[Attempt]:
        if not (self.share or self.focus):
            return () if name == "assume_role" else repeat(USUAL)
        draw = random.Random(crc32(f"{self.seed} {name} {nth}".encode()))  # noqa: S311  # no secret
        if name == "assume_role":
            denied = name == self.focus or draw.random() < self.share / 10
            return [Attempt(error="AccessDenied", takes_effect=False)] if denied else []
        if draw.random() >= (0.7 if name == self.focus else self.share):
            return repeat(USUAL)
        return chain(_mishap(draw.choice(self.mishaps), draw), repeat(USUAL))

    def __str__(self) -> str:
        words = [
            f"{self.share:.0%} of calls {'/'.join(dict.fromkeys(self.mishaps))}" if self.share or self.focus else "",
            f"{self.focus} most" if self.focus else "",
            "answer not delivered" if self.answer_is_lost else "",
        ]
        return "; ".join(word for word in words if word) or "undisturbed"


def _mishap(kind: str, draw: random.Random) -> Iterator[Attempt]:
    latest = READ_TIMEOUT + SECONDS_AFTER_A_TIMEOUT
    times = draw.choice((1, 1, 2, 3, 5, 8, 10, 12, MOST_ATTEMPTS - 1, MOST_ATTEMPTS + 2))
    match kind:
        case "slow":
            for _ in range(draw.choice((1, 1, 2, 3))):
                yield Attempt(
                    delay=min(draw.uniform(0.5, 60.0), latest) if draw.random() < 0.5 else draw.uniform(0.5, 20.0)
                )
        case "throttled":
            yield from repeat(Attempt(error="Throttling", takes_effect=False), times)
        case "5xx":
            for _ in range(times):
                yield Attempt(draw.uniform(0.0, 3.0), error="InternalFailure", takes_effect=draw.random() < 0.4)
        case "lost":
            for _ in range(draw.choice((1, 1, 2, MOST_ATTEMPTS))):
                yield Attempt(draw.uniform(0.0, 10.0), error=LOST, takes_effect=draw.random() < 0.8)
        case "late":
            yield Attempt(delay=0.03, answered=draw.uniform(1.0, 40.0))
        case "killed":
            yield from repeat(Attempt(error="Throttling", takes_effect=False), draw.choice((0, 0, 3)))
            effect = draw.choice((0.0, draw.uniform(0.0, latest)))
            yield Attempt(
                effect, takes_effect=draw.random() < 0.7, killed=draw.choice((0.0, effect / 2, effect + 0.01))
            )


# ---- The moves of CloudFormation, drawn from a seed


@dataclass(frozen=True)
class Again:
    """A second delivery of an event, so many seconds after it was issued."""

    after: float
    trouble: Trouble


@dataclass(frozen=True)
class Move:
    """What CloudFormation does next: with nothing there, or with a resource that stands."""

    on_nothing: str
    on_standing: str
    changes: tuple[str, ...]
    step: int
    cancelled_after: float
    adopts: bool
    gap: float
    settles: bool
    first: Trouble
    last: Trouble
    again: tuple[Again, ...]
    last_again: tuple[Again, ...]


@dataclass(frozen=True)
class Plan:
    """A race, before it is run."""

    seed: int
    variant: str
    foreign: bool
    by_hand: bool
    retained: bool
    stands: bool
    moves: tuple[Move, ...]
    # Whether the data-lake account demands a boundary, from after what stands was made.
    demands_boundary: bool
    # Whether what is made is made with ONUPDATE: replace.
    replaces: bool


ON_NOTHING = {"create": 5, "create, cancelled": 5}
ON_STANDING = {
    "update": 4,
    "update, cancelled": 6,
    "update, rolled back later": 3,
    "delete": 2,
    "retain": 1,
    "update, the old one retained": 1,
}


def plan_of(seed: int) -> Plan:
    draw = random.Random(seed)  # noqa: S311  # no secret
    variant = draw.choice(list(VARIANTS)) if draw.random() < 0.6 else "usual"
    foreign = draw.random() < 0.25
    made, retained, stands = draw.random() < 0.2, draw.random() < 0.2, draw.random() < 0.6
    moves = tuple(_move(draw) for _ in range(draw.choice((1, 1, 2, 2, 3, 4))))
    demands_boundary, replaces = draw.random() < 0.4, draw.random() < 0.25
    return Plan(seed, variant, foreign, made, retained, stands, moves, demands_boundary, replaces)


def _move(draw: random.Random) -> Move:
    replaces = draw.random() < 0.25
    changes = ("replacement",) if replaces else tuple(draw.sample(list(CHANGES), draw.choice((1, 1, 1, 2, 3))))
    return Move(
        on_nothing=_weighted(draw, ON_NOTHING),
        on_standing=_weighted(draw, ON_STANDING),
        changes=changes,
        step=draw.randrange(100),
        cancelled_after=_seconds_until_cancelled(draw),
        adopts=draw.random() < 0.7,
        gap=draw.choice((0.0, 1.0, draw.uniform(0.0, 60.0))),
        settles=draw.random() < 0.4,
        first=_trouble(draw, 0.8),
        last=_trouble(draw, 0.25),
        again=_again(draw),
        last_again=_again(draw) if draw.random() < 0.4 else (),
    )


def _weighted(draw: random.Random, weights: dict[str, int]) -> str:
    (chosen,) = draw.choices(list(weights), list(weights.values()))
    return chosen


def _seconds_until_cancelled(draw: random.Random) -> float:
    return draw.choice(
        (draw.uniform(0.0, 5.0), draw.uniform(0.0, 30.0), draw.uniform(0.0, 60.0), draw.uniform(0.0, 600.0))
    )


def _trouble(draw: random.Random, likely: float) -> Trouble:
    if draw.random() >= likely:
        return Trouble()
    mishaps = draw.choices(list(MISHAPS), list(MISHAPS.values()), k=draw.choice((1, 2, 3, 6)))
    return Trouble(
        seed=draw.randrange(2**32),
        share=draw.choice((0.0, 0.03, 0.1, 0.3)),
        focus=draw.choice(OPERATIONS),
        mishaps=tuple(mishaps),
        begins=draw.uniform(0.0, 20.0) if draw.random() < 0.1 else 0.0,
        answer_is_lost=draw.random() < 0.1,
    )


def _again(draw: random.Random) -> tuple[Again, ...]:
    """Side by side, or late."""
    if draw.random() >= 0.2:
        return ()
    after = draw.uniform(0.0, 30.0) if draw.random() < 0.5 else draw.uniform(30.0, LONGEST_AGE)
    return (Again(after, replace(_trouble(draw, 0.3), begins=0.0)),)


# ---- CloudFormation, as it treats one resource


@dataclass
class Request:
    """A request, and its first answer that was delivered."""

    number: int
    event: Event
    answered: Ending
    is_disturbed: bool
    answer: Answer = field(default_factory=dict)

    @property
    def succeeded(self) -> bool:
        return self.answer.get("Status") == "SUCCESS"

    def __str__(self) -> str:
        return f"#{self.number} {self.event['RequestType']}"


@dataclass(frozen=True)
class Standing:
    """What CloudFormation believes to stand; `is_as_made`: by hand, and nothing but ADOPT was changed since."""

    physical_id: str
    wanted: Wanted
    is_as_made: bool = False

    def is_left_by(self, new: Wanted) -> bool:
        """Whether an update to these properties leaves what was made by hand as it is."""
        return self.is_as_made and replace(new, adopts=True, shouts=False) == MADE_BY_HAND


class ViolatedError(Exception):
    """What stands is not what should: what follows tells nothing more."""


class Race:
    """One race: the two accounts, and CloudFormation in front of them. `violations` are what should not be."""

    def __init__(self, plan: Plan, story: Story | None = None) -> None:
        self.plan = plan
        self.draw = random.Random(plan.seed + 1)  # noqa: S311  # no secret
        self.clock = RacingClock(choose=self._choose)
        self.cloud = CloudInMemory(self.clock, validates=False)
        self.story = story
        self.violations: list[str] = []
        self.requests = 0
        self.issued_at = -1
        self.standing: Standing | None = None
        # What nobody may touch: foreign, or retained. And what was made by hand, as it was made.
        self.kept: Inventory = {}
        self.made: Inventory = {}
        # Names of earlier lives that were replaced and retained: an update back to such a name may take it up again.
        self.replaced: set[str] = set()
        # What was retained: for a Create of the very same properties that leaves no trace, nothing tells whose Delete
        # CloudFormation sends (docs/guarantees.md, what can't be promised). Names in capitals are the same properties.
        self.let_go: list[Wanted] = []

    def _choose(self, count: int) -> int:
        return self.draw.randrange(count) if count > 1 else 0

    def run(self) -> list[str]:
        self._stand_by()
        try:
            self.clock.race((0.0, self._play))
        except WedgedError as wedged:
            self._violation(f"wedged: {wedged}")
        except ViolatedError:
            pass
        return self.violations

    def tell(self, who: str, what: str) -> None:
        if self.story:
            self.story.tell(self.clock.now, who, what)

    def _violation(self, text: str) -> None:
        self.violations.append(text)
        self.tell("VIOLATION", text)

    def _play(self) -> None:
        for number, move in enumerate(self.plan.moves, 1):
            self.clock.sleep(move.gap)
            kind = move.on_standing if self.standing else move.on_nothing
            self.tell("", f"---- Move {number}: {kind}")
            self._move(kind, move)
            if move.settles:
                self._settle(f"after move {number}")
        self.tell("", "---- At the end: delete")
        if self.standing:
            self._delete(self.standing.physical_id, self.standing.wanted, self.plan.moves[-1].last)
            self._is_gone()
        self._settle("at the end")

    # -- What stands by

    def _stand_by(self) -> None:
        if self.plan.by_hand:
            self._make_by_hand()
            self.made = self.cloud.inventory()
        if self.plan.foreign:
            self._stands_already(Wanted("stock"), OTHER_STACK)
        if self.plan.retained:
            self.let_go = [Wanted("returns")]
            self._stands_already(Wanted("returns"), STACK_ID)
        self.kept = {arn: piece for arn, piece in self.cloud.inventory().items() if arn not in self.made}
        if self.plan.stands:
            wanted = MADE_BY_HAND if self.plan.by_hand else Wanted(replaces=self.plan.replaces)
            self.standing = Standing(wanted.physical_id, wanted, wanted.adopts)
            self._stands_already(wanted, STACK_ID)
        self.clock.now += 1000.0
        self.cloud.switch(**VARIANTS[self.plan.variant])
        self.cloud.iam.demanded_boundary = BOUNDARY if self.plan.demands_boundary else ""

    def _make_by_hand(self) -> None:
        iam, dms, wanted = self.cloud.iam, self.cloud.dms, MADE_BY_HAND
        role_arn = by_hand.make_role_and_policy(iam, BUCKET, wanted.role_name, wanted.policy_name)
        settings = {"ServiceAccessRoleArn": role_arn, "BucketName": BUCKET, "BucketFolder": FOLDERS[wanted.folder]}
        given: Any = {"EndpointIdentifier": wanted.identifier, "ResourceIdentifier": "BYHAND", "S3Settings": settings}
        given |= {"EndpointType": "target", "EngineName": "s3", "Tags": []}
        trust = by_hand.trust(dms.create_endpoint(**given)["Endpoint"]["ExternalId"])
        iam.update_assume_role_policy(RoleName=wanted.role_name, PolicyDocument=json.dumps(trust))
        dms.create_endpoint(**given)

    def _stands_already(self, wanted: Wanted, stack_id: str) -> None:
        event = self._event("Create", wanted, {"StackId": stack_id})
        (answer,) = self.cloud.deliver(event)
        assert answer["Status"] == "SUCCESS", answer
        self.clock.now += 1000.0

    # -- The moves

    def _move(self, kind: str, move: Move) -> None:
        match kind:
            case "create" | "create, cancelled":
                self._create(move, cancelled=kind == "create, cancelled")
            case "delete":
                assert self.standing
                self._delete(self.standing.physical_id, self.standing.wanted, move.first, move.again)
                self._is_gone()
            case "retain":
                self._retain()
            case _:
                self._update(move, kind)

    def _create(self, move: Move, cancelled: bool) -> None:
        wanted = self._wanted_anew(move)
        request = self._issue("Create", wanted, move.first, move.again)
        self._wait(request, move.cancelled_after if cancelled else SERVICE_TIMEOUT)
        self._must_succeed_if_undisturbed(request, wanted, cancelled)
        if request.succeeded and not cancelled:
            self.standing = Standing(request.answer["PhysicalResourceId"], wanted, wanted.adopts)
            return
        invented = f"orders-{LOGICAL_ID}-{self.draw.randrange(16**12):012X}"
        self._delete(request.answer.get("PhysicalResourceId", invented), wanted, move.last, move.last_again)

    def _is_gone(self) -> None:
        """Deleted; an import is somebody's own again, unless ADOPT was taken out before."""
        if self.standing and self.standing.wanted.is_imported and not self.standing.wanted.adopts:
            self.made = {}
        self.standing = None

    def _wanted_anew(self, move: Move) -> Wanted:
        if self.made and move.adopts:
            return MADE_BY_HAND
        wanted = Wanted(self._another_name(move, ""), replaces=self.plan.replaces)
        for change in move.changes:
            wanted = CHANGES[change](wanted) if change in CHANGES else wanted
        other = CHANGES["settings"](wanted)
        candidates = (wanted, other, CHANGES["tags"](wanted), CHANGES["tags"](other))
        return next(each for each in candidates if replace(each, shouts=False) not in self.let_go)

    def _another_name(self, move: Move, but: str) -> str:
        """Rarely one that is taken."""
        pieces = [*self.kept.values(), *self.made.values()]
        taken = {piece["EndpointIdentifier"] for piece in pieces if "EndpointIdentifier" in piece}
        may_be_taken = move.step % 10 == 0
        names = [n for n in NAMES if n not in self.replaced | {but} and (may_be_taken or n not in taken)]
        return names[move.step % len(names)] if names else f"more-{move.step}"

    def _update(self, move: Move, kind: str) -> None:
        old = self.standing
        assert old
        new = _given_up(move, old.wanted) if old.wanted.adopts else self._changed(move, old.wanted)
        if kind.endswith("retained"):
            self._settle("before what is retained is replaced")
        before = self.cloud.inventory()
        known = {"PhysicalResourceId": old.physical_id, "OldResourceProperties": old.wanted.properties()}
        request = self._issue("Update", new, move.first, move.again, **known)
        cancelled = kind == "update, cancelled"
        self._wait(request, move.cancelled_after if cancelled else SERVICE_TIMEOUT)
        self._must_succeed_if_undisturbed(request, new, cancelled)
        if cancelled or kind == "update, rolled back later" or not request.succeeded:
            self._roll_back(move, old, new, request)
            return
        self.standing = Standing(request.answer["PhysicalResourceId"], new, old.is_left_by(new))
        if self.standing.physical_id == old.physical_id:
            return
        if kind.endswith("retained"):
            self.replaced |= {old.wanted.name, old.wanted.identifier}
            self.made = {} if old.wanted.is_imported else self.made
            self.kept = {arn: piece for arn, piece in before.items() if arn not in self.made}
            return
        self._delete(old.physical_id, old.wanted, move.last, move.last_again)
        if old.wanted.is_imported:
            self.made = {}

    def _changed(self, move: Move, old: Wanted) -> Wanted:
        if "replacement" in move.changes:
            return replace(old, name=self._another_name(move, old.name), is_imported=False)
        new = old
        for change in move.changes:
            new = CHANGES[change](new)
        if self.plan.replaces and move.step % EACH_SWITCH == 0:
            new = replace(new, replaces=not old.replaces, is_imported=False)
        # What was retained under its names an update may take up again.
        is_taken_up = new.identifier != old.identifier and new.identifier in self.replaced
        return CHANGES["tags"](old) if is_taken_up else new

    def _roll_back(self, move: Move, old: Standing, new: Wanted, request: Request) -> None:
        """CloudFormation knows a new id only if it was answered."""
        known = request.answer["PhysicalResourceId"] if request.succeeded else old.physical_id
        more = {"PhysicalResourceId": known, "OldResourceProperties": new.properties()}
        answer = self._must("Update", old.wanted, move.last, move.last_again, **more)
        self.standing = replace(old, is_as_made=old.wanted.adopts or old.is_left_by(new))
        if answer["PhysicalResourceId"] != old.physical_id:
            self._violation(f"the rollback's id is {answer['PhysicalResourceId']}, not {old.physical_id}")
        if answer["PhysicalResourceId"] != known:
            self._delete(known, new, Trouble())

    def _delete(self, physical_id: str, wanted: Wanted, trouble: Trouble, again: tuple[Again, ...] = ()) -> None:
        self._must("Delete", wanted, trouble, again, PhysicalResourceId=physical_id)

    def _retain(self) -> None:
        """CloudFormation forgets the resource."""
        self._settle("before it is retained")
        self.let_go += [replace(self.standing.wanted, shouts=False)] if self.standing else []
        if self.standing and self.standing.wanted.is_imported:
            self.made = {}
        self.kept = {arn: piece for arn, piece in self.cloud.inventory().items() if arn not in self.made}
        self.standing = None

    # -- Requests and answers

    def _must(self, kind: str, wanted: Wanted, trouble: Trouble, again: tuple[Again, ...], **known: Any) -> Answer:
        """The answer SUCCESS; a request that was disturbed is repeated undisturbed, as an operator does."""
        request = self._issue(kind, wanted, trouble, again, **known)
        self._wait(request, SERVICE_TIMEOUT)
        if not request.succeeded and request.is_disturbed:
            request = self._issue(kind, wanted, Trouble(), (), **known)
            self._wait(request, SERVICE_TIMEOUT)
        if not request.succeeded:
            raise WedgedError(
                f"{request} of {known['PhysicalResourceId']}: {request.answer.get('Reason', 'no answer')}"
            )
        return request.answer

    def _must_succeed_if_undisturbed(self, request: Request, wanted: Wanted, cancelled: bool) -> None:
        if request.is_disturbed or request.succeeded or (cancelled and not request.answer):
            return
        taken = self.kept if wanted.is_imported else self.kept | self.made
        refused = wanted.adopts and wanted != MADE_BY_HAND
        if not refused and not _names_of(taken) & {wanted.identifier, wanted.role_name, wanted.policy_name}:
            self._violation(f"{request}, undisturbed: {request.answer.get('Reason', 'no answer')}")

    def _issue(self, kind: str, wanted: Wanted, trouble: Trouble, again: tuple[Again, ...], **known: Any) -> Request:
        """The signing time tells which of two requests was issued last, to the second."""
        while int(self.clock.now) <= self.issued_at:
            self.clock.sleep(self.issued_at + 1 - self.clock.now)
        self.issued_at = int(self.clock.now)
        self.requests += 1
        is_disturbed = trouble.is_any or any(each.trouble.is_any for each in again)
        request = Request(self.requests, self._event(kind, wanted, known), Ending(self.clock), is_disturbed)
        self.tell(str(request), f"is issued for {wanted}, {_ids(known)}{trouble}")
        self.clock.start(trouble.begins, lambda: self._deliver(request, trouble, ""))
        for number, each in enumerate(again, 2):
            self.clock.start(each.after, lambda each=each, n=number: self._deliver(request, each.trouble, f" ({n})"))  # type: ignore[misc]
        return request

    def _event(self, kind: str, wanted: Wanted, known: dict[str, Any]) -> Event:
        issued = BEGAN + timedelta(seconds=self.clock.now)
        return {
            "RequestType": kind,
            "RequestId": str(uuid.UUID(int=self.draw.getrandbits(128), version=4)),
            "StackId": STACK_ID,
            "LogicalResourceId": LOGICAL_ID,
            "ResourceType": "Custom::CreateDMSS3Endpoint",
            "ResponseURL": URL.format(issued.strftime("%Y%m%dT%H%M%SZ")),
            "ResourceProperties": wanted.properties(),
            **known,
        }

    def _deliver(self, request: Request, trouble: Trouble, which: str) -> None:
        who, began = f"{request}{which}", self.clock.now
        if which:
            self.tell(who, f"is delivered again: {trouble}")
        self.cloud.disturb = trouble.disturb
        if story := self.story:
            self.cloud.note = lambda *attempt: story.tell_attempt(self.clock.now, who, *attempt)
        self.cloud.takes_answer = not trouble.answer_is_lost
        answers = self.cloud.deliver(request.event)
        if self.clock.now - began > SECONDS_TO_ANSWER:
            answers = [answer | {"Status": "FAILED", "Reason": "NotStabilized: the watchdog"} for answer in answers]
        self._answered(request, answers, trouble, who)

    def _answered(self, request: Request, answers: list[Answer], trouble: Trouble, who: str) -> None:
        """Only the first answer counts that is delivered."""
        for fault in [fault for answer in answers for fault in faults_of(answer, request.event)]:
            self._violation(f"{who} is answered wrongly: {fault}")
        if not answers:
            self.tell(who, "answers nothing")
            return
        (answer,) = answers
        lost = (
            " (not delivered)"
            if trouble.answer_is_lost
            else " (CloudFormation has an answer)"
            if request.answer
            else ""
        )
        self.tell(who, f"answers {answer['Status']} {answer['PhysicalResourceId']} {answer['Reason']}{lost}")
        if not lost:
            request.answer = answer
            request.answered.end()

    def _wait(self, request: Request, seconds: float) -> None:
        self.clock.wait_for(request.answered, seconds=seconds)
        if not request.answer:
            self.tell("", f"{request} has no answer yet, after {seconds:.1f} s")

    # -- What must be

    def _settle(self, when: str) -> None:
        """Wait until nothing is under way, redeliveries included; then look."""
        self.clock.wait_for_all()
        self.clock.sleep(SECONDS_UNTIL_SETTLED)
        found = self.faults()
        for fault in found:
            self._violation(f"{when}: {fault}")
        if found:
            raise ViolatedError
        self.tell("", f"{when}: all is as it should be")

    def faults(self) -> list[str]:
        """What is not as CloudFormation believes."""
        inventory, wanted = self.cloud.inventory(), self.standing.wanted if self.standing else None
        kept = self.kept if wanted and wanted.is_imported else self.kept | self.made
        faults = [
            f"{_short(arn)}, not ours, was {_touched(arn, inventory)}"
            for arn in kept
            if inventory.get(arn) != kept[arn]
        ]
        ours = {arn: piece for arn, piece in inventory.items() if arn not in kept}
        if self.standing is None:
            return faults + [f"{_short(arn)} is left" for arn in ours]
        if self.standing.is_as_made:
            faults += [
                f"{_short(arn)}, imported, differs" for arn in self.made if _theirs(ours.get(arn)) != self.made[arn]
            ]
        return faults + faults_of_wanted(self.standing, ours, self.cloud.iam.demanded_boundary)


def _theirs(piece: Any) -> Any:
    """Without our tags."""
    return piece and piece | {"tags": {key: value for key, value in piece["tags"].items() if ":" not in key}}


def _given_up(move: Move, old: Wanted) -> Wanted:
    """What an import may change: nothing but ADOPT. All else is refused."""
    change = move.changes[0]
    return CHANGES[change](old) if change in ("same", "settings") else replace(old, adopts=False)


def faults_of_wanted(standing: Standing, ours: Inventory, demanded_boundary: str) -> list[str]:
    """In what the pieces differ from what was answered as SUCCESS.

    Where no boundary is wanted, a role may have the one that the account demands: IAM makes no other.
    """
    wanted = standing.wanted
    boundaries = {BOUNDARY} if wanted.is_bounded else {"", demanded_boundary}
    named = {wanted.identifier, wanted.role_name, wanted.policy_name}
    missing = [f"{name} is missing" for name in sorted(named - _names_of(ours))]
    left = [f"{_short(arn)} is left" for arn, piece in ours.items() if not _names_of({arn: piece}) & named]
    differing = [
        f"{_short(arn)} has {what}" for arn, piece in ours.items() for what in _differences(piece, wanted, boundaries)
    ]
    faults = missing + left + differing
    return faults or faults_of_standing(
        _without_statements_by_hand(ours) if wanted.is_imported else ours, standing.physical_id
    )


def _without_statements_by_hand(ours: Inventory) -> Inventory:
    """Beside ours, which alone has a Sid, an imported role keeps its own, whatever ExternalId that demands."""

    def shown(piece: Any) -> Any:
        statements = piece["trust"]["Statement"]
        return piece | {"trust": {"Statement": [each for each in statements if "Sid" in each] or statements}}

    return {arn: shown(piece) if "trust" in piece else piece for arn, piece in ours.items()}


def _differences(piece: Any, wanted: Wanted, boundaries: set[str]) -> Iterator[str]:
    tags = {key: value for key, value in piece["tags"].items() if ":" not in key}
    if tags != TAGS[wanted.tags]:
        yield f"the tags {tags}"
    if "S3Settings" in piece and piece["S3Settings"]["BucketFolder"] != FOLDERS[wanted.folder]:
        yield f"the folder {piece['S3Settings']['BucketFolder']}"
    if "boundary" in piece and piece["boundary"] not in boundaries:
        yield f"the boundary {piece['boundary'] or 'none'}"
    if (
        "document" in piece
        and not wanted.is_imported
        and f"{BUCKET}/{FOLDERS[wanted.folder]}" not in str(piece["document"])
    ):
        yield "the document of another folder"
    if "attached" in piece and [arn.rpartition("/")[2] for arn in piece["attached"]] != [wanted.policy_name]:
        yield f"attached {piece['attached']}"


def _names_of(inventory: Inventory) -> set[str]:
    """Identifiers of endpoints, and names of roles and policies."""
    return {piece.get("EndpointIdentifier") or arn.rpartition("/")[2] for arn, piece in inventory.items()}


def _short(arn: str) -> str:
    kind, _, name = arn.rpartition(":")[2].partition("/") if "/" in arn else ("endpoint", "", arn.rpartition(":")[2])
    return f"{kind} {name.rpartition('/')[2]}"


def _touched(arn: str, inventory: Inventory) -> str:
    return "changed" if arn in inventory else "deleted"


def _ids(known: dict[str, Any]) -> str:
    return f"id {known['PhysicalResourceId']}, " if known else ""


# ---- A seed


def violations_of(seed: int) -> list[str]:
    """What goes wrong in the race of this seed."""
    return Race(plan_of(seed)).run()


@dataclass
class Story:
    """A race in words: a line for each thing that happens, but for reads that nothing disturbs, which share lines."""

    out: TextIO
    reads: dict[str, list[str]] = field(default_factory=dict)
    began: dict[str, float] = field(default_factory=dict)

    def tell(self, now: float, who: str, what: str) -> None:
        self._tell_reads()
        self._line(now, who, what)

    def tell_attempt(self, now: float, who: str, operation: str, number: int, words: str) -> None:
        is_read = operation.startswith(READS)
        code, _, _message = words.partition(":")
        if is_read and number == 1 and (words == "ok" or code in ("NoSuchEntity", "ResourceNotFoundFault")):
            self.began.setdefault(who, now)
            self.reads.setdefault(who, []).append(operation if words == "ok" else f"{operation} ({code})")
            return
        if code in RETRIED and 1 < number < MOST_ATTEMPTS:
            return
        again = f" (attempt {number})" if number > 1 else ""
        self.tell(now, who, f"    {'' if is_read else '* '}{operation}{again} {words}")

    def _tell_reads(self) -> None:
        for who, reads in self.reads.items():
            counts = [
                f"{read} x{reads.count(read)}" if reads.count(read) > 1 else read for read in dict.fromkeys(reads)
            ]
            self._line(self.began[who], who, f"    {', '.join(counts)}")
        self.reads, self.began = {}, {}

    def _line(self, now: float, who: str, what: str) -> None:
        print(f"{now:9.2f}  {who:<14}  {what}", file=self.out)


LEGEND = """Each line: seconds, the request (a number in brackets: which delivery of it), and what happens.
Calls are indented, changing ones have a *, reads that nothing disturbs share a line, and of attempts that are throttled
or fail in the same way the first and the last are shown."""
RETRIED = ("Throttling", "InternalFailure")


def tell_the_story_of(seed: int, out: TextIO = sys.stdout) -> None:
    """What happens in the race of this seed, from its first request to its violations."""
    plan = plan_of(seed)
    standing = {
        "an endpoint of another stack": plan.foreign,
        "an endpoint made by hand": plan.by_hand,
        "an endpoint of this resource, retained": plan.retained,
        "the resource itself": plan.stands,
        "ONUPDATE replace": plan.replaces,
    }
    standing_now = ", ".join(what for what, is_there in standing.items() if is_there) or "nothing"
    print(f"Seed {seed}. AWS: {plan.variant}. Standing: {standing_now}.\n{LEGEND}", file=out)
    with deployed_in_memory():
        violations = Race(plan, Story(out)).run()
    print(*(violations or ["No violation."]), sep="\n", file=out)


if __name__ == "__main__":
    logging.disable(logging.CRITICAL)
    for argument in sys.argv[1:]:
        tell_the_story_of(int(argument))
