"""The procedure: a DMS target endpoint on a bucket in another account, in eight steps.

By hand, over two accounts:
1. bucket and key exist in the data-lake account (a connection test shows it, step 8);
2. policy; 3. role, with the policy and trust for DMS;
4. create-endpoint; 5. take the ExternalId from what DMS answers; 6. demand it in the role's trust policy;
7. create-endpoint again, until DMS accepts it; 8. test the connection.

`set_up` brings any state of our own making to the wanted one, `tear_down` to nothing. Neither touches
what carries no tags of ours. No AWS call is made here but through DataLake and Dms.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from . import adoption
from .claim import Claim
from .data_lake import SECONDS_TO_SETTLE, DataLake, Policy, Role, role_fingerprint
from .dms import CreateAnswer, Dms, LiveEndpoint
from .errors import Code, EndpointError, out_of_time
from .metrics import Figures
from .ownership import (
    ADOPTED,
    FINGERPRINT,
    Owner,
    fingerprint,
    is_adopted,
    is_nobodys,
    owner_named_by,
    tags_to_add,
)
from .parallel import in_parallel
from .patience import Patience
from .policies import access_policy, external_ids_for_dms, other_statements, trust_policy, trusted_external_ids
from .request import Endpoint, Names
from .settings import DROPPED_ON_CREATE, Setting, warnings

logger = logging.getLogger(__name__)

# IAM's changes reach DMS after some 10 to 40 s; other tools allow 2 to 5 minutes, and so do we.
SECONDS_UNTIL_ACCEPTED = 300.0
# Between two tries. With shorter pauses 36 creates at once would be throttled, with longer ones a single one would be
# noticed late. Both by `make bench`, as what follows.
FIRST_PAUSE, LONGEST_PAUSE = 2.0, 3.0
# A second change takes about as long to be seen as the first one took: it is tried only after this much of that
# time, but then more often.
LIKELY_SHARE, MOST_SECONDS_UNTRIED = 0.85, 20.0
LONGEST_PAUSE_WHEN_LIKELY = 1.5
# A refusal may have left an endpoint that tells the ExternalId. It is looked for after so many refusals.
LOOKED_FOR_AFTER = {1, 10, 40}
# An endpoint that stands but shows no ExternalId after this will show none.
SECONDS_FOR_AN_EXTERNAL_ID = 30.0
# A trust policy that is so old and still refused demands an ExternalId that DMS has given up: it tells the next
# one to a role that trusts it without any. Twice what IAM's changes usually need.
SECONDS_UNTIL_A_TRUST_COUNTS = 60.0
# DMS's ExternalId may differ from call to call; one that never settles must not loop for ever.
MOST_EXTERNAL_IDS = 4
# A cancelled Create runs on beside the Delete that undoes it, and may not even have begun. After this long without
# a sign of it, it will make no more; should it, it misses its role at its end, and takes away its endpoint itself.
SECONDS_OF_QUIET = 60.0


@dataclass(frozen=True)
class Accounts:
    """Both accounts of an environment, the region of the endpoints, and the time that is left."""

    data_lake: DataLake
    dms: Dms
    region: str
    patience: Patience
    figures: Figures = field(default_factory=Figures)
    # The data-lake account's client of a service that only a check looks at.
    client_in_data_lake: Callable[[str], Any] = field(default=lambda service: None)


@dataclass(frozen=True)
class Found:
    """What of the wanted pieces exists: all of it ours, or nobody's and to be adopted."""

    policy: Policy | None
    role: Role | None
    live: LiveEndpoint | None
    attached_policy_arns: frozenset[str] = frozenset()

    @property
    def external_id(self) -> str:
        """The endpoint's, from there or, where DescribeEndpoints doesn't tell it, from the trust; empty if unknown."""
        trust = self.role.trust_policy if self.role else {}
        demanded = trusted_external_ids(trust) or external_ids_for_dms(trust)
        from_trust = next(iter(demanded)) if len(demanded) == 1 else ""
        return (self.live.external_id if self.live else "") or from_trust

    def is_ours(self, owner: Owner) -> bool:
        """Whether any of it is: what is adopted now was nobody's before."""
        return any(owner.owns(tags) for tags in self.tags)

    @property
    def tags(self) -> list[Mapping[str, str]]:
        """Of each piece that exists."""
        return [piece.tags for piece in (self.policy, self.role, self.live) if piece]


