"""`tasks restore`: make again what `tasks save` wrote to a file, and start what ran.

Killed at any call, the next run goes on: what stands already as it comes back is left.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from .coming_back import ComesBack
from .errors import CannotError, RefusedError
from .replications import DELETING, FAILED, TASK, Live, Replications
from .saved_tasks import Entry, Saved, create_parameters, differences, on_endpoint, read

Say = Callable[[str], None]


@dataclass(frozen=True)
class Restore:
    """What the operator asks for. `endpoint`: the one that they come back on, if it is another one now."""

    path: Path
    endpoint: str
    is_dry_run: bool


@dataclass(frozen=True)
class Wanted:
    """An entry, how it comes back, and what stands of it already."""

    entry: Entry
    back: ComesBack
    live: Live | None


def restore(given: Restore, dms: Replications, say: Say) -> None:
    """Raises RefusedError and CannotError, and what botocore raises."""
    saved = _saved(given, dms)
    wanted = [Wanted(each, back, _standing(each, dms, given)) for each, back in _finished(saved, given.path)]
    _refuse_others([each for each in wanted if each.live])
    _check_surroundings([each.entry for each in wanted if each.live is None], dms, given.path)
    for line in _plan(wanted):
        say(line)
    if given.is_dry_run:
        say("Nothing was changed.")
        return
    made = [_made(each, dms, say) for each in wanted]
    started = [each for each in made if _start(each, dms)]
    for each in made:
        _report(each, dms, say, was_started=each in started)


def _saved(given: Restore, dms: Replications) -> Saved:
    saved = read(given.path)
    if saved is None:
        raise CannotError(f"{given.path} does not exist")
    if not given.endpoint:
        return saved
    return on_endpoint(saved, dms.endpoint(given.endpoint).arn)


def _finished(saved: Saved, path: Path) -> Iterator[tuple[Entry, ComesBack]]:
    """Each entry with how it comes back. Raises RefusedError if a save did not get so far."""
    if unfinished := saved.without_stops():
        names = ", ".join(map(str, unfinished))
        raise RefusedError(f"{path} has no checkpoint of {names} yet: run `tasks save` to its end first")
    for entry in saved.entries:
        if entry.comes_back:
            yield entry, entry.comes_back


def _standing(entry: Entry, dms: Replications, given: Restore) -> Live | None:
    """What stands under its name, and stays. What is being deleted is waited for, but for a dry run."""
    live = dms.find(entry.kind, entry.identifier)
    if live is None or live.status != DELETING:
        return live
    if not given.is_dry_run:
        dms.once(entry.kind, entry.identifier, lambda now: now is None, "deleted")
    return None


def _refuse_others(standing: Sequence[Wanted]) -> None:
    reasons = [reason for each in standing if each.live and (reason := _objection(each.entry, each.live))]
    if reasons:
        raise RefusedError("; ".join(reasons))


def _objection(entry: Entry, live: Live) -> str:
    """Why what stands is not what comes back; empty if it is."""
    differing = differences(entry, live)
    if differing and entry.is_of(live):
        return f"{entry} is not deleted yet: run `tasks save` to its end first"
    way_out = "Delete or rename the one that stands, or take its entry out of the file"
    return f"another {entry} stands, and differs in {', '.join(differing)}. {way_out}" if differing else ""


def _check_surroundings(entries: Sequence[Entry], dms: Replications, path: Path) -> None:
    """Raises CannotError unless endpoints and instances stand that these need."""
    endpoints = [str(each.definition[end]) for each in entries for end in ("SourceEndpointArn", "TargetEndpointArn")]
    instances = [str(each.definition["ReplicationInstanceArn"]) for each in entries if each.kind is TASK]
    missing = [*_not_active(endpoints, dms), *_not_available(instances, dms)]
    if missing:
        raise CannotError(f"what {path} needs is not there: {'; '.join(missing)}")


def _not_active(arns: Sequence[str], dms: Replications) -> Iterator[str]:
    for arn in dict.fromkeys(arns):
        endpoint = dms.endpoint_at(arn)
        if endpoint is None:
            yield f"endpoint {arn} does not exist. If another one has its place now, name it by --endpoint"
        elif endpoint.status != "active":
            yield f"endpoint {endpoint.identifier} is {endpoint.status}"


def _not_available(arns: Sequence[str], dms: Replications) -> Iterator[str]:
    for arn in dict.fromkeys(arns):
        status = dms.instance_status(arn)
        if status != "available":
            yield f"replication instance {arn} {f'is {status}' if status else 'does not exist'}"


def _plan(wanted: Sequence[Wanted]) -> Iterator[str]:
    for each in wanted:
        stands = f"stands already, {each.live.status}" if each.live else f"comes back as {each.back}"
        yield f"{each.entry} {stands}"
    if not wanted:
        yield "The file has no task and no replication config."


def _made(wanted: Wanted, dms: Replications, say: Say) -> Wanted:
    """It, standing: made, unless it is there already."""
    if wanted.live is None:
        dms.create(wanted.entry.kind, create_parameters(wanted.entry))
        say(f"{wanted.entry}: made")
    return wanted


def _start(wanted: Wanted, dms: Replications) -> bool:
    """Start it, if it is to be started and never was. Whether it is to run now."""
    entry = wanted.entry
    live = dms.once(entry.kind, entry.identifier, lambda now: now is not None and now.status != "creating", "ready")
    if live and wanted.back.start and not live.has_started:
        dms.start(live, wanted.back.start_position, wanted.back.stop_position)
        return True
    return False


def _report(wanted: Wanted, dms: Replications, say: Say, *, was_started: bool) -> None:
    """What became of it. Raises CannotError if it was to run, and failed."""

    def is_settled(now: Live | None) -> bool:
        is_still_new = was_started and now is not None and now.status == now.kind.new
        return now is not None and not is_still_new and (now.is_at_rest or now.status == "running")

    entry, back = wanted.entry, wanted.back
    live = dms.once(entry.kind, entry.identifier, is_settled, "running")
    if live and back.start and live.status == FAILED:
        raise CannotError(f"{entry} is made, and failed after its start: {live.failure}")
    say(f"{entry}: {live.status if live else 'gone'}, {live.arn if live else ''}")
    if live and back.start_position and not back.start and entry.kind is not TASK:
        say(f"    it did not run, and is not started. When you start it: --cdc-start-position {back.start_position}")
