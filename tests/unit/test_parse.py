"""From properties to an endpoint: each fault names its place and the way out, and all of them come in one message."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from dms_s3_endpoint.model.endpoint import Endpoint, derived_resource_identifier
from dms_s3_endpoint.model.errors import EndpointError, one_line
from dms_s3_endpoint.model.names import Named
from dms_s3_endpoint.model.parse import names_in, parse
from dms_s3_endpoint.model.properties import LONGEST_RESOURCE_IDENTIFIER, identifier_values

from .builders import DATA_LAKE, DMS, ENVIRONMENTS, make_properties

KEY = "a" * 32


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
        ({"ROLENAME": ""}, "ROLENAME is missing"),
        ({"rolename": "x"}, "ROLENAME is given twice"),
        ({"ROLENAMES": "x"}, "ROLENAMES is unknown (did you mean ROLENAME?)"),
        ({"\u017f3SETTINGS": "x"}, "\u017f3SETTINGS is unknown (did you mean S3SETTINGS?)"),
        ({"DATAFORMAT": "csv"}, "DATAFORMAT is unknown (it belongs in S3SETTINGS)"),
        ({"ROLENAME": ["x"]}, "ROLENAME must be text"),
        ({"ENVIRONMENT": False}, "ENVIRONMENT must be text"),
        ({"ROLENAME": "a b"}, "ROLENAME must be letters, digits and +=,.@_-, at most 64 characters, not 'a b'"),
        (
            {"POLICYNAME": "p" * 129},
            f"POLICYNAME must be letters, digits and +=,.@_-, at most 128 characters, not '{'p' * 40}…'",
        ),
        ({"ENDPOINTIDENTIFIER": "1orders"}, "ENDPOINTIDENTIFIER must begin with a letter"),
        ({"ENDPOINTIDENTIFIER": "or--ders"}, "ENDPOINTIDENTIFIER must"),
        ({"ENDPOINTIDENTIFIER": "orders-"}, "ENDPOINTIDENTIFIER must"),
        ({"ENDPOINTIDENTIFIER": "orders\n"}, "ENDPOINTIDENTIFIER must"),
        ({"ENDPOINTIDENTIFIER": "o" * 256}, "ENDPOINTIDENTIFIER must"),
        ({"ENDPOINTIDENTIFIER": "ördërs"}, "ENDPOINTIDENTIFIER must"),
        ({"RESOURCEIDENTIFIER": "r" * 32}, "RESOURCEIDENTIFIER must"),
        ({"S3SETTINGS": "x"}, "S3SETTINGS must be a map"),
        ({"S3SETTINGS": {"BUCKETFOLDER": "x"}}, "S3SETTINGS.BUCKETNAME is missing"),
        ({"TAGS": {"a": "b"}}, "TAGS must be a list of {Key, Value}"),
        ({"TAGS": ["x"]}, "TAGS.1 must be a map of Key and Value"),
        ({"TAGS": [{"Value": "b"}]}, "TAGS.1.Key is missing"),
        ({"TAGS": [{"Key": "a", "Kay": "b"}]}, "TAGS.1.KAY is unknown (did you mean KEY?)"),
        ({"TAGS": [{"Key": "aws:x", "Value": "b"}]}, "not beginning with aws:, dms: or dms-s3-endpoint:, not 'aws:x'"),
        ({"TAGS": [{"Key": "dms:x", "Value": "b"}]}, "not beginning with aws:, dms: or dms-s3-endpoint:, not 'dms:x'"),
        ({"TAGS": [{"Key": "DMS-s3-endpoint:stack-id"}]}, "TAGS.1.Key must be"),
        ({"TAGS": [{"Key": "a", "Value": "<>"}]}, "TAGS.1.Value must be letters, digits, spaces and _.:/=+-"),
        ({"TAGS": [{"Key": "a", "Value": "dms:x"}]}, "not beginning with aws: or dms:, not 'dms:x'"),
        ({"TAGS": [{"Key": "a", "Value": "aws:x"}]}, "TAGS.1.Value must be"),
        ({"TAGS": [{"Key": "a"}, {"Key": "A"}]}, "TAGS.2.Key 'A' is given twice; case makes no difference"),
        ({"TAGS": [{"Key": str(n)} for n in range(47)]}, "TAGS has 47 entries, and 44 is the most"),
        ({"ADOPT": "yes"}, "ADOPT must be true or false, not 'yes'"),
        ({"PERMISSIONSBOUNDARY": "admin"}, "PERMISSIONSBOUNDARY must be the ARN of an IAM policy"),
        (
            {"PERMISSIONSBOUNDARY": "arn:aws-cn:iam::aws:policy/x"},
            f"PERMISSIONSBOUNDARY must be in partition aws, account {DATA_LAKE} or aws",
        ),
        (
            {"PERMISSIONSBOUNDARY": f"arn:aws:iam::{DMS}:policy/x"},
            f"PERMISSIONSBOUNDARY must be in partition aws, account {DATA_LAKE} or aws",
        ),
        ({"TESTREPLICATIONINSTANCEARN": "x"}, "TESTREPLICATIONINSTANCEARN must be the ARN of a replication instance"),
        ({"TESTREPLICATIONINSTANCEARN": "arn:aws:dms:eu-west-1:999999999999:rep:X"}, f"account {DMS}, not 'arn"),
    ],
)
def test_a_fault_names_the_property_and_quotes_the_value(changes: dict[str, Any], expected: str) -> None:
    reason = fault(**changes)
    assert reason.startswith("InvalidRequest: ")
    assert expected in reason


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"DATAFORMATS": "csv"}, "S3SETTINGS.DATAFORMATS is unknown (did you mean DATAFORMAT?)"),
        ({"dataformat": "csv", "DATAFORMAT": "csv"}, "S3SETTINGS.DATAFORMAT is given twice"),
        ({"DATAFORMAT": "json"}, "S3SETTINGS.DATAFORMAT must be csv or parquet, not 'json'"),
        ({"SSEKMSKEYID": KEY, "SSEKMDKEYID": "b" * 32}, "contradicts another spelling"),
        ({"SERVICEACCESSROLEARN": "x"}, "SERVICEACCESSROLEARN is made from ROLENAME: leave it out"),
        ({"IGNOREHEADERROWS": "1"}, "is for S3 sources, and this is a target"),
        ({"ADDCOLUMNNAME": "yes"}, "S3SETTINGS.ADDCOLUMNNAME must be true or false, not 'yes'"),
        ({"MAXFILESIZE": "1e3"}, "must be a whole number from 1 to 1048576, not '1e3'"),
        ({"MAXFILESIZE": "0"}, "must be a whole number"),
        ({"BUCKETFOLDER": "a*b?/c*"}, "leading slash or '..', not 'a*b?/c*' (it has * ?)"),
        ({"BUCKETFOLDER": "/a"}, "not '/a' (leave the first slash out)"),
        ({"BUCKETNAME": "arn:aws:s3:::lake"}, "not 'arn:aws:s3:::lake' (this is an ARN: give its last part)"),
        ({"BUCKETNAME": "MyLake"}, "not 'MyLake' (the names of buckets have no capital letters)"),
        ({"EXPECTEDBUCKETOWNER": "12345678901"}, "not '12345678901' (write it in quotes, else YAML reads a number"),
        ({"EXPECTEDBUCKETOWNER": "1.2345678901E10"}, "not '1.2345678901E10' (write it in quotes"),
        ({"DATAFORMAT": {"a": "b"}}, "S3SETTINGS.DATAFORMAT must be text"),
        ({"BUCKETNAME": "s3://b"}, "must be the name of a bucket, without s3:// or a folder, not 's3://b'"),
        ({"BUCKETNAME": "bucket*"}, "must be the name of a bucket"),
        ({"BUCKETNAME": 'b","Resource":"*'}, "must be the name of a bucket"),
        ({"BUCKETFOLDER": "a*"}, "BUCKETFOLDER must be"),
        ({"BUCKETFOLDER": "/a"}, "BUCKETFOLDER must be"),
        ({"BUCKETFOLDER": "${aws:username}"}, "BUCKETFOLDER must be"),
        ({"BUCKETFOLDER": "../other"}, "BUCKETFOLDER must be"),
        ({"CDCPATH": "a;b=c"}, "CDCPATH must be without ';'"),
        ({"SSEKMSKEYID": "alias/x"}, "an alias can't be granted"),
        (
            {"SSEKMSKEYID": f"arn:aws-cn:kms:cn-north-1:{DATA_LAKE}:key/{KEY}"},
            "S3SETTINGS.SSEKMSKEYID must be in partition aws, not 'arn",
        ),
        ({"EXPECTEDBUCKETOWNER": "me"}, "must be the 12 digits of an account, not 'me'"),
        (
            {"DATAFORMAT": "csv", "EXTRACONNECTIONATTRIBUTES": "dataFormat=parquet"},
            "DATAFORMAT is 'csv' in S3SETTINGS but 'parquet' in EXTRACONNECTIONATTRIBUTES",
        ),
    ],
)
def test_a_fault_names_the_setting_and_quotes_the_value(settings: dict[str, Any], expected: str) -> None:
    assert expected in fault_of_settings(**settings)


def test_attributes_in_both_places_must_be_the_same() -> None:
    inside = {"BUCKETNAME": "data-lake-dev", "EXTRACONNECTIONATTRIBUTES": "a=b"}
    assert endpoint(S3SETTINGS=inside, EXTRACONNECTIONATTRIBUTES="a=b").extra_connection_attributes == "a=b"
    assert endpoint(S3SETTINGS=inside, EXTRACONNECTIONATTRIBUTES="").extra_connection_attributes == "a=b"
    both = fault(S3SETTINGS=inside, EXTRACONNECTIONATTRIBUTES="a=c")
    assert "EXTRACONNECTIONATTRIBUTES is given twice, with different values" in both


def test_all_faults_come_in_one_message() -> None:
    reason = fault(ROLENAME=None, POLICYNAME=None, ENVIRONMENT="nowhere", EXTRACONNECTIONATTRIBUTES="x")
    assert all(part in reason for part in ("ROLENAME", "POLICYNAME", "nowhere is not one", "without 'name='"))


def test_the_environment_alone_has_a_code_of_its_own() -> None:
    assert fault(ENVIRONMENT="nowhere").startswith("UnknownEnvironment: ENVIRONMENT nowhere is not one")


def test_a_reason_is_one_line_of_at_most_400_characters() -> None:
    reason = fault(**{f"KEY\n{n}" * 20: "x" for n in range(30)})
    assert len(reason) <= 400
    assert "\n" not in reason
    assert reason.endswith("Correct the properties and deploy again")


def test_what_aws_says_becomes_one_line_without_its_full_stop() -> None:
    assert one_line(" The  role\n\tcan't be\nassumed by X\x07.. ") == "The role can't be assumed by X?"


@pytest.mark.parametrize("text", ["dms", "dms-orders", "DMS:orders", "of dms:orders"])
def test_of_dms_own_prefix_a_tag_is_refused_the_documented_spelling_alone(text: str) -> None:
    assert endpoint(TAGS=[{"Key": text, "Value": text}]).tags == {text: text}


@pytest.mark.parametrize("empty", ["", None])
def test_an_optional_property_that_is_empty_is_not_given(empty: str | None) -> None:
    optional = ("RESOURCEIDENTIFIER", "PERMISSIONSBOUNDARY", "TESTREPLICATIONINSTANCEARN", "TAGS", "ADOPT")
    given = make_properties() | dict.fromkeys((*optional, "EXTRACONNECTIONATTRIBUTES"), empty)
    given["S3SETTINGS"] = {"BUCKETNAME": "data-lake-dev", "BUCKETFOLDER": empty, "MAXFILESIZE": empty, "RFC4180": empty}
    assert parse(given, ENVIRONMENTS) == endpoint()


def test_an_empty_csv_null_value_is_sent_as_it_has_a_meaning() -> None:
    assert with_settings(CSVNULLVALUE="").s3_settings["CsvNullValue"] == ""
    assert "CsvNullValue" not in with_settings(CSVNULLVALUE=None).s3_settings


def test_the_bucket_owner_is_the_data_lake_account_unless_given() -> None:
    assert endpoint().s3_settings["ExpectedBucketOwner"] == DATA_LAKE
    assert with_settings(EXPECTEDBUCKETOWNER=DMS).s3_settings["ExpectedBucketOwner"] == DMS
    in_attributes = endpoint(EXTRACONNECTIONATTRIBUTES=f"expectedBucketOwner={DMS}")
    assert "ExpectedBucketOwner" not in in_attributes.s3_settings
    assert endpoint(EXTRACONNECTIONATTRIBUTES="expectedBucketOwner=").s3_settings["ExpectedBucketOwner"] == DATA_LAKE


@pytest.mark.parametrize("yes", ["true", "TRUE", "y", "Y"])
def test_a_boolean_is_true_or_y_in_any_case(yes: str) -> None:
    assert endpoint(ADOPT=yes).adopt
    assert with_settings(RFC4180=yes).s3_settings["Rfc4180"] is True


@pytest.mark.parametrize("no", ["false", "False", "n", "N"])
def test_a_boolean_is_false_or_n_in_any_case(no: str) -> None:
    assert not endpoint(ADOPT=no).adopt
    assert with_settings(RFC4180=no).s3_settings["Rfc4180"] is False


def test_attributes_mean_what_their_trimmed_form_means() -> None:
    block = endpoint(EXTRACONNECTIONATTRIBUTES="bucketFolder = raw ;\n glueCatalogGeneration=y\n").effective_settings
    assert (block["BucketFolder"], block["GlueCatalogGeneration"]) == ("raw", True)


def test_the_identifier_is_lower_cased_first() -> None:
    assert endpoint(ENDPOINTIDENTIFIER="Orders").physical_id == "dev/orders"


@pytest.mark.parametrize("identifier", ["orders", "o" * 31, "o" * 32, "orders-of-the-years-before-this-one", "o" * 255])
def test_the_derived_resource_identifier_fits_and_stays(identifier: str) -> None:
    derived = derived_resource_identifier(identifier)
    assert identifier_values(LONGEST_RESOURCE_IDENTIFIER).fault(derived) == ""
    assert derived == derived_resource_identifier(identifier)
    assert endpoint(RESOURCEIDENTIFIER=derived).resource_identifier == derived


def test_an_identifier_that_fits_is_its_own_resource_identifier() -> None:
    assert [derived_resource_identifier(each) for each in ("orders", "o" * 31)] == ["orders", "o" * 31]


def test_two_long_identifiers_do_not_derive_the_same_resource_identifier() -> None:
    assert derived_resource_identifier("o" * 40) != derived_resource_identifier("o" * 41)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, "1b811ad212d52c2857159c49a559f323e1c1c7cc1ea87a16611dec2edc7560a3"),
        (
            {
                "S3SETTINGS": {
                    "BUCKETNAME": "data-lake-dev",
                    "MAXFILESIZE": "007",
                    "RFC4180": "FALSE",
                    "COMPRESSIONTTYPE": "GZIP",
                    "CDCPATH": "A_b",
                }
            },
            "df2471b0bb14db12ff171aa9e9071644be029c1747b59204c9a35485d3a5144d",
        ),
        (
            {"EXTRACONNECTIONATTRIBUTES": "encryptionMode = SSE_KMS;\n rfc4180=y ;unknown=A_b\n"},
            "f3ed0fea33086d4c0255a2d64ea76db00d6115d099a497d87a4d94487ddae6ca",
        ),
        (
            {"S3SETTINGS": {"BUCKETNAME": "data-lake-dev", "CSVNULLVALUE": ""}},
            "1b811ad212d52c2857159c49a559f323e1c1c7cc1ea87a16611dec2edc7560a3",
        ),
    ],
)
def test_the_fingerprint_is_that_of_version_1_0_0_so_that_no_endpoint_is_created_again(
    changes: dict[str, Any], expected: str
) -> None:
    """The expected values were printed by 1.0.0."""
    assert endpoint(**changes).fingerprint == expected


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
        {"ENDPOINTIDENTIFIER": "another", "RESOURCEIDENTIFIER": "orders"},
        {"ROLENAME": "another"},
        {"RESOURCEIDENTIFIER": "another"},
        {"S3SETTINGS": {"BUCKETNAME": "data-lake-dev", "CSVNULLVALUE": "null"}},
    ],
)
def test_what_create_endpoint_is_given_changes_the_fingerprint(other: dict[str, Any]) -> None:
    assert endpoint(**other).fingerprint != endpoint().fingerprint


def test_free_text_keeps_its_case_in_the_fingerprint() -> None:
    assert with_settings(CSVNULLVALUE="NULL").fingerprint != with_settings(CSVNULLVALUE="null").fingerprint


def test_the_names_of_role_and_policy_are_read_whatever_else_is_wrong() -> None:
    wrong = {"Environment": "gone", "endpointidentifier": "-", "RoleName": "r", "policyname": "P", "X": 1}
    assert names_in(wrong) == Named(frozenset({"r"}), frozenset({"P"}))


@pytest.mark.parametrize("wrong", [None, [], "x", {}, {"ROLENAME": ["r"], "POLICYNAME": 7}])
def test_names_that_are_not_there_are_none(wrong: object) -> None:
    assert names_in(wrong) == Named()


def test_a_name_that_can_not_be_one_is_no_name() -> None:
    assert names_in({"ROLENAME": "*", "POLICYNAME": "p" * 129}) == Named()


def test_names_of_two_requests_are_taken_together() -> None:
    both = names_in({"ROLENAME": "r", "POLICYNAME": "p"}) | names_in({"ROLENAME": "s"})
    assert both == Named(frozenset({"r", "s"}), frozenset({"p"}))


@pytest.mark.parametrize("path", sorted((Path(__file__).resolve().parents[2] / "events").glob("*.json")))
def test_the_sample_events_are_of_this_resource(path: Path) -> None:
    event = json.loads(path.read_text())
    assert parse(event["ResourceProperties"], ENVIRONMENTS).physical_id == "dev/orders"


def test_the_same_setting_in_both_places_is_no_contradiction_and_another_is_named_with_both_values() -> None:
    both = {"S3SETTINGS": {"BUCKETNAME": "lake", "COMPRESSIONTYPE": "GZIP", "MAXFILESIZE": "7"}}
    parse(make_properties(**both, EXTRACONNECTIONATTRIBUTES="compressionType=gzip;maxFileSize=007"), ENVIRONMENTS)
    with pytest.raises(EndpointError) as caught:
        parse(make_properties(**both, EXTRACONNECTIONATTRIBUTES="compressionType=none"), ENVIRONMENTS)
    assert caught.value.failed == "COMPRESSIONTYPE is 'GZIP' in S3SETTINGS but 'none' in EXTRACONNECTIONATTRIBUTES"


def test_an_unknown_environment_is_named_with_those_that_are_deployed() -> None:
    deployed = {"dev": ENVIRONMENTS["dev"], "test": ENVIRONMENTS["dev"]}
    with pytest.raises(EndpointError) as caught:
        parse(make_properties(ENVIRONMENT="p" * 70), deployed)
    assert caught.value.reason == (
        f"UnknownEnvironment: ENVIRONMENT {'p' * 64} is not one that the function was deployed with (dev, test). Use "
        "one of these, or deploy the function with it"
    )


def test_two_faults_are_told_apart() -> None:
    with pytest.raises(EndpointError) as caught:
        parse(make_properties(ROLENAME=None, POLICYNAME=None), ENVIRONMENTS)
    assert caught.value.failed == "POLICYNAME is missing; ROLENAME is missing"


def test_a_key_that_is_like_no_other_is_unknown_without_a_hint() -> None:
    with pytest.raises(EndpointError) as caught:
        parse(make_properties(ZZZZ="x"), ENVIRONMENTS)
    assert caught.value.failed == "ZZZZ is unknown"


@pytest.mark.parametrize(("length", "fits"), [(1, True), (31, True), (32, False)])
def test_a_resource_identifier_has_at_most_31_characters(length: int, fits: bool) -> None:
    assert (identifier_values(LONGEST_RESOURCE_IDENTIFIER).fault("a" * length) == "") is fits
