"""Sessions: of the function itself, and of the two roles that it assumes for one request."""

from __future__ import annotations

import json
import re
from copy import copy
from functools import cache, partial
from typing import TYPE_CHECKING, Any, Protocol

import boto3
import botocore.session
from botocore.config import Config
from botocore.exceptions import ClientError, HTTPClientError
from botocore.hooks import HierarchicalEmitter

from ..model.descriptions import descriptions
from ..model.environments import Environment
from ..model.errors import Code, EndpointError
from ..model.figures import Figures
from ..model.ownership import stack_name
from .accounts import Accounts
from .deadline import Deadline
from .dms import Dms
from .errors import THROTTLING, aws_call, error_code, error_message
from .iam import Iam
from .lease_table import LeaseTable
from .parallel import in_parallel
from .stacks import Stacks
from .storage import Storage

if TYPE_CHECKING:
    from mypy_boto3_sts import STSClient

# An attempt of a call takes at most this long: to connect, for each address of the service that it tries, and to read.
SECONDS_TO_CONNECT, ADDRESSES, SECONDS_TO_READ = 3, 4, 20
# AWS may go on with a call for a moment after the client gave it up.
SECONDS_AFTER_GIVING_UP = 8
# So no attempt takes effect later than this after it began: 3 * 4 + 20 + 8 = 40.
SECONDS_OF_AN_ATTEMPT = SECONDS_TO_CONNECT * ADDRESSES + SECONDS_TO_READ + SECONDS_AFTER_GIVING_UP
# Botocore's standard mode. Its pauses grow to 10 s on average: 20 attempts outlast 155 s of throttling, which is what
# 200 endpoints at once need (development/benchmarks/scale.py). The timeouts keep a call that hangs within
# SECONDS_KEPT_TO_ANSWER.
MOST_ATTEMPTS = 20
CALLS = Config(
    retries={"mode": "standard", "total_max_attempts": MOST_ATTEMPTS},
    connect_timeout=SECONDS_TO_CONNECT,
    read_timeout=SECONDS_TO_READ,
)
# The lease is confirmed before each change, by a read that DynamoDB answers within milliseconds.
CALLS_OF_LEASES = Config(retries={"mode": "standard", "total_max_attempts": 6}, connect_timeout=2, read_timeout=3)
# The operations that change nothing begin with these.
READING = ("Describe", "Get", "List")
# What a session may do that only looks, whatever its role may: nothing that is not granted by both. At most 2,048
# characters. https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies.html#policies_session
ONLY_LOOKING = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Action": [
                    *("iam:Get*", "iam:List*", "dms:Describe*", "dms:ListTagsForResource"),
                    *("s3:GetBucketLocation", "s3:GetBucketPolicy", "kms:DescribeKey", "kms:GetKeyPolicy"),
                ],
                "Resource": "*",
            }
        ],
    }
)
# STS takes some seconds to see a trust policy that was deployed a moment ago.
SECONDS_FOR_A_NEW_TRUST = 15.0


class Guard(Protocol):
    """What stands before each attempt of each changing call: the request's lease."""

    def ensure_held(self, operation: str) -> None:
        """Raise EndpointError if the request may change nothing any more."""

    def note_unanswered(self, operation: str) -> None:
        """An attempt ended without an answer."""


def new_session(**credentials: str) -> boto3.Session:
    """Of the function's own role if no credentials are given. It shares only what botocore itself says and does."""
    shared = descriptions()
    of_botocore = botocore.session.Session(event_hooks=copy(_handlers()), include_builtin_handlers=False)
    of_botocore.register_component("data_loader", shared)
    session = boto3.Session(botocore_session=of_botocore, **credentials)
    # Each session of boto3 adds the same folder to those in which descriptions are looked for.
    shared.search_paths[:] = dict.fromkeys(shared.search_paths)
    return session


@cache
def _handlers() -> HierarchicalEmitter:
    """botocore's own handlers of events. To register them anew is a third of what the clients of a request take."""
    handlers = HierarchicalEmitter()
    botocore.session.Session(event_hooks=handlers)
    return handlers


