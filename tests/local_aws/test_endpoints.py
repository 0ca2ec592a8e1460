"""Endpoints as DMS keeps, shows and deletes them."""

from __future__ import annotations

import json
import re
import time

import pytest

from local_aws import EmbeddedAws

from .endpoint_pair import DMS, LAKE, Pair, endpoints, refused

KEY = f"arn:aws:kms:eu-west-1:{LAKE}:key/11111111-1111-4111-8111-111111111111"


def test_what_is_shown(pair: Pair) -> None:
    pair.identifier = pair.identifier.title()
    settings = {"CompressionType": "gzip", "EncryptionMode": "sse-s3", "BucketFolder": "raw", "CdcInsertsOnly": True}
    pair.make_role()
    pair.demand(pair.create(settings=settings)["ExternalId"])
    made = pair.create(settings=settings, ExtraConnectionAttributes="maxFileSize=512")
    assert made["EndpointIdentifier"] == pair.identifier.lower()
    assert (made["EndpointType"], made["EngineName"], made["Status"]) == ("TARGET", "s3", "active")
    shown = made["S3Settings"]
    assert (shown["CompressionType"], shown["EncryptionMode"], shown["MaxFileSize"]) == ("GZIP", "SSE_S3", 512)
    attributes = made["ExtraConnectionAttributes"]
    assert attributes.startswith(f"bucketFolder=raw;bucketName={pair.bucket};cdcInsertsOnly=true;compressionType=GZIP;")
    assert attributes.split(";")[:-1] == sorted(attributes.split(";")[:-1])


def test_arns(pair: Pair) -> None:
    made = pair.made()
    assert re.fullmatch(f"arn:aws:dms:eu-west-1:{DMS}:endpoint:[A-Z2-7]{{39}}", made["EndpointArn"])
    pair.dms.delete_endpoint(EndpointArn=made["EndpointArn"])
    again = pair.create(ResourceIdentifier="orders-tail")
    assert again["EndpointArn"] == f"arn:aws:dms:eu-west-1:{DMS}:endpoint:orders-tail"
    pair.dms.delete_endpoint(EndpointArn=again["EndpointArn"])


def test_creating_active_deleting_gone(aws: EmbeddedAws, pair: Pair) -> None:
    aws.switch(create_seconds=1500.0, delete_seconds=1500.0)
    made = pair.made()
    assert (made["Status"], pair.found()["Status"]) == ("creating", "creating")
    time.sleep(1.6)
    assert pair.found()["Status"] == "active"
    deleted = pair.dms.delete_endpoint(EndpointArn=made["EndpointArn"])["Endpoint"]
    assert (deleted["Status"], pair.found()["Status"]) == ("deleting", "deleting")
    refused("ResourceAlreadyExistsFault", pair.create)
    time.sleep(1.6)
    refused("ResourceNotFoundFault", pair.found)
    refused("ResourceNotFoundFault", pair.dms.delete_endpoint, EndpointArn=made["EndpointArn"])


@pytest.mark.parametrize("code", ["ResourceAlreadyExistsFault", "InvalidResourceStateFault"])
def test_an_identifier_may_stay_reserved(aws: EmbeddedAws, pair: Pair, code: str) -> None:
    aws.switch(identifier_reserved_seconds=1500.0, identifier_reserved_fault=code, delete_answers="active")
    answer = pair.dms.delete_endpoint(EndpointArn=pair.made()["EndpointArn"])
    assert answer["Endpoint"]["Status"] == "active"
    refused("ResourceNotFoundFault", pair.found)
    refused(code, pair.create)
    time.sleep(1.6)
    pair.create()


def test_describe_may_lag_both_ways(aws: EmbeddedAws, pair: Pair) -> None:
    aws.switch(describe_lag_seconds=1500.0)
    arn = pair.made()["EndpointArn"]
    refused("ResourceNotFoundFault", pair.found)
    time.sleep(1.6)
    pair.dms.delete_endpoint(EndpointArn=arn)
    assert pair.found()["Status"] == "active"
    time.sleep(1.6)
    refused("ResourceNotFoundFault", pair.found)


def test_an_empty_match_may_be_an_empty_list(aws: EmbeddedAws, pair: Pair) -> None:
    aws.switch(describe_empty="empty")
    filters = [{"Name": "endpoint-id", "Values": ["nobody"]}]
    assert pair.dms.describe_endpoints(Filters=filters)["Endpoints"] == []
    refused("InvalidParameterValueException", pair.dms.describe_endpoints, Filters=[{"Name": "size", "Values": ["1"]}])


def test_pages(aws: EmbeddedAws, pair: Pair) -> None:
    aws.switch(first_create="keeps")
    pair.make_role()
    wanted = {pair.create(EndpointIdentifier=f"{pair.identifier}-{n}")["EndpointArn"] for n in range(25)}
    aws.switch(page_size=20)
    page = pair.dms.describe_endpoints()
    assert len(page["Endpoints"]) == 20
    assert pair.dms.describe_endpoints(MaxRecords=20, Marker=page["Marker"])["Endpoints"][0] not in page["Endpoints"]
    assert wanted <= {each["EndpointArn"] for each in endpoints(pair.dms)}
    for arn in wanted:
        pair.dms.delete_endpoint(EndpointArn=arn)


