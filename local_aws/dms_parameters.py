"""The parameters that DMS refuses, before it looks at anything else. The sources:

- the API's model, and the pages API_CreateEndpoint, API_S3Settings and API_Tag of
  https://docs.aws.amazon.com/dms/latest/APIReference/
- https://docs.aws.amazon.com/dms/latest/userguide/CHAP_Target.S3.html
- what hashicorp/terraform-provider-aws sends to the real DMS in internal/service/dms/*_test.go. It takes combinations
  that the pages exclude (AddColumnName and DatePartitionEnabled with CdcPath), settings of sources for a target
  (IgnoreHeaderRows), any name of a bucket, and tags without a value: so nothing of that is refused here.

The words are ours where no source quotes DMS's own.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from .dms_settings import S3_SETTINGS, Given, attributes_of, settings_in
from .switches import Switches

IDENTIFIER = re.compile(r"[A-Za-z](-?[A-Za-z0-9])*", re.ASCII)
LONGEST_IDENTIFIER = {"EndpointIdentifier": 255, "ResourceIdentifier": 31}
NOT_FOR_S3 = ("Username", "Password", "ServerName", "Port", "DatabaseName")
# The page of this setting gives its empty text a meaning.
MAY_BE_BLANK = ("CsvNullValue",)
# Others may be "any valid integer": one of 32 bits, as the API's type says.
BOUNDS = {"MaxFileSize": (1, 1_048_576), "IgnoreHeaderRows": (0, 1)}
ANY_INTEGER = (-(2**31), 2**31 - 1)
# The attributes of an S3 target: its settings, and one that is no setting.
OF_SOURCES = ("ExternalTableDefinition", "IgnoreHeaderRows")
OF_TARGETS = (set(S3_SETTINGS.members) - set(OF_SOURCES)) | {"detachTargetOnLobLookupFailureParquet"}
KNOWN_ATTRIBUTES = {name.lower() for name in OF_TARGETS}
# Neither a key nor a value of a tag may begin so; whether another case may, is not documented.
RESERVED_FOR_TAGS = ("aws:", "dms:")
LENGTHS_OF_TAGS = {"Key": (1, 128), "Value": (0, 256)}


class DmsFault(Exception):  # noqa: N818  # AWS's own term
    """An error that DMS answers with. `code` is its type, such as `ResourceNotFoundFault`."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class ParameterFault(DmsFault):
    """A parameter that DMS never takes, so that its caller could have refused it before."""


def invalid(message: str) -> ParameterFault:
    """The fault for a value that a parameter can't have."""
    return ParameterFault("InvalidParameterValueException", message)


def _unsuitable(message: str) -> ParameterFault:
    return ParameterFault("InvalidParameterCombinationException", message)


def check(given: Given, switches: Switches) -> None:
    """Check the parameters of CreateEndpoint, as DMS does before it assumes the role. Raises ParameterFault."""
    check_identifiers(given)
    check_tags(given.get("Tags", []), (), switches.most_tags)
    # In lower case alone, unlike the values of S3Settings.
    if given["EndpointType"] not in ("source", "target"):
        raise invalid(f"Endpoint type {given['EndpointType']} is not valid")
    if given["EngineName"] == "s3":
        _check_s3(given, switches)


def check_identifiers(given: Given) -> None:
    """Check the names that a new resource is given. Raises ParameterFault."""
    for name, longest in LONGEST_IDENTIFIER.items():
        if name in given and not (IDENTIFIER.fullmatch(given[name]) and len(given[name]) <= longest):
            raise invalid(f"The parameter {name} is not a valid identifier")


def check_tags(tags: list[Given], before: Iterable[str], most: int) -> None:
    """Check tags that are added to those with the keys `before`. Raises ParameterFault."""
    keys = [tag.get("Key", "") for tag in tags]
    if len(set(keys)) < len(keys):
        raise invalid("A key of a tag is given twice")
    if len({*before, *keys}) > most:
        raise invalid(f"A resource can't have more than {most} tags")
    for tag in tags:
        for member, lengths in LENGTHS_OF_TAGS.items():
            _check_tag(tag.get(member, ""), lengths)


def _check_tag(word: str, lengths: tuple[int, int]) -> None:
    if word.startswith(RESERVED_FOR_TAGS):
        raise invalid(f"A tag can't be prefixed with aws: or dms:, as {word} is")
    if not lengths[0] <= len(word) <= lengths[1] or not all(map(_is_of_tags, word)):
        raise invalid(f"A tag can't be {word!r}")


def _is_of_tags(letter: str) -> bool:
    r"""Java's [\p{L}\p{Z}\p{N}_.:/=+\-]."""
    return letter in "_.:/=+-" or unicodedata.category(letter)[0] in "LZN"


def _check_s3(given: Given, switches: Switches) -> None:
    settings = given.get("S3Settings", {})
    for name in ("BucketName", "ServiceAccessRoleArn"):
        if not settings.get(name):
            raise _unsuitable(f"The parameter {name} must be provided and must not be blank")
    check_settings(settings)
    if given["EndpointType"] == "target":
        _check_attributes(given.get("ExtraConnectionAttributes", ""), switches)
    if given.get("SslMode", "none") != "none":
        raise _unsuitable("SslMode is not supported for S3 endpoints")
    wrong = [name for name in NOT_FOR_S3 if name in given and not switches.servers_for_s3]
    if wrong:
        raise _unsuitable(f"{wrong[0]} is not supported for S3 endpoints")


def check_settings(settings: Given) -> None:
    """Check the values of S3Settings, of the API's types. Raises ParameterFault."""
    for name, value in settings.items():
        if value == "" and name not in MAY_BE_BLANK:
            raise invalid(f"The setting {name} must not be blank")
        if not _fits(name, value):
            raise invalid(f"Invalid value {value!r} for the setting {name}")


def _fits(name: str, value: object) -> bool:
    shape = S3_SETTINGS.members[name]
    if shape.type_name == "integer":
        low, high = BOUNDS.get(name, ANY_INTEGER)
        return isinstance(value, int) and low <= value <= high
    if shape.type_name == "boolean":
        return isinstance(value, bool)
    return not shape.enum or _plain(str(value)) in map(_plain, shape.enum)


def _plain(text: str) -> str:
    """The pages have GZIP and SSE_S3 where the model has gzip and sse-s3; DMS takes both."""
    return text.lower().replace("_", "-")


def _check_attributes(text: str, switches: Switches) -> None:
    """`name=value;name=value`, "with no additional white space"; an empty value is none."""
    for part in filter(None, text.removesuffix(";").split(";")):
        name, equals, _ = part.partition("=")
        if not equals or name != name.strip() or not name:
            raise invalid(f"{part!r} is not an extra connection attribute")
        if switches.unknown_attributes == "refused" and name.lower() not in KNOWN_ATTRIBUTES:
            raise invalid(f"Unsupported value '{name}' for extra connection attributes")
    check_settings({name: value for name, value in settings_in(attributes_of(text)).items() if value != ""})
