"""How CloudFormation asks a custom resource, and what it shows meanwhile. MiniStack differs in both.

The answer goes to a presigned URL of CloudFormation's bucket, which leads to the loopback (see response_url.py); the
function is invoked by the ARN that the ServiceToken is; and the resource and its stack are in progress.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from html import escape
from typing import Any

from ministack import app
from ministack.core.responses import get_account_id
from ministack.services import lambda_svc
from ministack.services.cloudformation import custom_resource
from ministack.services.cloudformation import handlers as cloudformation_handlers
from ministack.services.cloudformation import helpers as cloudformation_helpers

from .dms_endpoints import account_of
from .form import form_of
from .iam_history import Handler
from .response_url import bucket_url
from .state import State
from .wire import Shown

MINISTACKS_PATH = "/_ministack/cfn-response/"
NOW = "2026-01-01T00:00:00.000Z"


def install(state: State) -> None:
    """Patch MiniStack's CloudFormation."""
    lambda_svc._execute_function_with_config_scope = _asked(lambda_svc._execute_function_with_config_scope, state)
    custom_resource.invoke_custom_resource = _shown_in_progress(custom_resource.invoke_custom_resource, state)
    app.SERVICE_HANDLERS["cloudformation"] = _showing(app.SERVICE_HANDLERS["cloudformation"], state)


def _asked(original: Callable[..., Any], state: State) -> Callable[..., Any]:
    """Each invocation of a function comes along here; only MiniStack's CloudFormation has its own path in the URL."""

    def execute(function: dict[str, Any], event: Any) -> Any:
        url = event.get("ResponseURL", "") if isinstance(event, dict) else ""
        if not isinstance(url, str) or MINISTACKS_PATH not in url:
            return original(function, event)
        token = event["ResourceProperties"]["ServiceToken"]
        asked = {**event, "ServiceToken": token, "ResponseURL": _signed(event, url, state)}
        return original({**function, "config": {**function["config"], "FunctionArn": token}}, asked)

    return execute


def _signed(event: Mapping[str, Any], url: str, state: State) -> str:
    ids = [event[name] for name in ("StackId", "LogicalResourceId", "RequestId")]
    state.tokens["|".join(ids)] = url.rpartition("/")[2]
    return state.clock.presigned(bucket_url(state.port, *ids), secrets.token_hex(32))


def _shown_in_progress(original: Callable[..., Any], state: State) -> Callable[..., Any]:
    """What the stack shows while the function is at work.

    A resource that was replaced is complete under its new id, and the stack cleans up.
    """

    def invoke(kind: str, logical_id: str, props: Any, name: str, stack_id: str, *rest: Any, **more: Any) -> Any:
        stack = cloudformation_handlers._resolve_stack(stack_id) or {}
        physical_id, found = more.get("physical_id") or "", stack.get("_resources", {}).get(logical_id)
        shown = Shown(f"{kind.upper()}_IN_PROGRESS", physical_id)
        if kind == "Delete" and found and found["PhysicalResourceId"] != physical_id:
            shown = Shown("UPDATE_COMPLETE", found["PhysicalResourceId"])
            # MiniStack sets the next status itself.
            stack["StackStatus"] = "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"
        state.shown[stack_id] = (stack.get("StackStatus", ""), {logical_id: shown})
        try:
            return original(kind, logical_id, props, name, stack_id, *rest, **more)
        finally:
            state.shown.pop(stack_id, None)

    return invoke


def _showing(original: Handler, state: State) -> Handler:
    """Of stacks that are played, and of those at work, what is shown; of all else, what MiniStack knows."""

    async def handle(method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any]) -> Any:
        given = form_of(body)
        stack_id, logical_id = given.get("StackName", ""), given.get("LogicalResourceId", "")
        if stack_id not in state.shown or account_of(stack_id) != get_account_id():
            return await original(method, path, headers, body, query)
        status, resources = state.shown[stack_id]
        is_played = not cloudformation_handlers._resolve_stack(stack_id)
        if given["Action"] == "DescribeStacks" and is_played:
            return _described("DescribeStacks", _stack(stack_id, status))
        if given["Action"] == "DescribeStackResource" and (logical_id in resources or is_played):
            return _resource(stack_id, logical_id, resources.get(logical_id))
        return await original(method, path, headers, body, query)

    return handle


def _stack(stack_id: str, status: str) -> str:
    members = {"StackId": stack_id, "StackName": _name_in(stack_id), "StackStatus": status, "CreationTime": NOW}
    return f"<Stacks><member>{_members(members)}</member></Stacks>"


def _resource(stack_id: str, logical_id: str, shown: Shown | None) -> Any:
    if shown is None:
        text = f"Resource {logical_id} does not exist for stack {_name_in(stack_id)}"
        return cloudformation_helpers._error("ValidationError", text)
    members = {
        "StackId": stack_id,
        "StackName": _name_in(stack_id),
        "LogicalResourceId": logical_id,
        "ResourceType": "Custom::CreateDMSS3Endpoint",
        "ResourceStatus": shown.status,
        "LastUpdatedTimestamp": NOW,
    }
    members |= {"PhysicalResourceId": shown.physical_id} if shown.physical_id else {}
    detail = f"<StackResourceDetail>{_members(members)}</StackResourceDetail>"
    return _described("DescribeStackResource", detail)


def _described(action: str, inner: str) -> Any:
    return cloudformation_helpers._xml(200, f"{action}Response", f"<{action}Result>{inner}</{action}Result>")


def _members(members: Mapping[str, str]) -> str:
    return "".join(f"<{name}>{escape(value)}</{name}>" for name, value in members.items())


def _name_in(stack_id: str) -> str:
    return stack_id.split("/")[1] if "/" in stack_id else stack_id