@dataclass(frozen=True)
class Update:
    """What an update knows beside what it wants: the keys of the tags that there were, and its claim."""

    old_tag_keys: frozenset[str]
    claim: Claim


def set_up(
    endpoint: Endpoint, owner: Owner, accounts: Accounts, found: Found, update: Update | None = None
) -> dict[str, str]:
    """Make the endpoint with its role and policy, or change what differs; the attributes for Fn::GetAtt.

    `found` is what `look` saw. Without `update` it is a create, perhaps the second delivery of one. Raises
    EndpointError.
    """
    try:
        return _set_up(endpoint, owner, accounts, found, update)
    except Exception:
        # The next request, a Delete or a rollback, may come within the second, and must see what there is.
        _wait_until_seen(accounts)
        raise


def _wait_until_seen(accounts: Accounts) -> None:
    """Until IAM and DMS show what this request changed, each for SECONDS_TO_SETTLE at most."""
    for is_seen in accounts.data_lake.unseen + accounts.dms.unseen:
        try:
            for _waited in accounts.patience.attempts(at_most=SECONDS_TO_SETTLE):
                if is_seen():
                    break
        except EndpointError as error:
            logger.warning("Not known to be seen", extra={"cause": error.reason})


def _set_up(
    endpoint: Endpoint, owner: Owner, accounts: Accounts, found: Found, update: Update | None
) -> dict[str, str]:
    for warning in warnings(endpoint.effective_settings):
        logger.warning(warning, extra={"endpoint_identifier": endpoint.endpoint_identifier})
    # One that another delivery of this request began.
    by_hand = replace(found, live=found.live and _ready(found.live, accounts))
    found = adoption.taken_over(endpoint, owner, by_hand, accounts.region)
    outdated, kept = (found.live, None) if must_be_renewed(found, endpoint) else (None, found.live)
    if outdated:
        accounts.dms.refuse_if_in_use(outdated, _why_again(endpoint, by_hand))
    if found != by_hand:
        logger.info("Adopting", extra={"live_settings": dict(by_hand.live.settings) if by_hand.live else {}})
        adoption.tag(by_hand, found, accounts)
    if update and not (kept and found.policy and found.role):
        _claim(update.claim, accounts, found)
    policy = _provide_policy(endpoint, owner, accounts, found.policy)
    role = _provide_role(endpoint, owner, accounts, found)
    attach = partial(_attach, accounts, found, role, policy)
    if outdated:
        attach()  # whatever may fail comes before the delete: from there on the endpoint is missed
        accounts.dms.delete_endpoint(outdated)
        live = _create_again(endpoint, owner, role, accounts, outdated, is_rolled_back=update is not None)
    elif kept:
        attach()
        live = _keep(kept, found.external_id, role, accounts)
    else:
        # To create, DMS needs the role's trust and not its policy.
        _attached, live = in_parallel(attach, partial(_create, endpoint, owner, role, accounts))
    there, old_keys = Found(found.policy, found.role, kept), update.old_tag_keys if update else frozenset()
    given_up = (old_keys - set(endpoint.tags)) | (set() if endpoint.adopt else {ADOPTED})
    end = partial(_retag, endpoint, there, accounts, given_up)
    in_parallel(end, *([] if kept else [partial(_undo_if_cancelled, owner, role, live, accounts)]))
    if endpoint.test_replication_instance_arn and (not kept or update is None):
        accounts.dms.test_connection(live, endpoint.test_replication_instance_arn)  # step 8
    return _attributes(endpoint, live, role, policy)


