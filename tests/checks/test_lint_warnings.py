"""W9701: cfn-lint says of settings what the function says, and nothing of what only the deployment knows."""

from __future__ import annotations

import random
from typing import Any

import pytest

from dms_s3_endpoint.model.attributes import attribute_value
from dms_s3_endpoint.model.errors import EndpointError
from dms_s3_endpoint.model.parse import parse
from dms_s3_endpoint.model.warnings import known_warnings, warnings_of
from tests.checks.cfn_lint import ours, resource
from tests.unit.builders import ENVIRONMENTS, make_properties
from tests.unit.test_warnings import SAID

SEED, DRAWN = 17, 300
VALUES: dict[str, list[Any]] = {
    **{name: [True, False, "y", "N", ""] for name in ("CdcInsertsOnly", "CdcInsertsAndUpdates", "AddColumnName")},
    **{name: [True, "false"] for name in ("PreserveTransactions", "GlueCatalogGeneration", "IncludeOpForFullLoad")},
    **{name: [True, "n"] for name in ("DatePartitionEnabled", "ParquetTimestampInMillisecond", "UseCsvNoSupValue")},
    "DataFormat": ["csv", "PARQUET", ""],
    "EncryptionMode": ["SSE_KMS", "sse-s3", "sse-kms"],
    "SSEKMSKEYID": ["11111111-1111-4111-8111-111111111111", ""],
    "CdcPath": ["changes", ""],
    "CdcMaxBatchInterval": [60, 3600, 3601, "99999"],
    "CannedAclForObjects": ["none", "NONE", "private"],
    "CsvNullValue": ["", "NULL"],
    "DatePartitionSequence": ["yyyymm"],
}
ATTRIBUTES = ["dataFromat", "zzzz", "detachTargetOnLobLookupFailureParquet", "ExternalTableDefinitoin"]


def said_by_cfn_lint(properties: dict[str, Any]) -> list[str]:
    found = ours({"Orders": resource(**properties)})
    return sorted(each.message.casefold() for each in found if each.rule == "W9701")


def said_by_the_function(properties: dict[str, Any]) -> list[str]:
    try:
        endpoint = parse(make_properties(**properties), ENVIRONMENTS)
    except EndpointError as error:
        raise AssertionError(properties) from error
    return sorted(each.casefold() for each in warnings_of(endpoint.effective_settings))


@pytest.mark.parametrize("given", [given for given, _said in SAID.values()], ids=SAID.keys())
def test_each_warning_is_said_alike(given: dict[str, Any]) -> None:
    known = {name: value for name, value in given.items() if name[0].isupper()}
    attributes = ";".join(f"{name}={value}" for name, value in given.items() if not name[0].isupper())
    settings = {"BUCKETNAME": "lake", **{name: as_sent(value) for name, value in known.items()}}
    properties = {"S3SETTINGS": settings, "EXTRACONNECTIONATTRIBUTES": attributes}
    assert said_by_cfn_lint(properties) == said_by_the_function(properties) != []


def as_sent(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def test_drawn_settings_and_attributes_are_judged_alike() -> None:
    draw, told = random.Random(SEED), set[str]()  # noqa: S311  # no secret
    for _ in range(DRAWN):
        names = draw.sample(list(VALUES), draw.randrange(7))
        chosen = {name: as_sent(draw.choice(VALUES[name])) for name in names}
        as_attributes = {name for name in chosen if draw.random() < 0.3}
        texts = [f"{name} = {attribute_value(chosen[name])}" for name in as_attributes if chosen[name]]
        texts += [f"{name}=x" for name in draw.sample(ATTRIBUTES, draw.choice((0, 0, 1, 2)))]
        settings = {name: value for name, value in chosen.items() if name not in as_attributes}
        properties = {
            "S3SETTINGS": {"BUCKETNAME": "lake", **settings},
            "EXTRACONNECTIONATTRIBUTES": ";\n ".join(texts),
        }
        said = said_by_the_function(properties)
        assert said_by_cfn_lint(properties) == said, properties
        told |= set(said)
    assert len(told) > len(known_warnings()) // 2


@pytest.mark.parametrize(
    "properties",
    [
        {"S3SETTINGS": {"BUCKETNAME": "lake", "DATAFORMAT": {"Ref": "AWS::Region"}, "ADDCOLUMNNAME": "true"}},
        {"S3SETTINGS": {"BUCKETNAME": "lake", "DATAFORMAT": "{{resolve:ssm:/format}}", "ADDCOLUMNNAME": "true"}},
        {
            "S3SETTINGS": {"BUCKETNAME": "lake", "PRESERVETRANSACTIONS": "true"},
            "EXTRACONNECTIONATTRIBUTES": {"Fn::Sub": "cdcPath=${AWS::StackName}"},
        },
        {"S3SETTINGS": ["lake"]},
        {"S3SETTINGS": "lake", "EXTRACONNECTIONATTRIBUTES": ["a"]},
    ],
)
def test_of_what_only_the_deployment_knows_nothing_is_said(properties: dict[str, Any]) -> None:
    assert said_by_cfn_lint(properties) == []
