"""Hostile and clumsy input: it is refused clearly or harmless, widens no policy, and is answered once."""

from __future__ import annotations

import copy
import json
import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any
from unittest import mock

import botocore.session
import pytest
from botocore import xform_name
from botocore.validate import ParamValidator
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from development.faults.run import differences
from development.faults.scenarios import another_folder
from development.faults.stack import Stack
from development.faults.variants import VARIANTS
from dms_s3_endpoint.app import handler
from dms_s3_endpoint.aws.dms import Dms
from dms_s3_endpoint.cloudformation.event import Event
from dms_s3_endpoint.model import ownership, policies
from dms_s3_endpoint.model.endpoint import Endpoint
from dms_s3_endpoint.model.environments import Environment
from dms_s3_endpoint.model.errors import Code, EndpointError
from dms_s3_endpoint.model.ownership import FINGERPRINT, LIFE, LOGICAL_ID, PHYSICAL_ID
from dms_s3_endpoint.model.parse import parse
from dms_s3_endpoint.model.s3_settings import canonical_names, members

from .builders import DATA_LAKE, DEV, DMS, STACK_ID, FakeBucket, FakeClock, make_context, make_event, make_properties
from .in_memory import CloudInMemory

Given = dict[str, Any]
Place = tuple[str | int, ...]

CHINA = Environment("china", f"arn:aws-cn:iam::{DATA_LAKE}:role/lake", f"arn:aws-cn:iam::{DMS}:role/dms")
ENVIRONMENTS = {"dev": DEV, "china": CHINA}
KEY = "11111111-2222-3333-4444-555555555555"
UUID = "99999999-8888-4777-8666-555555555555"
MANY_TAGS = [{"Key": f"{n:02}" + "k" * 126, "Value": "v" * 256} for n in range(44)]

# What is put into text that was valid, and what is put in its place.
BITS = [
    *('"', "*", "?", "${aws:username}", "\0", "\n", "\r\n", "\x1b[2J", "\x85", "../", 'a","Effect":"Allow', "\\", "'"),
    *("%s{0}", ";a=b", ";bucketName=other", ":", " ", "\u2028", "\u202e", "\u200b", "🙂", "x" * 300),
    *("é", "ß", "٣", "\u0131", "\u017f", "\u212a", "\uff21"),
]
WHOLES = [
    *("", " ", "*", "?", "..", "/", "dev", "china", "DEV", "nowhere", "true", "7", "٣", "0x7", "1e3", "a=b;c", "=;"),
    *("o" * 255, "o" * 256, "x" * 100_000, "alias/x", "aws:x", "AWS:x", "s3://b/f", KEY),
    *(ownership.STACK_ID, ownership.STACK_ID.upper()),
    "arn:aws:iam::aws:policy/PowerUserAccess",
    "arn:aws-cn:iam::aws:policy/PowerUserAccess",
    "arn:aws:iam::aws:policy/" + "x" * 3000,
    "arn:aws:iam::999999999999:policy/theirs",
    f"arn:aws:iam::{DATA_LAKE}:role/no-policy",
    f"arn:aws:kms:eu-west-1:{DATA_LAKE}:key/{KEY}",
    f"arn:aws-cn:kms:cn-north-1:{DATA_LAKE}:key/{KEY}",
    f"arn:aws:kms:eu-west-1:{DATA_LAKE}:key/*",
    f"arn:aws:s3:::{DATA_LAKE}:key/{KEY}",
    f"arn:aws:dms:eu-west-1:{DMS}:rep:X",
    f"arn:aws:dms:eu-west-1:{DMS}:endpoint:X",
    "arn:aws:dms:eu-west-1:999999999999:rep:X",
]
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30) | st.sampled_from(WHOLES)
KEYS = st.sampled_from([*canonical_names(), "Key", "value"]) | st.text(max_size=6)
ANYTHING = st.recursive(SCALARS, lambda each: st.lists(each, max_size=3) | st.dictionaries(KEYS, each, max_size=4))
FUZZ = settings(derandomize=True, deadline=None, max_examples=100, suppress_health_check=[HealthCheck.too_slow])
FEW = settings(FUZZ, max_examples=40)


def rich_properties(**changes: Any) -> Given:
    """Each property given, each statement of the policy in use."""
    return (
        make_properties(
            EXTRACONNECTIONATTRIBUTES="maxFileSize=512",
            RESOURCEIDENTIFIER="orders-1",
            TESTREPLICATIONINSTANCEARN=f"arn:aws:dms:eu-west-1:{DMS}:rep:X",
            PERMISSIONSBOUNDARY=f"arn:aws:iam::{DATA_LAKE}:policy/boundary",
            TAGS=[{"Key": "team", "Value": "data lake"}],
            S3SETTINGS={
                "BUCKETNAME": "data-lake-dev",
                "BUCKETFOLDER": "raw/orders",
                "CDCPATH": "raw/changes",
                "ENCRYPTIONMODE": "SSE_KMS",
                "SSEKMSKEYID": KEY,
                "GLUECATALOGGENERATION": "true",
                "CANNEDACLFOROBJECTS": "BUCKET_OWNER_FULL_CONTROL",
                "CSVNULLVALUE": "NULL",
                "MAXFILESIZE": "512",
            },
        )
        | changes
    )


