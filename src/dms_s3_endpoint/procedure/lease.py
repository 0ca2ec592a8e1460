"""One update at a time: a lease on the role of the endpoint, so that an update that was cancelled stops.

CloudFormation sends the Update of a rollback while the one that it cancelled may still run, for minutes; the last
one to begin must win. Creates need no lease: the Delete of a cancelled Create removes its role.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field

from ..aws.deadline import Deadline
from ..aws.iam import Iam
from ..model.errors import EndpointError, out_of_time
from ..model.ownership import CHANGED_BY
from ..model.pieces import Role

logger = logging.getLogger(__name__)

# A call in flight when the lease changes hands: connect and read timeout (aws/sessions.py, CALLS).
SECONDS_UNTIL_THE_OTHER_STOPS = 25.0
# Follows the RequestId in the tag once the update is over; the tag stays, so that a late delivery knows its own.
ENDED = " ended"


@dataclass
class Lease:
    """The lease of one request, identified by its RequestId: two deliveries of one event share it.

    A lease that was never acquired is always held: Creates and Deletes go without.
    """

    request_id: str
    iam: Iam
    deadline: Deadline
    _role: Role | None = field(default=None, init=False)

    def is_held_by_another(self, role: Role) -> bool:
        """Whether another request began a change and did not end it: it is at work, or was killed."""
        return not self._is_ours(role) and not role.tags.get(CHANGED_BY, ENDED).endswith(ENDED)

    def _is_ours(self, role: Role) -> bool:
        return role.tags.get(CHANGED_BY, "").removesuffix(ENDED) == self.request_id

    def acquire(self, role: Role) -> None:
        """Write the lease on the role, unless it is held already."""
        if self._role is None:
            self.iam.tag_role(role, {CHANGED_BY: self.request_id}, [])
            self._role = role

    def take_over(self, role: Role) -> None:
        """Acquire the lease from another request, and give that one the time to notice."""
        logger.warning("Another request is changing the endpoint", extra={"other_request": role.tags[CHANGED_BY]})
        try:
            self.acquire(role)
        except EndpointError:
            if self.iam.find_role(role.name):
                raise
        self.deadline.wait(SECONDS_UNTIL_THE_OTHER_STOPS)
        if self.iam.find_role(role.name) is None:
            # The other request had just given the role up. The lease goes on the role that the endpoint has now.
            self._role = None

    def ensure_held(self) -> None:
        """Raise EndpointError (NotStabilized) once another request has taken over."""
        if self._role is None:
            return
        now = self.iam.find_role(self._role.name)
        if now is None or not self._is_ours(now):
            raise out_of_time(f"get-role {self._role.name}: a later request is changing the endpoint")

    def release(self) -> None:
        """End the lease. Raises nothing: a lease that was not ended only makes the next update wait."""
        role, self._role = self._role, None
        if role is None:
            return
        try:
            now = self.iam.find_role(role.name)
            if now and self._is_ours(now):
                self.iam.tag_role(now, {CHANGED_BY: f"{self.request_id}{ENDED}"}, [])
        except EndpointError as error:
            logger.warning("The lease was not released", extra={"cause": error.reason})
