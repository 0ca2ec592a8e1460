"""The ExternalId in a fault's text, and refusals of CreateEndpoint."""

from __future__ import annotations

import pytest

from dms_s3_endpoint.dms import external_id_in

from .builders import make_client_error

ONE, OTHER = "5f36b878-4c4c-4f15-94dc-ee2a92332570", "7b0cc851-ccbd-4dc5-a90a-8371ee700a78"


@pytest.mark.parametrize(
    ("message", "found"),
    [
        (f"request {OTHER}: the external id is {ONE}", ONE),
        (f"ExternalId={ONE}", ONE),
        (f"must demand {ONE}", ONE),
        (f"either {ONE} or {OTHER}", ""),
        ("is not configured properly.AccessDenied", ""),
    ],
)
def test_the_external_id_is_taken_from_a_faults_text(message: str, found: str) -> None:
    assert external_id_in(make_client_error("AccessDeniedFault", message)) == found


def test_the_id_of_the_request_is_not_taken_for_an_external_id() -> None:
    assert external_id_in(make_client_error("AccessDeniedFault", f"request {ONE}", request_id=ONE)) == ""
