"""The steps that only change tags: import, retag, give back."""

from __future__ import annotations

from ..aws.accounts import Accounts
from ..model.pieces import LiveEndpoint, Policy, Role
from .plan import Step


def retag(step: Step, accounts: Accounts) -> None:
    """Add and remove the step's tags on its piece. Raises EndpointError."""
    match step.piece:
        case Policy() as policy:
            accounts.iam.tag_policy(policy, step.added, step.removed)
        case Role() as role:
            accounts.iam.tag_role(role, step.added, step.removed)
        case LiveEndpoint() as live:
            accounts.dms.tag_endpoint(live, step.added, step.removed)
