"""Removal: endpoint, role and policy, in this order, as a Plan lists them."""

from __future__ import annotations

from functools import partial

from ..aws.accounts import Accounts
from ..aws.parallel import in_parallel
from ..model.errors import out_of_time
from ..model.names import Named
from ..model.ownership import Scope
from ..model.pieces import LiveEndpoint, Policy, Role
from .observe import find_endpoint, observe_roles_and_policies
from .plan import Do, Plan, Step, removal
from .refusals import endpoint_in_use
from .tagging import retag

# After the last attempt to delete an endpoint, the seconds in which to find out who uses it.
SECONDS_TO_NAME_USERS = 15.0


def survey_removal(scope: Scope, identifier: str, named: Named, accounts: Accounts, known_arn: str = "") -> Plan:
    """The Plan that removes what the scope contains: the endpoint of this identifier or ARN, and roles and policies.

    Raises EndpointError if AWS can't be read.
    """
    live, (roles, policies) = in_parallel(
        partial(find_endpoint, identifier, scope.owner, known_arn, accounts.dms),
        partial(observe_roles_and_policies, scope, named, accounts.iam),
    )
    return removal((live,) if live and scope.contains(live.tags) else (), roles, policies)


def users_of_deleted(plan: Plan, accounts: Accounts) -> dict[str, tuple[str, ...]]:
    """The tasks on each endpoint that the Plan deletes, by identifier: DMS refuses it while there are any."""
    deleted = [step.piece for step in plan.of(Do.DELETE_ENDPOINT) if isinstance(step.piece, LiveEndpoint)]
    used = {live.identifier: accounts.dms.users_of(live) for live in deleted}
    return {identifier: users for identifier, users in used.items() if users}


def raise_if_in_use(plan: Plan, accounts: Accounts) -> None:
    """Raise EndpointError (EndpointInUse) if tasks are on an endpoint that the Plan deletes."""
    for identifier, users in users_of_deleted(plan, accounts).items():
        raise endpoint_in_use(identifier, users, comes_back=False)


def deprovision(plan: Plan, accounts: Accounts) -> None:
    """Carry out the steps of a removal. What is gone already is fine; what isn't ours is in no Plan.

    Raises EndpointError: EndpointInUse while tasks hold the endpoint and the time runs out.
    """
    policies = [step.piece for step in plan.of(Do.DELETE_POLICY) if isinstance(step.piece, Policy)]
    for step in plan.of(Do.DELETE_ENDPOINT, Do.DETACH, Do.DELETE_ROLE, Do.DELETE_POLICY, Do.GIVE_BACK):
        _carry_out(step, policies, accounts)


def _carry_out(step: Step, policies: list[Policy], accounts: Accounts) -> None:
    match step.do, step.piece:
        case Do.DELETE_ENDPOINT, LiveEndpoint() as live:
            delete_endpoint(live, accounts, comes_back=False)
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


def delete_endpoint(live: LiveEndpoint, accounts: Accounts, comes_back: bool = True) -> None:
    """Delete the endpoint, retrying until gone. Raises EndpointError: EndpointInUse, NotStabilized."""
    rejection = ""
    for _waited in accounts.deadline.attempts(at_most=accounts.deadline.left() - SECONDS_TO_NAME_USERS):
        rejection = accounts.dms.request_delete(live) or accounts.dms.wait_until_gone(live)
        if not rejection:
            return
    if users := accounts.dms.users_of(live):
        raise endpoint_in_use(live.identifier, users, comes_back)
    raise out_of_time(f"delete-endpoint {live.identifier}: {rejection}")
