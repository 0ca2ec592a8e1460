"""From a request to its Plan: observe, then decide. `check` and the deployment both begin here."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from ..aws.accounts import Accounts
from ..aws.parallel import in_parallel
from ..model.endpoint import Endpoint
from ..model.ownership import Owner
from ..model.parse import Names
from ..model.pieces import Observed
from .observe import observe, observe_superseded
from .plan import Before, Do, Plan, decide


def survey_create(wanted: Endpoint, owner: Owner, accounts: Accounts) -> Plan:
    """The Plan of a Create, or of a replacement. Raises EndpointError if AWS can't be read."""
    return _decide(wanted, owner, accounts, observe(wanted, owner, accounts), None)


def survey_update(wanted: Endpoint, owner: Owner, accounts: Accounts, old: Names, before: Before) -> Plan:
    """The Plan of an Update that keeps the physical id; `old` are the names before. Raises EndpointError as above."""
    observed, (roles, policies) = in_parallel(
        partial(observe, wanted, owner, accounts), partial(observe_superseded, wanted, owner, old, accounts.iam)
    )
    observed = replace(observed, superseded_roles=roles, superseded_policies=policies)
    return _decide(wanted, owner, accounts, observed, before)


def _decide(wanted: Endpoint, owner: Owner, accounts: Accounts, observed: Observed, before: Before | None) -> Plan:
    observed = _once_created(observed, owner, accounts)
    plan = decide(wanted, owner, observed, accounts.region, before)
    if observed.live and plan.has(Do.DELETE_ENDPOINT):
        # Two calls more, and the second lists all replication configs: only if the decision depends on them.
        observed = replace(observed, users=accounts.dms.users_of(observed.live))
        plan = decide(wanted, owner, observed, accounts.region, before)
    return plan


def _once_created(observed: Observed, owner: Owner, accounts: Accounts) -> Observed:
    """Another delivery of the request may have begun the endpoint: wait until DMS is no longer creating it."""
    if observed.live and owner.owns(observed.live.tags):
        return replace(observed, live=accounts.dms.once_created(observed.live))
    return observed
