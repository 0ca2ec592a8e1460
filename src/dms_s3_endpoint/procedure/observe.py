"""What stands in the two accounts under the wanted names. Only reads."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import partial

from ..aws.accounts import Accounts
from ..aws.dms import Dms
from ..aws.iam import Iam
from ..aws.parallel import in_parallel
from ..model.arns import name_in
from ..model.endpoint import Endpoint
from ..model.names import Named
from ..model.ownership import DEMANDED_BOUNDARY, LIFE, Owner, Scope, is_adopted, is_unowned
from ..model.pieces import LiveEndpoint, Observed, Policy, Role


def observe(
    wanted: Endpoint, owner: Owner, accounts: Accounts, is_import: bool = False, known_arn: str = ""
) -> Observed:
    """Policy, role and endpoint of the wanted names, whoever owns them. Raises EndpointError.

    `is_import`: the life began as an import, so that its policy may be under another path than ours. `known_arn`: the
    endpoint's, by which it is found if somebody changed its identifier.
    """
    policy, (role, attached), live, demanded_boundary = in_parallel(
        partial(accounts.iam.find_policy, wanted.policy_name, owner),
        partial(_role_and_attached, wanted, owner, accounts.iam),
        partial(find_endpoint, wanted.endpoint_identifier, owner, known_arn, accounts.dms),
        partial(_demanded_boundary, wanted, accounts.iam),
    )
    policy = policy or _policy_elsewhere(wanted, owner, attached, accounts.iam, wanted.adopt or is_import)
    observed = Observed(policy, role, live, attached, demanded_boundary=demanded_boundary)
    return _for_adoption(observed, accounts) if wanted.adopt else observed


def _demanded_boundary(wanted: Endpoint, iam: Iam) -> str:
    """The account tells it by a tag on the role that the function has there: its owner alone can change that."""
    own_role = iam.find_role(name_in(wanted.environment.data_lake_role_arn))
    return own_role.tags.get(DEMANDED_BOUNDARY, "") if own_role else ""


def find_endpoint(identifier: str, owner: Owner, known_arn: str, dms: Dms) -> LiveEndpoint | None:
    """The endpoint of the identifier, whoever owns it, or ours of the ARN."""
    live = dms.find_endpoint(identifier)
    if live is None and known_arn:
        ours = dms.endpoint_at(known_arn)
        return ours if ours and owner.owns(ours.tags) else None
    return live


def _role_and_attached(wanted: Endpoint, owner: Owner, iam: Iam) -> tuple[Role | None, frozenset[str]]:
    """What is attached to somebody else's role may not be read."""
    role = iam.find_role(wanted.role_name)
    may_read = role and (owner.owns(role.tags) or _may_adopt(wanted, role.tags))
    return role, iam.attached_policy_arns(role) if role and may_read else frozenset()


def _may_adopt(wanted: Endpoint, tags: Mapping[str, str]) -> bool:
    return wanted.adopt and is_unowned(tags)


def _policy_elsewhere(
    wanted: Endpoint, owner: Owner, attached_arns: Iterable[str], iam: Iam, is_import: bool
) -> Policy | None:
    """A hand-made policy is under another path than ours: one that is attached to the role, or one to adopt."""
    arn = next((arn for arn in attached_arns if name_in(arn) == wanted.policy_name), "")
    if arn:
        return iam.policy_at(arn)
    return iam.policy_elsewhere(wanted.policy_name, owner) if is_import else None


def _for_adoption(observed: Observed, accounts: Accounts) -> Observed:
    """Who else has the role or the policy, if these are unowned."""
    role, policy = observed.role, observed.policy
    endpoints = accounts.dms.identifiers_of_role(role.arn) if role and is_unowned(role.tags) else []
    attached = accounts.iam.attached_to(policy) if policy and is_unowned(policy.tags) else []
    return replace(observed, endpoints_of_role=tuple(endpoints), policy_attached_to=tuple(sorted(attached)))


def observe_superseded(
    wanted: Endpoint, owner: Owner, named: Named, iam: Iam
) -> tuple[tuple[Role, ...], tuple[Policy, ...]]:
    """Our roles and policies of other names than the wanted: given up now, or left by an earlier update."""
    roles, policies = observe_roles_and_policies(Scope(owner), named, iam)
    return (
        tuple(role for role in roles if role.name.lower() != wanted.role_name.lower()),
        tuple(policy for policy in policies if policy.name.lower() != wanted.policy_name.lower()),
    )


def observe_roles_and_policies(scope: Scope, named: Named, iam: Iam) -> tuple[tuple[Role, ...], tuple[Policy, ...]]:
    """Those that the scope contains: all under the owner's path, and those of the given names under any path."""
    roles, policies = in_parallel(partial(iam.roles_of, scope.owner), partial(iam.policies_of, scope.owner))
    for name in sorted(named.roles - {role.name for role in roles}):
        role = iam.find_role(name)
        roles += [role] if role else []
    for name in sorted(named.policies - {policy.name for policy in policies}):
        policies += _policy_named(scope, name, roles, iam)
    return (
        tuple(role for role in roles if scope.contains(role.tags)),
        tuple(policy for policy in policies if scope.contains(policy.tags)),
    )


def _policy_named(scope: Scope, name: str, roles: list[Role], iam: Iam) -> list[Policy]:
    """The policy of an imported role must be read: it may not pass as unowned because of a denial."""
    policy = iam.find_policy(name, scope.owner) or iam.policy_elsewhere(name, scope.owner)
    is_import = any(scope.contains(role.tags) and is_adopted(role.tags) for role in roles)
    if policy and is_import and not policy.tags:
        policy = iam.policy_at(policy.arn)
    return [policy] if policy else []


def find_life(owner: Owner, identifier: str, named: Named, accounts: Accounts) -> str | None:
    """The life of the physical resource, as its pieces' tags name it: empty for version 1.0.0, None without pieces."""
    live = accounts.dms.find_endpoint(identifier)
    roles, policies = observe_roles_and_policies(Scope(owner, every_life=True), named, accounts.iam)
    tags = [piece.tags for piece in (live, *roles, *policies) if piece and owner.is_of_physical_resource(piece.tags)]
    lives = [each.get(LIFE, "") for each in tags]
    return max(lives, default=None)
