"""What the next deployment of a stack would do with its endpoints, without doing it.

    python -m dms_s3_endpoint_cli check template.yaml --stack-name orders --parameter-overrides Environment=dev

It reads the stack with the caller's credentials, and asks the function that each resource names as its ServiceToken.
The function looks with its own roles. Exits with 1 if something would fail, with 2 if the check can't be made.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError
from samcli.lib.cfn_language_extensions.exceptions import InvalidTemplateException

from . import report
from .errors import CheckError
from .report import Row
from .shared import shared_folders
from .stack import Stack, read_stack
from .template import Properties, as_sent, endpoints_in, read_template, unknown_in

if TYPE_CHECKING:
    from mypy_boto3_lambda.client import LambdaClient

# Endpoints that are asked about at the same time.
AT_ONCE = 8
# Of the function's answer. Its release may be an older or a newer one: 1.0.0 has neither steps nor warnings.
REPORTED = ("action", "steps", "warnings", "problems")


def main(arguments: Sequence[str]) -> int:
    """Prints the report. The exit status: 0, 1 if something would fail, 2 if the check can't be made."""
    given = _parser().parse_args(arguments)
    try:
        rows = check(given.template, given.stack_name, _overrides(given.parameter_overrides), boto3.Session())
    except (CheckError, BotoCoreError, ClientError, InvalidTemplateException) as error:
        print(f"The check can't be made: {error}", file=sys.stderr)
        return 2
    if given.json:
        report.print_json(rows)
    else:
        report.print_text(rows, report.console())
    return 1 if any(row.problems for row in rows) else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m dms_s3_endpoint_cli check", description="See docs/check.md")
    parser.add_argument("template", type=Path)
    parser.add_argument("--stack-name", required=True, help="the stack to be deployed; it need not exist yet")
    parser.add_argument("--parameter-overrides", nargs="*", default=[], metavar="NAME=VALUE", help="as of sam deploy")
    parser.add_argument("--json", action="store_true", help="for programs")
    return parser


def _overrides(given: Sequence[str]) -> dict[str, str]:
    if wrong := [each for each in given if "=" not in each]:
        raise CheckError(f"{wrong[0]} is not NAME=VALUE")
    return dict(each.split("=", 1) for each in given)


def check(path: Path, stack_name: str, overrides: Mapping[str, str], session: boto3.Session) -> list[Row]:
    """A row for each endpoint that the template declares, then for each that only the stack has.

    Raises CheckError, InvalidTemplateException, and what botocore raises.
    """
    template = read_template(path)
    stack = read_stack(session, stack_name)
    declared = endpoints_in(template, overrides, stack, session)
    client = session.client("lambda")
    with ThreadPoolExecutor(AT_ONCE) as pool:
        rows = list(pool.map(lambda name: _row(name, declared[name], stack, client), declared))
    shared = shared_folders(declared)
    rows = [replace(row, warnings=[*row.warnings, *filter(None, [shared.get(row.resource)])]) for row in rows]
    gone = [name for name in stack.physical_ids if name not in declared]
    return rows + [Row(name, stack.physical_ids[name], action="delete") for name in gone]


def _row(name: str, properties: Properties, stack: Stack, client: LambdaClient) -> Row:
    upper = {key.upper(): value for key, value in properties.items()}
    endpoint = f"{upper.get('ENVIRONMENT', '?')}/{upper.get('ENDPOINTIDENTIFIER', '?')}"
    if unknown := list(unknown_in(properties)):
        warnings = [f"{each} is known only when it is deployed" for each in unknown]
        return Row(name, endpoint, action="unknown", warnings=warnings)
    answer = _ask(client, upper.get("SERVICETOKEN", ""), _event(name, properties, stack))
    return Row(name, endpoint, **{part: answer[part] for part in REPORTED if part in answer})


def _event(name: str, properties: Properties, stack: Stack) -> dict[str, Any]:
    """The Check event, in the shape of CloudFormation's own events."""
    event = {
        "RequestType": "Check",
        "RequestId": "check",
        "StackId": stack.stack_id,
        "LogicalResourceId": name,
        "ResourceProperties": as_sent(properties),
    }
    physical_id = stack.physical_ids.get(name)
    return event | ({"PhysicalResourceId": physical_id} if physical_id else {})


def _ask(client: LambdaClient, service_token: str, event: Mapping[str, Any]) -> dict[str, Any]:
    """What the function answers to the event. Raises CheckError if it fails."""
    answer = client.invoke(FunctionName=service_token, Payload=json.dumps(event))
    payload: dict[str, Any] = json.loads(answer["Payload"].read())
    if "FunctionError" in answer:
        raise CheckError(f"{service_token} failed: {payload.get('errorMessage', payload)}")
    return payload
