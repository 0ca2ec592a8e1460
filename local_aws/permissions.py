"""Permissions that MiniStack does not check: conditions on tags of policies, variables, and tagging on create."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

from ministack.core import iam_actions, iam_evaluator
from ministack.core.responses import get_account_id
from ministack.services import iam, tagging

from .dms_connections import bucket_owner
from .iam_history import Newcomers
from .state import State
from .wire import Decision

# A create with tags needs both permissions. https://docs.aws.amazon.com/IAM/latest/UserGuide/id_tags.html
TAGS_ON_CREATE = {"iam:CreateRole": "iam:TagRole", "iam:CreatePolicy": "iam:TagPolicy"}
# ${key} or ${key, 'default'} in a condition's value.
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html
VARIABLE = re.compile(r"\$\{([^,}]+)(?:, '([^']*)')?\}")
# A wildcard in the part that names the resource's type, as in u*/somebody.
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html
WILD_TYPE = re.compile(r"arn:[^:]*:iam:[^:]*:[^:]*:[^/]*[*?][^/]*/")
# The tag action, if IAM denied it. MiniStack would name the create action instead.
_refused: ContextVar[str] = ContextVar("refused", default="")


def install(state: State, newcomers: Newcomers) -> None:
    """Patch MiniStack's IAM. It records each decision in `state`."""
    tagging.resource_tags = _but_of_newcomers(_with_tags_of_policies(tagging.resource_tags), newcomers)
    iam_evaluator._resource_matches = _with_types_of_resources(iam_evaluator._resource_matches)
    iam_evaluator._conditions_met = _with_variables(iam_evaluator._conditions_met)
    iam_evaluator.enforce = _with_tags_on_create(_noting(iam_evaluator.enforce, state))
    iam_actions.access_denied_response = _naming_the_action(iam_actions.access_denied_response)


def _with_tags_of_policies(original: Callable[[str], Any]) -> Callable[[str], Any]:
    def resource_tags(arn: str) -> Any:
        policy = iam._policies.get(arn) if ":policy/" in arn else None
        return {tag["Key"]: tag["Value"] for tag in policy.get("Tags", [])} if policy else original(arn)

    return resource_tags


def _but_of_newcomers(original: Callable[[str], Any], newcomers: Newcomers) -> Callable[[str], Any]:
    """A resource that IAM does not find yet has no tags, so no condition on tags can grant access."""

    def resource_tags(arn: str) -> Any:
        is_new = ":iam:" in arn and newcomers.is_new(get_account_id(), arn.rpartition("/")[2])
        return None if is_new else original(arn)

    return resource_tags


def _with_types_of_resources(original: Callable[..., bool]) -> Callable[..., bool]:
    """In IAM's ARNs no wildcard can stand for the type: such a pattern matches nothing."""

    def resource_matches(arn: str, resources: list[str], not_resources: list[str]) -> bool:
        return original(arn, [_typed(each) for each in resources], [_typed(each) for each in not_resources])

    return resource_matches


def _typed(pattern: str) -> str:
    return "" if WILD_TYPE.match(pattern) else pattern


class UnresolvedError(Exception):
    """A variable without a single value and without a default: the statement applies to nothing."""


def _with_variables(original: Callable[..., bool]) -> Callable[..., bool]:
    def conditions_met(conditions: Any, context: Any) -> bool:
        try:
            return original(_resolved(conditions, context), context)
        except UnresolvedError:
            return False

    return conditions_met


def _resolved(value: Any, context: Any) -> Any:
    """The conditions, or a part of them, with each variable replaced. Raises UnresolvedError."""
    if isinstance(value, dict):
        return {key: _resolved(member, context) for key, member in value.items()}
    if isinstance(value, list):
        return [_resolved(member, context) for member in value]
    return VARIABLE.sub(lambda found: _value_of(found, context), value) if isinstance(value, str) else value


def _value_of(variable: re.Match[str], context: Any) -> str:
    value = iam_evaluator._resolve_condition_key(variable[1], context)
    if isinstance(value, list) or (value is None and variable[2] is None):
        raise UnresolvedError(variable[0])
    return str(variable[2] if value is None else value)


def _with_tags_on_create(original: Callable[..., Any]) -> Callable[..., Any]:
    def enforce(access_key: str, action: str, *arguments: Any, **given: Any) -> Any:
        _refused.set("")
        refused = original(access_key, action, *arguments, **given)
        if not refused and action in TAGS_ON_CREATE and (given.get("service_context") or {}).get("aws:TagKeys"):
            refused = original(access_key, TAGS_ON_CREATE[action], *arguments, **given)
            _refused.set(TAGS_ON_CREATE[action] if refused else "")
        return refused

    return enforce


def _noting(original: Callable[..., Any], state: State) -> Callable[..., Any]:
    """Record the decisions for sessions of roles. An account's root has no policies."""

    def enforce(access_key: str, action: str, *arguments: Any, **given: Any) -> Any:
        refused = original(access_key, action, *arguments, **given)
        caller = (iam_evaluator.resolve_caller_identity(access_key) or {}).get("userArn", "")
        if ":assumed-role/" in caller:
            resource = given.get("resource_arn", "*")
            context = dict(given.get("service_context") or {})
            tags = tagging.resource_tags(resource) or {}
            context |= {f"aws:ResourceTag/{key}": value for key, value in tags.items()}
            context |= {"aws:ResourceAccount": owner} if (owner := bucket_owner(resource)) else {}
            state.decisions.append(Decision(caller, action, resource, context, allowed=not refused))
        return refused

    return enforce


def _naming_the_action(original: Callable[..., Any]) -> Callable[..., Any]:
    def denied(service: str, action: str, *arguments: Any, **more: Any) -> Any:
        return original(service, _refused.get() or action, *arguments, **more)

    return denied
