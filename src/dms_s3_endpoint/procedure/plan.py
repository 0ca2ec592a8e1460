"""The decision: what a request must do, from what is wanted and what stands. Pure: no AWS, no clock.

This is the only place that decides. `check` prints the Plan; `provision` and `deprovision` carry it out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from ..model.arns import read_arn
from ..model.endpoint import Endpoint
from ..model.errors import Code, EndpointError
from ..model.hashing import fingerprint
from ..model.ownership import ADOPTED, FINGERPRINT, ROOT_PATH, Owner, is_adopted, is_unowned, ownership_keys
from ..model.pieces import LiveEndpoint, Observed, Piece, Policy, Role, piece_name, role_fingerprint
from ..model.policies import (
    Document,
    access_policy,
    admits_any_external_id,
    demanded_source_account,
    trusted_external_ids,
)
from ..model.warnings import warnings_of
from . import adoption
from .before import NOTHING_BEFORE, Before
from .recreation import changed_properties, why_recreated, without_what_is_of_another
from .refusals import endpoint_in_use, refusal_of_foreign


class Do(StrEnum):
    """What a step does; the values are the words that `check` prints."""

    IMPORT = "import"
    CREATE_POLICY = "create policy"
    REPLACE_DOCUMENT = "replace document"
    CREATE_ROLE = "create role"
    SET_BOUNDARY = "set boundary"
    ATTACH = "attach policy"
    DELETE_ENDPOINT = "delete endpoint"
    CREATE_ENDPOINT = "create endpoint"
    BIND_TRUST = "bind trust"
    RETAG = "retag"
    TEST_CONNECTION = "test connection"
    DETACH = "detach policy"
    DELETE_ROLE = "delete role"
    DELETE_POLICY = "delete policy"
    GIVE_BACK = "give back"


@dataclass(frozen=True)
class Step:
    """One step and why it is needed. `piece` is what stands already; the tags are of IMPORT, RETAG and GIVE_BACK."""

    do: Do
    name: str
    reason: str = ""
    piece: Piece | None = None
    added: Mapping[str, str] = field(default_factory=dict)
    removed: tuple[str, ...] = ()


@dataclass(frozen=True)
class Plan:
    """The steps in their order. With a refusal nothing may be done."""

    observed: Observed = field(default_factory=Observed)
    steps: tuple[Step, ...] = ()
    warnings: tuple[str, ...] = ()
    refusals: tuple[EndpointError, ...] = ()
    # The ARN of the permissions boundary that the role is to have; empty for none.
    boundary: str = ""
    # Why the endpoint should be created again, and is not, as tasks use it.
    left_as_it_is: str = ""

    def of(self, *dos: Do) -> tuple[Step, ...]:
        """The steps that do one of these."""
        return tuple(step for step in self.steps if step.do in dos)

    def has(self, *dos: Do) -> bool:
        """Whether a step does one of these."""
        return bool(self.of(*dos))

    def raise_refusal(self) -> None:
        """Raise the first refusal, an EndpointError, if there is one."""
        for refusal in self.refusals:
            raise refusal


def decide(wanted: Endpoint, owner: Owner, observed: Observed, region: str, before: Before = NOTHING_BEFORE) -> Plan:
    """The Plan of a request. `region` is that of the endpoints."""
    if adoption.is_imported(observed) and not before.is_import:
        # No record tells it: version 1.0.0 imported it.
        before = replace(before, is_import=True, baseline=baseline_of(wanted, region))
    said = tuple(warnings_of(wanted.effective_settings))
    if refusals := tuple(_refusals(wanted, owner, observed, region, before)):
        return Plan(observed, warnings=said, refusals=refusals)
    before = without_what_is_of_another(observed, before)
    why_recreate, left = why_recreated(wanted, observed, before), ""
    if why_recreate and observed.users and observed.live and not changed_properties(wanted, observed.live, before):
        # The template asks for nothing that needs it, so to refuse would wedge the rollback of whatever comes next.
        why_recreate, left = "", why_recreate
        said += (f"{wanted.endpoint_identifier} stays as it is, as tasks use it: {left}",)
    steps = tuple(_steps(wanted, owner, observed, region, before, why_recreate))
    plan = Plan(observed, steps, said, boundary=boundary_of(wanted, observed, before), left_as_it_is=left)
    plan = replace(plan, warnings=(*said, *_warnings_of_steps(wanted, plan)))
    return replace(plan, refusals=(*_refusals_of_boundary(wanted, plan), *_refusals_of_recreation(plan)))


def baseline_of(wanted: Endpoint, region: str) -> dict[str, str]:
    """What was wanted when what stands was imported: it is no difference until something else is wanted."""
    document = fingerprint(access_policy(wanted, region))
    return {"document": document, "boundary": wanted.permissions_boundary, "trust": "as it was"}


def boundary_of(wanted: Endpoint, observed: Observed, before: Before) -> str:
    """The boundary that the role is to have: the stack's, or where it gives none, the one that the account demands.

    A rollback must succeed, and may give another than the account demands by now: then it is the demanded one, too.
    """
    given, demanded = wanted.permissions_boundary, observed.demanded_boundary
    if demanded and (before.is_going_back or not given):
        return demanded
    return given


def _refusals(
    wanted: Endpoint, owner: Owner, observed: Observed, region: str, before: Before
) -> Iterator[EndpointError]:
    instance = read_arn(wanted.test_replication_instance_arn)
    if instance and instance.region != region:
        failed = f"TESTREPLICATIONINSTANCEARN is in {instance.region}, and the endpoint in {region}"
        yield EndpointError(Code.INVALID_REQUEST, failed, "Name an instance of the endpoint's region")
    foreign = [piece for piece in observed.pieces if not owner.owns(piece.tags)]
    foreign = [piece for piece in foreign if not (wanted.adopt and is_unowned(piece.tags))]
    yield from (refusal_of_foreign(owner, piece, before.replaces) for piece in foreign)
    if not foreign and (objections := list(_objections(wanted, observed, region, before))):
        remedy = "Declare what stands, take ADOPT out in an update of its own, and change it then"
        yield EndpointError(Code.INVALID_REQUEST, f"ADOPT: {objections[0]}", remedy, objections[1:])


def _objections(wanted: Endpoint, observed: Observed, region: str, before: Before) -> Iterable[str]:
    """What forbids an import, or a change of what was imported.

    Changes by hand after the import forbid nothing: the rollback of a refused update brings the import's properties.
    """
    changed = list(_changed_since_import(wanted, observed, region)) if adoption.is_imported(observed) else []
    if not _is_import(wanted, observed, before):
        return changed
    # Version 1.0.0 allowed TAGS beside ADOPT: what has them keeps them.
    has_tags = all(wanted.tags.items() <= piece.tags.items() for piece in observed.pieces)
    is_rollback = (adoption.is_imported(observed) or before.is_import) and not changed and has_tags
    if is_rollback and not any(is_unowned(piece.tags) for piece in observed.pieces):
        return ()
    return adoption.objections(wanted, observed) or changed


def _changed_since_import(wanted: Endpoint, observed: Observed, region: str) -> Iterator[str]:
    """The fingerprints also show a change that no live setting shows, such as a default that is now spelled out."""
    for piece in (observed.role, observed.live):
        if piece and is_adopted(piece.tags) and piece.tags.get(FINGERPRINT) != _fingerprint_of(wanted, piece, region):
            yield f"{piece_name(piece)} was imported with other properties"
    no_longer_named: tuple[Piece, ...] = (*observed.superseded_roles, *observed.superseded_policies)
    for superseded in no_longer_named:
        if is_adopted(superseded.tags):
            yield f"{piece_name(superseded)} was imported, and is no longer named"


def _refusals_of_boundary(wanted: Endpoint, plan: Plan) -> Iterator[EndpointError]:
    """Where a boundary is demanded, IAM denies these steps for a role with another one; a create may attach anew."""
    demanded, denied = plan.observed.demanded_boundary, (Do.CREATE_ROLE, Do.SET_BOUNDARY, Do.ATTACH, Do.CREATE_ENDPOINT)
    if demanded and plan.boundary != demanded and plan.has(*denied):
        account = wanted.environment.data_lake_account
        failed = f"PERMISSIONSBOUNDARY is {plan.boundary}, and account {account} demands {demanded}"
        yield EndpointError(Code.INVALID_REQUEST, failed, "Leave PERMISSIONSBOUNDARY out, or give that one")


def _warnings_of_steps(wanted: Endpoint, plan: Plan) -> Iterator[str]:
    """What an import leaves open, and what another ARN means to those who refer to it."""
    live, role = plan.observed.live, plan.observed.role
    has_own_arn = live is not None and live.arn.endswith(f":{wanted.resource_identifier}")
    if live and not has_own_arn and plan.has(Do.DELETE_ENDPOINT):
        yield f"endpoint {live.identifier} gets another ARN: its last part becomes {wanted.resource_identifier}"
    if live and plan.has(Do.IMPORT):
        if not has_own_arn:
            yield f"endpoint {live.identifier} keeps its ARN until it is created again; then its last part changes"
        if role and admits_any_external_id(role.trust_policy):
            yield f"role {role.name} admits DMS with any ExternalId, until the endpoint is created again"


def _refusals_of_recreation(plan: Plan) -> Iterator[EndpointError]:
    for step in plan.of(Do.DELETE_ENDPOINT):
        if plan.observed.users:
            yield endpoint_in_use(step.name, plan.observed.users)
        if taken := plan.observed.arn_taken_by:
            failed = f"create-endpoint {step.name}: endpoint {taken} has this RESOURCEIDENTIFIER"
            yield EndpointError(Code.NAME_TAKEN, failed, "Choose another RESOURCEIDENTIFIER")


def _steps(
    wanted: Endpoint, owner: Owner, observed: Observed, region: str, before: Before, why_recreate: str
) -> Iterator[Step]:
    changes = _changes(wanted, observed, region, before, why_recreate)
    if not _is_import(wanted, observed, before):
        yield from changes
        return
    yield from _import(wanted, owner, observed, region, before)
    if observed.role is None or observed.policy is None:
        # Somebody deleted it since the import, and a rollback must succeed.
        made_again = (Do.SET_BOUNDARY, Do.CREATE_POLICY, Do.CREATE_ROLE, Do.ATTACH)
        yield from (step for step in changes if step.do in made_again)


def _is_import(wanted: Endpoint, observed: Observed, before: Before) -> bool:
    if before.is_import and observed.live:
        return wanted.adopt
    return adoption.is_import(wanted, observed)


def _import(wanted: Endpoint, owner: Owner, observed: Observed, region: str, before: Before) -> Iterator[Step]:
    """Only our tags; the endpoint last, as other requests look at it alone.

    The mark of what was imported is set again where an update that took ADOPT out is rolled back.
    """
    for piece in observed.pieces:
        if is_unowned(piece.tags):
            tags = owner.tags(_fingerprint_of(wanted, piece, region)) | {ADOPTED: "true"}
            yield Step(Do.IMPORT, piece_name(piece), "it was made by hand", piece, tags)
        elif not is_adopted(piece.tags) and _was_made_by_hand(piece, before):
            yield Step(Do.IMPORT, piece_name(piece), "its endpoint was made by hand", piece, {ADOPTED: "true"})


def _was_made_by_hand(piece: Piece, before: Before) -> bool:
    """What stands under our path we made, or a stack retained it, so that it was imported from there."""
    return ROOT_PATH not in piece.arn or piece.arn in before.imported


def _changes(wanted: Endpoint, observed: Observed, region: str, before: Before, why_recreate: str) -> Iterator[Step]:
    yield from _boundary_steps(wanted, observed, before, why_recreate)
    yield from _policy_steps(wanted, observed, access_policy(wanted, region), before)  # step 2
    if observed.role is None:
        yield Step(Do.CREATE_ROLE, wanted.role_name, "it does not exist")  # step 3
    yield from _endpoint_steps(wanted, observed, why_recreate, before)  # steps 4 to 7
    if not _is_attached(observed):
        # Of step 3, too; but it waits for the ExternalId, see trust.py.
        yield Step(Do.ATTACH, wanted.policy_name, f"role {wanted.role_name} does not have it")
    kept = replace(observed, live=None) if why_recreate else observed
    yield from _tag_steps(wanted, kept, region, before)
    yield from _test_steps(wanted, kept, before)  # step 8
    yield from _removals(wanted, observed)


def _boundary_steps(wanted: Endpoint, observed: Observed, before: Before, why_recreate: str) -> Iterator[Step]:
    """First of all: where the account demands a boundary, IAM lets nothing be attached to a role that has none."""
    role, boundary = observed.role, boundary_of(wanted, observed, before)
    if role is None or role.permissions_boundary == boundary:
        return
    is_attached_to = bool(why_recreate) or observed.live is None or not _is_attached(observed)
    is_needed = bool(observed.demanded_boundary) and is_attached_to
    if is_needed or before.baseline.get("boundary") != wanted.permissions_boundary:
        reason = f"it has {role.permissions_boundary or 'none'}, not {boundary or 'none'}"
        yield Step(Do.SET_BOUNDARY, role.name, reason, role)


def _policy_steps(wanted: Endpoint, observed: Observed, document: Document, before: Before) -> Iterator[Step]:
    """The policy comes first: a name taken under another path shows before any other change."""
    if observed.policy is None:
        yield Step(Do.CREATE_POLICY, wanted.policy_name, "it does not exist")
    elif observed.policy.document != document and before.baseline.get("document") != fingerprint(document):
        yield Step(Do.REPLACE_DOCUMENT, wanted.policy_name, "its document differs", observed.policy)


def _is_attached(observed: Observed) -> bool:
    role, policy = observed.role, observed.policy
    return role is not None and policy is not None and policy.arn in observed.attached_policy_arns


def _endpoint_steps(wanted: Endpoint, observed: Observed, why_recreate: str, before: Before) -> Iterator[Step]:
    live, identifier = observed.live, wanted.endpoint_identifier
    if live and why_recreate:
        yield Step(Do.DELETE_ENDPOINT, identifier, why_recreate, live)
    if live is None or why_recreate:
        yield Step(Do.CREATE_ENDPOINT, identifier, "as deleted" if live else "it does not exist")
    elif observed.role and observed.external_id and "trust" not in before.baseline:
        yield from _trust_steps(wanted, observed.role, observed.external_id)


def _trust_steps(wanted: Endpoint, role: Role, external_id: str) -> Iterator[Step]:
    source_account = wanted.environment.source_account
    if trusted_external_ids(role.trust_policy) != {external_id}:
        yield Step(Do.BIND_TRUST, role.name, "it does not demand the endpoint's ExternalId", role)
    elif demanded_source_account(role.trust_policy) != source_account:
        reason = "it does not demand aws:SourceAccount" if source_account else "it demands aws:SourceAccount"
        yield Step(Do.BIND_TRUST, role.name, reason, role)


def _tag_steps(wanted: Endpoint, kept: Observed, region: str, before: Before) -> Iterator[Step]:
    """For the pieces that stand; new ones are created with their tags. Tags of others stay."""
    given_up = (before.tag_keys - set(wanted.tags)) | (set() if wanted.adopt else {ADOPTED})
    for piece in kept.pieces:
        tags = dict(wanted.tags) | {FINGERPRINT: _fingerprint_of(wanted, piece, region)}
        added = {key: value for key, value in tags.items() if piece.tags.get(key) != value}
        removed = tuple(sorted((given_up & set(piece.tags)) - set(tags)))
        if added or removed:
            reason = f"differs in {', '.join(sorted({*added, *removed}))}"
            yield Step(Do.RETAG, piece_name(piece), reason, piece, added, removed)


def _fingerprint_of(wanted: Endpoint, piece: Piece, region: str) -> str:
    """The fingerprint tag of the piece when it is as wanted."""
    if isinstance(piece, LiveEndpoint):
        return wanted.fingerprint
    if isinstance(piece, Role):
        return role_fingerprint(wanted.role_name, wanted.permissions_boundary)
    return fingerprint(access_policy(wanted, region))


def _test_steps(wanted: Endpoint, kept: Observed, before: Before) -> Iterator[Step]:
    """After each create, also by a run that died before its test. A rollback tests nothing: it must succeed."""
    is_untested = kept.live is None or not before.succeeded
    if wanted.test_replication_instance_arn and is_untested and not before.is_going_back:
        yield Step(Do.TEST_CONNECTION, wanted.endpoint_identifier, f"from {wanted.test_replication_instance_arn}")


def _removals(wanted: Endpoint, observed: Observed) -> Iterator[Step]:
    """Of names that the properties no longer give; last, so that whatever may fail comes before."""
    for policy in observed.superseded_policies:
        yield Step(Do.DETACH, wanted.role_name, f"policy {policy.name} is no longer named", policy)
    yield from removal_steps((), observed.superseded_roles, observed.superseded_policies, "it is no longer named")


def removal(
    endpoints: tuple[LiveEndpoint, ...], roles: tuple[Role, ...], policies: tuple[Policy, ...], reason: str = ""
) -> Plan:
    """The Plan that takes away these pieces of ours."""
    return Plan(steps=tuple(removal_steps(endpoints, roles, policies, reason)))


def removal_steps(
    endpoints: tuple[LiveEndpoint, ...], roles: tuple[Role, ...], policies: tuple[Policy, ...], reason: str = ""
) -> Iterator[Step]:
    """Delete the pieces, or give back those that ADOPT imported. The mark on the piece decides, never the event."""
    for live in endpoints:
        yield _removal_step(Do.DELETE_ENDPOINT, live.identifier, live, reason)
    for role in roles:
        yield _removal_step(Do.DELETE_ROLE, role.name, role, reason)
    for policy in policies:
        yield _removal_step(Do.DELETE_POLICY, policy.name, policy, reason)


def _removal_step(do: Do, name: str, piece: Piece, reason: str) -> Step:
    if is_adopted(piece.tags):
        keys = tuple(ownership_keys(piece.tags))
        return Step(Do.GIVE_BACK, piece_name(piece), "it was made by hand", piece, removed=keys)
    return Step(do, name, reason, piece)
