"""Steps 4 to 7: create-endpoint, take its ExternalId, demand it in the trust, create-endpoint again until accepted.

DMS tells the ExternalId in its answer, in a fault's text, or on the endpoint that a call left; which of them a real
account sees is not on record, so the handshake copes with each.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import Enum

from ..aws.accounts import Accounts
from ..aws.dms import CreateAnswer
from ..model.endpoint import Endpoint
from ..model.errors import Code, EndpointError, out_of_time
from ..model.ownership import Owner
from ..model.pieces import LiveEndpoint
from ..model.s3_settings import Setting
from .deprovision import delete_endpoint
from .recreation import is_unfit
from .refusals import refusal_of_foreign
from .trust import Trust

# IAM's changes reach DMS after some 10 to 40 s; other tools allow 2 to 5 minutes, and so do we.
SECONDS_UNTIL_ACCEPTED = 300.0
FIRST_PAUSE = 2.0
# A rejected create may leave an endpoint that shows the ExternalId; describe it after these rejections.
REJECTIONS_TO_LOOK_AFTER = {1, 10, 40}
# An endpoint that stands but shows no ExternalId after this many seconds will show none.
SECONDS_FOR_AN_EXTERNAL_ID = 30.0


class State(Enum):
    """How far the handshake is."""

    ABSENT = "no endpoint stands: call create-endpoint"
    STANDING = "the endpoint is active, and nothing has told its ExternalId yet"
    BOUND = "the endpoint is active, and the trust demands its ExternalId alone"


@dataclass
class Handshake:
    """One run of steps 4 to 7, for an endpoint with this trust. It attaches the policy, see Trust.

    Settings in `as_attributes` are also given as connection attributes.
    """

    wanted: Endpoint
    owner: Owner
    trust: Trust
    accounts: Accounts
    as_attributes: Mapping[str, Setting] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._state = State.ABSENT
        self._answer = CreateAnswer(accepted=False, external_id="")
        self._live: LiveEndpoint | None = None
        self._external_id = ""
        self._rejections = 0
        # Whether DMS had had the time to see the trust when create-endpoint was called last.
        self._trust_counted = False

    def run(self) -> LiveEndpoint:
        """The active endpoint, with its ExternalId in the trust.

        Raises EndpointError: NotAllowListed, RoleNotAssumable, NoExternalId, NameTaken, NotStabilized.
        """
        for waited in self.accounts.deadline.attempts(SECONDS_UNTIL_ACCEPTED, FIRST_PAUSE, self.trust.pause):
            if self._state is State.ABSENT:
                self.trust.wait_until_dms_may_have_seen_it()
                self._create()  # steps 4 and 7
            self._take_external_id()  # step 5
            self._bind_trust()  # step 6
            if self._live and self._state is State.BOUND:
                return replace(self._live, external_id=self._external_id)
            if self._state is State.STANDING and waited > SECONDS_FOR_AN_EXTERNAL_ID:
                self._create_anew()
            if not self._answer.accepted and not self._answer.external_id and self.trust.is_outdated():
                self.trust.demand_none()
                self._external_id = ""
        raise self._not_accepted()

    def _create(self) -> None:
        tags = self._tags()
        self._trust_counted = self.trust.is_outdated()
        self._answer = self.accounts.dms.create_endpoint(self.wanted, self.trust.role.arn, tags, self.as_attributes)
        self._rejections += self._answer.tells_nothing

    def _tags(self) -> dict[str, str]:
        return dict(self.wanted.tags) | self.owner.tags(self.wanted.fingerprint)

    def _take_external_id(self) -> None:
        """From the endpoint if it stands, otherwise from the answer, otherwise as known before."""
        self.trust.demand(self._answer.external_id)
        if self._state is State.STANDING or self._may_stand():
            self._live = self._look()
        shown = self._live.external_id if self._live else ""
        self._external_id = shown or self._answer.external_id or self._external_id
        is_active = self._live is not None and self._live.status == "active"
        self._state = State.STANDING if is_active else State.ABSENT

    def _may_stand(self) -> bool:
        return self._live is not None or not self._answer.tells_nothing or self._rejections in REJECTIONS_TO_LOOK_AFTER

    def _look(self) -> LiveEndpoint | None:
        """The endpoint as a create-endpoint left it; an unfit one in the way of the next is deleted."""
        answer = self._answer
        if answer.external_id and not answer.accepted:
            return None
        live = self.accounts.dms.find_endpoint(
            self.wanted.endpoint_identifier, self._tags() if answer.accepted else None
        )
        if live is None:
            return None
        if not self.owner.owns(live.tags):
            raise refusal_of_foreign(self.owner, live)
        live = self.accounts.dms.once_created(live)
        unfit = is_unfit(self.wanted, live)
        if unfit and (answer.exists or answer.accepted):
            delete_endpoint(live, self.accounts)
        # One that is not active still shows the ExternalId.
        return None if unfit and live.status == "active" else live

    def _bind_trust(self) -> None:
        if self._state is State.STANDING and self._external_id:
            if self._answer.accepted:
                self.trust.note_that_dms_saw_it()
            self.trust.demand_only(self._external_id)
            self._state = State.BOUND
        else:
            self.trust.demand(self._external_id)

    def _create_anew(self) -> None:
        """The ExternalId was in an answer that got lost; the answer for the next endpoint has one."""
        if self._live is None or not self._answer.exists:
            raise no_external_id(self.wanted.endpoint_identifier)
        delete_endpoint(self._live, self.accounts)
        self._live, self._state = None, State.ABSENT

    def _not_accepted(self) -> EndpointError:
        name, answer = f"create-endpoint {self.wanted.endpoint_identifier}", self._answer
        is_promised = answer.accepted and bool(self._external_id)
        # Where AWS throttles each call for minutes, the time may be up before DMS could see the trust.
        if self.accounts.deadline.is_near() or (is_promised and not self._trust_counted):
            return out_of_time(f"{name}: {answer.rejection or 'not active yet'}")
        if answer.exists:
            return EndpointError(
                Code.NAME_TAKEN,
                f"{name}: resource identifier {self.wanted.resource_identifier} is taken ({answer.rejection})",
                "Choose another RESOURCEIDENTIFIER",
            )
        if answer.accepted and not is_promised:
            return no_external_id(self.wanted.endpoint_identifier)
        rejection = answer.rejection or "it tells an ExternalId, and keeps no endpoint"
        return EndpointError(
            Code.ROLE_NOT_ASSUMABLE,
            f"{name}: DMS can't assume {self.trust.role.arn}: {rejection}",
            "Check service control policies and that AWS Support has allowed the pair of accounts",
        )


def no_external_id(identifier: str) -> EndpointError:
    """The error when DMS tells no ExternalId at all."""
    return EndpointError(
        Code.NO_EXTERNAL_ID,
        f"create-endpoint {identifier}: DMS tells no ExternalId, so the role's trust can't be bound to the endpoint",
        "Check that the role is in another account than DMS, then ask AWS Support",
    )
