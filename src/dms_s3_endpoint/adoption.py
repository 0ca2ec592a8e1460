"""ADOPT: an endpoint, role and policy that were made by hand become a stack's, while tasks go on using them.

They are told by what they lack: the tags of an owner. Before they get these, they must fit what the stack asks for.
With them they get a mark, and as long as they have it, a Delete gives them back rather than deletes them: so the
rollback of a stack that adopts harms nothing. An update without ADOPT takes the mark away; from then on they are
like any others. Nothing here calls AWS but through DataLake and Dms.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from .data_lake import Policy, Role, role_fingerprint
from .dms import LiveEndpoint
from .errors import Code, EndpointError
from .ownership import ADOPTED, CHANGED_BY, Owner, fingerprint, is_adopted, is_nobodys, keys_of_ours, tags_to_add
from .policies import (
    Document,
    access_policy,
    is_for_dms_alone,
    with_statements_of_others,
    without_open_statements,
)
from .request import Endpoint, is_resource_identifier
from .settings import canonical_names, convert, differences, with_attributes

if TYPE_CHECKING:
    from .endpoint import Accounts, Found

# The fingerprint of an endpoint that is to be created again.
DIFFERS = "differs"


def refuse_unless_fitting(endpoint: Endpoint, found: Found, accounts: Accounts) -> None:
    """Raises EndpointError (InvalidRequest) with all that speaks against taking over what is nobody's."""
    faults: list[str] = []
    if found.live and is_nobodys(found.live.tags):
        faults += _faults_of_endpoint(endpoint, found.live, found.role)
    if found.role and is_nobodys(found.role.tags):
        faults += _faults_of_role(endpoint, found.role, accounts.dms.identifiers_of_role(found.role.arn))
    if found.policy and is_nobodys(found.policy.tags):
        others = set(accounts.data_lake.attached_to(found.policy)) - {endpoint.role_name}
        faults += [f"policy {found.policy.name} is attached to {name} too" for name in sorted(others)]
    if faults:
        raise EndpointError(
            Code.INVALID_REQUEST, f"ADOPT: {'; '.join(faults)}", "Give names of its own to what can't be taken over"
        )


def _faults_of_endpoint(endpoint: Endpoint, live: LiveEndpoint, role: Role | None) -> Iterable[str]:
    """Engine, direction, bucket, and the role with its account; anything else may be created again.

    The role must be adopted too: for that accounts/*.yaml ask the accounts' owner, for an endpoint DMS can't.
    """
    name, bucket = f"endpoint {live.identifier}", str(live.settings.get("BucketName", ""))
    if live.kind != "target of s3":
        yield f"{name} is a {live.kind}, not a target of s3"
    if bucket != endpoint.bucket_name:
        yield f"{name} has bucket {bucket or '(none)'}, not {endpoint.bucket_name}"
    if role is None or role.arn != live.role_arn:
        account = endpoint.environment.data_lake_account
        yield f"{name} has role {live.role_arn or '(none)'}, not {endpoint.role_name} of account {account}"


def _faults_of_role(endpoint: Endpoint, role: Role, identifiers: list[str]) -> Iterable[str]:
    if not is_for_dms_alone(role.trust_policy):
        yield f"role {role.name} is trusted for others than DMS"
    for identifier in identifiers:
        if identifier != endpoint.endpoint_identifier:
            yield f"role {role.name} is that of endpoint {identifier} too"


def differing(endpoint: Endpoint, found: Found) -> list[str]:
    """The names of the settings in which a live endpoint that is nobody's differs from the wanted one."""
    if found.live is None or not is_nobodys(found.live.tags):
        return []
    wanted: dict[str, object] = dict(endpoint.effective_settings)
    if not found.live.settings.get("ExpectedBucketOwner"):
        # By hand it is seldom given, and no reason for an outage.
        wanted.pop("ExpectedBucketOwner", None)
    return [name.upper() for name in differences(wanted, found.live.settings)]


