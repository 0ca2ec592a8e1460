"""What is known from before a request."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ..model.comparison import Stored
from ..model.endpoint import Endpoint


@dataclass(frozen=True)
class Before:
    """What is known from before the request.

    `made_with` and `snapshot` are of the live endpoint, see model/comparison.py; where no request knows them,
    `old_properties` are what was wanted before, unless a request died while it changed the endpoint.
    """

    tag_keys: frozenset[str] = frozenset()
    made_with: Stored = field(default_factory=dict)
    snapshot: Stored = field(default_factory=dict)
    # While a request is changing the endpoint, both are of one that has this fingerprint; empty if nobody is.
    fingerprint: str = ""
    old_properties: Endpoint | None = None
    # Whether these pieces were once answered as SUCCESS, and the very same properties were the last to be.
    succeeded: bool = False
    is_going_back: bool = False
    # The physical id that a replacement replaces.
    replaces: str = ""
    # See model/lives.py.
    is_import: bool = False
    baseline: Mapping[str, str] = field(default_factory=dict)
    imported: frozenset[str] = frozenset()


NOTHING_BEFORE = Before()
