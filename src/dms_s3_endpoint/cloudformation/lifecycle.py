"""What Create, Update and Delete mean: lives, replacement, rollback, and Deletes of what was never answered.

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/crpg-ref-requesttypes.html
"""

from __future__ import annotations

import logging
from contextlib import suppress
from dataclasses import replace
from typing import Any

from ..aws.accounts import Accounts
from ..aws.lease_table import NoTableError
from ..model import lives
from ..model.comparison import hash_of
from ..model.endpoint import Endpoint, spelled_as
from ..model.errors import Code, EndpointError
from ..model.lives import UNRECORDED, Answer, Life, State
from ..model.names import Named
from ..model.parse import names_in, parse
from ..model.physical_id import id_without_lease, is_id_without_lease, is_marker, marker, read_physical_id
from ..procedure.before import Before
from ..procedure.deprovision import users_of_deleted
from ..procedure.known import after_success, before_plan, while_at_work
from ..procedure.lease import AnsweredError, Lease, LeaseLostError
from ..procedure.observe import find_life
from ..procedure.plan import Plan
from ..procedure.preview import Action, Report, preview, preview_removal, preview_storage, problems_noted
from ..procedure.provision import Work, provision
from ..procedure.survey import survey_create, survey_update
from .deployment import Deployment
from .event import Event
from .origin import ensure_asked_for
from .removal import remove, remove_each, remove_or_condemn, survey_life, try_to_remove, try_to_remove_condemned

logger = logging.getLogger(__name__)


def answer(event: Event, deployment: Deployment) -> Answer | None:
    """Carry the request out, and record what it is answered; None if another delivery of the event answers."""
    lease = deployment.lease
    try:
        said = _carried_out(event, deployment)
        lease.end(said)
        deployment.figures.left_behind += lease.record.left_behind()
        return said
    except AnsweredError as error:
        logger.info("The request was answered before")
        return error.answer
    except LeaseLostError as error:
        lease.give_way()
        if error.to_itself or lease.was_answered():
            return None
        return failure(event, lease, error, is_recorded=False)
    except Exception as error:
        return failure(event, lease, error, is_recorded=False)


def _carried_out(event: Event, deployment: Deployment) -> Answer:
    try:
        return carry_out(event, deployment)
    except (AnsweredError, LeaseLostError):
        raise
    except Exception as error:
        return failure(event, deployment.lease, error)


def failure(event: Event, lease: Lease, error: Exception, is_recorded: bool = True) -> Answer:
    """The answer to a request that failed; the log gets the whole cause.

    A Create answers with its id if something of it may be left, else with the marker, whose Delete does nothing.
    Where it can't be recorded, another delivery of the Create may make something: then with an id whose Delete looks
    for that.
    """
    failed = as_endpoint_error(error)
    logger.error(failed.reason, exc_info=error, extra={"code": failed.code, **_request_id_of(error)})
    begun = lease.record.life_of(event.request_id)
    is_known = is_recorded and lease.was_acquired
    made_nothing = marker(event.logical_id) if is_known else id_without_lease(event.logical_id, event.request_id)
    physical_id = event.physical_id or (begun.physical_id if begun else made_nothing)
    return Answer(event.request_id, physical_id, failed.reason, failed.code)


def as_endpoint_error(error: Exception) -> EndpointError:
    """The error itself, or an InternalError that names it."""
    if isinstance(error, EndpointError):
        return error
    failed = f"{type(error).__name__}: {error}"
    return EndpointError(Code.INTERNAL_ERROR, failed, "See the function's log, and report it with its lines")


def _request_id_of(error: BaseException) -> dict[str, str]:
    """AWS's id of the request that failed, from the error or what caused it."""
    cause: Any = error if hasattr(error, "response") else error.__cause__
    metadata = (getattr(cause, "response", None) or {}).get("ResponseMetadata", {})
    return {"aws_request_id": metadata["RequestId"]} if "RequestId" in metadata else {}


