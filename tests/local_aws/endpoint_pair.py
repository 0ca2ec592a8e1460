"""An endpoint, and its role in the other account, as the tests of the emulator make and ask for them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local_aws import EmbeddedAws

LAKE, DMS = "222222222222", "333333333333"


@dataclass
class Pair:
    """An endpoint, and its role in the other account."""

    aws: EmbeddedAws
    identifier: str

    @property
    def dms(self) -> Any:
        return self.aws.client("dms", DMS)

    @property
    def iam(self) -> Any:
        return self.aws.client("iam", LAKE)

    @property
    def role_arn(self) -> str:
        return f"arn:aws:iam::{LAKE}:role/{self.identifier}"

    @property
    def bucket(self) -> str:
        return f"bucket-{self.identifier}"

    def create(self, client: Any = None, settings: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
        given: dict[str, Any] = {"EndpointIdentifier": self.identifier, "EndpointType": "target", "EngineName": "s3"}
        given["S3Settings"] = {"BucketName": self.bucket, "ServiceAccessRoleArn": self.role_arn} | (settings or {})
        return dict((client or self.dms).create_endpoint(**given | more)["Endpoint"])

    def make_role(self, external_id: str = "") -> None:
        self.iam.create_role(RoleName=self.identifier, AssumeRolePolicyDocument=trust(external_id))

    def demand(self, external_id: str) -> None:
        self.iam.update_assume_role_policy(RoleName=self.identifier, PolicyDocument=trust(external_id))

    def made(self) -> dict[str, Any]:
        """The endpoint, by the usual two creates."""
        self.make_role()
        self.demand(self.create()["ExternalId"])
        return self.create()

    def found(self) -> dict[str, Any]:
        filters = [{"Name": "endpoint-id", "Values": [self.identifier]}]
        (endpoint,) = self.dms.describe_endpoints(Filters=filters)["Endpoints"]
        return dict(endpoint)

    def is_there(self) -> bool:
        return any(each["EndpointIdentifier"] == self.identifier for each in endpoints(self.dms))


def endpoints(dms: Any) -> list[dict[str, Any]]:
    return [each for page in dms.get_paginator("describe_endpoints").paginate() for each in page["Endpoints"]]


def trust(external_id: str = "", service: str = "dms.amazonaws.com") -> str:
    statement: dict[str, Any] = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    if external_id:
        statement["Condition"] = {"StringEquals": {"sts:ExternalId": external_id}}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def refused(code: str, call: Any, *given: Any, **named: Any) -> str:
    """The message of the error that the call must give."""
    with pytest.raises(ClientError) as caught:
        call(*given, **named)
    error: Any = caught.value.response["Error"]
    assert error["Code"] == code, error
    return str(error["Message"])
