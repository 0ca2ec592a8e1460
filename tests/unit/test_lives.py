"""Which life an event means: what each undo takes away, and what it leaves. The rules alone, without a cloud."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given

from dms_s3_endpoint.model.lives import (
    ANSWERS_KEPT,
    SECONDS_UNTIL_A_CREATE_COUNTS,
    Answer,
    Life,
    Record,
    State,
    back_as_before,
    cancelled,
    followed,
    given_up_by_update,
    let_go,
    named_by_event,
    taken_up,
    update_is_over,
)
from dms_s3_endpoint.model.names import Named

# Created and answered as SUCCESS, and named by no event since.
CREATED = Life("create", "dev/orders", State.STANDS, of_create=True, issued=1000.0, succeeded_with=("its properties",))
KNOWN = replace(CREATED, is_known=True)
# Begun by a replacement.
NEW = Life("update", "dev/new", State.BEGUN)
NEW_STANDS = replace(NEW, state=State.STANDS)
FROM_VERSION_1 = Life("", "dev/orders", State.STANDS)
LATER = 1100.0


# The current id: a life that was answered as SUCCESS


def test_the_current_id_names_the_life_that_stands() -> None:
    assert Record((KNOWN, NEW)).life_at("dev/orders") == KNOWN
    assert Record((KNOWN,)).life_at("dev/other") is None


# The old id, in the clean-up after a replacement: an earlier life


def test_the_clean_up_after_a_replacement_names_the_earlier_life() -> None:
    assert Record((KNOWN, NEW_STANDS)).life_at("dev/orders") == KNOWN


def test_once_the_clean_up_comes_what_the_replacement_took_up_is_the_resources_own() -> None:
    record = Record((KNOWN, taken_up(NEW_STANDS)))
    assert update_is_over(record, KNOWN).life_at("dev/new") == NEW_STANDS


def test_the_clean_up_leaves_the_life_that_it_removes_as_it_is() -> None:
    going = taken_up(KNOWN)
    assert update_is_over(Record((going,)), going).lives == (going,)


# The new id of a replacement that is rolled back: a life that began in the update, or nothing if it was there before


def test_a_life_that_began_in_the_update_did_not_stand_before() -> None:
    record = Record((KNOWN, NEW_STANDS))
    found = record.life_at("dev/new")
    assert found
    assert not found.stood_before


@pytest.mark.parametrize("state", [State.STANDS, State.CONDEMNED])
def test_a_life_that_a_replacement_took_up_is_after_its_undo_as_it_was(state: State) -> None:
    found = replace(KNOWN, state=state)
    succeeded = replace(taken_up(found), state=State.STANDS, is_known=False)
    assert succeeded.stood_before == state
    assert back_as_before(Record((succeeded, NEW)), succeeded).life_at("dev/orders") == found


def test_a_life_that_is_taken_up_twice_stood_as_it_was_found_the_first_time() -> None:
    condemned = replace(KNOWN, state=State.CONDEMNED)
    again = taken_up(replace(taken_up(condemned), state=State.STANDS))
    assert again.stood_before == State.CONDEMNED


def test_an_event_that_names_a_life_ends_the_update_that_took_it_up_but_not_where_it_goes_back() -> None:
    succeeded = taken_up(NEW_STANDS)
    assert named_by_event(succeeded) == replace(NEW_STANDS, is_known=True)
    assert named_by_event(succeeded, keeps_undo=True) == replace(succeeded, is_known=True)


@pytest.mark.parametrize("state", State)
def test_a_life_that_an_update_names_stands_whatever_became_of_it_before(state: State) -> None:
    named = named_by_event(replace(CREATED, state=state))
    assert (named.state, named.is_known) == (State.STANDS, True)


# The rollback of a replacement that was killed


def test_the_rollback_takes_away_what_the_replacement_had_begun_or_made_and_no_answer_told_of() -> None:
    for made in (NEW, NEW_STANDS):
        assert given_up_by_update(Record((KNOWN, made)), KNOWN, but="dev/orders") == [made]


@pytest.mark.parametrize(
    "kept",
    [
        replace(NEW_STANDS, is_known=True),
        taken_up(replace(NEW_STANDS, is_known=True)),
        replace(NEW, state=State.CONDEMNED),  # each request tries to remove it anyway
        replace(NEW, physical_id="dev/wanted"),
        KNOWN,
    ],
)
def test_the_rollback_leaves_every_other_life(kept: Life) -> None:
    assert given_up_by_update(Record((KNOWN, kept)).with_life(kept), KNOWN, but="dev/wanted") == []


# The real id of a Create that failed, and what begins before it


def test_an_unfinished_life_is_found_by_its_id_and_by_its_state() -> None:
    begun = replace(CREATED, state=State.BEGUN)
    assert Record((begun,)).life_at("dev/orders") == begun
    assert Record((begun, KNOWN)).others(None, State.BEGUN) == [begun]
    assert Record((begun,)).others(begun, State.BEGUN) == []
    assert Record((begun,)).others(None, State.CONDEMNED, State.STANDS) == []


def test_a_new_create_lets_go_of_what_stands_but_not_of_itself_nor_of_what_is_unfinished_or_condemned() -> None:
    condemned = Life("old", "dev/old", State.CONDEMNED)
    record = let_go(Record((KNOWN, NEW, condemned)), "another create")
    assert record.is_complete
    assert record.lives == (NEW, condemned)
    assert let_go(Record((CREATED,)), "create").lives == (CREATED,)


# An id that CloudFormation invented: the unfinished life of the Create that it cancelled, or whose answer was lost


def means(*lives: Life, asked_for: str = "its properties", issued: float = LATER) -> list[Life]:
    return cancelled(Record(lives), asked_for, issued)


def test_an_invented_id_means_each_life_that_never_succeeded() -> None:
    begun = replace(CREATED, state=State.BEGUN)
    assert means(begun, NEW) == [begun, NEW]
    assert means(begun, asked_for="others", issued=0.0) == [begun]


def test_an_invented_id_means_the_create_whose_answer_was_lost() -> None:
    assert means(CREATED) == [CREATED]
    assert means(CREATED, asked_for="") == [CREATED]


@pytest.mark.parametrize(
    "other",
    [
        KNOWN,
        replace(CREATED, of_create=False),
        NEW_STANDS,
        FROM_VERSION_1,
    ],
)
def test_an_invented_id_means_no_life_that_an_event_named_or_that_no_create_began(other: Life) -> None:
    assert means(other) == []
    assert means(other, asked_for="", issued=0.0) == []


def test_an_invented_id_means_no_create_that_succeeded_with_other_properties_than_the_delete_has() -> None:
    assert means(CREATED, asked_for="others") == []


def test_an_invented_id_means_no_create_from_before_the_longest_rollback() -> None:
    last = CREATED.issued + SECONDS_UNTIL_A_CREATE_COUNTS
    assert means(CREATED, issued=last) == [CREATED]
    assert means(CREATED, issued=last + 1.0) == []
    assert means(CREATED, issued=0.0) == [CREATED]


def test_a_delete_that_goes_on_where_another_died_means_what_that_one_meant() -> None:
    """What counts is when the first request after the Create was issued, not the last."""
    last = CREATED.issued + SECONDS_UNTIL_A_CREATE_COUNTS
    begun = replace(CREATED, followed=last)
    assert means(begun, issued=last + 1.0) == [begun]
    assert means(replace(begun, followed=last + 1.0), issued=last) == []


def test_the_first_request_after_a_life_is_noted_and_no_later_one_nor_its_own_redelivery() -> None:
    record = followed(followed(followed(Record((CREATED,)), "create", 1001.0), "delete", 1020.0), "another", 1030.0)
    assert record.lives == (replace(CREATED, followed=1020.0),)


# What version 1.0.0 made: no life, by the physical id


def test_lives_of_version_1_0_0_are_told_apart_by_their_physical_ids() -> None:
    other = replace(FROM_VERSION_1, physical_id="dev/other")
    assert not FROM_VERSION_1.is_same(other)
    assert Record((FROM_VERSION_1, other)).without(other).lives == (FROM_VERSION_1,)


# The record


def test_what_is_known_of_a_life_replaces_what_was_known_and_leaves_the_others() -> None:
    record = Record((KNOWN, NEW)).with_life(CREATED)
    assert record.lives == (NEW, CREATED)
    assert record.recorded(KNOWN) == CREATED
    assert record.recorded(FROM_VERSION_1) == FROM_VERSION_1
    assert record.without(KNOWN).lives == (NEW,)


def test_the_names_of_a_life_grow_and_are_kept_in_order() -> None:
    life = CREATED.named(["b"], ["p"], ["team"]).named(["a", "b"], [], {"stage": "dev"})
    assert (life.roles, life.policies, life.tag_keys) == (("a", "b"), ("p",), ("stage", "team"))
    assert life.names == Named(frozenset({"a", "b"}), frozenset({"p"}))


def test_the_last_answers_are_kept_each_once_and_the_oldest_is_forgotten() -> None:
    record = Record()
    for number in range(ANSWERS_KEPT + 1):
        record = record.with_answer(Answer(str(number), "dev/orders"))
    assert len(record.answers) == ANSWERS_KEPT
    assert record.answer_to("0") is None
    assert [record.answer_to(str(number)) for number in range(1, ANSWERS_KEPT + 1)] == list(record.answers)


def test_of_two_answers_to_one_request_the_first_was_given() -> None:
    """The watchdog's, while the work went on."""
    first, second = Answer("1", "dev/orders", "late", "NotStabilized"), Answer("1", "dev/orders")
    assert Record().with_answer(first).with_answer(second).answer_to("1") == first


