"""The resource as a JSON schema, of the model that the function validates with: for linters, editors and the README.

`python -m dms_s3_endpoint.schema` prints it; with `--editor` that of a whole template, with `--table` what the README
shows of it. The keys are in their canonical spelling, in upper case.
"""

from __future__ import annotations

import json
import re
import sys
from dataclasses import dataclass, field
from typing import Any

from . import request
from .environments import NAME
from .settings import ALIASES, ATTRIBUTES, BOUNDS, OF_SOURCES, members

Schema = dict[str, Any]
TYPE_NAME = "Custom::CreateDMSS3Endpoint"
ATTRIBUTES_OF_GETATT = {
    "EndpointArn": "for a task's `TargetEndpointArn`; the same after a delete and create",
    "EndpointIdentifier": "in lower case",
    "ExternalId": "what the role's trust policy demands of DMS",
    "RoleArn": "of the role in the data-lake account",
    "RoleName": "as given",
    "PolicyArn": "of the policy in the data-lake account",
    "BucketName": "as given",
    "Environment": "as given",
}


@dataclass(frozen=True)
class Property:
    """`update` says what a change of it does to the endpoint."""

    name: str
    update: str
    description: str
    schema: Schema = field(default_factory=dict)

    @property
    def is_required(self) -> bool:
        return self.name in request.REQUIRED


def _text(pattern: re.Pattern[str] | None = None, longest: int | None = None) -> Schema:
    """JSON schema's patterns are searched for, and know no flags."""
    schema: Schema = {"type": "string"}
    if pattern:
        ignores_case = bool(pattern.flags & re.IGNORECASE)
        schema["pattern"] = f"^({pattern.pattern.replace('a-z', 'a-zA-Z') if ignores_case else pattern.pattern})$"
    return schema | ({"maxLength": longest} if longest else {})


def properties() -> tuple[Property, ...]:
    """In the order of the README's table."""
    in_place, anew = "in place", "delete and create"
    return (
        Property(
            "ENVIRONMENT", "replacement", "one of the environments that the function was deployed with", _text(NAME)
        ),
        Property(
            "ENDPOINTIDENTIFIER",
            "replacement",
            "begins with a letter, then letters, digits and single hyphens, at most 255; lower-cased, as DMS does",
            _text(request.IDENTIFIER, 255),
        ),
        Property(
            "POLICYNAME",
            in_place,
            "IAM policy to create in the data-lake account, under the path `/dms-s3-endpoint/`",
            _text(request.IAM_NAME, request.LONGEST_POLICY_NAME),
        ),
        Property(
            "ROLENAME",
            anew,
            "IAM role to create in the data-lake account, under the same path; one for each endpoint",
            _text(request.IAM_NAME, request.LONGEST_ROLE_NAME),
        ),
        Property("S3SETTINGS", anew, _MEANING_OF_SETTINGS, _settings()),
        Property(
            ATTRIBUTES,
            anew,
            "`name=value;…`, passed through; also accepted inside `S3SETTINGS`. A setting in both places with "
            "different values is an error",
            _text(),
        ),
        Property(
            "RESOURCEIDENTIFIER",
            anew,
            "tail of the endpoint's ARN, at most 31 characters; derived from the identifier, so that a recreated "
            "endpoint keeps its ARN",
            _text(request.IDENTIFIER, request.LONGEST_RESOURCE_IDENTIFIER),
        ),
        Property(
            "TESTREPLICATIONINSTANCEARN",
            in_place,
            "replication instance from which the connection is tested after each create",
            _text(request.INSTANCE_ARN),
        ),
        Property(
            "PERMISSIONSBOUNDARY",
            in_place,
            "ARN of a permissions boundary for the role",
            _text(request.BOUNDARY_ARN, request.LONGEST_ARN),
        ),
        Property(
            "TAGS",
            in_place,
            "list of `{Key, Value}` for endpoint, role and policy; at most 44, keys not beginning with `aws:` or "
            "`dms-s3-endpoint:`",
            _tags(),
        ),
        Property(
            "ADOPT",
            in_place,
            "`true`: take over an endpoint, role and policy of these names that were made by hand: "
            "[docs/adoption.md](docs/adoption.md)",
            _boolean(),
        ),
    )


_MEANING_OF_SETTINGS = (
    "the members of DMS's [S3Settings](https://docs.aws.amazon.com/dms/latest/APIReference/API_S3Settings.html) for a "
    "target, in upper case: `BUCKETNAME` (required), `BUCKETFOLDER`, `DATAFORMAT`, … Also `SSEKMSKEYID` or "
    "`SSEKMDKEYID` for `SERVERSIDEENCRYPTIONKMSKEYID` (ARN or id of a key, no alias), and `COMPRESSIONTTYPE` for "
    "`COMPRESSIONTYPE`. Names and types come from the SDK in the Lambda runtime"
)