def places_in(value: Any, *before: str | int) -> Iterator[tuple[Place, str]]:
    """Where there is text, and the text."""
    if isinstance(value, str):
        yield before, value
    else:
        for step, each in value.items() if isinstance(value, dict) else enumerate(value):
            yield from places_in(each, *before, step)


PLACES: dict[Place, str] = dict(places_in(rich_properties())) | {
    ("S3SETTINGS",): "",
    ("TAGS",): "",
    ("TAGS", 0): "",
    ("rolename",): "dms-orders",
    ("TAG\u017f",): "",
    ("UNKNOWN\n\0",): "x",
    ("S3SETTINGS", "bucketName"): "data-lake-dev",
    ("S3SETTINGS", "ExtraConnectionAttributes"): "dataFormat=csv;bucketFolder=raw/orders",
    ("S3SETTINGS", "ExpectedBucketOwner"): DATA_LAKE,
    ("TAGS", 0, "key"): "team",
}


def put(properties: Given, place: Place, value: object) -> Given:
    changed = copy.deepcopy(properties)
    within: Any = changed
    for step in place[:-1]:
        within = within[step]
    within[place[-1]] = value
    return changed


@st.composite
def spliced(draw: st.DrawFn, valid: str) -> str:
    at = draw(st.integers(0, len(valid)))
    return valid[:at] + draw(st.sampled_from(BITS)) + valid[at:]


@st.composite
def hostile_properties(draw: st.DrawFn) -> Given:
    """Valid ones, but for up to three places."""
    properties = rich_properties()
    places = draw(st.lists(st.sampled_from(list(PLACES)), max_size=3, unique=True))
    for place in sorted(places, key=len, reverse=True):
        properties = put(properties, place, draw(spliced(PLACES[place]) | st.sampled_from(WHOLES) | ANYTHING))
    return properties


WILD_PROPERTIES = st.dictionaries(st.sampled_from(list(rich_properties())) | st.text(max_size=10), ANYTHING, max_size=6)


def outcome(properties: Any) -> Endpoint | EndpointError:
    try:
        return parse(properties, ENVIRONMENTS)
    except EndpointError as error:
        return error


def accepted(**changes: Any) -> Endpoint:
    found = outcome(rich_properties(**changes))
    assert isinstance(found, Endpoint), found
    return found


def assert_clear(refusal: EndpointError) -> None:
    assert refusal.code in (Code.INVALID_REQUEST, Code.UNKNOWN_ENVIRONMENT)
    assert len(refusal.reason) <= 400
    assert refusal.reason.splitlines() == [refusal.reason]
    assert refusal.reason.isprintable()


def with_setting(name: str, value: object) -> Given:
    return put(rich_properties(), ("S3SETTINGS", name), value)


# Properties


@FUZZ
@given(hostile_properties() | WILD_PROPERTIES | WILD_PROPERTIES.map(lambda changes: make_properties() | changes))
def test_any_properties_are_an_endpoint_or_one_clear_refusal(properties: Given) -> None:
    found = outcome(properties)
    if isinstance(found, EndpointError):
        assert_clear(found)


@pytest.mark.parametrize("identifier", ["Orders", "ORDERS", "o", "O" * 255, "or-Ders-1"])
def test_the_id_is_in_lower_case_as_the_endpoint_will_be(identifier: str) -> None:
    properties = rich_properties(ENDPOINTIDENTIFIER=identifier)
    assert accepted(**properties).physical_id == f"dev/{identifier.lower()}"


@pytest.mark.parametrize("properties", [None, "", "x", 7, [], [{"ENVIRONMENT": "dev"}], True])
def test_properties_that_are_no_map_are_refused(properties: Any) -> None:
    found = outcome(properties)
    assert isinstance(found, EndpointError)
    assert_clear(found)


@pytest.mark.parametrize("text", ["\0", "\x1b[2J", "\x7f", "\x85", "\u2028", "\u202e", "\u200b", "\ufeff", "\ud800"])
def test_what_can_not_be_seen_is_not_in_a_reason(text: str) -> None:
    for changes in ({"ENVIRONMENT": f"de{text}v"}, {f"ROLE{text}NAME": "x"}, {"S3SETTINGS": {text: "x"}}):
        found = outcome(rich_properties(**changes))
        assert isinstance(found, EndpointError)
        assert_clear(found)


@pytest.mark.parametrize(
    "faults", [{f"{n}\0🙂" * 40: "x" for n in range(50)}, {"x" * 5000: "x"}, {"K" * 63: [[]] * 99}], ids=len
)
def test_however_much_is_wrong_the_refusal_is_short(faults: Given) -> None:
    for properties in (rich_properties() | faults, rich_properties(S3SETTINGS=faults), rich_properties(TAGS=[faults])):
        found = outcome(properties)
        assert isinstance(found, EndpointError)
        assert_clear(found)


@pytest.mark.parametrize("place", [place for place in PLACES if place != ("ServiceToken",)], ids=str)
def test_a_value_of_another_type_is_refused_or_taken_as_its_text(place: Place) -> None:
    values: list[object] = [7, 1.5, True, ["x"], [[]], {"a": "b"}, {"a": {"b": None}}]
    for value in values:
        found = outcome(put(rich_properties(), place, value))
        if isinstance(found, EndpointError):
            assert_clear(found)
        else:
            assert not isinstance(value, (list, dict))
            assert found == outcome(put(rich_properties(), place, text_of(value, place)))


