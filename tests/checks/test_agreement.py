"""What the function refuses, cfn-lint refuses, and the other way round; editors mark the same keys.

Thousands of values as a template has them, over all properties: each property with each value, then values, keys and
attributes drawn by a seeded generator. Left out, as no template tells it: which environments are deployed, and in which
partition and accounts. ServiceToken is always there, as CloudFormation itself demands it.
"""

from __future__ import annotations

import copy
import importlib.util
import itertools
import random
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from cfnlint.helpers import FUNCTIONS  # type: ignore[import-untyped]  # no types of its own
from cfnlint.jsonschema import CfnTemplateValidator  # type: ignore[import-untyped]  # no types of its own
from cfnlint.template import Template  # type: ignore[import-untyped]  # no types of its own
from jsonschema import Draft7Validator

from dms_s3_endpoint.model.environments import NAME, RESERVED_NAME, Environment
from dms_s3_endpoint.model.errors import EndpointError
from dms_s3_endpoint.model.parse import parse
from dms_s3_endpoint.model.properties import LONGEST_WHEN_REPLACED, Items, Members, properties
from dms_s3_endpoint.model.s3_settings import members
from dms_s3_endpoint.model.values import fold
from dms_s3_endpoint_cli.schema import TYPE_NAME, editor_schema

ROOT = Path(__file__).resolve().parents[2]
DATA_LAKE, DMS = "222222222222", "333333333333"
KEY = "11111111-2222-3333-4444-555555555555"
Given = dict[str, Any]
SEED, DRAWN = 14, 1000