def carry_out(event: Event, deployment: Deployment) -> Answer:
    """Do what the request asks for, if CloudFormation asks. Raises EndpointError."""
    ensure_asked_for(event, deployment.origin, deployment.lease, deployment.figures)
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


def create(event: Event, deployment: Deployment) -> Answer:
    """Begin a life. A Create that is delivered again continues from what stands. Raises EndpointError."""
    lease = deployment.lease
    # Before all refusals: a Delete that follows must not take what stood before for what this Create made.
    lease.acquire(is_create=True)
    wanted = parse(event.properties, deployment.environments)
    own = lease.record.life_of(event.request_id)
    remove_each(lease.record.others(own, State.BEGUN), event, deployment)
    # Before it begins: their names may be wanted.
    try_to_remove_condemned(event, deployment)
    return _begin(event, wanted, own or _new_life(event, wanted), deployment)


def _new_life(event: Event, wanted: Endpoint) -> Life:
    is_create = event.request_type == "Create"
    return Life(event.request_id, wanted.physical_id, of_create=is_create, issued=event.issued)


def _begin(event: Event, wanted: Endpoint, life: Life, deployment: Deployment) -> Answer:
    """Make the life's pieces. A request that fails takes them away: nobody would ask us to.

    The answer to a Create that failed is not always heard, and a replacement that failed is answered with the old id.
    """
    accounts = deployment.enter(wanted.environment)
    before = Before(replaces=event.physical_id)
    plan = survey_create(wanted, event.owner(life), accounts, before)
    plan.raise_refusal()
    try:
        return _provisioned(event, wanted, life, plan, accounts, deployment.lease)
    except LeaseLostError:
        raise
    except Exception:
        try_to_remove(deployment.lease.record.recorded(life), event, deployment)
        raise


def _provisioned(event: Event, wanted: Endpoint, life: Life, plan: Plan, accounts: Accounts, lease: Lease) -> Answer:
    """Write what will be changed, change it, and note what stands."""
    for warning in plan.warnings:
        logger.warning(warning, extra={"endpoint_identifier": wanted.endpoint_identifier})
    if plan.left_as_it_is:
        accounts.figures.left_as_it_is.append(plan.left_as_it_is)
    life = while_at_work(life, wanted, plan, accounts.region)
    if plan.steps:
        lease.write(lease.record.with_life(life))
    done = provision(Work(plan, wanted, event.owner(life), accounts))
    lease.record = lives.succeeded(lease.record, after_success(life, wanted, plan, done.live))
    return Answer(event.request_id, life.physical_id, attributes=done.attributes)


def update(event: Event, deployment: Deployment) -> Answer:
    """Change what stands to what is wanted. So a rollback after a refused update does nothing. Raises EndpointError."""
    wanted, lease = parse(event.properties, deployment.environments), deployment.lease
    lease.acquire()
    lease.record = lives.heard(lease.record)
    # Before all else: their names may be wanted.
    try_to_remove_condemned(event, deployment, but=(event.physical_id, wanted.physical_id))
    if wanted.physical_id != event.physical_id:
        return _replace(event, wanted, deployment)
    accounts = deployment.enter(wanted.environment)
    life = lives.named_by_event(lease.record.life_named(event.physical_id))
    lease.record = lease.record.with_life(life)
    said = _update_in_place(event, wanted, life, accounts, deployment)
    _remove_given_up(event, life, wanted, deployment)
    return said


def _update_in_place(event: Event, wanted: Endpoint, life: Life, accounts: Accounts, deployment: Deployment) -> Answer:
    wanted, life, plan = _survey_standing(event, wanted, life, accounts, deployment)
    plan.raise_refusal()
    return _provisioned(event, wanted, life, plan, accounts, deployment.lease)


def _survey_standing(
    event: Event, wanted: Endpoint, life: Life, accounts: Accounts, deployment: Deployment
) -> tuple[Endpoint, Life, Plan]:
    """The Plan for a life that stands; the endpoint as its names are spelled there, and the life with its id."""
    named = life.names | names_in(event.old_properties)
    wanted = spelled_as(wanted, named)
    life = _resolved(life, wanted, named, event, accounts, deployment.lease)
    before = _before(event, life, wanted, deployment)
    return wanted, life, survey_update(wanted, event.owner(life), accounts, named, before)


