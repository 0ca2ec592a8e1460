"""What a deployment would do with a resource, without doing it: the function's answer to a Check.

It prints the Plan that the deployment would carry out. Not one call of it changes anything.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from enum import StrEnum

from ..aws.accounts import Accounts
from ..model.endpoint import Endpoint
from ..model.errors import EndpointError
from ..model.ownership import Owner
from ..model.resource_policies import Caller
from .plan import Do, Plan


class Action(StrEnum):
    """The Plan in one word."""

    CREATE = "create"
    NOTHING = "nothing"
    CHANGE = "change in place"
    RECREATE = "delete and create"
    REPLACE = "replace"
    ADOPT = "adopt"
    DELETE = "delete"
    # It differs from the template, and an update would change nothing of it.
    LEAVE = "leave as it is"
    FAIL = "fail"


@dataclass
class Report:
    """The Plan as a user reads it; `problems` would fail the deployment, `warnings` would not, whatever comes later."""

    action: Action = Action.FAIL
    steps: list[dict[str, str]] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def as_json(self) -> dict[str, object]:
        """Plain values, as the caller of the function receives them."""
        return asdict(self)


@contextmanager
def problems_noted(report: Report) -> Iterator[None]:
    """Turn an EndpointError inside the block into a problem of the report."""
    try:
        yield
    except EndpointError as error:
        report.problems.append(str(error))


def preview(plan: Plan, replaces: bool, report: Report) -> None:
    """Write the Plan into the report. `replaces`: the resource stands under another physical id."""
    report.steps += steps_of(plan)
    report.warnings += plan.warnings
    report.problems += [str(refusal) for refusal in plan.refusals]
    report.action = Action.REPLACE if replaces and plan.steps else action_of(plan)


def preview_removal(plan: Plan, users: Mapping[str, tuple[str, ...]], report: Report) -> None:
    """Write into the report what CloudFormation deletes once all updates of the stack succeeded.

    `users` are tasks by endpoint. They fail no update: it is over by then, and CloudFormation gives up.
    """
    report.steps += steps_of(plan)
    report.warnings += [
        f"{', '.join(names)} {'uses' if len(names) == 1 else 'use'} endpoint {identifier}: if still there when the "
        "update cleans up, endpoint, role and policy stay until they are gone"
        for identifier, names in users.items()
    ]


def action_of(plan: Plan) -> Action:
    """The Plan in one word: by the step that matters most to the endpoint."""
    if not plan.steps:
        if plan.refusals:
            return Action.FAIL
        return Action.LEAVE if plan.left_as_it_is else Action.NOTHING
    for do, action in (
        (Do.DELETE_ENDPOINT, Action.RECREATE),
        (Do.CREATE_ENDPOINT, Action.CREATE),
        (Do.IMPORT, Action.ADOPT),
    ):
        if plan.has(do):
            return action
    return Action.CHANGE


def steps_of(plan: Plan) -> list[dict[str, str]]:
    """The steps as a user reads them."""
    return [{"do": step.do.value, "name": step.name, "reason": step.reason} for step in plan.steps]


def preview_storage(wanted: Endpoint, owner: Owner, plan: Plan, accounts: Accounts, report: Report) -> None:
    """Write into the report what stops DMS from using bucket or key, or may.

    Only a deployment that tests the connection fails for it. Anything else can be set right until the task starts.
    """
    for finding in accounts.storage.findings(wanted, _caller(wanted, owner, plan)):
        fails = finding.is_certain and plan.has(Do.TEST_CONNECTION)
        (report.problems if fails else report.warnings).append(finding.text)


def _caller(wanted: Endpoint, owner: Owner, plan: Plan) -> Caller:
    """The role as the Plan leaves it; the path of one that it makes follows from the owner."""
    role, account = plan.observed.role, f"{wanted.environment.partition}:iam::{wanted.environment.data_lake_account}"
    if role is None:
        arn = f"arn:{account}:role{owner.path}{wanted.role_name}"
        return Caller(arn, has_boundary=bool(plan.boundary), is_new=True)
    boundary = plan.boundary if plan.has(Do.SET_BOUNDARY) else role.permissions_boundary
    return Caller(role.arn, has_boundary=bool(boundary), is_new=False)
