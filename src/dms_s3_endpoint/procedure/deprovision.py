"""Removal: endpoint, role and policy, in this order, as a Plan lists them."""

from __future__ import annotations

from functools import partial

from ..aws.accounts import Accounts
from ..aws.parallel import in_parallel
from ..model.errors import out_of_time
from ..model.ownership import Scope
from ..model.parse import Names
from ..model.pieces import LiveEndpoint, Policy, Role
from .lease import Lease
from .observe import observe_roles_and_policies
from .plan import Do, Plan, Step, endpoint_in_use, removal
from .tagging import retag

# After the last attempt to delete an endpoint, the seconds in which to find out who uses it.
SECONDS_TO_NAME_USERS = 15.0
# A cancelled Create runs on beside its Delete, and may not even have begun. After this long without a sign of it, it
# will make no more; if it does, it misses its role at its end and deletes its endpoint itself.
SECONDS_OF_QUIET = 60.0


def survey_removal(scope: Scope, names: Names, accounts: Accounts) -> Plan:
    """The Plan that removes what the scope contains. The `names` find hand-made pieces, which are under other paths.

    Raises EndpointError if AWS can't be read.
    """
    endpoints, (roles, policies) = in_parallel(
        partial(_endpoints, scope, names, accounts), partial(observe_roles_and_policies, scope, names, accounts.iam)
    )
    return removal(endpoints, roles, policies)


def _endpoints(scope: Scope, names: Names, accounts: Accounts) -> tuple[LiveEndpoint, ...]:
    found = accounts.dms.endpoints_of(scope.owner) if scope.every_physical_id else []
    if names.endpoint_identifier and names.endpoint_identifier not in [live.identifier for live in found]:
        live = accounts.dms.find_endpoint(names.endpoint_identifier)
        found += [live] if live else []
    return tuple(live for live in found if scope.contains(live.tags))


def deprovision(plan: Plan, accounts: Accounts, lease: Lease) -> None:
    """Carry out the steps of a removal. What is gone already is fine; what isn't ours is in no Plan.

    Raises EndpointError: EndpointInUse while tasks hold the endpoint and the time runs out.
    """
    policies = [step.piece for step in plan.of(Do.DELETE_POLICY) if isinstance(step.piece, Policy)]
    for step in plan.of(Do.DELETE_ENDPOINT, Do.DETACH, Do.DELETE_ROLE, Do.DELETE_POLICY, Do.GIVE_BACK):
        _carry_out(step, policies, accounts, lease)


def _carry_out(step: Step, policies: list[Policy], accounts: Accounts, lease: Lease) -> None:
    match step.do, step.piece:
        case Do.DELETE_ENDPOINT, LiveEndpoint() as live:
            delete_endpoint(live, accounts, lease)
        case Do.DETACH, Policy() as policy:
            accounts.iam.detach(step.name, policy)
        case Do.DELETE_ROLE, Role() as role:
            accounts.iam.delete_role(role, policies)
        case Do.DELETE_POLICY, Policy() as policy:
            accounts.iam.delete_policy(policy)
        case Do.GIVE_BACK, Role() as role:
            for policy in policies:
                accounts.iam.detach(role.name, policy)
            retag(step, accounts)
        case Do.GIVE_BACK, _:
            retag(step, accounts)


def delete_endpoint(live: LiveEndpoint, accounts: Accounts, lease: Lease) -> None:
    """Delete the endpoint, retrying until gone. Raises EndpointError: EndpointInUse, NotStabilized."""
    rejection = ""
    for _waited in accounts.deadline.attempts(at_most=accounts.deadline.left() - SECONDS_TO_NAME_USERS):
        lease.ensure_held()
        rejection = accounts.dms.request_delete(live) or accounts.dms.wait_until_gone(live)
        if not rejection:
            return
    if users := accounts.dms.users_of(live):
        raise endpoint_in_use(live.identifier, users)
    raise out_of_time(f"delete-endpoint {live.identifier}: {rejection}")


def deprovision_until_quiet(scope: Scope, names: Names, accounts: Accounts, lease: Lease) -> None:
    """Remove behind a cancelled request that may still run, until nothing new has appeared for SECONDS_OF_QUIET.

    Raises EndpointError: NotStabilized when the time runs out.
    """
    last_seen = accounts.deadline.clock()
    for _waited in accounts.deadline.attempts():
        plan = survey_removal(scope, names, accounts)
        deprovision(plan, accounts, lease)
        if plan.steps:
            last_seen = accounts.deadline.clock()
        if accounts.deadline.clock() - last_seen >= SECONDS_OF_QUIET:
            return
    raise out_of_time("Delete: the cancelled request goes on making pieces")
