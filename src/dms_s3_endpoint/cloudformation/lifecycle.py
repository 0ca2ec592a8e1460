"""What Create, Update and Delete mean: physical ids, replacement, rollback, and Deletes of what was never answered.

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/crpg-ref-requesttypes.html
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Protocol

from ..aws.accounts import Accounts
from ..model.endpoint import Endpoint
from ..model.environments import Environment
from ..model.errors import Code, EndpointError
from ..model.ownership import Owner, Scope
from ..model.parse import Names, identity_in, names_in, parse
from ..model.physical_id import PhysicalId, is_marker, marker, read_physical_id
from ..procedure.deprovision import deprovision, deprovision_until_quiet, survey_removal
from ..procedure.lease import Lease
from ..procedure.plan import Before, Plan
from ..procedure.preview import Report, preview, preview_storage, problems_noted
from ..procedure.provision import Work, provision
from ..procedure.survey import survey_create, survey_update
from .event import Event

logger = logging.getLogger(__name__)


class Deployment(Protocol):
    """What the function was deployed with, and the way into an environment's two accounts."""

    @property
    def environments(self) -> Mapping[str, Environment]:
        """The environments by name. Raises EndpointError (InternalError) if the function was deployed wrongly."""

    def enter(self, environment: Environment) -> Accounts:
        """Assume both roles. Raises EndpointError: AssumeRoleDenied."""


@dataclass(frozen=True)
class Outcome:
    """The physical id to answer with, and the attributes for Fn::GetAtt."""

    physical_id: str
    attributes: Mapping[str, str] = field(default_factory=dict)


def carry_out(event: Event, deployment: Deployment) -> Outcome:
    """Do what the request asks for. Raises EndpointError."""
    match event.request_type:
        case "Create":
            return create(event, deployment)
        case "Update":
            return update(event, deployment)
        case "Delete":
            return delete(event, deployment)
        case unknown:
            failed = f"RequestType {unknown} is unknown"
            raise EndpointError(Code.INVALID_REQUEST, failed, "Send Create, Update or Delete")


def create(event: Event, deployment: Deployment) -> Outcome:
    """Make the endpoint. A Create that is delivered again continues from what stands. Raises EndpointError."""
    wanted = parse(event.properties, deployment.environments)
    owner = event.owner(wanted.physical_id)
    accounts = deployment.enter(wanted.environment)
    plan = survey_create(wanted, owner, accounts)
    return _provisioned(Work(plan, wanted, owner, accounts, _lease(event, accounts)))


def _lease(event: Event, accounts: Accounts) -> Lease:
    return Lease(event.request_id, accounts.iam, accounts.deadline)


def _provisioned(work: Work) -> Outcome:
    return Outcome(work.wanted.physical_id, provision(work))


def update(event: Event, deployment: Deployment) -> Outcome:
    """Change what stands to what is wanted. So a rollback after a refused update does nothing. Raises EndpointError."""
    wanted = parse(event.properties, deployment.environments)
    if wanted.physical_id != event.physical_id:
        return _replace(event, wanted, deployment)
    accounts = deployment.enter(wanted.environment)
    outcome = _update_in_place(event, wanted, accounts)
    _remove_failed_replacement(event, wanted, deployment)
    return outcome


def _update_in_place(event: Event, wanted: Endpoint, accounts: Accounts) -> Outcome:
    owner, lease = event.owner(wanted.physical_id), _lease(event, accounts)
    old, before = names_in(event.old_properties), Before(event.old_tag_keys())
    plan = survey_update(wanted, owner, accounts, old, before)
    role = plan.observed.role
    if role and not plan.refusals and lease.is_held_by_another(role):
        lease.take_over(role)
        plan = survey_update(wanted, owner, accounts, old, before)
    try:
        if plan.needs_lease:
            _acquire(lease, plan, accounts)
        return _provisioned(Work(plan, wanted, owner, accounts, lease))
    finally:
        lease.release()


def _acquire(lease: Lease, plan: Plan, accounts: Accounts) -> None:
    """On the role of the endpoint that stands: an update back from new names finds it there."""
    role = plan.observed.role
    name = plan.observed.live.role_name if plan.observed.live else ""
    if name and (role is None or role.name != name):
        role = accounts.iam.find_role(name)
    if role:
        lease.acquire(role)


