"""S3Settings of a DMS target endpoint: names, types and enumerations come from the SDK's own model of the API.

https://docs.aws.amazon.com/dms/latest/APIReference/API_S3Settings.html
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from botocore.model import ServiceModel, Shape

from .descriptions import descriptions
from .values import LARGEST_INTEGER, Kind, Scalar, Values, boolean, free_text, one_of, whole_number

Setting = Scalar

# Spellings that stack authors use beside the API's name in upper case.
ALIASES = {
    "SSEKMSKEYID": "ServerSideEncryptionKmsKeyId",
    "SSEKMDKEYID": "ServerSideEncryptionKmsKeyId",
    "COMPRESSIONTTYPE": "CompressionType",
}
# Members of the API's S3Settings that a stack may not give, and why.
REFUSED = {
    "ServiceAccessRoleArn": "is made from ROLENAME: leave it out",
    "ExternalTableDefinition": "is for S3 sources, and this is a target",
    "IgnoreHeaderRows": "is for S3 sources, and this is a target",
}
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
NONE_OF_A_KIND: dict[Kind, Setting] = {Kind.BOOLEAN: False, Kind.INTEGER: 0}

_KEY = "(mrk-)?[0-9a-f-]{32,36}"
_OF_A_FOLDER = "A-Za-z0-9/!_.'() =@:+,&;-"
# Rules that the API's model does not tell.
_OWN_VALUES = {
    # https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
    "BucketName": Values(
        Kind.TEXT,
        "be the name of a bucket, without s3:// or a folder",
        r"(?!.*\.\.)[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]",
        hints=(
            ("^arn:", "this is an ARN: give its last part"),
            ("[A-Z]", "the names of buckets have no capital letters"),
        ),
    ),
    # Of S3's safe characters for keys, those that are not a wildcard or variable in an IAM policy's resource.
    "BucketFolder": Values(
        Kind.TEXT,
        "be a key prefix without wildcards, leading slash or '..'",
        f"(?!/)(?!.*\\.\\.)[{_OF_A_FOLDER}]{{1,512}}",
        hints=((f"[^{_OF_A_FOLDER}]", "it has {found}"), ("^/", "leave the first slash out")),
    ),
    "ServerSideEncryptionKmsKeyId": Values(
        Kind.TEXT,
        "be the ARN or id of a key (an alias can't be granted in a policy)",
        f"{_KEY}|arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{{12}}:key/{_KEY}",
    ),
    # It may be given as a connection attribute too, where a semicolon ends it.
    "CdcPath": Values(Kind.TEXT, "be without ';'", "[^;]*"),
    "ExpectedBucketOwner": Values(
        Kind.TEXT,
        "be the 12 digits of an account",
        "[0-9]{12}",
        # CloudFormation sends a large number that is not in quotes as 1.2E10, too.
        hints=(("^([0-9]{1,11}|[0-9.]+E[0-9]+)$", "write it in quotes, else YAML reads a number: 012 becomes 10"),),
    ),
    # Empty, it has null values written as nothing.
    "CsvNullValue": Values(Kind.TEXT, "be text", takes_empty=True),
}


@cache
def members() -> Mapping[str, Shape]:
    """The members of the API's S3Settings, by name."""
    shape: Any = ServiceModel(descriptions().load_service_model("dms", "service-2"), "dms").shape_for("S3Settings")
    found: Mapping[str, Shape] = shape.members
    return found


@cache
def canonical_names() -> Mapping[str, str]:
    """API names by their upper-case spelling, aliases included, without those of sources."""
    of_targets = (name for name in members() if not REFUSED.get(name, "").startswith("is for S3 sources"))
    return {name.upper(): name for name in of_targets} | ALIASES


@cache
def values_of(name: str) -> Values:
    """What the member `name` of the API's S3Settings may be. Raises KeyError for a name that is no member."""
    shape: Any = members()[name]
    if name in _OWN_VALUES:
        return _OWN_VALUES[name]
    if shape.type_name == "boolean":
        return boolean()
    if shape.type_name in ("integer", "long"):
        return whole_number(*BOUNDS.get(name, (0, LARGEST_INTEGER)))
    return one_of(shape.enum) if shape.enum else free_text()


def convert(name: str, value: object) -> Setting:
    """The value in the type of the API's member `name`. Raises ValueError if it is no boolean or integer."""
    return values_of(name).typed(str(value))


def comparable(name: str, value: object) -> str:
    """A form in which GZIP is gzip and SSE_KMS is sse-kms: DMS's docs, model and answers differ in both.

    Fingerprints of endpoints that exist are made of it, so it must never change.
    """
    text = str(value)
    shape: Any = members().get(name)
    if shape is None or shape.type_name != "string" or shape.enum:
        return text.lower().replace("-", "").replace("_", "")
    return text


def same(name: str, one: object, other: object) -> bool:
    """Whether two values of a setting mean the same: GZIP is gzip, y is true, 07 is 7."""
    return comparable(name, _typed(name, one)) == comparable(name, _typed(name, other))


def _typed(name: str, value: object) -> object:
    try:
        return convert(name, value)
    except (KeyError, ValueError):
        return value


def differences(wanted: Mapping[str, object], live: Mapping[str, object]) -> list[str]:
    """The names of the settings in which they differ, with DMS's defaults for what is not there."""
    names = sorted((set(wanted) | set(live)) - {"ServiceAccessRoleArn"})
    return [name for name in names if not same(name, _or_default(name, wanted), _or_default(name, live))]


def _or_default(name: str, settings: Mapping[str, object]) -> object:
    value = settings.get(name)
    return default_of(name) if value in ("", None) else value


def default_of(name: str) -> Setting:
    """What a target has where nothing is given; an empty text for what the API does not know."""
    kind = values_of(name).kind if name in members() else Kind.TEXT
    return DEFAULTS.get(name, NONE_OF_A_KIND.get(kind, ""))
