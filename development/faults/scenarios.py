"""The scenarios: how a stack gets to a request of CloudFormation, and the request itself, which is disturbed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from .stack import Properties, Stack

BUCKET = "data-lake-dev"
BOUNDARY = "arn:aws:iam::aws:policy/PowerUserAccess"


@dataclass(frozen=True)
class Scenario:
    """A preparation, and the step that is disturbed. Both get the stack and a name; `step` returns its success.

    `goes_back`: when the inventory must be as before the step. (A Delete is repeated until all is gone.)
    """

    prepare: Callable[[Stack, str], object]
    step: Callable[[Stack, str], bool]
    goes_back: Literal["on failure", "always", "never"] = "on failure"


def properties(name: str, **changes: Any) -> dict[str, Any]:
    """The resource properties of an endpoint of this name. The names of role and policy begin with it."""
    return {
        "ENVIRONMENT": "dev",
        "ENDPOINTIDENTIFIER": name,
        "POLICYNAME": f"{name}-policy",
        "ROLENAME": f"{name}-role",
        "S3SETTINGS": {"BUCKETNAME": BUCKET, "BUCKETFOLDER": "orders"},
        "TAGS": [{"Key": "team", "Value": "data-lake"}],
    } | changes


def same(name: str) -> Properties:
    """The same endpoint, spelt differently."""
    return properties(name, ENDPOINTIDENTIFIER=name.upper())


def retagged(name: str) -> Properties:
    """Other tags."""
    return properties(name, TAGS=[{"Key": "stage", "Value": "dev"}])


def bounded(name: str) -> Properties:
    """A permissions boundary for the role."""
    return properties(name, PERMISSIONSBOUNDARY=BOUNDARY)


def another_policy(name: str) -> Properties:
    """Another name of the policy."""
    return properties(name, POLICYNAME=f"{name}-policy-2")


def another_folder(name: str) -> Properties:
    """Another folder: the policy changes, and the endpoint is deleted and created again."""
    return properties(name, S3SETTINGS={"BUCKETNAME": BUCKET, "BUCKETFOLDER": "invoices"})


def another_role(name: str) -> Properties:
    """Other names of role and policy."""
    return properties(name, ROLENAME=f"{name}-role-2", POLICYNAME=f"{name}-policy-2")


def another_endpoint(name: str) -> Properties:
    """Another identifier, which is a replacement."""
    return properties(f"{name}-2")


def replacing(name: str) -> Properties:
    """ONUPDATE: replace."""
    return properties(name, ONUPDATE="replace")


def replacing_another_folder(name: str) -> Properties:
    """Another folder: with ONUPDATE: replace, a replacement."""
    return {**another_folder(name), "ONUPDATE": "replace"}


def _nothing(_stack: Stack, _name: str) -> None:
    return None


def _created(stack: Stack, name: str) -> bool:
    return stack.create(properties(name))


def _created_and_forgotten(stack: Stack, name: str) -> None:
    stack.create(properties(name))
    stack.forget()


def _deleted(stack: Stack, _name: str) -> bool:
    return stack.delete()


def _updated(wanted: Callable[[str], Properties]) -> Scenario:
    return Scenario(_created, lambda stack, name: stack.update(wanted(name)))


SCENARIOS: dict[str, Scenario] = {
    "Create": Scenario(_nothing, _created),
    "Update, nothing new": _updated(same),
    "Update, tags": _updated(retagged),
    "Update, boundary": _updated(bounded),
    "Update, policy name": _updated(another_policy),
    "Update, settings": _updated(another_folder),
    "Update, role name": _updated(another_role),
    "Update, replacement": _updated(another_endpoint),
    "Update, replacing": Scenario(
        lambda stack, name: stack.create(replacing(name)),
        lambda stack, name: stack.update(replacing_another_folder(name)),
    ),
    "Update, rolled back later": Scenario(
        _created, lambda stack, name: stack.update_and_roll_back(another_endpoint(name)), goes_back="always"
    ),
    "Delete": Scenario(_created, _deleted, goes_back="never"),
    "Delete, cancelled Create": Scenario(_created_and_forgotten, _deleted, goes_back="never"),
}
# The scenarios with different disturbed requests.
REQUESTS = [name for name, scenario in SCENARIOS.items() if scenario.goes_back != "always"]
