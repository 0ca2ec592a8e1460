"""From a request to its Plan: observe, then decide. `check` and the deployment both begin here."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from ..aws.accounts import Accounts
from ..aws.parallel import in_parallel
from ..model.endpoint import Endpoint
from ..model.names import Named
from ..model.ownership import Owner
from ..model.pieces import LiveEndpoint, Observed
from .before import NOTHING_BEFORE, Before
from .observe import observe, observe_superseded
from .plan import Do, Plan, decide


def survey_create(wanted: Endpoint, owner: Owner, accounts: Accounts, before: Before = NOTHING_BEFORE) -> Plan:
    """The Plan of a Create, or of a replacement. Raises EndpointError if AWS can't be read."""
    return _decide(wanted, owner, accounts, observe(wanted, owner, accounts), before)


def survey_update(wanted: Endpoint, owner: Owner, accounts: Accounts, named: Named, before: Before) -> Plan:
    """The Plan of an Update of a life that stands; `named` are the names that it has. Raises EndpointError as above."""
    observed, (roles, policies) = in_parallel(
        partial(observe, wanted, owner, accounts, before.is_import, before.snapshot.get("arn", "")),
        partial(observe_superseded, wanted, owner, named, accounts.iam),
    )
    observed = replace(observed, superseded_roles=roles, superseded_policies=policies)
    return _decide(wanted, owner, accounts, observed, before)


def _decide(wanted: Endpoint, owner: Owner, accounts: Accounts, observed: Observed, before: Before) -> Plan:
    observed = _once_settled(observed, owner, accounts)
    plan = decide(wanted, owner, observed, accounts.region, before)
    if observed.live and plan.has(Do.DELETE_ENDPOINT):
        # Two calls more, and the second lists all replication configs: only if the decision depends on them.
        users, taken_by = accounts.dms.users_of(observed.live), _taken_by(wanted, observed.live, accounts)
        plan = decide(wanted, owner, replace(observed, users=users, arn_taken_by=taken_by), accounts.region, before)
    return plan


def _taken_by(wanted: Endpoint, live: LiveEndpoint, accounts: Accounts) -> str:
    arn = accounts.dms.arn_of(wanted.resource_identifier)
    other = accounts.dms.endpoint_at(arn) if arn != live.arn else None
    return other.identifier if other else ""


def _once_settled(observed: Observed, owner: Owner, accounts: Accounts) -> Observed:
    """An earlier run of the request may have begun the endpoint: wait until DMS is no longer changing it."""
    if observed.live and owner.owns(observed.live.tags):
        return replace(observed, live=accounts.dms.once_settled(observed.live))
    return observed