def test_accounts_and_regions_are_apart(aws: EmbeddedAws, pair: Pair) -> None:
    pair.made()
    assert pair.identifier not in [each["EndpointIdentifier"] for each in endpoints(aws.client("dms", LAKE))]


def test_quota(aws: EmbeddedAws, pair: Pair) -> None:
    aws.switch(quota=0)
    refused("ResourceQuotaExceededFault", pair.create)


def test_settings_that_create_drops(aws: EmbeddedAws, pair: Pair) -> None:
    aws.switch(drops_on_create=("ServerSideEncryptionKmsKeyId",), first_create="keeps")
    pair.make_role()
    settings = {"EncryptionMode": "sse-kms", "ServerSideEncryptionKmsKeyId": KEY}
    made = pair.create(settings=settings)
    assert "ServerSideEncryptionKmsKeyId" not in made["S3Settings"]
    pair.dms.delete_endpoint(EndpointArn=made["EndpointArn"])
    made = pair.create(settings=settings, ExtraConnectionAttributes=f"serverSideEncryptionKmsKeyId={KEY}")
    assert made["S3Settings"]["ServerSideEncryptionKmsKeyId"] == KEY


def test_tags(pair: Pair) -> None:
    pair.make_role()
    pair.demand(pair.create()["ExternalId"])
    arn = pair.create(Tags=[{"Key": "team", "Value": "lake"}])["EndpointArn"]
    pair.dms.add_tags_to_resource(ResourceArn=arn, Tags=[{"Key": "stage", "Value": "dev"}])
    pair.dms.remove_tags_from_resource(ResourceArn=arn, TagKeys=["team"])
    assert (
        pair.dms.list_tags_for_resource(ResourceArn=arn)["TagList"]
        == pair.dms.list_tags_for_resource(ResourceArnList=[arn])["TagList"]
    )
    assert [tag["Key"] for tag in pair.dms.list_tags_for_resource(ResourceArn=arn)["TagList"]] == ["stage"]
    refused("ResourceNotFoundFault", pair.dms.list_tags_for_resource, ResourceArn=f"{arn}X")


def test_keys_of_tags_differ_by_case(pair: Pair) -> None:
    arn = pair.made()["EndpointArn"]
    for key in ("team", "Team"):
        pair.dms.add_tags_to_resource(ResourceArn=arn, Tags=[{"Key": key, "Value": key}])
    tags = pair.dms.list_tags_for_resource(ResourceArn=arn)["TagList"]
    assert {tag["Key"]: tag["Value"] for tag in tags} == {"team": "team", "Team": "Team"}


def test_modify_is_refused_unless_a_switch_says_otherwise(aws: EmbeddedAws, pair: Pair) -> None:
    arn = pair.made()["EndpointArn"]
    refused("AccessDeniedFault", pair.dms.modify_endpoint, EndpointArn=arn, S3Settings={"BucketFolder": "x"})
    aws.switch(modify="accepted")
    pair.dms.modify_endpoint(EndpointArn=arn, S3Settings={"BucketFolder": "x"})
    assert pair.found()["S3Settings"]["BucketFolder"] == "x"


def test_a_task_holds_its_endpoint(pair: Pair) -> None:
    arn, dms = pair.made()["EndpointArn"], pair.dms
    instance = dms.create_replication_instance(
        ReplicationInstanceIdentifier=pair.identifier, ReplicationInstanceClass="dms.t3.micro"
    )["ReplicationInstance"]["ReplicationInstanceArn"]
    task = dms.create_replication_task(
        ReplicationTaskIdentifier=pair.identifier,
        SourceEndpointArn=arn.replace("endpoint:", "endpoint:S"),
        TargetEndpointArn=arn,
        ReplicationInstanceArn=instance,
        MigrationType="full-load",
        TableMappings=json.dumps({"rules": []}),
    )["ReplicationTask"]["ReplicationTaskArn"]
    refused("InvalidResourceStateFault", dms.delete_endpoint, EndpointArn=arn)
    found = dms.describe_replication_tasks(Filters=[{"Name": "endpoint-arn", "Values": [arn]}])["ReplicationTasks"]
    assert [each["ReplicationTaskIdentifier"] for each in found] == [pair.identifier]
    dms.delete_replication_task(ReplicationTaskArn=task)
    dms.delete_endpoint(EndpointArn=arn)


def test_a_serverless_replication_holds_its_endpoint(pair: Pair) -> None:
    arn, dms = pair.made()["EndpointArn"], pair.dms
    config = dms.create_replication_config(
        ReplicationConfigIdentifier=pair.identifier,
        SourceEndpointArn=arn.replace("endpoint:", "endpoint:S"),
        TargetEndpointArn=arn,
        ComputeConfig={"MaxCapacityUnits": 2},
        ReplicationType="full-load",
        TableMappings=json.dumps({"rules": []}),
    )["ReplicationConfig"]["ReplicationConfigArn"]
    refused("InvalidResourceStateFault", dms.delete_endpoint, EndpointArn=arn)
    by_id = [{"Name": "replication-config-id", "Values": [pair.identifier]}]
    (found,) = dms.describe_replication_configs(Filters=by_id)["ReplicationConfigs"]
    assert found["TargetEndpointArn"] == arn
    dms.delete_replication_config(ReplicationConfigArn=config)
    dms.delete_endpoint(EndpointArn=arn)
    refused("ResourceNotFoundFault", dms.delete_replication_config, ReplicationConfigArn=config)
