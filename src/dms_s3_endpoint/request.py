"""CloudFormation's event, read and checked: spelling, types, rules. Nothing here calls AWS."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .environments import Environment
from .errors import Code, EndpointError
from .ownership import Owner, fingerprint, is_reserved
from .settings import (
    ATTRIBUTES,
    Setting,
    comparable,
    contradictions,
    nearest,
    parse_attributes,
    parse_settings,
    same,
)

REQUIRED = ("ENVIRONMENT", "ENDPOINTIDENTIFIER", "POLICYNAME", "ROLENAME", "S3SETTINGS")
OPTIONAL = (ATTRIBUTES, "RESOURCEIDENTIFIER", "TESTREPLICATIONINSTANCEARN", "PERMISSIONSBOUNDARY", "TAGS", "ADOPT")
# CloudFormation's own properties of a custom resource.
OF_CLOUDFORMATION = ("SERVICETOKEN", "SERVICETIMEOUT")
INVALID = "invalid/"
MOST_TAGS = 44  # of the 50 that IAM and DMS take: four are the ownership tags; a role may have a claim and a mark
LONGEST_RESOURCE_IDENTIFIER = 31
LONGEST_TAG_KEY, LONGEST_TAG_VALUE = 128, 256
LONGEST_ARN = 2048
LONGEST_ROLE_NAME, LONGEST_POLICY_NAME = 64, 128

# https://docs.aws.amazon.com/dms/latest/APIReference/API_CreateEndpoint.html
IDENTIFIER = re.compile(r"[a-z](-?[a-z0-9])*", re.ASCII | re.IGNORECASE)
# https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateRole.html and API_CreatePolicy.html
IAM_NAME = re.compile(r"[\w+=,.@-]+", re.ASCII)
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
BUCKET = re.compile(r"(?!.*\.\.)[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", re.ASCII)
# Of S3's safe characters for keys, those that are not a wildcard or variable in an IAM policy's resource.
FOLDER = re.compile(r"[A-Za-z0-9/!_.'() =@:+,&;-]{1,512}", re.ASCII)
KEY_ID = re.compile(r"(mrk-)?[0-9a-f-]{32,36}", re.ASCII)
KEY_ARN = re.compile(r"arn:(?P<partition>aws[a-z-]*):kms:[a-z0-9-]+:[0-9]{12}:key/(mrk-)?[0-9a-f-]{32,36}", re.ASCII)
INSTANCE_ARN = re.compile(r"arn:aws[a-z-]*:dms:[a-z0-9-]+:(?P<account>[0-9]{12}):rep:[A-Za-z0-9-]+", re.ASCII)
BOUNDARY_ARN = re.compile(r"arn:aws[a-z-]*:iam::([0-9]{12}|aws):policy/[\w+=,.@/-]+", re.ASCII)
TAG_TEXT = re.compile(r"[\w .:/=+-]*")


@dataclass(frozen=True)
class Event:
    """What CloudFormation sent, without the ResponseURL.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/crpg-ref.html
    """

    request_type: str
    request_id: str
    stack_id: str
    logical_id: str
    physical_id: str | None
    # As they came, of whatever type.
    properties: object
    old_properties: object

    @classmethod
    def read(cls, event: Mapping[str, Any]) -> Event:
        return cls(
            request_type=event["RequestType"],
            request_id=event["RequestId"],
            stack_id=event["StackId"],
            logical_id=event["LogicalResourceId"],
            physical_id=str(event.get("PhysicalResourceId") or "") or None,
            properties=event.get("ResourceProperties"),
            old_properties=event.get("OldResourceProperties"),
        )

    def owner(self, physical_id: str) -> Owner:
        return Owner(self.stack_id, self.logical_id, physical_id)


@dataclass(frozen=True)
class Endpoint:
    """The endpoint that a stack asks for: its properties, normalised."""

    environment: Environment
    endpoint_identifier: str
    resource_identifier: str
    policy_name: str
    role_name: str
    s3_settings: Mapping[str, Setting]
    extra_connection_attributes: str
    test_replication_instance_arn: str
    permissions_boundary: str
    tags: Mapping[str, str]
    adopt: bool

    @property
    def physical_id(self) -> str:
        return f"{self.environment.name}/{self.endpoint_identifier}"

    @property
    def bucket_name(self) -> str:
        return str(self.s3_settings["BucketName"])

    @property
    def effective_settings(self) -> dict[str, Setting]:
        """S3Settings and what ExtraConnectionAttributes add to them."""
        return parse_attributes(self.extra_connection_attributes) | dict(self.s3_settings)

    @property
    def fingerprint(self) -> str:
        """A hash of what CreateEndpoint is given: an endpoint with another one must be created again."""
        settings = {name: comparable(name, value) for name, value in self.effective_settings.items()}
        return fingerprint([self.endpoint_identifier, self.resource_identifier, self.role_name, settings])


def physical_id_of(properties: object, environments: Mapping[str, Environment]) -> str | None:
    """The physical id that these properties give, valid in all else or not; None where they give none."""
    upper = _upper_keys(properties, "", []) if isinstance(properties, Mapping) else {}
    environment, identifier = upper.get("ENVIRONMENT"), upper.get("ENDPOINTIDENTIFIER")
    if not isinstance(environment, str) or not isinstance(identifier, str):
        return None
    if environment not in environments or _fault_of_identifier(identifier, 255):
        return None
    return f"{environment}/{identifier.lower()}"


@dataclass(frozen=True)
class Names:
    """The names in a request's properties, valid in all else or not; empty where there is none."""

    endpoint_identifier: str
    role_name: str
    policy_name: str
    adopt: bool


