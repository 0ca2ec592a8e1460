"""S3Settings of a DMS target endpoint: names and types come from the SDK's own model of the API.

https://docs.aws.amazon.com/dms/latest/APIReference/API_S3Settings.html
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from botocore.model import Shape

from .sdk import new_session

Setting = str | bool | int

# Spellings that stack authors use beside the API's name in upper case.
ALIASES = {
    "SSEKMSKEYID": "ServerSideEncryptionKmsKeyId",
    "SSEKMDKEYID": "ServerSideEncryptionKmsKeyId",
    "COMPRESSIONTTYPE": "CompressionType",
}
ATTRIBUTES = "EXTRACONNECTIONATTRIBUTES"
# The API documents both as settings of an S3 source only.
OF_SOURCES = {"ExternalTableDefinition", "IgnoreHeaderRows"}
# CreateEndpoint is known to drop these from S3Settings; in ExtraConnectionAttributes they stay.
DROPPED_ON_CREATE = ("CdcPath", "ServerSideEncryptionKmsKeyId")
BOUNDS = {"MaxFileSize": (1, 1_048_576)}
# What a target has where nothing is given, as the API page says it. DescribeEndpoints shows some of them.
DEFAULTS: dict[str, Setting] = {
    "CannedAclForObjects": "none",
    "CdcMaxBatchInterval": 60,
    "CdcMinFileSize": 32_000,
    "CompressionType": "none",
    "CsvDelimiter": ",",
    "CsvRowDelimiter": "\\n",
    "DataFormat": "csv",
    "DataPageSize": 1_024_000,
    "DatePartitionDelimiter": "SLASH",
    "DatePartitionSequence": "YYYYMMDD",
    "DictPageSizeLimit": 1_024_000,
    "EnableStatistics": True,
    "EncodingType": "rle-dictionary",
    "EncryptionMode": "sse-s3",
    "MaxFileSize": 1_048_576,
    "ParquetVersion": "parquet-1-0",
    "Rfc4180": True,
    "RowGroupLength": 10_024,
}
NONE_OF_A_TYPE: dict[str, Setting] = {"boolean": False, "integer": 0, "long": 0}


@cache
def members() -> Mapping[str, Shape]:
    """The members of the API's S3Settings, by name."""
    shape: Any = new_session().get_service_model("dms").shape_for("S3Settings")
    found: Mapping[str, Shape] = shape.members
    return found


@cache
def canonical_names() -> Mapping[str, str]:
    """API names by their upper-case spelling, aliases included."""
    return {name.upper(): name for name in members() if name not in OF_SOURCES} | ALIASES


def nearest(word: str, known: Iterable[str]) -> str:
    """' (did you mean X?)' for the known word nearest to `word`, or nothing."""
    close = difflib.get_close_matches(word.upper(), list(known), n=1, cutoff=0.6)
    return f" (did you mean {close[0]}?)" if close else ""


def parse_settings(given: Mapping[str, object], faults: list[str]) -> dict[str, Setting]:
    """API names and typed values of the upper-cased keys in `given`; what is wrong is added to `faults`."""
    settings: dict[str, Setting] = {}
    for key, value in given.items():
        name = canonical_names().get(key)
        if fault := _fault_of_key(key, name):
            faults.append(fault)
        elif name is not None and value not in ("", None):
            _add(settings, key, name, value, faults)
    return settings


def _fault_of_key(key: str, name: str | None) -> str:
    if name == "ServiceAccessRoleArn":
        return f"S3SETTINGS.{key} is made from ROLENAME, leave it out"
    if name is None and key in {source_only.upper() for source_only in OF_SOURCES}:
        return f"S3SETTINGS.{key} is for S3 sources, and this is a target"
    if name is None:
        return f"S3SETTINGS.{key} is unknown{nearest(key, canonical_names())}"
    return ""


def _add(settings: dict[str, Setting], key: str, name: str, value: object, faults: list[str]) -> None:
    try:
        converted = convert(name, value)
    except ValueError as error:
        faults.append(f"S3SETTINGS.{key} {error}")
        return
    if name in settings and not same(name, settings[name], converted):
        faults.append(f"S3SETTINGS.{key} contradicts another spelling of {name.upper()}")
    settings[name] = converted


