"""S3Settings by the SDK's own model."""

from __future__ import annotations

import botocore.session
import pytest
from botocore.validate import ParamValidator

from dms_s3_endpoint.model import s3_settings as subject
from dms_s3_endpoint.model.parse import parse
from dms_s3_endpoint.model.values import Kind

from .builders import DATA_LAKE, ENVIRONMENTS, make_properties

KEY = "a" * 32
OWN = {
    "BucketName": "lake",
    "ServerSideEncryptionKmsKeyId": KEY,
    "ExpectedBucketOwner": "444444444444",
}
OF_A_TARGET = sorted(set(subject.members()) - set(subject.REFUSED))


def parsed(**given: object) -> dict[str, subject.Setting]:
    """What is sent, without the bucket and its owner unless they are given."""
    settings = dict(parse(make_properties(S3SETTINGS={"BUCKETNAME": "lake"} | given), ENVIRONMENTS).s3_settings)
    added = {"BucketName": "lake", "ExpectedBucketOwner": DATA_LAKE}
    return {name: value for name, value in settings.items() if name.upper() in given or added.get(name) != value}


def sample(name: str) -> tuple[str, subject.Setting]:
    """A text for the setting, and its value."""
    values = subject.values_of(name)
    if values.kind is Kind.ENUMERATION:
        return values.choices[-1].upper().replace("-", "_"), values.choices[-1].upper().replace("-", "_")
    of_kind: dict[Kind, tuple[str, subject.Setting]] = {Kind.BOOLEAN: ("TRUE", True), Kind.INTEGER: ("7", 7)}
    text = OWN.get(name, "Some_Text")
    return of_kind.get(values.kind, (text, text))


@pytest.mark.parametrize("name", OF_A_TARGET)
def test_every_member_of_the_model_is_taken_as_text_and_sent_in_its_type(name: str) -> None:
    text, value = sample(name)
    assert parsed(**{name.upper(): text}) == {name: value}


def test_what_is_parsed_is_what_the_sdk_accepts() -> None:
    given = {name.upper(): sample(name)[0] for name in OF_A_TARGET}
    model = botocore.session.get_session().get_service_model("dms").shape_for("S3Settings")
    assert ParamValidator().validate(parsed(**given), model).generate_report() == ""


@pytest.mark.parametrize("name", [name for name in OF_A_TARGET if subject.values_of(name).choices])
def test_an_enumeration_is_the_models_whatever_case_hyphens_and_underscores(name: str) -> None:
    values = subject.values_of(name)
    for choice in values.choices:
        for text in (choice, choice.upper(), choice.title(), choice.replace("-", "_")):
            assert values.fault(text) == ""
        assert values.fault(choice + "x") == f"must {values.rule}, not {choice + 'x'!r}"
    assert values.fault("\u017flash") != ""


@pytest.mark.parametrize("alias", ["SSEKMSKEYID", "SSEKMDKEYID", "SERVERSIDEENCRYPTIONKMSKEYID"])
def test_the_key_has_three_spellings(alias: str) -> None:
    assert parsed(**{alias: KEY}) == {"ServerSideEncryptionKmsKeyId": KEY}


def test_a_misspelling_that_is_in_use_is_accepted() -> None:
    assert parsed(COMPRESSIONTTYPE="gzip") == {"CompressionType": "gzip"}


def test_empty_values_are_left_out_and_false_and_zero_are_not() -> None:
    assert parsed(TIMESTAMPCOLUMNNAME="", ADDCOLUMNNAME="false", CDCMINFILESIZE="0") == {
        "AddColumnName": False,
        "CdcMinFileSize": 0,
    }


@pytest.mark.parametrize(
    ("name", "one", "other"),
    [
        ("CompressionType", "GZIP", "gzip"),
        ("EncryptionMode", "SSE_KMS", "sse-kms"),
        ("Rfc4180", True, "y"),
        ("Rfc4180", "n", False),
        ("MaxFileSize", "007", 7),
    ],
)
def test_values_that_mean_the_same_are_the_same(name: str, one: object, other: object) -> None:
    assert subject.same(name, one, other)


def test_free_text_differs_by_its_case() -> None:
    assert not subject.same("CsvNullValue", "NULL", "null")


def test_what_is_not_there_is_the_default_in_a_comparison() -> None:
    live = {"DataFormat": "CSV", "EnableStatistics": True, "DatePartitionEnabled": False, "CdcPath": ""}
    assert subject.differences({}, live) == []
    assert subject.differences({"DataFormat": "parquet"}, live | {"Rfc4180": False}) == ["DataFormat", "Rfc4180"]
    assert subject.differences({"DataFormat": ""}, {"DataFormat": "csv", "ServiceAccessRoleArn": "x"}) == []


@pytest.mark.parametrize(
    ("wanted", "live", "names"),
    [
        ({"CsvNullValue": "NULL"}, {"CsvNullValue": "null"}, ["CsvNullValue"]),
        ({"CdcPath": "None"}, {}, ["CdcPath"]),
        ({"unknownToTheApi": "x"}, {}, ["unknownToTheApi"]),
        ({"MaxFileSize": "007"}, {"MaxFileSize": 7}, []),
    ],
)
def test_settings_are_compared_as_their_kind_is(
    wanted: dict[str, object], live: dict[str, object], names: list[str]
) -> None:
    assert subject.differences(wanted, live) == names
