"""The Lambda function: one handler for Create, Update and Delete of Custom::CreateDMSS3Endpoint."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Mapping
from functools import cache, partial
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger

from .answer import Answer, Operation
from .check import check
from .clients import Clients, assume, session_name
from .data_lake import DataLake
from .dms import Dms
from .endpoint import Accounts
from .environments import Environment, read_environments
from .errors import Code, EndpointError
from .lifecycle import Deployment, Outcome, create, delete, update
from .metrics import Figures, Request, emit
from .ownership import stack_name
from .parallel import in_parallel
from .patience import SECONDS_KEPT_TO_ANSWER, Patience
from .request import INVALID, Event, physical_id_of

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

logger = logging.getLogger(__name__)

SECONDS_KEPT_TO_END = 1.0


def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, object] | None:
    """Answers CloudFormation exactly once; or a Check, which CloudFormation never sends, by what it returns.

    Raises RuntimeError where the answer could not be delivered, for the alarm on the function's errors.
    """
    if event.get("RequestType") == "Check":
        _start_logging(event)
        return check(*_request_in_deployment(event, _patience(context, SECONDS_KEPT_TO_END), Figures()))
    began, figures = time.monotonic(), Figures()
    _start_logging(event)
    work = _patience(context, SECONDS_KEPT_TO_ANSWER)
    answer = Answer(
        _operations(event, work, figures),
        partial(_failed_id, event),
        _patience(context, SECONDS_KEPT_TO_END),
        lambda outcome: _measure(event, context, outcome, time.monotonic() - began, figures),
    )
    answer(event, context)
    if not answer.delivered:
        raise RuntimeError("CloudFormation was not answered")
    return None


def _start_logging(event: Mapping[str, Any]) -> None:
    """Correlation keys on each line; never the event itself, which has the ResponseURL."""
    keys = ("StackId", "RequestId", "LogicalResourceId", "RequestType", "PhysicalResourceId")
    structured = Logger(service="dms_s3_endpoint", level=os.environ.get("LOG_LEVEL", "INFO"))
    given = {_snake(key): event[key] for key in keys if key in event}
    given |= {"stack_name": stack_name(str(event.get("StackId", "")))}
    if environment := _environment_of(event):
        given["environment"] = environment
    structured.structure_logs(append=False, **given)
    structured.info("Request received")


def _environment_of(event: Mapping[str, Any]) -> str:
    """The deployed environment that the event is about, by its properties, or else by its physical id; or empty."""
    given = event.get("ResourceProperties")
    properties = given if isinstance(given, Mapping) else {}
    named = [value for key, value in properties.items() if key.upper() == "ENVIRONMENT"]
    named.append(str(event.get("PhysicalResourceId", "")).partition("/")[0])
    deployed = os.environ.get("ENVIRONMENTS", "").split(",")
    return next((str(name) for name in named if name in deployed), "")


def _measure(event: Mapping[str, Any], context: LambdaContext, outcome: str, seconds: float, figures: Figures) -> None:
    """The request is answered: what goes wrong here is for the log alone."""
    request_type = event.get("RequestType")
    known = request_type if request_type in ("Create", "Update", "Delete") else "Unknown"
    request = Request(context.function_name, known, _environment_of(event) or "unknown")
    try:
        emit(request, outcome, seconds, figures)
    except Exception as error:
        logger.warning("The request was not measured", exc_info=error)


def _snake(key: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in key).lstrip("_")


def _patience(context: LambdaContext, kept: float) -> Patience:
    """Until `kept` seconds before Lambda ends the function."""
    deadline = time.monotonic() + context.get_remaining_time_in_millis() / 1000 - kept
    return Patience(deadline, time.monotonic, time.sleep)


def _operations(event: Mapping[str, Any], patience: Patience, figures: Figures) -> dict[str, Operation]:
    def run(operation: Any) -> Outcome:
        outcome: Outcome = operation(*_request_in_deployment(event, patience, figures))
        return outcome

    return {"Create": partial(run, create), "Update": partial(run, update), "Delete": partial(run, delete)}


def _request_in_deployment(event: Mapping[str, Any], patience: Patience, figures: Figures) -> tuple[Event, Deployment]:
    request = Event.read(event)
    return request, Deployment(read_environments(os.environ), partial(_enter, request, patience, figures))


def _enter(event: Event, patience: Patience, figures: Figures, environment: Environment) -> Accounts:
    """Both roles of the environment, assumed side by side; in a cold function their clients are made meanwhile."""
    in_data_lake, in_dms = ("iam", environment.data_lake_role_arn), ("dms", environment.dms_role_arn)
    clients = _warm_clients()
    clients.patience, clients.figures = patience, figures
    name = session_name(event.stack_id, event.logical_id, event.request_id)
    begin = partial(assume, clients.of_function("sts"), name, patience)
    data_lake_session, dms_session, _prepared = in_parallel(
        partial(begin, environment.data_lake_role_arn),
        partial(begin, environment.dms_role_arn),
        partial(clients.prepare, in_data_lake, in_dms),
    )
    iam, dms = clients.of_role(*in_data_lake, data_lake_session), clients.of_role(*in_dms, dms_session)
    return Accounts(
        data_lake=DataLake(iam, environment.partition, environment.data_lake_account, patience),
        dms=Dms(dms, patience),
        region=os.environ["AWS_REGION"],
        patience=patience,
        figures=figures,
        client_in_data_lake=lambda service: clients.of_role(service, environment.data_lake_role_arn, data_lake_session),
    )


@cache
def _warm_clients() -> Clients:
    return Clients()


def _failed_id(event: Mapping[str, Any], error: EndpointError) -> str:
    """The id of a request that failed: of a Create that touched nothing the marker, whose Delete does nothing.

    So a stack whose roles can't be assumed yet rolls back: a Delete by the real id would be denied just the same.
    """
    if event.get("PhysicalResourceId"):
        return str(event["PhysicalResourceId"])
    marker = f"{INVALID}{event.get('LogicalResourceId', '')}"
    if error.code is Code.ASSUME_ROLE_DENIED:
        return marker
    try:
        environments = read_environments(os.environ)
    except EndpointError:
        return marker
    return physical_id_of(event.get("ResourceProperties"), environments) or marker
