"""The service role of a stack: what CloudFormation does for the stack needs the role's permissions, not the caller's.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-iam-servicerole.html
MiniStack knows none. `cdk deploy` always gives one, and so do many pipelines.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any

from ministack.core import iam_evaluator
from ministack.services import iam, sts
from ministack.services.cloudformation import changesets
from ministack.services.cloudformation import handlers as cloudformation_handlers
from ministack.services.cloudformation import helpers as cloudformation_helpers

from .form import form_of
from .iam_history import Handler, statements_for

CLOUDFORMATION = "cloudformation.amazonaws.com"
# The requests after which CloudFormation works on a stack.
WORKING = frozenset(
    {
        "ContinueUpdateRollback",
        "CreateChangeSet",
        "CreateStack",
        "DeleteStack",
        "ExecuteChangeSet",
        "RollbackStack",
        "UpdateStack",
    }
)


def with_service_role(original: Handler) -> Handler:
    """The handler of CloudFormation, which works as the stack's role.

    A request that gives no role, ExecuteChangeSet among them, takes the one that an earlier request gave.
    """
    roles: dict[str, str] = {}  # by StackId

    async def handle(method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any]) -> Any:
        given = form_of(body)
        if given.get("Action") not in WORKING:
            return await original(method, path, headers, body, query)
        role_arn = given.get("RoleARN") or roles.get(_stack_id(given), "")
        if role_arn and not _may_be_assumed(role_arn):
            message = f"Role {role_arn} is invalid or cannot be assumed"
            return cloudformation_helpers._error("ValidationError", message)
        with _acting_as(role_arn):
            answer = await original(method, path, headers, body, query)
        if role_arn and answer[0] == HTTPStatus.OK:
            roles[_stack_id(given)] = role_arn
        return answer

    return handle


def _stack_id(given: Mapping[str, str]) -> str:
    name = given.get("StackName", "")
    if not name and "ChangeSetName" in given:
        _id, change_set = changesets._find_change_set(given["ChangeSetName"])
        name = (change_set or {}).get("StackName", "")
    return str((cloudformation_handlers._resolve_stack(name) or {}).get("StackId", ""))


def _may_be_assumed(role_arn: str) -> bool:
    role = iam._roles.get(role_arn.rpartition("/")[2]) or {}
    statements = statements_for(role.get("AssumeRolePolicyDocument"), CLOUDFORMATION)
    return any(each["Effect"] == "Allow" for each in statements)


@contextmanager
def _acting_as(role_arn: str) -> Iterator[None]:
    """What MiniStack does, and begins, in the context is done by a session of the role, if there is one."""
    if not role_arn:
        yield
        return
    account, name = role_arn.split(":")[4], role_arn.rpartition("/")[2]
    arn = f"arn:aws:sts::{account}:assumed-role/{name}/AWSCloudFormation"
    caller = iam_evaluator._request_caller_arn.set(arn)
    key = iam_evaluator._verified_key.set(_session(account, name, arn))
    try:
        yield
    finally:
        iam_evaluator._verified_key.reset(key)
        iam_evaluator._request_caller_arn.reset(caller)


def _session(account: str, name: str, arn: str) -> str:
    """The access key of a new session."""
    access_key = f"ASIA{secrets.token_hex(8).upper()}"
    session = {
        "Arn": arn,
        "UserId": f"{name}:AWSCloudFormation",
        "AccountId": account,
        "PrincipalType": "AssumedRole",
        "SecretAccessKey": secrets.token_hex(20),
        "SessionToken": secrets.token_hex(20),
    }
    sts.register_session(access_key, session)
    return access_key
