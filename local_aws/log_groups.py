"""Log groups as CloudFormation makes them where a template gives no name."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Any

from ministack.services.cloudformation import provisioners


def install() -> None:
    """Patch MiniStack's CloudFormation, which would take the same name each time, and lose what the first one holds."""
    groups = provisioners._RESOURCE_HANDLERS["AWS::Logs::LogGroup"]
    groups["create"] = _with_a_name_of_its_own(groups["create"])
    groups["update"] = _under_its_name(groups["update"])


def _with_a_name_of_its_own(original: Callable[..., Any]) -> Callable[..., Any]:
    """https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-logs-loggroup.html"""

    def create(logical_id: str, props: dict[str, Any], stack_name: str) -> Any:
        name = props.get("LogGroupName") or f"{stack_name}-{logical_id}-{secrets.token_hex(6).upper()}"
        return original(logical_id, {**props, "LogGroupName": name}, stack_name)

    return create


def _under_its_name(original: Callable[..., Any]) -> Callable[..., Any]:
    def update(physical_id: str, old: dict[str, Any], new: dict[str, Any], *rest: Any, **more: Any) -> Any:
        named = [{"LogGroupName": physical_id, **props} for props in (old, new)]
        return original(physical_id, *named, *rest, **more)

    return update
