"""What the next deployment of a stack would do with its endpoints, without doing it.

    python -m dms_s3_endpoint check template.yaml --stack-name orders --parameter-overrides Environment=dev

With the credentials of the caller it reads the stack, and asks the function that is the ServiceToken of each resource:
the function looks with the roles that it has. Exits with 1 where something would fail, with 2 where it can't be said.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError
from samcli.lib.cfn_language_extensions.api import process_template
from samcli.lib.cfn_language_extensions.exceptions import InvalidTemplateException
from samcli.lib.cfn_language_extensions.models import PseudoParameterValues
from samcli.yamlhelper import yaml_parse

from .ownership import stack_name
from .schema import TYPE_NAME

AT_ONCE = 8
# A name that no resource of a template can have.
CONDITIONS = "(conditions)"
Properties = Mapping[str, Any]


class CannotBeSaidError(Exception):
    """What hinders the check itself."""


@dataclass
class Row:
    """One endpoint: what the deployment would do with it, what would differ, and what would fail."""

    resource: str
    endpoint: str
    action: str = "unknown"
    changes: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Stack:
    """The stack as it stands; without an id and resources where it is yet to be made."""

    stack_id: str
    physical_ids: Mapping[str, str]


def main(arguments: Sequence[str]) -> int:
    given = _parser().parse_args(arguments)
    try:
        rows = check(given.template, given.stack_name, _overrides(given.parameter_overrides), boto3.Session())
    except (CannotBeSaidError, BotoCoreError, ClientError, InvalidTemplateException) as error:
        print(f"The check can't be made: {error}", file=sys.stderr)
        return 2
    print(json.dumps([asdict(row) for row in rows], indent=2) if given.json else "\n".join(_table(rows)))
    return 1 if any(row.problems for row in rows) else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m dms_s3_endpoint", description="See docs/check.md")
    command = parser.add_subparsers(required=True).add_parser("check", help="what the next deployment would do")
    command.add_argument("template", type=Path)
    command.add_argument("--stack-name", required=True, help="the stack that is to be deployed; it need not exist yet")
    command.add_argument("--parameter-overrides", nargs="*", default=[], metavar="NAME=VALUE", help="as of sam deploy")
    command.add_argument("--json", action="store_true", help="for programs")
    return parser


def _overrides(given: Sequence[str]) -> dict[str, str]:
    if wrong := [each for each in given if "=" not in each]:
        raise CannotBeSaidError(f"{wrong[0]} is not NAME=VALUE")
    return dict(each.split("=", 1) for each in given)


def check(template: Path, name: str, overrides: Mapping[str, str], session: boto3.Session) -> list[Row]:
    """A row for each endpoint that is declared, and for each that is no more. Raises CannotBeSaidError."""
    try:
        parsed = yaml_parse(template.read_text())
    except OSError as error:
        raise CannotBeSaidError(str(error)) from error
    stack = _stack(session, name)
    declared = endpoints_in(parsed, _parameters(parsed, overrides, session), _pseudo_parameters(session, stack))
    with ThreadPoolExecutor(AT_ONCE) as pool:
        rows = list(pool.map(lambda name: _row(name, declared[name], stack, session), declared))
    gone = [name for name in stack.physical_ids if name not in declared]
    return rows + [Row(name, stack.physical_ids[name], action="delete") for name in gone]


def _stack(session: boto3.Session, name: str) -> Stack:
    cloudformation = session.client("cloudformation")
    try:
        (stack,) = cloudformation.describe_stacks(StackName=name)["Stacks"]
    except ClientError as error:
        if "does not exist" not in str(error):
            raise
        return Stack("", {})
    pages = cloudformation.get_paginator("list_stack_resources").paginate(StackName=name)
    ours = [each for page in pages for each in page["StackResourceSummaries"] if each["ResourceType"] == TYPE_NAME]
    return Stack(stack["StackId"], {each["LogicalResourceId"]: each.get("PhysicalResourceId", "") for each in ours})


def _parameters(template: Properties, overrides: Mapping[str, str], session: boto3.Session) -> dict[str, Any]:
    """Their values; of those that name an SSM parameter, its value."""
    declared = template.get("Parameters", {})
    values = {name: str(each["Default"]) for name, each in declared.items() if "Default" in each} | dict(overrides)
    if missing := sorted(set(declared) - set(values)):
        raise CannotBeSaidError(f"parameter {missing[0]} has no value: --parameter-overrides {missing[0]}=…")
    if unknown := sorted(set(values) - set(declared)):
        raise CannotBeSaidError(f"the template has no parameter {unknown[0]}")
    for name, each in declared.items():
        if each["Type"].startswith("AWS::SSM::Parameter::Value"):
            values[name] = session.client("ssm").get_parameter(Name=values[name])["Parameter"]["Value"]
    return values


def _pseudo_parameters(session: boto3.Session, stack: Stack) -> PseudoParameterValues:
    identity = session.client("sts").get_caller_identity()
    return PseudoParameterValues(
        region=session.region_name,
        account_id=identity["Account"],
        stack_id=stack.stack_id or None,
        stack_name=stack_name(stack.stack_id) or None,
        partition=identity["Arn"].split(":")[1],
    )


def endpoints_in(
    template: Properties, parameters: Mapping[str, Any], pseudo_parameters: PseudoParameterValues
) -> dict[str, Properties]:
    """By logical id the properties of each endpoint that the template declares, with all that can be resolved."""
    conditions = {name: {"Fn::If": [name, True, False]} for name in template.get("Conditions", {})}
    resources = {**template["Resources"], CONDITIONS: {"Type": TYPE_NAME, "Properties": conditions}}
    resolved = process_template({**template, "Resources": resources}, dict(parameters), pseudo_parameters)["Resources"]
    holds = resolved.pop(CONDITIONS)["Properties"]
    return {
        name: each.get("Properties", {})
        for name, each in resolved.items()
        if each.get("Type") == TYPE_NAME and holds.get(each.get("Condition"), True)
    }


def _row(name: str, properties: Properties, stack: Stack, session: boto3.Session) -> Row:
    upper = {key.upper(): value for key, value in properties.items()}
    row = Row(name, f"{upper.get('ENVIRONMENT', '?')}/{upper.get('ENDPOINTIDENTIFIER', '?')}")
    if unknown := list(_unknown_in(properties, "")):
        row.changes = [f"{each} is known only when it is deployed" for each in unknown]
        return row
    report = _ask(upper.get("SERVICETOKEN", ""), _event(name, properties, stack), session)
    return Row(name, row.endpoint, report["action"], report["changes"], report["problems"])


def _unknown_in(value: Any, where: str) -> Iterator[str]:
    """Where a function of CloudFormation is left, as of what another resource will be."""
    if isinstance(value, Mapping):
        if any(key == "Ref" or key.startswith("Fn::") for key in value):
            yield where
        for key, each in value.items():
            yield from _unknown_in(each, f"{where}.{key}".lstrip("."))
    elif isinstance(value, list):
        for number, each in enumerate(value, 1):
            yield from _unknown_in(each, f"{where}.{number}")
    elif isinstance(value, str) and re.search(r"\$\{[^!]", value):
        yield where


def _event(name: str, properties: Properties, stack: Stack) -> dict[str, Any]:
    event = {
        "RequestType": "Check",
        "RequestId": "check",
        "StackId": stack.stack_id,
        "LogicalResourceId": name,
        "ResourceProperties": as_sent(properties),
    }
    physical_id = stack.physical_ids.get(name)
    return event | ({"PhysicalResourceId": physical_id} if physical_id else {})


def as_sent(value: Any) -> Any:
    """As CloudFormation sends properties: each single value as text."""
    if isinstance(value, Mapping):
        return {key: as_sent(each) for key, each in value.items()}
    if isinstance(value, list):
        return [as_sent(each) for each in value]
    return str(value).lower() if isinstance(value, bool) else str(value)


def _ask(service_token: str, event: Properties, session: boto3.Session) -> dict[str, Any]:
    answer = session.client("lambda").invoke(FunctionName=service_token, Payload=json.dumps(event))
    report: dict[str, Any] = json.loads(answer["Payload"].read())
    if "FunctionError" in answer:
        raise CannotBeSaidError(f"{service_token} failed: {report.get('errorMessage', report)}")
    return report


def _table(rows: Sequence[Row]) -> Iterator[str]:
    cells = [("RESOURCE", "ENDPOINT", "ACTION", "DIFFERS")]
    cells += [(row.resource, row.endpoint, row.action, ", ".join(row.changes)) for row in rows]
    widths = [max(len(line[column]) for line in cells) for column in range(3)]
    problems: list[list[str]] = [[], *(row.problems for row in rows)]
    for line, of_line in zip(cells, problems, strict=True):
        padded = [text.ljust(width) for text, width in zip(line, widths, strict=False)]
        yield "  ".join([*padded, line[3]]).rstrip()
        yield from (f"    {problem}" for problem in of_line)
    failing = sum(bool(row.problems) for row in rows)
    yield f"{failing} of {len(rows)} would fail." if failing else "Nothing would fail."


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