def _claim(claim: Claim, accounts: Accounts, found: Found) -> None:
    """On the role of the endpoint that stands: an update back from new names finds it there."""
    name = found.live.role_arn.rpartition("/")[2] if found.live else ""
    role = found.role
    if name and (role is None or role.name != name):
        role = accounts.data_lake.find_role(name)
    if role:
        claim.take(role)
        accounts.dms.guard = claim.demand


def look(endpoint: Endpoint, owner: Owner, accounts: Accounts) -> Found:
    """What exists under the wanted names. Raises EndpointError if any of it is not ours: nothing is changed then."""
    policy, (role, attached), live = in_parallel(
        lambda: accounts.data_lake.find_policy(endpoint.policy_name, owner),
        lambda: _role_with_policies(endpoint, owner, accounts.data_lake),
        lambda: accounts.dms.find_endpoint(endpoint.endpoint_identifier),
    )
    found = Found(policy or _policy_elsewhere(endpoint, owner, attached, accounts), role, live, attached)
    names = (f"policy {endpoint.policy_name}", f"role {endpoint.role_name}", f"endpoint {endpoint.endpoint_identifier}")
    for piece, name in zip((found.policy, found.role, found.live), names, strict=True):
        if piece and not (endpoint.adopt and is_nobodys(piece.tags)):
            _refuse_unless_ours(owner, piece.tags, name)
    adoption.refuse_unless_fitting(endpoint, found, accounts)
    return found


def _role_with_policies(endpoint: Endpoint, owner: Owner, data_lake: DataLake) -> tuple[Role | None, frozenset[str]]:
    """What is attached to somebody else's role may not be asked for."""
    role = data_lake.find_role(endpoint.role_name)
    asked = role and (owner.owns(role.tags) or (endpoint.adopt and is_nobodys(role.tags)))
    return role, frozenset(data_lake.attached_policy_arns(role) if role and asked else ())


def _policy_elsewhere(
    endpoint: Endpoint, owner: Owner, attached_policy_arns: Iterable[str], accounts: Accounts
) -> Policy | None:
    """One that was adopted, and so hangs on the role, or one to adopt; with its document."""
    arn = next((arn for arn in attached_policy_arns if arn.rpartition("/")[2] == endpoint.policy_name), "")
    if not arn and endpoint.adopt:
        arn = accounts.data_lake.arn_elsewhere(endpoint.policy_name, owner)
    return accounts.data_lake.policy_at(arn) if arn else None


def _why_again(endpoint: Endpoint, by_hand: Found) -> str:
    names = adoption.differing(endpoint, by_hand)
    return f" (to adopt it: it differs in {', '.join(names)})" if names else ""


def _refuse_unless_ours(owner: Owner, tags: Mapping[str, str], name: str) -> None:
    if owner.owns(tags):
        return
    if owner.made_it(tags):
        raise EndpointError(
            Code.INVALID_REQUEST,
            f"{name} belongs to the endpoint that this update replaces",
            "Change ROLENAME, POLICYNAME and ENDPOINTIDENTIFIER together in an account",
        )
    raise _name_taken(name, tags)


def _name_taken(name: str, tags: Mapping[str, str]) -> EndpointError:
    return EndpointError(
        Code.NAME_TAKEN,
        f"{name} exists and is {owner_named_by(tags)}",
        "Choose another name, or delete what has it if nothing needs it",
    )


def must_be_recreated(live: LiveEndpoint, endpoint: Endpoint) -> bool:
    """Whether the live endpoint differs from the wanted one, or can't be used; DMS can't modify such an endpoint."""
    return live.tags.get(FINGERPRINT) != endpoint.fingerprint or live.status != "active"


def must_be_renewed(found: Found, endpoint: Endpoint) -> bool:
    """Whether there is one to be created again; an ExternalId that nothing tells any more is had in no other way."""
    return found.live is not None and (must_be_recreated(found.live, endpoint) or not found.external_id)


