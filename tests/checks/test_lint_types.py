"""W9704: a type that is nearly ours. The function answers to any type; cfn-lint and `check` look for one alone."""

from __future__ import annotations

from typing import Any

import pytest

from tests.checks.cfn_lint import ours, resource

MISSPELT = [
    *("Custom::CreateDmsS3Endpoint", "Custom::CreateDMSS3EndPoint", "custom::createdmss3endpoint"),
    *("Custom::Create-DMS-S3-Endpoint", "Custom:CreateDMSS3Endpoint", "Custom::CreateDMSS3Endpoint "),
    *(
        "Custom::DMSS3Endpoint",
        "Custom::CreateDMSS3Endpoints",
        "Custom::CreateDMSS3Enpoint",
        "Custom::CreateDMSEndpoint",
    ),
    *("Custom::DMSEndpoint", "Custom::CrossAccountDMSS3Endpoint", "Custom::CreateS3Endpoint"),
]


@pytest.mark.parametrize("written", MISSPELT)
def test_a_misspelt_type_is_found_with_the_right_one(written: str) -> None:
    (found,) = ours({"Orders": resource() | {"Type": written}})
    assert found.rule == "W9704"
    assert found.message == f"{written!r} is checked by nothing; did you mean Custom::CreateDMSS3Endpoint?"
    assert found.place == ["Resources", "Orders", "Type"]


def test_case_and_punctuation_alone_need_no_look_at_the_properties() -> None:
    assert [each.rule for each in ours({"Orders": {"Type": "Custom::CreateDmsS3Endpoint"}})] == ["W9704"]


def test_settings_are_known_in_whatever_case_they_are() -> None:
    given = {"s3Settings": {"bucketName": "lake"}}
    assert ours({"Orders": {"Type": "Custom::DMSS3Endpoint", "Properties": given}})


OTHERS: dict[str, dict[str, Any]] = {
    "the right one": resource(),
    "one of another function, near ours": {
        "Type": "Custom::CreateDMSKinesisEndpoint",
        "Properties": {"ENVIRONMENT": "dev", "ROLENAME": "r", "KINESISSETTINGS": {}},
    },
    "one that is far from ours": {"Type": "Custom::Lake", "Properties": {"S3Settings": {}}},
    "one of AWS": {"Type": "AWS::DMS::Endpoint", "Properties": {"S3Settings": {"BucketName": "lake"}}},
    "one that names no resource": resource() | {"Type": "AWS::CloudFormation::CustomResource"},
    "none": {"Properties": {"S3SETTINGS": {}}},
}


@pytest.mark.parametrize("what", OTHERS)
def test_another_type_is_left_alone(what: str) -> None:
    assert ours({"Orders": OTHERS[what]}) == []
