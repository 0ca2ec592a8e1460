"""What the function accepts, DMS does not refuse: it is given thousands of endpoints as the function gives them.

The properties are those on which the function and the linters agree, and more that are drawn from their table.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest

from dms_s3_endpoint.aws.dms import Dms
from dms_s3_endpoint.model.attributes import PROPERTY as ATTRIBUTES
from dms_s3_endpoint.model.endpoint import Endpoint
from dms_s3_endpoint.model.errors import EndpointError
from dms_s3_endpoint.model.ownership import ADOPTED, Owner
from dms_s3_endpoint.model.parse import parse
from dms_s3_endpoint.model.properties import Items, Members, properties
from dms_s3_endpoint.model.s3_settings import DROPPED_ON_CREATE, members, values_of
from dms_s3_endpoint.model.values import Kind, Values
from local_aws import dms_parameters
from local_aws.switches import Switches
from tests.unit.builders import STACK_ID, FakeClock
from tests.unit.in_memory import FakeClient, FakeDms, FakeIam

from .test_agreement import (
    DATA_LAKE,
    SCALARS,
    EveryEnvironment,
    Given,
    as_sent,
    drawn,
    each_with_each,
    minimal,
    several_values,
)

SEED, DRAWN = 17, 3000
ROLE = f"arn:aws:iam::{DATA_LAKE}:role/r"
LETTERS = [chr(number) for number in range(0x30000) if chr(number).isalnum()]


def from_the_table() -> Iterator[Given]:
    """Each value may be; not each set, as two of them may contradict each other."""
    draw = random.Random(SEED)  # noqa: S311  # no secret
    for _ in range(DRAWN):
        yield minimal() | drawn_members(draw, properties())


def drawn_members(draw: random.Random, of: Members) -> Given:
    wanted = [each for each in of.properties if each.is_required or draw.random() < 0.2]
    return {each.name: drawn_value(draw, each.kind, each.name) for each in wanted}


def drawn_value(draw: random.Random, kind: Values | Members | Items, name: str = "") -> Any:
    if isinstance(kind, Members):
        return drawn_members(draw, kind)
    if isinstance(kind, Items):
        return [drawn_members(draw, kind.members) for _ in range(draw.choice([1, 2, kind.most]))]
    if name == ATTRIBUTES:
        return drawn_attributes(draw)
    if kind.kind is Kind.INTEGER and kind.bounds:
        return str(draw.choice([*kind.bounds, draw.randint(*kind.bounds)]))
    if kind.kind is Kind.TEXT:
        return draw.choice(texts_for(kind))
    return respelled(draw, draw.choice(kind.choices or ("true", "false", "y", "n")))


def drawn_attributes(draw: random.Random) -> str:
    names = draw.sample([name for name in members() if name not in dms_parameters.OF_SOURCES], 3)
    known = {name: drawn_value(draw, values_of(name)) for name in names if name != "ServiceAccessRoleArn"}
    return ";\n ".join(f"{name} = {value}" for name, value in {**known, "unknown": "x y"}.items())


def respelled(draw: random.Random, text: str) -> str:
    return "".join(draw.choice("-_" if letter in "-_" else letter.upper() + letter.lower()) for letter in text)


@cache
def texts_for(values: Values) -> list[str]:
    """Of the texts that the linters' check has, and of odd words, those that may be."""
    texts = [each for each in SCALARS if isinstance(each, str)]
    return [text for text in (*texts, *odd_words()) if not values.fault(text)]


@cache
def odd_words() -> list[str]:
    draw = random.Random(SEED)  # noqa: S311  # no secret
    letters, lengths = [*LETTERS, *" _.:/=+-"], [1, 2, 9, 64, 128, 256]
    return ["".join(draw.choices(letters, k=draw.choice(lengths))) for _ in range(1000)]


def accepted(given: Given) -> Endpoint | None:
    try:
        return parse(as_sent(given), EveryEnvironment())
    except EndpointError:
        return None


def refusal(endpoint: Endpoint) -> str:
    """Why DMS refuses the CreateEndpoint with all tags that there may be, or nothing. That it can't assume is none."""
    clock = FakeClock()
    fake = FakeDms(FakeIam(clock), clock, switches=Switches(unknown_attributes="accepted"))
    client: Any = FakeClient(fake)
    own = Owner(STACK_ID, "L" * 255, endpoint.physical_id, "life").tags("f" * 64)
    again = {name: value for name, value in endpoint.s3_settings.items() if name in DROPPED_ON_CREATE}
    try:
        Dms(client, clock.deadline()).create_endpoint(endpoint, ROLE, {**endpoint.tags, **own, ADOPTED: "true"}, again)
    except EndpointError as error:
        return error.failed
    return ""


@pytest.mark.parametrize("sets", [each_with_each, several_values, drawn, from_the_table])
def test_dms_refuses_nothing_that_the_function_accepts(sets: Any) -> None:
    endpoints = [accepted(given) for given in sets()]
    refused = [(endpoint, why) for endpoint in endpoints if endpoint and (why := refusal(endpoint))]
    assert refused == []
    # A generator that makes only wrong properties would show nothing.
    assert sum(endpoint is not None for endpoint in endpoints) > len(endpoints) / 8


@pytest.mark.parametrize(
    ("rules", "name", "stricter"),
    [("BOUNDS", "MaxFileSize", (2, 9)), ("BOUNDS", "RowGroupLength", (0, 9)), ("LENGTHS_OF_TAGS", "Value", (0, 255))],
)
def test_what_dms_alone_refuses_is_seen(rules: str, name: str, stricter: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(getattr(dms_parameters, rules), name, stricter)
    assert any(refusal(endpoint) for given in from_the_table() if (endpoint := accepted(given)))
