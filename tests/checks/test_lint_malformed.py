"""A malformed template ends no rule: what the rules find elsewhere is still said.

cfn-lint makes of an exception an E0002, or within E9701 a message of its own, and the rule says nothing more. By name,
what people write; then thousands of templates that a seeded generator spoils in one place.
"""

from __future__ import annotations

import datetime
import random
import re
from collections.abc import Iterator
from typing import Any

import pytest
from cfnlint.decode.decode import decode_str  # type: ignore[import-untyped]  # no types of its own
from cfnlint.helpers import FUNCTIONS  # type: ignore[import-untyped]
from cfnlint.jsonschema import CfnTemplateValidator  # type: ignore[import-untyped]
from cfnlint.template import Template  # type: ignore[import-untyped]

from dms_s3_endpoint_cli.schema import TYPE_NAME
from tests.checks.cfn_lint import ROOT, TEMPLATES, findings, resource, rule, written

Place = tuple[Any, ...]
SEED, DRAWN = 9, 2000

# Of each rule a finding that has to stay.
WRONG: dict[str, Any] = {
    "Wrong": resource(ENDPOINTIDENTIFIER="wrong", POLICYNAME="wrong", ROLENAME="same", ROLNAME="x"),
    "Same": resource(ENDPOINTIDENTIFIER="same", POLICYNAME="same", ROLENAME="same"),
    "Near": resource() | {"Type": "Custom::CreateDmsS3Endpoint"},
    "Asks": {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": {"Fn::GetAtt": "Wrong.Arn"}}},
}
DATE = datetime.date(2026, 1, 1)
DEEP: Any = "x"
for _ in range(100):
    DEEP = {"a": [DEEP]}


def settings(**given: Any) -> dict[str, Any]:
    return resource(S3SETTINGS={"BUCKETNAME": "lake"} | given)


MALFORMED: dict[str, Any] = {
    "no properties": {"Type": "Custom::CreateDMSS3Endpoint"},
    "properties in a list": resource() | {"Properties": ["x"]},
    "properties of text": resource() | {"Properties": "x"},
    "properties of nothing": resource() | {"Properties": None},
    "no resource": None,
    "a resource in a list": ["x"],
    "a resource of text": "x",
    "a type in a list": {"Type": ["Custom::CreateDMSS3Endpoint"]},
    "a condition in a list": resource() | {"Condition": ["x"]},
    "a condition that is not there": resource() | {"Condition": "IsProd"},
    "tags in a map": resource(TAGS={"team": "lake"}),
    "tags of text": resource(TAGS="team"),
    "tags of tags": resource(TAGS=[["x"], "x", {"Key": ["x"]}, {"Key": {"Ref": "x"}}]),
    "settings in a list": resource(S3SETTINGS=[{"BUCKETNAME": "lake"}]),
    "settings of text": resource(S3SETTINGS="lake"),
    "attributes in a map": resource(EXTRACONNECTIONATTRIBUTES={"dataFormat": "csv"}),
    "attributes of a number": resource(EXTRACONNECTIONATTRIBUTES=5),
    "attributes in a list": settings(EXTRACONNECTIONATTRIBUTES=["dataFormat=csv"]),
    "a date as a key": resource() | {"Properties": {DATE: "x"}},
    "a date as a setting": resource(S3SETTINGS={"BUCKETNAME": "lake", DATE: "x"}),
    "on: as a key": resource() | {"Properties": {True: "x", 5: "x", 1.5: "x"}},
    "a date in a tag": resource(TAGS=[{DATE: "x", "Key": DATE}]),
    "a date as a name": resource(ROLENAME=DATE, POLICYNAME=DATE),
    "names of any form": resource(ENDPOINTIDENTIFIER=["x"], POLICYNAME={DATE: "x"}, ROLENAME={"a": {"b": [{}]}}),
    "an environment of any form": resource(ENVIRONMENT=[{"Ref": ["x"]}], ROLENAME="other"),
    "a GetAtt without an attribute": resource(ROLENAME={"Fn::GetAtt": "Wrong"}),
    "a GetAtt of a list of one": resource(ROLENAME={"Fn::GetAtt": ["Wrong"]}),
    "a GetAtt of lists": resource(ROLENAME={"Fn::GetAtt": [["Wrong"], ["Arn"]]}),
    "a GetAtt of a map": resource(ROLENAME={"Fn::GetAtt": {"Wrong": "Arn"}}),
    "a GetAtt of three": resource(ROLENAME={"Fn::GetAtt": ["Wrong", "a", "b"]}),
    "a GetAtt of a number": resource(ROLENAME={"Fn::GetAtt": 5}),
    "a Sub of a number": resource(ROLENAME={"Fn::Sub": 5}),
    "a Sub of lists": resource(ROLENAME={"Fn::Sub": [["${A.b}"], "x"]}),
    "a Sub of an empty list": resource(ROLENAME={"Fn::Sub": []}),
    "an If of text": resource(ROLENAME={"Fn::If": "IsProd"}),
    "an If of a list as a condition": resource(ROLENAME={"Fn::If": [["IsProd"], "a", "b"]}),
    "an If within a Join": resource(ROLENAME={"Fn::Join": ["-", ["a", {"Fn::If": [["x"], "a", "b"]}]]}),
    "a FindInMap of maps": resource(ROLENAME={"Fn::FindInMap": [{"Ref": ["x"]}, {"Ref": {}}, {}]}),
    "a deep value": settings(BUCKETFOLDER=DEEP),
    "a deep name": resource(ROLENAME=DEEP),
    "a huge value": settings(BUCKETFOLDER="x" * 100_000, MAXFILESIZE=10**400),
}


def ended(template: str) -> list[str]:
    """Where an exception ended a rule of ours, or a part of it."""
    found = findings(template)
    whole = [each.message for each in found if re.search("exception while processing rule [EW]97", each.message)]
    return whole + [each.message for each in found if each.rule == "E9701" and "raised while" in each.message]


def rules_with_findings(template: str) -> set[str]:
    return {each.rule for each in findings(template) if each.place[1:2] != ["Odd"]}


ALL = {"E9701", "E9702", "E9703", "W9704"}


@pytest.mark.parametrize("what", MALFORMED)
def test_what_else_is_wrong_is_found_beside_it(what: str) -> None:
    template = written({"Resources": {**WRONG, "Odd": MALFORMED[what]}})
    assert ended(template) == []
    assert rules_with_findings(template) >= ALL


SECTIONS: dict[str, dict[Any, Any]] = {
    "outputs in a list": {"Outputs": ["x"]},
    "an output of text": {"Outputs": {"A": "x"}},
    "conditions in a list": {"Conditions": ["x"]},
    "a condition of text": {"Conditions": {"IsProd": "x"}},
    "conditions in a circle": {"Conditions": {"A": {"Fn::Not": [{"Condition": "A"}]}}},
    "parameters in a list": {"Parameters": ["x"]},
    "a parameter of nothing": {"Parameters": {"A": None}},
    "mappings of text": {"Mappings": "x"},
    "a date as a section": {DATE: "x"},
    "a date as a place": {"Metadata": {DATE: {"Fn::GetAtt": ["Wrong", "Arn"]}}},
}


@pytest.mark.parametrize("what", SECTIONS)
def test_a_malformed_section_is_no_matter(what: str) -> None:
    template = written({"Resources": WRONG} | SECTIONS[what])
    assert ended(template) == []
    assert rules_with_findings(template) >= {"E9702", "E9703", "W9704"}


@pytest.mark.parametrize("resources", [["x"], "x", None, 5, {}, [WRONG]])
def test_resources_of_any_form_are_no_matter(resources: Any) -> None:
    assert ended(written({"Resources": resources, "Outputs": {"A": {"Value": {"Fn::GetAtt": "A"}}}})) == []


def test_a_finding_is_at_a_place_that_cfn_lint_can_print_as_json() -> None:
    places = {"Metadata": {DATE: {"Fn::GetAtt": ["Wrong", "Arn"]}}, "Resources": WRONG}
    assert sorted(each.place for each in findings(written(places)) if each.rule == "E9703") == [
        ["Metadata"],
        ["Resources", "Asks", "Properties", "Value", "Fn::GetAtt"],
    ]


# Spoiled by a generator

VALUES: list[Any] = [
    *(
        None,
        [],
        {},
        ["x"],
        {"a": "b"},
        [[]],
        [{}],
        5,
        -1.5,
        True,
        DATE,
        "",
        "a.b",
        "${a.b}",
        "{{resolve:x}}",
        "x" * 10_000,
    ),
    *({5: 1}, {True: 1}, {DATE: 1}, DEEP),
    *({"Ref": "AWS::NoValue"}, {"Ref": "Stage"}, {"Ref": ["x"]}, {"Fn::GetAtt": "A"}, {"Fn::GetAtt": {}}),
    *({"Fn::If": ["IsProd", "a", "b"]}, {"Fn::If": [["x"], "a", "b"]}, {"Fn::If": {}}),
    *({"Fn::Sub": "${A.b}"}, {"Fn::Sub": ["${a}", "x"]}, {"Fn::Sub": [["x"]]}, {"Fn::FindInMap": [{"Ref": {}}, [], 1]}),
    *({"Fn::Join": ["-", "x"]}, {"Fn::Select": ["a", []]}, {"Fn::Transform": 5}, {"Fn::ForEach::x": []}),
]
KEYS: list[Any] = [DATE, True, 5, 1.5, "", "x", "Fn::If", "Fn::GetAtt", "Fn::Sub", "Ref", "Fn::Transform", "Properties"]


def places(node: Any, place: Place = ()) -> Iterator[Place]:
    """Every place in a tree of maps and lists, its root first."""
    yield place
    members = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, value in members:
        yield from places(value, (*place, key))


def changed(node: Any, place: Place, value: Any) -> Any:
    """The tree with another value at this place."""
    if not place:
        return value
    key, *rest = place
    if isinstance(node, dict):
        return {each: changed(old, tuple(rest), value) if each == key else old for each, old in node.items()}
    return [changed(old, tuple(rest), value) if each == key else old for each, old in enumerate(node)]


def renamed(node: Any, place: Place, key: Any) -> Any:
    """The tree with another key at this place, which is in a map."""
    *above, last = place
    within = node
    for each in above:
        within = within[each]
    return changed(node, tuple(above), {key if each == last else each: value for each, value in within.items()})


def whole_templates() -> Iterator[Any]:
    """Of the fixtures and the examples, as the rules get them: loops and SAM's resources made."""
    for path in [*TEMPLATES, *sorted((ROOT / "examples").glob("*.yaml"))]:
        template = Template(str(path), decode_str(path.read_text())[0], ["eu-west-1"])
        template.transform()
        yield template.template


def spoiled() -> Iterator[Any]:
    """Whole templates, each changed in one place; the same ones in every run."""
    draw = random.Random(SEED)  # noqa: S311  # no secret
    templates = [(whole, list(places(whole))) for whole in whole_templates()]
    for _ in range(DRAWN):
        whole, there = draw.choice(templates)
        place = draw.choice(there)
        in_a_map = place and isinstance(place[-1], str)
        if in_a_map and draw.random() < 0.3:
            yield renamed(whole, place, draw.choice(KEYS))
        else:
            yield changed(whole, place, draw.choice(VALUES))


def read(whole: Any) -> Any:
    """The template as rules get it, or None where cfn-lint itself ends before it comes to any rule."""
    try:
        return Template("template.yaml", whole, ["eu-west-1"])
    except (AttributeError, KeyError, TypeError):
        return None


def of_properties(cfn: Any) -> list[str]:
    """What E9701 says of each of our resources."""
    context = cfn.context.evolve(functions=list(FUNCTIONS), strict_types=False)
    validator = CfnTemplateValidator({}).evolve(cfn=cfn, context=context)
    given = [each.get("Properties") for each in cfn.get_resources([TYPE_NAME]).values()]
    maps = [each for each in given if isinstance(each, dict)]
    return [error.message for each in maps for error in rule("E9701").validate(validator, "", each, {})]


def test_thousands_of_spoiled_templates_end_no_rule() -> None:
    reached = 0
    said: set[str] = set()
    for cfn in filter(None, map(read, spoiled())):
        reached += 1
        said.update(of_properties(cfn))
        said.update(each.message for name in ("E9702", "E9703", "W9704") for each in rule(name).match(cfn))
    assert [text for text in said if "raised while" in text] == []
    # A generator that spoils nothing, or spoils it for cfn-lint itself, would show nothing.
    assert reached > DRAWN * 0.95
    assert len(said) > DRAWN / 20
