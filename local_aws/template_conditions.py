"""Functions in the Conditions of a template that MiniStack leaves as they are: Fn::Join and Fn::Split.

CloudFormation takes them there, as cfn-lint's rule E8003 does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ministack.services.cloudformation import changesets, engine, handlers, provisioners, stacks


def install() -> None:
    """Patch MiniStack's CloudFormation."""
    evaluate = _with_texts(engine._evaluate_conditions)
    for module in (changesets, engine, handlers, provisioners, stacks):
        if hasattr(module, "_evaluate_conditions"):
            module._evaluate_conditions = evaluate


def _with_texts(original: Callable[..., Any]) -> Callable[..., Any]:
    def evaluate(template: Mapping[str, Any], parameters: Mapping[str, Any]) -> Any:
        conditions = _resolved(template.get("Conditions", {}), parameters)
        return original({**template, "Conditions": conditions}, parameters)

    return evaluate


def _resolved(value: Any, parameters: Mapping[str, Any]) -> Any:
    """The conditions, or a part of them, with each Fn::Join and Fn::Split replaced."""
    if isinstance(value, list):
        return [_resolved(each, parameters) for each in value]
    if not isinstance(value, dict):
        return value
    match list(value.items()):
        case [("Fn::Join", [delimiter, parts])]:
            return delimiter.join(_texts(_resolved(parts, parameters), parameters))
        case [("Fn::Split", [delimiter, text])]:
            return "".join(_texts([_resolved(text, parameters)], parameters)).split(delimiter)
    return {key: _resolved(each, parameters) for key, each in value.items()}


def _texts(parts: Any, parameters: Mapping[str, Any]) -> list[str]:
    """A parameter that is a list is one text here."""
    listed = parts if isinstance(parts, list) else [parts]
    return [str(parameters[each["Ref"]]["Value"]) if isinstance(each, dict) else str(each) for each in listed]