def _settings() -> Schema:
    known = {name.upper(): _setting(name) for name in members() if name not in OF_SOURCES | {"ServiceAccessRoleArn"}}
    known |= {alias: _setting(name) for alias, name in ALIASES.items()} | {ATTRIBUTES: _text()}
    known["BUCKETNAME"] |= _text(request.BUCKET) | {"description": "name of a bucket, without s3:// or a folder"}
    known["BUCKETFOLDER"] |= _text(request.FOLDER) | {"description": "key prefix without wildcards or leading slash"}
    return {
        "type": "object",
        "properties": dict(sorted(known.items())),
        "required": ["BUCKETNAME"],
        "additionalProperties": False,
    }


def _setting(name: str) -> Schema:
    """CloudFormation sends each value as text, whatever it is in the template."""
    shape: Any = members()[name]
    if shape.type_name == "boolean":
        return _boolean() | {"description": "true or false"}
    if shape.type_name in ("integer", "long"):
        low, high = BOUNDS.get(name, (0, 2**31 - 1))
        bounds = {"minimum": low, "maximum": high, "description": f"a whole number from {low} to {high}"}
        return _text(re.compile("[0-9]{0,10}")) | {"type": ["integer", "string"]} | bounds
    return {"enum": _spellings(shape.enum)} if shape.enum else {"type": "string"}


def _boolean() -> Schema:
    return _text(re.compile("([Tt]rue|[Ff]alse|TRUE|FALSE)?")) | {"type": ["boolean", "string"]}


def _spellings(values: list[str]) -> list[str]:
    """DMS's docs, model and answers differ in case and hyphens; empty is left out."""
    with_hyphens = [spelt for value in values for spelt in (value, value.replace("-", "_"))]
    return [*dict.fromkeys(form for each in with_hyphens for form in (each, each.lower(), each.upper())), ""]


def _tags() -> Schema:
    key = _text(request.TAG_TEXT, request.LONGEST_TAG_KEY)
    tag = {
        "type": "object",
        "properties": {"Key": key, "Value": _text(request.TAG_TEXT, request.LONGEST_TAG_VALUE)},
        "required": ["Key"],
        "additionalProperties": False,
    }
    return {"type": "array", "items": tag, "maxItems": request.MOST_TAGS}


def resource_schema() -> Schema:
    """In the form of CloudFormation's registry."""
    own = {each.name: each.schema | {"description": each.description} for each in properties()}
    read_only = {name: {"type": "string", "description": text} for name, text in ATTRIBUTES_OF_GETATT.items()}
    of_cloudformation = {"ServiceToken": {"type": "string"}, "ServiceTimeout": {"type": ["integer", "string"]}}
    return {
        "typeName": TYPE_NAME,
        "description": "An AWS DMS target endpoint on an S3 bucket in another account",
        "properties": of_cloudformation | own | read_only,
        "required": ["ServiceToken", *request.REQUIRED],
        "readOnlyProperties": [f"/properties/{name}" for name in read_only],
        "additionalProperties": False,
    }


def editor_schema() -> Schema:
    """Of a template, for editors that check YAML by a JSON schema: keys, and values as proposals.

    To them `!Ref Name` is the text Name, so that no value can be refused.
    """
    whole = resource_schema()
    writable = {k: v for k, v in whole["properties"].items() if k not in ATTRIBUTES_OF_GETATT}
    properties = _with_functions({**whole, "properties": writable})
    ours = {"if": {"properties": {"Type": {"const": TYPE_NAME}}, "required": ["Type"]}}
    resource = {**ours, "then": {"required": ["Properties"], "properties": {"Properties": properties}}}
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": f"A CloudFormation template with {TYPE_NAME}",
        "properties": {"Resources": {"additionalProperties": resource}},
    }


def _with_functions(schema: Schema) -> Schema:
    """With an intrinsic function in place of anything, be it `!If [...]` or `Fn::If: [...]`."""
    about = {key: schema[key] for key in ("description",) if key in schema}
    if "items" in schema:
        return {**about, "items": _with_functions(schema["items"])}
    if "properties" in schema:
        plain = {"propertyNames": {"not": {"pattern": "^(Fn::|Ref$)"}}}
        return about | {
            "properties": {name: _with_functions(each) for name, each in schema["properties"].items()},
            "patternProperties": {"^(Fn::|Ref$)": {}},
            "additionalProperties": False,
            "if": plain,
            "then": {"required": schema["required"]},
        }
    if "enum" in schema:
        return {**about, "anyOf": [{"enum": schema["enum"]}, {}]}
    return {**about, "anyOf": [{"enum": [True, False]}, {}]} if "boolean" in schema["type"] else about


def table() -> str:
    """The properties, as the README shows them."""
    rows = [
        f"| `{each.name}` | {'yes' if each.is_required else 'no'} | {each.update} | {each.description} |"
        for each in properties()
    ]
    return "\n".join(["| property | required | update | meaning |", "|---|---|---|---|", *rows])


if __name__ == "__main__":
    if sys.argv[1:] == ["--table"]:
        print(table())
    else:
        print(json.dumps(editor_schema() if sys.argv[1:] == ["--editor"] else resource_schema(), indent=2))
