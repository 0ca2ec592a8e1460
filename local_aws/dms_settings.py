"""S3 settings and extra connection attributes as DMS shows them: defaults, casing, and both forms of one setting."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from botocore.session import get_session

Given = dict[str, Any]
SESSION = get_session()
MODEL = SESSION.get_service_model("dms")
S3_SETTINGS: Any = MODEL.shape_for("S3Settings")
SETTING_TYPES = {name: shape.type_name for name, shape in S3_SETTINGS.members.items()}
# CreateEndpoint and DescribeEndpoints answer with these, whether they were given or not.
DEFAULTS = {
    "CsvRowDelimiter": "\\n",
    "CsvDelimiter": ",",
    "CompressionType": "NONE",
    "EnableStatistics": True,
    "DatePartitionEnabled": False,
}
BOOLEANS = {"true": True, "y": True, "false": False, "n": False}
INTEGER = re.compile("-?[0-9]{1,10}")
UPPER_CASE = ("CompressionType", "EncryptionMode", "ParquetVersion")


def attributes_of(text: str) -> dict[str, str]:
    """The attributes in an ExtraConnectionAttributes string: `name=value;...`."""
    parts = [part.partition("=") for part in text.split(";") if "=" in part]
    return {name.strip(): value for name, _, value in parts}


def settings_in(attributes: Mapping[str, str]) -> Given:
    """The connection attributes that are also S3Settings, by the names in S3Settings. DMS shows them in both places."""
    names = {name.lower(): name for name in SETTING_TYPES}
    known = {names[name.lower()]: value for name, value in attributes.items() if name.lower() in names}
    return {name: _typed(SETTING_TYPES[name], value) for name, value in known.items()}


def _typed(type_name: str, value: str) -> Any:
    """The value in the setting's type; text that does not have it stays text."""
    if type_name == "boolean":
        return BOOLEANS.get(value.lower(), value)
    return int(value) if type_name == "integer" and INTEGER.fullmatch(value) else value


def shown_settings(settings: Given) -> Given:
    """The S3Settings of an answer: with DMS's defaults and casing."""
    return DEFAULTS | {name: _as_answered(name, value) for name, value in settings.items()}


def _as_answered(name: str, value: Any) -> Any:
    """AWS answers GZIP, SSE_S3 and PARQUET_1_0, but formats in lower case."""
    if name in UPPER_CASE and isinstance(value, str):
        return value.upper().replace("-", "_")
    return value


def shown_attributes(settings: Given | None, attributes: Mapping[str, str]) -> str:
    """The ExtraConnectionAttributes of an answer: all settings, sorted, in lower camel case. None: no S3Settings."""
    shown_as_settings = {} if settings is None else shown_settings(settings)
    shown = {f"{name[0].lower()}{name[1:]}": _text(value) for name, value in shown_as_settings.items()}
    spelt = {name.lower() for name in shown}
    shown |= {name: value for name, value in attributes.items() if name.lower() not in spelt}
    shown.pop("serviceAccessRoleArn", None)
    return "".join(f"{name}={value};" for name, value in sorted(shown.items()))


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
