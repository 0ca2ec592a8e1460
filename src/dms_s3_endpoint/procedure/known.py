"""What a life's record tells a Plan, and what a Plan that is carried out leaves in the record."""

from __future__ import annotations

from dataclasses import replace

from ..model.comparison import hash_of, made_with, snapshot
from ..model.endpoint import Endpoint
from ..model.hashing import fingerprint
from ..model.lives import Life, State
from ..model.pieces import LiveEndpoint
from ..model.policies import access_policy
from .plan import Before, Do, Plan


def before_plan(life: Life, wanted: Endpoint, old_properties: Endpoint | None) -> Before:
    """What is known of the life. The `old_properties` count only where no request knows what the endpoint is."""
    is_unknown = not life.made_with and not life.is_changing
    return Before(
        tag_keys=frozenset(life.tag_keys),
        made_with=life.made_with,
        snapshot=life.snapshot,
        old_properties=old_properties if is_unknown else None,
        succeeded=life.state is not State.BEGUN and not life.is_changing,
        is_going_back=life.succeeded_with == hash_of(wanted),
        is_import=life.is_import,
        baseline=life.baseline,
    )


def while_at_work(life: Life, wanted: Endpoint, plan: Plan, region: str) -> Life:
    """The life as it must be recorded before the Plan is carried out: whoever comes next may find it half done."""
    life = life.named([wanted.role_name], [wanted.policy_name], wanted.tags)
    life = _with_baseline(life, wanted, plan, region)
    if plan.has(Do.CREATE_ENDPOINT):
        return replace(life, is_changing=True, made_with={}, snapshot={})
    return life


def _with_baseline(life: Life, wanted: Endpoint, plan: Plan, region: str) -> Life:
    """What an import finds is right as it is, until a change of ours replaces it."""
    if life.state is State.BEGUN and plan.has(Do.IMPORT):
        document = fingerprint(access_policy(wanted, region))
        baseline = {"document": document, "boundary": wanted.permissions_boundary, "trust": "as it was"}
        return replace(life, is_import=True, baseline=baseline)
    replaced = {
        "document": plan.has(Do.CREATE_POLICY, Do.REPLACE_DOCUMENT),
        "boundary": plan.has(Do.CREATE_ROLE, Do.SET_BOUNDARY),
        "trust": plan.has(Do.CREATE_ROLE, Do.CREATE_ENDPOINT),
    }
    return replace(life, baseline={key: value for key, value in life.baseline.items() if not replaced[key]})


def after_success(life: Life, wanted: Endpoint, live: LiveEndpoint) -> Life:
    """The life once the Plan is carried out. Where no snapshot is known, the first look is the baseline."""
    return replace(
        life,
        state=State.STANDS,
        roles=(wanted.role_name,),
        policies=(wanted.policy_name,),
        tag_keys=tuple(sorted(wanted.tags)),
        is_changing=False,
        made_with=made_with(wanted),
        snapshot=life.snapshot or snapshot(live),
        succeeded_with=hash_of(wanted),
    )
