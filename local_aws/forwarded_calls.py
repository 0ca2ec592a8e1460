"""Calls that AWS makes for a caller, and that the caller must be permitted: CloudFormation's, and to pass a role.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/fas-requests-and-permission-evaluation.html
https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_passrole.html
MiniStack asks nobody. What the root of an account asks for needs no permission.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from ministack.core import iam_actions, iam_evaluator
from ministack.core.responses import get_account_id, get_region
from ministack.services import dynamodb, iam
from ministack.services.cloudformation import engine, provisioners, stacks
from ministack.services.cloudformation import handlers as cloudformation_handlers
from ministack.services.cloudformation import helpers as cloudformation_helpers

from .form import form_of
from .iam_history import Handler
from .resource_handlers import HANDLERS, PASS_ROLE, Handlers, Props, Request
from .service_role import CLOUDFORMATION, with_service_role

CUSTOM = ("Custom::", "AWS::CloudFormation::CustomResource")
NOTHING = "AWS::CDK::Metadata"  # a resource for CDK's statistics, for which nothing is called
LAMBDA = "lambda.amazonaws.com"
# The id of a stack that is to be made.
NEW_STACK = "00000000-0000-4000-8000-000000000000"
# By action the parameter that is a condition key, too.
# https://docs.aws.amazon.com/service-authorization/latest/reference/list_awslambda.html
WITH_CONDITIONS = {
    "lambda:AddPermission": "Principal",
    "lambda:CreateFunction": "CodeSigningConfigArn",
    "lambda:PutFunctionCodeSigningConfig": "CodeSigningConfigArn",
}
Needs = Callable[[str, str, bytes], Iterator["Permission"]]


@dataclass(frozen=True)
class Permission:
    """One action on one resource, with IAM's condition keys."""

    action: str
    resource: str
    context: Mapping[str, Any] = field(default_factory=dict)


class DeniedError(Exception):
    """What IAM denies to the caller."""

    def __init__(self, needed: Permission) -> None:
        self.needed = needed
        who = iam_evaluator.caller_arn()
        super().__init__(f"User: {who} is not authorized to perform: {needed.action} on resource: {needed.resource}")


def install(handlers: dict[str, Handler]) -> None:
    """Patch MiniStack's CloudFormation, Lambda and DynamoDB."""
    in_a_stack = with_service_role(handlers["cloudformation"])
    handlers["cloudformation"] = _demanding("cloudformation", _for_a_stack, in_a_stack)
    handlers["lambda"] = _demanding("lambda", _for_a_function, handlers["lambda"])
    handlers["dynamodb"] = _demanding("dynamodb", _for_an_item, handlers["dynamodb"])
    iam_actions.extract_resource_arn = _with_names_of_the_new(iam_actions.extract_resource_arn)
    iam_actions.request_tag_context = _with_lambda_conditions(iam_actions.request_tag_context)
    engine._resolve_dynamic_reference = _allowed_to_read(engine._resolve_dynamic_reference)
    stacks._provision_resource = _allowed_to_create(stacks._provision_resource)
    stacks._update_resource = _allowed_to_update(stacks._update_resource)
    stacks._delete_resource = _allowed_to_delete(stacks._delete_resource)
    roles = provisioners._RESOURCE_HANDLERS["AWS::IAM::Role"]
    roles["create"], roles["update"] = _bounded(roles["create"], 1), _bounded(roles["update"], 2)


def caller() -> str:
    """The access key of the session at work; empty for an account's root, which MiniStack does not verify."""
    return str(iam_evaluator._verified_key.get())


def demand(needed: Permission) -> None:
    """Raise DeniedError if the session at work has not the permission."""
    service = needed.action.partition(":")[0]
    refused = iam_evaluator.enforce(
        caller(),
        needed.action,
        service,
        get_region(),
        resource_arn=needed.resource,
        service_context=dict(needed.context),
    )
    if refused:
        raise DeniedError(needed)


def _demanding(service: str, permissions: Needs, original: Handler) -> Handler:
    """The handler, which is asked only if the caller has what the request needs beside the action itself."""

    async def handle(method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any]) -> Any:
        try:
            for needed in permissions(method, path, body) if caller() else ():
                demand(needed)
        except DeniedError as denied:
            action, arn = denied.needed.action, denied.needed.resource
            who = iam_evaluator.caller_arn()
            return iam_actions.access_denied_response(service, action, who, "", headers=headers, resource_arn=arn)
        return await original(method, path, headers, body, query)

    return handle


def _for_a_stack(_method: str, _path: str, body: bytes) -> Iterator[Permission]:
    given = form_of(body)
    if given.get("RoleARN"):
        yield Permission(PASS_ROLE, given["RoleARN"], {"iam:PassedToService": CLOUDFORMATION})
    if given.get("Action") in ("CreateChangeSet", "CreateStack", "UpdateStack"):
        if given.get("TemplateURL"):
            yield Permission("s3:GetObject", f"arn:aws:s3:::{urlsplit(given['TemplateURL']).path.lstrip('/')}")
        yield from _for_a_template(given)


