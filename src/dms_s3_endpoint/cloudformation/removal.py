"""Lives are taken away: those that a request means, and those that nobody asks for any more."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import replace

from ..aws.accounts import Accounts
from ..model.errors import Code, EndpointError
from ..model.lives import UNRECORDED, Life, State
from ..model.ownership import Scope
from ..model.parse import names_in
from ..model.physical_id import read_physical_id
from ..procedure.deprovision import deprovision, raise_if_in_use, survey_removal
from ..procedure.lease import LeaseLostError
from ..procedure.plan import Plan
from .deployment import Deployment
from .event import Event

logger = logging.getLogger(__name__)
# What trying again does not mend: a rollback must succeed all the same.
LASTING = {Code.ASSUME_ROLE_DENIED, Code.UNKNOWN_ENVIRONMENT, Code.ENDPOINT_IN_USE, Code.ACCESS_DENIED}


def remove_each(each_life: Iterable[Life], event: Event, deployment: Deployment) -> None:
    """Take these lives away. Raises EndpointError."""
    for life in each_life:
        remove(life, event, deployment)


def remove(life: Life, event: Event, deployment: Deployment, waits_for_tasks: bool = True) -> None:
    """Take the whole life away, and forget it. Raises EndpointError: EndpointInUse, at once or as time runs out."""
    lease = deployment.lease
    accounts, plan = survey_life(life, event, deployment)
    if not waits_for_tasks:
        raise_if_in_use(plan, accounts)
    if plan.steps:
        lease.write(lease.record)
    deprovision(plan, accounts)
    lease.record = lease.record.without(life)


def survey_life(life: Life, event: Event, deployment: Deployment) -> tuple[Accounts, Plan]:
    """The accounts that have the life, and the Plan that takes it away. Raises EndpointError."""
    issued = read_physical_id(life.physical_id)
    if issued is None or issued.environment not in deployment.environments:
        raise _no_longer_deployed(life.physical_id, deployment)
    accounts = deployment.enter(deployment.environments[issued.environment])
    is_unrecorded = life.id == UNRECORDED
    named = life.names | names_in(event.properties) if is_unrecorded else life.names
    scope = Scope(event.owner(life), every_life=is_unrecorded)
    known_arn = life.snapshot.get("arn", "")
    return accounts, survey_removal(scope, issued.endpoint_identifier, named, accounts, known_arn)


def _no_longer_deployed(physical_id: str, deployment: Deployment) -> EndpointError:
    environment, deployed = physical_id.partition("/")[0], ", ".join(deployment.environments)
    return EndpointError(
        Code.UNKNOWN_ENVIRONMENT,
        f"Delete of {physical_id}: the function is not deployed with {environment} ({deployed})",
        "Deploy it with that environment again, then delete",
    )


def try_to_remove(life: Life, event: Event, deployment: Deployment) -> None:
    """Take the life away if that is possible at once. Raises LeaseLostError alone."""
    try:
        remove(life, event, deployment, waits_for_tasks=False)
    except LeaseLostError:
        raise
    except EndpointError as error:
        logger.warning("Not removed", extra={"physical_resource": life.physical_id, "cause": error.reason})


def remove_or_condemn(life: Life, event: Event, deployment: Deployment) -> None:
    """Take the life away, or leave it to later requests where another try is in vain. Raises EndpointError."""
    lease = deployment.lease
    try:
        remove(life, event, deployment, waits_for_tasks=False)
    except EndpointError as error:
        if error.code not in LASTING:
            raise
        logger.warning("Condemned", extra={"physical_resource": life.physical_id, "cause": error.reason})
        lease.record = lease.record.with_life(replace(life, state=State.CONDEMNED))


def try_to_remove_condemned(
    event: Event, deployment: Deployment, but: Iterable[str] = (), or_fail: bool = False
) -> None:
    """Take away what earlier Deletes could not, without the lives of the physical ids in `but`.

    `or_fail`: the last request for the resource leaves nothing.
    """
    for life in deployment.lease.record.others(None, State.CONDEMNED):
        if life.physical_id not in but:
            (remove if or_fail else try_to_remove)(life, event, deployment)