def in_place_changes(endpoint: Endpoint, found: Found, accounts: Accounts) -> list[str]:
    """What an update would change beside an endpoint that it keeps; but for tags that it would take away."""
    policy, role, document = found.policy, found.role, access_policy(endpoint, accounts.region)
    policy_differs = policy is None or policy.document != adoption.document_for(policy, document, endpoint)
    role_differs = role is None or trusted_external_ids(role.trust_policy) != {found.external_id}
    bound_otherwise = role is not None and role.permissions_boundary != endpoint.permissions_boundary
    changes = {
        f"policy {endpoint.policy_name}": policy_differs,
        f"role {endpoint.role_name}": role_differs,
        "its policy": policy is None or policy.arn not in found.attached_policy_arns,
        "its boundary": role is not None and bound_otherwise and not adoption.keeps_boundary(role, endpoint),
        "tags": any(tags_to_add(tags, endpoint.tags) for tags in found.tags),
        "ADOPT": not endpoint.adopt and any(map(is_adopted, found.tags)),
    }
    return [name for name, differs in changes.items() if differs]


def _provide_policy(endpoint: Endpoint, owner: Owner, accounts: Accounts, policy: Policy | None) -> Policy:
    """Step 2. The first change of all, so that a name taken under another path is found before any other change."""
    document = access_policy(endpoint, accounts.region)
    name = endpoint.policy_name
    if policy is None:
        created = accounts.data_lake.create_policy(name, document, owner, endpoint.tags)
        if created:
            return created
        # Another delivery of the same request was faster, or somebody else.
        policy = accounts.data_lake.policy_once_seen(name, owner)
    if policy is None or not owner.owns(policy.tags):
        raise _name_taken(f"policy {name}", policy.tags if policy else {})
    accounts.data_lake.update_policy(policy, adoption.document_for(policy, document, endpoint))
    return policy


def _provide_role(endpoint: Endpoint, owner: Owner, accounts: Accounts, found: Found) -> Role:
    """Step 3. The trust demands the ExternalId at once where an endpoint that stands tells it."""
    name, boundary, role = endpoint.role_name, endpoint.permissions_boundary, found.role
    if role is None:
        external_ids = [found.live.external_id] if found.live and found.live.external_id else []
        created = accounts.data_lake.create_role(name, trust_policy(external_ids), boundary, owner, endpoint.tags)
        if created:
            return created
        role = accounts.data_lake.role_once_seen(name)
    if role is None or not owner.owns(role.tags):
        raise _name_taken(f"role {name}", role.tags if role else {})
    if not adoption.keeps_boundary(role, endpoint):
        accounts.data_lake.set_boundary(role, boundary)
    return role


def _attach(accounts: Accounts, found: Found, role: Role, policy: Policy) -> None:
    """Step 3, second half."""
    if policy.arn not in found.attached_policy_arns:
        accounts.data_lake.attach(role, policy)


def _keep(kept: LiveEndpoint, known_external_id: str, role: Role, accounts: Accounts) -> LiveEndpoint:
    """The endpoint that stands, its ExternalId in the trust."""
    external_id = kept.external_id or known_external_id
    Trust(role, accounts).demand_only(external_id)
    return replace(kept, external_id=external_id)


def _create_again(
    endpoint: Endpoint, owner: Owner, role: Role, accounts: Accounts, outdated: LiveEndpoint, is_rolled_back: bool
) -> LiveEndpoint:
    """No rollback knows how an endpoint was that was made by hand: should its successor fail, it is made again here."""
    try:
        return _create(adoption.as_successor(endpoint, outdated), owner, role, accounts)
    except EndpointError:
        if is_adopted(outdated.tags) and not is_rolled_back:
            _restore(endpoint, owner, role, accounts, outdated)
        raise


