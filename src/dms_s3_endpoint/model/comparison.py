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
from .s3_settings import canonical_names, differences, members, same

Stored = Mapping[str, Any]
# The setting with the endpoint's role, and the one whose empty value means something.
ROLE, NULLS = "ServiceAccessRoleArn", "CsvNullValue"


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
    names = _differing(before["settings"], now["settings"])
    if before["role"].lower() != now["role"].lower():
        names.append("ROLENAME")
    if before["resource_identifier"] != now["resource_identifier"]:
        names.append("RESOURCEIDENTIFIER")
    return names


def snapshot(live: LiveEndpoint) -> Stored:
    """How the endpoint looks, its ARN, and which settings the SDK knew: what it did not know, it could not show."""
    return {"settings": dict(live.settings), "known": sorted(members()), "arn": live.arn}


def changed_by_hand(before: Stored, live: LiveEndpoint) -> list[str]:
    """The settings that the live endpoint shows otherwise than the snapshot, of those that the SDK knew and knows.

    DMS's default is no difference to nothing: DMS shows more of them as time goes by.
    """
    then, now = _by_name(before["settings"]), _by_name(live.settings)
    unknown_to_one = {name.upper() for name in set(before["known"]) ^ set(members())}
    names = [
        name for name in differences(then, now) if name.upper() not in unknown_to_one or (name in then and name in now)
    ]
    names += [ROLE] if not same(ROLE, then.get(ROLE, ""), now.get(ROLE, "")) else []
    names += [NULLS] if NULLS not in names and (then.get(NULLS) == "") != (now.get(NULLS) == "") else []
    return [name.upper() for name in names]


def _differing(one: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    """By name in upper case: a new SDK may know what was an attribute that it did not know.

    A setting that is given as empty is not one that is left out.
    """
    first, second = _by_name(one), _by_name(other)
    return [
        name.upper()
        for name in sorted({*first, *second})
        if (name in first) != (name in second) or not same(name, first.get(name), second.get(name))
    ]


def _by_name(settings: Mapping[str, Any]) -> dict[str, Any]:
    """By the names that the SDK has now, or in upper case."""
    return {canonical_names().get(name.upper(), name.upper()): value for name, value in settings.items()}