def text_of(value: object, place: Place) -> str:
    return str(value).lower() if place[0] == "S3SETTINGS" else str(value)


@pytest.mark.parametrize("value", [0, False, [], {}], ids=str)
def test_no_tag_value_is_dropped_in_silence(value: object) -> None:
    found = outcome(rich_properties(TAGS=[{"Key": "team", "Value": value}]))
    assert isinstance(found, EndpointError) or found.tags == {"team": str(value)}


def test_an_identifier_has_255_characters_at_most() -> None:
    assert accepted(ENDPOINTIDENTIFIER="o" * 255).physical_id == f"dev/{'o' * 255}"
    assert isinstance(outcome(rich_properties(ENDPOINTIDENTIFIER="o" * 256)), EndpointError)


@pytest.mark.parametrize("letter", ["\u0131", "\u0130", "\u017f", "\u212a", "\uff2b", "é", "٣", "²"])
@pytest.mark.parametrize("place", ["ENDPOINTIDENTIFIER", "RESOURCEIDENTIFIER", "ROLENAME", "POLICYNAME"])
def test_a_letter_that_only_looks_like_ascii_or_folds_to_it_is_refused(place: str, letter: str) -> None:
    assert isinstance(outcome(rich_properties(**{place: f"or{letter}ders"})), EndpointError)


@pytest.mark.parametrize("number", ["٣", "\uff13", "²", " 7", "7\n", "0x7", "7_0", "+7", "1e3", 7.5])
def test_a_number_is_of_ascii_digits(number: object) -> None:
    assert isinstance(outcome(make_properties(S3SETTINGS={"BUCKETNAME": "b-1", "MAXFILESIZE": number})), EndpointError)


@pytest.mark.parametrize(
    ("spellings", "value"),
    [
        (("ROLENAME", "rolename"), "x"),
        (("ROLENAME", "RoleName"), "dms-orders"),
        (("TAGS", "tags"), []),
    ],
)
def test_a_key_in_two_spellings_is_refused_whichever_comes_first(spellings: tuple[str, str], value: object) -> None:
    spelt = rich_properties() | {spellings[1]: value}
    for properties in (spelt, dict(reversed(spelt.items()))):
        found = outcome(properties)
        assert isinstance(found, EndpointError)
        assert f"{spellings[0]} is given twice" in found.reason


def test_an_attribute_in_two_spellings_with_different_values_is_refused() -> None:
    twice = "csvNullValue=NULL;csvnullvalue=null"
    assert isinstance(outcome(make_properties(EXTRACONNECTIONATTRIBUTES=twice)), EndpointError)


@pytest.mark.parametrize("attributes", [["dataFormat=parquet"], {"a": "="}, 7, True])
def test_attributes_that_are_no_text_are_refused(attributes: object) -> None:
    settings_with_attributes = {"BUCKETNAME": "data-lake-dev", "EXTRACONNECTIONATTRIBUTES": attributes}
    assert isinstance(outcome(make_properties(S3SETTINGS=settings_with_attributes)), EndpointError)
    assert isinstance(outcome(make_properties(EXTRACONNECTIONATTRIBUTES=attributes)), EndpointError)


@pytest.mark.parametrize(
    "key", ["aws:x", "AWS:x", "Aws:cloudformation:stack-id", ownership.STACK_ID, ownership.STACK_ID.upper(), LIFE]
)
def test_a_tag_can_not_pretend_to_be_ours_or_aws(key: str) -> None:
    assert isinstance(outcome(rich_properties(TAGS=[{"Key": key, "Value": "x"}])), EndpointError)


def test_there_is_room_for_44_tags_and_not_for_one_more() -> None:
    assert len(accepted(TAGS=MANY_TAGS).tags) == 44
    assert isinstance(outcome(rich_properties(TAGS=[*MANY_TAGS, {"Key": "more"}])), EndpointError)


