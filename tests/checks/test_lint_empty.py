"""An empty value is as good as none where the function takes it so, however a template comes to it."""

from __future__ import annotations

from typing import Any

import pytest

from dms_s3_endpoint.model.errors import EndpointError
from dms_s3_endpoint.model.parse import parse
from dms_s3_endpoint.model.properties import S3_SETTINGS, Members, Property, properties
from tests.checks.cfn_lint import findings, resource, written
from tests.unit.builders import ENVIRONMENTS, make_properties

EMPTY: dict[str, Any] = {
    "text": "",
    "a parameter's default": {"Ref": "Empty"},
    "a branch": {"Fn::If": ["IsEmpty", "", {"Ref": "AWS::NoValue"}]},
    "a mapping": {"Fn::FindInMap": ["Values", "none", "value"]},
}
MORE = {
    "Parameters": {"Empty": {"Type": "String", "Default": ""}},
    "Conditions": {"IsEmpty": {"Fn::Equals": [{"Ref": "Empty"}, ""]}},
    "Mappings": {"Values": {"none": {"value": ""}}},
}


def members_of(name: str) -> tuple[Property, ...]:
    kind = properties().by_key()[name].kind
    assert isinstance(kind, Members)
    return kind.properties


def with_each(value: Any, is_required: bool) -> dict[str, dict[str, Any]]:
    """Properties in which one has this value: each that is required, or each that is not."""
    top = {each.name: {each.name: value} for each in properties().properties if each.is_required is is_required}
    settings = [each.name for each in members_of(S3_SETTINGS) if each.is_required is is_required]
    within = {f"{S3_SETTINGS}.{name}": {S3_SETTINGS: {"BUCKETNAME": "lake"} | {name: value}} for name in settings}
    tag = {} if is_required else {"TAGS.Value": {"TAGS": [{"Key": "a", "Value": value}]}}
    return top | within | tag


def found(changes: dict[str, dict[str, Any]]) -> set[str]:
    """The names in whose resource anything is found; of names and environments of their own."""
    ids = {name: f"E{number}" for number, name in enumerate(changes)}
    unique = ("ENVIRONMENT", "ENDPOINTIDENTIFIER", "POLICYNAME", "ROLENAME")
    own = {name: dict.fromkeys(unique, ids[name]) for name in changes}
    resources = {ids[name]: resource(**own[name] | changes[name]) for name in changes}
    places = [each.place for each in findings(written({"Resources": resources} | MORE))]
    return {name for name in changes if any(ids[name] in place for place in places)}


@pytest.mark.parametrize("form", EMPTY)
def test_nothing_is_found_in_an_empty_value_that_is_optional(form: str) -> None:
    assert found(with_each(EMPTY[form], is_required=False)) == set()


def test_an_empty_value_that_is_required_is_found() -> None:
    required = with_each("", is_required=True)
    assert found(required) == set(required)


def test_the_function_takes_the_same_ones() -> None:
    for changes in with_each("", is_required=False).values():
        parse(make_properties(**changes), ENVIRONMENTS)
    for changes in with_each("", is_required=True).values():
        with pytest.raises(EndpointError):
            parse(make_properties(**changes), ENVIRONMENTS)
