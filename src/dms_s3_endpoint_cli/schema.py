"""The table of properties as a JSON schema for linters, as one for editors, and as the README's table.

`python -m dms_s3_endpoint_cli schema` prints the first (lint/schema.json), `--editor` the second (lint/editor.json),
`--table` the third; `--python` and `--typescript` print types, see typed.py. Keys are in their canonical spelling,
mostly upper case.

Beside JSON schema's own keywords, these are for the rules in lint/dms_s3_endpoint.py:

- `errorMessage`: the rule of a value, beginning with "must".
- `examples`: the whole enumeration; in values of it case, `-` and `_` make no difference.
- `emptyIsGiven`: an empty text is a value, not the lack of one.
- `aliasOf`: the key of which this one is another spelling.
- `refused`: keys that are known and may not be given, and why.
- `uniqueMember`: the member of a list's maps that no two have the same, whatever its case.
- `attributesOf`: the text is `name=value;…`, its known names are members of the property named here.
- `settingsWith`: in the map, the first property has the members, the second their `name=value;…`.
- `whenReplaced`: with this value of the property, other texts are shorter, and other switches must be off.
- `hints`: patterns, and what to say of a wrong value in which they are found.
- `warnings`: what to say where all conditions hold of the effective settings, `default` for one that is not given.
- `otherAttributes`: names of attributes that are known, and are no setting.
"""

from __future__ import annotations

import argparse
import json
from typing import Any

from dms_s3_endpoint.model.attributes import PROPERTY as ATTRIBUTES
from dms_s3_endpoint.model.attributes import attribute_value
from dms_s3_endpoint.model.properties import (
    LONGEST_WHEN_REPLACED,
    ON_UPDATE,
    REPLACE,
    RETURN_VALUES,
    S3_SETTINGS,
    Items,
    Members,
    Property,
    properties,
)
from dms_s3_endpoint.model.s3_settings import default_of
from dms_s3_endpoint.model.values import Kind, Values, any_case
from dms_s3_endpoint.model.warnings import OTHER_ATTRIBUTES, Condition, Warning, known_warnings

from .typed import python, typescript

Schema = dict[str, Any]
TYPE_NAME = "Custom::CreateDMSS3Endpoint"
_FUNCTION_KEYS = "^(Fn::|Ref$)"
_OF_CLOUDFORMATION: Schema = {"ServiceToken": {"type": "string"}, "ServiceTimeout": {"type": ["integer", "string"]}}
_TYPES = {Kind.BOOLEAN: ["boolean", "string"], Kind.INTEGER: ["integer", "string"]}


def main(arguments: list[str]) -> int:
    """Print what the arguments ask for; the exit status is 0."""
    parser = argparse.ArgumentParser("python -m dms_s3_endpoint_cli schema", description="See docs/linting.md")
    forms = parser.add_mutually_exclusive_group()
    forms.add_argument("--editor", action="store_true", help="the schema of a template, for editors")
    forms.add_argument("--table", action="store_true", help="the README's table")
    forms.add_argument("--python", action="store_true", help="types for CDK in Python")
    forms.add_argument("--typescript", action="store_true", help="types for CDK in TypeScript")
    print(_printed(parser.parse_args(arguments)))
    return 0


def _printed(given: argparse.Namespace) -> str:
    if given.table:
        return table()
    if given.python or given.typescript:
        return python() if given.python else typescript()
    return json.dumps(editor_schema() if given.editor else resource_schema(), indent=2)


def resource_schema() -> Schema:
    """In the form of CloudFormation's registry."""
    own = _of_members(properties())
    read_only = {name: {"type": "string", "description": text} for name, text in RETURN_VALUES.items()}
    return own | {
        "typeName": TYPE_NAME,
        "description": "An AWS DMS target endpoint on an S3 bucket in another account",
        "properties": _OF_CLOUDFORMATION | own["properties"] | read_only,
        "required": ["ServiceToken", *own["required"]],
        "readOnlyProperties": [f"/properties/{name}" for name in read_only],
        "settingsWith": [S3_SETTINGS, ATTRIBUTES],
        "whenReplaced": {
            "property": ON_UPDATE,
            "value": REPLACE,
            "longest": LONGEST_WHEN_REPLACED,
            "excludes": ["ADOPT"],
        },
        "warnings": [_of_warning(each) for each in known_warnings()],
        "otherAttributes": list(OTHER_ATTRIBUTES),
    }


def _of_warning(about: Warning) -> Schema:
    return {"text": about.text, "conditions": [_of_condition(each) for each in about.conditions]}


def _of_condition(condition: Condition) -> Schema:
    asked = {
        "is": condition.value,
        "isNot": condition.other_than,
        "isGiven": condition.is_given,
        "above": condition.above,
    }
    default = attribute_value(default_of(condition.setting))
    told = {key: value for key, value in asked.items() if value is not None}
    return {"setting": condition.setting.upper(), **told, "default": default}