def names_in(properties: object) -> Names:
    upper = _upper_keys(properties, "", []) if isinstance(properties, Mapping) else {}
    role_name, policy_name = str(upper.get("ROLENAME") or ""), str(upper.get("POLICYNAME") or "")
    return Names(
        endpoint_identifier=str(upper.get("ENDPOINTIDENTIFIER") or "").lower(),
        role_name=role_name if _is_iam_name(role_name, LONGEST_ROLE_NAME) else "",
        policy_name=policy_name if _is_iam_name(policy_name, LONGEST_POLICY_NAME) else "",
        adopt=str(upper.get("ADOPT")).lower() == "true",
    )


def _is_iam_name(name: str, longest: int) -> bool:
    return bool(IAM_NAME.fullmatch(name)) and len(name) <= longest


def parse(properties: object, environments: Mapping[str, Environment]) -> Endpoint:
    """The endpoint that the properties ask for.

    Raises EndpointError with every fault found: UnknownEnvironment if that is the only one, else InvalidRequest.
    """
    if not isinstance(properties, Mapping):
        raise _invalid(["ResourceProperties must be a map"])
    faults: list[str] = []
    upper = _upper_keys(properties, "", faults)
    faults += [
        f"{key[:64]} is unknown{nearest(key, REQUIRED + OPTIONAL)}"
        for key in upper
        if key not in REQUIRED + OPTIONAL + OF_CLOUDFORMATION
    ]
    faults += [f"{key} is missing" for key in REQUIRED if upper.get(key) in (None, "", {})]
    faults += [f"{key} must be text" for key, value in upper.items() if key not in _NESTED and not _is_text(value)]
    text = {key: value for key, value in upper.items() if key not in _NESTED and value and _is_text(value)}
    name = text.get("ENVIRONMENT", "")
    # With an unknown environment all else is still checked, as if for the first one.
    endpoint = _read(upper, text, environments.get(name) or next(iter(environments.values())), faults)
    if name and name not in environments:
        raise _unknown_environment(name, environments, faults)
    faults += _faults_of_arns(endpoint)
    if faults:
        raise _invalid(faults)
    return endpoint


_NESTED = ("S3SETTINGS", "TAGS")


def _invalid(faults: list[str]) -> EndpointError:
    return EndpointError(
        Code.INVALID_REQUEST, "; ".join(dict.fromkeys(faults)), "Correct the properties and deploy again"
    )


def _unknown_environment(name: str, environments: Mapping[str, Environment], faults: list[str]) -> EndpointError:
    unknown = f"ENVIRONMENT {name[:64]} is not one that the function was deployed with ({', '.join(environments)})"
    if faults:
        return _invalid([unknown, *faults])
    return EndpointError(Code.UNKNOWN_ENVIRONMENT, unknown, "Use one of these, or deploy the function with it")


def _upper_keys(given: Mapping[str, Any], within: str, faults: list[str]) -> dict[str, Any]:
    upper: dict[str, Any] = {}
    for key, value in given.items():
        if key.upper() in upper:
            faults.append(f"{within}{key.upper()[:64]} is given twice, in two spellings")
        upper[key.upper()] = value
    return upper


def _is_text(value: object) -> bool:
    return isinstance(value, str) or value is None


