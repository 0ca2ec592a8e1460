"""What a single value may be. The function, the linter's schema and the editor's schema all derive from it.

CloudFormation sends every scalar of a template as text: 5 as "5", true as "true".
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

Scalar = str | bool | int
LARGEST_INTEGER = 2**31 - 1
SHOWN = 40
MOST_FOUND = 10


class Kind(StrEnum):
    """The type that a value has in the API."""

    TEXT = "text"
    BOOLEAN = "boolean"
    INTEGER = "integer"
    ENUMERATION = "enumeration"


@dataclass(frozen=True)
class Values:
    """The texts that a property takes.

    `pattern` is of the whole text and needs no flags, so that Python and JavaScript read it alike.
    `rule` follows "must", as in "must be true or false". `bounds` are of an integer, both included.
    """

    kind: Kind
    rule: str
    pattern: str = ""
    longest: int | None = None
    bounds: tuple[int, int] | None = None
    choices: tuple[str, ...] = ()
    # What may have happened to a text that does not fit: patterns that are searched for, and what to say. {found} is
    # what the pattern found, each once.
    hints: tuple[tuple[str, str], ...] = ()
    # For other properties an empty text means "not given".
    takes_empty: bool = False
    # Only the deployment knows which values are right: linters check the pattern, the function its own list.
    is_of_deployment: bool = False

    def fault(self, text: str) -> str:
        """What is wrong with the text, beginning with "must"; empty if nothing is."""
        fits = self._has_length(text) and self._has_form(text) and self._is_within_bounds(text)
        return "" if fits else f"must {self.rule}, not {quoted(text)}{self._hint(text)}"

    def _hint(self, text: str) -> str:
        """The first hint that fits, in brackets."""
        for pattern, hint in self.hints:
            if found := dict.fromkeys(each.group() for each in re.finditer(pattern, text)):
                return f" ({hint.format(found=' '.join(list(found)[:MOST_FOUND]))})"
        return ""

    def _has_length(self, text: str) -> bool:
        return self.longest is None or len(text) <= self.longest

    def _has_form(self, text: str) -> bool:
        return not self.pattern or re.fullmatch(self.pattern, text) is not None

    def _is_within_bounds(self, text: str) -> bool:
        return self.bounds is None or self.bounds[0] <= int(text) <= self.bounds[1]

    def typed(self, text: str) -> Scalar:
        """The text in the API's type. Raises ValueError for text that is no boolean or integer of these."""
        if self.kind not in (Kind.BOOLEAN, Kind.INTEGER):
            return text
        if fault := self.fault(text):
            raise ValueError(fault)
        return int(text) if self.kind is Kind.INTEGER else text.lower() in ("true", "y")


def free_text() -> Values:
    """Any text."""
    return Values(Kind.TEXT, "be text")


def boolean() -> Values:
    """As DMS documents booleans: https://docs.aws.amazon.com/dms/latest/userguide/CHAP_Target.S3.html"""
    words = [any_case(word) for word in ("true", "false", "y", "n")]
    return Values(Kind.BOOLEAN, "be true or false", "|".join(words))


def whole_number(low: int = 0, high: int = LARGEST_INTEGER) -> Values:
    """A number of ASCII digits, both bounds included."""
    rule = f"be a whole number from {low} to {high}"
    return Values(Kind.INTEGER, rule, "[0-9]{1,10}", bounds=(low, high))


def one_of(choices: Iterable[str]) -> Values:
    """One of these, in any case; `-` and `_` are the same character, as DMS's documentation and API differ in both."""
    chosen = tuple(choices)
    patterns = [re.sub("[-_]", "[-_]", any_case(choice)) for choice in chosen]
    rule = f"be {', '.join(chosen[:-1])} or {chosen[-1]}" if len(chosen) > 1 else f"be {chosen[0]}"
    return Values(Kind.ENUMERATION, rule, "|".join(patterns), choices=chosen)


def any_case(word: str) -> str:
    """A pattern of the word in upper and lower case, for readers of patterns that know no flags."""
    plain = (letter if letter in "-_:" else re.escape(letter) for letter in word)
    return "".join(f"[{each.upper()}{each.lower()}]" if each.isalpha() else each for each in plain)


def quoted(text: str) -> str:
    """The text in quotes, shortened to forty characters."""
    return repr(text if len(text) <= SHOWN else text[:SHOWN] + "…")


def fold(key: str) -> str:
    """A key without its case. A letter that is not ASCII stays, so that one that only looks like S is no S."""
    return key.upper() if key.isascii() else key
