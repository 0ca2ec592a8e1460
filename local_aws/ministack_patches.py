"""Patches for MiniStack where it differs from AWS in what this project needs, and the emulated DMS."""

from __future__ import annotations

import contextvars
import json
import secrets
import threading
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs, unquote

from botocore.utils import ArnParser
from ministack import app
from ministack.core import iam_actions, iam_evaluator, lambda_runtime, responses, router
from ministack.services import cloudformation, eventbridge, iam, lambda_svc, sts, tagging
from ministack.services.cloudformation import custom_resource
from ministack.services.cloudformation import handlers as cloudformation_handlers
from ministack.services.cloudformation import helpers as cloudformation_helpers

from . import (
    custom_resources,
    dynamodb,
    forwarded_calls,
    lambda_workers,
    log_groups,
    permissions,
    task_resource,
    template_conditions,
)
from .dms import TARGET_PREFIX, DmsService
from .dms_connections import bucket_owner
from .dms_endpoints import account_of
from .iam_history import Handler, Newcomers, TrustHistory
from .state import State
from .switches import ORGANIZATION_ID
from .throttle import throttled

# The actions on a role that is there for which iam:PermissionsBoundary is the boundary that it has. The reference has
# UpdateAssumeRolePolicy too, which older texts of AWS lack: no policy should rely on it.
# https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsidentityandaccessmanagementiam.html
KNOW_THE_BOUNDARY = frozenset(
    {
        "AttachRolePolicy",
        "DeleteRole",
        "DeleteRolePermissionsBoundary",
        "DeleteRolePolicy",
        "DetachRolePolicy",
        "GetRole",
        "PutRolePolicy",
        "UpdateRole",
        "UpdateRoleDescription",
    }
)
# The parameters of DMS that name a resource.
DMS_RESOURCES = ("EndpointArn", "ResourceArn", "ReplicationConfigArn", "ReplicationTaskArn", "ReplicationInstanceArn")


def install(state: State) -> None:
    """Patch MiniStack in this process. All patches read the switches from `state`."""
    history = TrustHistory(state.now)
    dms = DmsService(state, history)
    _add_service(dms)
    newcomers = Newcomers(state.now, lambda: state.switches.iam_lag_seconds)
    watched = newcomers.watching(history.watching(_with_rules_of_names(app.SERVICE_HANDLERS["iam"])))
    app.SERVICE_HANDLERS["iam"] = throttled(watched, state.now, lambda: state.switches.throttle_iam)
    iam_actions.extract_resource_arn = _with_dms_arns(_with_iam_paths(iam_actions.extract_resource_arn))
    iam_actions.request_tag_context = _with_iam_conditions(iam_actions.request_tag_context)
    state.endpoint_arns = dms.endpoint_arns
    tagging.resource_tags = _with_dms_tags(tagging.resource_tags, dms)
    resolving = _with_owners_of_buckets(_with_role_arns(iam_evaluator._resolve_condition_key))
    iam_evaluator._resolve_condition_key = resolving
    iam_actions.access_denied_response = _with_denials_in_json(iam_actions.access_denied_response)
    permissions.install(state, newcomers)
    custom_resources.install(state)
    template_conditions.install()
    custom_resource.invoke_custom_resource = _with_rollback(_across_accounts(custom_resource.invoke_custom_resource))
    app.SERVICE_HANDLERS["cloudformation"] = _with_rules_of_stacks(app.SERVICE_HANDLERS["cloudformation"])
    forwarded_calls.install(app.SERVICE_HANDLERS)
    app.SERVICE_HANDLERS["lambda"] = _invoked_from_other_accounts(app.SERVICE_HANDLERS["lambda"])
    dynamodb.install(state, app.SERVICE_HANDLERS)
    log_groups.install()
    task_resource.install(dms.tasks)
    lambda_workers.install(state)
    sts.register_session = _one_at_a_time(sts.register_session)
    # The first waits for a function with Thread.join, the second for its answer with Event.wait.
    lambda_runtime.threading = custom_resource.threading = _virtual_threading(state.scale)
    # Rules with a schedule: they call functions, which are in virtual time, too.
    eventbridge._now_ts = lambda: state.clock.date + state.now()
    eventbridge._SCHEDULER_TICK_INTERVAL = max(10.0 / state.scale, 0.1)


