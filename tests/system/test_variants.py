"""What AWS may do otherwise than one would hope: late reads, lost answers, throttling, limits."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from local_aws import EmbeddedAws
from local_aws.cloudformation import CloudFormation
from local_aws.organisation import DEV, endpoints

from .world import (
    create,
    delete,
    external_ids,
    mutations,
    properties,
    refused,
    settings,
    the_endpoint,
    trust_of,
    update,
)

CSV = properties(S3SETTINGS=settings(DATAFORMAT="csv"))


@pytest.mark.parametrize(
    "switches",
    [
        {"describe_empty": "empty"},
        {"describe_lag_seconds": 20.0, "delete_seconds": 10.0},
        {"describe_lag_seconds": 20.0, "first_create": "keeps"},
        {"create_seconds": 40.0, "delete_seconds": 40.0, "identifier_reserved_seconds": 40.0},
    ],
)
def test_an_endpoint_lives_through(aws: EmbeddedAws, cloudformation: CloudFormation, switches: dict[str, Any]) -> None:
    aws.switch(**switches)
    create(cloudformation)
    assert update(cloudformation, properties(), CSV)["Status"] == "SUCCESS"
    assert external_ids(trust_of(aws, "dms-orders")) == [the_endpoint(aws)["ExternalId"]]
    delete(cloudformation)


def test_an_external_id_that_only_the_create_tells_is_read_from_the_trust_afterwards(
    aws: EmbeddedAws, cloudformation: CloudFormation
) -> None:
    aws.switch(describe_tells_external_id=False)
    created = create(cloudformation)
    aws.clear_calls()
    assert update(cloudformation, properties(), properties())["Data"] == created["Data"]
    assert mutations(aws) == []
    delete(cloudformation)


@pytest.mark.parametrize("fault", ["throttle", "http500", "reset_before", "reset_after"])
@pytest.mark.parametrize(
    ("service", "operation"),
    [
        ("sts", "AssumeRole"),
        ("iam", "CreatePolicy"),
        ("iam", "CreateRole"),
        ("iam", "UpdateAssumeRolePolicy"),
        ("dms", "CreateEndpoint"),
        ("dms", "DescribeEndpoints"),
    ],
)
def test_a_call_that_fails_in_passing_is_made_again(
    aws: EmbeddedAws, cloudformation: CloudFormation, service: str, operation: str, fault: Any
) -> None:
    aws.inject(service, operation, fault)
    create(cloudformation)
    assert external_ids(trust_of(aws, "dms-orders")) == [the_endpoint(aws)["ExternalId"]]
    delete(cloudformation)


@pytest.mark.parametrize("operation", ["DeleteEndpoint", "DeleteRole", "DeletePolicy"])
def test_a_delete_whose_answer_was_lost_is_complete_all_the_same(
    aws: EmbeddedAws, cloudformation: CloudFormation, operation: str
) -> None:
    create(cloudformation)
    aws.inject("dms" if operation == "DeleteEndpoint" else "iam", operation, "reset_after")
    delete(cloudformation)


def test_a_policy_may_change_more_often_than_it_may_have_versions(
    aws: EmbeddedAws, cloudformation: CloudFormation
) -> None:
    create(cloudformation)
    old = properties()
    for folder in "abcdef":
        new = properties(S3SETTINGS=settings(BUCKETFOLDER=folder))
        assert update(cloudformation, old, new)["Status"] == "SUCCESS"
        old = new
    delete(cloudformation)


def test_a_policy_that_somebody_attached_elsewhere_is_not_torn_from_there(
    aws: EmbeddedAws, cloudformation: CloudFormation
) -> None:
    arn = create(cloudformation)["Data"]["PolicyArn"]
    iam = aws.client("iam", DEV.data_lake)
    name = DEV.data_lake_role_arn.rpartition("/")[2]
    iam.attach_role_policy(RoleName=name, PolicyArn=arn)
    answer = cloudformation.send("Delete", properties(), PhysicalResourceId="dev/orders")
    assert name in refused(answer, "NameTaken")
    iam.detach_role_policy(RoleName=name, PolicyArn=arn)
    delete(cloudformation)


def test_a_replacement_that_was_killed_half_way_is_cleared_by_the_rollback(
    aws: EmbeddedAws, cloudformation: CloudFormation
) -> None:
    create(cloudformation)
    new = properties(ENDPOINTIDENTIFIER="orders-2", ROLENAME="dms-orders-2", POLICYNAME="dms-orders-2")
    update(cloudformation, properties(), new)
    assert update(cloudformation, new, properties())["PhysicalResourceId"] == "dev/orders"
    assert [endpoint["EndpointIdentifier"] for endpoint in endpoints(aws, DEV)] == ["orders"]
    delete(cloudformation)


def test_the_rollback_of_a_replacement_returns_to_the_old_endpoint(
    aws: EmbeddedAws, cloudformation: CloudFormation
) -> None:
    created = create(cloudformation)
    new = properties(ENDPOINTIDENTIFIER="orders-2", ROLENAME="dms-orders-2", POLICYNAME="dms-orders-2")
    update(cloudformation, properties(), new)
    back = update(cloudformation, new, properties(), physical_id="dev/orders-2")
    assert (back["PhysicalResourceId"], back["Data"]) == ("dev/orders", created["Data"])
    delete(cloudformation, "dev/orders-2")
    assert the_endpoint(aws)["EndpointIdentifier"] == "orders"
    delete(cloudformation)


def test_an_answer_that_is_refused_at_first_is_sent_again_and_always_without_a_content_type(
    cloudformation: CloudFormation,
) -> None:
    event = cloudformation.event("Create", properties())
    received = cloudformation.received[event["RequestId"]]
    received.statuses = [503, 403]
    cloudformation.invoke(event)
    assert received.answer["Status"] == "SUCCESS"
    assert (received.statuses, received.content_types) == ([], [""])
    delete(cloudformation)


def test_twelve_endpoints_at_once_are_made_within_dms_rate(aws: EmbeddedAws, cloudformation: CloudFormation) -> None:
    aws.switch(throttle_dms=True)
    names = [f"orders-{n}" for n in range(12)]
    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(lambda name: _create_named(cloudformation, name), names))
    assert {answer["Status"] for answer in answers} == {"SUCCESS"}
    with ThreadPoolExecutor(12) as pool:
        list(pool.map(lambda name: _delete_named(cloudformation, name), names))


def _create_named(cloudformation: CloudFormation, name: str) -> dict[str, Any]:
    given = properties(ENDPOINTIDENTIFIER=name, ROLENAME=name, POLICYNAME=name)
    return cloudformation.send("Create", given, LogicalResourceId=name)


def _delete_named(cloudformation: CloudFormation, name: str) -> None:
    answer = cloudformation.send("Delete", {}, PhysicalResourceId=f"dev/{name}", LogicalResourceId=name)
    assert answer["Status"] == "SUCCESS", answer
