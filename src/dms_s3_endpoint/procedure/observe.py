"""What stands in the two accounts under the wanted names. Only reads."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import partial

from ..aws.accounts import Accounts
from ..aws.iam import Iam
from ..aws.parallel import in_parallel
from ..model.arns import name_in
from ..model.endpoint import Endpoint
from ..model.ownership import Owner, Scope, is_adopted, is_unowned
from ..model.parse import Names
from ..model.pieces import Observed, Policy, Role


def observe(wanted: Endpoint, owner: Owner, accounts: Accounts) -> Observed:
    """Policy, role and endpoint of the wanted names, whoever owns them. Raises EndpointError."""
    policy, (role, attached), live = in_parallel(
        partial(accounts.iam.find_policy, wanted.policy_name, owner),
        partial(_role_and_attached, wanted, owner, accounts.iam),
        partial(accounts.dms.find_endpoint, wanted.endpoint_identifier),
    )
    policy = policy or _policy_elsewhere(wanted, owner, attached, accounts.iam)
    observed = Observed(policy, role, live, attached)
    return _for_adoption(observed, accounts) if wanted.adopt else observed


def _role_and_attached(wanted: Endpoint, owner: Owner, iam: Iam) -> tuple[Role | None, frozenset[str]]:
    """What is attached to somebody else's role may not be read."""
    role = iam.find_role(wanted.role_name)
    may_read = role and (owner.owns(role.tags) or _may_adopt(wanted, role.tags))
    return role, iam.attached_policy_arns(role) if role and may_read else frozenset()


def _may_adopt(wanted: Endpoint, tags: Mapping[str, str]) -> bool:
    return wanted.adopt and is_unowned(tags)


def _policy_elsewhere(wanted: Endpoint, owner: Owner, attached_arns: Iterable[str], iam: Iam) -> Policy | None:
    """A hand-made policy is under another path than ours: one that is attached to the role, or one to adopt."""
    arn = next((arn for arn in attached_arns if name_in(arn) == wanted.policy_name), "")
    if arn:
        return iam.policy_at(arn)
    return iam.policy_elsewhere(wanted.policy_name, owner) if wanted.adopt else None


def _for_adoption(observed: Observed, accounts: Accounts) -> Observed:
    """Who else has the role or the policy, if these are unowned."""
    role, policy = observed.role, observed.policy
    endpoints = accounts.dms.identifiers_of_role(role.arn) if role and is_unowned(role.tags) else []
    attached = accounts.iam.attached_to(policy) if policy and is_unowned(policy.tags) else []
    return replace(observed, endpoints_of_role=tuple(endpoints), policy_attached_to=tuple(sorted(attached)))


def observe_superseded(
    wanted: Endpoint, owner: Owner, old: Names, iam: Iam
) -> tuple[tuple[Role, ...], tuple[Policy, ...]]:
    """Our roles and policies of other names than the wanted: given up now, or left by an earlier update."""
    return observe_roles_and_policies(Scope(owner), old, iam, wanted.role_name, wanted.policy_name)


def observe_roles_and_policies(
    scope: Scope, names: Names, iam: Iam, but_role: str = "", but_policy: str = ""
) -> tuple[tuple[Role, ...], tuple[Policy, ...]]:
    """Those that the scope contains: all under the owner's path, and those of the given names under other paths.

    The roles and policies named `but_role` and `but_policy` are left out.
    """
    roles, policies = in_parallel(
        partial(iam.roles_of, scope.owner, but=but_role), partial(iam.policies_of, scope.owner, but=but_policy)
    )
    if names.role_name and names.role_name not in {but_role, *(role.name for role in roles)}:
        role = iam.find_role(names.role_name)
        roles += [role] if role else []
    if names.policy_name and names.policy_name not in {but_policy, *(policy.name for policy in policies)}:
        policies += _under_another_path(scope, names.policy_name, roles, iam)
    return (
        tuple(role for role in roles if scope.contains(role.tags)),
        tuple(policy for policy in policies if scope.contains(policy.tags)),
    )


def _under_another_path(scope: Scope, name: str, roles: list[Role], iam: Iam) -> list[Policy]:
    """The policy of an imported role must be read: it may not pass as unowned because of a denial."""
    policy = iam.policy_elsewhere(name, scope.owner)
    is_import = any(scope.contains(role.tags) and is_adopted(role.tags) for role in roles)
    if policy and is_import and not policy.tags:
        policy = iam.policy_at(policy.arn)
    return [policy] if policy else []
