"""Names of roles and policies."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Named:
    """Names of roles and policies that may be ours: listings may be late, or name none under other paths."""

    roles: frozenset[str] = frozenset()
    policies: frozenset[str] = frozenset()

    def __or__(self, other: Named) -> Named:
        return Named(self.roles | other.roles, self.policies | other.policies)