def convert(name: str, value: object) -> Setting:
    """The typed form of a CloudFormation string, by the API model's type of the member `name`."""
    if isinstance(value, (dict, list)):
        raise ValueError("must be a single value")
    text = str(value).lower() if isinstance(value, bool) else str(value)
    kind = members()[name].type_name
    if kind == "boolean":
        return _boolean(text)
    if kind in ("integer", "long"):
        return _integer(text, *BOUNDS.get(name, (0, 2**31 - 1)))
    return text


def _boolean(text: str) -> bool:
    if text.lower() not in ("true", "false"):
        raise ValueError(f"must be true or false, not {text[:40]!r}")
    return text.lower() == "true"


def _integer(text: str, low: int, high: int) -> int:
    if not re.fullmatch(r"[0-9]{1,10}", text, re.ASCII) or not low <= int(text) <= high:
        raise ValueError(f"must be a whole number from {low} to {high}, not {text[:40]!r}")
    return int(text)


def comparable(name: str, value: object) -> str:
    """A form in which GZIP is gzip and SSE_KMS is sse-kms: DMS's docs, model and answers differ in both."""
    text = str(value)
    shape = members().get(name)
    if shape is None or shape.type_name != "string" or getattr(shape, "enum", None):
        return text.lower().replace("-", "").replace("_", "")
    return text


def same(name: str, one: object, other: object) -> bool:
    return comparable(name, one) == comparable(name, other)


def differences(wanted: Mapping[str, object], live: Mapping[str, object]) -> list[str]:
    """The names of the settings in which they differ, with DMS's defaults for what is not there."""
    names = sorted((set(wanted) | set(live)) - {"ServiceAccessRoleArn"})
    return [name for name in names if not same(name, _or_default(name, wanted), _or_default(name, live))]


def _or_default(name: str, settings: Mapping[str, object]) -> object:
    value = settings.get(name)
    if value not in ("", None):
        return value
    kind = members()[name].type_name if name in members() else "string"
    return DEFAULTS.get(name, NONE_OF_A_TYPE.get(kind, ""))


def parse_attributes(text: str) -> dict[str, str]:
    """Key to value of an ExtraConnectionAttributes string; known settings under their API name.

    Raises ValueError where a part has no '='.
    """
    return dict(_attributes(text))


def contradictions(text: str) -> list[str]:
    """The names in an ExtraConnectionAttributes string that come twice, with different values."""
    parsed: dict[str, str] = {}
    return [n for n, value in _attributes(text) if not same(n, parsed.setdefault(n.lower(), value), value)]


def _attributes(text: str) -> list[tuple[str, str]]:
    pairs = []
    for part in filter(str.strip, text.split(";")):
        key, equals, value = part.partition("=")
        if not equals or not key.strip():
            raise ValueError(f"has a part without '=': {part[:40]!r}")
        pairs.append((canonical_names().get(key.strip().upper(), key.strip()), value))
    return pairs


def with_attributes(text: str, added: Mapping[str, Setting]) -> str:
    """`text` with the settings in `added` appended as attributes: lower camel case, booleans in lower case."""
    parts = [part for part in text.split(";") if part]
    parts += [f"{name[0].lower()}{name[1:]}={attribute_value(value)}" for name, value in sorted(added.items())]
    return ";".join(parts)


def attribute_value(value: Setting) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def warnings(settings: Mapping[str, Setting]) -> list[str]:
    """Combinations that DMS documents as exclusive but does not refuse.

    https://docs.aws.amazon.com/dms/latest/userguide/CHAP_Target.S3.html
    """
    given = {name for name, value in settings.items() if value is not False}
    found = [f"{one} and {other} exclude each other" for one, other in _EXCLUSIVE if {one, other} <= given]
    if "PreserveTransactions" in given and "CdcPath" not in given:
        found.append("PreserveTransactions needs CdcPath")
    if (
        same("EncryptionMode", settings.get("EncryptionMode", ""), "SSE_KMS")
        and "ServerSideEncryptionKmsKeyId" not in given
    ):
        found.append("EncryptionMode SSE_KMS needs ServerSideEncryptionKmsKeyId")
    return found


_EXCLUSIVE = [("CdcInsertsOnly", "CdcInsertsAndUpdates")] + [
    (one, other)
    for one in ("PreserveTransactions", "CdcPath")
    for other in ("DatePartitionEnabled", "AddColumnName", "GlueCatalogGeneration")
]
