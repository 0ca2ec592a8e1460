"""One run: a scenario, one disturbance, CloudFormation's reaction, and the invariants that must hold afterwards."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .inventory import Inventory
from .scenarios import Scenario
from .stack import Cloud, Event, Stack, WedgedError

# Whether a piece has this tag is compared, and its value is not: it is the id of a request.
LIFE = "dms-s3-endpoint:life"
Disturbance = Callable[[Event], None]


@dataclass(frozen=True)
class Ended:
    """The result of a run. `survived`: the disturbed request succeeded. `violations`: the broken invariants."""

    survived: bool
    violations: list[str]


def run(
    cloud: Cloud, scenario: Scenario, name: str, disturbance: Disturbance, may_end: bool = False, again: bool = False
) -> Ended:
    """Play the scenario, and disturb its step. The run leaves nothing behind, unless a violation says so.

    `may_end`: the disturbance may end the function; `again`: then its event is delivered again.
    """
    before = cloud.inventory()
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
    stack.violations += differences("at the end", before, cloud.inventory())
    return Ended(survived, stack.violations)


def _disturbed(scenario: Scenario, stack: Stack, name: str, disturbance: Disturbance) -> bool:
    stood = stack.cloud.inventory()
    stack.disturbance = disturbance
    survived = scenario.step(stack, name)
    _check_standing(stack)
    if scenario.goes_back == "always" or (scenario.goes_back == "on failure" and not survived):
        stack.violations += differences("gone back", stood, stack.cloud.inventory())
    if scenario.goes_back != "never" and not survived:
        # Nothing that is left may prevent a second try.
        if not scenario.step(stack, name):
            stack.violations.append("the second try failed too")
        _check_standing(stack)
    return survived


def _check_standing(stack: Stack) -> None:
    if stack.physical_id:
        stack.violations += faults_of_standing(stack.cloud.inventory(), stack.physical_id)


def differences(when: str, before: Inventory, now: Inventory) -> list[str]:
    """What is gone, left or changed between two inventories; `when` begins each message.

    It ignores ExternalIds, because DMS chooses them (`faults_of_standing` checks them), and the values of LIFE.
    """
    expected, found = _comparable(before), _comparable(now)
    gone = [f"{when}: {arn} is gone" for arn in sorted(expected.keys() - found.keys())]
    left = [f"{when}: {arn} is left" for arn in sorted(found.keys() - expected.keys())]
    common = sorted(expected.keys() & found.keys())
    changed = [f"{when}: {arn} has changed" for arn in common if expected[arn] != found[arn]]
    return gone + left + changed


def _comparable(inventory: Inventory) -> Inventory:
    text = json.dumps(inventory, sort_keys=True)
    for external_id in [piece["ExternalId"] for piece in inventory.values() if "ExternalId" in piece]:
        text = text.replace(external_id, "(ExternalId)")
    comparable: Inventory = json.loads(text)
    for piece in comparable.values():
        if LIFE in piece["tags"]:
            piece["tags"][LIFE] = "(life)"
    return comparable


def faults_of_standing(inventory: Inventory, physical_id: str) -> list[str]:
    """Check that a resource of a stack exists and works: endpoint active, policy attached, trust for it alone."""
    identifier = physical_id.partition("/")[2]
    endpoint: Any = next((each for each in inventory.values() if each.get("EndpointIdentifier") == identifier), None)
    if endpoint is None:
        return [f"{physical_id} is not there"]
    role = inventory.get(endpoint["ServiceAccessRoleArn"])
    if endpoint["Status"] != "active" or role is None or not role["attached"]:
        return [f"{physical_id} can't be used"]
    demanded = [each.get("Condition", {}).get("StringEquals", {}) for each in role["trust"]["Statement"]]
    if demanded != [{"sts:ExternalId": endpoint["ExternalId"]}]:
        return [f"the role of {physical_id} demands {demanded}"]
    return []
