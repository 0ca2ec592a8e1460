"""The environments that the function was deployed with, and the sessions of their two roles."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from .errors import Code, EndpointError, error_code, error_message, step
from .patience import Patience

# Five attempts of botocore's standard mode ride out throttling and 5xx. The timeouts keep a call that hangs
# within SECONDS_KEPT_TO_ANSWER; no attempt starts after the deadline (see Patience.stop_when_over).
CALLS = Config(retries={"mode": "standard", "total_max_attempts": 5}, connect_timeout=5, read_timeout=20)
# A trust policy that was deployed a moment ago takes some seconds to be seen by STS.
SECONDS_FOR_A_NEW_TRUST = 15.0
ROLE_ARN = re.compile(r"arn:(?P<partition>aws[a-z-]*):iam::(?P<account>[0-9]{12}):role/[\w+=,.@/-]+", re.ASCII)
NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,31}", re.ASCII)


@dataclass(frozen=True)
class Environment:
    """One pair of accounts, as `template.yaml` was told of it."""

    name: str
    data_lake_role_arn: str
    dms_role_arn: str

    @property
    def partition(self) -> str:
        return self.data_lake_role_arn.split(":")[1]

    @property
    def data_lake_account(self) -> str:
        return self.data_lake_role_arn.split(":")[4]

    @property
    def dms_account(self) -> str:
        return self.dms_role_arn.split(":")[4]


@dataclass(frozen=True)
class Accounts:
    """Sessions of the two roles of one environment."""

    data_lake: boto3.Session
    dms: boto3.Session


def read_environments(variables: Mapping[str, str]) -> dict[str, Environment]:
    """The environments by name, from the function's three comma-delimited lists of equal length.

    Raises EndpointError (InternalError) where the lists don't fit: the function was deployed wrongly.
    """
    names = _items(variables, "ENVIRONMENTS")
    data_lake_role_arns = _items(variables, "DATA_LAKE_ROLE_ARNS")
    dms_role_arns = _items(variables, "DMS_ROLE_ARNS")
    if not names or not len(names) == len(data_lake_role_arns) == len(dms_role_arns) == len(set(names)):
        counts = (
            f"{len(names)} Environments, {len(data_lake_role_arns)} DataLakeRoleArns, {len(dms_role_arns)} DmsRoleArns"
        )
        raise _deployed_wrongly(counts)
    for name in names:
        if not NAME.fullmatch(name) or name == "invalid":
            raise _deployed_wrongly(f"environment name {name!r}")
    for arn in data_lake_role_arns + dms_role_arns:
        if not ROLE_ARN.fullmatch(arn):
            raise _deployed_wrongly(f"{arn!r}, which is not the ARN of a role")
    triples = zip(names, data_lake_role_arns, dms_role_arns, strict=True)
    return {name: Environment(name, data_lake, dms) for name, data_lake, dms in triples}


def _items(variables: Mapping[str, str], variable: str) -> list[str]:
    return [item.strip() for item in variables.get(variable, "").split(",") if item.strip()]


def _deployed_wrongly(what: str) -> EndpointError:
    return EndpointError(
        Code.INTERNAL_ERROR,
        f"The function was deployed with {what}",
        "Deploy template.yaml again with three lists of equal length: unique names, ARNs of roles",
    )


def assume(role_arn: str, session_name: str, patience: Patience) -> boto3.Session:
    """A session of the role; `session_name` leads from CloudTrail in its account back to the request.

    Raises EndpointError: AssumeRoleDenied when STS refuses, else by what STS answers.
    """
    sts = guarded_client(boto3.Session(), "sts", patience)
    for _waited in patience.attempts(at_most=SECONDS_FOR_A_NEW_TRUST, longest=2.0):
        with step(f"assume-role {role_arn}"):
            try:
                credentials = sts.assume_role(RoleArn=role_arn, RoleSessionName=session_name)["Credentials"]
            except ClientError as error:
                if error_code(error) not in ("AccessDenied", "InvalidClientTokenId"):
                    raise
                refusal = error_message(error)
                continue
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


def session_name(logical_id: str, request_id: str) -> str:
    """A RoleSessionName of at most 64 characters: 27 of the logical id, a hyphen, the 36 of the request id."""
    return re.sub(r"[^\w+=,.@-]", "-", f"{logical_id[:27]}-{request_id}", flags=re.ASCII)[:64]


def guarded_client(session: boto3.Session, service: str, patience: Patience) -> Any:
    """A client of which no attempt of any call, retries included, starts after the deadline."""
    client = session.client(service, config=CALLS)  # type: ignore[call-overload]  # a name that is no literal
    client.meta.events.register(f"before-send.{service}", lambda **_: patience.stop_when_over())
    return client
