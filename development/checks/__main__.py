"""Judges the templates and policies that checks.plain printed, and the code in the folders that are named.

Fails for a finding that accepted.py does not have, for one that it has in vain, and for a tool that misses bad.py.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from . import bad
from .accepted import ACCEPTED
from .findings import Finding, complaints
from .tools import Policies, by_bandit, by_checkov, by_cloudformation_validate, by_parliament

BAD = "bad-on-purpose"


def main(folders: list[str]) -> int:
    given = json.load(sys.stdin)
    with tempfile.TemporaryDirectory() as directory:
        code = Path(directory, "bad.py")
        code.write_text(bad.CODE)
        templates = _written(Path(directory), {**given["templates"], BAD: bad.TEMPLATE})
        policies = [*given["policies"], *((BAD, each) for each in bad.POLICIES)]
        found = list(_findings(templates, policies, [*folders, str(code)]))
    wrong = complaints(found, ACCEPTED, {BAD, str(code)}, bad.MUST_FIND)
    counts = ", ".join(f"{tool} {count}" for tool, count in sorted(Counter(each.tool for each in found).items()))
    print("\n".join([*wrong, f"{len(templates)} templates, {len(policies)} policies; findings: {counts}"]))
    return 1 if wrong else 0


def _findings(templates: Mapping[str, Path], policies: Policies, code: list[str]) -> Iterator[Finding]:
    yield from by_cloudformation_validate(templates)
    yield from by_checkov(templates)
    yield from by_parliament(policies)
    yield from by_bandit(code)


def _written(directory: Path, templates: Mapping[str, Any]) -> dict[str, Path]:
    paths = {name: directory / f"{number}.json" for number, name in enumerate(templates)}
    for name, path in paths.items():
        path.write_text(json.dumps(templates[name], indent=1))
    return paths


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
