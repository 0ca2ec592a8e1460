"""`tasks save`: stop what is on an endpoint, write it to a file, and delete it.

Killed at any call, the next run goes on: the file tells what ran before the first stop, and has each checkpoint before
the first delete.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from .coming_back import Accepted, comes_back, foreseen, objections
from .errors import CannotError, RefusedError
from .replications import DELETING, RUNNING, Endpoint, Live, Replications
from .saved_tasks import Entry, Saved, differences, entry_of, read, write

Say = Callable[[str], None]
STOPPED_ALONE = "all are stopped now, none is deleted, and resume-processing would start them again where they were"


@dataclass(frozen=True)
class Save:
    """What the operator asks for. `endpoint` is a physical id, or the identifier alone."""

    endpoint: str
    path: Path
    accepted: Accepted
    is_dry_run: bool


@dataclass(frozen=True)
class Found:
    """A task or config on the endpoint, its source, and what the file has of this very one.

    `ran`: before it was stopped for the save. `checkpoint`: what a run before this one saw, else empty.
    """

    live: Live
    source: Endpoint
    ran: bool
    checkpoint: str

    def at(self, live: Live) -> Found:
        """As it is now. A checkpoint that was seen once is not given up, should DMS show none any more."""
        return replace(self, live=replace(live, tags=self.live.tags, checkpoint=live.checkpoint or self.checkpoint))


def save(wanted: Save, dms: Replications, say: Say) -> None:
    """Raises RefusedError and CannotError, and what botocore raises."""
    endpoint, kept = dms.endpoint(wanted.endpoint), read(wanted.path)
    _check_is_of(kept, endpoint, wanted.path)
    found = _found(endpoint, kept, dms, waits=not wanted.is_dry_run)
    begun = Saved(endpoint.identifier, endpoint.arn, tuple(_begun(kept, found, wanted.path)))
    _refuse(found, wanted.accepted, "")
    say(f"endpoint {endpoint.identifier}, {endpoint.arn}")
    for line in _plan(begun, found):
        say(line)
    if wanted.is_dry_run:
        say("Nothing was changed.")
        return
    write(wanted.path, begun)
    stopped = [_stopped(each, dms) for each in found]
    _refuse(stopped, wanted.accepted, f"{STOPPED_ALONE}. ")
    write(wanted.path, _with_stops(begun, stopped))
    say(f"Written: {wanted.path}")
    _delete([each.live for each in stopped], dms, say)
    say(f"Deploy now. Then: python -m dms_s3_endpoint_cli tasks restore --file {wanted.path}")


def _check_is_of(kept: Saved | None, endpoint: Endpoint, path: Path) -> None:
    if kept and kept.endpoint_arn != endpoint.arn:
        raise RefusedError(f"{path} is of endpoint {kept.endpoint}, {kept.endpoint_arn}. Take another --file")


def _found(endpoint: Endpoint, kept: Saved | None, dms: Replications, *, waits: bool) -> list[Found]:
    """What is on the endpoint. What is under way is waited for, but for a dry run."""
    standing = [_settled(each, dms) if waits else each for each in dms.on(endpoint.arn)]
    sources: dict[str, Endpoint] = {}
    found = []
    for live in [each for each in standing if each and each.status != DELETING]:
        arn = str(live.definition["SourceEndpointArn"])
        sources[arn] = sources.get(arn) or dms.endpoint_at(arn) or Endpoint(arn, arn, "")
        entry = _the_very(kept, live)
        checkpoint = entry.comes_back.start_position if entry and entry.comes_back else ""
        ran = live.runs or bool(entry and entry.ran)
        tagged = replace(live, tags=dms.tags_of(live.arn))
        found.append(Found(tagged, sources[arn], ran, checkpoint).at(tagged))
    return found


def _the_very(kept: Saved | None, live: Live) -> Entry | None:
    """The entry of the very one that stands, not of another of its name."""
    entry = kept.of(live) if kept else None
    return entry if entry and entry.is_of(live) else None


def _settled(live: Live, dms: Replications) -> Live | None:
    """Once nothing of it is under way but its running; None if it is gone then."""

    def is_settled(now: Live | None) -> bool:
        return now is None or now.is_at_rest or now.status == RUNNING

    return live if is_settled(live) else dms.once(live.kind, live.identifier, is_settled, "settled")


def _begun(kept: Saved | None, found: Sequence[Found], path: Path) -> Iterator[Entry]:
    """The entries before the stop. Those of what is deleted stay. Raises RefusedError for what would be lost."""
    live = {(each.live.kind, each.live.identifier) for each in found}
    for entry in kept.entries if kept else ():
        if (entry.kind, entry.identifier) not in live:
            yield _of_deleted(entry, path)
    for each in found:
        new, before = entry_of(each.live, ran=each.ran), kept.of(each.live) if kept else None
        if before and before.is_of(each.live):
            new = replace(new, comes_back=before.comes_back)
        elif before:
            _check_is_restored(before, each.live, path)
        yield new


def _of_deleted(entry: Entry, path: Path) -> Entry:
    if entry.comes_back is None:
        gone = f"{entry} is gone, and {path} has no checkpoint of it: somebody else deleted it"
        raise RefusedError(f"{gone}. Take another --file, and make it again by hand")
    return entry


def _check_is_restored(entry: Entry, live: Live, path: Path) -> None:
    """One of the same name may take the place of the file's only if that was restored, and so is not lost."""
    if entry.comes_back and (differing := differences(entry, live)):
        other = f"{path} keeps another {entry}, which was deleted and is not restored"
        raise RefusedError(f"{other}: this one differs in {', '.join(differing)}. Take another --file")


