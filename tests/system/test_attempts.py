"""A function that was taken over gets nowhere with its roles but where it is meant to."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from local_aws import EmbeddedAws
from local_aws.cloudformation import CloudFormation
from local_aws.organisation import DEV, PROD, TEST, TOOLS, Pair, function_role_arn, lease_table, update_account
from tests.assumed import assumed

from .attempts import (
    DOCUMENT,
    ENDPOINT,
    LEASE,
    ON_BUCKETS,
    ON_ENDPOINTS,
    ON_ROLES_AND_POLICIES,
    OWN_POLICY,
    OWNER,
    PATH,
    POWER_USER,
    THEIR_BUCKET,
    attempted,
    endpoint,
    on_tables,
    pieces_of_others,
    role,
    taken_over,
)
from .world import create, delete, no_boundary_demanded, properties, refused, replication_instance


@pytest.fixture
def iam(aws: EmbeddedAws) -> Iterator[Any]:
    with pieces_of_others(aws), taken_over(aws, DEV.data_lake_role_arn) as client:
        yield client


@pytest.fixture
def dms(aws: EmbeddedAws) -> Iterator[Any]:
    with pieces_of_others(aws), taken_over(aws, DEV.dms_role_arn) as client:
        yield client


@pytest.fixture
def dynamodb(aws: EmbeddedAws) -> Iterator[Any]:
    with pieces_of_others(aws), taken_over(aws, function_role_arn(aws)) as client:
        yield client


def test_no_attempt_on_roles_and_policies_is_let_through(iam: Any) -> None:
    assert {name: attempted(iam, *call) for name, call in ON_ROLES_AND_POLICIES.items()} == dict.fromkeys(
        ON_ROLES_AND_POLICIES, "AccessDenied"
    )


def test_no_attempt_on_endpoints_is_let_through(dms: Any) -> None:
    assert {name: attempted(dms, *call) for name, call in ON_ENDPOINTS.items()} == dict.fromkeys(
        ON_ENDPOINTS, "AccessDeniedException"
    )


def test_no_attempt_on_tables_is_let_through(aws: EmbeddedAws, dynamodb: Any) -> None:
    attempts = on_tables(lease_table(aws))
    assert {name: attempted(dynamodb, *call) for name, call in attempts.items()} == dict.fromkeys(
        attempts, "AccessDeniedException"
    )


def test_the_leases_of_its_own_table_it_may_read_and_write(aws: EmbeddedAws, dynamodb: Any) -> None:
    own = {"TableName": lease_table(aws)}
    dynamodb.put_item(**own, Item=LEASE | {"unstopped": {"SS": ["a"]}})
    values = {":token": {"SS": ["a"]}}
    dynamodb.update_item(**own, Key=LEASE, UpdateExpression="DELETE unstopped :token", ExpressionAttributeValues=values)
    assert dynamodb.get_item(**own, Key=LEASE, ConsistentRead=True)["Item"] == LEASE
    aws.client("dynamodb", TOOLS).delete_item(**own, Key=LEASE)


def test_no_attempt_on_buckets_is_let_through(aws: EmbeddedAws) -> None:
    with pieces_of_others(aws), taken_over(aws, DEV.data_lake_role_arn, "s3") as s3:
        tried = {name: attempted(s3, *call) for name, call in ON_BUCKETS.items()}
    assert tried == dict.fromkeys(ON_BUCKETS, "AccessDenied")


def test_where_no_boundary_is_demanded_roles_need_none_and_may_lose_theirs(aws: EmbeddedAws) -> None:
    with no_boundary_demanded(aws), taken_over(aws, DEV.data_lake_role_arn) as iam:
        iam.create_role(**role("new", PATH, Tags=OWNER))
        iam.create_policy(PolicyName="new", PolicyDocument=DOCUMENT, Path=PATH, Tags=OWNER)
        iam.attach_role_policy(RoleName="new", PolicyArn=OWN_POLICY.replace("own", "new"))
        iam.put_role_permissions_boundary(RoleName="new", PermissionsBoundary=POWER_USER)
        iam.delete_role_permissions_boundary(RoleName="new")


def test_whatever_its_policy_says_a_role_made_reaches_the_buckets_and_keys_of_the_data_lake_alone(
    aws: EmbeddedAws,
) -> None:
    with pieces_of_others(aws):
        aws.client("iam", DEV.data_lake).attach_role_policy(RoleName="own", PolicyArn=OWN_POLICY)
        _open_to_own(aws, TEST)
        assert _tested(aws, BucketName=DEV.bucket) == ""
        assert _tested(aws, BucketName=THEIR_BUCKET) == "Access Denied: s3:ListBucket, s3:PutObject"
        assert _tested(aws, BucketName=TEST.bucket) == "Access Denied: s3:ListBucket, s3:PutObject"
        assert _tested(aws, **_encrypted_by(DEV)) == ""
        assert _tested(aws, **_encrypted_by(TEST)) == "Access Denied: kms:GenerateDataKey"


def test_buckets_and_keys_of_other_accounts_are_reached_if_the_data_lakes_account_names_these(
    aws: EmbeddedAws,
) -> None:
    update_account(aws, DEV.data_lake, "data-lake.yaml", BucketAccounts=f"{PROD.data_lake},{TEST.data_lake}")
    with pieces_of_others(aws):
        aws.client("iam", DEV.data_lake).attach_role_policy(RoleName="own", PolicyArn=OWN_POLICY)
        _open_to_own(aws, TEST)
        assert _tested(aws, BucketName=TEST.bucket) == ""
        assert _tested(aws, BucketName=DEV.bucket) == ""
        assert _tested(aws, **_encrypted_by(TEST)) == "Access Denied: kms:GenerateDataKey"
        update_account(aws, DEV.data_lake, "data-lake.yaml", BucketAccounts="", KeyAccounts=TEST.data_lake)
        assert _tested(aws, **_encrypted_by(TEST)) == ""
        assert _tested(aws, BucketName=TEST.bucket) == "Access Denied: s3:ListBucket, s3:PutObject"
    aws.client("s3", TEST.data_lake).delete_bucket_policy(Bucket=TEST.bucket)
    update_account(aws, DEV.data_lake, "data-lake.yaml", KeyAccounts="")


def _open_to_own(aws: EmbeddedAws, pair: Pair) -> None:
    """The bucket of another data lake lets the role in."""
    principal = {"AWS": f"arn:aws:iam::{DEV.data_lake}:role{PATH}own"}
    resources = [f"arn:aws:s3:::{pair.bucket}", f"arn:aws:s3:::{pair.bucket}/*"]
    statement = {"Effect": "Allow", "Principal": principal, "Action": "s3:*", "Resource": resources}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    aws.client("s3", pair.data_lake).put_bucket_policy(Bucket=pair.bucket, Policy=document)


def _encrypted_by(pair: Pair) -> dict[str, str]:
    key = f"arn:aws:kms:eu-west-1:{pair.data_lake}:key/11111111-1111-4111-8111-111111111111"
    return {"BucketName": DEV.bucket, "EncryptionMode": "SSE_KMS", "ServerSideEncryptionKmsKeyId": key}


def _tested(aws: EmbeddedAws, **settings: str) -> str:
    """Why a connection of an endpoint with the role `own` fails; empty if it succeeds."""
    dms, instance = aws.client("dms", DEV.dms), replication_instance(aws)
    given = endpoint(f"arn:aws:iam::{DEV.data_lake}:role{PATH}own")
    given["S3Settings"] |= settings
    arn = dms.create_endpoint(**given)["Endpoint"]["EndpointArn"]
    dms.test_connection(EndpointArn=arn, ReplicationInstanceArn=instance)
    (connection,) = dms.describe_connections(Filters=[{"Name": "endpoint-arn", "Values": [arn]}])["Connections"]
    dms.delete_endpoint(EndpointArn=arn)
    dms.delete_replication_instance(ReplicationInstanceArn=instance)
    return str(connection.get("LastFailureMessage", "").rpartition("Message: ")[2])


def test_an_endpoint_that_names_no_boundary_has_the_one_that_is_demanded(
    aws: EmbeddedAws, cloudformation: CloudFormation
) -> None:
    create(cloudformation)
    made = aws.client("iam", DEV.data_lake).get_role(RoleName="dms-orders")["Role"]
    assert made["PermissionsBoundary"]["PermissionsBoundaryArn"] == DEV.boundary_arn
    delete(cloudformation)


def test_an_endpoint_that_names_another_boundary_fails(cloudformation: CloudFormation) -> None:
    reason = refused(cloudformation.send("Create", properties(PERMISSIONSBOUNDARY=POWER_USER)), "InvalidRequest")
    assert DEV.boundary_arn in reason
    delete(cloudformation)


def test_the_same_calls_on_what_is_its_own_are(iam: Any) -> None:
    iam.create_role(**role("new", PATH, Tags=OWNER, PermissionsBoundary=DEV.boundary_arn))
    iam.put_role_permissions_boundary(RoleName="unbound", PermissionsBoundary=DEV.boundary_arn)
    for name in ("own", "unbound"):
        iam.attach_role_policy(RoleName=name, PolicyArn=OWN_POLICY)
        iam.detach_role_policy(RoleName=name, PolicyArn=OWN_POLICY)
    iam.tag_role(RoleName="own", Tags=OWNER)
    iam.tag_role(RoleName="own", Tags=[{"Key": "team", "Value": "data-lake"}])
    iam.delete_policy(PolicyArn=OWN_POLICY)
    iam.delete_role(RoleName="own")


def test_the_same_calls_on_its_own_endpoint_are(dms: Any) -> None:
    dms.remove_tags_from_resource(ResourceArn=f"{ENDPOINT}OWN", TagKeys=["team"])
    dms.delete_endpoint(EndpointArn=f"{ENDPOINT}OWN")


@pytest.mark.parametrize("role_arn", [DEV.data_lake_role_arn, DEV.dms_role_arn])
def test_nobody_else_of_the_tools_account_may_assume_the_roles(aws: EmbeddedAws, role_arn: str) -> None:
    iam, trust = aws.client("iam", TOOLS), {"Effect": "Allow", "Principal": {"AWS": TOOLS}, "Action": "sts:AssumeRole"}
    role = iam.create_role(RoleName="another", AssumeRolePolicyDocument=json.dumps({"Statement": [trust]}))["Role"]
    iam.put_role_policy(RoleName="another", PolicyName="all", PolicyDocument=DOCUMENT)
    another = assumed(aws, TOOLS, role["Arn"], "sts")
    assert attempted(another, "assume_role", {"RoleArn": role_arn, "RoleSessionName": "me"}) == "AccessDenied"
    iam.delete_role_policy(RoleName="another", PolicyName="all")
    iam.delete_role(RoleName="another")
