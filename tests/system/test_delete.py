"""Delete, through the deployed function."""

from __future__ import annotations

from typing import Any

import pytest

from local_aws import EmbeddedAws
from local_aws.cloudformation import CloudFormation
from local_aws.organisation import DEV, left_behind

from .world import create, delete, mutations, properties, refused, task_on, the_endpoint


def test_a_delete_waits_until_the_endpoint_is_gone(aws: EmbeddedAws, cloudformation: CloudFormation) -> None:
    create(cloudformation)
    aws.switch(delete_seconds=60.0)
    delete(cloudformation)
    assert left_behind(aws) == []


def test_endpoint_role_and_policy_go_in_this_order(aws: EmbeddedAws, cloudformation: CloudFormation) -> None:
    create(cloudformation)
    aws.clear_calls()
    delete(cloudformation)
    deletes = [operation for operation in mutations(aws) if operation.startswith("Delete")]
    assert deletes == ["DeleteEndpoint", "DeleteRole", "DeletePolicy"]


def test_a_second_delete_finds_nothing_and_succeeds(aws: EmbeddedAws, cloudformation: CloudFormation) -> None:
    create(cloudformation)
    delete(cloudformation)
    delete(cloudformation)


@pytest.mark.parametrize("missing", ["endpoint", "role", "policy"])
def test_what_somebody_has_deleted_already_is_no_obstacle(
    aws: EmbeddedAws, cloudformation: CloudFormation, missing: str
) -> None:
    made = create(cloudformation)["Data"]
    iam = aws.client("iam", DEV.data_lake)
    if missing == "endpoint":
        aws.client("dms", DEV.dms).delete_endpoint(EndpointArn=made["EndpointArn"])
    else:
        iam.detach_role_policy(RoleName=made["RoleName"], PolicyArn=made["PolicyArn"])
    if missing == "role":
        iam.delete_role(RoleName=made["RoleName"])
    if missing == "policy":
        iam.delete_policy(PolicyArn=made["PolicyArn"])
    delete(cloudformation)


def test_a_policy_of_five_versions_is_deleted_with_all_of_them(
    aws: EmbeddedAws, cloudformation: CloudFormation
) -> None:
    arn = create(cloudformation)["Data"]["PolicyArn"]
    iam = aws.client("iam", DEV.data_lake)
    document = '{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"s3:*","Resource":"*"}]}'
    for _ in range(4):
        iam.create_policy_version(PolicyArn=arn, PolicyDocument=document)
    delete(cloudformation)


def test_what_is_not_ours_stays(aws: EmbeddedAws, cloudformation: CloudFormation) -> None:
    """An endpoint of the id's identifier that another stack made."""
    create(cloudformation)
    other = {"StackId": cloudformation.stack_id + "-other"}
    answer = cloudformation.send("Delete", properties(), PhysicalResourceId="dev/orders", **other)
    assert answer["Status"] == "SUCCESS"
    assert the_endpoint(aws)["Status"] == "active"
    delete(cloudformation)


def test_the_marker_of_a_refused_create_deletes_nothing_and_calls_nothing(
    aws: EmbeddedAws, cloudformation: CloudFormation
) -> None:
    answer = cloudformation.send("Create", properties(ENDPOINTIDENTIFIER="-"))
    refused(answer, "InvalidRequest")
    assert answer["PhysicalResourceId"] == "invalid/Endpoint"
    delete(cloudformation, "invalid/Endpoint", ENDPOINTIDENTIFIER="-")
    assert [call for call in aws.calls() if call.service in ("iam", "dms", "sts")] == []


@pytest.mark.parametrize(
    "broken", [{}, {"ENDPOINTIDENTIFIER": "x--y"}, {"ENDPOINTIDENTIFIER": "orders", "S3SETTINGS": "?"}]
)
def test_properties_that_nobody_can_parse_do_not_hinder_a_delete(
    aws: EmbeddedAws, cloudformation: CloudFormation, broken: dict[str, Any]
) -> None:
    create(cloudformation)
    answer = cloudformation.send("Delete", broken, PhysicalResourceId="dev/orders")
    assert answer["Status"] == "SUCCESS"
    assert left_behind(aws) == []


@pytest.mark.parametrize("given", [properties(), {"ENVIRONMENT": "dev"}])
def test_an_id_that_was_never_issued_is_looked_up_by_the_ownership_tags(
    aws: EmbeddedAws, cloudformation: CloudFormation, given: dict[str, Any]
) -> None:
    create(cloudformation)
    answer = cloudformation.send("Delete", given, PhysicalResourceId="stack-Endpoint-1ABCDEFGHIJKL")
    assert (answer["Status"], answer["PhysicalResourceId"]) == ("SUCCESS", "stack-Endpoint-1ABCDEFGHIJKL")
    assert left_behind(aws) == []


def test_an_environment_that_is_no_longer_deployed_is_an_error_because_something_may_be_left(
    cloudformation: CloudFormation,
) -> None:
    answer = cloudformation.send("Delete", properties(), PhysicalResourceId="staging/orders")
    refused(answer, "UnknownEnvironment")


def test_tasks_on_the_endpoint_are_waited_for_and_then_named(aws: EmbeddedAws, cloudformation: CloudFormation) -> None:
    arn = create(cloudformation)["Data"]["EndpointArn"]
    with task_on(aws, arn) as task:
        answer = cloudformation.send("Delete", properties(), PhysicalResourceId="dev/orders")
        assert task in refused(answer, "EndpointInUse")
        assert the_endpoint(aws)["Status"] == "active"
    delete(cloudformation)