SCALARS: list[Any] = [
    *(None, True, False, 0, 1, 5, 31_000, 1_048_577, 123456789012, -1, 1.5, 1e22),
    *("", " ", "x", "X1", "é", "²", "٣", "🙂", "\u212a", "a b", "a\n", "\n", "a-b", "a--b", "a-", "1a", "a_b"),
    *("true", "TRUE", "fAlse", "y", "N", "yes", "on", "true ", "dev", "invalid", "invalid1"),
    *(
        "0",
        "1",
        "007",
        "1048576",
        "1048577",
        "2147483647",
        "2147483648",
        "99999999999",
        "-1",
        "+1",
        "1.0",
        "1e3",
        "1_0",
    ),
    *("csv", "CSV", "json", "gzip", "GZip", "G-ZIP", "none", "SSE_KMS", "sse-kms", "ssekms", "PARQUET_1-0"),
    *("bucket_owner-full_control", "yyyymmdd", "Rle_Dictionary", "gz\u0131p", "\u017flash"),
    *("s3://lake", "lake", "la..ke", "a/b", "/a", "a/../b", "a*", "${a}", "a;b", "alias/x", "a=b", "=", ";", "Lake"),
    *(KEY, f"mrk-{'a' * 32}", KEY.upper(), f"arn:aws:kms:eu-west-1:{DATA_LAKE}:key/{KEY}", "arn:aws:kms:x:1:key/*"),
    *(
        f"arn:aws:dms:eu-west-1:{DMS}:rep:X",
        f"arn:aws:dms:eu-west-1:{DMS}:rep:*",
        f"arn:aws:dms:eu-west-1:{DMS}:task:X",
    ),
    *("arn:aws:iam::aws:policy/x", f"arn:aws:iam::{DATA_LAKE}:role/x", f"arn:aws:iam::aws:policy/{'x' * 2100}"),
    *("123456789012", "12345678901", "aws:x", "AwS:x", "dms-s3-endpoint:x", "DMS-S3-endpoint:", "dms-s3-endpoint"),
    *("x" * length for length in (31, 32, 63, 64, 65, 128, 129, 255, 256, 257, 512, 513, 2049)),
]
CONTAINERS: list[Any] = [[], {}, ["x"], [[]], [None], {"a": "b"}, [{}], [{"Key": "a"}], {"BUCKETNAME": "lake"}]
TAGS: list[Any] = [
    [{"KEY": "a", "value": "b"}, {"key": "B"}],
    [{"Key": "a"}, {"Key": "A"}],
    [{"Key": "a"}, {"Key": "a"}],
    [{"Key": "stra\u00dfe"}, {"Key": "STRASSE"}],
    [{"Key": "a", "KEY": "b"}],
    [{"Key": "a", "Kay": "b"}],
    [{"Value": "b"}],
    [{"Key": "a"}, "x"],
    [{"Key": str(n)} for n in range(44)],
    [{"Key": str(n)} for n in range(45)],
]
PAIRS: list[Given] = [
    {"SSEKMSKEYID": KEY, "SSEKMDKEYID": KEY},
    {"SSEKMSKEYID": KEY, "SSEKMDKEYID": "a" * 32},
    {"SSEKMSKEYID": KEY, "ServerSideEncryptionKmsKeyId": ""},
    {"COMPRESSIONTTYPE": "gzip", "COMPRESSIONTYPE": "GZIP"},
    {"COMPRESSIONTTYPE": "gzip", "COMPRESSIONTYPE": "none"},
    {"DATAFORMAT": "csv", "dataformat": "csv"},
    {"bucketname": "lake", "BUCKETNAME": "lake"},
    {"CSVNULLVALUE": "", "EXTRACONNECTIONATTRIBUTES": "csvNullValue=NULL"},
    {"CSVNULLVALUE": None, "EXTRACONNECTIONATTRIBUTES": "csvNullValue=NULL"},
    {"RFC4180": "y", "EXTRACONNECTIONATTRIBUTES": "rfc4180 = TRUE ;"},
    {"RFC4180": False, "EXTRACONNECTIONATTRIBUTES": "rfc4180=y"},
    {"MAXFILESIZE": 7, "EXTRACONNECTIONATTRIBUTES": "maxFileSize=007"},
    {"CDCPATH": "A", "EXTRACONNECTIONATTRIBUTES": "cdcPath=a"},
    {"DATAFORMAT": "", "EXTRACONNECTIONATTRIBUTES": "dataFormat=csv;dataFormat="},
]
WAYS = ["replace", "REPLACE", "recreate", ""]
ATTRIBUTES = [
    *("", " ", ";;", "nonsense", "=x", "a=b=c", "a=b;\n c = d\n", "a=b;A=B", "a=b;a=c", "a=;a=b", "a-b=1;ab=2"),
    *("dataFormat=csv;DATAFORMAT=CSV", "dataFormat=csv;dataFormat=parquet", "bucketName=lake", "bucketName=other"),
    *("serviceAccessRoleArn=x", "serviceAccessRoleArn=", "ignoreHeaderRows=1", "externalTableDefinition={}"),
    *("sseKmsKeyId=" + KEY, f"sseKmsKeyId={KEY};serverSideEncryptionKmsKeyId={'a' * 32}", "expectedBucketOwner="),
    *("data\u017fFormat=x", "cdcPath=a b", "compressionTtype=gzip;compressionType=GZIP"),
]


class EveryEnvironment(dict[str, Environment]):
    """A deployment with all environments that there may be."""

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and NAME.fullmatch(name) is not None and name != RESERVED_NAME

    def __missing__(self, name: str) -> Environment:
        return Environment(name, f"arn:aws:iam::{DATA_LAKE}:role/lake", f"arn:aws:iam::{DMS}:role/dms")


# Three readers


def function_refuses(given: Given) -> str:
    """The function's refusal, or nothing."""
    try:
        parse(as_sent(given), EveryEnvironment())
    except EndpointError as error:
        return error.failed
    return ""


def as_sent(value: Any) -> Any:
    """As CloudFormation sends properties: each scalar as text. Null is no scalar."""
    if isinstance(value, dict):
        return {key: as_sent(each) for key, each in value.items()}
    if isinstance(value, list):
        return [as_sent(each) for each in value]
    if value is None:
        return None
    return str(value).lower() if isinstance(value, bool) else str(value)


