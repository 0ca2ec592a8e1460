"""Whose a piece is, by its tags."""

from __future__ import annotations

import pytest

from dms_s3_endpoint.cloudformation.event import Event
from dms_s3_endpoint.model.ownership import (
    ADOPTED,
    FINGERPRINT,
    LIFE,
    LOGICAL_ID,
    PHYSICAL_ID,
    STACK_ID,
    Owner,
    Scope,
    is_reserved,
    owner_named_by,
    ownership_keys,
    stack_name,
    tag_value,
)

from .builders import STACK_ID as A_STACK
from .builders import make_event

OWNER = Owner(A_STACK, "Endpoint", "dev/orders", "its life")
OURS = OWNER.tags("f")
FROM_VERSION_1 = Owner(A_STACK, "Endpoint", "dev/orders")


@pytest.mark.parametrize(
    ("changes", "is_of_life", "is_of_every_life"),
    [
        ({}, True, True),
        ({LIFE: "another"}, False, True),
        ({LIFE: ""}, False, True),
        ({PHYSICAL_ID: "dev/other"}, False, False),
        ({LOGICAL_ID: "Other"}, False, False),
        ({STACK_ID: "other"}, False, False),
    ],
)
def test_a_scope_contains_one_life_or_where_none_is_known_every_life_of_the_physical_resource(
    changes: dict[str, str], is_of_life: bool, is_of_every_life: bool
) -> None:
    tags = OURS | changes
    assert (Scope(OWNER).contains(tags), OWNER.owns(tags)) == (is_of_life, is_of_life)
    assert Scope(OWNER, every_life=True).contains(tags) is is_of_every_life


def test_what_version_1_0_0_made_names_no_life_and_is_of_none_that_has_a_name() -> None:
    made = FROM_VERSION_1.tags("f")
    assert LIFE not in made
    assert FROM_VERSION_1.owns(made)
    assert not OWNER.owns(made)
    assert not FROM_VERSION_1.owns(OURS)


def test_a_piece_without_tags_is_in_no_scope() -> None:
    assert not Scope(OWNER, every_life=True).contains({})


def test_an_owner_is_named_by_its_logical_id_and_stack() -> None:
    assert owner_named_by(OURS) == "Endpoint of stack orders/00000000-0000-4000-8000-000000000000"
    assert owner_named_by({STACK_ID: "a:stack/b:stack/c", LOGICAL_ID: "X"}) == "X of stack c"
    assert owner_named_by({"team": "x"}) == "owned by no stack, by its tags"


@pytest.mark.parametrize(
    ("stack_id", "name"), [(A_STACK, "orders"), ("arn:x:stack/a/b/c", "a"), ("orders", ""), ("", "")]
)
def test_the_name_of_a_stack_is_in_its_id(stack_id: str, name: str) -> None:
    assert stack_name(stack_id) == name


@pytest.mark.parametrize(
    ("key", "reserved"),
    [
        *[(key, True) for key in ("aws:x", "AWS:x", "dms:x", "DMS:x", "dms-s3-endpoint:x", "DMS-S3-Endpoint:x")],
        *[(key, False) for key in ("team", "dms", "dms-x:y")],
    ],
)
def test_keys_of_aws_of_dms_and_of_ours_are_reserved_in_any_case(key: str, reserved: bool) -> None:
    assert is_reserved(key) is reserved


def test_an_update_takes_away_old_tags_but_never_reserved_ones() -> None:
    tags = [{"Key": "team", "Value": "x"}, {"key": "stage"}, {"Key": "aws:x"}, {"Key": FINGERPRINT}, {"Value": "x"}, 7]
    event = Event.read(make_event("Update", OldResourceProperties={"Tags": tags}))
    assert event.old_tag_keys() == {"team", "stage"}


@pytest.mark.parametrize("old", [None, 7, {}, {"TAGS": "x"}, {"TAGS": {"Key": "x"}}])
def test_old_properties_of_another_form_name_no_tags(old: object) -> None:
    assert Event.read(make_event("Update", OldResourceProperties=old)).old_tag_keys() == frozenset()


def test_the_keys_of_ours_are_those_that_a_piece_is_given_back_without() -> None:
    assert ownership_keys({**OURS, ADOPTED: "true", "team": "x"}) == sorted([*OURS, ADOPTED])


def test_a_tag_value_that_is_too_long_keeps_its_head_and_a_hash() -> None:
    long, other = "x" * 257, "x" * 257 + "y"
    assert tag_value("x" * 256) == "x" * 256
    assert len(tag_value(long)) == 256
    assert tag_value(long).startswith("x" * 223 + "-")
    assert tag_value(long) != tag_value(other)