def enter(
    environment: Environment,
    session_name: str,
    deadline: Deadline,
    figures: Figures,
    guard: Guard,
    own_session: boto3.Session,
    session_policy: str = "",
) -> Accounts:
    """Both accounts of the environment, as the roles assumed there see them. `session_name` ends with the RequestId.

    Raises EndpointError: AssumeRoleDenied if STS refuses a role, otherwise by what STS answers.
    """
    sts: STSClient = new_client(own_session, "sts", deadline, figures)
    begin = partial(assume, sts, session_name, deadline, session_policy=session_policy)
    data_lake, dms = in_parallel(
        partial(begin, environment.data_lake_role_arn), partial(begin, environment.dms_role_arn)
    )
    iam_client, dms_client = in_parallel(
        partial(new_client, data_lake, "iam", deadline, figures, guard=guard),
        partial(new_client, dms, "dms", deadline, figures, guard=guard),
    )
    return Accounts(
        iam=Iam(iam_client, environment.partition, environment.data_lake_account, deadline),
        dms=Dms(
            dms_client,
            deadline,
            never_external_ids=frozenset({session_name[-36:].lower()}),
            account_arn=f"arn:{environment.partition}:dms:{dms.region_name}:{environment.dms_account}",
        ),
        storage=Storage(partial(new_client, data_lake, deadline=deadline, figures=figures), dms.region_name),
        region=dms.region_name,
        deadline=deadline,
        figures=figures,
    )


def lease_table(own_session: boto3.Session, name: str, deadline: Deadline, figures: Figures) -> LeaseTable:
    """The table of this name, in the function's own account."""
    return LeaseTable(new_client(own_session, "dynamodb", deadline, figures, CALLS_OF_LEASES), name)


def stacks(own_session: boto3.Session, deadline: Deadline, figures: Figures) -> Stacks:
    """The stacks of the function's own account and region."""
    return Stacks(new_client(own_session, "cloudformation", deadline, figures))


def assume(
    sts: STSClient, session_name: str, deadline: Deadline, role_arn: str, session_policy: str = ""
) -> boto3.Session:
    """A session of the role; `session_name` leads from CloudTrail in its account back to the request.

    Raises EndpointError: AssumeRoleDenied if STS refuses, otherwise by what STS answers.
    """
    narrowed: Any = {"Policy": session_policy} if session_policy else {}
    for _waited in deadline.attempts(at_most=SECONDS_FOR_A_NEW_TRUST, longest=2.0):
        with aws_call(f"assume-role {role_arn}"):
            try:
                credentials = sts.assume_role(RoleArn=role_arn, RoleSessionName=session_name, **narrowed)["Credentials"]
            except ClientError as error:
                if error_code(error) not in ("AccessDenied", "InvalidClientTokenId"):
                    raise
                refusal = error_message(error)
            else:
                return new_session(
                    aws_access_key_id=credentials["AccessKeyId"],
                    aws_secret_access_key=credentials["SecretAccessKey"],
                    aws_session_token=credentials["SessionToken"],
                )
    raise EndpointError(
        Code.ASSUME_ROLE_DENIED,
        f"assume-role {role_arn}: {refusal}",
        "Deploy accounts/*.yaml in that account, trusting this function's role",
    )


def new_client(
    session: boto3.Session,
    service: str,
    deadline: Deadline,
    figures: Figures,
    config: Config = CALLS,
    guard: Guard | None = None,
) -> Any:
    """A client that starts no attempt after the deadline or past its `guard`, and counts the throttled attempts."""

    def _before_attempt(event_name: str, **_: object) -> None:
        deadline.raise_if_over()
        if guard and is_changing(event_name):
            guard.ensure_held(event_name.rpartition(".")[2])
            deadline.raise_if_over()

    def _after_attempt(
        response: tuple[Any, dict[str, Any]] | None, event_name: str, caught_exception: object = None, **_: object
    ) -> None:
        # A broken connection has no response.
        if response and response[1].get("Error", {}).get("Code") in THROTTLING:
            figures.throttled.append(event_name)
        if guard and isinstance(caught_exception, HTTPClientError) and is_changing(event_name):
            guard.note_unanswered(event_name.rpartition(".")[2])

    client: Any = session.client(service, config=config)  # type: ignore[call-overload]  # the stubs know literals only
    client.meta.events.register(f"before-send.{service}", _before_attempt)
    client.meta.events.register(f"needs-retry.{service}", _after_attempt)
    # botocore makes the exception classes at the first use, in each thread that comes first its own: then one thread
    # raises what the other does not catch.
    _ = client.exceptions
    return client


def is_changing(event_name: str) -> bool:
    """Whether an operation changes something; by its name, or by botocore's name of an event of it."""
    return not event_name.rpartition(".")[2].startswith(READING)


def session_name(stack_id: str, logical_id: str, request_id: str) -> str:
    """A RoleSessionName of at most 64 characters: 27 of the stack's name, a hyphen, the 36 of the request id."""
    stack = stack_name(stack_id) or logical_id
    return re.sub(r"[^\w+=,.@-]", "-", f"{stack[:27]}-{request_id}", flags=re.ASCII)[:64]