def _resolved(life: Life, wanted: Endpoint, named: Named, event: Event, accounts: Accounts, lease: Lease) -> Life:
    """The life with its id: from the tags of its pieces, where no record tells it."""
    if life.id != UNRECORDED:
        return life
    named |= Named(frozenset({wanted.role_name}), frozenset({wanted.policy_name}))
    found = find_life(event.owner(life), wanted.endpoint_identifier, named, accounts)
    lease.record = lease.record.without(life)
    return replace(life, id=event.request_id if found is None else found)


def _before(event: Event, life: Life, wanted: Endpoint, deployment: Deployment) -> Before:
    before = before_plan(life, wanted, _parsed(event.old_properties, deployment))
    replaces = event.physical_id if event.physical_id != life.physical_id else ""
    return replace(before, tag_keys=before.tag_keys | event.old_tag_keys(), replaces=replaces)


def _parsed(properties: object, deployment: Deployment) -> Endpoint | None:
    try:
        return parse(properties, deployment.environments)
    except EndpointError:
        return None


def _remove_given_up(event: Event, named: Life, wanted: Endpoint, deployment: Deployment) -> None:
    """What a replacement left that CloudFormation never took: it names another life, and would never ask us to."""
    lease = deployment.lease
    named = lease.record.life_at(event.physical_id) or named
    for life in lease.record.lives:
        if life.stood_before and not life.is_same(named) and life.physical_id != wanted.physical_id:
            lease.record = lives.back_as_before(lease.record, life)
    for life in lives.given_up_by_update(lease.record, named, wanted.physical_id):
        remove_or_condemn(life, event, deployment)


def _replace(event: Event, wanted: Endpoint, deployment: Deployment) -> Answer:
    """Make the new endpoint; CloudFormation deletes the old one by its id, once all the stack's updates succeeded."""
    lease = deployment.lease
    old = lease.record.life_named(event.physical_id)
    target = lease.record.life_at(wanted.physical_id)
    goes_back = target is not None and target.state is State.STANDS
    old = lives.named_by_event(old, keeps_undo=goes_back)
    lease.record = lease.record.with_life(old)
    if target and target.state is State.BEGUN and target.id != event.request_id:
        remove(target, event, deployment)
        target = None
    if target is None and not lease.record.is_complete:
        target = _found_by_tags(event, wanted, deployment)
    if target and target.state is not State.BEGUN:
        accounts = deployment.enter(wanted.environment)
        said = _update_in_place(event, wanted, lives.taken_up(target), accounts, deployment)
    else:
        said = _begin(event, wanted, target or _new_life(event, wanted), deployment)
    _remove_given_up(event, old, wanted, deployment)
    return said


def _found_by_tags(event: Event, wanted: Endpoint, deployment: Deployment) -> Life | None:
    """The life that a rollback goes back to, where the record is lost."""
    life = Life(UNRECORDED, wanted.physical_id, State.STANDS)
    named = names_in(event.properties)
    accounts = deployment.enter(wanted.environment)
    found = find_life(event.owner(life), wanted.endpoint_identifier, named, accounts)
    return None if found is None else replace(life, id=found, is_known=True)


def delete(event: Event, deployment: Deployment) -> Answer:
    """Take away the life that the id means, whatever became of the properties. Raises EndpointError."""
    said = Answer(event.request_id, event.physical_id or marker(event.logical_id))
    lease = deployment.lease
    if is_marker(event.physical_id):
        logger.info("Nothing was made under this id")
        # Its Create may be delivered again, and must then find that it is over.
        with suppress(NoTableError):
            lease.acquire(waits_if_new=False)
        lease.record = lives.heard(lease.record)
        return said
    lease.acquire_for_delete()
    is_last = event.physical_id == lease.record.current
    if read_physical_id(event.physical_id):
        lease.record = lives.heard(lease.record)
        _delete_named(event, deployment)
    else:
        _delete_cancelled(event, deployment)
    remove_each(lease.record.others(None, State.BEGUN), event, deployment)
    try_to_remove_condemned(event, deployment, or_fail=is_last)
    return said