def _restore(endpoint: Endpoint, owner: Owner, role: Role, accounts: Accounts, adopted: LiveEndpoint) -> None:
    given = {"endpoint_identifier": adopted.identifier, "settings": dict(adopted.settings)}
    try:
        _create_trusted(adoption.as_it_was(endpoint, adopted), owner, role, accounts, {})
        logger.warning("The endpoint that was to be adopted is made again as it was", extra=given)
    except (EndpointError, ValueError) as error:
        logger.error("The endpoint that was to be adopted is gone", extra=given | {"cause": str(error)})


def _create(endpoint: Endpoint, owner: Owner, role: Role, accounts: Accounts) -> LiveEndpoint:
    """Steps 4 to 7, and once more for settings that DMS dropped: as connection attributes it keeps them."""
    live = _create_trusted(endpoint, owner, role, accounts, {})
    dropped = _dropped(endpoint, live)
    if dropped:
        logger.warning("DMS dropped settings on create, giving them as attributes", extra={"dropped": list(dropped)})
        accounts.dms.delete_endpoint(live)
        live = _create_trusted(endpoint, owner, role, accounts, dropped)
    if still_dropped := _dropped(endpoint, live):
        raise EndpointError(
            Code.INTERNAL_ERROR,
            f"create-endpoint {live.identifier}: DMS dropped {', '.join(still_dropped)}",
            "Leave these settings out, or report it: DMS has changed",
        )
    return live


def _dropped(endpoint: Endpoint, live: LiveEndpoint) -> dict[str, Setting]:
    wanted = endpoint.s3_settings
    return {name: wanted[name] for name in DROPPED_ON_CREATE if name in wanted and not live.settings.get(name)}


def _create_trusted(
    endpoint: Endpoint, owner: Owner, role: Role, accounts: Accounts, as_attributes: Mapping[str, Setting]
) -> LiveEndpoint:
    """Steps 4 to 7, however DMS tells the ExternalId: in its answer, in a fault's text, or on the endpoint.

    Raises EndpointError: NotAllowListed, RoleNotAssumable, NoExternalId, NameTaken, NotStabilized.
    """
    tags = dict(endpoint.tags) | owner.tags(endpoint.fingerprint)
    trust = Trust(adoption.without_open_trust(role), accounts)
    if trust.role is not role:
        trust.demand_as_before()
    answer, live, external_id, refusals = CreateAnswer(accepted=False, external_id=""), None, "", 0
    for waited in accounts.patience.attempts(SECONDS_UNTIL_ACCEPTED, FIRST_PAUSE, trust.longest_pause):
        if live is None or live.status != "active":
            trust.wait_until_likely_seen()
            answer = accounts.dms.create_endpoint(endpoint, role.arn, tags, as_attributes)  # steps 4 and 7
            trust.demand(answer.external_id)  # steps 5 and 6
            refusals += answer.tells_nothing
        if live or not answer.tells_nothing or refusals in LOOKED_FOR_AFTER:
            live = _after_create(endpoint, owner, answer, tags, accounts)
        external_id = (live.external_id if live else "") or answer.external_id or external_id
        if live and live.status == "active" and external_id:
            if answer.accepted:
                trust.note_that_it_is_seen()
            trust.demand_only(external_id)
            return replace(live, external_id=external_id)
        trust.demand(external_id)
        if live and live.status == "active" and waited > SECONDS_FOR_AN_EXTERNAL_ID:
            if not answer.exists:
                raise _no_external_id(live.identifier)
            # The ExternalId was in an answer that was lost; the next endpoint's answer has one.
            accounts.dms.delete_endpoint(live)
            live = None
        if not answer.accepted and not answer.external_id and trust.is_outdated():
            external_id = trust.demand_none()
    raise _not_accepted(endpoint, trust, answer, accounts)