def _for_a_template(given: Mapping[str, str]) -> Iterator[Permission]:
    """A macro is asked by a change set; AWS's own are no exception.

    https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-permissions-cloudformation.html
    """
    text, error = cloudformation_helpers._resolve_template(given)
    template = {} if error or not text else engine._parse_template(text)
    transforms = template.get("Transform") or []
    if given["Action"] == "CreateChangeSet":
        for transform in [transforms] if isinstance(transforms, str) else transforms:
            name = str(transform).removeprefix("AWS::")
            yield Permission(
                "cloudformation:CreateChangeSet", f"arn:aws:cloudformation:{get_region()}:aws:transform/{name}"
            )
    for name in _ssm_parameters(given, template):
        yield Permission("ssm:GetParameters", _parameter_arn(name))


def _ssm_parameters(given: Mapping[str, str], template: Props) -> Iterator[str]:
    """The names of the SSM parameters whose values the template takes."""
    prefix = "Parameters.member."
    keys = {value: name for name, value in given.items() if name.startswith(prefix) and name.endswith(".ParameterKey")}
    for name, parameter in template.get("Parameters", {}).items():
        if str(parameter.get("Type", "")).startswith("AWS::SSM::Parameter::Value"):
            value = keys.get(name, "").replace(".ParameterKey", ".ParameterValue")
            yield given.get(value) or str(parameter.get("Default", ""))


def _for_a_function(method: str, path: str, body: bytes) -> Iterator[Permission]:
    if (method, path.rpartition("/")[2]) in (("POST", "functions"), ("PUT", "configuration")):
        role = json.loads(body or b"{}").get("Role")
        if role:
            yield Permission(PASS_ROLE, role, {"iam:PassedToService": LAMBDA})


def _for_an_item(_method: str, _path: str, body: bytes) -> Iterator[Permission]:
    """DynamoDB uses a table's own key in the caller's name: aws/aws-cdk#10010. Not for the account's aws/dynamodb."""
    given = json.loads(body or b"{}")
    table = dynamodb._tables.get(dynamodb._normalize_table_name(given.get("TableName") or "")) or {}
    key = (table.get("SSEDescription") or {}).get("KMSMasterKeyArn", "")
    if ("Key" in given or "Item" in given) and ":key/" in key:
        yield Permission("kms:Decrypt", key, {"kms:ViaService": f"dynamodb.{get_region()}.amazonaws.com"})


def _with_names_of_the_new(original: Callable[..., str]) -> Callable[..., str]:
    """The resource of CreateFunction is the function that is to be made. The ARN of a stack ends with its id."""

    def extract(service: str, method: str, path: str, headers: Any, body: bytes, *rest: Any) -> str:
        found = original(service, method, path, headers, body, *rest)
        if service == "lambda" and (method, path.rpartition("/")[2]) == ("POST", "functions"):
            _query, region, account = rest
            name = json.loads(body or b"{}").get("FunctionName", "")
            return HANDLERS["AWS::Lambda::Function"].arn.format(region=region, account=account, name=name)
        if service == "cloudformation" and found.endswith("/*"):
            stack = cloudformation_handlers._resolve_stack(found.split("/")[1]) or {}
            return str(stack.get("StackId") or found.replace("/*", f"/{NEW_STACK}"))
        return str(found)

    return extract


