"""How a task or a serverless replication config comes back after it was deleted, and what would be lost. Calls nothing.

- https://docs.aws.amazon.com/dms/latest/userguide/CHAP_Task.CDC.html: start points, checkpoints
- https://docs.aws.amazon.com/dms/latest/userguide/CHAP_Source.PostgreSQL.html: replication slots
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from .replications import CDC, FULL_LOAD, STUCK, Endpoint, Live

# The engines of sources for which DMS takes a native start point, by their names in DescribeEndpoints. MariaDB is to
# DMS a source of MySQL's kind.
TAKE_START_POINTS = ("mysql", "mariadb", "oracle", "postgres", "sqlserver")
# CloudFormation gives its tags to the tasks that it makes.
OF_STACK = "aws:cloudformation:stack-name"
RELOAD = "With --reload it loads all again"
LOSE = "With --lose-changes it comes back without them, and goes on with those from its start on"


@dataclass(frozen=True)
class Accepted:
    """What the operator takes on: a full load anew, or changes that are lost."""

    reload: bool = False
    lose_changes: bool = False


@dataclass(frozen=True)
class ComesBack:
    """Its migration type, where its changes begin and end, and whether it is started."""

    type: str
    start_position: str = ""
    stop_position: str = ""
    start: bool = False

    def __str__(self) -> str:
        """As "cdc from checkpoint:…, started"."""
        begins = f" from {self.start_position}" if self.start_position else ""
        return f"{self.type}{begins}, {'started' if self.start else 'not started'}"


def objections(live: Live, source: Endpoint, accepted: Accepted) -> Iterator[str]:
    """Why it is not to be deleted, and what the operator can decide. A running one is not asked for its checkpoint."""
    if OF_STACK in live.tags:
        stack = live.tags[OF_STACK]
        yield f"{live} is of stack {stack}: deleted behind its back, it would be drift. See docs/replacing.md"
    if live.status == STUCK:
        yield f"{live} is {STUCK}: move it again, or delete it by hand"
    lost = list(_lost(live, source))
    if lost and not _takes_on(live, accepted):
        yield f"{live}: {', and '.join(lost)}. {LOSE if live.type == CDC else RELOAD}"


def _takes_on(live: Live, accepted: Accepted) -> bool:
    return accepted.lose_changes if live.type == CDC else accepted.reload


def _lost(live: Live, source: Endpoint) -> Iterator[str]:
    """What would be lost with it, if it came back with its changes alone. Nothing, if it was never started."""
    if not live.has_started:
        return
    if live.type != CDC and not live.load_is_over:
        yield "its full load is not over"
    if live.type != FULL_LOAD:
        yield from _lost_changes(live, source)


def _lost_changes(live: Live, source: Endpoint) -> Iterator[str]:
    """Why DMS could not go on where it was."""
    if source.engine not in TAKE_START_POINTS:
        engine = source.engine or "which does not exist"
        yield f"DMS takes no start point for its source, {source.identifier} ({engine})"
    elif source.engine == "postgres" and not source.slot:
        made = f"DMS made its replication slot, as its source, {source.identifier}, names none by slotName"
        yield f"{made}, and drops it together with it"
    elif live.is_at_rest and (live.type == CDC or live.load_is_over) and not _position(live):
        yield "it has no checkpoint"


def _position(live: Live) -> str:
    """One that has none yet may still begin where it did."""
    return live.checkpoint or live.start_position


def comes_back(live: Live, source: Endpoint, *, ran: bool) -> ComesBack:
    """How it comes back, once it is at rest and nothing is objected to. `ran`: before it was stopped."""
    if not live.has_started:
        return ComesBack(live.type, live.start_position if live.type == CDC else "", live.stop_position)
    if any(_lost(live, source)):
        return ComesBack(live.type, "", live.stop_position, ran)
    if live.type == FULL_LOAD:
        return ComesBack(FULL_LOAD)
    return ComesBack(CDC, _position(live), live.stop_position, ran)


def foreseen(live: Live, source: Endpoint, *, ran: bool) -> str:
    """`comes_back` in words, also of one that is still running and has no checkpoint to rely on."""
    if live.is_at_rest or any(_lost(live, source)) or live.type == FULL_LOAD:
        return str(comes_back(live, source, ran=ran))
    return f"{CDC} from the checkpoint that it has once it is stopped, {'started' if ran else 'not started'}"