def _add_service(dms: DmsService) -> None:
    app.SERVICE_HANDLERS["dms"] = dms.handle
    app.SERVICE_REGISTRY["dms"] = {"module": "dms"}
    router.SERVICE_PATTERNS["dms"] = {"target_prefixes": [TARGET_PREFIX]}
    iam_actions.SERVICE_TO_IAM_NAMESPACE["dms"] = "dms"


def _with_dms_arns(original: Callable[..., str]) -> Callable[..., str]:
    """The resource of a DMS call is the ARN among its parameters, or `*` if there is none."""

    def extract(service: str, method: str, path: str, headers: dict[str, str], body: bytes, *rest: Any) -> str:
        if service != "dms":
            return original(service, method, path, headers, body, *rest)
        given = json.loads(body or b"{}")
        arns = [given[name] for name in DMS_RESOURCES if given.get(name)]
        return str([*arns, *given.get("ResourceArnList", []), "*"][0])

    return extract


def _with_rules_of_names(original: Handler) -> Handler:
    """Names are unique whatever their paths and their case, and a policy with several versions can't be deleted.

    https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreatePolicy.html, API_CreateRole.html,
    API_DeletePolicy.html
    """

    async def handle(method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any]) -> Any:
        given = parse_qs(body.decode("utf-8", "replace"))
        action = _first(given, "Action")
        if _is_taken(action, given):
            return _conflict("EntityAlreadyExists", "It exists.")
        policy = iam._policies.get(_first(given, "PolicyArn"))
        if action == "DeletePolicy" and policy and len(policy["Versions"]) > 1:
            return _conflict("DeleteConflict", "It has more than one version.")
        return await original(method, path, headers, body, query)

    return handle


def _is_taken(action: str, given: Any) -> bool:
    kept = {"CreateRole": ("RoleName", iam._roles), "CreatePolicy": ("PolicyName", iam._policies)}
    if action not in kept:
        return False
    name, existing = kept[action]
    return _first(given, name).lower() in {each[name].lower() for each in existing.values()}


def _conflict(code: str, text: str) -> Any:
    error = f"<Error><Type>Sender</Type><Code>{code}</Code><Message>{text}</Message></Error>"
    return 409, {"Content-Type": "text/xml"}, f"<ErrorResponse>{error}</ErrorResponse>".encode()


def _with_rules_of_stacks(original: Handler) -> Handler:
    """A stack whose creation was rolled back can only be deleted. Of an SSM parameter a stack tells the name.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/troubleshooting.html, "… can not be updated"
    https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_Parameter.html
    """

    async def handle(method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any]) -> Any:
        given = parse_qs(body.decode("utf-8", "replace"))
        if _first(given, "Action") == "DescribeStacks":
            _tell_names_of_ssm_parameters()
        if _first(given, "Action") in ("CreateChangeSet", "CreateStack", "UpdateStack"):
            stack = cloudformation_handlers._resolve_stack(_first(given, "StackName")) or {}
            if stack.get("StackStatus") == "ROLLBACK_COMPLETE":
                text = f"Stack:{stack['StackId']} is in ROLLBACK_COMPLETE state and can not be updated."
                return cloudformation_helpers._error("ValidationError", text)
        return await original(method, path, headers, body, query)

    return handle


def _tell_names_of_ssm_parameters() -> None:
    for stack in cloudformation._stacks.values():
        for parameter in stack.get("Parameters", []):
            resolved = stack.get("_resolved_params", {}).get(parameter["ParameterKey"], {})
            parameter["ParameterValue"] = resolved.get("SsmName", parameter["ParameterValue"])