def _read(upper: Mapping[str, Any], text: Mapping[str, str], environment: Environment, faults: list[str]) -> Endpoint:
    identifier = text.get("ENDPOINTIDENTIFIER", "").lower()
    settings, attributes = _settings(upper.get("S3SETTINGS"), text.get(ATTRIBUTES, ""), faults)
    if "ExpectedBucketOwner" not in settings | parse_attributes(attributes):
        settings["ExpectedBucketOwner"] = environment.data_lake_account
    endpoint = Endpoint(
        environment=environment,
        endpoint_identifier=identifier,
        resource_identifier=text.get("RESOURCEIDENTIFIER") or derived_resource_identifier(identifier),
        policy_name=text.get("POLICYNAME", ""),
        role_name=text.get("ROLENAME", ""),
        s3_settings=settings,
        extra_connection_attributes=attributes,
        test_replication_instance_arn=text.get("TESTREPLICATIONINSTANCEARN", ""),
        permissions_boundary=text.get("PERMISSIONSBOUNDARY", ""),
        tags=_tags(upper.get("TAGS"), faults),
        adopt=text.get("ADOPT", "").lower() == "true",
    )
    faults += _faults_of_names(text) + _faults_of_settings(endpoint)
    return endpoint


def derived_resource_identifier(endpoint_identifier: str) -> str:
    """At most 31 characters, so that a deleted and recreated endpoint keeps its ARN."""
    if len(endpoint_identifier) <= LONGEST_RESOURCE_IDENTIFIER:
        return endpoint_identifier
    return f"{endpoint_identifier[:20].rstrip('-')}-{fingerprint(endpoint_identifier)[:10]}"


def is_resource_identifier(text: str) -> bool:
    return not _fault_of_identifier(text, LONGEST_RESOURCE_IDENTIFIER)


def _settings(given: object, attributes: str, faults: list[str]) -> tuple[dict[str, Setting], str]:
    if not isinstance(given, Mapping):
        if given not in (None, ""):
            faults.append("S3SETTINGS must be a map")
        given = {}
    upper = _upper_keys(given, "S3SETTINGS.", faults)
    inside = upper.pop(ATTRIBUTES, None) or ""
    if not isinstance(inside, str):
        faults.append(f"S3SETTINGS.{ATTRIBUTES} must be text")
        inside = ""
    if inside and attributes and inside != attributes:
        faults.append(f"{ATTRIBUTES} is given twice, with different values")
    attributes = attributes or inside
    settings = parse_settings(upper, faults)
    try:
        _compare(settings, parse_attributes(attributes), faults)
        faults += [f"{ATTRIBUTES} has {name[:40]} twice, with different values" for name in contradictions(attributes)]
    except ValueError as error:
        faults.append(f"{ATTRIBUTES} {error}")
        attributes = ""
    return settings, attributes


def _compare(settings: Mapping[str, Setting], attributes: Mapping[str, str], faults: list[str]) -> None:
    if "ServiceAccessRoleArn" in attributes:
        faults.append(f"{ATTRIBUTES} sets serviceAccessRoleArn, which is made from ROLENAME: leave it out")
    faults += [
        f"{name.upper()} is {str(settings[name])[:40]} in S3SETTINGS but {value[:40]} in {ATTRIBUTES}"
        for name, value in attributes.items()
        if name in settings and not same(name, settings[name], value)
    ]


def _tags(given: object, faults: list[str]) -> dict[str, str]:
    if given in (None, "", []):
        return {}
    if not isinstance(given, list) or not all(isinstance(tag, Mapping) for tag in given):
        faults.append("TAGS must be a list of {Key, Value}")
        return {}
    tags: dict[str, str] = {}
    for tag in given:
        _add_tag(tags, _upper_keys(tag, "TAGS.", faults), faults)
    if len(tags) > MOST_TAGS:
        faults.append(f"TAGS has {len(tags)} tags, and {MOST_TAGS} is the most")
    return tags


def _add_tag(tags: dict[str, str], tag: Mapping[str, Any], faults: list[str]) -> None:
    key, value = str(tag.get("KEY") or ""), str(tag.get("VALUE") or "")
    if set(tag) - {"KEY", "VALUE"} or not key:
        faults.append("TAGS must be a list of {Key, Value}")
    elif not all(map(_is_text, tag.values())):
        faults.append(f"TAGS.{key[:40]} must be text")
    elif len(key) > LONGEST_TAG_KEY or len(value) > LONGEST_TAG_VALUE or not TAG_TEXT.fullmatch(key + value):
        faults.append(
            f"TAGS.{key[:40]} must be letters, digits, spaces and _.:/=+-, key to 128, value to 256 characters"
        )
    elif is_reserved(key):
        faults.append(f"TAGS.{key[:40]} begins with a reserved word")
    elif key.lower() in map(str.lower, tags):
        # A role can't have two that differ in case alone. https://docs.aws.amazon.com/IAM/latest/UserGuide/id_tags.html
        faults.append(f"TAGS.{key[:40]} is given twice")
    tags[key] = value


