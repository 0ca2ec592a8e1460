"""The table of properties as types for CDK: TypedDicts of Python and interfaces of TypeScript.

`python -m dms_s3_endpoint_cli schema --python` and `--typescript` print them. See docs/cdk.md.
"""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass

from dms_s3_endpoint.model.properties import S3_SETTINGS, Items, Members, Property, properties
from dms_s3_endpoint.model.values import Kind, Values

LONGEST = 120  # a line
# The names of the maps by the property that has them.
NAMES = {S3_SETTINGS: "S3Settings", "TAGS": "Tag"}
WHOLE = "DmsS3Endpoint"
ABOUT = "The properties of Custom::CreateDMSS3Endpoint beside ServiceToken and ServiceTimeout."


@dataclass(frozen=True)
class Language:
    """How a language writes types. `choices` takes the texts of an enumeration, `list_of` the type of an item."""

    scalars: dict[Kind, str]
    choices: str
    list_of: str


PYTHON = Language({Kind.TEXT: "str", Kind.BOOLEAN: "bool", Kind.INTEGER: "int"}, "Literal[{}]", "list[{}]")
TYPESCRIPT = Language({Kind.TEXT: "string", Kind.BOOLEAN: "boolean", Kind.INTEGER: "number"}, "{}", "{}[]")


def python() -> str:
    """A module with a TypedDict for each map, as `ruff format` writes it."""
    lines = [
        '"""Printed by `python -m dms_s3_endpoint_cli schema --python`."""',
        "",
        "from typing import Literal, NotRequired, TypedDict",
    ]
    for name, about, members in _maps():
        lines += ["", "", f"class {name}(TypedDict):", f'    """{about}"""', ""]
        for each in _canonical(members):
            lines += _python_member(each)
            lines += _wrapped(f'"""{each.description}"""', "    ") if _says_more(each) else []
    return "\n".join(lines)


def _python_member(about: Property) -> list[str]:
    kind = _type(about, PYTHON, ", ")
    line = f"    {about.name}: {kind if about.is_required else f'NotRequired[{kind}]'}"
    if len(line) <= LONGEST:
        return [line]
    choices = [f"            {choice}," for choice in _choices(about)]
    return [f"    {about.name}: NotRequired[", "        Literal[", *choices, "        ]", "    ]"]


def typescript() -> str:
    """A module with an interface for each map."""
    lines = ["// Printed by `python -m dms_s3_endpoint_cli schema --typescript`."]
    for name, about, members in _maps():
        lines += ["", f"/** {about} */", f"export interface {name} {{"]
        for each in _canonical(members):
            lines += _wrapped(f"/** {each.description} */", "  ") if _says_more(each) else []
            lines += [f"  {each.name}{'' if each.is_required else '?'}: {_type(each, TYPESCRIPT, ' | ')};"]
        lines += ["}"]
    return "\n".join(lines)


def _maps() -> Iterator[tuple[str, str, Members]]:
    """The name, the words and the members of each map; one that is in another comes before it."""
    whole = properties()
    for each in whole.properties:
        if isinstance(each.kind, Items):
            yield NAMES[each.name], f"One of {each.name}.", each.kind.members
        elif isinstance(each.kind, Members):
            yield NAMES[each.name], f"The members of {each.name}.", each.kind
    yield WHOLE, ABOUT, whole


def _canonical(members: Members) -> list[Property]:
    """Without the other spellings of a property."""
    return [each for each in members.properties if not each.alias_of]


def _says_more(about: Property) -> bool:
    """Whether the description says more than the type."""
    if isinstance(about.kind, Values) and (
        about.kind.choices or about.kind.kind is Kind.BOOLEAN or not about.kind.pattern
    ):
        return not about.kind.rule.endswith(about.description)
    return True


def _type(about: Property, language: Language, between: str) -> str:
    if isinstance(about.kind, Items):
        return language.list_of.format(NAMES[about.name])
    if isinstance(about.kind, Members):
        return NAMES[about.name]
    if about.kind.choices:
        return language.choices.format(between.join(_choices(about)))
    return language.scalars[about.kind.kind]


def _choices(about: Property) -> list[str]:
    """Literals of either language."""
    return [json.dumps(choice) for choice in about.kind.choices] if isinstance(about.kind, Values) else []


def _wrapped(text: str, indent: str) -> list[str]:
    return textwrap.wrap(
        text, LONGEST, initial_indent=indent, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )
