"""The table of properties: what each may be, what a change of it does, and its words.

The function's own check (reading.py, parse.py), the linter's schema, the editor's schema and the README's table
(dms_s3_endpoint_cli/schema.py) are its readers. A rule belongs here, and nowhere else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache

from . import attributes
from .environments import RESERVED_NAME
from .ownership import PREFIX
from .s3_settings import ALIASES, REFUSED, members, values_of
from .values import Kind, Values, any_case, boolean, fold, free_text, one_of

S3_SETTINGS = "S3SETTINGS"
TAGS = "TAGS"
# CloudFormation's own properties of a custom resource. https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-cloudformation-customresource.html
OF_CLOUDFORMATION = ("ServiceToken", "ServiceTimeout")
MOST_TAGS = 44  # of the 50 that IAM and DMS take: four are the ownership tags; a role may have a lease and a mark
LONGEST_ENDPOINT_IDENTIFIER, LONGEST_RESOURCE_IDENTIFIER = 255, 31
LONGEST_ROLE_NAME, LONGEST_POLICY_NAME = 64, 128
LONGEST_TAG_KEY, LONGEST_TAG_VALUE = 128, 256
LONGEST_ARN = 2048
SUFFIX_LENGTH = 9

# https://docs.aws.amazon.com/IAM/latest/APIReference/API_Tag.html and
# https://docs.aws.amazon.com/dms/latest/APIReference/API_Tag.html: "can't be prefixed with aws: or dms:", of both key
# and value. Whether DMS minds case is not on record. So only this spelling is refused: another may stand already.
_TAG_CHARACTERS = r"[\w .:/=+-]"
_ABOUT_TAG = "letters, digits, spaces and _.:/=+-"


class Change(StrEnum):
    """What a change of a property does to the endpoint."""

    REPLACEMENT = "replacement"
    IN_PLACE = "in place"
    RECREATION = "delete and create"


@dataclass(frozen=True)
class Property:
    """One key. `kind` says what its value is: a scalar, a map, or a list of maps.

    `alias_of` names the property of which it is another spelling.
    """

    name: str
    kind: Values | Members | Items
    change: Change
    description: str
    is_required: bool = False
    alias_of: str = ""


@dataclass(frozen=True)
class Members:
    """A map with these keys. `refused` has keys that are known and may not be given, and why."""

    rule: str
    properties: tuple[Property, ...]
    refused: Mapping[str, str] = field(default_factory=dict)
    ignored: tuple[str, ...] = ()

    def by_key(self) -> dict[str, Property]:
        """The properties by their key without case."""
        return {fold(each.name): each for each in self.properties}


@dataclass(frozen=True)
class Items:
    """A list of at most `most` maps; no two have the same `unique` member, whatever its case."""

    rule: str
    members: Members
    most: int
    unique: str


# With ONUPDATE replace the names get a suffix of nine characters: generation.py.
ON_UPDATE, RECREATE, REPLACE = "ONUPDATE", "recreate", "replace"
LONGEST_WHEN_REPLACED = {
    "ENDPOINTIDENTIFIER": LONGEST_ENDPOINT_IDENTIFIER - SUFFIX_LENGTH,
    "ROLENAME": LONGEST_ROLE_NAME - SUFFIX_LENGTH,
    "POLICYNAME": LONGEST_POLICY_NAME - SUFFIX_LENGTH,
    "RESOURCEIDENTIFIER": LONGEST_RESOURCE_IDENTIFIER - SUFFIX_LENGTH,
}
# The attributes of Fn::GetAtt.
RETURN_VALUES = {
    "EndpointArn": "for a task's `TargetEndpointArn`; the same after a delete and create",
    "EndpointIdentifier": "in lower case",
    "ExternalId": "what the role's trust policy demands of DMS",
    "RoleArn": "of the role in the data-lake account",
    "RoleName": "as given",
    "PolicyArn": "of the policy in the data-lake account",
    "BucketName": "as given",
    "Environment": "as given",
    "Generation": "the suffix of the names with `ONUPDATE: replace`, for the names of tasks; otherwise empty",
}


@cache
def properties() -> Members:
    """The properties of the resource, in the order of the README's table."""
    required = (_ENVIRONMENT, _ENDPOINT_IDENTIFIER, _POLICY_NAME, _ROLE_NAME, _s3_settings())
    optional = (_ATTRIBUTES, _RESOURCE_IDENTIFIER, _TEST_INSTANCE, _BOUNDARY, _TAGS, _ADOPT, _ON_UPDATE)
    return Members("be a map", required + optional, ignored=OF_CLOUDFORMATION)


def identifier_values(longest: int) -> Values:
    """https://docs.aws.amazon.com/dms/latest/APIReference/API_CreateEndpoint.html"""
    rule = f"begin with a letter, then letters, digits and single hyphens, at most {longest} characters"
    return Values(Kind.TEXT, rule, "[A-Za-z](-?[A-Za-z0-9])*", longest=longest)


def _iam_name(longest: int) -> Values:
    """https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateRole.html and API_CreatePolicy.html"""
    rule = f"be letters, digits and +=,.@_-, at most {longest} characters"
    return Values(Kind.TEXT, rule, "[A-Za-z0-9_+=,.@-]+", longest=longest)


_ENVIRONMENT = Property(
    "ENVIRONMENT",
    Values(
        Kind.TEXT,
        "be the name of an environment: a letter, then letters, digits, _ and -, at most 32 characters",
        f"(?!{RESERVED_NAME}$)[A-Za-z][A-Za-z0-9_-]{{0,31}}",
        is_of_deployment=True,
    ),
    Change.REPLACEMENT,
    "one of the environments that the function was deployed with",
    is_required=True,
)
_ENDPOINT_IDENTIFIER = Property(
    "ENDPOINTIDENTIFIER",
    identifier_values(LONGEST_ENDPOINT_IDENTIFIER),
    Change.REPLACEMENT,
    "begins with a letter, then letters, digits and single hyphens, at most 255; lower-cased, as DMS does",
    is_required=True,
)
_POLICY_NAME = Property(
    "POLICYNAME",
    _iam_name(LONGEST_POLICY_NAME),
    Change.IN_PLACE,
    "IAM policy to create in the data-lake account, under the path `/dms-s3-endpoint/`",
    is_required=True,
)
_ROLE_NAME = Property(
    "ROLENAME",
    _iam_name(LONGEST_ROLE_NAME),
    Change.RECREATION,
    "IAM role to create in the data-lake account, under the same path; one for each endpoint",
    is_required=True,
)
_ATTRIBUTES = Property(
    attributes.PROPERTY,
    free_text(),
    Change.RECREATION,
    "`name=value;…`, passed through; also accepted inside `S3SETTINGS`. Two different values for one setting are an "
    "error; known ones are checked as in `S3SETTINGS`",
)
_RESOURCE_IDENTIFIER = Property(
    "RESOURCEIDENTIFIER",
    identifier_values(LONGEST_RESOURCE_IDENTIFIER),
    Change.RECREATION,
    "tail of the endpoint's ARN, at most 31 characters; derived from the identifier, so that a recreated endpoint "
    "keeps its ARN",
)
_TEST_INSTANCE = Property(
    "TESTREPLICATIONINSTANCEARN",
    Values(
        Kind.TEXT,
        "be the ARN of a replication instance (arn:…:rep:…)",
        "arn:aws[a-z-]*:dms:[a-z0-9-]+:[0-9]{12}:rep:[A-Za-z0-9-]+",
        longest=LONGEST_ARN,
    ),
    Change.IN_PLACE,
    "replication instance from which the connection is tested after each create",
)
_BOUNDARY = Property(
    "PERMISSIONSBOUNDARY",
    Values(
        Kind.TEXT,
        f"be the ARN of an IAM policy, at most {LONGEST_ARN} characters",
        "arn:aws[a-z-]*:iam::([0-9]{12}|aws):policy/[A-Za-z0-9_+=,.@/-]+",
        longest=LONGEST_ARN,
    ),
    Change.IN_PLACE,
    "ARN of a permissions boundary for the role; by default the one that the data-lake account demands, if any",
)
_TAG_KEY = Property(
    "Key",
    Values(
        Kind.TEXT,
        f"be {_ABOUT_TAG}, at most {LONGEST_TAG_KEY} characters, not beginning with aws:, dms: or {PREFIX}",
        f"(?!{any_case('aws:')}|dms:|{any_case(PREFIX)}){_TAG_CHARACTERS}+",
        longest=LONGEST_TAG_KEY,
    ),
    Change.IN_PLACE,
    "unique without regard to case, as a role's tags are",
    is_required=True,
)
_TAG_VALUE = Property(
    "Value",
    Values(
        Kind.TEXT,
        f"be {_ABOUT_TAG}, at most {LONGEST_TAG_VALUE} characters, not beginning with aws: or dms:",
        f"(?!aws:|dms:){_TAG_CHARACTERS}*",
        longest=LONGEST_TAG_VALUE,
    ),
    Change.IN_PLACE,
    "may be empty",
)
_TAGS = Property(
    TAGS,
    Items("be a list of {Key, Value}", Members("be a map of Key and Value", (_TAG_KEY, _TAG_VALUE)), MOST_TAGS, "Key"),
    Change.IN_PLACE,
    "list of `{Key, Value}` for endpoint, role and policy; at most 44, keys and values not beginning with `aws:` or "
    "`dms:`, keys not with `dms-s3-endpoint:`",
)
_ADOPT = Property(
    "ADOPT",
    boolean(),
    Change.IN_PLACE,
    "`true`: import an endpoint, role and policy of these names that were made by hand, exactly as they are: "
    "[docs/adoption.md](docs/adoption.md)",
)

_ON_UPDATE = Property(
    ON_UPDATE,
    one_of((RECREATE, REPLACE)),
    Change.REPLACEMENT,
    "`recreate` (default): a change of settings deletes the endpoint and creates it again; `replace`: it makes a new "
    "one beside the old, under names with a suffix: [docs/replacing.md](docs/replacing.md)",
)


def _s3_settings() -> Property:
    settings = [_setting(name.upper(), name) for name in members() if name not in REFUSED]
    aliases = [_setting(alias, name, name.upper()) for alias, name in ALIASES.items()]
    rows = sorted([*settings, *aliases, _ATTRIBUTES], key=lambda each: each.name)
    refused = {name.upper(): why for name, why in REFUSED.items() if name in members()}
    return Property(
        S3_SETTINGS,
        Members("be a map of settings", tuple(rows), refused),
        Change.RECREATION,
        "the members of DMS's [S3Settings](https://docs.aws.amazon.com/dms/latest/APIReference/API_S3Settings.html) "
        "for a target, in upper case: `BUCKETNAME` (required), `BUCKETFOLDER`, `DATAFORMAT`, … Also `SSEKMSKEYID` or "
        "`SSEKMDKEYID` for `SERVERSIDEENCRYPTIONKMSKEYID` (ARN or id of a key, no alias), and `COMPRESSIONTTYPE` for "
        "`COMPRESSIONTYPE`. Names and types come from the SDK in the Lambda runtime",
        is_required=True,
    )


def _setting(key: str, name: str, alias_of: str = "") -> Property:
    values = values_of(name)
    description = values.rule.removeprefix("be ")
    return Property(key, values, Change.RECREATION, description, name == "BucketName", alias_of)