def _with_iam_paths(original: Callable[..., str]) -> Callable[..., str]:
    """The path is part of an ARN: of a new resource the path in the request, of an existing one its own."""

    def extract(
        service: str, method: str, path: str, headers: dict[str, str], body: bytes, given: Any, *rest: Any
    ) -> str:
        found = original(service, method, path, headers, body, given, *rest)
        if service != "iam":
            return found
        under, account = _first(given, "Path") or "/", rest[-1]
        if _first(given, "Action") == "CreatePolicy":
            return f"arn:aws:iam::{account}:policy{under}{_first(given, 'PolicyName')}"
        name = _first(given, "RoleName")
        role = iam._roles.get_scoped(account, None, name) if name else None
        return str(role["Arn"]) if role else found.replace(f":role/{name}", f":role{under}{name}")

    return extract


def _with_iam_conditions(original: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    """IAM's own condition keys."""

    def context(service: str, iam_action: str, body: bytes, given: Any) -> dict[str, Any]:
        conditions = {"iam:PolicyARN": _first(given, "PolicyArn"), "iam:PermissionsBoundary": _boundary(given)}
        own = {key: value for key, value in conditions.items() if service == "iam" and value}
        return original(service, iam_action, body, given) | own

    return context


def _boundary(given: Any) -> str:
    """The boundary that the request gives, or the one that its role has."""
    if _first(given, "Action") not in KNOW_THE_BOUNDARY:
        return _first(given, "PermissionsBoundary")
    return str((iam._roles.get(_first(given, "RoleName")) or {}).get("PermissionsBoundary") or "")


def _first(given: Any, name: str) -> str:
    value = given.get(name, "")
    return str(value[0] if isinstance(value, list) else value)


def _with_denials_in_json(original: Callable[..., Any]) -> Callable[..., Any]:
    """DMS and DynamoDB report a denial with the code and status of a JSON service, and name the resource.

    https://docs.aws.amazon.com/dms/latest/userguide/CHAP_Security.FineGrainedAccess.html
    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html
    """

    def denied(service: str, action: str, principal_arn: str, request_id: str, **more: Any) -> Any:
        if service not in ("dms", "dynamodb"):
            return original(service, action, principal_arn, request_id, **more)
        arn = more.get("resource_arn", "*")
        message = f"User: {principal_arn} is not authorized to perform: {action} on resource: {arn}"
        answer = {"__type": "AccessDeniedException", "message": message}
        return 400, {"Content-Type": "application/x-amz-json-1.1"}, json.dumps(answer).encode()

    return denied


def _with_dms_tags(original: Callable[[str], Any], dms: DmsService) -> Callable[[str], Any]:
    """The tags of DMS resources, for conditions on aws:ResourceTag."""

    def resource_tags(arn: str) -> Any:
        return dms.tags_of(arn) if ":dms:" in arn else original(arn)

    return resource_tags


def _with_role_arns(original: Callable[..., Any]) -> Callable[..., Any]:
    """aws:PrincipalArn of a session is the ARN of its role.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-principalarn
    """

    def resolve(key: str, context: Any) -> Any:
        found = original(key, context)
        if key.lower() != "aws:principalarn" or ":assumed-role/" not in str(found):
            return found
        name = found.split(":assumed-role/")[1].split("/")[0]
        role = iam._roles.get_scoped(context.principal_account, None, name)
        return role["Arn"] if role else found

    return resolve


def _with_owners_of_buckets(original: Callable[..., Any]) -> Callable[..., Any]:
    """The ARN of a bucket has no account. MiniStack takes the caller's, whoever owns the bucket."""

    def resolve(key: str, context: Any) -> Any:
        owner = bucket_owner(context.resource_arn) if key.lower() == "aws:resourceaccount" else None
        return owner or original(key, context)

    return resolve


def _across_accounts(original: Callable[..., Any]) -> Callable[..., Any]:
    """A ServiceToken may be of another account if the function's resource policy allows this one or the organisation.

    https://docs.aws.amazon.com/lambda/latest/dg/permissions-function-organization.html
    """

    def invoke(kind: str, logical_id: str, props: Any, *rest: Any, **more: Any) -> Any:
        token = str(props.get("ServiceToken", ""))
        account = account_of(token) if ArnParser.is_arn(token) else ""
        if account in ("", responses.get_account_id()):
            return original(kind, logical_id, props, *rest, **more)
        _check_it_may_be_invoked(token, account)
        return contextvars.copy_context().run(_as_account, account, original, kind, logical_id, props, *rest, **more)

    return invoke


def _invoked_from_other_accounts(original: Handler) -> Handler:
    """Lambda's Invoke takes the ARN of a function of another account, as CloudFormation does."""

    async def handle(method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any]) -> Any:
        name = unquote(path).removeprefix("/2015-03-31/functions/").removesuffix("/invocations")
        account = account_of(name) if ArnParser.is_arn(name) else ""
        if path.endswith("/invocations") and account not in ("", responses.get_account_id()):
            _check_it_may_be_invoked(name, account)
            responses.set_request_account_id(account)
        return await original(method, path, headers, body, query)

    return handle