def test_tags_that_differ_in_case_alone_are_refused_as_a_role_can_not_have_both() -> None:
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/id_tags.html"""
    tags = [{"Key": "Team", "Value": "a"}, {"Key": "team", "Value": "b"}]
    assert isinstance(outcome(rich_properties(TAGS=tags)), EndpointError)


@pytest.mark.parametrize(
    ("place", "arn"),
    [
        ("PERMISSIONSBOUNDARY", "arn:aws-cn:iam::aws:policy/x"),
        ("PERMISSIONSBOUNDARY", "arn:aws:iam::999999999999:policy/x"),
        ("PERMISSIONSBOUNDARY", f"arn:aws:iam::{DATA_LAKE}:role/x"),
        ("PERMISSIONSBOUNDARY", f"arn:aws:s3::{DATA_LAKE}:policy/x"),
        ("PERMISSIONSBOUNDARY", f"arn:aws:iam::{DATA_LAKE}:policy/*"),
        ("PERMISSIONSBOUNDARY", f"arn:aws:iam::{DATA_LAKE}:policy/" + "x" * 2048),
        ("TESTREPLICATIONINSTANCEARN", f"arn:aws-cn:dms:eu-west-1:{DMS}:rep:X"),
        ("TESTREPLICATIONINSTANCEARN", f"arn:aws:dms:eu-west-1:{DATA_LAKE}:rep:X"),
        ("TESTREPLICATIONINSTANCEARN", f"arn:aws:rds:eu-west-1:{DMS}:rep:X"),
        ("TESTREPLICATIONINSTANCEARN", f"arn:aws:dms:eu-west-1:{DMS}:task:X"),
        ("TESTREPLICATIONINSTANCEARN", f"arn:aws:dms:eu-west-1:{DMS}:rep:*"),
    ],
)
def test_an_arn_of_something_else_or_from_elsewhere_is_refused(place: str, arn: str) -> None:
    found = outcome(rich_properties(**{place: arn}))
    assert isinstance(found, EndpointError)
    assert place in found.reason


# Policies

OBJECTS = {"s3:PutObject", "s3:DeleteObject", "s3:PutObjectTagging", "s3:PutObjectAcl"}
OBJECTS |= {"s3:GetObject", "s3:ListMultipartUploadParts", "s3:AbortMultipartUpload"}
BUCKET = {"s3:ListBucket", "s3:GetBucketLocation", "s3:ListBucketMultipartUploads"}
KMS = {"kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:DescribeKey"}
GLUE = {f"glue:{verb}{noun}" for verb in ("Create", "Get", "Update") for noun in ("Table", "Partition")}
GLUE |= {"glue:CreateDatabase", "glue:GetDatabase", "glue:DeleteTable", "glue:GetPartitions"}
GLUE |= {"glue:BatchCreatePartition", "glue:BatchGetPartition"}
ATHENA = {"athena:StartQueryExecution", "athena:GetQueryExecution", "athena:CreateWorkGroup"}
DOCUMENTED = {
    "WriteObjects": OBJECTS,
    "ListBucket": BUCKET,
    "UseKey": KMS,
    "WriteCatalog": GLUE,
    "QueryCatalog": ATHENA,
}


def statements_for(endpoint: Endpoint) -> dict[str, Given]:
    """As IAM reads them."""
    document = json.loads(json.dumps(policies.access_policy(endpoint, "eu-west-1")))
    statements = {statement["Sid"]: statement for statement in document["Statement"]}
    assert len(statements) == len(document["Statement"])
    return statements


def assert_narrow(endpoint: Endpoint) -> None:
    statements = statements_for(endpoint)
    for sid, statement in statements.items():
        assert set(statement) == {"Sid", "Effect", "Action", "Resource"}
        assert statement["Effect"] == "Allow"
        assert set(statement["Action"]) <= DOCUMENTED[sid]
    assert_bucket_only(endpoint, statements["ListBucket"]["Resource"], statements["WriteObjects"]["Resource"])
    if "UseKey" in statements:
        assert_one_key(endpoint, statements["UseKey"]["Resource"])
    if "WriteCatalog" in statements:
        assert_catalog(endpoint, statements)


def assert_bucket_only(endpoint: Endpoint, bucket: str, objects: str) -> None:
    assert re.fullmatch("[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", endpoint.bucket_name)
    assert bucket == f"arn:{endpoint.environment.partition}:s3:::{endpoint.bucket_name}"
    folder = objects.removeprefix(bucket).removesuffix("/*")
    assert objects == f"{bucket}{folder}/*"
    assert folder == "" or folder.startswith("/")
    assert not re.search(r'[*?${}"\\\x00-\x1f]|\.\.|^//', folder)


def assert_one_key(endpoint: Endpoint, key: str) -> None:
    match = re.fullmatch(r"arn:([a-z-]+):kms:([a-z0-9-]+):([0-9]{12}):key/(mrk-)?[0-9a-f-]+", key)
    assert match
    assert match[1] == endpoint.environment.partition
    assert key.rpartition("/")[2] in str(endpoint.effective_settings["ServerSideEncryptionKmsKeyId"])


def assert_catalog(endpoint: Endpoint, statements: dict[str, Given]) -> None:
    partition = endpoint.environment.partition
    glue, athena = (f"arn:{partition}:{service}:eu-west-1:{DATA_LAKE}" for service in ("glue", "athena"))
    assert statements["WriteCatalog"]["Resource"] == [f"{glue}:catalog", f"{glue}:database/*", f"{glue}:table/*"]
    assert statements["QueryCatalog"]["Resource"] == f"{athena}:workgroup/glue_catalog_generation_for_task_*"


@FUZZ
@given(hostile_properties())
def test_no_properties_widen_the_policy(properties: Given) -> None:
    found = outcome(properties)
    if isinstance(found, Endpoint):
        assert_narrow(found)


@pytest.mark.parametrize("place", PLACES, ids=str)
def test_nothing_put_into_a_property_widens_the_policy(place: Place) -> None:
    valid = PLACES[place]
    injected = [text for bit in BITS for text in (bit + valid, valid[:3] + bit + valid[3:], valid + bit)]
    for text in injected + WHOLES:
        found = outcome(put(rich_properties(), place, text))
        if isinstance(found, Endpoint):
            assert_narrow(found)


@pytest.mark.parametrize(
    "bit", ["*", "?", "$", "{", "${aws:username}", "../", '"', "\0", "\n", "\\", 'a","Effect":"Allow']
)
@pytest.mark.parametrize("name", ["BUCKETNAME", "BUCKETFOLDER", "SSEKMSKEYID"])
def test_a_wildcard_variable_or_quote_is_refused_wherever_it_would_get_into_the_policy(name: str, bit: str) -> None:
    valid = rich_properties()["S3SETTINGS"][name]
    for text in (bit, bit + valid, valid[:8] + bit + valid[8:], valid + bit):
        assert isinstance(outcome(with_setting(name, text)), EndpointError), text
        # White space around an attribute's value is no part of it.
        found = outcome(as_attribute(name, text))
        assert isinstance(found, EndpointError) or text.strip() in (valid, ""), text


def as_attribute(name: str, text: str) -> Given:
    without = {key: value for key, value in rich_properties()["S3SETTINGS"].items() if key not in (name, "BUCKETNAME")}
    attribute = f"{canonical_names()[name]}={text}"
    return rich_properties(S3SETTINGS=without | {"BUCKETNAME": "data-lake-dev"}, EXTRACONNECTIONATTRIBUTES=attribute)


def test_the_folder_of_another_bucket_can_not_be_reached() -> None:
    for folder in ("/other", "a/../../other", "..", "../other", "a/.."):
        assert isinstance(outcome(with_setting("BUCKETFOLDER", folder)), EndpointError)


def test_an_endpoint_of_another_partition_gets_a_policy_of_it() -> None:
    properties = rich_properties(ENVIRONMENT="china", PERMISSIONSBOUNDARY="", TESTREPLICATIONINSTANCEARN="")
    found = outcome(properties)
    assert isinstance(found, Endpoint)
    assert_narrow(found)
    assert "arn:aws:" not in json.dumps(policies.access_policy(found, "cn-north-1"))


@FUZZ
@given(st.lists(st.text(min_size=1) | st.sampled_from(BITS), max_size=4))
def test_whatever_the_external_ids_the_trust_is_for_dms_alone(external_ids: list[str]) -> None:
    (statement,) = json.loads(json.dumps(policies.trust_policy(set(external_ids))))["Statement"]
    condition = statement.pop("Condition", {"StringEquals": {"sts:ExternalId": []}})
    assert statement == {
        "Sid": "DmsS3Endpoint",
        "Effect": "Allow",
        "Principal": {"Service": "dms.amazonaws.com"},
        "Action": "sts:AssumeRole",
    }
    demanded = condition["StringEquals"].pop("sts:ExternalId")
    assert set([demanded] if isinstance(demanded, str) else demanded) == set(external_ids)
    assert condition == {"StringEquals": {}}


# What is sent to AWS


@cache
def operations(service: str) -> dict[str, Any]:
    """By the name of the client's method."""
    model: Any = botocore.session.get_session().get_service_model(service)
    return {xform_name(name): model.operation_model(name) for name in model.operation_names}


