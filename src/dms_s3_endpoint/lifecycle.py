"""What Create, Update and Delete mean: physical ids, replacement, rollback, and Deletes of what was never answered.

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/crpg-ref-requesttypes.html
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from .claim import Claim
from .endpoint import (
    Accounts,
    Update,
    look,
    look_before_update,
    remove_given_up,
    set_up,
    sweep,
    tear_down,
    until_quiet,
)
from .environments import Environment
from .errors import Code, EndpointError
from .ownership import is_reserved
from .request import INVALID, Endpoint, Event, names_in, parse, physical_id_of

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Outcome:
    """The physical id to answer with, and the attributes for Fn::GetAtt."""

    physical_id: str
    attributes: Mapping[str, str]


@dataclass(frozen=True)
class Deployment:
    """What the function was deployed with, and how it gets into an environment's two accounts."""

    environments: Mapping[str, Environment]
    enter: Callable[[Environment], Accounts]


def create(event: Event, deployment: Deployment) -> Outcome:
    """Raises EndpointError."""
    endpoint = parse(event.properties, deployment.environments)
    owner = event.owner(endpoint.physical_id)
    accounts = deployment.enter(endpoint.environment)
    found = look(endpoint, owner, accounts)
    return Outcome(endpoint.physical_id, set_up(endpoint, owner, accounts, found))


def update(event: Event, deployment: Deployment) -> Outcome:
    """The live endpoint decides what there is to do, so that a rollback after a refused update is a no-op.

    Raises EndpointError.
    """
    endpoint = parse(event.properties, deployment.environments)
    if endpoint.physical_id != event.physical_id:
        return _replace(event, endpoint, deployment)
    owner = event.owner(endpoint.physical_id)
    accounts = deployment.enter(endpoint.environment)
    claim = Claim(event.request_id, accounts.data_lake, accounts.patience)
    old = names_in(event.old_properties)
    found, given_up = look_before_update(endpoint, owner, accounts, old)
    if found.role and claim.is_anothers(found.role):
        claim.take_over(found.role)
        found, given_up = look_before_update(endpoint, owner, accounts, old)
    try:
        attributes = set_up(endpoint, owner, accounts, found, Update(old_tag_keys(event), claim))
        remove_given_up(given_up, endpoint, accounts, claim)
    finally:
        claim.end()
    _remove_failed_replacement(event, endpoint, deployment)
    return Outcome(endpoint.physical_id, attributes)


def _replace(event: Event, endpoint: Endpoint, deployment: Deployment) -> Outcome:
    """Make the new one; CloudFormation deletes the old by its id, once all the stack's updates have succeeded.

    A failed replacement is answered with the old id, so that nobody would ever ask us to delete the new one:
    what this request made is removed at once.
    """
    owner = event.owner(endpoint.physical_id)
    accounts = deployment.enter(endpoint.environment)
    found = look(endpoint, owner, accounts)
    try:
        attributes = set_up(endpoint, owner, accounts, found)
    except EndpointError:
        if not found.is_ours(owner):
            tear_down(owner, endpoint.endpoint_identifier, accounts, names_in(event.properties))
        raise
    return Outcome(endpoint.physical_id, attributes)


def _remove_failed_replacement(event: Event, endpoint: Endpoint, deployment: Deployment) -> None:
    """In the rollback of a replacement that was killed, or still runs, the old properties give its id."""
    given_up = physical_id_of(event.old_properties, deployment.environments)
    if given_up and given_up != endpoint.physical_id:
        environment_name, _slash, identifier = given_up.partition("/")
        accounts = deployment.enter(deployment.environments[environment_name])
        names = names_in(event.old_properties)
        until_quiet(lambda: tear_down(event.owner(given_up), identifier, accounts, names), accounts)


def delete(event: Event, deployment: Deployment) -> Outcome:
    """By the id alone, whatever became of the properties. Raises EndpointError."""
    physical_id = event.physical_id or ""
    environment_name, slash, _identifier = physical_id.partition("/")
    if physical_id.startswith(INVALID):
        logger.info("This id stands for properties that were refused: nothing was made")
    elif environment_name in deployment.environments and slash:
        _tear_down(event, physical_id, deployment)
    elif slash:
        raise _no_longer_deployed(physical_id, environment_name, deployment)
    else:
        _delete_cancelled(event, deployment)
    return Outcome(physical_id or f"{INVALID}{event.logical_id}", {})


def _tear_down(event: Event, physical_id: str, deployment: Deployment) -> None:
    environment_name, _slash, identifier = physical_id.partition("/")
    accounts = deployment.enter(deployment.environments[environment_name])
    tear_down(event.owner(physical_id), identifier, accounts, names_in(event.properties))


def _no_longer_deployed(physical_id: str, environment_name: str, deployment: Deployment) -> EndpointError:
    return EndpointError(
        Code.UNKNOWN_ENVIRONMENT,
        f"Delete of {physical_id}: the function is not deployed with {environment_name} "
        f"({', '.join(deployment.environments)})",
        "Deploy it with that environment again, then delete",
    )


def _delete_cancelled(event: Event, deployment: Deployment) -> None:
    """CloudFormation invents an id for a Create that it cancelled, and sends the Delete while that may still run."""
    intended = physical_id_of(event.properties, deployment.environments)
    if intended:
        environment = deployment.environments[intended.partition("/")[0]]
        _sweep_until_quiet(event, intended, deployment.enter(environment))
        return
    # No Create of ours makes anything with such properties; another version's may have.
    for environment in deployment.environments.values():
        try:
            accounts = deployment.enter(environment)
        except EndpointError as error:
            logger.warning("Not searched", extra={"environment": environment.name, "cause": error.reason})
            continue
        _sweep_until_quiet(event, "", accounts)


def _sweep_until_quiet(event: Event, physical_id: str, accounts: Accounts) -> None:
    owner, names = event.owner(physical_id), names_in(event.properties)
    until_quiet(lambda: sweep(owner, accounts, names), accounts)


def old_tag_keys(event: Event) -> frozenset[str]:
    """The keys of the TAGS that the resource had before, as far as the old properties tell."""
    given = event.old_properties if isinstance(event.old_properties, Mapping) else {}
    old: Any = next((value for key, value in given.items() if key.upper() == "TAGS"), None)
    tags = [tag for tag in old if isinstance(tag, Mapping)] if isinstance(old, list) else []
    keys = {str(value) for tag in tags for key, value in tag.items() if key.upper() == "KEY"}
    # In a rollback the old ones are those that were refused: they may name tags that are ours.
    return frozenset(key for key in keys if not is_reserved(key))
