"""Whatever the properties are, there is an endpoint or one clear refusal, and the id is a function of them."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from dms_s3_endpoint.errors import EndpointError
from dms_s3_endpoint.request import OPTIONAL, REQUIRED, Endpoint, parse, physical_id_of
from dms_s3_endpoint.settings import canonical_names

from .builders import ENVIRONMENTS, make_properties

KEYS = st.sampled_from([*REQUIRED, *OPTIONAL, "s3settings"]) | st.text(max_size=10)
SETTINGS = st.sampled_from(sorted(canonical_names())) | st.text(max_size=6)
WORDS = st.sampled_from(["dev", "orders", "a=b;c", "=;", "dataFormat=csv", "true", "7", "٣"])
SCALARS = st.none() | st.booleans() | st.integers() | st.text(max_size=30) | WORDS
VALUES = st.recursive(SCALARS, lambda each: st.lists(each, max_size=3) | st.dictionaries(SETTINGS, each, max_size=4))


def outcome(properties: dict[str, Any]) -> Endpoint | EndpointError:
    try:
        return parse(properties, ENVIRONMENTS)
    except EndpointError as error:
        return error


@given(st.dictionaries(KEYS, VALUES, max_size=6))
def test_any_properties_are_an_endpoint_or_one_clear_refusal(changes: dict[str, Any]) -> None:
    found = outcome(make_properties() | changes)
    if isinstance(found, Endpoint):
        assert found.physical_id == physical_id_of(make_properties() | changes, ENVIRONMENTS)
    else:
        assert found.reason.startswith(("InvalidRequest: ", "UnknownEnvironment: "))
        assert len(found.reason) <= 400
        assert "\n" not in found.reason
