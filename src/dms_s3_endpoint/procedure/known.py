"""What a life's record tells a Plan, and what a Plan that is carried out leaves in the record."""

from __future__ import annotations

from dataclasses import replace

from ..model.comparison import hash_of, made_with, snapshot
from ..model.endpoint import Endpoint
from ..model.lives import Life, State
from ..model.ownership import FINGERPRINT, is_adopted
from ..model.pieces import LiveEndpoint
from .adoption import is_imported
from .before import Before
from .plan import Do, Plan, baseline_of


def before_plan(life: Life, wanted: Endpoint, old_properties: Endpoint | None) -> Before:
    """What is known of the life. The `old_properties` count only where no request knows what the endpoint is."""
    is_unknown = not life.made_with and not life.is_changing
    return Before(
        tag_keys=frozenset(life.tag_keys),
        made_with=life.made_with,
        snapshot=life.snapshot,
        fingerprint=life.fingerprint if life.is_changing else "",
        old_properties=old_properties if is_unknown else None,
        succeeded=life.state is not State.BEGUN and not life.is_changing,
        # One that succeeded is rolled back too, when another resource of the stack fails.
        is_going_back=hash_of(wanted) in life.succeeded_with,
        is_import=life.is_import,
        baseline=life.baseline,
        imported=frozenset(life.imported),
    )


def while_at_work(life: Life, wanted: Endpoint, plan: Plan, region: str) -> Life:
    """The life as it must be recorded before the Plan is carried out: whoever comes next may find it half done."""
    life = life.named([wanted.role_name], [wanted.policy_name], wanted.tags)
    life = _with_baseline(life, wanted, plan, region)
    if plan.has(Do.CREATE_ENDPOINT):
        return replace(life, is_changing=True)
    return life


def _with_baseline(life: Life, wanted: Endpoint, plan: Plan, region: str) -> Life:
    """What an import finds is right as it is, until a change of ours replaces it."""
    if not life.is_import and (plan.has(Do.IMPORT) or is_imported(plan.observed)):
        life = replace(life, is_import=True, baseline=baseline_of(wanted, region), imported=_made_by_hand(plan))
    replaced = {
        "document": plan.has(Do.CREATE_POLICY, Do.REPLACE_DOCUMENT),
        "boundary": plan.has(Do.CREATE_ROLE, Do.SET_BOUNDARY),
        "trust": plan.has(Do.CREATE_ROLE, Do.CREATE_ENDPOINT),
    }
    return replace(life, baseline={key: value for key, value in life.baseline.items() if not replaced[key]})


def _made_by_hand(plan: Plan) -> tuple[str, ...]:
    marked = {piece.arn for piece in plan.observed.pieces if is_adopted(piece.tags)}
    return tuple(sorted(marked | {step.piece.arn for step in plan.of(Do.IMPORT) if step.piece}))


def after_success(life: Life, wanted: Endpoint, plan: Plan, live: LiveEndpoint) -> Life:
    """The life once the Plan is carried out. Where no snapshot is known, the first look is the baseline."""
    is_of_another = life.is_changing and live.tags.get(FINGERPRINT) != life.fingerprint
    is_new = plan.has(Do.CREATE_ENDPOINT) or is_of_another or not life.snapshot
    return replace(
        life,
        state=State.STANDS,
        roles=(wanted.role_name,),
        policies=(wanted.policy_name,),
        tag_keys=tuple(sorted(wanted.tags)),
        is_changing=False,
        made_with=made_with(wanted),
        snapshot=snapshot(live) if is_new else life.snapshot,
        fingerprint=wanted.fingerprint,
        succeeded_with=tuple(dict.fromkeys([hash_of(wanted), *life.succeeded_with]))[:2],
    )
