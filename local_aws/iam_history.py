"""IAM's eventual consistency: changes that other services, or IAM itself, see only some seconds later."""

from __future__ import annotations

import json
import math
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

from ministack.core.iam_evaluator import EvalContext, evaluate_trust_policy
from ministack.core.responses import get_account_id
from ministack.services import iam

from .dms_endpoints import account_of
from .form import form_of

Handler = Callable[..., Awaitable[tuple[int, dict[str, str], bytes]]]
CHANGES = ("CreateRole", "UpdateAssumeRolePolicy", "DeleteRole")
CREATES = {"CreateRole": "RoleName", "CreatePolicy": "PolicyName"}
FIRST_HTTP_ERROR = 400
DMS = "dms.amazonaws.com"


class TrustHistory:
    """The trust policies of each role with their times in virtual seconds; None while the role did not exist."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._versions: dict[tuple[str, str], list[tuple[float, str | None]]] = {}

    def watching(self, handler: Handler) -> Handler:
        """The IAM handler, wrapped so that changes of trust policies are recorded."""

        async def handle(method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any]) -> Any:
            given = parse_qs(body.decode("utf-8", "replace"))
            if given.get("Action", [""])[0] not in CHANGES:
                return await handler(method, path, headers, body, query)
            account, name = get_account_id(), given.get("RoleName", [""])[0]
            versions = self._versions.setdefault((account, name), [(-math.inf, _trust_of(account, name))])
            answer = await handler(method, path, headers, body, query)
            versions.append((self._now(), _trust_of(account, name)))
            return answer

        return handle

    def seen(self, role_arn: str, seconds_ago: float) -> str | None:
        """The role's trust policy so many virtual seconds ago; None if the role did not exist."""
        account, name = account_of(role_arn), role_arn.rpartition("/")[2]
        role = iam._roles.get_scoped(account, None, name)
        if role and role["Arn"] != role_arn:
            # Same name, but another path.
            return None
        live = role["AssumeRolePolicyDocument"] if role else None
        versions = self._versions.setdefault((account, name), [(-math.inf, live)])
        if versions[-1][1] != live:
            # MiniStack's CloudFormation changes roles without IAM's API.
            versions.append((self._now(), live))
        return [trust for since, trust in versions if since <= self._now() - seconds_ago][-1]


class Newcomers:
    """New roles and policies, which IAM itself does not find yet."""

    def __init__(self, now: Callable[[], float], lag_seconds: Callable[[], float]) -> None:
        self._now = now
        self._lag_seconds = lag_seconds
        self._made: dict[tuple[str, str], float] = {}

    def watching(self, handler: Handler) -> Handler:
        """The IAM handler, wrapped so that it does not find what is too new."""

        async def handle(method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any]) -> Any:
            given = form_of(body)
            account, created = get_account_id(), CREATES.get(given.get("Action", ""))
            if not created and (missing := [name for name in _named(given) if self.is_new(account, name)]):
                return _not_found(missing[0])
            answer = await handler(method, path, headers, body, query)
            if created and answer[0] < FIRST_HTTP_ERROR:
                self._made[account, given[created]] = self._now()
            return answer

        return handle

    def is_new(self, account: str, name: str) -> bool:
        """Whether IAM does not find the role or policy of this name yet."""
        made = self._made.get((account, name))
        return made is not None and self._now() < made + self._lag_seconds()


def _named(given: dict[str, str]) -> list[str]:
    """The names of the role and the policy in a request."""
    return [given[key].rpartition("/")[2] for key in ("RoleName", "PolicyArn") if key in given]


def _not_found(name: str) -> tuple[int, dict[str, str], bytes]:
    error = f"<Error><Type>Sender</Type><Code>NoSuchEntity</Code><Message>{name} cannot be found.</Message></Error>"
    return 404, {"Content-Type": "text/xml"}, f"<ErrorResponse>{error}</ErrorResponse>".encode()


def _trust_of(account: str, name: str) -> str | None:
    role = iam._roles.get_scoped(account, None, name)
    return role["AssumeRolePolicyDocument"] if role else None


@dataclass(frozen=True)
class Assumption:
    """An attempt of DMS to assume the role of an endpoint."""

    role_arn: str
    external_id: str
    source_account: str
    source_arn: str


def dms_may_assume(trust: str | None, attempt: Assumption) -> bool:
    """Whether the trust policy, a JSON text, allows DMS to assume the role; None is no role."""
    statements = statements_for(trust, DMS)
    root = f"arn:aws:iam::{account_of(attempt.role_arn)}:root"  # MiniStack has no service principals
    context = EvalContext(
        principal_arn=root,
        principal_type="Service",
        principal_account="",
        action="sts:AssumeRole",
        resource_arn=attempt.role_arn,
        region="",
        service_context=_context(attempt),
    )
    return bool(statements) and bool(evaluate_trust_policy({"Statement": statements}, root, context))


def _context(attempt: Assumption) -> dict[str, str]:
    given = {"aws:sourceaccount": attempt.source_account, "aws:sourcearn": attempt.source_arn}
    return given | ({"sts:externalid": attempt.external_id} if attempt.external_id else {})


def statements_for(trust: str | None, service: str) -> list[dict[str, Any]]:
    """The statements of a trust policy, a JSON text, that name the service, such as `dms.amazonaws.com`."""
    given = json.loads(trust).get("Statement", []) if trust else []
    return [each for each in ([given] if isinstance(given, dict) else given) if _is_for(each, service)]


def _is_for(statement: dict[str, Any], service: str) -> bool:
    principal = statement.get("Principal")
    services = principal.get("Service", []) if isinstance(principal, dict) else []
    return principal == "*" or service in ([services] if isinstance(services, str) else services)
