"""The endpoints that a template declares, resolved as CloudFormation would resolve them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import boto3
from samcli.lib.cfn_language_extensions.api import process_template
from samcli.lib.cfn_language_extensions.models import PseudoParameterValues
from samcli.yamlhelper import yaml_parse

from .errors import CheckError
from .schema import TYPE_NAME
from .stack import Stack

# A name that no resource of a template can have.
CONDITIONS = "(conditions)"
# A variable of Fn::Sub; with `!` it is plain text.
VARIABLE = re.compile(r"\$\{[^!]")
Properties = Mapping[str, Any]


def read_template(path: Path) -> dict[str, Any]:
    """The template as it is written. Raises CheckError if there is no such file."""
    try:
        parsed: dict[str, Any] = yaml_parse(path.read_text())
    except OSError as error:
        raise CheckError(str(error)) from error
    return parsed


def endpoints_in(
    template: Mapping[str, Any], overrides: Mapping[str, str], stack: Stack, session: boto3.Session
) -> dict[str, Properties]:
    """The properties of each declared endpoint by logical id, with everything resolved that can be.

    Raises CheckError for a parameter without a value, and InvalidTemplateException.
    """
    parameters = _parameters(template, overrides, session)
    return resolved_endpoints(template, parameters, _pseudo_parameters(session, stack))


def _parameters(template: Mapping[str, Any], overrides: Mapping[str, str], session: boto3.Session) -> dict[str, Any]:
    """Their values; where a parameter names an SSM parameter, the value of that one."""
    declared = template.get("Parameters", {})
    values = {name: str(each["Default"]) for name, each in declared.items() if "Default" in each} | dict(overrides)
    if missing := sorted(set(declared) - set(values)):
        raise CheckError(f"parameter {missing[0]} has no value: --parameter-overrides {missing[0]}=…")
    if unknown := sorted(set(values) - set(declared)):
        raise CheckError(f"the template has no parameter {unknown[0]}")
    for name, each in declared.items():
        if each["Type"].startswith("AWS::SSM::Parameter::Value"):
            values[name] = session.client("ssm").get_parameter(Name=values[name])["Parameter"]["Value"]
    return values


def _pseudo_parameters(session: boto3.Session, stack: Stack) -> PseudoParameterValues:
    return PseudoParameterValues(
        region=session.region_name,
        account_id=session.client("sts").get_caller_identity()["Account"],
        stack_id=stack.stack_id or None,
        stack_name=stack.name,
        partition=session.get_partition_for_region(session.region_name),
    )


def resolved_endpoints(
    template: Mapping[str, Any], parameters: Mapping[str, Any], pseudo_parameters: PseudoParameterValues
) -> dict[str, Properties]:
    """As endpoints_in, with values for all parameters. Resources whose condition does not hold are left out."""
    conditions = {name: {"Fn::If": [name, True, False]} for name in template.get("Conditions", {})}
    resources = {**template["Resources"], CONDITIONS: {"Type": TYPE_NAME, "Properties": conditions}}
    resolved = process_template({**template, "Resources": resources}, dict(parameters), pseudo_parameters)["Resources"]
    holds = resolved.pop(CONDITIONS)["Properties"]
    return {
        name: each.get("Properties", {})
        for name, each in resolved.items()
        if each.get("Type") == TYPE_NAME and holds.get(each.get("Condition"), True)
    }


def unknown_in(value: Any, where: str = "") -> Iterator[str]:
    """The paths of values that only the deployment knows, such as an attribute of another resource."""
    if isinstance(value, Mapping):
        if any(key == "Ref" or key.startswith("Fn::") for key in value):
            yield where
        for key, each in value.items():
            yield from unknown_in(each, f"{where}.{key}".lstrip("."))
    elif isinstance(value, list):
        for number, each in enumerate(value, 1):
            yield from unknown_in(each, f"{where}.{number}")
    elif isinstance(value, str) and VARIABLE.search(value):
        yield where


def as_sent(value: Any) -> Any:
    """The value as CloudFormation sends it: every scalar as text, and nothing for a null.

    CloudFormation refuses a null in a template; to the function it is a property that is not given.
    """
    if isinstance(value, Mapping):
        return {key: as_sent(each) for key, each in value.items() if each is not None}
    if isinstance(value, list):
        return [as_sent(each) for each in value if each is not None]
    return str(value).lower() if isinstance(value, bool) else str(value)