def taken_over(endpoint: Endpoint, owner: Owner, found: Found, region: str) -> Found:
    """What is found, with the tags that `tag` gives to what is nobody's."""

    def tags(piece: Policy | Role | LiveEndpoint, its_fingerprint: str) -> Mapping[str, str]:
        if not is_nobodys(piece.tags):
            return piece.tags
        return {**piece.tags, **owner.tags(its_fingerprint), ADOPTED: "true"}

    policy, role, live = found.policy, found.role, found.live
    of_role = role_fingerprint(endpoint.role_name, endpoint.permissions_boundary)
    of_endpoint = DIFFERS if differing(endpoint, found) else endpoint.fingerprint
    return replace(
        found,
        policy=policy and replace(policy, tags=tags(policy, fingerprint(access_policy(endpoint, region)))),
        role=role and replace(role, tags=tags(role, of_role)),
        live=live and replace(live, tags=tags(live, of_endpoint)),
    )


def tag(before: Found, after: Found, accounts: Accounts) -> None:
    """Make `after` of `before`: the endpoint last, for whoever looks at it alone."""
    if before.policy and after.policy:
        accounts.data_lake.tag_policy(before.policy, tags_to_add(before.policy.tags, after.policy.tags), [])
    if before.role and after.role:
        accounts.data_lake.tag_role(before.role, tags_to_add(before.role.tags, after.role.tags), [])
    if before.live and after.live:
        accounts.dms.tag_endpoint(before.live, tags_to_add(before.live.tags, after.live.tags), [])


def as_successor(endpoint: Endpoint, outdated: LiveEndpoint) -> Endpoint:
    """The wanted endpoint, with the mark of the one that it is created instead of."""
    mark = {ADOPTED: outdated.tags[ADOPTED]} if endpoint.adopt and is_adopted(outdated.tags) else {}
    return replace(endpoint, tags={**endpoint.tags, **mark})


def without_open_trust(role: Role) -> Role:
    """As its trust must be for a create: beside a statement that trusts DMS without an ExternalId, ours is void.

    That other one was written for this endpoint, as no other has the role.
    """
    narrowed = without_open_statements(role.trust_policy) if is_adopted(role.tags) else role.trust_policy
    return role if narrowed == role.trust_policy else replace(role, trust_policy=narrowed)


def as_it_was(endpoint: Endpoint, adopted: LiveEndpoint) -> Endpoint:
    """What to ask for to have it again; under the same ARN where its tail may be chosen."""
    known = canonical_names().values()
    given = {name: value for name, value in adopted.settings.items() if value not in ("", None)}
    settings = {name: convert(name, value) for name, value in given.items() if name in known}
    settings.pop("ServiceAccessRoleArn", None)
    others = {name: str(value) for name, value in given.items() if name not in known}
    tail = adopted.arn.rpartition(":")[2]
    return replace(
        as_successor(endpoint, adopted),
        s3_settings=settings,
        extra_connection_attributes=with_attributes("", others),
        resource_identifier=tail if is_resource_identifier(tail) else endpoint.resource_identifier,
    )


def document_for(policy: Policy, document: Document, endpoint: Endpoint) -> Document:
    """As long as it is only adopted, it goes on granting what it granted by hand."""
    if endpoint.adopt and is_adopted(policy.tags):
        return with_statements_of_others(document, policy.document)
    return document


def keeps_boundary(role: Role, endpoint: Endpoint) -> bool:
    return endpoint.adopt and is_adopted(role.tags) and not endpoint.permissions_boundary


def remove_endpoint(live: LiveEndpoint, accounts: Accounts) -> None:
    """Delete it, or give it back."""
    if is_adopted(live.tags):
        accounts.dms.tag_endpoint(live, {}, keys_of_ours(live.tags))
    else:
        accounts.dms.delete_endpoint(live)


def remove_roles_and_policies(roles: list[Role], policies: list[Policy], accounts: Accounts) -> None:
    """Delete them, or give them back."""
    data_lake = accounts.data_lake
    for role in roles:
        if is_adopted(role.tags):
            for made in [policy for policy in policies if not is_adopted(policy.tags)]:
                data_lake.detach(role, made)
            # A claim may have come since it was looked at.
            data_lake.tag_role(role, {}, sorted({*keys_of_ours(role.tags), CHANGED_BY}))
        else:
            data_lake.delete_role(role, policies)
    for policy in policies:
        if is_adopted(policy.tags):
            data_lake.tag_policy(policy, {}, keys_of_ours(policy.tags))
        else:
            data_lake.delete_policy(policy)
