"""What the next deployment of a stack would do with its endpoints, without doing it.

    python -m dms_s3_endpoint_cli check template.yaml --stack-name orders --parameter-overrides Environment=dev

Without a template it takes the one that the stack was deployed with: what would change then is drift. It reads the
stack with the caller's credentials, and asks the function that each resource names as its ServiceToken. The function
looks with its own roles.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError
from samcli.lib.cfn_language_extensions.exceptions import InvalidTemplateException
from samcli.lib.cfn_language_extensions.models import PseudoParameterValues

from . import report
from .asking import Asking
from .errors import CheckError
from .parameters import SsmParameters, read_overrides, values_of
from .report import Row
from .schema import TYPE_NAME
from .shared import shared_folders, shared_names
from .stack import Stack, deployed_template, read_stack
from .template import (
    Properties,
    Resources,
    endpoints_of,
    misspelt_types,
    parsed,
    read_template,
    resolved_resources,
)

# Endpoints that are asked about at the same time.
AT_ONCE = 8
# The row of what is about the stack as a whole.
THE_STACK = "(the stack)"
EXIT_CODES = """exit codes:
  0  nothing would fail
  1  something would fail
  2  the check can't be made
with --detailed-exitcode:
  0  nothing would change
  1  something would fail, or it can't be said
  2  something would change"""


def main(arguments: Sequence[str]) -> int:
    """Prints the report. Returns the exit code, see EXIT_CODES."""
    given = _parser().parse_args(arguments)
    try:
        session = boto3.Session(profile_name=given.profile, region_name=given.region)
        rows = check(given.template, given.stack_name, read_overrides(given.parameter_overrides), session)
    except (CheckError, BotoCoreError, ClientError, InvalidTemplateException) as error:
        print(f"The check can't be made: {' '.join(str(error).split())}", file=sys.stderr)
        return 1 if given.detailed_exitcode else 2
    if given.json:
        report.print_json(rows)
    else:
        report.print_text(rows, report.console())
    return exit_code(rows, given.detailed_exitcode)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "python -m dms_s3_endpoint_cli check",
        description="See docs/check.md",
        epilog=EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("template", type=Path, nargs="?", help="without: the one that the stack was deployed with")
    parser.add_argument("--stack-name", required=True, help="the stack to be deployed; it need not exist yet")
    parser.add_argument("--parameter-overrides", nargs="*", default=[], metavar="NAME=VALUE", help="as of sam deploy")
    parser.add_argument("--region", help="of the stack")
    parser.add_argument("--profile", help="for the account of the stack")
    parser.add_argument("--json", action="store_true", help="for programs")
    parser.add_argument("--detailed-exitcode", action="store_true", help="tell a change from none")
    return parser


def exit_code(rows: Iterable[Row], is_detailed: bool) -> int:
    """See EXIT_CODES."""
    actions = {row.action for row in rows}
    if any(row.problems for row in rows):
        return 1
    if not is_detailed:
        return 0
    if "unknown" in actions:
        return 1
    return 2 if actions - {"nothing", "retain"} else 0


def check(path: Path | None, stack_name: str, overrides: Mapping[str, str], session: boto3.Session) -> list[Row]:
    """A row for each endpoint that the template declares, then for each that only the stack has.

    Before them stands a row for what is about the stack as a whole, if there is anything to say.
    Raises CheckError, InvalidTemplateException, and what botocore raises.
    """
    stack, ssm = read_stack(session, stack_name), SsmParameters(session.client("ssm"))
    pseudo_parameters = _pseudo_parameters(session, stack)
    template = read_template(path) if path else _deployed(session, stack)
    resources = resolved_resources(template, values_of(template, overrides, stack.parameters, ssm), pseudo_parameters)
    declared = ssm.resolved(endpoints_of(resources))
    gone = [name for name in stack.physical_ids if name not in declared]
    standing = _standing(session, stack, ssm, pseudo_parameters) if gone else {}
    asking = Asking(stack, session.client("lambda"))
    with ThreadPoolExecutor(AT_ONCE) as pool:
        changed = list(pool.map(lambda name: asking.of_change(name, declared[name]), declared))
        deleted = list(pool.map(lambda name: asking.of_deletion(name, standing.get(name, {})), gone))
    misspelt = list(_misspelt(resources))
    of_stack = _of_stack(stack, resources, is_without_endpoint=not declared and not misspelt)
    return [*of_stack, *_with_shared(changed, declared), *misspelt, *deleted]


def _pseudo_parameters(session: boto3.Session, stack: Stack) -> PseudoParameterValues:
    return PseudoParameterValues(
        region=session.region_name,
        account_id=session.client("sts").get_caller_identity()["Account"],
        stack_id=stack.stack_id or None,
        stack_name=stack.name,
        partition=session.get_partition_for_region(session.region_name),
    )


def _deployed(session: boto3.Session, stack: Stack) -> Mapping[str, Any]:
    """The template that the stack was deployed with. Raises CheckError if it never was."""
    if not stack.stack_id:
        raise CheckError(f"stack {stack.name} does not exist: name a template")
    template = deployed_template(session, stack)
    return parsed(template, f"the template of stack {stack.name}") if isinstance(template, str) else template


def _standing(
    session: boto3.Session, stack: Stack, ssm: SsmParameters, pseudo_parameters: PseudoParameterValues
) -> Resources:
    """The resources of the template that the stack was deployed with."""
    template = _deployed(session, stack)
    return resolved_resources(template, values_of(template, {}, stack.parameters, ssm), pseudo_parameters)


def _of_stack(stack: Stack, resources: Resources, is_without_endpoint: bool) -> Iterator[Row]:
    """A row for the stack, if there is anything to say of it."""
    if refusal := stack.refusal():
        yield Row(THE_STACK, stack.name, "fail", problems=[refusal])
    if is_without_endpoint:
        yield Row(THE_STACK, stack.name, "nothing", warnings=[f"the template has no {TYPE_NAME}{_nested(resources)}"])


def _nested(resources: Resources) -> str:
    nested = [name for name, each in resources.items() if each.get("Type") == "AWS::CloudFormation::Stack"]
    return f", and nested stacks ({', '.join(nested)}) are not looked into: check their templates" if nested else ""


def _with_shared(rows: Iterable[Row], declared: Mapping[str, Properties]) -> Iterator[Row]:
    """The rows, with what one endpoint has in common with another and should not."""
    names, folders = shared_names(declared), shared_folders(declared)
    for row in rows:
        problems = [*row.problems, *names.get(row.resource, [])]
        warnings = [*row.warnings, *filter(None, [folders.get(row.resource)])]
        yield replace(row, warnings=warnings, problems=problems)


def _misspelt(resources: Resources) -> Iterator[Row]:
    for name, written in misspelt_types(resources).items():
        yield Row(name, "?", "unknown", warnings=[f"{written} is checked by nothing; did you mean {TYPE_NAME}?"])