def test_an_answer_with_a_code_is_a_failure() -> None:
    assert Answer("1", "dev/orders").is_success
    assert not Answer("1", "dev/orders", "no", "Throttled").is_success


TEXTS = st.text(max_size=8)
SETTINGS = st.dictionaries(TEXTS, TEXTS | st.booleans() | st.integers(0, 2**31), max_size=3)
STORED = st.dictionaries(TEXTS, TEXTS | SETTINGS | st.lists(TEXTS, max_size=3), max_size=3)
# By the type of a field, as the dataclass spells it.
DRAWN: dict[Any, st.SearchStrategy[Any]] = {
    "str": TEXTS,
    "bool": st.booleans(),
    "int": st.integers(0, 100),
    "float": st.floats(0.0, 1e10),
    "State": st.sampled_from(State),
    "tuple[str, ...]": st.lists(TEXTS, max_size=3).map(tuple),
    "Mapping[str, str]": st.dictionaries(TEXTS, TEXTS, max_size=3),
    "Mapping[str, Any]": STORED,
}


def drawn(kind: Any) -> st.SearchStrategy[Any]:
    """Each field is drawn, also one that is new."""
    return st.builds(kind, **{each.name: DRAWN[each.type] for each in fields(kind)})


DRAWN["tuple[Life, ...]"] = st.lists(drawn(Life), max_size=3).map(tuple)
DRAWN["tuple[Answer, ...]"] = st.lists(drawn(Answer), max_size=3).map(tuple)
RECORDS = drawn(Record)


@given(RECORDS)
def test_a_record_that_is_stored_and_read_is_the_same(record: Record) -> None:
    read = Record.from_json(record.as_json())
    assert read == record
    assert all(isinstance(life.state, State) for life in read.lives)


def test_what_is_left_behind_is_condemned_and_no_more_what_cloudformation_has() -> None:
    """The Delete of what it has fails before the eyes of whoever asked for it."""
    given_up, asked_for = Life("a", "dev/a", State.CONDEMNED), Life("b", "dev/b", State.CONDEMNED)
    record = Record(lives=(given_up, asked_for, Life("c", "dev/c", State.STANDS)), current="dev/b")
    assert record.left_behind() == ["dev/a"]
