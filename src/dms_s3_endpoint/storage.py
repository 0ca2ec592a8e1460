"""Bucket and key of an endpoint as far as a check may look: what they are and whom they let in, not what is in them.

https://docs.aws.amazon.com/dms/latest/userguide/CHAP_Target.S3.html#CHAP_Target.S3.Prerequisites
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from .errors import error_code, error_message, is_denial, or_none, step
from .policies import access_policy, listed, statements_of
from .request import Endpoint

if TYPE_CHECKING:
    from mypy_boto3_kms import KMSClient
    from mypy_boto3_s3 import S3Client


@dataclass(frozen=True)
class Storage:
    """The clients of the data-lake account, and the region of the endpoints."""

    s3: S3Client
    kms: KMSClient
    region: str

    def problems(self, endpoint: Endpoint) -> list[str]:
        """What DMS would stumble on. Raises EndpointError where AWS answers with something else."""
        return [*self._of_bucket(endpoint), *self._of_key(endpoint)]

    def _of_bucket(self, endpoint: Endpoint) -> Iterator[str]:
        bucket, owner = endpoint.bucket_name, str(endpoint.effective_settings["ExpectedBucketOwner"])
        with step(f"get-bucket-location {bucket}"):
            try:
                answer = self.s3.get_bucket_location(Bucket=bucket, ExpectedBucketOwner=owner)
            except ClientError as error:
                yield _why_no_bucket(bucket, owner, error)
                return
        region = answer["LocationConstraint"] or "us-east-1"
        if region != self.region:
            yield f"bucket {bucket} is in {region}, and DMS wants it in {self.region}"
        with step(f"get-bucket-policy {bucket}"):
            policy = or_none("NoSuchBucketPolicy", self.s3.get_bucket_policy, Bucket=bucket, ExpectedBucketOwner=owner)
        if policy:
            yield from _denials(f"bucket {bucket}", json.loads(policy["Policy"]), endpoint, self.region)

    def _of_key(self, endpoint: Endpoint) -> Iterator[str]:
        key = next(
            (s["Resource"] for s in access_policy(endpoint, self.region)["Statement"] if s["Sid"] == "UseKey"), ""
        )
        if not key:
            return
        with step(f"describe-key {key}"):
            try:
                described = self.kms.describe_key(KeyId=key)["KeyMetadata"]
            except ClientError as error:
                if error_code(error) != "NotFoundException" and not is_denial(error):
                    raise
                yield f"key {key} is not there, or may not be described: {error_message(error)}"
                return
        if described["KeyState"] != "Enabled":
            yield f"key {key} is {described['KeyState']}"
        if described["Arn"].split(":")[4] == endpoint.environment.data_lake_account:
            with step(f"get-key-policy {key}"):
                document = json.loads(self.kms.get_key_policy(KeyId=key, PolicyName="default")["Policy"])
            if not any(_allows(each, endpoint) for each in statements_of(document)):
                yield f"the policy of key {key} lets neither IAM's policies of its account decide nor the role use it"
            yield from _denials(f"key {key}", document, endpoint, self.region)


def _why_no_bucket(bucket: str, owner: str, error: ClientError) -> str:
    if error_code(error) == "NoSuchBucket":
        return f"bucket {bucket} is not there"
    if is_denial(error):
        return f"bucket {bucket} is not of account {owner}, or may not be looked at: {error_message(error)}"
    raise error


def _allows(statement: Mapping[str, Any], endpoint: Endpoint) -> bool:
    account = f"arn:{endpoint.environment.partition}:iam::{endpoint.environment.data_lake_account}"
    names = {f"{account}:root", endpoint.environment.data_lake_account, "*"}
    return statement.get("Effect") == "Allow" and any(
        name in names or (name.startswith(f"{account}:role/") and name.endswith(f"/{endpoint.role_name}"))
        for name in _principals(statement)
    )


def _denials(thing: str, document: Mapping[str, Any], endpoint: Endpoint, region: str) -> Iterator[str]:
    """Statements that deny the role what it needs; those with a condition may."""
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