@cache
def rules() -> Any:
    """The module in lint/, alone, as a project that copied the folder has it."""
    spec = importlib.util.spec_from_file_location("rules", ROOT / "lint" / "dms_s3_endpoint.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def rule(**changes: Given) -> Any:
    """E9701, for a list of properties at once; with changes to the schema of settings."""
    made = rules().Properties()
    one = copy.deepcopy(made.schema)
    for setting, broken in changes.items():
        one["properties"]["S3SETTINGS"]["properties"][setting] |= broken
    made._schema = {"type": "array", "items": one}
    return made


@cache
def validator() -> Any:
    """As cfn-lint has it where it comes to the properties of a resource."""
    template = Template("template.yaml", {"Resources": {}}, ["eu-west-1"])
    context = template.context.evolve(functions=list(FUNCTIONS), strict_types=False)
    return CfnTemplateValidator({}).evolve(cfn=template, context=context)


def linter_refusals(batch: list[Given], by: Any) -> list[str]:
    """What E9701 says of each, or nothing. A call of the rule takes long, so it is made once."""
    refusals = [""] * len(batch)
    for error in by.validate(validator(), "", batch, {}):
        refusals[error.path[0]] += f"{error.message}; "
    return refusals


@cache
def editor() -> Any:
    """The part of the editor's schema that is for the properties."""
    resource = editor_schema()["properties"]["Resources"]["additionalProperties"]
    assert resource["if"]["properties"]["Type"]["const"] == TYPE_NAME
    return Draft7Validator(resource["then"]["properties"]["Properties"])


def editor_refuses(given: Given) -> bool:
    return next(editor().iter_errors(given), None) is not None


# What is given


def minimal(**changes: Any) -> Given:
    given = {
        "ServiceToken": f"arn:aws:lambda:eu-west-1:{DMS}:function:f:live",
        "ENVIRONMENT": "dev",
        "ENDPOINTIDENTIFIER": "orders",
        "POLICYNAME": "p",
        "ROLENAME": "r",
        "S3SETTINGS": {"BUCKETNAME": "lake"},
    }
    return given | changes


def each_with_each() -> Iterator[Given]:
    """Each property, each setting and each member of a tag, with each value."""
    top, settings, tags = (list(alike(of)) for of in (properties(), members_of("S3SETTINGS"), members_of("TAGS")))
    for turn, value in enumerate(SCALARS + CONTAINERS):
        yield from (minimal(**{names[turn % len(names)]: value}) for names in top)
        for names in settings:
            yield minimal(S3SETTINGS={"BUCKETNAME": "lake", names[turn % len(names)]: value})
        yield from (minimal(TAGS=[{"Key": "a", names[turn % len(names)]: value}]) for names in tags)


def alike(of: Members) -> Iterable[list[str]]:
    """The names of properties that are described alike, as all booleans are: they take turns, as linting is slow."""
    names: dict[str, list[str]] = {}
    for each in of.properties:
        names.setdefault(repr((each.kind, each.is_required)), []).append(each.name)
    return names.values()


def members_of(name: str) -> Members:
    kind = properties().by_key()[name].kind
    if isinstance(kind, Items):
        return kind.members
    assert isinstance(kind, Members)
    return kind


def names_of(of: Members) -> list[str]:
    return [each.name for each in of.properties]


def several_values() -> Iterator[Given]:
    """What several values say together."""
    yield from (minimal(TAGS=tags) for tags in TAGS)
    for way, name, length in itertools.product(WAYS, LONGEST_WHEN_REPLACED, (9, 8)):
        longest = LONGEST_WHEN_REPLACED[name] + 9 - length
        yield minimal(**{"ONUPDATE": way, name: "x" * longest})
    yield from (
        minimal(ONUPDATE=way, ADOPT=adopt) for way, adopt in itertools.product(WAYS, ["true", "Y", "false", ""])
    )
    for pair in PAIRS:
        yield minimal(S3SETTINGS={"BUCKETNAME": "lake"} | pair)
        yield minimal(S3SETTINGS=dict(reversed(({"BUCKETNAME": "lake"} | pair).items())))
    for one, other in itertools.product(ATTRIBUTES, ["", *ATTRIBUTES[:9]]):
        settings = {"BUCKETNAME": "lake", "EXTRACONNECTIONATTRIBUTES": other}
        yield minimal(S3SETTINGS=settings, EXTRACONNECTIONATTRIBUTES=one)


def drawn() -> Iterator[Given]:
    """Up to three keys, in any spelling, missing, unknown or twice, with any values; and attributes."""
    draw = random.Random(SEED)  # noqa: S311  # no secret
    for _ in range(DRAWN):
        given = minimal(S3SETTINGS={"BUCKETNAME": "lake"}, TAGS=[{"Key": "a", "Value": "b"}])
        for within in draw.sample([given, given["S3SETTINGS"], given["TAGS"][0]], draw.randint(0, 3)):
            change_a_key(draw, within)
        if draw.random() < 0.5:
            given["EXTRACONNECTIONATTRIBUTES"] = drawn_attributes(draw)
        yield given


KEYS = [*names_of(properties()), *names_of(members_of("S3SETTINGS")), "Key", "Value"]


def change_a_key(draw: random.Random, within: Given) -> None:
    key = draw.choice(sorted(set(within) - {"ServiceToken"}))
    if (what := draw.randrange(5)) < 2:
        within[respelled(draw, key)] = within.pop(key)
    elif what == 2:
        del within[key]
    elif what == 3:
        within[draw.choice([key[:-1], key + "S", key.lower(), "\u017f" + key, "Other", *KEYS])] = draw.choice(SCALARS)
    else:
        within[draw.choice(KEYS)] = draw.choice(SCALARS)


def respelled(draw: random.Random, key: str) -> str:
    return "".join(draw.choice([letter.upper(), letter.lower()]) for letter in key)


def drawn_attributes(draw: random.Random) -> str:
    names = [*members(), "sseKmsKeyId", "unknown", "Unknown", "BUCKETNAME", ""]
    space = ["", "", " ", "\n", "\t "]
    texts = [value for value in SCALARS if isinstance(value, str)]
    parts = [
        [draw.choice(names), draw.choice(["=", "=", "=", "=", ""]), draw.choice(texts)]
        for _ in range(draw.randint(0, 3))
    ]
    return ";".join("".join(draw.choice(space) + piece + draw.choice(space) for piece in part) for part in parts)


def has_wrong_keys(given: Any, of: Members) -> bool:
    """Whether a key is unknown or a required one missing, in whatever of it is a map."""
    if not isinstance(given, dict):
        return False
    known, there = of.by_key(), {fold(key) for key in given}
    required = {fold(each.name) for each in of.properties if each.is_required}
    if there - set(known) - set(map(fold, of.ignored)) or required - there:
        return True
    kinds = ((known[fold(key)].kind, value) for key, value in given.items() if fold(key) in known)
    return any(has_wrong_keys_within(kind, value) for kind, value in kinds)


def has_wrong_keys_within(kind: Any, value: Any) -> bool:
    if isinstance(kind, Items) and isinstance(value, list):
        return any(has_wrong_keys(each, kind.members) for each in value)
    return isinstance(kind, Members) and has_wrong_keys(value, kind)


# Agreement


@pytest.mark.parametrize("values", [each_with_each, several_values, drawn])
def test_function_linter_and_editor_agree(values: Any) -> None:
    refused = accepted = 0
    batch = list(values())
    for given, linter in zip(batch, linter_refusals(batch, rule()), strict=True):
        function = function_refuses(given)
        assert bool(function) == bool(linter), (given, function, linter)
        assert editor_refuses(given) == has_wrong_keys(given, properties()), (given, function)
        refused, accepted = refused + bool(function), accepted + (not function)
    # A generator that makes only wrong properties, or only right ones, would show nothing.
    assert min(refused, accepted) > (refused + accepted) / 8


@pytest.mark.parametrize(
    ("setting", "broken", "value"),
    [
        ("MAXFILESIZE", {"maximum": 1_048_577}, "1048577"),
        ("BUCKETNAME", {"pattern": "^lake$"}, "other"),
        ("CSVNULLVALUE", {"type": "object"}, "x"),
    ],
)
def test_a_schema_that_says_something_else_is_seen(setting: str, broken: Given, value: str) -> None:
    given = minimal(S3SETTINGS={"BUCKETNAME": "lake", setting: value})
    (as_it_is,), (as_broken,) = (linter_refusals([given], by) for by in (rule(), rule(**{setting: broken})))
    assert bool(function_refuses(given)) == bool(as_it_is) != bool(as_broken)
