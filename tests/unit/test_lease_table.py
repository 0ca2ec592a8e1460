"""The table of leases: what is stored, and under which conditions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given

from dms_s3_endpoint.aws.lease_table import Item, LeaseTable, NoTableError
from dms_s3_endpoint.model.errors import Code, EndpointError
from dms_s3_endpoint.model.lives import Life, Record, State

from .builders import make_client_error
from .in_memory import TABLE, FakeClient, FakeDynamoDB, lose_answer_once
from .test_lives import RECORDS

RESOURCE = "arn:aws:cloudformation:eu-west-1:111111111111:stack/orders/1 Endpoint"
RECORD = Record((Life("create", "dev/orders", State.STANDS),))
FIRST = Item(1, "a run", "create", 1767225600.0, frozenset({"other", "another"}), RECORD, 1767230100)


@dataclass
class Wired:
    """The table over one in memory; `happens` at each call of its name, once."""

    dynamodb: FakeDynamoDB = field(default_factory=FakeDynamoDB)
    happens: dict[str, Callable[[Callable[[], Any]], Any]] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)

    @property
    def table(self) -> LeaseTable:
        client: Any = FakeClient(self.dynamodb, self.call)
        return LeaseTable(client, TABLE)

    def call(self, name: str, effect: Callable[[], Any]) -> Any:
        self.calls.append(name)
        return self.happens.pop(name)(effect) if name in self.happens else effect()

    @property
    def stored(self) -> Any:
        return (self.dynamodb.items or {}).get(RESOURCE)


def failing(code: str) -> Callable[[Callable[[], Any]], Any]:
    def fail(_effect: Callable[[], Any]) -> Any:
        raise make_client_error(code, "because")

    return fail


def test_what_is_written_is_read() -> None:
    wired = Wired()
    assert wired.table.read(RESOURCE) is None
    assert wired.table.write(RESOURCE, FIRST, over=None)
    assert wired.table.read(RESOURCE) == FIRST
    assert wired.table.read("another") is None


@given(
    st.text(min_size=1, max_size=8),
    st.integers(0, 2**40).map(float),
    st.frozensets(st.text(min_size=1, max_size=8), max_size=3),
    RECORDS,
    st.integers(0, 2**40),
)
def test_each_item_that_is_stored_and_read_is_the_same(
    holder: str, issued: float, unstopped: frozenset[str], record: Record, expires: int
) -> None:
    item = Item(1, holder, "create", issued, unstopped, record, expires)
    wired = Wired()
    assert wired.table.write(RESOURCE, item, over=None)
    assert wired.table.read(RESOURCE) == item


def test_a_first_item_is_written_only_where_there_is_none() -> None:
    wired = Wired()
    assert wired.table.write(RESOURCE, FIRST, over=None)
    assert not wired.table.write(RESOURCE, replace(FIRST, holder="late"), over=None)
    assert wired.table.read(RESOURCE) == FIRST


@pytest.mark.parametrize("over", [replace(FIRST, version=2), replace(FIRST, holder="late"), replace(FIRST, holder="")])
def test_an_item_is_written_only_over_the_one_that_was_read(over: Item) -> None:
    wired = Wired()
    wired.table.write(RESOURCE, FIRST, over=None)
    assert not wired.table.write(RESOURCE, replace(FIRST, holder="late"), over)
    assert wired.table.read(RESOURCE) == FIRST
    assert wired.table.write(RESOURCE, replace(FIRST, holder="next"), over=FIRST)
    assert wired.table.read(RESOURCE) == replace(FIRST, version=2, holder="next")


def test_an_item_that_is_gone_is_not_written_over() -> None:
    wired = Wired()
    assert not wired.table.write(RESOURCE, FIRST, over=FIRST)
    assert wired.stored is None


@pytest.mark.parametrize("over", [None, FIRST])
def test_a_write_that_is_sent_again_meets_itself(over: Item | None) -> None:
    wired = Wired()
    if over:
        wired.table.write(RESOURCE, over, over=None)
    wired.happens["put_item"] = lose_answer_once
    assert wired.table.write(RESOURCE, replace(FIRST, holder="next"), over)
    assert wired.calls[-2:] == ["put_item", "get_item"]


def test_the_write_of_another_run_with_the_same_record_is_not_taken_for_ones_own() -> None:
    wired = Wired()
    wired.table.write(RESOURCE, replace(FIRST, holder="another run"), over=None)
    assert not wired.table.write(RESOURCE, FIRST, over=None)


def test_an_item_that_never_expires_and_that_waits_for_nobody_has_no_such_attributes() -> None:
    """DynamoDB has no empty sets, and would take 0 for a time long past."""
    wired = Wired()
    wired.table.write(RESOURCE, replace(FIRST, unstopped=frozenset(), expires=0), over=None)
    assert set(wired.stored) == {"resource", "version", "holder", "request_id", "issued", "record"}


def test_one_that_stopped_is_taken_from_those_that_are_waited_for_and_nothing_else_is_changed() -> None:
    wired = Wired()
    wired.table.write(RESOURCE, FIRST, over=None)
    wired.table.note_stopped(RESOURCE, "other")
    assert wired.table.read(RESOURCE) == replace(FIRST, unstopped=frozenset({"another"}))
    wired.table.note_stopped(RESOURCE, "unknown")
    wired.table.note_stopped(RESOURCE, "another")
    assert wired.table.read(RESOURCE) == replace(FIRST, unstopped=frozenset())


def test_one_that_stopped_makes_no_item_where_there_is_none() -> None:
    wired = Wired()
    with pytest.raises(EndpointError, match="update-item lease: ConditionalCheckFailedException"):
        wired.table.note_stopped(RESOURCE, "other")
    assert wired.stored is None


CALLS: dict[str, Callable[[LeaseTable], object]] = {
    "get_item": lambda table: table.read(RESOURCE),
    "put_item": lambda table: table.write(RESOURCE, FIRST, over=None),
    "update_item": lambda table: table.note_stopped(RESOURCE, "other"),
}


@pytest.mark.parametrize("call", ["get_item", "put_item"])
def test_a_table_that_does_not_exist_is_told_from_every_other_failure(call: str) -> None:
    wired = Wired()
    wired.dynamodb.items = None
    with pytest.raises(NoTableError, match=f"InternalError: get-item: table {TABLE} of the leases does not exist"):
        CALLS[call](wired.table)


@pytest.mark.parametrize(
    ("aws_code", "code"), [("ThrottlingException", Code.THROTTLED), ("AccessDeniedException", Code.ACCESS_DENIED)]
)
@pytest.mark.parametrize("call", CALLS)
def test_what_dynamodb_answers_else_is_told_with_the_call(call: str, aws_code: str, code: Code) -> None:
    wired = Wired(happens={call: failing(aws_code)})
    with pytest.raises(EndpointError, match=f"{call.replace('_', '-')} lease: {aws_code}: because") as raised:
        CALLS[call](wired.table)
    assert (raised.value.code, type(raised.value)) == (code, EndpointError)