def _fault_of_identifier(identifier: str, longest: int) -> str:
    if IDENTIFIER.fullmatch(identifier) and len(identifier) <= longest:
        return ""
    return f"must begin with a letter, then letters, digits and single hyphens, at most {longest} characters"


def _faults_of_names(text: Mapping[str, str]) -> list[str]:
    faults = []
    for key, longest in (("ENDPOINTIDENTIFIER", 255), ("RESOURCEIDENTIFIER", LONGEST_RESOURCE_IDENTIFIER)):
        if text.get(key) and (fault := _fault_of_identifier(text[key], longest)):
            faults.append(f"{key} {fault}")
    for key, longest in (("POLICYNAME", LONGEST_POLICY_NAME), ("ROLENAME", LONGEST_ROLE_NAME)):
        if text.get(key) and not _is_iam_name(text[key], longest):
            faults.append(f"{key} must be letters, digits and +=,.@_-, to {longest} characters")
    if text.get("ADOPT", "true").lower() not in ("true", "false"):
        faults.append(f"ADOPT must be true or false, not {text['ADOPT'][:40]!r}")
    return faults


def _faults_of_settings(endpoint: Endpoint) -> list[str]:
    faults, effective = [], endpoint.effective_settings
    bucket, folder = str(endpoint.s3_settings.get("BucketName", "")), str(effective.get("BucketFolder", ""))
    if not bucket:
        faults.append("S3SETTINGS.BUCKETNAME is missing")
    elif not BUCKET.fullmatch(bucket):
        faults.append("S3SETTINGS.BUCKETNAME must be the name of a bucket, without s3:// or a folder")
    if folder and (not FOLDER.fullmatch(folder) or folder.startswith("/") or ".." in folder):
        faults.append("S3SETTINGS.BUCKETFOLDER must be a key prefix without wildcards, leading slash or '..'")
    key = str(effective.get("ServerSideEncryptionKmsKeyId", ""))
    if key and not KEY_ID.fullmatch(key) and not KEY_ARN.fullmatch(key):
        faults.append("S3SETTINGS.SSEKMSKEYID must be the ARN or id of a key (an alias can't be granted in a policy)")
    elif key.startswith("arn:") and key.split(":")[1] != endpoint.environment.partition:
        faults.append(f"S3SETTINGS.SSEKMSKEYID must be in partition {endpoint.environment.partition}")
    if ";" in str(effective.get("CdcPath", "")):
        # It may be given as a connection attribute too, where a semicolon ends it.
        faults.append("S3SETTINGS.CDCPATH must not contain ';'")
    if not re.fullmatch(r"[0-9]{12}", str(effective.get("ExpectedBucketOwner")), re.ASCII):
        faults.append("S3SETTINGS.EXPECTEDBUCKETOWNER must be the 12 digits of an account")
    return faults


def _faults_of_arns(endpoint: Endpoint) -> list[str]:
    faults, boundary, instance = [], endpoint.permissions_boundary, endpoint.test_replication_instance_arn
    if boundary and not _is_boundary(boundary, endpoint):
        place = f"{endpoint.environment.partition}, account {endpoint.environment.data_lake_account} or aws"
        faults.append(f"PERMISSIONSBOUNDARY must be the ARN of a policy in partition {place}")
    match = INSTANCE_ARN.fullmatch(instance)
    if instance and not (match and _fits(instance, endpoint)):
        faults.append("TESTREPLICATIONINSTANCEARN must be the ARN of a replication instance (arn:…:rep:…)")
    elif match and match["account"] != endpoint.environment.dms_account:
        faults.append(f"TESTREPLICATIONINSTANCEARN must be in the DMS account {endpoint.environment.dms_account}")
    return faults


def _is_boundary(arn: str, endpoint: Endpoint) -> bool:
    match = BOUNDARY_ARN.fullmatch(arn) if len(arn) <= LONGEST_ARN else None
    return bool(match and match[1] in (endpoint.environment.data_lake_account, "aws") and _fits(arn, endpoint))


def _fits(arn: str, endpoint: Endpoint) -> bool:
    return arn.split(":")[1] == endpoint.environment.partition