def _check_it_may_be_invoked(function_arn: str, account: str) -> None:
    """By the account at work, which is another one."""
    function, _config, _name = lambda_svc._get_func_record_for_ref_in_scope(function_arn, account_id=account)
    statements = (function or {}).get("policy", {}).get("Statement", [])
    granted = [each for each in statements if each["Resource"] == function_arn]
    conditions = [each.get("Condition", {}).get("StringEquals", {}) for each in granted]
    principals = [each["Principal"].get("AWS") for each in granted if isinstance(each["Principal"], dict)]
    if {"aws:PrincipalOrgID": ORGANIZATION_ID} not in conditions and responses.get_account_id() not in principals:
        raise RuntimeError(
            f"Not authorized to perform: lambda:InvokeFunction on resource: {function_arn} because no resource-based "
            "policy allows the lambda:InvokeFunction action"
        )


def _as_account(account: str, call: Callable[..., Any], *given: Any, **more: Any) -> Any:
    responses.set_request_account_id(account)
    return call(*given, **more)


def _with_rollback(original: Callable[..., Any]) -> Callable[..., Any]:
    """After a failed Create, CloudFormation sends a Delete with the id of the answer, or with an id that it invents."""
    answered: dict[tuple[str, str], str] = {}

    def invoke(kind: str, logical_id: str, props: Any, stack_name: str, stack_id: str, *rest: Any, **more: Any) -> Any:
        arguments = (logical_id, props, stack_name, stack_id, *rest)
        try:
            return original(kind, *arguments, **more)
        except (RuntimeError, TimeoutError) as failure:
            if kind != "Create":
                raise
            invented = f"{stack_name}-{logical_id}-{secrets.token_hex(6)}"
            physical_id = answered.pop((stack_id, logical_id), invented)
            _delete_what_failed(original, failure, arguments, physical_id)
            raise

    custom_resource.deliver_response = _recording_ids(custom_resource.deliver_response, answered)
    return invoke


def _delete_what_failed(
    original: Callable[..., Any], failure: Exception, arguments: tuple[Any, ...], physical_id: str
) -> None:
    try:
        original("Delete", *arguments, physical_id=physical_id)
    except (RuntimeError, TimeoutError) as second:
        # The stack's events must show both failures.
        raise RuntimeError(f"{failure}; and in the rollback: {second}") from failure


def _recording_ids(deliver: Callable[..., Any], answered: dict[tuple[str, str], str]) -> Callable[..., Any]:
    def recording(token: str, response: dict[str, Any]) -> Any:
        if response.get("Status") == "FAILED" and response.get("PhysicalResourceId"):
            answered[response.get("StackId", ""), response.get("LogicalResourceId", "")] = response[
                "PhysicalResourceId"
            ]
        return deliver(token, response)

    return recording


def _one_at_a_time(original: Callable[..., None]) -> Callable[..., None]:
    """Functions that start at the same time register their sessions at the same time; MiniStack iterates over all."""
    lock = threading.Lock()

    def register(access_key: str, session: dict[str, Any]) -> None:
        with lock:
            original(access_key, session)

    return register


def _virtual_threading(scale: float) -> Any:
    """The threading module, with timeouts in virtual seconds."""

    class Thread(threading.Thread):
        def join(self, timeout: float | None = None) -> None:
            super().join(None if timeout is None else timeout / scale)

    class Event(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            return super().wait(None if timeout is None else timeout / scale)

    return SimpleNamespace(**vars(threading) | {"Thread": Thread, "Event": Event})
