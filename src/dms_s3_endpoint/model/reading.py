"""Given properties, read by the table: keys without case, values checked and converted. Each fault names its place."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from typing import Any

from .properties import Items, Members, Property
from .values import Values, fold, quoted

Faults = list[str]
LONGEST_KEY_SHOWN = 64


def read_members(given: object, members: Members, where: str = "") -> tuple[dict[str, Any], Faults]:
    """The values that are given, by the names of the table, and what is wrong with the others.

    Scalars have their type; a map is a dict again, a list a list of dicts. What is empty or null is not given.
    """
    if not isinstance(given, Mapping):
        return {}, [f"{where} must {members.rule}"]
    within = f"{where}." if where else ""
    folded, faults = fold_keys(given, within)
    faults += _faults_of_keys(folded, members, within)
    read: dict[str, Any] = {}
    for each in members.properties:
        value, its_faults = _read_property(folded.get(fold(each.name)), each, f"{within}{each.name}")
        faults += its_faults
        read |= {} if value is None else {each.name: value}
    return read, faults


def fold_keys(given: Mapping[str, Any], within: str = "") -> tuple[dict[str, Any], Faults]:
    """The map with its keys in upper case, and a fault for each that comes in two spellings."""
    folded: dict[str, Any] = {}
    faults = []
    for key, value in given.items():
        if fold(key) in folded:
            faults.append(f"{within}{fold(key)[:LONGEST_KEY_SHOWN]} is given twice, in two spellings")
        folded[fold(key)] = value
    return folded, faults


def _faults_of_keys(folded: Mapping[str, Any], members: Members, within: str) -> Faults:
    known = members.by_key()
    others = [key for key in folded if key not in known and key not in map(fold, members.ignored)]
    return [
        f"{within}{key[:LONGEST_KEY_SHOWN]} {members.refused.get(key) or f'is unknown{_hint(key, members)}'}"
        for key in others
    ]


def _hint(key: str, members: Members) -> str:
    """' (did you mean X?)' for the nearest known key, or where the key belongs; or nothing."""
    for each in members.properties:
        if isinstance(each.kind, Members) and key in each.kind.by_key():
            return f" (it belongs in {each.name})"
    close = difflib.get_close_matches(key.upper(), list(members.by_key()), n=1, cutoff=0.6)
    return f" (did you mean {close[0]}?)" if close else ""


def _read_property(value: object, about: Property, where: str) -> tuple[Any, Faults]:
    takes_empty = isinstance(about.kind, Values) and about.kind.takes_empty
    if value is None or (value == "" and not takes_empty):
        return None, [f"{where} is missing"] if about.is_required else []
    if isinstance(about.kind, Values):
        return _read_value(value, about.kind, where)
    if isinstance(about.kind, Items):
        return _read_items(value, about.kind, where)
    return read_members(value, about.kind, where)


def _read_value(value: object, values: Values, where: str) -> tuple[Any, Faults]:
    if not isinstance(value, str):
        return None, [f"{where} must be text"]
    fault = "" if values.is_of_deployment else values.fault(value)
    return (None, [f"{where} {fault}"]) if fault else (values.typed(value), [])


def _read_items(given: object, items: Items, where: str) -> tuple[Any, Faults]:
    if not isinstance(given, list):
        return None, [f"{where} must {items.rule}"]
    if len(given) > items.most:
        return None, [f"{where} has {len(given)} entries, and {items.most} is the most"]
    read, faults = [], []
    for number, each in enumerate(given, 1):
        item, its_faults = read_members(each, items.members, f"{where}.{number}")
        read.append(item)
        faults += its_faults
    return read, faults + _repeated(read, items, where)


def _repeated(read: Sequence[Mapping[str, Any]], items: Items, where: str) -> Faults:
    seen: set[str] = set()
    faults = []
    for number, each in enumerate(read, 1):
        key = str(each.get(items.unique, ""))
        if key and key.casefold() in seen:
            faults.append(f"{where}.{number}.{items.unique} {quoted(key)} is given twice; case makes no difference")
        seen.add(key.casefold())
    return faults
