"""What a tool says against something; and which findings fail the checks. Pure functions."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from fnmatch import fnmatchcase
from typing import NamedTuple


class Finding(NamedTuple):
    tool: str
    rule: str
    place: str
    text: str = ""

    def __str__(self) -> str:
        return f"{self.place}: {self.tool} {self.rule}: {self.text}"


# A finding is accepted by tool, rule and place; the place may be a pattern. Each has its reason.
Accepted = Mapping[tuple[str, str, str], str]


def complaints(
    found: Iterable[Finding], accepted: Accepted, bad: Collection[str], must_find: Collection[tuple[str, str]]
) -> list[str]:
    """New findings, acceptances that nothing needs, and tools that miss what is bad on purpose: in the places `bad`."""
    in_bad = [each for each in found if each.place.split()[0] in bad]
    others = [each for each in found if each.place.split()[0] not in bad]
    new = {str(each) for each in others if not any(_covers(key, each) for key in accepted)}
    vain = [key for key in accepted if not any(_covers(key, each) for each in others)]
    missed = set(must_find) - {(each.tool, each.rule) for each in in_bad}
    return [
        *sorted(new),
        *(f"{place}: {tool} {rule}: accepted, but not found any more" for tool, rule, place in sorted(vain)),
        *(f"{tool} misses {rule} where it is on purpose" for tool, rule in sorted(missed)),
    ]


def _covers(key: tuple[str, str, str], finding: Finding) -> bool:
    tool, rule, place = key
    return (tool, rule) == (finding.tool, finding.rule) and fnmatchcase(finding.place, place)
