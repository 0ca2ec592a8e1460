"""The pieces that stand in the two accounts, as AWS describes them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from .arns import name_in
from .hashing import fingerprint
from .policies import Document, external_ids_for_dms, trusted_external_ids


@dataclass(frozen=True)
class Policy:
    """An IAM policy of the data-lake account, with the document of its default version."""

    name: str
    arn: str
    document: Document
    tags: Mapping[str, str]


@dataclass(frozen=True)
class Role:
    """An IAM role of the data-lake account; an empty boundary is none."""

    name: str
    arn: str
    trust_policy: Document
    permissions_boundary: str
    tags: Mapping[str, str]


@dataclass(frozen=True)
class LiveEndpoint:
    """An endpoint of the DMS account; `kind` is as "target of s3"."""

    arn: str
    identifier: str
    status: str
    role_arn: str
    external_id: str
    settings: Mapping[str, object]
    tags: Mapping[str, str]
    kind: str = ""

    @property
    def role_name(self) -> str:
        """The name in the role's ARN; empty if the endpoint has no role."""
        return name_in(self.role_arn)


Piece = Policy | Role | LiveEndpoint


@dataclass(frozen=True)
class Observed:
    """What stands under the wanted names, whoever owns it, and what an update no longer names."""

    policy: Policy | None = None
    role: Role | None = None
    live: LiveEndpoint | None = None
    attached_policy_arns: frozenset[str] = frozenset()
    # Ours, under names that the properties no longer give.
    superseded_roles: tuple[Role, ...] = ()
    superseded_policies: tuple[Policy, ...] = ()
    # The tasks and replication configs on the endpoint; looked up only if the endpoint would be deleted.
    users: tuple[str, ...] = ()
    # The other endpoint that has the wanted resource identifier; looked up only then, too.
    arn_taken_by: str = ""
    # The ARN of the boundary that the data-lake account demands of each role; empty if it demands none.
    demanded_boundary: str = ""
    # Who else has the role or the policy: endpoints, and names of roles, users and groups. Looked up only for ADOPT.
    endpoints_of_role: tuple[str, ...] = ()
    policy_attached_to: tuple[str, ...] = ()

    @property
    def pieces(self) -> tuple[Piece, ...]:
        """Policy, role and endpoint, as far as they exist."""
        return tuple(piece for piece in (self.policy, self.role, self.live) if piece)

    @property
    def external_id(self) -> str:
        """The endpoint's own, or where DescribeEndpoints doesn't show it, the one that the trust demands; or empty."""
        trust = self.role.trust_policy if self.role else {}
        demanded = trusted_external_ids(trust) or external_ids_for_dms(trust)
        from_trust = next(iter(demanded)) if len(demanded) == 1 else ""
        return (self.live.external_id if self.live else "") or from_trust


def piece_name(piece: Piece) -> str:
    """As errors and plans name it: policy, role or endpoint, and the name."""
    if isinstance(piece, LiveEndpoint):
        return f"endpoint {piece.identifier}"
    return f"{'role' if isinstance(piece, Role) else 'policy'} {piece.name}"


def role_fingerprint(name: str, boundary: str) -> str:
    """The fingerprint tag of a role; an empty boundary is none."""
    return fingerprint([name, boundary])