def _delete_named(event: Event, deployment: Deployment) -> None:
    lease = deployment.lease
    if lease.record.is_complete and not lease.record.life_at(event.physical_id):
        logger.info("Nothing of this id stands")
        return
    life = lease.record.life_named(event.physical_id)
    lease.record = lives.update_is_over(lease.record, life)
    if life.stood_before and event.physical_id != lease.record.current:
        logger.info("It stood before the update that is undone, and stays")
        lease.record = lives.back_as_before(lease.record, life)
        return
    if life.state is not State.BEGUN:
        # As long as it is not gone: each later request tries to remove it.
        life = replace(life, state=State.CONDEMNED)
    lease.record = lease.record.with_life(life)
    remove(life, event, deployment)


def _delete_cancelled(event: Event, deployment: Deployment) -> None:
    """CloudFormation invents an id for a Create that it cancelled, and sends the Delete while that may still run."""
    lease = deployment.lease
    if not lease.record.is_complete:
        logger.warning("No Create of this resource is on record: nothing is deleted")
    meant = _cancelled_lives(event, deployment)
    lease.record = lives.delete_came(lease.record)
    remove_each(meant, event, deployment)


def _cancelled_lives(event: Event, deployment: Deployment) -> list[Life]:
    record = deployment.lease.record
    if is_id_without_lease(event.physical_id, event.logical_id):
        return [life for life in record.lives if event.physical_id == id_without_lease(event.logical_id, life.id)]
    asked_for = _parsed(event.properties, deployment)
    return lives.cancelled(record, hash_of(asked_for) if asked_for else "", event.issued)


def check(event: Event, deployment: Deployment) -> Report:
    """What the next deployment would do with the resource; without properties, what its deletion would do.

    Changes nothing.
    """
    report = Report()
    with problems_noted(report):
        if event.properties is None:
            deployment.lease.look()
            report.action = Action.DELETE
            _check_removal(event, deployment, report)
        else:
            _check_change(event, parse(event.properties, deployment.environments), deployment, report)
    return report


def _check_change(event: Event, wanted: Endpoint, deployment: Deployment, report: Report) -> None:
    deployment.lease.look()
    accounts, plan = deployment.enter(wanted.environment), Plan()
    with problems_noted(report):
        plan = _survey_for_check(event, wanted, accounts, deployment)
        preview(plan, replaces=event.physical_id not in ("", wanted.physical_id), report=report)
    if report.action is Action.REPLACE:
        _check_removal(event, deployment, report)
    with problems_noted(report):
        preview_storage(wanted, event.owner(_new_life(event, wanted)), plan, accounts, report)


def _check_removal(event: Event, deployment: Deployment, report: Report) -> None:
    """What the event names is deleted once the stack's update is over: nothing that stops it fails the update."""
    if read_physical_id(event.physical_id) is None:
        return
    try:
        accounts, plan = survey_life(deployment.lease.record.life_named(event.physical_id), event, deployment)
        preview_removal(plan, users_of_deleted(plan, accounts), report)
    except EndpointError as error:
        report.warnings.append(f"{event.physical_id} can't be deleted: {error}")


def _survey_for_check(event: Event, wanted: Endpoint, accounts: Accounts, deployment: Deployment) -> Plan:
    record = deployment.lease.record
    stands_by_event = event.physical_id == wanted.physical_id
    life = record.life_named(wanted.physical_id) if stands_by_event else record.life_at(wanted.physical_id)
    if life is None or life.state is State.BEGUN:
        owner = event.owner(_new_life(event, wanted))
        return survey_create(wanted, owner, accounts, Before(replaces=event.physical_id))
    _wanted, _life, plan = _survey_standing(event, wanted, life, accounts, deployment)
    return plan
