"""Wanted now against wanted before, and live now against live then: the only two reasons to create an endpoint again.

Both "before" are plain values, so that they can be stored. They keep the values as they were given and shown; what
means the same is decided at the comparison, on both sides alike: no new SDK and no new release makes a difference.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from .endpoint import Endpoint
from .hashing import fingerprint
from .pieces import LiveEndpoint
from .s3_settings import members, same

Stored = Mapping[str, Any]


def made_with(wanted: Endpoint) -> Stored:
    """What CreateEndpoint is given for the endpoint, but for its tags."""
    return {
        "settings": wanted.effective_settings,
        "role": wanted.role_name,
        "resource_identifier": wanted.resource_identifier,
    }


def hash_of(wanted: Endpoint) -> str:
    """A hash of all that a stack asks for."""
    return fingerprint(asdict(wanted) | {"environment": wanted.environment.name})


def changed(before: Stored, wanted: Endpoint) -> list[str]:
    """The properties, as a stack names them, that are wanted otherwise than before; those taken out are among them."""
    now = made_with(wanted)
    names = _differing(before["settings"], now["settings"], {*before["settings"], *now["settings"]})
    if before["role"].lower() != now["role"].lower():
        names.append("ROLENAME")
    if before["resource_identifier"] != now["resource_identifier"]:
        names.append("RESOURCEIDENTIFIER")
    return names


def snapshot(live: LiveEndpoint) -> Stored:
    """How the endpoint looks, and which settings the SDK knew: what it did not know, it could not show."""
    return {"settings": dict(live.settings), "known": sorted(members())}


def changed_by_hand(before: Stored, live: LiveEndpoint) -> list[str]:
    """The settings that the live endpoint shows otherwise than the snapshot."""
    added = set(live.settings) & set(members()) - set(before["known"])
    return _differing(before["settings"], live.settings, {*before["settings"], *live.settings} - added)


def _differing(one: Mapping[str, Any], other: Mapping[str, Any], names: set[str]) -> list[str]:
    """A setting that is given as empty is not one that is left out."""
    return [
        name.upper()
        for name in sorted(names)
        if (name in one) != (name in other) or not same(name, one.get(name), other.get(name))
    ]
