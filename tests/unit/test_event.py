"""What CloudFormation sent: when it was issued, and to whom it belongs."""

from __future__ import annotations

from typing import Any

import pytest

from dms_s3_endpoint.cloudformation.event import Event, issued_at
from dms_s3_endpoint.model.lives import Life
from dms_s3_endpoint.model.ownership import Owner

from .builders import STACK_ID, make_event, make_url

HOST = "https://bucket.s3.amazonaws.com/arn%3Aaws%3Acloudformation"
AT = 1767225600.0  # 2026-01-01T00:00:00Z


def test_a_url_of_signature_version_4_tells_when_it_was_signed() -> None:
    query = "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Date=20260101T000007Z&X-Amz-Expires=7200&X-Amz-Signature=c0ffee"
    assert issued_at(f"{HOST}?{query}") == AT + 7.0
    assert issued_at(make_url(60.0)) == AT + 60.0


def test_a_url_of_signature_version_2_tells_the_end_of_its_two_hours() -> None:
    assert issued_at(f"{HOST}?AWSAccessKeyId=none&Expires={AT + 7207:.0f}&Signature=c0ffee") == AT + 7.0


@pytest.mark.parametrize(
    "url",
    [
        "",
        "no url",
        HOST,
        f"{HOST}?X-Amz-Date=&X-Amz-Signature=c0ffee",
        f"{HOST}?X-Amz-Date=yesterday",
        f"{HOST}?X-Amz-Date=20261301T000000Z",
        f"{HOST}?Expires=soon",
        f"{HOST}?Expires=0",
        f"{HOST}?Expires=-7",
        f"{HOST}?Expires=nan",
        f"{HOST}?Expires=inf",
        "https://[bucket/?X-Amz-Date=20260101T000000Z",
    ],
)
def test_a_url_that_does_not_tell_is_of_an_unknown_time(url: str) -> None:
    assert issued_at(url) == 0.0
    assert Event.read(make_event("Create", ResponseURL=url)).issued == 0.0


def test_the_time_is_the_events_and_the_url_is_not_kept() -> None:
    event = Event.read(make_event("Create", ResponseURL=make_url(1.0)))
    assert event.issued == AT + 1.0
    assert "c0ffee" not in repr(event)


@pytest.mark.parametrize("given", [{}, {"ResponseURL": None}])
def test_an_event_without_a_url_is_of_an_unknown_time(given: dict[str, Any]) -> None:
    event = {key: value for key, value in make_event("Create").items() if key != "ResponseURL"}
    assert Event.read(event | given).issued == 0.0


def test_a_resource_is_the_whole_stack_id_and_the_logical_id() -> None:
    event = Event.read(make_event("Create"))
    assert event.resource == f"{STACK_ID} Endpoint"
    assert Event.read(make_event("Create", StackId=f"{STACK_ID}2")).resource != event.resource
    assert Event.read(make_event("Create", LogicalResourceId="Other")).resource != event.resource


def test_an_owner_is_one_life_of_the_resource() -> None:
    life = Life("its life", "dev/orders")
    assert Event.read(make_event("Update")).owner(life) == Owner(STACK_ID, "Endpoint", "dev/orders", "its life")