def _with_lambda_conditions(original: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    def context(service: str, iam_action: str, body: bytes, given: Any) -> dict[str, Any]:
        own = _of_lambda(iam_action, json.loads(body)) if iam_action in WITH_CONDITIONS and body else {}
        return original(service, iam_action, body, given) | own

    return context


def _allowed_to_read(original: Callable[[str], str]) -> Callable[[str], str]:
    """For a dynamic reference to a parameter.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/dynamic-references-ssm.html
    """

    def resolve(literal: str) -> str:
        found = engine._DYNAMIC_REFERENCE.fullmatch(literal)
        if found[1] == "ssm":
            _demand_for_a_resource([Permission("ssm:GetParameters", _parameter_arn(found[2].partition(":")[0]))])
        return original(literal)

    return resolve


def _parameter_arn(name: str) -> str:
    return HANDLERS["AWS::SSM::Parameter"].arn.format(region=get_region(), account=get_account_id(), name=name)


def _allowed_to_create(original: Callable[..., Any]) -> Callable[..., Any]:
    def provision(kind: str, logical_id: str, props: Props, stack: str) -> Any:
        _demand_all(kind, "create", provisioners._physical_name(stack, logical_id), {}, props)
        return original(kind, logical_id, props, stack)

    return provision


def _allowed_to_update(original: Callable[..., Any]) -> Callable[..., Any]:
    def update(kind: str, physical_id: str, old: Props, new: Props, *rest: Any) -> Any:
        if old != new:
            _demand_all(kind, "update", physical_id, old, new)
        return original(kind, physical_id, old, new, *rest)

    return update


def _allowed_to_delete(original: Callable[..., Any]) -> Callable[..., Any]:
    def delete(kind: str, physical_id: str, props: Props, *rest: Any) -> Any:
        _demand_all(kind, "delete", physical_id, props, {})
        return original(kind, physical_id, props, *rest)

    return delete


def _demand_all(kind: str, request: Request, name: str, old: Props, new: Props) -> None:
    _demand_for_a_resource(_permissions(kind, request, name, old, new))


def _demand_for_a_resource(permissions: Iterable[Permission]) -> None:
    """Raises ValueError, which MiniStack shows as the reason why the resource failed."""
    try:
        for needed in permissions if caller() else ():
            demand(needed)
    except DeniedError as denied:
        raise ValueError(f'Resource handler returned message: "{denied}" (HandlerErrorCode: AccessDenied)') from denied


def _permissions(kind: str, request: Request, name: str, old: Props, new: Props) -> Iterator[Permission]:
    """Raises ValueError for a type of which it is not known what its handlers call."""
    if kind == NOTHING:
        return
    if kind.startswith(CUSTOM):
        yield Permission("lambda:InvokeFunction", str({**old, **new}["ServiceToken"]))
        return
    if kind not in HANDLERS:
        raise ValueError(f"{kind} is not in local_aws/resource_handlers.py, so that only an account's root deploys it")
    handlers, props = HANDLERS[kind], {**old, **new}
    for arn in _arns(handlers, name, props):
        for action in handlers.actions(request, old, new):
            yield from _of_action(action, arn, old or new, props)


def _arns(handlers: Handlers, name: str, props: Props) -> list[str]:
    given = props.get(handlers.named_by) or name
    known = {"region": get_region(), "account": get_account_id(), "path": props.get("Path", "/")}
    names = given if isinstance(given, list) else [given]
    return [each if each.startswith("arn:") else handlers.arn.format(name=each, **known) for each in names]


def _of_action(action: str, arn: str, standing: Props, props: Props) -> Iterator[Permission]:
    """With its condition keys. What changes a role's rights is judged by the boundary that stands, as IAM does."""
    if action == PASS_ROLE:
        yield Permission(action, str(props["Role"]), {"iam:PassedToService": LAMBDA})
    elif action in ("iam:AttachRolePolicy", "iam:DetachRolePolicy"):
        for policy in props.get("ManagedPolicyArns", []):
            yield Permission(action, arn, {"iam:PolicyARN": policy, **_boundary(standing, arn)})
    elif action in ("iam:CreateRole", "iam:PutRolePermissionsBoundary"):
        given = props.get("PermissionsBoundary")
        yield Permission(action, arn, {"iam:PermissionsBoundary": str(given)} if given else {})
    elif action.startswith("iam:"):
        yield Permission(action, arn, _boundary(standing, arn))
    else:
        yield Permission(action, arn, _of_lambda(action, props))
    if action in ("lambda:CreateFunction", "lambda:UpdateFunctionCode") and "S3Key" in props.get("Code", {}):
        yield Permission("s3:GetObject", f"arn:aws:s3:::{props['Code']['S3Bucket']}/{props['Code']['S3Key']}")


def _boundary(standing: Props, arn: str) -> dict[str, str]:
    """The boundary of the role that stands, else of the one that is to be made."""
    role = iam._roles.get(arn.rpartition("/")[2]) or {}
    boundary = role.get("PermissionsBoundary") if role else standing.get("PermissionsBoundary")
    return {"iam:PermissionsBoundary": str(boundary)} if boundary else {}


def _of_lambda(action: str, given: Props) -> dict[str, str]:
    """Lambda's own condition keys, of a request's body or a resource's properties, which have the same names."""
    name = WITH_CONDITIONS.get(action, "")
    return {f"lambda:{name}": str(given[name])} if given.get(name) else {}


def _bounded(original: Callable[..., Any], index: int) -> Callable[..., Any]:
    """MiniStack's CloudFormation leaves the boundary of a role out. The properties are the argument of that index."""

    def handle(*arguments: Any) -> Any:
        boundary = arguments[index].get("PermissionsBoundary")
        if boundary and iam._boundary_policy_error(boundary):
            raise ValueError(f"Scope ARN: {boundary} does not exist or is not attachable.")
        made = original(*arguments)
        iam._roles[made[0]]["PermissionsBoundary"] = boundary
        return made

    return handle
