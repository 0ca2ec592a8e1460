"""Properties: spelling, types, rules. Each fault names the property, and all of them come in one message."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from dms_s3_endpoint.errors import EndpointError
from dms_s3_endpoint.request import Endpoint, Event, derived_resource_identifier, parse, physical_id_of

from .builders import DATA_LAKE, DMS, ENVIRONMENTS, make_properties


def endpoint(**changes: Any) -> Endpoint:
    return parse(make_properties(**changes), ENVIRONMENTS)


def with_settings(**settings: Any) -> Endpoint:
    return endpoint(S3SETTINGS={"BUCKETNAME": "data-lake-dev", **settings})


def fault(**changes: Any) -> str:
    with pytest.raises(EndpointError) as caught:
        endpoint(**changes)
    return caught.value.reason


def fault_of_settings(**settings: Any) -> str:
    return fault(S3SETTINGS={"BUCKETNAME": "data-lake-dev", **settings})


def test_keys_are_read_in_any_case_at_every_level() -> None:
    given = make_properties(S3SETTINGS=None, TAGS=None)
    lower = {key.lower(): value for key, value in given.items()}
    read = parse(lower | {"s3Settings": {"bucketName": "b-1"}, "tags": [{"key": "a", "VALUE": "b"}]}, ENVIRONMENTS)
    assert (read.bucket_name, read.tags) == ("b-1", {"a": "b"})


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"ROLENAME": None}, "ROLENAME is missing"),
        ({"rolename": "x"}, "ROLENAME is given twice"),
        ({"ROLENAMES": "x"}, "ROLENAMES is unknown (did you mean ROLENAME?)"),
        ({"ROLENAME": ["x"]}, "ROLENAME must be text"),
        ({"ENVIRONMENT": False}, "ENVIRONMENT must be text"),
        ({"ROLENAME": "a b"}, "ROLENAME must be"),
        ({"POLICYNAME": "p" * 129}, "POLICYNAME must be"),
        ({"ENDPOINTIDENTIFIER": "1orders"}, "ENDPOINTIDENTIFIER must begin with a letter"),
        ({"ENDPOINTIDENTIFIER": "or--ders"}, "ENDPOINTIDENTIFIER must"),
        ({"ENDPOINTIDENTIFIER": "orders-"}, "ENDPOINTIDENTIFIER must"),
        ({"ENDPOINTIDENTIFIER": "o" * 256}, "ENDPOINTIDENTIFIER must"),
        ({"ENDPOINTIDENTIFIER": "ördërs"}, "ENDPOINTIDENTIFIER must"),
        ({"RESOURCEIDENTIFIER": "r" * 32}, "RESOURCEIDENTIFIER must"),
        ({"S3SETTINGS": "x"}, "S3SETTINGS must be a map"),
        ({"S3SETTINGS": {"BUCKETFOLDER": "x"}}, "S3SETTINGS.BUCKETNAME is missing"),
        ({"TAGS": {"a": "b"}}, "TAGS must be a list"),
        ({"TAGS": [{"Key": "aws:x", "Value": "b"}]}, "TAGS.aws:x begins with a reserved word"),
        ({"TAGS": [{"Key": "dms-s3-endpoint:stack-id", "Value": "b"}]}, "begins with a reserved word"),
        ({"TAGS": [{"Key": "a", "Value": "<>"}]}, "TAGS.a must be"),
        ({"TAGS": [{"Key": "a"}, {"Key": "a"}]}, "TAGS.a is given twice"),
        ({"TAGS": [{"Key": str(n)} for n in range(47)]}, "TAGS has 47 tags"),
        ({"PERMISSIONSBOUNDARY": "admin"}, "PERMISSIONSBOUNDARY must be"),
        ({"PERMISSIONSBOUNDARY": "arn:aws-cn:iam::aws:policy/x"}, "in partition aws"),
        ({"TESTREPLICATIONINSTANCEARN": "x"}, "TESTREPLICATIONINSTANCEARN must be"),
        ({"TESTREPLICATIONINSTANCEARN": "arn:aws:dms:eu-west-1:999999999999:rep:X"}, f"in the DMS account {DMS}"),
        ({"EXTRACONNECTIONATTRIBUTES": "nonsense"}, "EXTRACONNECTIONATTRIBUTES has a part without '='"),
        ({"EXTRACONNECTIONATTRIBUTES": "serviceAccessRoleArn=x"}, "which is made from ROLENAME"),
    ],
)
def test_a_fault_names_the_property(changes: dict[str, Any], expected: str) -> None:
    reason = fault(**changes)
    assert reason.startswith("InvalidRequest: ")
    assert expected in reason


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"DATAFORMATS": "csv"}, "S3SETTINGS.DATAFORMATS is unknown (did you mean DATAFORMAT?)"),
        ({"dataformat": "csv", "DATAFORMAT": "csv"}, "S3SETTINGS.DATAFORMAT is given twice"),
        ({"SSEKMSKEYID": "a" * 32, "SSEKMDKEYID": "b" * 32}, "contradicts another spelling"),
        ({"SERVICEACCESSROLEARN": "x"}, "is made from ROLENAME"),
        ({"IGNOREHEADERROWS": "1"}, "is for S3 sources"),
        ({"ADDCOLUMNNAME": "yes"}, "must be true or false, not 'yes'"),
        ({"MAXFILESIZE": "1e3"}, "must be a whole number from 1 to 1048576"),
        ({"MAXFILESIZE": "0"}, "must be a whole number"),
        ({"DATAFORMAT": {"a": "b"}}, "must be a single value"),
        ({"BUCKETNAME": "s3://b"}, "must be the name of a bucket"),
        ({"BUCKETNAME": "bucket*"}, "must be the name of a bucket"),
        ({"BUCKETNAME": 'b","Resource":"*'}, "must be the name of a bucket"),
        ({"BUCKETFOLDER": "a*"}, "BUCKETFOLDER must be"),
        ({"BUCKETFOLDER": "${aws:username}"}, "BUCKETFOLDER must be"),
        ({"BUCKETFOLDER": "../other"}, "BUCKETFOLDER must be"),
        ({"SSEKMSKEYID": "alias/x"}, "an alias can't be granted"),
        ({"SSEKMSKEYID": f"arn:aws-cn:kms:cn-north-1:{DATA_LAKE}:key/{'a' * 36}"}, "must be in partition aws"),
        ({"EXPECTEDBUCKETOWNER": "me"}, "must be the 12 digits of an account"),
        ({"EXTRACONNECTIONATTRIBUTES": "bucketFolder=a*"}, "BUCKETFOLDER must be"),
        (
            {"DATAFORMAT": "csv", "EXTRACONNECTIONATTRIBUTES": "dataFormat=parquet"},
            "DATAFORMAT is csv in S3SETTINGS but",
        ),
    ],
)
def test_a_fault_names_the_setting(settings: dict[str, Any], expected: str) -> None:
    assert expected in fault_of_settings(**settings)


def test_all_faults_come_in_one_message() -> None:
    reason = fault(ROLENAME=None, POLICYNAME=None, ENVIRONMENT="nowhere")
    assert all(part in reason for part in ("ROLENAME", "POLICYNAME", "nowhere is not one"))


def test_the_environment_alone_has_a_code_of_its_own() -> None:
    assert fault(ENVIRONMENT="nowhere").startswith("UnknownEnvironment: ENVIRONMENT nowhere is not one")


def test_a_reason_is_one_line_of_at_most_400_characters() -> None:
    reason = fault(**{f"KEY\n{n}" * 20: "x" for n in range(30)})
    assert len(reason) <= 400
    assert "\n" not in reason
    assert reason.endswith("Correct the properties and deploy again")


def test_the_bucket_owner_is_the_data_lake_account_unless_given() -> None:
    assert endpoint().s3_settings["ExpectedBucketOwner"] == DATA_LAKE
    assert with_settings(EXPECTEDBUCKETOWNER=DMS).s3_settings["ExpectedBucketOwner"] == DMS
    in_attributes = endpoint(EXTRACONNECTIONATTRIBUTES=f"expectedBucketOwner={DMS}")
    assert "ExpectedBucketOwner" not in in_attributes.s3_settings


def test_the_identifier_is_lower_cased_first() -> None:
    assert endpoint(ENDPOINTIDENTIFIER="Orders").physical_id == "dev/orders"


def test_attributes_may_stand_inside_the_settings() -> None:
    assert with_settings(EXTRACONNECTIONATTRIBUTES="a=b").extra_connection_attributes == "a=b"


@pytest.mark.parametrize("identifier", ["orders", "o" * 31, "o" * 32, "orders-of-the-last-ye-ar-and-more", "o" * 255])
def test_the_derived_resource_identifier_fits_and_stays(identifier: str) -> None:
    derived = derived_resource_identifier(identifier)
    assert len(derived) <= 31
    assert derived == derived_resource_identifier(identifier)
    assert endpoint(RESOURCEIDENTIFIER=derived).resource_identifier == derived


def test_two_long_identifiers_do_not_derive_the_same_resource_identifier() -> None:
    assert derived_resource_identifier("o" * 40) != derived_resource_identifier("o" * 41)


@pytest.mark.parametrize(
    "same",
    [
        {"S3SETTINGS": {"bucketname": "data-lake-dev", "COMPRESSIONTTYPE": "gzip", "ENCRYPTIONMODE": "sse-s3"}},
        {"TAGS": [{"Key": "a", "Value": "b"}]},
        {"POLICYNAME": "another"},
        {"PERMISSIONSBOUNDARY": "arn:aws:iam::aws:policy/x"},
        {"TESTREPLICATIONINSTANCEARN": f"arn:aws:dms:eu-west-1:{DMS}:rep:X"},
    ],
)
def test_what_create_endpoint_is_not_given_does_not_change_the_fingerprint(same: dict[str, Any]) -> None:
    settings = {"BUCKETNAME": "data-lake-dev", "COMPRESSIONTYPE": "GZIP", "ENCRYPTIONMODE": "SSE_S3"}
    assert endpoint(**{"S3SETTINGS": settings} | same).fingerprint == endpoint(S3SETTINGS=settings).fingerprint


@pytest.mark.parametrize(
    "other",
    [
        {"S3SETTINGS": {"BUCKETNAME": "data-lake-dev", "DATAFORMAT": "parquet"}},
        {"EXTRACONNECTIONATTRIBUTES": "detachTargetOnLobLookupFailureParquet=true"},
        {"ROLENAME": "another"},
        {"RESOURCEIDENTIFIER": "another"},
        {"S3SETTINGS": {"BUCKETNAME": "data-lake-dev", "CSVNULLVALUE": "null"}},
    ],
)
def test_what_create_endpoint_is_given_changes_the_fingerprint(other: dict[str, Any]) -> None:
    assert endpoint(**other).fingerprint != endpoint().fingerprint


def test_free_text_keeps_its_case_in_the_fingerprint() -> None:
    assert with_settings(CSVNULLVALUE="NULL").fingerprint != with_settings(CSVNULLVALUE="null").fingerprint


@pytest.mark.parametrize(
    "broken", [{}, {"ENVIRONMENT": "dev"}, {"ENVIRONMENT": "dev", "ENDPOINTIDENTIFIER": ["x"]}, {"ENVIRONMENT": []}]
)
def test_properties_may_give_no_id(broken: dict[str, Any]) -> None:
    assert physical_id_of(broken, ENVIRONMENTS) is None


@pytest.mark.parametrize("path", sorted((Path(__file__).resolve().parents[2] / "events").glob("*.json")))
def test_the_sample_events_are_events_of_this_resource(path: Path) -> None:
    event = Event.read(json.loads(path.read_text()))
    assert parse(event.properties, ENVIRONMENTS).physical_id == "dev/orders"
