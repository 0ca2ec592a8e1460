"""The Lambda function: one handler for Create, Update and Delete of Custom::CreateDMSS3Endpoint.

The way of an event: handler -> Event -> lifecycle -> lease -> survey (observe, plan) -> provision or deprovision
-> aws, and back: Answer -> Response -> CloudFormation.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .aws import sessions
from .aws.accounts import Accounts
from .aws.deadline import SECONDS_KEPT_TO_ANSWER, SECONDS_KEPT_TO_END, Deadline
from .cloudformation import lifecycle, telemetry
from .cloudformation.event import Event
from .cloudformation.response import Response
from .model.environments import Environment, read_environments
from .model.figures import Figures
from .procedure.lease import Lease

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext


def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, object] | None:
    """Answer CloudFormation exactly once; a Check, which CloudFormation never sends, by the returned report.

    Raises RuntimeError if the answer could not be delivered: that raises the alarm on the function's errors.
    """
    request, figures = Event.read(event), Figures()
    environment = request.environment_name(os.environ.get("ENVIRONMENTS", "").split(","))
    telemetry.start_logging(event, environment)
    until_the_end = Deadline.before_lambda_ends(context, SECONDS_KEPT_TO_END)
    deadline = Deadline.before_lambda_ends(context, SECONDS_KEPT_TO_ANSWER)
    table = sessions.lease_table(os.environ.get("LEASE_TABLE", ""), until_the_end, figures)
    lease = Lease(table, deadline, request.resource, request.request_id, request.issued, token=uuid.uuid4().hex)
    function = Function(request, deadline, figures, lease)
    if request.request_type == "Check":
        return lifecycle.check(request, function).as_json()
    measurement = telemetry.Measurement(context.function_name, request, environment, figures)
    response = Response(request, until_the_end, measurement, lease)

    @response.create
    @response.update
    @response.delete
    def carry_out(_event: object, _context: object) -> str:
        """The physical id of the answer, as crhelper expects it."""
        return response.take(lifecycle.answer(request, function))

    response(event, context)
    if not response.delivered:
        raise RuntimeError("CloudFormation was not answered")
    return None


@dataclass
class Function:
    """The deployed function, for one request: see cloudformation.deployment."""

    request: Event
    deadline: Deadline
    figures: Figures
    lease: Lease
    _entered: dict[str, Accounts] = field(default_factory=dict, init=False)

    @property
    def environments(self) -> Mapping[str, Environment]:
        """By name. Raises EndpointError (InternalError) if the function was deployed wrongly."""
        return read_environments(os.environ)

    def enter(self, environment: Environment) -> Accounts:
        """Assume both roles of the environment, once in a request. Raises EndpointError: AssumeRoleDenied."""
        if environment.name not in self._entered:
            name = sessions.session_name(self.request.stack_id, self.request.logical_id, self.request.request_id)
            self._entered[environment.name] = sessions.enter(environment, name, self.deadline, self.figures, self.lease)
        return self._entered[environment.name]
