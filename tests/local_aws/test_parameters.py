"""The parameters that DMS does not take; local_aws/dms_parameters.py has the sources."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local_aws import EmbeddedAws
from tests.assumed import assumed

from .endpoint_pair import DMS, Pair, refused

INVALID, UNSUITABLE = "InvalidParameterValueException", "InvalidParameterCombinationException"


@pytest.fixture
def arn(aws: EmbeddedAws, pair: Pair) -> Iterator[str]:
    """Of an endpoint."""
    aws.switch(first_create="keeps")
    pair.make_role()
    arn = pair.create()["EndpointArn"]
    yield arn
    pair.dms.delete_endpoint(EndpointArn=arn)


@pytest.mark.parametrize(
    "identifier", ["", "1-orders", "-orders", "orders-", "or--ders", "or_ders", "örders", "o" * 256]
)
def test_identifiers_that_dms_does_not_take(pair: Pair, identifier: str) -> None:
    refused(INVALID, pair.create, EndpointIdentifier=identifier)


@pytest.mark.parametrize("identifier", ["1-orders", "orders-", "or--ders", "or_ders", "o" * 32])
def test_tails_of_arns_that_dms_does_not_take(pair: Pair, identifier: str) -> None:
    refused(INVALID, pair.create, ResourceIdentifier=identifier)


@pytest.mark.parametrize("direction", ["TARGET", "Source", "both"])
def test_a_direction_is_in_lower_case(pair: Pair, direction: str) -> None:
    refused(INVALID, pair.create, EndpointType=direction)


@pytest.mark.parametrize(
    "more",
    [
        {"SslMode": "require"},
        {"Username": "admin"},
        {"S3Settings": {"BucketName": "bucket"}},
        {"S3Settings": {"ServiceAccessRoleArn": "arn:aws:iam::222222222222:role/x"}},
    ],
)
def test_combinations_that_dms_does_not_take(pair: Pair, more: dict[str, Any]) -> None:
    refused(UNSUITABLE, pair.create, **more)


def test_a_switch_lets_a_server_pass_for_s3(aws: EmbeddedAws, pair: Pair) -> None:
    aws.switch(servers_for_s3=True)
    pair.dms.delete_endpoint(EndpointArn=pair.made()["EndpointArn"])
    assert pair.create(Username="none", ServerName="none", Port=1)["EngineName"] == "s3"


# Settings


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DataFormat", "json"),
        ("CompressionType", "zip"),
        ("EncryptionMode", "sse"),
        ("ParquetVersion", "1"),
        ("DatePartitionSequence", "YYYY"),
        ("CannedAclForObjects", "owner"),
        ("MaxFileSize", 0),
        ("MaxFileSize", 1_048_577),
        ("IgnoreHeaderRows", 2),
        ("RowGroupLength", 2**31),
        ("BucketFolder", ""),
    ],
)
def test_values_of_settings_that_dms_does_not_take(pair: Pair, name: str, value: Any) -> None:
    assert name in refused(INVALID, pair.create, settings={name: value})


@pytest.mark.parametrize(
    "settings",
    [
        {"CompressionType": "GZIP", "EncryptionMode": "SSE_S3", "ParquetVersion": "PARQUET_2_0"},
        {"CompressionType": "gzip", "EncryptionMode": "sse-s3", "ParquetVersion": "parquet-2-0"},
        {"DatePartitionSequence": "yyyymmddhh", "CannedAclForObjects": "bucket-owner-full-control"},
        {"MaxFileSize": 1, "RowGroupLength": -1, "IgnoreHeaderRows": 1, "CsvNullValue": ""},
        {"AddColumnName": True, "DatePartitionEnabled": True, "CdcPath": "changes"},
    ],
)
def test_values_of_settings_that_dms_takes(aws: EmbeddedAws, pair: Pair, settings: dict[str, Any]) -> None:
    aws.switch(first_create="keeps")
    pair.make_role()
    assert set(settings) <= set(pair.create(settings=settings)["S3Settings"])


def test_a_modification_is_checked_too(aws: EmbeddedAws, pair: Pair, arn: str) -> None:
    aws.switch(modify="accepted")
    refused(INVALID, pair.dms.modify_endpoint, EndpointArn=arn, S3Settings={"DataFormat": "json"})


# Connection attributes


@pytest.mark.parametrize(
    "attributes",
    [
        *("nonsense", "=x", " maxFileSize=7", "a =b", "maxFileSize=7;\ndataFormat=csv"),
        *("dataFormat=json", "maxFileSize=0", "maxFileSize=much", "maxFileSize=٣", "rfc4180=yes"),
    ],
)
def test_attributes_that_dms_does_not_take(aws: EmbeddedAws, pair: Pair, attributes: str) -> None:
    aws.switch(unknown_attributes="accepted")
    refused(INVALID, pair.create, ExtraConnectionAttributes=attributes)


@pytest.mark.parametrize("name", ["unknown", "ignoreHeaderRows", "sseKmsKeyId"])
def test_attributes_that_a_target_does_not_have(pair: Pair, name: str) -> None:
    message = f"Unsupported value '{name}' for extra connection attributes"
    assert refused(INVALID, pair.create, ExtraConnectionAttributes=f"maxFileSize=7;{name}=1") == message


def test_a_source_has_others(aws: EmbeddedAws, pair: Pair) -> None:
    aws.switch(first_create="keeps")
    pair.make_role()
    made = pair.create(EndpointType="source", ExtraConnectionAttributes="ignoreHeaderRows=1")
    assert made["S3Settings"]["IgnoreHeaderRows"] == 1


def test_attributes_that_dms_takes(aws: EmbeddedAws, pair: Pair) -> None:
    aws.switch(first_create="keeps")
    pair.make_role()
    attributes = "CdcPath=a b;maxfilesize=512;rfc4180=y;csvNullValue=;detachTargetOnLobLookupFailureParquet=true;"
    shown = pair.create(ExtraConnectionAttributes=attributes)["S3Settings"]
    assert (shown["CdcPath"], shown["MaxFileSize"], shown["Rfc4180"], shown["CsvNullValue"]) == ("a b", 512, True, "")


def test_dms_may_know_more_attributes_than_its_documentation(aws: EmbeddedAws, pair: Pair) -> None:
    aws.switch(unknown_attributes="accepted", first_create="keeps")
    pair.make_role()
    assert "unknown=x;" in pair.create(ExtraConnectionAttributes="unknown=x")["ExtraConnectionAttributes"]


# Tags


@pytest.mark.parametrize(
    "wrong",
    [
        *({"Key": "aws:x"}, {"Key": "dms:x"}, {"Key": "x", "Value": "aws:x"}, {"Key": "x", "Value": "dms:x"}),
        *({"Key": ""}, {"Value": "x"}, {"Key": "k" * 129}, {"Key": "x", "Value": "v" * 257}),
        *({"Key": "a@b"}, {"Key": "x", "Value": "a,b"}, {"Key": "a\nb"}, {"Key": "team"}),
    ],
)
def test_tags_that_dms_does_not_take(pair: Pair, arn: str, wrong: dict[str, str]) -> None:
    tags = [{"Key": "team", "Value": "lake"}, wrong]
    refused(INVALID, pair.create, Tags=tags)
    refused(INVALID, pair.dms.add_tags_to_resource, ResourceArn=arn, Tags=tags)
    assert pair.dms.list_tags_for_resource(ResourceArn=arn)["TagList"] == []


def test_tags_that_dms_takes(pair: Pair, arn: str) -> None:
    tags = {"k" * 128: "v" * 256, "empty": "", "AWS:x": "Dms:x", "straße ²": "_.:/=+-"}
    pair.dms.add_tags_to_resource(ResourceArn=arn, Tags=[{"Key": key, "Value": tags[key]} for key in tags])
    pair.dms.add_tags_to_resource(ResourceArn=arn, Tags=[{"Key": "none"}])
    shown = pair.dms.list_tags_for_resource(ResourceArn=arn)["TagList"]
    assert {tag["Key"]: tag["Value"] for tag in shown} == tags | {"none": ""}


@pytest.mark.parametrize("most", [50, 10])
def test_a_resource_has_so_many_tags_at_most(aws: EmbeddedAws, pair: Pair, arn: str, most: int) -> None:
    aws.switch(most_tags=most)
    tags = [{"Key": str(number), "Value": "x"} for number in range(most + 1)]
    refused(INVALID, pair.create, Tags=tags)
    pair.dms.add_tags_to_resource(ResourceArn=arn, Tags=tags[:most])
    pair.dms.add_tags_to_resource(ResourceArn=arn, Tags=tags[:1])
    refused(INVALID, pair.dms.add_tags_to_resource, ResourceArn=arn, Tags=tags[most:])


# What is noted


def test_what_a_role_is_refused_is_noted_and_what_root_is_refused_is_not(aws: EmbeddedAws, pair: Pair) -> None:
    before = len(aws.refusals())
    refused(INVALID, pair.create, EndpointIdentifier="1-orders")
    assert aws.refusals()[before:] == []
    refused(INVALID, pair.create, client_of_a_role(pair), EndpointIdentifier="1-orders")
    assert aws.refusals()[before:] == ["CreateEndpoint: The parameter EndpointIdentifier is not a valid identifier"]


def test_a_fault_that_no_check_foresees_is_not_noted(aws: EmbeddedAws, pair: Pair) -> None:
    aws.switch(create_fault=INVALID)
    before = len(aws.refusals())
    with pytest.raises(ClientError):
        pair.create(client_of_a_role(pair))
    assert aws.refusals()[before:] == []


def client_of_a_role(pair: Pair) -> Any:
    """DMS, as a role of its account that may do all."""
    iam, name = pair.aws.client("iam", DMS), f"maker-of-{pair.identifier}"
    trust = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{DMS}:root"}, "Action": "sts:AssumeRole"}
    may = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(document(trust)))["Role"]
    iam.put_role_policy(RoleName=name, PolicyName="all", PolicyDocument=json.dumps(document(may)))
    return assumed(pair.aws, DMS, role["Arn"], "dms")


def document(statement: dict[str, Any]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": [statement]}
