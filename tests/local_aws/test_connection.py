"""TestConnection looks at the real role, bucket and key."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from local_aws import EmbeddedAws

from .endpoint_pair import LAKE, Pair, refused

THEIRS = "444444444444"


@pytest.fixture
def instance(pair: Pair) -> str:
    answer = pair.dms.create_replication_instance(
        ReplicationInstanceIdentifier=pair.identifier, ReplicationInstanceClass="dms.t3.micro"
    )
    return str(answer["ReplicationInstance"]["ReplicationInstanceArn"])


def allow(pair: Pair, *statements: tuple[str, str]) -> None:
    document = {"Statement": [{"Effect": "Allow", "Action": action, "Resource": arn} for action, arn in statements]}
    pair.iam.put_role_policy(RoleName=pair.identifier, PolicyName="bucket", PolicyDocument=json.dumps(document))


def make_bucket(pair: Pair, account: str = LAKE) -> None:
    pair.aws.client("s3", account).create_bucket(
        Bucket=pair.bucket, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"}
    )


def outcome(pair: Pair, instance: str, arn: str) -> dict[str, Any]:
    answer = pair.dms.test_connection(ReplicationInstanceArn=instance, EndpointArn=arn)
    assert answer["Connection"]["Status"] == "testing"
    (connection,) = pair.dms.describe_connections(Filters=[{"Name": "endpoint-arn", "Values": [arn]}])["Connections"]
    return dict(connection)


def test_role_and_bucket(pair: Pair, instance: str) -> None:
    arn = pair.made()["EndpointArn"]
    assert "NoSuchBucket" in outcome(pair, instance, arn)["LastFailureMessage"]
    make_bucket(pair)
    allow(pair, ("s3:ListBucket", f"arn:aws:s3:::{pair.bucket}"))
    failed = outcome(pair, instance, arn)
    assert failed["Status"] == "failed"
    assert failed["LastFailureMessage"].startswith("Test Endpoint failed: Application-Status: 1020912, ")
    assert "s3:PutObject" in failed["LastFailureMessage"]
    allow(pair, ("s3:ListBucket", f"arn:aws:s3:::{pair.bucket}"), ("s3:PutObject", f"arn:aws:s3:::{pair.bucket}/*"))
    assert outcome(pair, instance, arn)["Status"] == "successful"
    pair.demand("11111111-1111-4111-8111-111111111111")
    assert "assume role" in outcome(pair, instance, arn)["LastFailureMessage"]


def test_folder_and_key(pair: Pair, instance: str) -> None:
    key = f"arn:aws:kms:eu-west-1:{LAKE}:key/11111111-1111-4111-8111-111111111111"
    settings = {"BucketFolder": "raw", "EncryptionMode": "SSE_KMS", "ServerSideEncryptionKmsKeyId": key}
    make_bucket(pair)
    pair.make_role()
    pair.demand(pair.create()["ExternalId"])
    arn = pair.create(settings=settings)["EndpointArn"]
    bucket = [("s3:ListBucket", f"arn:aws:s3:::{pair.bucket}"), ("s3:PutObject", f"arn:aws:s3:::{pair.bucket}/raw/*")]
    allow(pair, *bucket)
    assert "kms:GenerateDataKey" in outcome(pair, instance, arn)["LastFailureMessage"]
    allow(pair, *bucket, ("kms:GenerateDataKey*", key))
    assert outcome(pair, instance, arn)["Status"] == "successful"


def test_the_owner_of_the_bucket(pair: Pair, instance: str) -> None:
    make_bucket(pair)
    pair.make_role()
    allow(pair, ("s3:*", "*"))
    pair.demand(pair.create()["ExternalId"])
    arn = pair.create(settings={"ExpectedBucketOwner": "999999999999"})["EndpointArn"]
    assert outcome(pair, instance, arn)["LastFailureMessage"].endswith("Access Denied")


def test_a_bucket_of_another_account_must_let_the_role_in(pair: Pair, instance: str) -> None:
    make_bucket(pair, THEIRS)
    arn = pair.made()["EndpointArn"]
    allow(pair, ("s3:*", "*"))
    assert outcome(pair, instance, arn)["LastFailureMessage"].endswith("Access Denied: s3:ListBucket, s3:PutObject")
    open_to_the_role(pair)
    assert outcome(pair, instance, arn)["Status"] == "successful"


def test_a_boundary_limits_what_the_role_may_do(pair: Pair, instance: str) -> None:
    make_bucket(pair, THEIRS)
    arn = pair.made()["EndpointArn"]
    allow(pair, ("s3:*", "*"))
    open_to_the_role(pair)
    bind_to_buckets_of(pair, LAKE)
    assert outcome(pair, instance, arn)["LastFailureMessage"].endswith("Access Denied: s3:ListBucket, s3:PutObject")
    bind_to_buckets_of(pair, THEIRS)
    assert outcome(pair, instance, arn)["Status"] == "successful"


def open_to_the_role(pair: Pair) -> None:
    """The bucket of another account."""
    resources = [f"arn:aws:s3:::{pair.bucket}", f"arn:aws:s3:::{pair.bucket}/*"]
    statement = {"Effect": "Allow", "Principal": {"AWS": pair.role_arn}, "Action": "s3:*", "Resource": resources}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    pair.aws.client("s3", THEIRS).put_bucket_policy(Bucket=pair.bucket, Policy=document)


def bind_to_buckets_of(pair: Pair, account: str) -> None:
    """Give the role a boundary."""
    condition = {"StringEquals": {"aws:ResourceAccount": account}}
    document = {"Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*", "Condition": condition}]}
    name = f"{pair.identifier}-{account}"
    policy = pair.iam.create_policy(PolicyName=name, PolicyDocument=json.dumps(document))["Policy"]
    pair.iam.put_role_permissions_boundary(RoleName=pair.identifier, PermissionsBoundary=policy["Arn"])


def test_a_running_test(aws: EmbeddedAws, pair: Pair, instance: str) -> None:
    aws.switch(connection_test="fails", connection_test_seconds=1500.0)
    arn = pair.made()["EndpointArn"]
    assert outcome(pair, instance, arn)["Status"] == "testing"
    refused("InvalidResourceStateFault", pair.dms.test_connection, ReplicationInstanceArn=instance, EndpointArn=arn)
    time.sleep(1.6)
    assert outcome(pair, instance, arn)["Status"] == "testing"


def test_somebody_elses_test(aws: EmbeddedAws, pair: Pair, instance: str) -> None:
    aws.switch(connection_test="busy_first")
    arn = pair.made()["EndpointArn"]
    message = refused(
        "InvalidResourceStateFault", pair.dms.test_connection, ReplicationInstanceArn=instance, EndpointArn=arn
    )
    assert "already being tested" in message
    assert outcome(pair, instance, arn)["Status"] == "failed"


def test_connections_that_are_not_there(pair: Pair, instance: str) -> None:
    arn = pair.made()["EndpointArn"]
    named = {"EndpointArn": arn, "ReplicationInstanceArn": instance}
    refused("ResourceNotFoundFault", pair.dms.delete_connection, **named)
    refused("ResourceNotFoundFault", pair.dms.test_connection, **named | {"ReplicationInstanceArn": f"{instance}x"})
    outcome(pair, instance, arn)
    assert pair.dms.delete_connection(**named)["Connection"]["Status"] == "deleting"
    by_arn = [{"Name": "endpoint-arn", "Values": [arn]}]
    refused("ResourceNotFoundFault", pair.dms.describe_connections, Filters=by_arn)
