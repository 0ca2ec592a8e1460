"""The Lambda function: one handler for Create, Update and Delete of Custom::CreateDMSS3Endpoint.

The way of an event: handler -> Event -> lifecycle -> origin -> lease -> survey (observe, plan) -> provision or
deprovision -> aws, and back: Answer -> Response -> CloudFormation.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import boto3

from .aws import sessions
from .aws.accounts import Accounts
from .aws.deadline import SECONDS_KEPT_TO_ANSWER, SECONDS_KEPT_TO_END, Deadline
from .cloudformation import aliases, lifecycle, telemetry
from .cloudformation.event import Event
from .cloudformation.origin import Origin, ensure_answerable, read_accounts
from .cloudformation.response import Response
from .model.arns import Arn, arn_of
from .model.environments import Environment, read_environments
from .model.figures import Figures
from .procedure.lease import Lease

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext


def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, object] | None:
    """Answer CloudFormation exactly once; a Check, which CloudFormation never sends, by the returned report.

    Raises ForeignUrlError if the answer would go to somebody else, RuntimeError if it could not be delivered: that
    raises the alarm on the function's errors.
    """
    request, figures = Event.read(event), Figures()
    environment = request.environment_name(os.environ.get("ENVIRONMENTS", "").split(","))
    telemetry.start_logging(event, environment)
    until_the_end = Deadline.before_lambda_ends(context, SECONDS_KEPT_TO_END)
    deadline = Deadline.before_lambda_ends(context, SECONDS_KEPT_TO_ANSWER, figures.throttled)
    own = sessions.new_session()
    table = sessions.lease_table(own, os.environ.get("LEASE_TABLE", ""), until_the_end, figures)
    lease = Lease(table, deadline, request.resource, request.request_id, request.issued, token=uuid.uuid4().hex)
    function = Function(request, arn_of(context.invoked_function_arn), own, deadline, figures, lease)
    if request.request_type == "Check":
        return (lifecycle.check(request, function) if function.only_looks else aliases.refused_check()).as_json()
    ensure_answerable(str(event.get("ResponseURL", "")), request, function.arn)
    measurement = telemetry.Measurement(context.function_name, request, environment, figures)
    response = Response(request, until_the_end, measurement, lease)

    @response.create
    @response.update
    @response.delete
    def carry_out(_event: object, _context: object) -> str:
        """The physical id of the answer, as crhelper expects it."""
        looks = function.only_looks
        return response.take(aliases.refused_request(request) if looks else lifecycle.answer(request, function))

    response(event, context)
    if not response.delivered:
        raise RuntimeError("CloudFormation was not answered")
    return None


@dataclass
class Function:
    """The deployed function, for one request: see cloudformation.deployment. `arn` is what it was invoked by."""

    request: Event
    arn: Arn
    own: boto3.Session
    deadline: Deadline
    figures: Figures
    lease: Lease
    _entered: dict[str, Accounts] = field(default_factory=dict, init=False)

    @property
    def only_looks(self) -> bool:
        """Whether it must change nothing."""
        return aliases.only_looks(self.arn)

    @property
    def origin(self) -> Origin:
        """Whose requests are carried out."""
        asks = os.environ.get("VERIFY_STACKS") != "false"
        stacks = sessions.stacks(self.own, self.deadline, self.figures) if asks else None
        return Origin(self.arn, read_accounts(os.environ), stacks)

    @property
    def environments(self) -> Mapping[str, Environment]:
        """By name. Raises EndpointError (InternalError) if the function was deployed wrongly."""
        return read_environments(os.environ)

    def enter(self, environment: Environment) -> Accounts:
        """Assume both roles of the environment, once in a request. Raises EndpointError: AssumeRoleDenied."""
        if environment.name not in self._entered:
            name = sessions.session_name(self.request.stack_id, self.request.logical_id, self.request.request_id)
            policy = sessions.ONLY_LOOKING if self.only_looks else ""
            self._entered[environment.name] = sessions.enter(
                environment, name, self.deadline, self.figures, self.lease, self.own, policy
            )
        return self._entered[environment.name]
