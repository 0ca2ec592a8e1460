"""Sessions: of the function itself, and of the two roles that it assumes for one request."""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from ..model.environments import Environment
from ..model.errors import Code, EndpointError
from ..model.figures import Figures
from ..model.ownership import stack_name
from .accounts import Accounts
from .deadline import Deadline
from .dms import Dms
from .errors import THROTTLING, aws_call, error_code, error_message
from .iam import Iam
from .parallel import in_parallel
from .storage import Storage

if TYPE_CHECKING:
    from mypy_boto3_sts import STSClient

# Botocore's standard mode: ten attempts with growing pauses, 55 s of them on average, outlast the throttling of a
# fleet (`make bench`). The timeouts keep a call that hangs within SECONDS_KEPT_TO_ANSWER.
CALLS = Config(retries={"mode": "standard", "total_max_attempts": 10}, connect_timeout=5, read_timeout=20)
# STS takes some seconds to see a trust policy that was deployed a moment ago.
SECONDS_FOR_A_NEW_TRUST = 15.0


def enter(environment: Environment, session_name: str, deadline: Deadline, figures: Figures) -> Accounts:
    """Both accounts of the environment, as the roles assumed there see them.

    Raises EndpointError: AssumeRoleDenied if STS refuses a role, otherwise by what STS answers.
    """
    sts: STSClient = new_client(boto3.Session(), "sts", deadline, figures)
    begin = partial(assume, sts, session_name, deadline)
    data_lake, dms = in_parallel(
        partial(begin, environment.data_lake_role_arn), partial(begin, environment.dms_role_arn)
    )
    iam_client, dms_client = in_parallel(
        partial(new_client, data_lake, "iam", deadline, figures), partial(new_client, dms, "dms", deadline, figures)
    )
    return Accounts(
        iam=Iam(iam_client, environment.partition, environment.data_lake_account, deadline),
        dms=Dms(dms_client, deadline),
        storage=Storage(partial(new_client, data_lake, deadline=deadline, figures=figures), dms.region_name),
        region=dms.region_name,
        deadline=deadline,
        figures=figures,
    )


def assume(sts: STSClient, session_name: str, deadline: Deadline, role_arn: str) -> boto3.Session:
    """A session of the role; `session_name` leads from CloudTrail in its account back to the request.

    Raises EndpointError: AssumeRoleDenied if STS refuses, otherwise by what STS answers.
    """
    for _waited in deadline.attempts(at_most=SECONDS_FOR_A_NEW_TRUST, longest=2.0):
        with aws_call(f"assume-role {role_arn}"):
            try:
                credentials = sts.assume_role(RoleArn=role_arn, RoleSessionName=session_name)["Credentials"]
            except ClientError as error:
                if error_code(error) not in ("AccessDenied", "InvalidClientTokenId"):
                    raise
                refusal = error_message(error)
            else:
                return boto3.Session(
                    aws_access_key_id=credentials["AccessKeyId"],
                    aws_secret_access_key=credentials["SecretAccessKey"],
                    aws_session_token=credentials["SessionToken"],
                )
    raise EndpointError(
        Code.ASSUME_ROLE_DENIED,
        f"assume-role {role_arn}: {refusal}",
        "Deploy accounts/*.yaml in that account, trusting this function's role",
    )


def new_client(session: boto3.Session, service: str, deadline: Deadline, figures: Figures) -> Any:
    """A client that starts no attempt after the deadline, retries included, and counts the throttled ones."""

    def _count_throttled(response: tuple[Any, dict[str, Any]] | None, event_name: str, **_: object) -> None:
        # A broken connection has no response.
        if response and response[1].get("Error", {}).get("Code") in THROTTLING:
            figures.throttled.append(event_name)

    def _stop_at_the_deadline(**_: object) -> None:
        deadline.raise_if_over()

    client: Any = session.client(service, config=CALLS)  # type: ignore[call-overload]  # the stubs know literals only
    client.meta.events.register(f"before-send.{service}", _stop_at_the_deadline)
    client.meta.events.register(f"needs-retry.{service}", _count_throttled)
    # botocore makes the exception classes at the first use, in each thread that comes first its own: then one thread
    # raises what the other does not catch.
    _ = client.exceptions
    return client


def session_name(stack_id: str, logical_id: str, request_id: str) -> str:
    """A RoleSessionName of at most 64 characters: 27 of the stack's name, a hyphen, the 36 of the request id."""
    stack = stack_name(stack_id) or logical_id
    return re.sub(r"[^\w+=,.@-]", "-", f"{stack[:27]}-{request_id}", flags=re.ASCII)[:64]
