"""Bucket and key of an endpoint, as far as a check may look: where they are and whom they admit, never their content.

https://docs.aws.amazon.com/dms/latest/userguide/CHAP_Target.S3.html#CHAP_Target.S3.Prerequisites
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from ..model.endpoint import Endpoint
from ..model.errors import Code, EndpointError
from ..model.policies import Document
from ..model.resource_policies import Caller, Finding, Need, judge, needs_of
from .errors import aws_call, error_code, error_message, is_denial

if TYPE_CHECKING:
    from mypy_boto3_kms import KMSClient
    from mypy_boto3_s3 import S3Client

# What GetBucketLocation has for a region, where that is not its name.
REGIONS = {None: "us-east-1", "EU": "eu-west-1"}


@dataclass(frozen=True)
class Storage:
    """S3 and KMS of the data-lake account, and the region of the endpoints; only a check makes the clients."""

    new_client: Callable[[str], Any]
    region: str

    def findings(self, endpoint: Endpoint, caller: Caller) -> list[Finding]:
        """What stops DMS from using bucket or key, or may. Raises EndpointError if AWS answers with another error."""
        return [
            *_as_far_as_granted(_of_bucket(self.new_client("s3"), endpoint, self.region, caller)),
            *_as_far_as_granted(_of_key(self.new_client("kms"), endpoint, self.region, caller)),
        ]


def _as_far_as_granted(findings: Iterator[Finding]) -> Iterator[Finding]:
    try:
        yield from findings
    except EndpointError as error:
        if error.code is not Code.ACCESS_DENIED:
            raise
        yield Finding(str(error), is_certain=False)


def _of_bucket(s3: S3Client, endpoint: Endpoint, region: str, caller: Caller) -> Iterator[Finding]:
    bucket, owner = endpoint.bucket_name, str(endpoint.effective_settings["ExpectedBucketOwner"])
    with aws_call(f"get-bucket-location {bucket}"):
        try:
            constraint = s3.get_bucket_location(Bucket=bucket, ExpectedBucketOwner=owner)["LocationConstraint"]
        except ClientError as error:
            yield _why_no_bucket(bucket, owner, error)
            return
    location = REGIONS.get(constraint, constraint)
    if location != region:
        yield Finding(f"bucket {bucket} is in {location}, and DMS wants it in {region}", is_certain=True)
    needs = needs_of(endpoint, region, "s3")
    if owner in caller.account_names:
        document = _bucket_policy(s3, bucket, owner)
        yield from _of_policy(f"bucket {bucket}", judge(document, needs, caller, must_allow=False))
    else:
        yield _of_another(f"bucket {bucket}", owner, needs)


def _why_no_bucket(bucket: str, owner: str, error: ClientError) -> Finding:
    if error_code(error) == "NoSuchBucket":
        return Finding(f"bucket {bucket} does not exist", is_certain=True)
    if is_denial(error):
        why = f"belongs to another account than {owner}, or may not be looked at: {error_message(error)}"
        return Finding(f"bucket {bucket} {why}", is_certain=False)
    raise error


def _bucket_policy(s3: S3Client, bucket: str, owner: str) -> Document:
    """Empty if there is none."""
    with aws_call(f"get-bucket-policy {bucket}"):
        try:
            policy: Document = json.loads(s3.get_bucket_policy(Bucket=bucket, ExpectedBucketOwner=owner)["Policy"])
        except ClientError as error:
            if error_code(error) != "NoSuchBucketPolicy":
                raise
            return {}
    return policy


def _of_key(kms: KMSClient, endpoint: Endpoint, region: str, caller: Caller) -> Iterator[Finding]:
    needs = needs_of(endpoint, region, "kms")
    for key in sorted({need.resource for need in needs}):
        account = key.split(":")[4]
        if account in caller.account_names:
            yield from _of_own_key(kms, key, needs, caller)
        else:
            yield _of_another(f"key {key}", account, needs)


def _of_own_key(kms: KMSClient, key: str, needs: list[Need], caller: Caller) -> Iterator[Finding]:
    with aws_call(f"describe-key {key}"):
        try:
            state = kms.describe_key(KeyId=key)["KeyMetadata"]["KeyState"]
        except ClientError as error:
            if error_code(error) != "NotFoundException":
                raise
            yield Finding(f"key {key} does not exist", is_certain=True)
            return
    if state != "Enabled":
        yield Finding(f"key {key} is {state}", is_certain=True)
    with aws_call(f"get-key-policy {key}"):
        document = json.loads(kms.get_key_policy(KeyId=key, PolicyName="default")["Policy"])
    yield from _of_policy(f"key {key}", judge(document, needs, caller, must_allow=True))


def _of_policy(thing: str, judged: Iterator[Finding]) -> Iterator[Finding]:
    yield from (Finding(f"the policy of {thing} {each.text}", each.is_certain) for each in judged)


def _of_another(thing: str, account: str, needs: list[Need]) -> Finding:
    """S3 and KMS show a policy to nobody but the account that it belongs to."""
    actions = ", ".join(need.action for need in needs)
    return Finding(f"{thing} is of account {account}, and its policy must allow the role {actions}", is_certain=False)
