"""What DMS documents of settings and does not refuse is said, and nothing else is."""

from __future__ import annotations

import pytest

from dms_s3_endpoint.model.parse import parse
from dms_s3_endpoint.model.s3_settings import Setting, default_of, members
from dms_s3_endpoint.model.warnings import known_warnings, warnings_of

from .builders import ENVIRONMENTS, make_properties

PARQUET: dict[str, Setting] = {"DataFormat": "PARQUET", "ParquetTimestampInMillisecond": False}
KEY = "11111111-1111-4111-8111-111111111111"
SAID: dict[str, tuple[dict[str, Setting], str]] = {
    "two switches": (
        {"CdcInsertsOnly": True, "CdcInsertsAndUpdates": True},
        "CDCINSERTSONLY and CDCINSERTSANDUPDATES exclude each other",
    ),
    "a path and a switch": (
        {"CdcPath": "x", "DatePartitionEnabled": True},
        "CDCPATH and DATEPARTITIONENABLED exclude each other",
    ),
    "a switch without its path": ({"PreserveTransactions": True}, "PRESERVETRANSACTIONS needs CDCPATH"),
    "a mode without its key": (
        {"EncryptionMode": "SSE_KMS"},
        "ENCRYPTIONMODE sse-kms needs SERVERSIDEENCRYPTIONKMSKEYID",
    ),
    "a key without its mode": (
        {"ServerSideEncryptionKmsKeyId": KEY},
        "SERVERSIDEENCRYPTIONKMSKEYID has no effect without ENCRYPTIONMODE sse-kms",
    ),
    "transactions in Parquet": (
        {"PreserveTransactions": True, "CdcPath": "x", **PARQUET},
        "PRESERVETRANSACTIONS writes CSV, not Parquet",
    ),
    "a catalog of a full load in CSV": (
        {"GlueCatalogGeneration": True},
        "GLUECATALOGGENERATION with DATAFORMAT csv needs INCLUDEOPFORFULLLOAD for a full load",
    ),
    "partitions that are off": (
        {"DatePartitionSequence": "YYYYMM", "DatePartitionEnabled": False},
        "DATEPARTITIONSEQUENCE has no effect without DATEPARTITIONENABLED",
    ),
    "a header in Parquet": (
        {"AddColumnName": True, **PARQUET},
        "ADDCOLUMNNAME has no effect with DATAFORMAT parquet",
    ),
    "an empty null value in Parquet": (
        {"CsvNullValue": "", **PARQUET},
        "CSVNULLVALUE has no effect with DATAFORMAT parquet",
    ),
    "timestamps": (
        {"DataFormat": "parquet"},
        "Parquet timestamps are in microseconds, which Athena and Glue read in part: PARQUETTIMESTAMPINMILLISECOND",
    ),
    "a batch above an hour": (
        {"CdcMaxBatchInterval": 3601},
        "with a CDCMAXBATCHINTERVAL above an hour a replication slot of PostgreSQL may grow large",
    ),
    "an ACL": (
        {"CannedAclForObjects": "bucket-owner-full-control"},
        "CANNEDACLFOROBJECTS is refused by a bucket that enforces the ownership of its owner, as new buckets do",
    ),
    "an attribute that is like another": (
        {"dataFromat": "csv"},
        "attribute dataFromat is not known, and passed on as it is (did you mean dataFormat?)",
    ),
    "an attribute that is like none": ({"zzzz": "csv"}, "attribute zzzz is not known, and passed on as it is"),
}


@pytest.mark.parametrize(("given", "said"), SAID.values(), ids=SAID.keys())
def test_it_is_said_once_and_alone(given: dict[str, Setting], said: str) -> None:
    assert warnings_of(given) == [said]


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"CdcPath": "x", "DatePartitionEnabled": False},
        {"CdcInsertsOnly": True, "CdcInsertsAndUpdates": False},
        {"EncryptionMode": "sse-kms", "ServerSideEncryptionKmsKeyId": KEY},
        {"DatePartitionEnabled": True, "DatePartitionSequence": "YYYYMM", "DatePartitionTimezone": "Asia/Seoul"},
        {"GlueCatalogGeneration": True, "IncludeOpForFullLoad": True},
        {"GlueCatalogGeneration": True, **PARQUET},
        {"AddColumnName": False, **PARQUET},
        {"CdcMaxBatchInterval": 3600},
        {"CannedAclForObjects": "NONE"},
        {"detachTargetOnLobLookupFailureParquet": "true"},
    ],
)
def test_of_what_is_meant_nothing_is_said(given: dict[str, Setting]) -> None:
    assert warnings_of(given) == []


def test_every_default_of_dms_spelled_out_is_silent() -> None:
    partitions = {"DatePartitionDelimiter", "DatePartitionSequence", "DatePartitionTimezone"}
    switches_and_numbers = {name: default_of(name) for name in members() if not isinstance(default_of(name), str)}
    choices = {name: default_of(name) for name in members() if name not in partitions and default_of(name) != ""}
    assert warnings_of(switches_and_numbers | choices) == []


def test_each_setting_that_a_warning_asks_for_is_one_of_the_api() -> None:
    asked = {condition.setting for each in known_warnings() for condition in each.conditions}
    assert asked <= set(members())


def test_attributes_count_as_the_settings_that_they_are() -> None:
    given = make_properties(EXTRACONNECTIONATTRIBUTES="cdcInsertsOnly=y;\n cdcInsertsAndUpdates = true; dataFromat=csv")
    assert warnings_of(parse(given, ENVIRONMENTS).effective_settings) == [
        "CDCINSERTSONLY and CDCINSERTSANDUPDATES exclude each other",
        "attribute dataFromat is not known, and passed on as it is (did you mean dataFormat?)",
    ]