def _of_property(about: Property) -> Schema:
    schema = _of_kind(about.kind, about.is_required) | {"description": about.description}
    schema |= {"aliasOf": about.alias_of} if about.alias_of else {}
    return schema | ({"attributesOf": S3_SETTINGS} if about.name == ATTRIBUTES else {})


def _of_kind(kind: Values | Members | Items, is_required: bool) -> Schema:
    if isinstance(kind, Values):
        return _of_values(kind, is_required)
    return _of_items(kind) if isinstance(kind, Items) else _of_members(kind)


def _of_values(values: Values, is_required: bool) -> Schema:
    """An optional value may be null or empty: then it is not given."""
    types = list(_TYPES.get(values.kind, ["string"]))
    schema: Schema = {"type": types if is_required else [*types, "null"]}
    if values.pattern:
        schema["pattern"] = whole(values.pattern, may_be_empty=not is_required)
    if values.longest:
        schema["maxLength"] = values.longest
    if values.bounds:
        schema["minimum"], schema["maximum"] = values.bounds
    if values.choices:
        schema["examples"] = list(values.choices)
    schema |= {"emptyIsGiven": True} if values.takes_empty else {}
    schema |= {"hints": [list(each) for each in values.hints]} if values.hints else {}
    return schema | {"errorMessage": f"must {values.rule}"}


def whole(pattern: str, may_be_empty: bool = False) -> str:
    """A pattern of the whole text: JSON schema's are searched for, and Python's `$` overlooks a last line break."""
    return f"^(?:{pattern}){'?' if may_be_empty else ''}$(?!\\n)"


def _of_members(members: Members) -> Schema:
    schema = {
        "type": "object",
        "properties": {each.name: _of_property(each) for each in members.properties},
        "required": [each.name for each in members.properties if each.is_required],
        "additionalProperties": False,
        "errorMessage": f"must {members.rule}",
    }
    return schema | ({"refused": dict(members.refused)} if members.refused else {})


def _of_items(items: Items) -> Schema:
    """An empty text is no list, but not given."""
    return {
        "type": ["array", "string", "null"],
        "maxLength": 0,
        "items": _of_members(items.members),
        "maxItems": items.most,
        "uniqueMember": items.unique,
        "errorMessage": f"must {items.rule}",
    }


def editor_schema() -> Schema:
    """Of a template, for editors that check YAML by a JSON schema: keys, and values as proposals.

    To them `!Ref Name` is the text Name, so that no value can be refused.
    """
    whole_resource = resource_schema()
    writable = {name: each for name, each in whole_resource["properties"].items() if name not in RETURN_VALUES}
    ours = {"if": {"properties": {"Type": {"const": TYPE_NAME}}, "required": ["Type"]}}
    schema = _with_functions({**whole_resource, "properties": writable})
    resource = {**ours, "then": {"required": ["Properties"], "properties": {"Properties": schema}}}
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": f"A CloudFormation template with {TYPE_NAME}",
        "properties": {"Resources": {"additionalProperties": resource}},
    }


def _with_functions(schema: Schema) -> Schema:
    """With an intrinsic function in place of anything, be it `!If [...]` or `Fn::If: [...]`."""
    about = {"description": schema["description"]} if "description" in schema else {}
    if "items" in schema:
        return {**about, "items": _with_functions(schema["items"])}
    if "properties" in schema:
        return about | _map_with_functions(schema)
    proposals = [True, False] if "boolean" in schema["type"] else schema.get("examples")
    return {**about, "anyOf": [{"enum": proposals}, {}]} if proposals else about


def _map_with_functions(schema: Schema) -> Schema:
    """Keys are proposed in their canonical spelling, and accepted in any."""
    members = {name: _with_functions(each) for name, each in schema["properties"].items()}
    nested = {name: each for name, each in members.items() if {"items", "properties"} & each.keys()}
    others = "|".join(any_case(name) for name in members if name not in nested)
    spelt = {f"^(?!{name}$){any_case(name)}$": each for name, each in nested.items()}
    return {
        "properties": members,
        "patternProperties": {_FUNCTION_KEYS: {}, f"^(?:{others})$": {}, **spelt},
        "additionalProperties": False,
        "allOf": [_is_there_or_required(name) for name in schema["required"]],
    }


def _is_there_or_required(name: str) -> Schema:
    """Where no key is this one, in whatever case, nor a function that may give it, it is missing."""
    others = {"not": {"pattern": f"{_FUNCTION_KEYS}|^(?:{any_case(name)})$"}}
    return {"if": {"propertyNames": others}, "then": {"required": [name]}}


def table() -> str:
    """The properties, as the README shows them."""
    rows = [
        f"| `{each.name}` | {'yes' if each.is_required else 'no'} | {each.change} | {each.description} |"
        for each in properties().properties
    ]
    return "\n".join(["| property | required | update | meaning |", "|---|---|---|---|", *rows])
