"""A function that was taken over gets nowhere with its roles but where it is meant to."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from local_aws import EmbeddedAws
from local_aws.cloudformation import CloudFormation
from local_aws.organisation import DEV, TOOLS, function_role_arn, lease_table, purge, update_account
from tests.assumed import assumed

from .attempts import (
    DOCUMENT,
    ENDPOINT,
    LEASE,
    ON_ENDPOINTS,
    ON_ROLES_AND_POLICIES,
    OWN_POLICY,
    OWNER,
    PATH,
    attempted,
    on_tables,
    pieces_of_others,
    role,
    taken_over,
)
from .world import create, delete, properties, refused

ADMINISTRATOR = "arn:aws:iam::aws:policy/AdministratorAccess"


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


def test_with_a_boundary_no_role_is_made_without_it_nor_loses_it(aws: EmbeddedAws) -> None:
    with bounded(aws) as boundary, taken_over(aws, DEV.data_lake_role_arn) as iam:
        new = role("new", PATH, Tags=OWNER)
        elsewhere = {"RoleName": "new", "PermissionsBoundary": ADMINISTRATOR}
        assert attempted(iam, "create_role", new) == "AccessDenied"
        assert attempted(iam, "create_role", new | {"PermissionsBoundary": ADMINISTRATOR}) == "AccessDenied"
        iam.create_role(**new, PermissionsBoundary=boundary)
        assert attempted(iam, "put_role_permissions_boundary", elsewhere) == "AccessDenied"
        assert attempted(iam, "delete_role_permissions_boundary", {"RoleName": "new"}) == "AccessDenied"
        iam.put_role_permissions_boundary(RoleName="new", PermissionsBoundary=boundary)
        version = {"PolicyArn": boundary, "PolicyDocument": DOCUMENT, "SetAsDefault": True}
        assert attempted(iam, "create_policy_version", version) == "AccessDenied"
        iam.delete_role(RoleName="new")


def test_with_a_boundary_an_endpoint_that_names_none_fails_and_one_that_does_is_made(
    aws: EmbeddedAws, cloudformation: CloudFormation
) -> None:
    with bounded(aws) as boundary:
        reason = refused(cloudformation.send("Create", properties()), "AccessDenied")
        assert "create-role dms-orders" in reason
        delete(cloudformation)
        create(cloudformation, PERMISSIONSBOUNDARY=boundary)
        delete(cloudformation)


def test_the_same_calls_on_what_is_its_own_are(iam: Any) -> None:
    iam.attach_role_policy(RoleName="own", PolicyArn=OWN_POLICY)
    iam.detach_role_policy(RoleName="own", PolicyArn=OWN_POLICY)
    iam.tag_role(RoleName="own", Tags=[{"Key": "team", "Value": "data-lake"}])
    iam.delete_policy(PolicyArn=OWN_POLICY)
    iam.delete_role(RoleName="own")


def test_the_same_calls_on_its_own_endpoint_are(dms: Any) -> None:
    dms.remove_tags_from_resource(ResourceArn=f"{ENDPOINT}OWN", TagKeys=["team"])
    dms.delete_endpoint(EndpointArn=f"{ENDPOINT}OWN")


@contextmanager
def bounded(aws: EmbeddedAws) -> Iterator[str]:
    """The data-lake account of dev makes and demands a boundary while the block lasts; its ARN."""
    update_account(aws, DEV.data_lake, "data-lake.yaml", PermissionsBoundary="make", BucketPattern="data-lake-*")
    try:
        yield f"arn:aws:iam::{DEV.data_lake}:policy/dms-s3-endpoint-boundary/dms-s3-endpoint-boundary"
    finally:
        purge(aws, [DEV])
        update_account(aws, DEV.data_lake, "data-lake.yaml", PermissionsBoundary="")


@pytest.mark.parametrize("role_arn", [DEV.data_lake_role_arn, DEV.dms_role_arn])
def test_nobody_else_of_the_tools_account_may_assume_the_roles(aws: EmbeddedAws, role_arn: str) -> None:
    iam, trust = aws.client("iam", TOOLS), {"Effect": "Allow", "Principal": {"AWS": TOOLS}, "Action": "sts:AssumeRole"}
    role = iam.create_role(RoleName="another", AssumeRolePolicyDocument=json.dumps({"Statement": [trust]}))["Role"]
    iam.put_role_policy(RoleName="another", PolicyName="all", PolicyDocument=DOCUMENT)
    another = assumed(aws, TOOLS, role["Arn"], "sts")
    assert attempted(another, "assume_role", {"RoleArn": role_arn, "RoleSessionName": "me"}) == "AccessDenied"
    iam.delete_role_policy(RoleName="another", PolicyName="all")
    iam.delete_role(RoleName="another")