def _after_create(
    endpoint: Endpoint, owner: Owner, answer: CreateAnswer, tags: Mapping[str, str], accounts: Accounts
) -> LiveEndpoint | None:
    """The endpoint as it stands after a create-endpoint, if it does; a failed one in the way of the next is removed."""
    if answer.external_id and not answer.accepted:
        return None
    live = accounts.dms.find_endpoint(endpoint.endpoint_identifier, tags if answer.accepted else None)
    if live is None:
        return None
    _refuse_unless_ours(owner, live.tags, f"endpoint {live.identifier}")
    live = _ready(live, accounts)
    if must_be_recreated(live, endpoint) and (answer.exists or answer.accepted):
        accounts.dms.delete_endpoint(live)
    # One that is active and not what we want was made by an update beside us.
    return None if live.status == "active" and must_be_recreated(live, endpoint) else live


def _ready(live: LiveEndpoint, accounts: Accounts) -> LiveEndpoint:
    """The endpoint once it is no longer being created; the final reading of its ExternalId."""
    for _waited in accounts.patience.attempts():
        if live.status != "creating":
            return live
        live = accounts.dms.find_endpoint(live.identifier, live.tags) or live
    raise out_of_time(f"create-endpoint {live.identifier}: it is still being created")


def _no_external_id(identifier: str) -> EndpointError:
    return EndpointError(
        Code.NO_EXTERNAL_ID,
        f"create-endpoint {identifier}: DMS tells no ExternalId, so the role's trust can't be bound to the endpoint",
        "Check that the role is in another account than DMS, then ask AWS Support",
    )


def _not_accepted(endpoint: Endpoint, trust: Trust, answer: CreateAnswer, accounts: Accounts) -> EndpointError:
    name = f"create-endpoint {endpoint.endpoint_identifier}"
    if accounts.patience.is_over():
        return out_of_time(f"{name}: {answer.refusal or 'not active yet'}")
    if answer.exists:
        return EndpointError(
            Code.NAME_TAKEN,
            f"{name}: resource identifier {endpoint.resource_identifier} is taken ({answer.refusal})",
            "Choose another RESOURCEIDENTIFIER",
        )
    if answer.accepted:
        return _no_external_id(endpoint.endpoint_identifier)
    return EndpointError(
        Code.ROLE_NOT_ASSUMABLE,
        f"{name}: DMS can't assume {trust.role.arn}: {answer.refusal}",
        "Check service control policies and that AWS Support has allowed the pair of accounts",
    )


@dataclass
class Trust:
    """The role's trust policy: which ExternalIds our statement demands. Statements of others stay."""

    role: Role
    accounts: Accounts
    demanded: set[str] | None = field(init=False)
    changed: float = field(init=False)
    # How long it took, the last time, until DMS told an ExternalId to a role that was made or changed.
    spread: float = field(default=0.0, init=False)

    def __post_init__(self) -> None:
        self.demanded = trusted_external_ids(self.role.trust_policy)
        self.changed = self.accounts.patience.clock()

    def demand(self, external_id: str) -> None:
        """Accept this id too: until the endpoint stands, DMS may come with an earlier one or with this."""
        if external_id and external_id not in (self.demanded or set()):
            self.note_that_it_is_seen()
            self._write({external_id, *(self.demanded or set())})

    def demand_only(self, external_id: str) -> None:
        if self.demanded != {external_id}:
            self._write({external_id})

    def demand_as_before(self) -> None:
        """Write it again: something else in the policy has changed."""
        self._write(self.demanded or set())

    def is_outdated(self) -> bool:
        """Whether it demands an ExternalId, and has long enough for DMS to have seen it."""
        return bool(self.demanded) and self.accounts.patience.clock() - self.changed > SECONDS_UNTIL_A_TRUST_COUNTS

    def demand_none(self) -> str:
        """Trust DMS alone, so that it tells the ExternalId anew; the ExternalId known so far: none."""
        self._write(set())
        self.spread = 0.0
        return ""

    def wait_until_likely_seen(self) -> None:
        """Not at all where nothing was learnt yet; and never for long: another change may spread faster."""
        likely = self.changed + min(self.spread * LIKELY_SHARE, MOST_SECONDS_UNTRIED)
        self.accounts.patience.wait(likely - self.accounts.patience.clock())

    def longest_pause(self) -> float:
        return LONGEST_PAUSE_WHEN_LIKELY if self.spread > LONGEST_PAUSE else LONGEST_PAUSE

    def note_that_it_is_seen(self) -> None:
        self.accounts.figures.propagation.append(self.accounts.patience.clock() - self.changed)

    def _write(self, external_ids: set[str]) -> None:
        if len(external_ids) > MOST_EXTERNAL_IDS:
            raise EndpointError(
                Code.NO_EXTERNAL_ID,
                f"update-assume-role-policy {self.role.name}: DMS told {len(external_ids)} ExternalIds, none twice",
                "Deploy again; if it stays, ask AWS Support",
            )
        others = other_statements(self.role.trust_policy)
        self.accounts.data_lake.set_trust(self.role, trust_policy(external_ids, others))
        now = self.accounts.patience.clock()
        self.demanded, self.changed, self.spread = external_ids, now, now - self.changed