def faults_of_call(service: str, operation: str, given: Given) -> list[str]:
    shape = operations(service)[operation].input_shape
    if report := report_on(given, shape):
        return [f"{operation}: {report}"]
    unmodelled = UNMODELLED[operation](given) if operation in UNMODELLED else []
    return [*beyond_limits(shape, given, operation), *unmodelled]


def report_on(given: Given, shape: Any) -> str:
    validator: Any = ParamValidator()
    return str(validator.validate(given, shape).generate_report())


def beyond_limits(shape: Any, value: Any, where: str) -> Iterator[str]:
    """What botocore leaves to the service: lengths and patterns, as far as the model tells them."""
    size = len(value) if isinstance(value, (str, list)) else 0
    if size and not shape.metadata.get("min", 0) <= size <= shape.metadata.get("max", size):
        yield f"{where} has the length {size}"
    if isinstance(value, str) and "pattern" in shape.metadata and not fits(shape.metadata["pattern"], value):
        yield f"{where} is {value[:40]!r}"
    for step, each in value.items() if isinstance(value, dict) else enumerate(value if isinstance(value, list) else []):
        yield from beyond_limits(
            shape.members[step] if isinstance(value, dict) else shape.member, each, f"{where}.{step}"
        )


def fits(pattern: str, text: str) -> bool:
    r"""Python has no \p{L}, so its letters stand for all."""
    if r"\p{L}\p{Z}\p{N}" in pattern:
        text = "".join("a" if unicodedata.category(letter)[0] in "LZN" else letter for letter in text)
    return re.fullmatch(pattern.replace(r"\p{L}\p{Z}\p{N}", "a-z"), text, re.ASCII | re.IGNORECASE) is not None


def faults_of_role(given: Given) -> list[str]:
    keys = [tag["Key"].casefold() for tag in given["Tags"]]
    boundary = given.get("PermissionsBoundary", "")
    return [
        *(["two tags of a role differ in case alone"] if len(keys) != len(set(keys)) else []),
        *([f"boundary {boundary}"] if boundary and boundary.split(":")[4] not in (DATA_LAKE, "aws") else []),
    ]


