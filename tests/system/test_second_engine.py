"""Two engines decide alike on each call that the function makes, and on each that it must not be let make."""

from __future__ import annotations

from typing import Any

import pytest

from local_aws import EmbeddedAws
from local_aws.cloudformation import CloudFormation
from local_aws.wire import Decision

from .attempts import attempted, attempts_with, pieces_of_others, taken_over
from .second_engine import Case, decisions
from .test_permissions import GRANTS, NEEDED, TRIED_ALONE
from .world import properties


def test_each_call_of_each_request_is_allowed_by_both(aws: EmbeddedAws, cloudformation: CloudFormation) -> None:
    for situation in TRIED_ALONE:
        situation.before(cloudformation)
        answer = situation.request(cloudformation)
        situation.after(cloudformation)
        cloudformation.send("Delete", properties(), PhysicalResourceId=answer["PhysicalResourceId"])
    first = [each for each in aws.decisions() if each.resource != "*" or each.allowed]
    assert {each.action for each in first if each.allowed} >= {action for _role_arn, _sid, action in GRANTS}
    assert disagreements(aws, first) == []


@pytest.mark.parametrize("role_arn", NEEDED)
def test_each_attempt_beyond_is_refused_by_both(aws: EmbeddedAws, role_arn: str) -> None:
    attempts = attempts_with(aws, role_arn)
    with pieces_of_others(aws), taken_over(aws, role_arn) as client:
        aws.clear_calls()
        for call, given in attempts.values():
            attempted(client, call, given)
        first = aws.decisions()
        assert sum(not each.allowed for each in first) == len(attempts)
        assert disagreements(aws, first) == []


def disagreements(aws: EmbeddedAws, first: list[Decision]) -> list[tuple[Decision, Any]]:
    """The decisions that the second engine takes otherwise, or finds impossible."""
    known = {role: policies_of(aws, *role) for role in {role_of(each) for each in first}}
    cases = [Case(known[role_of(each)], each.caller, each.action, each.resource, each.context) for each in first]
    return [(one, other) for one, other in zip(first, decisions(cases), strict=True) if one.allowed is not other]


def role_of(decision: Decision) -> tuple[str, str]:
    """Account and name."""
    return decision.caller.split(":")[4], decision.caller.split("/")[1]


def policies_of(aws: EmbeddedAws, account: str, role: str) -> list[Any]:
    iam = aws.client("iam", account)
    names = iam.list_role_policies(RoleName=role)["PolicyNames"]
    return [iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"] for name in names]
