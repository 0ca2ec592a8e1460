"""The procedure: a DMS target endpoint on a bucket in another account, in the order of the eight steps.

By hand, over two accounts:
1. bucket and key exist in the data-lake account (the connection test of step 8 shows it);
2. create the policy;
3. create the role, with the policy and a trust for DMS;
4. create-endpoint; 5. take the ExternalId from what DMS answers; 6. demand it in the role's trust policy;
7. create-endpoint again, until DMS accepts it;
8. test the connection.

`provision` carries out a Plan of these steps, and nothing that is not in the Plan.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeVar

from ..aws.accounts import Accounts
from ..aws.parallel import in_parallel
from ..model.endpoint import Endpoint
from ..model.errors import Code, EndpointError
from ..model.ownership import Owner
from ..model.pieces import LiveEndpoint, Piece, Policy, Role, role_fingerprint
from ..model.policies import access_policy, trust_policy
from ..model.s3_settings import DROPPED_ON_CREATE, Setting
from .deprovision import delete_endpoint, deprovision
from .handshake import Handshake
from .lease import LeaseLostError
from .plan import Do, Plan
from .refusals import name_taken
from .tagging import retag
from .trust import Trust

logger = logging.getLogger(__name__)
Found = TypeVar("Found", bound=Piece)


@dataclass(frozen=True)
class Work:
    """One request at work: its Plan, what it wants and for whom, and where."""

    plan: Plan
    wanted: Endpoint
    owner: Owner
    accounts: Accounts


@dataclass(frozen=True)
class Provisioned:
    """What stands now, and the attributes for Fn::GetAtt."""

    live: LiveEndpoint
    attributes: Mapping[str, str]


def provision(work: Work) -> Provisioned:
    """Carry out the Plan. Raises EndpointError: LeaseLostError once a later request came."""
    try:
        return _carry_out(work)
    except LeaseLostError:
        raise
    except Exception:
        # The next request, a Delete or a rollback, may come within a second, and must see what stands.
        in_parallel(work.accounts.iam.wait_until_seen, work.accounts.dms.wait_until_seen)
        raise


def _carry_out(work: Work) -> Provisioned:
    _import(work)
    _set_boundary(work)
    policy = _policy(work)  # step 2
    role = _role(work)  # step 3
    live = _endpoint(work, role, policy)  # steps 4 to 7
    in_parallel(partial(_retag, work), work.accounts.iam.wait_until_seen)
    _test_connection(work, live)  # step 8
    _remove_superseded(work)
    return Provisioned(live, _attributes(work, live, role, policy))


def _import(work: Work) -> None:
    for step in work.plan.of(Do.IMPORT):
        logger.info("Importing", extra={"piece": step.name})
        retag(step, work.accounts)


def _set_boundary(work: Work) -> None:
    for step in work.plan.of(Do.SET_BOUNDARY):
        if isinstance(step.piece, Role):
            work.accounts.iam.set_boundary(step.piece, work.plan.boundary)


def _policy(work: Work) -> Policy:
    """Step 2."""
    document = access_policy(work.wanted, work.accounts.region)
    policy = work.plan.observed.policy
    if work.plan.has(Do.CREATE_POLICY):
        policy = _create_policy(work, document)
    if work.plan.has(Do.REPLACE_DOCUMENT) and policy:
        work.accounts.iam.replace_document(policy, document)
    return _expected(policy, f"policy {work.wanted.policy_name}")


def _create_policy(work: Work, document: dict[str, object]) -> Policy:
    """A policy of the name that is seen only now is ours if an attempt of this request made it."""
    name, iam = work.wanted.policy_name, work.accounts.iam
    if created := iam.create_policy(name, document, work.owner, work.wanted.tags):
        return created
    policy = iam.policy_once_seen(name, work.owner)
    if policy is None or not work.owner.owns(policy.tags):
        raise name_taken(f"policy {name}", policy.tags if policy else {})
    return policy


def _role(work: Work) -> Role:
    """Step 3, but for the attachment: that waits for the ExternalId."""
    role = _create_role(work) if work.plan.has(Do.CREATE_ROLE) else work.plan.observed.role
    return _expected(role, f"role {work.wanted.role_name}")


def _create_role(work: Work) -> Role:
    """The trust demands the ExternalId at once if an endpoint that stands shows it."""
    wanted, owner, iam, live = work.wanted, work.owner, work.accounts.iam, work.plan.observed.live
    known = [live.external_id] if live and live.external_id else []
    trust = trust_policy(known, source_account=wanted.environment.source_account)
    tags = dict(wanted.tags) | owner.tags(role_fingerprint(wanted.role_name, wanted.permissions_boundary))
    if created := iam.create_role(wanted.role_name, trust, work.plan.boundary, owner.path, tags):
        return created
    role = iam.role_once_seen(wanted.role_name)
    if role is None or not work.owner.owns(role.tags):
        raise name_taken(f"role {wanted.role_name}", role.tags if role else {})
    return role


def _endpoint(work: Work, role: Role, policy: Policy) -> LiveEndpoint:
    """Steps 4 to 7, or the endpoint that stands with its ExternalId in the trust; and the second half of step 3."""
    is_attached = not work.plan.has(Do.ATTACH)
    trust = Trust(role, policy, is_attached, work.accounts, work.wanted.environment.source_account)
    if not work.plan.has(Do.CREATE_ENDPOINT):
        return _keep(work, trust)
    trust.attach_if_bound()  # whatever may fail comes before a delete: from there on the endpoint is missed
    _delete_outdated(work)
    return _create_endpoint(work, trust)


def _delete_outdated(work: Work) -> None:
    for step in work.plan.of(Do.DELETE_ENDPOINT):
        if isinstance(step.piece, LiveEndpoint):
            delete_endpoint(step.piece, work.accounts)


def _create_endpoint(work: Work, trust: Trust) -> LiveEndpoint:
    """Steps 4 to 7, and once more for settings that DMS dropped: as connection attributes it keeps them."""
    live = _shake_hands(work, trust, {})
    dropped = _dropped(work.wanted, live)
    if dropped:
        logger.warning("DMS dropped settings on create, giving them as attributes", extra={"dropped": list(dropped)})
        delete_endpoint(live, work.accounts)
        live = _shake_hands(work, trust, dropped)
    if still_dropped := _dropped(work.wanted, live):
        raise EndpointError(
            Code.INTERNAL_ERROR,
            f"create-endpoint {live.identifier}: DMS dropped {', '.join(still_dropped)}",
            "Leave these settings out, or report it: DMS has changed",
        )
    return live


def _shake_hands(work: Work, trust: Trust, as_attributes: Mapping[str, Setting]) -> LiveEndpoint:
    return Handshake(work.wanted, work.owner, trust, work.accounts, as_attributes).run()


def _dropped(wanted: Endpoint, live: LiveEndpoint) -> dict[str, Setting]:
    settings = wanted.s3_settings
    return {name: settings[name] for name in DROPPED_ON_CREATE if name in settings and not live.settings.get(name)}


def _keep(work: Work, trust: Trust) -> LiveEndpoint:
    """Step 6 for an endpoint that stands, then the second half of step 3."""
    external_id = work.plan.observed.external_id
    live = _expected(work.plan.observed.live, f"endpoint {work.wanted.endpoint_identifier}")
    if work.plan.has(Do.BIND_TRUST):
        trust.demand_only(external_id)
    trust.attach()
    return replace(live, external_id=external_id)


def _retag(work: Work) -> None:
    in_parallel(*[partial(retag, step, work.accounts) for step in work.plan.of(Do.RETAG)])


def _test_connection(work: Work, live: LiveEndpoint) -> None:
    """Step 8."""
    if work.plan.has(Do.TEST_CONNECTION):
        work.accounts.dms.test_connection(live, work.wanted.test_replication_instance_arn)


def _remove_superseded(work: Work) -> None:
    """Roles and policies whose names the properties no longer give."""
    steps = work.plan.of(Do.DETACH, Do.DELETE_ROLE, Do.DELETE_POLICY, Do.GIVE_BACK)
    deprovision(replace(work.plan, steps=steps), work.accounts)


def _expected(piece: Found | None, name: str) -> Found:
    """The piece, which stands or was just made. Raises EndpointError if the Plan forgot to make it."""
    if piece is None:
        raise EndpointError(Code.INTERNAL_ERROR, f"{name} is neither there nor planned", "Report it, with the log")
    return piece


def _attributes(work: Work, live: LiveEndpoint, role: Role, policy: Policy) -> dict[str, str]:
    return {
        "EndpointArn": live.arn,
        "EndpointIdentifier": live.identifier,
        "ExternalId": live.external_id,
        "RoleArn": role.arn,
        "RoleName": role.name,
        "PolicyArn": policy.arn,
        "BucketName": work.wanted.bucket_name,
        "Environment": work.wanted.environment.name,
        "Generation": work.wanted.generation,
    }