def faults_of_policy(given: Given) -> list[str]:
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html"""
    return ["the policy is too long"] if len("".join(given["PolicyDocument"].split())) > 6144 else []


def faults_of_endpoint(given: Given) -> list[str]:
    """Of the connection attributes: nothing may be said in two ways, nor against the settings."""
    said = {name.lower(): value for name, value in given["S3Settings"].items()}
    faults = ["too many tags"] if len(given["Tags"]) > 50 else []
    for part in filter(str.strip, given.get("ExtraConnectionAttributes", "").split(";")):
        key, _equals, value = part.partition("=")
        if folded(said.setdefault(key.strip().lower(), value)) != folded(value):
            faults.append(f"attribute {part} against {said[key.strip().lower()]}")
    return faults


def folded(value: object) -> str:
    return str(value).lower().replace("-", "").replace("_", "")


UNMODELLED: dict[str, Callable[[Given], list[str]]] = {
    "create_role": faults_of_role,
    "create_policy": faults_of_policy,
    "create_endpoint": faults_of_endpoint,
}


@dataclass
class Checked:
    """A fake client; what AWS would find malformed is noted."""

    service: str
    fake: Any
    malformed: list[str]

    def __getattr__(self, name: str) -> Any:
        served = getattr(self.fake, name)

        def call(**given: Any) -> Any:
            self.malformed += faults_of_call(self.service, name, given)
            return served(**given)

        return call if name in operations(self.service) else served


def checked_stack(**switches: Any) -> tuple[Stack, list[str]]:
    """A stack's resource in accounts of its own, and what of its calls was malformed.

    DMS takes attributes that the function does not know, as it passes these on.
    """
    cloud, malformed = CloudInMemory(), list[str]()
    cloud.switch(unknown_attributes="accepted", **switches)
    cloud.iam = Checked("iam", cloud.iam, malformed)  # type: ignore[assignment]  # in its place
    cloud.dms = Checked("dms", cloud.dms, malformed)  # type: ignore[assignment]  # in its place
    return Stack(cloud, STACK_ID), malformed


@pytest.fixture(autouse=True)
def _deployed(in_memory: None) -> None:
    """All of these tests."""


DROPS = {"drops_on_create": ("CdcPath", "ServerSideEncryptionKmsKeyId")}
# Whose text IAM's model has limits for, or that may be sent as a connection attribute.
SENT: list[Place] = [(name,) for name in ("ENDPOINTIDENTIFIER", "RESOURCEIDENTIFIER", "ROLENAME", "POLICYNAME")]
SENT += [("PERMISSIONSBOUNDARY",), ("TAGS", 0, "Key"), ("TAGS", 0, "Value"), ("EXTRACONNECTIONATTRIBUTES",)]
SENT += [("S3SETTINGS", name) for name in ("CDCPATH", "BUCKETFOLDER", "SSEKMSKEYID")]


@pytest.mark.parametrize("place", SENT, ids=str)
def test_nothing_put_into_a_property_is_accepted_and_makes_a_malformed_call(place: Place) -> None:
    valid = PLACES[place]
    for text in [*WHOLES, *(valid[:3] + bit + valid[3:] for bit in BITS)]:
        properties = put(rich_properties(), place, text)
        if isinstance(outcome(properties), Endpoint):
            stack, malformed = checked_stack(**DROPS if place[-1] == "CDCPATH" else {})
            assert stack.create(properties), text
            assert malformed == [], text


ODD_VALUES: list[Any] = ["", " ", "x", "true", "7", "-1", "99999999999", "٣", "\0", 7, -1, 1.5, True, None, [], {}]


def test_every_setting_of_the_model_may_be_anything_and_is_refused_or_what_the_model_takes() -> None:
    shape = botocore.session.get_session().get_service_model("dms").shape_for("S3Settings")
    for name in members():
        for value in ODD_VALUES:
            found = outcome(make_properties(S3SETTINGS={"BUCKETNAME": "data-lake-dev", name: value}))
            if isinstance(found, Endpoint):
                assert report_on(dict(found.s3_settings), shape) == ""


@FEW
@given(hostile_properties())
def test_what_is_accepted_is_made_and_no_call_is_malformed(properties: Given) -> None:
    stack, malformed = checked_stack(**DROPS)
    is_accepted = properties["ENVIRONMENT"] == "dev" and isinstance(outcome(properties), Endpoint)
    assert stack.create(properties) == is_accepted
    assert (malformed, stack.violations) == ([], [])


@FEW
@given(hostile_properties())
def test_an_update_is_made_or_rolled_back_whole_and_no_call_is_malformed(properties: Given) -> None:
    stack, malformed = checked_stack()
    assert stack.create(rich_properties())
    before = stack.cloud.inventory()
    if not stack.update(properties):
        assert differences("rolled back", before, stack.cloud.inventory()) == []
    assert (malformed, stack.violations) == ([], [])


def test_the_longest_of_everything_is_made_and_no_call_is_malformed() -> None:
    stack, malformed = checked_stack(**DROPS)
    longest = {"ENDPOINTIDENTIFIER": "o" * 255, "ROLENAME": "r" * 64, "POLICYNAME": "p" * 128, "TAGS": MANY_TAGS}
    properties = rich_properties(**longest, RESOURCEIDENTIFIER="")
    properties["S3SETTINGS"] |= {"BUCKETNAME": "b" * 63, "BUCKETFOLDER": "f" * 512}
    assert stack.create(properties)
    assert stack.update(properties | {"TAGS": [{"Key": tag["Key"], "Value": "w" * 256} for tag in MANY_TAGS]})
    assert (malformed, stack.violations) == ([], [])


@pytest.mark.parametrize("more", ["bucketName=other", "serviceAccessRoleArn=arn:aws:iam::999999999999:role/x", "a=b"])
def test_a_setting_that_is_given_again_as_attribute_brings_no_other_attribute_in(more: str) -> None:
    stack, malformed = checked_stack(**DROPS)
    stack.create(with_setting("CDCPATH", f"raw/changes;{more}"))
    assert malformed == []


@pytest.mark.parametrize("key", [ownership.STACK_ID, LOGICAL_ID, PHYSICAL_ID, FINGERPRINT, LIFE])
def test_the_rollback_of_a_refused_update_takes_away_none_of_our_own_tags(key: str) -> None:
    """CloudFormation sends what was refused as the OldResourceProperties of the rollback."""
    stack, _malformed = checked_stack()
    assert stack.create(rich_properties())
    before = stack.cloud.inventory()
    assert not stack.update(rich_properties(TAGS=[{"Key": key, "Value": "x"}]))
    assert differences("rolled back", before, stack.cloud.inventory()) == []


@pytest.mark.parametrize("old", [None, "", "x", 7, [], {"TAGS": "x"}, {"tags": [{"Key": ["x"]}, "y", None]}, {"A": 1}])
def test_old_properties_of_any_form_change_nothing(old: Any) -> None:
    stack, _malformed = checked_stack()
    assert stack.create(rich_properties())
    before = stack.cloud.inventory()
    changes = {"ResourceProperties": rich_properties(), "OldResourceProperties": old}
    (answer,) = stack.cloud.deliver(make_event("Update", PhysicalResourceId="dev/orders", **changes))
    assert answer["Status"] == "SUCCESS", answer
    assert stack.cloud.inventory() == before


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_uuid_in_a_name_is_not_taken_for_the_external_id(variant: str) -> None:
    stack, _malformed = checked_stack(**VARIANTS[variant])
    names = {"ENDPOINTIDENTIFIER": f"orders-{UUID}", "ROLENAME": f"dms-{UUID}"}
    assert stack.create(make_properties(**names))
    assert stack.update(dict(another_folder("orders")) | names)


@pytest.mark.parametrize("attributes", ["", ";;", "nonsense", "=x", "a=b=c", "dataFormat=csv;DATAFORMAT=parquet"])
def test_an_endpoint_of_others_is_read_whatever_its_attributes(attributes: str) -> None:
    theirs = {"EndpointArn": "arn", "EndpointIdentifier": "orders", "Status": "active"}
    client: Any = mock.Mock()
    client.describe_endpoints.return_value = {"Endpoints": [theirs | {"ExtraConnectionAttributes": attributes}]}
    client.list_tags_for_resource.return_value = {"TagList": []}
    assert Dms(client, FakeClock().deadline()).find_endpoint("orders") is not None


@pytest.mark.parametrize("fault_text", ["named_id", "lone_id"])
@pytest.mark.parametrize("identifier", ["a", "e", "i-d", "d4", "external-id", "ab-cd"])
def test_a_name_like_a_piece_of_the_external_id_does_not_damage_it(identifier: str, fault_text: str) -> None:
    stack, _malformed = checked_stack(first_create="fault_with_id", fault_text=fault_text)
    assert stack.create(make_properties(ENDPOINTIDENTIFIER=identifier, ROLENAME=identifier))
    assert stack.violations == []


@pytest.mark.parametrize(
    "physical_id",
    [
        *(
            "dev/ORDERS",
            "DEV/orders",
            "dev/orders ",
            "dev/orders\0",
            "dev//orders",
            "../dev/orders",
            "dev/*",
            "dev/",
            "/",
        ),
        *("invalid/dev/orders", "nowhere/orders", "dev/" + "o" * 1020, "dev/\u202esredro", "dev/order\u017f"),
    ],
)
def test_a_delete_by_another_id_takes_nothing_away(physical_id: str) -> None:
    stack, malformed = checked_stack()
    assert stack.create(rich_properties())
    before = stack.cloud.inventory()
    stack.cloud.deliver(make_event("Delete", PhysicalResourceId=physical_id))
    assert stack.cloud.inventory() == before
    assert malformed == []


# The whole handler

IDS = ("StackId", "RequestId", "LogicalResourceId")
PHYSICAL_IDS = [
    *("dev/orders", "dev/", "/", "dev", "DEV/orders", "dev/orders\0", "../dev/orders", "nowhere/orders", "invalid/"),
    *("orders-Endpoint-1ABC", "dev/" + "o" * 1020, "🙂" * 256, '"' * 1024, "", None, 7, [], ["dev/orders"], {"a": "b"}),
]


@st.composite
def hostile_events(draw: st.DrawFn) -> Given:
    odd_types: list[Any] = ["create", "", None, 7, []]
    event = make_event(
        draw(st.sampled_from(["Create", "Update", "Delete"]) | st.sampled_from(odd_types)),
        LogicalResourceId=draw(st.sampled_from(["Endpoint", "L" * 255])),
        PhysicalResourceId=draw(st.sampled_from(PHYSICAL_IDS)),
        ResourceProperties=draw(hostile_properties() | ANYTHING),
        OldResourceProperties=draw(hostile_properties() | ANYTHING),
        CrHelperPoll=True,
        CrHelperData={"PhysicalResourceId": "x"},
    )
    missing = draw(st.sets(st.sampled_from(sorted(set(event) - {"ResponseURL"})), max_size=2))
    return {key: value for key, value in event.items() if key not in missing}


def answer_of(event: Given, cloud: CloudInMemory | None = None) -> Given:
    """The one answer to the event. Nothing of it is real: not the accounts, the clock or the network."""
    bucket, deployment = FakeBucket(), (cloud or CloudInMemory()).deployment(Event.read(event))
    with (
        mock.patch("http.client.HTTPSConnection", bucket),
        mock.patch("ssl.create_default_context"),
        mock.patch("dms_s3_endpoint.aws.sessions.enter", lambda environment, *_: deployment.enter(environment)),
        mock.patch("dms_s3_endpoint.aws.sessions.lease_table"),
        mock.patch("dms_s3_endpoint.app.Lease", return_value=deployment.lease),
    ):
        handler(event, make_context())  # type: ignore[arg-type]  # the part that is read
    ((_path, body, _headers),) = bucket.puts
    assert len(body) <= 4096
    assert len(bucket.answer["Reason"]) <= 400
    return bucket.answer


@FEW
@given(hostile_events())
def test_any_event_is_answered_once_with_its_ids(event: Given) -> None:
    answer = answer_of(event)
    assert {key: answer[key] for key in IDS} == {key: event.get(key, "") for key in IDS}
    assert answer["Status"] == "SUCCESS" or (re.match(r"[A-Z]\w+: .", answer["Reason"]) and answer["Data"] == {})
    assert isinstance(answer["PhysicalResourceId"], str)
    assert answer["PhysicalResourceId"]
    if event.get("PhysicalResourceId") and answer["Status"] == "FAILED":
        assert answer["PhysicalResourceId"] == str(event["PhysicalResourceId"])


@pytest.mark.parametrize("request_type", ["Create", "Update", "Delete"])
@pytest.mark.parametrize("missing", [*IDS, "RequestType", "ResourceProperties", "PhysicalResourceId"])
def test_an_event_without_one_of_its_keys_is_answered_with_the_others(request_type: str, missing: str) -> None:
    event = make_event(request_type, PhysicalResourceId="dev/orders")
    del event[missing]
    answer = answer_of(event)
    assert {key: answer[key] for key in IDS} == {key: event.get(key, "") for key in IDS}


@pytest.mark.parametrize("properties", ["x", 7, [], ["x"], True, None])
def test_a_create_whose_properties_are_no_map_is_refused_with_the_marker(properties: object) -> None:
    answer = answer_of(make_event("Create", ResourceProperties=properties))
    assert (answer["Status"], answer["PhysicalResourceId"]) == ("FAILED", "invalid/Endpoint")
    assert answer["Reason"].startswith("InvalidRequest: ")


@pytest.mark.parametrize("physical_id", ["", None])
def test_a_delete_without_an_id_is_answered_with_one(physical_id: object) -> None:
    answer = answer_of(make_event("Delete", PhysicalResourceId=physical_id))
    assert answer["Status"] == "SUCCESS"
    assert isinstance(answer["PhysicalResourceId"], str)
    assert answer["PhysicalResourceId"]


def test_half_of_a_surrogate_pair_is_refused_as_any_other_text() -> None:
    answer = answer_of(make_event("Create", ResourceProperties=rich_properties(ENVIRONMENT="\ud83d")))
    assert answer["Reason"].startswith("UnknownEnvironment: ")


@pytest.mark.parametrize("physical_id", ["🙂" * 256, '"' * 1024, "dev/" + "o" * 1020])
def test_the_longest_reason_fits_into_an_answer_beside_the_longest_ids(physical_id: str) -> None:
    unknown = {"\0🙂" * 40 + str(n): "x" for n in range(20)}
    changes = {"LogicalResourceId": "L" * 255, "PhysicalResourceId": physical_id, "ResourceProperties": unknown}
    answer = answer_of(make_event("Update", **changes))
    assert answer["Reason"].startswith("InvalidRequest: ")
    assert answer["PhysicalResourceId"] == physical_id


def test_the_longest_attributes_fit_into_an_answer() -> None:
    longest = {"ENDPOINTIDENTIFIER": "o" * 255, "ROLENAME": "r" * 64, "POLICYNAME": "p" * 128}
    properties = make_properties(**longest, S3SETTINGS={"BUCKETNAME": "b" * 63})
    answer = answer_of(make_event("Create", LogicalResourceId="L" * 255, ResourceProperties=properties))
    assert (answer["Status"], answer["Data"]["BucketName"]) == ("SUCCESS", "b" * 63)


def test_another_stack_can_not_delete_the_endpoint_by_its_id() -> None:
    cloud = CloudInMemory()
    answer_of(make_event("Create"), cloud)
    before = cloud.inventory()
    assert before
    answer_of(make_event("Delete", PhysicalResourceId="dev/orders", StackId=STACK_ID + "x"), cloud)
    assert cloud.inventory() == before
