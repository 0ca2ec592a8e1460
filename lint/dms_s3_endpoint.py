"""cfn-lint's rules for Custom::CreateDMSS3Endpoint, by the schema beside this file. In a `.cfnlintrc`:

    append_rules: [path/to/lint]

Keys are read without regard to case, as the function does. (`--registry-schemas` is without effect since 1.43.)
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cfnlint.jsonschema import ValidationError
from cfnlint.rules import CloudFormationLintRule, RuleMatch
from cfnlint.rules.jsonschema.CfnLintJsonSchema import CfnLintJsonSchema
from cfnlint.template import Template

TYPE_NAME = "Custom::CreateDMSS3Endpoint"
SCHEMA: dict[str, Any] = json.loads(Path(__file__).with_name("schema.json").read_text())
READ_ONLY = {name.rpartition("/")[2] for name in SCHEMA["readOnlyProperties"]}


class Properties(CfnLintJsonSchema):
    """The properties."""

    id = "E9701"
    shortdesc = f"Properties of {TYPE_NAME}"
    description = "Names, types and values by the schema that the function itself checks with"
    tags = ("resources", "dms")

    def __init__(self) -> None:
        super().__init__(keywords=[f"Resources/{TYPE_NAME}/Properties"], all_matches=True)

    def validate(self, validator: Any, keywords: Any, instance: Any, schema: Any) -> Iterator[ValidationError]:
        self._schema, self._use_schema_arg = spelled(_writable(), instance), False
        for error in super().validate(validator, keywords, instance, schema):
            if error.validator == "pattern" and "description" in error.schema:
                error.message = f"{error.instance!r} does not fit: {error.schema['description']}"
            yield error


def _writable() -> dict[str, Any]:
    properties = {name: schema for name, schema in SCHEMA["properties"].items() if name not in READ_ONLY}
    return {**SCHEMA, "type": "object", "properties": properties}


def spelled(schema: dict[str, Any], instance: Any) -> dict[str, Any]:
    """The schema, with its keys as `instance` spells them, wherever in it they stand."""
    if "properties" not in schema:
        return {**schema, "items": spelled(schema["items"], instance)} if "items" in schema else schema
    spellings = {key.upper(): key for key in keys_in(instance)}
    names = {name: spellings.get(name.upper(), name) for name in schema["properties"]}
    properties = {names[name]: spelled(each, instance) for name, each in schema["properties"].items()}
    return {**schema, "properties": properties, "required": [names[name] for name in schema["required"]]}


def keys_in(node: Any) -> Iterator[str]:
    """All keys, those within Fn::If too; the canonical spelling last, so that it wins over another one."""
    if isinstance(node, dict):
        yield from sorted((str(key) for key in node), key=str.isupper)
        node = list(node.values())
    for each in node if isinstance(node, list) else []:
        yield from keys_in(each)


class Names(CloudFormationLintRule):
    """What must be another one for each endpoint."""

    id = "E9702"
    shortdesc = f"Names of two {TYPE_NAME} are the same"
    description = "Each endpoint needs an identifier, a role and a policy of its own"
    tags = ("resources", "dms")
    UNIQUE = ("ENDPOINTIDENTIFIER", "ROLENAME", "POLICYNAME")

    def match(self, cfn: Template) -> list[RuleMatch]:
        seen: dict[tuple[str, str, str], str] = {}
        matches = []
        for logical_id, resource in cfn.get_resources([TYPE_NAME]).items():
            given = {key.upper(): value for key, value in resource.get("Properties", {}).items()}
            for name in self.UNIQUE:
                key = (name, json.dumps(given.get("ENVIRONMENT")), json.dumps(given.get(name)))
                other = seen.setdefault(key, logical_id)
                if name in given and other != logical_id:
                    text = f"{name} of {logical_id} is that of {other} too; each endpoint needs its own"
                    matches.append(RuleMatch(["Resources", logical_id, "Properties"], text))
        return matches


class Attributes(CloudFormationLintRule):
    """cfn-lint takes any attribute of a custom resource."""

    id = "E9703"
    shortdesc = f"Fn::GetAtt of an attribute that {TYPE_NAME} has not"
    description = "Only the attributes of the schema's readOnlyProperties are there"
    tags = ("resources", "dms")

    def match(self, cfn: Template) -> list[RuleMatch]:
        ours = cfn.get_resources([TYPE_NAME])
        found = [(path, *_named(path[-1])) for path in cfn.search_deep_keys("Fn::GetAtt")]
        return [
            RuleMatch(path[:-1], f"{logical_id} has no attribute {attribute}, but {', '.join(sorted(READ_ONLY))}")
            for path, logical_id, attribute in found
            if logical_id in ours and isinstance(attribute, str) and attribute not in READ_ONLY
        ]


def _named(value: Any) -> tuple[str, Any]:
    """Logical id and attribute of a Fn::GetAtt, in either form."""
    parts = value.split(".", 1) if isinstance(value, str) else value
    return str(parts[0]), parts[1]
