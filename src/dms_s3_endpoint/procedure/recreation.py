"""Whether the live endpoint must be created again, as DMS can't modify it. Pure functions."""

from __future__ import annotations

from dataclasses import replace

from ..model.comparison import changed, changed_by_hand, made_with
from ..model.endpoint import Endpoint
from ..model.ownership import FINGERPRINT
from ..model.pieces import LiveEndpoint, Observed
from ..model.s3_settings import differences
from .before import Before

# An endpoint that was active once and is, for example, modifying will be active again, unless it is so. One that a
# rejected create left may never be.
BROKEN = ("failed", "deleting")


def why_recreated(wanted: Endpoint, observed: Observed, before: Before) -> str:
    """Why the live endpoint must be deleted and created again, as DMS can't modify it; empty if it is kept."""
    if observed.live is None:
        return ""
    is_broken = observed.live.status in BROKEN if before.succeeded else observed.live.status != "active"
    if is_broken:
        return f"its status is {observed.live.status}"
    if names := changed_properties(wanted, observed.live, before):
        return f"{', '.join(names)} differs"
    if observed.live.identifier != wanted.endpoint_identifier:
        return f"its identifier is {observed.live.identifier}, changed by hand"
    if names := _changed_by_hand(observed, before):
        return f"{', '.join(names)} changed by hand"
    # No other way leads to an ExternalId that nothing shows any more.
    return "" if observed.external_id else "nothing shows its ExternalId"


def changed_properties(wanted: Endpoint, live: LiveEndpoint, before: Before) -> list[str]:
    """By what the endpoint was made with. Where no request knows that, the tag or the live settings tell it."""
    if before.made_with:
        return changed(before.made_with, wanted)
    if live.tags.get(FINGERPRINT) == wanted.fingerprint:
        return []
    if before.old_properties:
        return changed(made_with(before.old_properties), wanted)
    return _differing_from_live(wanted, live)


def _differing_from_live(wanted: Endpoint, live: LiveEndpoint) -> list[str]:
    names = [name.upper() for name in differences(wanted.effective_settings, live.settings)]
    if live.role_name.lower() != wanted.role_name.lower():
        names.append("ROLENAME")
    if not live.arn.endswith(f":{wanted.resource_identifier}"):
        names.append("RESOURCEIDENTIFIER")
    return names


def is_unfit(wanted: Endpoint, live: LiveEndpoint) -> bool:
    """Whether an endpoint that a create-endpoint left is not the wanted one."""
    if live.status != "active":
        return True
    return live.tags.get(FINGERPRINT) != wanted.fingerprint and bool(_differing_from_live(wanted, live))


def without_what_is_of_another(observed: Observed, before: Before) -> Before:
    """A request that died may have created the endpoint anew: then what is known is of the one before."""
    if before.fingerprint and observed.live and observed.live.tags.get(FINGERPRINT) != before.fingerprint:
        return replace(before, made_with={}, snapshot={})
    return before


def _changed_by_hand(observed: Observed, before: Before) -> list[str]:
    return changed_by_hand(before.snapshot, observed.live) if observed.live and before.snapshot else []
