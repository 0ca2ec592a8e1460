"""`make faults`: run every cell, print how many faults were survived, and write `build/faults.json`."""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import ExitStack, contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from local_aws.cloudformation import CloudFormation
from local_aws.organisation import sam_build

from .deployed import deployed
from .matrix import FAULTS, Cell, Run, cells_of, runs_of, violations_of
from .scenarios import REQUESTS

# A run keeps a core busy, except if its function hangs: then it only waits.
WORKING_AT_ONCE, WAITING_AT_ONCE = 4, 20  # on a server
# After it had to end some hundred functions, MiniStack ends others too, so each server gets a limited number of runs.
RUNS_OF_A_SERVER = 100
REPORT = Path("build/faults.json")
Found = dict[Run, list[str]]


def main(arguments: Sequence[str]) -> int:
    """Run the chosen cells. Returns 0 if there was no violation, else 1."""
    parser = argparse.ArgumentParser(prog="python -m development.faults", description=__doc__)
    parser.add_argument("--request", action="append", choices=REQUESTS, help="only this one; more than once")
    parser.add_argument("--fault", action="append", choices=list(FAULTS), help="only this one; more than once")
    parser.add_argument("--sample", type=int, help="only so many cells, drawn by the seed")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--again", type=Path, metavar="REPORT", help="only the runs that failed in this one")
    given = parser.parse_args(arguments)
    console = Console()
    with servers(1) as (first,):
        cells = [cell for cell in cells_of(given.request or REQUESTS, first) if cell.fault in (given.fault or FAULTS)]
    if given.sample:
        cells = random.Random(given.seed).sample(cells, given.sample)  # noqa: S311  # no secret
    runs = [run for run in runs_of(cells) if not given.again or has_failed(run, given.again)]
    # So that each server gets a mixture.
    random.Random(given.seed).shuffle(runs)  # noqa: S311  # no secret
    found = try_all(runs, console)
    console.print(table_of(found))
    return report(cells, found, console)


def has_failed(run: Run, report: Path) -> bool:
    """Whether the report of an earlier time has a violation of the run."""
    violations: list[str] = json.loads(report.read_text())["violations"]
    return any(violation.startswith(f"{named(run)}: ") for violation in violations)


@contextmanager
def servers(count: int) -> Iterator[list[CloudFormation]]:
    """So many servers, each with the function and the bystanders."""
    with ExitStack() as stack, tempfile.TemporaryDirectory() as directory:
        built = sam_build(Path(directory))
        yield [stack.enter_context(deployed(built)) for _ in range(count)]


def try_all(runs: Sequence[Run], console: Console) -> Found:
    """Do all runs and return the violations of each."""
    columns = (TextColumn("[progress.description]{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, TimeElapsedColumn(), console=console) as progress:
        task = progress.add_task("runs", total=len(runs))
        found = {}
        for run, violations in _tried_by_shifts(runs):
            found[run] = violations
            progress.advance(task)
            for violation in violations:
                progress.console.print(f"{named(run)}: {violation}", markup=False)
    return found


def _tried_by_shifts(runs: Sequence[Run]) -> Iterator[tuple[Run, list[str]]]:
    count = os.cpu_count() or 1
    for start in range(0, len(runs), count * RUNS_OF_A_SERVER):
        with servers(count) as shift:
            yield from _tried(runs[start : start + count * RUNS_OF_A_SERVER], shift)


def _tried(runs: Sequence[Run], servers: Sequence[CloudFormation]) -> Iterator[tuple[Run, list[str]]]:
    working = ThreadPoolExecutor(WORKING_AT_ONCE * len(servers))
    waiting = ThreadPoolExecutor(WAITING_AT_ONCE * len(servers))
    with working, waiting:
        tried = {
            (waiting if run.waits else working).submit(violations_of, run, servers[number % len(servers)]): run
            for number, run in enumerate(runs)
        }
        for done in as_completed(tried):
            yield tried[done], done.result()


def table_of(found: Found) -> Table:
    """A table of the faults tried and survived, by request and call."""
    tried = Counter((run.cell.request, run.cell.call) for run in found)
    survived = Counter((run.cell.request, run.cell.call) for run, violations in found.items() if not violations)
    table = Table("request", "call", "faults tried", "survived", title="Nothing hangs, leaks or wedges")
    for key in sorted(tried):
        table.add_row(*key, str(tried[key]), str(survived[key]))
    return table


def report(cells: Sequence[Cell], found: Found, console: Console) -> int:
    """Write the report and return the exit status."""
    violations = [f"{named(run)}: {violation}" for run, faults in found.items() for violation in faults]
    REPORT.parent.mkdir(exist_ok=True)
    REPORT.write_text(json.dumps({"cells": len(cells), "runs": len(found), "violations": violations}, indent=2))
    console.print(f"{len(cells)} cells, {len(found)} runs, {len(violations)} violations; {REPORT}")
    return 1 if violations else 0


def named(run: Run) -> str:
    """The run's name, such as `Create: iam:CreateRole 1: throttled`."""
    again = ", delivered again" if run.again else ""
    return f"{run.cell.request}: {run.cell.call} {run.cell.nth}: {run.cell.fault}{again}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
