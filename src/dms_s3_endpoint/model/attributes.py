"""ExtraConnectionAttributes: settings as `name=value;name=value`, passed through to DMS.

White space around names, `=` and `;` is no part of them, as DMS documents it. A known setting without a value is
not given.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from .s3_settings import ALIASES, REFUSED, Setting, canonical_names, members, same, values_of
from .values import fold, quoted

PROPERTY = "EXTRACONNECTIONATTRIBUTES"


@dataclass(frozen=True)
class Attribute:
    """One `name=value`; `name` is the API's name of a known setting, `written` is as the author wrote it."""

    name: str
    written: str
    value: str

    @property
    def is_known(self) -> bool:
        """Whether it is a member of the API's S3Settings."""
        return self.name in members()

    @property
    def is_given(self) -> bool:
        """Whether it says anything: an empty value of a setting that may be given does not."""
        may_be_left_out = self.is_known and self.name not in REFUSED and not values_of(self.name).takes_empty
        return bool(self.value) or not may_be_left_out


def parse_attributes(text: str) -> dict[str, str]:
    """Values by name, known settings under their API name. Raises ValueError for a part without `name=`."""
    return {each.name: each.value for each in _given(text)}


def _given(text: str) -> list[Attribute]:
    attributes = (Attribute(_api_name(key), key, value.strip()) for key, value in _pairs(text))
    return [each for each in attributes if each.is_given]


def _pairs(text: str) -> Iterator[tuple[str, str]]:
    for part in filter(str.strip, text.split(";")):
        key, equals, value = part.partition("=")
        if not equals or not key.strip():
            raise ValueError(f"has a part without 'name=': {quoted(part.strip())}")
        yield key.strip(), value


def _api_name(key: str) -> str:
    refused = {name.upper(): name for name in REFUSED}
    return canonical_names().get(fold(key)) or refused.get(fold(key), key)


def values_for_fingerprint(text: str) -> dict[str, str]:
    """As version 1.0.0 read them: values with their white space. Raises ValueError as `parse_attributes` does."""
    return {canonical_names().get(key.upper(), key): value for key, value in _pairs(text)}


def contradictions(text: str) -> list[str]:
    """The names that come twice, with different values. Raises ValueError as `parse_attributes` does."""
    first: dict[str, str] = {}
    return [
        each.name
        for each in _given(text)
        if not same(each.name, first.setdefault(fold(each.name), each.value), each.value)
    ]


def faults_of_attributes(text: str, where: str = PROPERTY) -> list[str]:
    """What is wrong with the text, each fault with its place. Known attributes are checked as their setting is."""
    try:
        given = _given(text)
    except ValueError as error:
        return [f"{where} {error}"]
    faults = [f"{where}.{each.written} {fault}" for each in given if each.is_known and (fault := _fault(each))]
    return faults + [f"{where} has {quoted(name)} twice, with different values" for name in contradictions(text)]


def _fault(attribute: Attribute) -> str:
    return REFUSED.get(attribute.name) or values_of(attribute.name).fault(attribute.value)


def with_attributes(text: str, added: Mapping[str, Setting]) -> str:
    """The attributes of `text` without needless white space, then those in `added`.

    These are in lower camel case, booleans in lower case. Raises ValueError as `parse_attributes` does.
    """
    parts = [f"{_name_for_dms(each)}={each.value}" for each in _given(text)]
    parts += [f"{_lower_camel(name)}={attribute_value(value)}" for name, value in sorted(added.items())]
    return ";".join(parts)


def _name_for_dms(attribute: Attribute) -> str:
    """As it is written; but DMS knows no alias."""
    return _lower_camel(attribute.name) if fold(attribute.written) in ALIASES else attribute.written


def _lower_camel(name: str) -> str:
    return f"{name[0].lower()}{name[1:]}"


def attribute_value(value: Setting) -> str:
    """The text of a setting's value in an attribute."""
    return str(value).lower() if isinstance(value, bool) else str(value)
