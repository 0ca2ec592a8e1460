"""What `check` prints: text for people, JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field

from rich.console import Console
from rich.table import Table
from rich.text import Text

# Wider than any line, so that no table is folded or cut to the width of a terminal.
WIDTH = 10_000
INDENT = "    "


@dataclass(frozen=True)
class Row:
    """One endpoint: what the deployment would do with it, step by step, and what would fail.

    A step is {"do": "create role", "name": "dms-orders", "reason": "it does not exist"}.
    """

    resource: str
    endpoint: str
    action: str
    steps: list[Mapping[str, str]] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def print_json(rows: Sequence[Row]) -> None:
    """A list with an object for each row, on standard output."""
    print(json.dumps([asdict(row) for row in rows], indent=2))


def console() -> Console:
    """Standard output; with colours where it is a terminal, otherwise plain text."""
    return Console(highlight=False, markup=False, emoji=False)


def print_text(rows: Sequence[Row], to: Console) -> None:
    """A line for each endpoint, under it its steps, warnings and problems; at last how many would fail."""
    heading, *lines = _in_columns(rows, to)
    _print(to, heading, "bold")
    for row, line in zip(rows, lines, strict=True):
        _print(to, line)
        for detail, style in _details(row):
            _print(to, INDENT + detail, style)
    failing = sum(bool(row.problems) for row in rows)
    _print(to, f"{failing} of {len(rows)} would fail." if failing else "Nothing would fail.", "bold")


def _in_columns(rows: Sequence[Row], to: Console) -> Iterator[str]:
    """The heading and a line for each row."""
    table = Table("RESOURCE", "ENDPOINT", "ACTION", box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for row in rows:
        table.add_row(Text(row.resource), Text(row.endpoint), Text(row.action))
    for line in to.render_lines(table, to.options.update(width=WIDTH)):
        yield "".join(segment.text for segment in line).rstrip()


def _details(row: Row) -> Iterator[tuple[str, str]]:
    """Each line that belongs to the row, and its style."""
    yield from ((_in_words(step), "") for step in row.steps)
    yield from ((f"warning: {each}", "yellow") for each in row.warnings)
    yield from ((f"problem: {each}", "red") for each in row.problems)


def _in_words(step: Mapping[str, str]) -> str:
    done = f"{step['do']} {step['name']}".strip()
    return f"{done}: {step['reason']}" if step["reason"] else done


def _print(to: Console, line: str, style: str = "") -> None:
    """Whole, however narrow the terminal or the log is."""
    to.print(Text(line), style=style, soft_wrap=True)