def _undo_if_cancelled(owner: Owner, role: Role, live: LiveEndpoint, accounts: Accounts) -> None:
    """One more get-role, for the Create that was cancelled: its Delete ran beside us, and took away the role."""
    now = accounts.data_lake.role_once_seen(role.name)
    if now and owner.owns(now.tags):
        return
    adoption.remove_endpoint(live, accounts)
    raise out_of_time(f"create-endpoint {live.identifier}: role {role.name} was deleted meanwhile")


def _retag(endpoint: Endpoint, there: Found, accounts: Accounts, given_up: frozenset[str]) -> None:
    """Tags of the pieces that were there before; new ones have theirs."""
    role_tags = dict(endpoint.tags) | {FINGERPRINT: role_fingerprint(endpoint.role_name, endpoint.permissions_boundary)}
    policy_tags = dict(endpoint.tags) | {FINGERPRINT: fingerprint(access_policy(endpoint, accounts.region))}
    retag: list[Callable[[], None]] = []
    if there.policy:
        changes = _changes(there.policy.tags, policy_tags, given_up)
        retag.append(partial(accounts.data_lake.tag_policy, there.policy, *changes))
    if there.role:
        changes = _changes(there.role.tags, role_tags, given_up)
        retag.append(partial(accounts.data_lake.tag_role, there.role, *changes))
    if there.live:
        changes = _changes(there.live.tags, endpoint.tags, given_up)
        retag.append(partial(accounts.dms.tag_endpoint, there.live, *changes))
    in_parallel(*retag)


def _changes(
    live: Mapping[str, str], wanted: Mapping[str, str], given_up: frozenset[str]
) -> tuple[dict[str, str], list[str]]:
    """The tags to add, and the keys to remove; tags that somebody else put there stay.

    To IAM, keys that differ in case alone are one: adding the new one replaces the old.
    """
    kept = {key.lower() for key in wanted}
    return tags_to_add(live, wanted), sorted(key for key in given_up & set(live) if key.lower() not in kept)


def _attributes(endpoint: Endpoint, live: LiveEndpoint, role: Role, policy: Policy) -> dict[str, str]:
    return {
        "EndpointArn": live.arn,
        "EndpointIdentifier": live.identifier,
        "ExternalId": live.external_id,
        "RoleArn": role.arn,
        "RoleName": role.name,
        "PolicyArn": policy.arn,
        "BucketName": endpoint.bucket_name,
        "Environment": endpoint.environment.name,
    }


@dataclass(frozen=True)
class RolesAndPolicies:
    """Those that are ours, to be removed."""

    roles: list[Role]
    policies: list[Policy]


def look_before_update(
    endpoint: Endpoint, owner: Owner, accounts: Accounts, old: Names
) -> tuple[Found, RolesAndPolicies]:
    """As `look`, and for what an update gives up, or an earlier one could not remove."""
    return in_parallel(
        partial(look, endpoint, owner, accounts),
        partial(_roles_and_policies, owner, accounts, old, owner.owns, but=endpoint),
    )


