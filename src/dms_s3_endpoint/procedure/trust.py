"""Step 6: the role's trust policy, which ExternalIds our statement in it demands, and what the role may do meanwhile.

As long as the trust demands no ExternalId, DMS may use the role for anybody who knows its ARN. So the policy is
attached only once it demands one.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from ..aws.accounts import Accounts
from ..model.errors import Code, EndpointError
from ..model.pieces import Policy, Role
from ..model.policies import demanded_source_account, other_statements, trust_policy, trusted_external_ids

# DMS's ExternalId may differ from call to call; one that never settles must not loop for ever.
MOST_EXTERNAL_IDS = 4
# A trust policy that is this old and still rejected demands an ExternalId that DMS has given up. DMS tells the next
# one to a role that trusts it without any. Twice what IAM's changes usually need.
SECONDS_UNTIL_A_TRUST_COUNTS = 60.0
# A second change takes about as long to reach DMS as the first. So sleep through this share of that time, but not for
# long, as another change may spread faster; then try more often. With fixed pauses instead, DMS throttles 36 concurrent
# creates, and they take 2.3 instead of 1.2 times the bound (`make bench`).
LIKELY_SHARE, MOST_SECONDS_UNTRIED = 0.85, 20.0
PAUSE, PAUSE_WHEN_LIKELY = 3.0, 1.5


@dataclass
class Trust:
    """Patches our statement; statements of others stay. `policy` is what the role is to have.

    `source_account` is the account whose endpoints alone may use the role; empty if the trust is not to demand one.
    """

    role: Role
    policy: Policy
    is_attached: bool
    accounts: Accounts
    source_account: str = ""
    demanded: set[str] | None = field(init=False)
    changed_at: float = field(init=False)
    # How many seconds the last change took to reach DMS; 0 until that is known.
    spread: float = field(default=0.0, init=False)

    def __post_init__(self) -> None:
        self.demanded = trusted_external_ids(self.role.trust_policy)
        self._has_source_account = demanded_source_account(self.role.trust_policy) == self.source_account
        self.changed_at = self.accounts.deadline.clock()

    def demand(self, external_id: str) -> None:
        """Accept this id too: until the endpoint stands, DMS may come with an earlier one or with this."""
        if external_id and external_id not in (self.demanded or set()):
            self.note_that_dms_saw_it()
            self._write({external_id, *(self.demanded or set())})

    def demand_only(self, external_id: str) -> None:
        """Accept this id and no other."""
        if self.demanded != {external_id} or not self._has_source_account:
            self._write({external_id})

    def demand_none(self) -> None:
        """Trust DMS whatever the ExternalId, so that DMS tells it anew. Until it has, the role may do nothing."""
        if self.is_attached:
            self.accounts.iam.detach(self.role.name, self.policy)
            self.is_attached = False
        self._write(set())
        self.spread = 0.0

    def attach_if_bound(self) -> None:
        """Attach the policy, if the trust demands an ExternalId by now."""
        if self.demanded and not self.is_attached:
            self.attach()

    def attach(self) -> None:
        """Attach the policy, unless the role has it."""
        if not self.is_attached:
            self.accounts.iam.attach(self.role, self.policy)
            self.is_attached = True

    def is_outdated(self) -> bool:
        """Whether it demands an ExternalId, or has no statement of ours, and DMS has had the time to see it."""
        return (
            self.demanded != set() and self.accounts.deadline.clock() - self.changed_at > SECONDS_UNTIL_A_TRUST_COUNTS
        )

    def wait_until_dms_may_have_seen_it(self) -> None:
        """Sleep through the time in which a create-endpoint would be in vain, as far as it is known."""
        likely = self.changed_at + min(self.spread * LIKELY_SHARE, MOST_SECONDS_UNTRIED)
        self.accounts.deadline.wait(likely - self.accounts.deadline.clock())

    def pause(self, _waited: float) -> float:
        """The longest pause between two attempts, in seconds: shorter once DMS is likely to have seen the change."""
        return PAUSE_WHEN_LIKELY if self.spread > PAUSE else PAUSE

    def note_that_dms_saw_it(self) -> None:
        """Count how long the last change took to reach DMS."""
        self.accounts.figures.propagation.append(self.accounts.deadline.clock() - self.changed_at)

    def _write(self, external_ids: set[str]) -> None:
        if len(external_ids) > MOST_EXTERNAL_IDS:
            raise EndpointError(
                Code.NO_EXTERNAL_ID,
                f"update-assume-role-policy {self.role.name}: DMS told {len(external_ids)} ExternalIds, none twice",
                "Deploy again; if it stays, ask AWS Support",
            )
        others = other_statements(self.role.trust_policy)
        self.accounts.iam.set_trust(self.role, trust_policy(external_ids, others, self.source_account))
        self._has_source_account = True
        now = self.accounts.deadline.clock()
        self.demanded, self.changed_at, self.spread = external_ids, now, now - self.changed_at
        self.attach_if_bound()
