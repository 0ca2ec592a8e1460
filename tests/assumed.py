"""Clients of a role that was assumed."""

from __future__ import annotations

from typing import Any

import boto3

from local_aws import EmbeddedAws


def assumed(aws: EmbeddedAws, account: str, role_arn: str, service: str, session_policy: str = "") -> Any:
    """A client of the service, as the role; narrowed by a policy of the session, if there is one."""
    given = {"RoleArn": role_arn, "RoleSessionName": "attempt"} | ({"Policy": session_policy} if session_policy else {})
    session = aws.client("sts", account).assume_role(**given)["Credentials"]
    return boto3.client(  # type: ignore[call-overload]  # a name that is no literal
        service,
        region_name=aws.region,
        endpoint_url=aws.endpoint_url,
        verify=aws.ca_bundle,
        aws_access_key_id=session["AccessKeyId"],
        aws_secret_access_key=session["SecretAccessKey"],
        aws_session_token=session["SessionToken"],
    )
