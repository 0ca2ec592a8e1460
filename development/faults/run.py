"""One run: a scenario, one disturbance, what CloudFormation does then; and what must be true after all of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .pieces import Pieces
from .scenarios import Scenario
from .stack import Cloud, Event, Stack, WedgedError

Disturbance = Callable[[Event], None]


@dataclass(frozen=True)
class Ended:
    """`survived`: the disturbed request succeeded all the same. `violations` are of what no fault may cause."""

    survived: bool
    violations: list[str]


def run(
    cloud: Cloud, scenario: Scenario, name: str, disturbance: Disturbance, may_end: bool = False, again: bool = False
) -> Ended:
    """`may_end`: the disturbance may end the function; `again`: then its event is delivered once more.

    Leaves nothing behind, unless a violation says so.
    """
    before = cloud.pieces()
    stack = Stack(cloud, stack_id=f"arn:aws:cloudformation:eu-west-1:111111111111:stack/{name}/1")
    stack.may_be_ended, stack.redelivers = may_end, again
    survived = False
    try:
        scenario.prepare(stack, name)
        survived = _disturbed(scenario, stack, name, disturbance)
        if stack.physical_id:
            stack.delete()
    except WedgedError as wedged:
        stack.violations.append(str(wedged))
    stack.violations += differences("at the end", before, cloud.pieces())
    return Ended(survived, stack.violations)


def _disturbed(scenario: Scenario, stack: Stack, name: str, disturbance: Disturbance) -> bool:
    stood = stack.cloud.pieces()
    stack.disturbance = disturbance
    survived = scenario.step(stack, name)
    _check_standing(stack)
    if scenario.goes_back == "always" or (scenario.goes_back == "on failure" and not survived):
        stack.violations += differences("gone back", stood, stack.cloud.pieces())
    if scenario.goes_back != "never" and not survived:
        # Nothing of ours may stand in the way of the user who tries again.
        if not scenario.step(stack, name):
            stack.violations.append("the second try failed too")
        _check_standing(stack)
    return survived


def _check_standing(stack: Stack) -> None:
    if stack.physical_id:
        stack.violations += faults_of_standing(stack.cloud.pieces(), stack.physical_id)


def differences(when: str, before: Pieces, now: Pieces) -> list[str]:
    """But for the ExternalId, which is DMS's own: that the role demands the right one is `faults_of_standing`'s.

    And but for the tag that tells which update was the last.
    """
    expected, found = _comparable(before), _comparable(now)
    gone = [f"{when}: {arn} is gone" for arn in sorted(expected.keys() - found.keys())]
    left = [f"{when}: {arn} is left" for arn in sorted(found.keys() - expected.keys())]
    common = sorted(expected.keys() & found.keys())
    changed = [f"{when}: {arn} has changed" for arn in common if expected[arn] != found[arn]]
    return gone + left + changed


def _comparable(pieces: Pieces) -> Pieces:
    text = json.dumps(pieces, sort_keys=True)
    for external_id in [piece["ExternalId"] for piece in pieces.values() if "ExternalId" in piece]:
        text = text.replace(external_id, "(ExternalId)")
    comparable: Pieces = json.loads(text)
    for piece in comparable.values():
        piece["tags"].pop("dms-s3-endpoint:changed-by", None)
    return comparable


def faults_of_standing(pieces: Pieces, physical_id: str) -> list[str]:
    """An endpoint that CloudFormation believes to be there must be, and its role must trust it alone."""
    identifier = physical_id.partition("/")[2]
    endpoint: Any = next((each for each in pieces.values() if each.get("EndpointIdentifier") == identifier), None)
    if endpoint is None:
        return [f"{physical_id} is not there"]
    role = pieces.get(endpoint["ServiceAccessRoleArn"])
    if endpoint["Status"] != "active" or role is None or not role["attached"]:
        return [f"{physical_id} can't be used"]
    demanded = [each.get("Condition", {}).get("StringEquals", {}) for each in role["trust"]["Statement"]]
    if demanded != [{"sts:ExternalId": endpoint["ExternalId"]}]:
        return [f"the role of {physical_id} demands {demanded}"]
    return []
