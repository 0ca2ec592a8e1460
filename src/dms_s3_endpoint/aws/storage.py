"""Bucket and key of an endpoint, as far as a check may look: where they are and whom they admit, never their content.

https://docs.aws.amazon.com/dms/latest/userguide/CHAP_Target.S3.html#CHAP_Target.S3.Prerequisites
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from ..model.arns import read_arn
from ..model.endpoint import Endpoint
from ..model.policies import access_policy, listed, statements_of
from .errors import aws_call, error_code, error_message, is_denial

if TYPE_CHECKING:
    from mypy_boto3_kms import KMSClient
    from mypy_boto3_s3 import S3Client


@dataclass(frozen=True)
class Storage:
    """S3 and KMS of the data-lake account, and the region of the endpoints; only a check makes the clients."""

    new_client: Callable[[str], Any]
    region: str

    def problems(self, endpoint: Endpoint) -> list[str]:
        """What would stop DMS from using bucket or key. Raises EndpointError if AWS answers with another error."""
        return [
            *_problems_of_bucket(self.new_client("s3"), endpoint, self.region),
            *_problems_of_key(self.new_client("kms"), endpoint, self.region),
        ]


def _problems_of_bucket(s3: S3Client, endpoint: Endpoint, region: str) -> Iterator[str]:
    bucket, owner = endpoint.bucket_name, str(endpoint.effective_settings["ExpectedBucketOwner"])
    with aws_call(f"get-bucket-location {bucket}"):
        try:
            answer = s3.get_bucket_location(Bucket=bucket, ExpectedBucketOwner=owner)
        except ClientError as error:
            yield _why_no_bucket(bucket, owner, error)
            return
    location = answer["LocationConstraint"] or "us-east-1"
    if location != region:
        yield f"bucket {bucket} is in {location}, and DMS wants it in {region}"
    if document := _bucket_policy(s3, bucket, owner):
        yield from _denials(f"bucket {bucket}", document, endpoint, region)


def _bucket_policy(s3: S3Client, bucket: str, owner: str) -> Mapping[str, Any]:
    """Empty if there is none."""
    with aws_call(f"get-bucket-policy {bucket}"):
        try:
            policy: Mapping[str, Any] = json.loads(
                s3.get_bucket_policy(Bucket=bucket, ExpectedBucketOwner=owner)["Policy"]
            )
        except ClientError as error:
            if error_code(error) != "NoSuchBucketPolicy":
                raise
            return {}
    return policy


def _problems_of_key(kms: KMSClient, endpoint: Endpoint, region: str) -> Iterator[str]:
    statements = access_policy(endpoint, region)["Statement"]
    key = next((each["Resource"] for each in statements if each["Sid"] == "UseKey"), "")
    if not key:
        return
    with aws_call(f"describe-key {key}"):
        try:
            described = kms.describe_key(KeyId=key)["KeyMetadata"]
        except ClientError as error:
            if error_code(error) != "NotFoundException" and not is_denial(error):
                raise
            yield f"key {key} does not exist, or may not be described: {error_message(error)}"
            return
    if described["KeyState"] != "Enabled":
        yield f"key {key} is {described['KeyState']}"
    arn = read_arn(described["Arn"])
    if arn and arn.account == endpoint.environment.data_lake_account:
        yield from _problems_of_key_policy(kms, key, endpoint, region)


def _problems_of_key_policy(kms: KMSClient, key: str, endpoint: Endpoint, region: str) -> Iterator[str]:
    with aws_call(f"get-key-policy {key}"):
        document = json.loads(kms.get_key_policy(KeyId=key, PolicyName="default")["Policy"])
    if not any(_allows(each, endpoint) for each in statements_of(document)):
        yield f"the policy of key {key} admits neither its account nor the role"
    yield from _denials(f"key {key}", document, endpoint, region)


def _why_no_bucket(bucket: str, owner: str, error: ClientError) -> str:
    if error_code(error) == "NoSuchBucket":
        return f"bucket {bucket} does not exist"
    if is_denial(error):
        return f"bucket {bucket} belongs to another account than {owner}, or may not be read: {error_message(error)}"
    raise error


def _allows(statement: Mapping[str, Any], endpoint: Endpoint) -> bool:
    account = f"arn:{endpoint.environment.partition}:iam::{endpoint.environment.data_lake_account}"
    names = {f"{account}:root", endpoint.environment.data_lake_account, "*"}
    return statement.get("Effect") == "Allow" and any(
        name in names or (name.startswith(f"{account}:role/") and name.endswith(f"/{endpoint.role_name}"))
        for name in _principals(statement)
    )


def _denials(thing: str, document: Mapping[str, Any], endpoint: Endpoint, region: str) -> Iterator[str]:
    """Statements that deny the role an action that it needs. Conditional denials are ignored."""
    needed = {action for each in access_policy(endpoint, region)["Statement"] for action in each["Action"]}
    for number, statement in enumerate(statements_of(document), 1):
        if statement.get("Effect") == "Deny" and _is_about(statement, endpoint):
            denied = sorted(action for action in needed if _names(statement, action))
            name = statement.get("Sid", f"number {number}")
            if denied and "Condition" not in statement:
                yield f"the policy of {thing} denies {', '.join(denied)} (statement {name})"


def _is_about(statement: Mapping[str, Any], endpoint: Endpoint) -> bool:
    account = endpoint.environment.data_lake_account
    return any(
        name in ("*", account) or name.endswith((f"{account}:root", f"/{endpoint.role_name}"))
        for name in _principals(statement)
    )


def _principals(statement: Mapping[str, Any]) -> list[str]:
    principal = statement.get("Principal", [])
    return listed(principal.get("AWS", []) if isinstance(principal, Mapping) else principal)


def _names(statement: Mapping[str, Any], action: str) -> bool:
    return any(fnmatchcase(action.lower(), pattern.lower()) for pattern in listed(statement.get("Action", [])))
