"""What can be known beforehand of a policy's patterns and conditions. Pure functions.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

# Whether something holds; a text names what that depends on, where only the call itself can tell.
Truth = bool | str
# Condition keys in lower case, and their values; None for those that the call does not have.
Known = Mapping[str, str | None]

NO_ARN = "what is no ARN"
# ${key} or ${key, 'default'}
VARIABLE = re.compile(r"\$\{([^,}*?$]+)(?:, *'([^']*)')?\}")
# As good as one.
STARS = re.compile(r"\*+")
OPERATOR = re.compile(r"(?:(forallvalues|foranyvalue):)?(\w+?)(ifexists)?")
COLONS_OF_AN_ARN = 5
# The rest of a name that may go on in any way: a pattern matches it by its wildcards alone.
ANY_TAIL = "\0" * 99


def all_of(truths: Iterable[Truth]) -> Truth:
    """Whether all hold: they do not if one does not, whatever the others depend on."""
    found = set(truths)
    return False if False in found else ", ".join(sorted(each for each in found if isinstance(each, str))) or True


def any_of(truths: Iterable[Truth]) -> Truth:
    """Whether one of them holds."""
    return negated(all_of(map(negated, truths)))


def negated(truth: Truth) -> Truth:
    """Whether it does not hold."""
    return truth if isinstance(truth, str) else not truth


def covers(pattern: str, wanted: str, part: str) -> Truth:
    """Whether the pattern matches what is wanted, which may end with an asterisk for many; `part` if only some."""
    begin = wanted.removesuffix("*")
    if begin == wanted:
        return _is_like(pattern, wanted)
    return _is_like(pattern, begin + ANY_TAIL) or (part if _reached(pattern, begin) else False)


def resolved(text: str, known: Known) -> tuple[str, str]:
    """The text with the values of its variables, and the variables whose value is not known: for each an asterisk."""
    unknown = sorted({found[1] for found in VARIABLE.finditer(text) if _value(found, known) is None})
    return VARIABLE.sub(lambda found: _value(found, known) or "*", text), ", ".join(unknown)


def _value(variable: re.Match[str], known: Known) -> str | None:
    key, default = variable[1].lower(), variable[2]
    return known.get(key) or (default if key in known else None)


def condition(how: str, key: str, given: Any, known: Known) -> Truth:
    """Whether the condition holds; the key where this is not known. `how` is an operator, `given` a value or a list."""
    quantifier, name, if_exists = _read(how)
    compare = OPERATORS.get(name.replace("not", "", 1))
    if key.lower() not in known or compare is None:
        return key
    value, values = known[key.lower()], list(map(str, given if isinstance(given, list) else [given]))
    if name == "null":
        return any_of(compare(each, str(value is None)) for each in values)
    if value is None:
        return quantifier != "foranyvalue" and bool(quantifier or if_exists or "not" in name)
    holds = any_of(_compared(compare, each, value, known) for each in values)
    return negated(holds) if "not" in name else holds


def _read(how: str) -> tuple[str, str, str]:
    """ForAllValues or ForAnyValue, the operator itself, and IfExists, in lower case; empty for what is not there."""
    found = OPERATOR.fullmatch(how.lower())
    return (found[1] or "", found[2], found[3] or "") if found else ("", "", "")


def _compared(compare: Callable[[str, str], Truth], given: str, value: str, known: Known) -> Truth:
    text, unknown = resolved(given, known)
    return unknown or compare(text, value)


def _is_equal_in_any_case(given: str, value: str) -> bool:
    return given.lower() == value.lower()


def _is_like(pattern: str, text: str) -> bool:
    return len(STARS.sub("*", pattern)) in _reached(pattern, text)


def _is_like_arn(pattern: str, text: str) -> Truth:
    """Each part for itself; but where both have the same colons, an asterisk can't stand for one."""
    return _is_like(pattern, text) if pattern.count(":") == text.count(":") == COLONS_OF_AN_ARN else NO_ARN


def _reached(pattern: str, text: str) -> set[int]:
    """How much of the pattern the text may use up; empty if what begins with the text does not match.

    No regular expression: a policy's wildcards could make it search for ages. ${*}, an asterisk that is no wildcard,
    matches nothing, as no text that is known has a dollar sign.
    """
    pattern = STARS.sub("*", pattern)
    reached = _past_stars(pattern, {0})
    for char in text:
        fitting = {n for n in reached if pattern[n : n + 1] in ("*", "?", char)}
        reached = _past_stars(pattern, {n if pattern[n] == "*" else n + 1 for n in fitting})
    return reached


def _past_stars(pattern: str, reached: set[int]) -> set[int]:
    """An asterisk may stand for nothing."""
    return reached | {n + 1 for n in reached if pattern[n : n + 1] == "*"}


# A name with "Not" in it means the contrary. All others, as NumericLessThan or IpAddress, are of keys that are unknown.
OPERATORS: Mapping[str, Callable[[str, str], Truth]] = {
    "arnequals": _is_like_arn,
    "arnlike": _is_like_arn,
    "bool": _is_equal_in_any_case,
    "null": _is_equal_in_any_case,
    "stringequals": operator.eq,
    "stringequalsignorecase": _is_equal_in_any_case,
    "stringlike": _is_like,
}
