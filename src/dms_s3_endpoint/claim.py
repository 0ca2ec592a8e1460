"""Which update is at work on an endpoint: a tag on its role, so that an update that was cancelled stops.

CloudFormation sends the Update of a rollback while the one that it cancelled may still run, for minutes; the last
one to begin must win. Creates need no claim: the Delete of a cancelled one takes away its role.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field

from .data_lake import DataLake, Role
from .errors import EndpointError, out_of_time
from .ownership import CHANGED_BY
from .patience import Patience

logger = logging.getLogger(__name__)

# A call that is on its way when the claim changes hands: connect and read timeout (see clients.CALLS).
SECONDS_UNTIL_THE_OTHER_STOPS = 25.0
# After the RequestId, once its change is over; the tag stays, so that a late delivery still knows its own.
ENDED = " ended"


@dataclass
class Claim:
    """The claim of one request, told apart by its RequestId: two deliveries of one event work side by side."""

    request_id: str
    data_lake: DataLake
    patience: Patience
    _role: Role | None = field(default=None, init=False)

    def is_anothers(self, role: Role) -> bool:
        """Whether another request has begun a change and not ended it: it is at work, or was killed."""
        return not self._is_ours(role) and not role.tags.get(CHANGED_BY, ENDED).endswith(ENDED)

    def _is_ours(self, role: Role) -> bool:
        return role.tags.get(CHANGED_BY, "").removesuffix(ENDED) == self.request_id

    def take(self, role: Role) -> None:
        """Unless it is held already."""
        if self._role is None:
            self.data_lake.tag_role(role, {CHANGED_BY: self.request_id}, [])
            self._role = role

    def take_over(self, role: Role) -> None:
        """Take it, and give the other request the time to see so."""
        logger.warning("Another request is changing the endpoint", extra={"other_request": role.tags[CHANGED_BY]})
        try:
            self.take(role)
        except EndpointError:
            if self.data_lake.find_role(role.name):
                raise
        self.patience.wait(SECONDS_UNTIL_THE_OTHER_STOPS)
        if self.data_lake.find_role(role.name) is None:
            # The other one had just given it up: the claim goes to the role that its endpoint has now.
            self._role = None

    def demand(self) -> None:
        """Raises EndpointError (NotStabilized) once another request has taken over."""
        if self._role is None:
            return
        now = self.data_lake.find_role(self._role.name)
        if now is None or not self._is_ours(now):
            raise out_of_time(f"get-role {self._role.name}: a later request is changing the endpoint")

    def end(self) -> None:
        """At the end, whichever; a claim that was not ended makes the next update wait a little."""
        role, self._role = self._role, None
        if role is None:
            return
        try:
            now = self.data_lake.find_role(role.name)
            if now and self._is_ours(now):
                self.data_lake.tag_role(now, {CHANGED_BY: f"{self.request_id}{ENDED}"}, [])
        except EndpointError as error:
            logger.warning("The claim was not ended", extra={"cause": error.reason})