def _roles_and_policies(
    owner: Owner, accounts: Accounts, names: Names, is_ours: Callable[[Mapping[str, str]], bool], but: Endpoint | None
) -> RolesAndPolicies:
    """All under the owner's path, and those of the given names that were adopted; not those that `but` still wants."""
    wanted_role, wanted_policy = (but.role_name, but.policy_name) if but else ("", "")
    roles, policies = in_parallel(
        partial(accounts.data_lake.roles_of, owner, but=wanted_role),
        partial(accounts.data_lake.policies_of, owner, but=wanted_policy),
    )
    if names.role_name and names.role_name not in {wanted_role, *(role.name for role in roles)}:
        adopted = accounts.data_lake.find_role(names.role_name)
        roles += [adopted] if adopted else []
    if names.policy_name and names.policy_name not in {wanted_policy, *(policy.name for policy in policies)}:
        elsewhere = accounts.data_lake.policy_elsewhere(names.policy_name, owner)
        policies += [elsewhere] if elsewhere else []
    return RolesAndPolicies([r for r in roles if is_ours(r.tags)], [p for p in policies if is_ours(p.tags)])


def remove_given_up(given_up: RolesAndPolicies, endpoint: Endpoint, accounts: Accounts, claim: Claim) -> None:
    if given_up.roles or given_up.policies:
        claim.demand()
    for policy in given_up.policies:
        _detach_from(endpoint.role_name, policy, accounts)
    adoption.remove_roles_and_policies(given_up.roles, given_up.policies, accounts)


def _detach_from(role_name: str, policy: Policy, accounts: Accounts) -> None:
    role = accounts.data_lake.find_role(role_name)
    if role:
        accounts.data_lake.detach(role, policy)


def tear_down(owner: Owner, endpoint_identifier: str, accounts: Accounts, names: Names) -> bool:
    """Remove endpoint, role and policy, in this order, as far as they exist and are ours; whether any did.

    The `names` are those of the properties: what was adopted is not under the owner's path.
    """
    live = accounts.dms.find_endpoint(endpoint_identifier)
    ours = live is not None and owner.owns(live.tags)
    if live and ours:
        adoption.remove_endpoint(live, accounts)
    return _remove_role_and_policy(owner, accounts, names, owner.owns) or ours


def _remove_role_and_policy(
    owner: Owner, accounts: Accounts, names: Names, is_ours: Callable[[Mapping[str, str]], bool]
) -> bool:
    found = _roles_and_policies(owner, accounts, names, is_ours, but=None)
    adoption.remove_roles_and_policies(found.roles, found.policies, accounts)
    return bool(found.roles or found.policies)


def sweep(owner: Owner, accounts: Accounts, names: Names) -> bool:
    """Remove all of this stack's logical resource, whatever its physical id; whether there was anything."""
    endpoints = accounts.dms.endpoints_of(owner)
    adopted = accounts.dms.find_endpoint(names.endpoint_identifier) if names.adopt else None
    if adopted and owner.made_it(adopted.tags) and adopted.arn not in [each.arn for each in endpoints]:
        endpoints.append(adopted)
    for live in endpoints:
        adoption.remove_endpoint(live, accounts)
    return _remove_role_and_policy(owner, accounts, names, owner.made_it) or bool(endpoints)


def until_quiet(remove: Callable[[], bool], accounts: Accounts) -> None:
    """Remove behind a request that was cancelled and may still run, until nothing of it has appeared for a while."""
    clock = accounts.patience.clock
    last_seen = clock()
    for _waited in accounts.patience.attempts():
        if remove():
            last_seen = clock()
        if clock() - last_seen >= SECONDS_OF_QUIET:
            return
    raise out_of_time("Delete: the cancelled request goes on making pieces")
