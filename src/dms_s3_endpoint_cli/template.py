"""The endpoints that a template declares, resolved as CloudFormation would resolve them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any

import yaml
from samcli.lib.cfn_language_extensions.api import process_template
from samcli.lib.cfn_language_extensions.models import PseudoParameterValues
from samcli.yamlhelper import yaml_parse

from .errors import CheckError
from .schema import TYPE_NAME

# A name that no resource of a template can have.
CONDITIONS = "(conditions)"
# A variable of Fn::Sub (with `!` it is plain text), or a dynamic reference.
UNKNOWN = re.compile(r"\$\{[^!]|\{\{resolve:")
# Of difflib. Types of other resources have less, or no settings of S3.
NEAR = 0.75
Properties = Mapping[str, Any]
Resources = Mapping[str, Mapping[str, Any]]


def read_template(path: Path) -> dict[str, Any]:
    """The template as it is written. Raises CheckError if there is no such file, or if it is none."""
    try:
        return parsed(path.read_text(), str(path))
    except (OSError, UnicodeDecodeError) as error:
        raise CheckError(str(error)) from error


def parsed(text: str, name: str) -> dict[str, Any]:
    """The text of a template. Raises CheckError, in one line."""
    try:
        template = yaml_parse(text)
    except (yaml.YAMLError, ValueError) as error:
        raise CheckError(f"{name} is no YAML: {' '.join(str(error).split())}") from error
    resources = template.get("Resources") if isinstance(template, dict) else None
    if not isinstance(resources, dict):
        raise CheckError(f"{name} is no template: it has no map of Resources")
    return dict(template)


def resolved_resources(
    template: Mapping[str, Any], parameters: Mapping[str, Any], pseudo_parameters: PseudoParameterValues
) -> Resources:
    """The resources by logical id, with values for all parameters; without those whose condition does not hold.

    Raises InvalidTemplateException.
    """
    conditions = {name: {"Fn::If": [name, True, False]} for name in template.get("Conditions", {})}
    resources = {**template["Resources"], CONDITIONS: {"Type": TYPE_NAME, "Properties": conditions}}
    resolved = process_template({**template, "Resources": resources}, dict(parameters), pseudo_parameters)["Resources"]
    holds = resolved.pop(CONDITIONS)["Properties"]
    return {name: each for name, each in resolved.items() if holds.get(each.get("Condition"), True)}


def endpoints_of(resources: Resources) -> dict[str, Properties]:
    """The properties of each endpoint. Raises CheckError for what are none."""
    endpoints = {name: each.get("Properties", {}) for name, each in resources.items() if each.get("Type") == TYPE_NAME}
    if wrong := [name for name, properties in endpoints.items() if not isinstance(properties, Mapping)]:
        raise CheckError(f"Properties of {wrong[0]} is no map")
    return endpoints


def misspelt_types(resources: Resources) -> dict[str, str]:
    """The types that are nearly ours, by logical id: CloudFormation takes any, and nothing checks them."""
    return {name: str(each.get("Type")) for name, each in resources.items() if _is_misspelt(each)}


def _is_misspelt(resource: Mapping[str, Any]) -> bool:
    written, properties = str(resource.get("Type")), resource.get("Properties")
    if written == TYPE_NAME:
        return False
    keys = [str(key).upper() for key in properties] if isinstance(properties, Mapping) else []
    one, other = _bare(written), _bare(TYPE_NAME)
    return one == other or ("S3SETTINGS" in keys and SequenceMatcher(a=one, b=other).ratio() > NEAR)


def _bare(type_name: str) -> str:
    """Letters and digits alone, without case."""
    return re.sub("[^a-z0-9]", "", type_name.lower())


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
    elif isinstance(value, str) and UNKNOWN.search(value):
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