def _refuse(found: Iterable[Found], accepted: Accepted, what_was_done: str) -> None:
    reasons = [reason for each in found for reason in objections(each.live, each.source, accepted)]
    if reasons:
        raise RefusedError(what_was_done + "; ".join(reasons))


def _plan(begun: Saved, found: Sequence[Found]) -> Iterator[str]:
    live = {(each.live.kind, each.live.identifier): each for each in found}
    for entry in begun.entries:
        if each := live.get((entry.kind, entry.identifier)):
            arn = "under its ARN" if entry.keeps_arn else "under another ARN, as DMS takes 31 characters of its end"
            yield f"{entry}, {each.live.status}"
            yield f"    comes back as {foreseen(each.live, each.source, ran=each.ran)}, {arn}"
            if each.live.errored:
                yield f"    warning: {each.live.errored} tables are in error, and go on without what they missed"
        else:
            yield f"{entry}, deleted already"
    if not begun.entries:
        yield "No task and no replication config is on it."


def _stopped(found: Found, dms: Replications) -> Found:
    """It, at rest: only now its checkpoint is right."""
    live = found.live
    if live.is_at_rest:
        return found
    dms.stop(live)
    stopped = dms.once(live.kind, live.identifier, lambda now: now is None or now.is_at_rest, "stopped")
    if stopped is None:
        raise CannotError(f"{live} is gone: somebody else deleted it. Run this again")
    return found.at(stopped)


def _with_stops(begun: Saved, stopped: Sequence[Found]) -> Saved:
    found: Mapping[object, Found] = {(each.live.kind, each.live.identifier): each for each in stopped}

    def final(entry: Entry) -> Entry:
        each = found.get((entry.kind, entry.identifier))
        if each is None:
            return entry
        return replace(entry_of(each.live, ran=each.ran), comes_back=comes_back(each.live, each.source, ran=each.ran))

    return replace(begun, entries=tuple(map(final, begun.entries)))


def _delete(lives: Sequence[Live], dms: Replications, say: Say) -> None:
    for live in lives:
        dms.delete(live)
    for live in lives:
        dms.once(live.kind, live.identifier, lambda now: now is None, "deleted")
        say(f"{live}: deleted")
