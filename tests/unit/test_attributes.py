"""ExtraConnectionAttributes, read as DMS documents them."""

from __future__ import annotations

import pytest

from dms_s3_endpoint.model.attributes import contradictions, faults_of_attributes, parse_attributes, with_attributes


def test_white_space_around_names_values_and_semicolons_is_no_part_of_them() -> None:
    assert parse_attributes("\n bucketFolder = a b ;\n\n x=\ty\n;; ") == {"BucketFolder": "a b", "x": "y"}


def test_known_names_are_the_apis_in_any_case_and_by_their_aliases() -> None:
    parsed = parse_attributes("BUCKETNAME=b;sseKmsKeyId=k;compressionTtype=gzip;Unknown=x")
    assert parsed == {"BucketName": "b", "ServerSideEncryptionKmsKeyId": "k", "CompressionType": "gzip", "Unknown": "x"}


def test_a_known_setting_without_a_value_is_not_given_unless_empty_has_a_meaning() -> None:
    assert parse_attributes("bucketFolder=;csvNullValue=;unknown=") == {"CsvNullValue": "", "unknown": ""}


def test_a_value_may_have_equals_signs() -> None:
    assert parse_attributes("a=b=c") == {"a": "b=c"}


@pytest.mark.parametrize("text", ["nonsense", "=x", "a=b;c"])
def test_a_part_without_a_name_and_an_equals_sign_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="has a part without 'name='"):
        parse_attributes(text)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("csvNullValue=NULL;csvnullvalue=null", ["CsvNullValue"]),
        ("rfc4180=true;RFC4180=y", []),
        ("maxFileSize=7;maxFileSize=007", []),
        ("encryptionMode=SSE_KMS;encryptionMode=sse-kms", []),
        ("a=b;A=c", ["A"]),
        ("bucketFolder=;bucketFolder=x", []),
    ],
)
def test_a_name_that_comes_twice_with_different_values_is_a_contradiction(text: str, names: list[str]) -> None:
    assert contradictions(text) == names


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("nonsense", "EXTRACONNECTIONATTRIBUTES has a part without 'name=': 'nonsense'"),
        ("dataFormat=json", "EXTRACONNECTIONATTRIBUTES.dataFormat must be csv or parquet, not 'json'"),
        ("bucketFolder=a*", "EXTRACONNECTIONATTRIBUTES.bucketFolder must be a key prefix"),
        ("serviceAccessRoleArn=x", "serviceAccessRoleArn is made from ROLENAME: leave it out"),
        ("serviceAccessRoleArn=", "serviceAccessRoleArn is made from ROLENAME: leave it out"),
        ("ignoreHeaderRows=1", "ignoreHeaderRows is for S3 sources, and this is a target"),
        ("a=b;a=c", "EXTRACONNECTIONATTRIBUTES has 'a' twice, with different values"),
    ],
)
def test_a_fault_names_the_attribute(text: str, expected: str) -> None:
    (fault,) = faults_of_attributes(text)
    assert expected in fault


def test_attributes_that_the_api_does_not_know_are_passed_on() -> None:
    assert faults_of_attributes("detachTargetOnLobLookupFailureParquet=true") == []


def test_added_settings_are_in_lower_camel_case_after_those_there_are() -> None:
    given = with_attributes("a = b ;\n", {"CdcPath": "Changes", "PreserveTransactions": True})
    assert given == "a=b;cdcPath=Changes;preserveTransactions=true"


def test_an_alias_is_given_under_the_name_that_dms_knows_and_other_names_as_they_are_written() -> None:
    key = "11111111-1111-4111-8111-111111111111"
    given = with_attributes(f"sseKmsKeyId={key};compressionTtype=gzip;DataFormat=csv", {})
    assert given == f"serverSideEncryptionKmsKeyId={key};compressionType=gzip;DataFormat=csv"
