"""S3Settings by the SDK's own model."""

from __future__ import annotations

import botocore.session
import pytest

from dms_s3_endpoint import settings as subject

TEXT_OF = {"string": ("Some_Text", "Some_Text"), "boolean": ("TRUE", True), "integer": ("7", 7)}


def parsed(**given: object) -> dict[str, subject.Setting]:
    faults: list[str] = []
    found = subject.parse_settings(given, faults)
    assert faults == []
    return found


def of_a_target() -> list[str]:
    return sorted(set(subject.members()) - subject.OF_SOURCES - {"ServiceAccessRoleArn"})


@pytest.mark.parametrize("name", of_a_target())
def test_every_member_of_the_model_is_taken_as_text_and_sent_in_its_type(name: str) -> None:
    text, value = TEXT_OF[subject.members()[name].type_name]
    assert parsed(**{name.upper(): text}) == {name: value}


def test_what_is_parsed_is_what_the_sdk_accepts() -> None:
    given = {name.upper(): TEXT_OF[subject.members()[name].type_name][0] for name in of_a_target()}
    model = botocore.session.get_session().get_service_model("dms").shape_for("S3Settings")
    assert botocore.validate.ParamValidator().validate(parsed(**given), model).generate_report() == ""


@pytest.mark.parametrize("alias", ["SSEKMSKEYID", "SSEKMDKEYID", "SERVERSIDEENCRYPTIONKMSKEYID"])
def test_the_key_has_three_spellings(alias: str) -> None:
    assert parsed(**{alias: "k"}) == {"ServerSideEncryptionKmsKeyId": "k"}


def test_a_misspelling_that_is_in_use_is_accepted() -> None:
    assert parsed(COMPRESSIONTTYPE="gzip") == {"CompressionType": "gzip"}


def test_empty_values_are_left_out_and_false_and_zero_are_not() -> None:
    assert parsed(TIMESTAMPCOLUMNNAME="", ADDCOLUMNNAME="false", CDCMINFILESIZE="0") == {
        "AddColumnName": False,
        "CdcMinFileSize": 0,
    }


def test_attributes_are_given_in_lower_camel_case_after_those_there_are() -> None:
    given = subject.with_attributes("a=b;", {"CdcPath": "changes", "PreserveTransactions": True})
    assert given == "a=b;cdcPath=changes;preserveTransactions=true"


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"CdcInsertsOnly": True, "CdcInsertsAndUpdates": True}, "CdcInsertsOnly and CdcInsertsAndUpdates"),
        ({"PreserveTransactions": True}, "PreserveTransactions needs CdcPath"),
        ({"CdcPath": "x", "DatePartitionEnabled": True}, "CdcPath and DatePartitionEnabled"),
        ({"EncryptionMode": "sse-kms"}, "SSE_KMS needs"),
    ],
)
def test_a_combination_that_dms_documents_as_exclusive_is_a_warning(
    given: dict[str, subject.Setting], expected: str
) -> None:
    assert any(expected in warning for warning in subject.warnings(given))


def test_a_setting_that_is_switched_off_excludes_nothing() -> None:
    assert subject.warnings({"CdcPath": "x", "DatePartitionEnabled": False}) == []
