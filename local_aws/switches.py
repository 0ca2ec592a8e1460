"""How the DMS and the IAM of the embedded AWS behave: each switch is for what is not known of the real ones.

A new variant is a field here and the line of `dms.py` that asks for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Literal, get_args, get_origin, get_type_hints

FirstCreate = Literal[
    "keeps",  # 200 with an ExternalId, and the endpoint is kept; trust in DMS alone suffices
    "keeps_nothing",  # 200 with an ExternalId and no endpoint, until the trust demands that id
    "fault_with_id",  # AccessDeniedFault that tells the ExternalId, until the trust demands it
    "fault_until_trusted",  # AccessDeniedFault; DescribeEndpoints tells the ExternalId, of a failed endpoint
    "status_failed",  # 200 and an endpoint that failed; it must be deleted before another create
    "no_external_id",  # 200 and an endpoint that has no ExternalId
]


@dataclass(frozen=True)
class Switches:
    """Seconds are virtual."""

    first_create: FirstCreate = "keeps_nothing"
    # Whether the id stays the same for an account and identifier, or is another from the second create on.
    external_id: Literal["per_endpoint", "per_call"] = "per_endpoint"
    # How old a role's trust policy must be for DMS to see it.
    propagation_seconds: float = 0.0
    # For how long a new endpoint is `creating`, and a deleted one `deleting`.
    create_seconds: float = 0.0
    delete_seconds: float = 0.0
    # For how long the identifier of an endpoint that is gone is refused.
    identifier_reserved_seconds: float = 0.0
    # Read after write: DescribeEndpoints shows what was so long ago.
    describe_lag_seconds: float = 0.0
    # What a filter that matches nothing gives: ResourceNotFoundFault, or an empty list.
    describe_empty: Literal["fault", "empty"] = "fault"
    # Whether DescribeEndpoints tells the ExternalId too, or CreateEndpoint alone.
    describe_tells_external_id: bool = True
    # AWS Support has not allowed the pair of accounts.
    not_allow_listed: bool = False
    # Names of S3Settings that CreateEndpoint ignores unless they are in ExtraConnectionAttributes too.
    drops_on_create: tuple[str, ...] = ()
    # Endpoints for each account and Region.
    quota: int = 1000
    # What TestConnection finds: what there is; a failure; or, at first, that a test of the pair is running already.
    connection_test: Literal["real", "fails", "busy_first"] = "real"
    connection_test_seconds: float = 0.0
    # The documented rate for each account: a bucket of 200 calls, filled by 8 a second; then ThrottlingException.
    throttle_dms: bool = False
    # Of each call to IAM, STS and DMS.
    latency_seconds: float = 0.0


def changed(switches: Switches, changes: Mapping[str, Any]) -> Switches:
    """The switches with the changes. Raises TypeError for a switch that there isn't, ValueError for a wrong value."""
    hints = get_type_hints(Switches)
    for name, value in changes.items():
        if name not in hints:
            raise TypeError(f"no switch {name}; there are {', '.join(field.name for field in fields(Switches))}")
        if not _fits(value, hints[name]):
            raise ValueError(f"{name} can't be {value!r}; it is {hints[name]}")
    return replace(switches, **{name: _hashable(value) for name, value in changes.items()})


def _fits(value: object, hint: Any) -> bool:
    if get_origin(hint) is Literal:
        return value in get_args(hint)
    if get_origin(hint) is tuple:
        return isinstance(value, (tuple, list)) and all(isinstance(each, str) for each in value)
    if hint is bool or isinstance(value, bool):
        return hint is bool and isinstance(value, bool)
    numbers = (int, float) if hint is float else int
    return isinstance(value, numbers) and value >= 0


def _hashable(value: object) -> Any:
    """A tuple arrives as a list, by JSON."""
    return tuple(value) if isinstance(value, list) else value