def _replace(event: Event, wanted: Endpoint, deployment: Deployment) -> Outcome:
    """Make the new endpoint; CloudFormation deletes the old one by its id, once all the stack's updates succeeded.

    A replacement that fails is answered with the old id, so nobody would ever ask us to delete the new one: what this
    request made is removed at once.
    """
    owner = event.owner(wanted.physical_id)
    accounts = deployment.enter(wanted.environment)
    plan = survey_create(wanted, owner, accounts)
    stood_before = any(owner.owns(piece.tags) for piece in plan.observed.pieces)
    work = Work(plan, wanted, owner, accounts, _lease(event, accounts))
    try:
        return _provisioned(work)
    except EndpointError:
        if not stood_before:
            _remove(Scope(owner), names_in(event.properties), work)
        raise


def _remove(scope: Scope, names: Names, work: Work) -> None:
    deprovision(survey_removal(scope, names, work.accounts), work.accounts, work.lease)


def _remove_failed_replacement(event: Event, wanted: Endpoint, deployment: Deployment) -> None:
    """In the rollback of a replacement that was killed, or still runs, the old properties give its id."""
    given_up = identity_in(event.old_properties, deployment.environments)
    if given_up is None or str(given_up) == wanted.physical_id:
        return
    accounts = deployment.enter(deployment.environments[given_up.environment])
    scope = Scope(event.owner(str(given_up)))
    deprovision_until_quiet(scope, names_in(event.old_properties), accounts, _lease(event, accounts))


def delete(event: Event, deployment: Deployment) -> Outcome:
    """Remove by the id alone, whatever became of the properties. Raises EndpointError."""
    issued = read_physical_id(event.physical_id)
    if is_marker(event.physical_id):
        logger.info("Nothing was made under this id")
    elif issued is None:
        _delete_cancelled(event, deployment)
    elif issued.environment in deployment.environments:
        _delete_issued(event, issued, deployment)
    else:
        raise _no_longer_deployed(issued, deployment)
    return Outcome(event.physical_id or marker(event.logical_id))


def _delete_issued(event: Event, issued: PhysicalId, deployment: Deployment) -> None:
    accounts = deployment.enter(deployment.environments[issued.environment])
    names = replace(names_in(event.properties), endpoint_identifier=issued.endpoint_identifier)
    plan = survey_removal(Scope(event.owner(str(issued))), names, accounts)
    deprovision(plan, accounts, _lease(event, accounts))


def _no_longer_deployed(issued: PhysicalId, deployment: Deployment) -> EndpointError:
    deployed = ", ".join(deployment.environments)
    return EndpointError(
        Code.UNKNOWN_ENVIRONMENT,
        f"Delete of {issued}: the function is not deployed with {issued.environment} ({deployed})",
        "Deploy it with that environment again, then delete",
    )


def _delete_cancelled(event: Event, deployment: Deployment) -> None:
    """CloudFormation invents an id for a Create that it cancelled, and sends the Delete while that may still run."""
    intended = identity_in(event.properties, deployment.environments)
    if intended:
        accounts = deployment.enter(deployment.environments[intended.environment])
        _sweep(event, event.owner(str(intended)), accounts)
        return
    # No Create makes anything with such properties; another version of the function may have.
    for environment in deployment.environments.values():
        try:
            accounts = deployment.enter(environment)
        except EndpointError as error:
            logger.warning("Not searched", extra={"environment": environment.name, "cause": error.reason})
            continue
        _sweep(event, event.owner(""), accounts)


def _sweep(event: Event, owner: Owner, accounts: Accounts) -> None:
    scope = Scope(owner, every_physical_id=True)
    deprovision_until_quiet(scope, names_in(event.properties), accounts, _lease(event, accounts))


def check(event: Event, deployment: Deployment) -> Report:
    """What the next deployment would do with the resource, as the stack's template has it now. Changes nothing."""
    report = Report()
    with problems_noted(report):
        wanted = parse(event.properties, deployment.environments)
        accounts = deployment.enter(wanted.environment)
        with problems_noted(report):
            plan = _survey_for_check(event, wanted, accounts)
            preview(plan, replaces=event.physical_id not in ("", wanted.physical_id), report=report)
        with problems_noted(report):
            preview_storage(wanted, accounts, report)
    return report


def _survey_for_check(event: Event, wanted: Endpoint, accounts: Accounts) -> Plan:
    owner = event.owner(wanted.physical_id)
    if event.physical_id != wanted.physical_id:
        return survey_create(wanted, owner, accounts)
    old, before = names_in(event.old_properties), Before(event.old_tag_keys())
    return survey_update(wanted, owner, accounts, old, before)
