"""What the lifecycle asks of the deployed function."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from ..aws.accounts import Accounts
from ..model.environments import Environment
from ..model.figures import Figures
from ..procedure.lease import Lease
from .origin import Origin


class Deployment(Protocol):
    """What the function was deployed with, the request's lease, and the way into an environment's two accounts."""

    @property
    def environments(self) -> Mapping[str, Environment]:
        """The environments by name. Raises EndpointError (InternalError) if the function was deployed wrongly."""

    @property
    def origin(self) -> Origin:
        """Whose requests are carried out."""

    @property
    def lease(self) -> Lease:
        """The lease of the request's resource, which is not yet acquired."""

    @property
    def figures(self) -> Figures:
        """What the request counts."""

    def enter(self, environment: Environment) -> Accounts:
        """Assume both roles. Raises EndpointError: AssumeRoleDenied."""
