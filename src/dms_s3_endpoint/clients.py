"""The function's AWS clients, kept while it is warm, and the sessions of the roles that it assumes."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from botocore.config import Config
from botocore.exceptions import ClientError

from .errors import THROTTLING, Code, EndpointError, error_code, error_message, step
from .metrics import Figures
from .ownership import stack_name
from .sdk import new_session

if TYPE_CHECKING:
    from mypy_boto3_sts import STSClient
    from mypy_boto3_sts.type_defs import CredentialsTypeDef

    from .patience import Patience

# Botocore's standard mode: ten attempts with growing pauses, 55 s of them on average, ride out the throttling of a
# fleet (`make bench`). The timeouts keep a call that hangs within SECONDS_KEPT_TO_ANSWER; no attempt starts after
# the deadline (see Patience.stop_when_over).
CALLS = Config(retries={"mode": "standard", "total_max_attempts": 10}, connect_timeout=5, read_timeout=20)
# A trust policy that was deployed a moment ago takes some seconds to be seen by STS.
SECONDS_FOR_A_NEW_TRUST = 15.0


@dataclass
class Clients:
    """One client for each service and role, with its connections: to make one takes longer than many a call.

    Lambda gives a process one request at a time. Each brings its own `patience`, `figures` and sessions, so that no
    client outlives its credentials, and CloudTrail shows for each call the request that it was made for.
    """

    patience: Patience = field(init=False)
    figures: Figures = field(init=False)
    # With the credentials that each signs with.
    _kept: dict[tuple[str, str], tuple[Any, Any]] = field(default_factory=dict)

    def of_function(self, service: str) -> Any:
        """With the credentials of the function's own role."""
        return self._client(service, "")[0]

    def prepare(self, *services_and_role_arns: tuple[str, str]) -> None:
        """Make the clients before there are sessions for them."""
        for service, role_arn in services_and_role_arns:
            self._client(service, role_arn)

    def of_role(self, service: str, role_arn: str, credentials: CredentialsTypeDef) -> Any:
        client, signs_with = self._client(service, role_arn)
        signs_with.access_key = credentials["AccessKeyId"]
        signs_with.secret_key = credentials["SecretAccessKey"]
        signs_with.token = credentials["SessionToken"]
        return client

    def _client(self, service: str, role_arn: str) -> tuple[Any, Any]:
        if (service, role_arn) not in self._kept:
            self._kept[service, role_arn] = self._new_client(service, role_arn)
        return self._kept[service, role_arn]

    def _new_client(self, service: str, role_arn: str) -> tuple[Any, Any]:
        session = new_session()
        if role_arn:
            session.set_credentials("none yet", "none yet")
        client = session.create_client(service, config=CALLS)
        # For each attempt of each call, retries included.
        client.meta.events.register(f"before-send.{service}", lambda **_: self.patience.stop_when_over())
        client.meta.events.register(f"needs-retry.{service}", self._count)
        return client, session.get_credentials()

    def _count(self, response: tuple[Any, dict[str, Any]] | None, event_name: str, **_: Any) -> None:
        """Each attempt that is throttled; a broken connection has no response."""
        if response and response[1].get("Error", {}).get("Code") in THROTTLING:
            self.figures.throttled.append(event_name)


def assume(sts: STSClient, session_name: str, patience: Patience, role_arn: str) -> CredentialsTypeDef:
    """Credentials of the role; `session_name` leads from CloudTrail in its account back to the request.

    Raises EndpointError: AssumeRoleDenied when STS refuses, else by what STS answers.
    """
    for _waited in patience.attempts(at_most=SECONDS_FOR_A_NEW_TRUST, longest=2.0):
        with step(f"assume-role {role_arn}"):
            try:
                return sts.assume_role(RoleArn=role_arn, RoleSessionName=session_name)["Credentials"]
            except ClientError as error:
                if error_code(error) not in ("AccessDenied", "InvalidClientTokenId"):
                    raise
                refusal = error_message(error)
    raise EndpointError(
        Code.ASSUME_ROLE_DENIED,
        f"assume-role {role_arn}: {refusal}",
        "Deploy accounts/*.yaml in that account, trusting this function's role",
    )


def session_name(stack_id: str, logical_id: str, request_id: str) -> str:
    """A RoleSessionName of at most 64 characters: 27 of the stack's name, a hyphen, the 36 of the request id."""
    stack = stack_name(stack_id) or logical_id
    return re.sub(r"[^\w+=,.@-]", "-", f"{stack[:27]}-{request_id}", flags=re.ASCII)[:64]
