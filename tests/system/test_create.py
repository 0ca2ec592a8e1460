"""Create, in every form in which DMS may answer: contract of the resource, through the deployed function."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest

from local_aws import EmbeddedAws
from local_aws.cloudformation import CloudFormation
from local_aws.organisation import DEV, left_behind
from local_aws.wire import FOR_GOOD

from .world import (
    create,
    delete,
    external_ids,
    mutations,
    properties,
    refused,
    replication_instance,
    settings,
    tags_of,
    the_endpoint,
    trust_of,
)

FORMS = ("keeps", "keeps_nothing", "fault_with_id", "fault_until_trusted", "status_failed")


@pytest.mark.parametrize("form", FORMS)
def test_the_role_trusts_dms_with_the_external_id_of_the_endpoint_however_dms_tells_it(
    aws: EmbeddedAws, cloudformation: CloudFormation, form: str
) -> None:
    aws.switch(first_create=form)
    answer = create(cloudformation)
    endpoint = the_endpoint(aws)
    assert endpoint["Status"] == "active"
    assert external_ids(trust_of(aws, "dms-orders")) == [endpoint["ExternalId"]] == [answer["Data"]["ExternalId"]]
    delete(cloudformation)


@pytest.mark.parametrize("form", FORMS)
def test_iam_may_take_half_a_minute_to_reach_dms(aws: EmbeddedAws, cloudformation: CloudFormation, form: str) -> None:
    aws.switch(first_create=form, propagation_seconds=30.0, create_seconds=20.0)
    create(cloudformation)
    assert external_ids(trust_of(aws, "dms-orders")) == [the_endpoint(aws)["ExternalId"]]
    delete(cloudformation)


def test_the_external_id_that_moves_is_followed(aws: EmbeddedAws, cloudformation: CloudFormation) -> None:
    aws.switch(first_create="keeps_nothing", external_id="per_call")
    create(cloudformation)
    assert external_ids(trust_of(aws, "dms-orders")) == [the_endpoint(aws)["ExternalId"]]
    delete(cloudformation)


def test_all_pieces_carry_the_ownership_tags_and_the_tags_asked_for(
    aws: EmbeddedAws, cloudformation: CloudFormation
) -> None:
    answer = create(cloudformation, TAGS=[{"Key": "team", "Value": "data-lake"}])
    tags = tags_of(aws, answer["Data"]["EndpointArn"])
    assert tags.pop("dms-s3-endpoint:fingerprint")
    assert tags.pop("dms-s3-endpoint:life") == answer["RequestId"]
    assert tags == {
        "team": "data-lake",
        "dms-s3-endpoint:stack-id": cloudformation.stack_id,
        "dms-s3-endpoint:logical-id": "Endpoint",
        "dms-s3-endpoint:physical-id": "dev/orders",
    }
    role = aws.client("iam", DEV.data_lake).get_role(RoleName="dms-orders")["Role"]
    policy = aws.client("iam", DEV.data_lake).get_policy(PolicyArn=answer["Data"]["PolicyArn"])["Policy"]
    assert tags.items() <= {tag["Key"]: tag["Value"] for tag in role["Tags"]}.items()
    assert tags.items() <= {tag["Key"]: tag["Value"] for tag in policy["Tags"]}.items()
    delete(cloudformation)


def test_a_create_delivered_twice_answers_the_same_and_changes_nothing_the_second_time(
    aws: EmbeddedAws, cloudformation: CloudFormation
) -> None:
    event = cloudformation.event("Create", properties())
    for _ in range(2):
        cloudformation.invoke(event)
        aws.clear_calls()
    first, second = cloudformation.received[event["RequestId"]].bodies
    assert first == second
    assert b"SUCCESS" in first
    assert mutations(aws) == []
    delete(cloudformation)


def at_once(cloudformation: CloudFormation, *events: dict[str, Any]) -> None:
    """Deliver these events side by side, and wait until the function has ended for each."""
    threads = [threading.Thread(target=cloudformation.invoke, args=(event,)) for event in events]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_of_two_deliveries_at_once_one_makes_the_endpoint_and_answers(
    aws: EmbeddedAws, cloudformation: CloudFormation
) -> None:
    # Two events that are refused, slowly, start two processes of the function: neither delivery waits for a cold start.
    aws.switch(table_latency_seconds=25.0)
    at_once(cloudformation, cloudformation.event("Create", {}), cloudformation.event("Create", {}))
    aws.switch(table_latency_seconds=0.0, propagation_seconds=120.0)
    event = cloudformation.event("Create", properties())
    at_once(cloudformation, event, event)
    answer = cloudformation.received[event["RequestId"]].answer
    assert answer["Status"] == "SUCCESS", answer
    assert the_endpoint(aws)["EndpointArn"] == answer["Data"]["EndpointArn"]
    delete(cloudformation)


@pytest.mark.parametrize("call", ["CreatePolicy", "CreateRole", "AttachRolePolicy", "UpdateAssumeRolePolicy"])
def test_a_create_that_failed_half_way_took_away_what_it_made(
    aws: EmbeddedAws, cloudformation: CloudFormation, call: str
) -> None:
    aws.inject("iam", call, "access_denied", times=FOR_GOOD)
    refused(cloudformation.send("Create", properties()), "AccessDenied")
    assert left_behind(aws) == []
    aws.reset_switches()
    create(cloudformation)
    assert external_ids(trust_of(aws, "dms-orders")) == [the_endpoint(aws)["ExternalId"]]
    delete(cloudformation)


@pytest.mark.parametrize("setting", [{"CDCPATH": "changes"}, {"SSEKMSKEYID": "11111111-2222-3333-4444-555555555555"}])
def test_a_setting_that_dms_drops_on_create_is_given_another_way(
    aws: EmbeddedAws, cloudformation: CloudFormation, setting: dict[str, str]
) -> None:
    aws.switch(drops_on_create=("CdcPath", "ServerSideEncryptionKmsKeyId"))
    create(cloudformation, S3SETTINGS=settings(**setting))
    (value,) = setting.values()
    assert value in the_endpoint(aws)["ExtraConnectionAttributes"]
    delete(cloudformation)


def test_the_connection_is_tested_from_the_instance_given(aws: EmbeddedAws, cloudformation: CloudFormation) -> None:
    instance = replication_instance(aws)
    aws.switch(connection_test="busy_first")
    create(cloudformation, TESTREPLICATIONINSTANCEARN=instance)
    connections = aws.client("dms", DEV.dms).describe_connections()["Connections"]
    assert [connection["Status"] for connection in connections] == ["successful"]
    delete(cloudformation)
    aws.client("dms", DEV.dms).delete_replication_instance(ReplicationInstanceArn=instance)


def test_settings_are_sent_typed_and_the_bucket_owner_is_the_data_lake_account(
    aws: EmbeddedAws, cloudformation: CloudFormation
) -> None:
    create(cloudformation, S3SETTINGS=settings(INCLUDEOPFORFULLLOAD="true", MAXFILESIZE="1000", TIMESTAMPCOLUMNNAME=""))
    live: dict[str, Any] = the_endpoint(aws)["S3Settings"]
    assert live["IncludeOpForFullLoad"] is True
    assert live["MaxFileSize"] == 1000
    assert live["ExpectedBucketOwner"] == DEV.data_lake
    assert "TimestampColumnName" not in live
    delete(cloudformation)


def test_a_cancelled_create_leaves_nothing_behind(aws: EmbeddedAws, cloudformation: CloudFormation) -> None:
    aws.switch(propagation_seconds=60.0)
    running = threading.Thread(target=cloudformation.invoke, args=(cloudformation.event("Create", properties()),))
    running.start()
    while "CreatePolicy" not in mutations(aws):
        time.sleep(0.01)
    delete(cloudformation, physical_id="stack-Endpoint-1ABCDEFGHIJKL")
    running.join()
    assert left_behind(aws) == []
