"""What the checks judge: plain templates, and policy documents whole."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from development.checks.plain import generated, plain
from development.checks.resolved import EXAMPLES, UNRESOLVED, documents, resolved

ROOT = Path(__file__).resolve().parents[2]
TEMPLATES = [
    ROOT / "template.yaml",
    *sorted((*(ROOT / "accounts").glob("*.yaml"), *(ROOT / "pipelines").glob("*.yaml"))),
]
PARAMETERS = {"Names": {"Type": "CommaDelimitedList", "Default": "a,b"}}
CONDITIONS = {"Yes": True, "No": False}


@pytest.fixture(autouse=True)
def _region(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")


def test_the_transform_leaves_no_resource_of_sam() -> None:
    types = {each["Type"] for each in plain(ROOT / "template.yaml")["Resources"].values()}
    assert "AWS::Lambda::Function" in types
    assert not [each for each in types if each.startswith("AWS::Serverless")]


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.stem)
def test_every_policy_document_of_a_template_is_found_and_resolved(template: Path) -> None:
    found = documents(plain(template))
    assert len(found) == len(re.findall("PolicyDocument:", template.read_text()))
    assert not UNRESOLVED.search(json.dumps(found))


def test_a_condition_gives_a_document_for_each_outcome() -> None:
    found = documents(plain(ROOT / "accounts" / "data-lake.yaml"))["Role/endpoint-roles-and-policies"]
    sids = [{statement["Sid"] for statement in document["Statement"]} for document in found]
    assert {"TakeBoundariesAway" in each for each in sids} == {True, False}


@pytest.mark.parametrize(
    ("given", "value"),
    [
        ({"Ref": "AWS::Region"}, "eu-west-1"),
        ({"Ref": "Names"}, ["a", "b"]),
        (
            {"Fn::Sub": "${AWS::Partition}-${NeverRan.Arn}-${!aws:username}"},
            f"aws-{EXAMPLES['NeverRan.Arn']}-${{aws:username}}",
        ),
        ({"Fn::Sub": ["${One}", {"One": {"Ref": "AWS::Region"}}]}, "eu-west-1"),
        ({"Fn::Join": ["/", {"Ref": "Names"}]}, "a/b"),
        ({"Fn::Select": ["1", {"Fn::Split": [":", "a:b"]}]}, "b"),
        ({"Fn::If": ["Yes", "then", "else"]}, "then"),
        ({"Fn::If": ["No", "then", "else"]}, "else"),
        ([{"Ref": "AWS::NoValue"}, {"Kept": 1, "Gone": {"Ref": "AWS::NoValue"}}], [{"Kept": 1}]),
    ],
)
def test_intrinsic_functions_are_resolved(given: object, value: object) -> None:
    assert resolved(given, PARAMETERS, CONDITIONS) == value


@pytest.mark.parametrize("given", [{"Ref": "Unknown"}, {"Fn::ImportValue": "x"}, {"Fn::GetAtt": ["Unknown", "Arn"]}])
def test_what_has_no_example_is_not_passed_over(given: object) -> None:
    with pytest.raises(KeyError):
        resolved(given, PARAMETERS, CONDITIONS)


def test_every_statement_that_the_function_can_write_is_judged() -> None:
    written = set(re.findall(r'_allow\("(\w+)"', (ROOT / "src/dms_s3_endpoint/model/policies.py").read_text()))
    assert written == {statement["Sid"] for statement in _statements() if "Principal" not in statement}


def _statements() -> Iterator[dict[str, Any]]:
    for _, document in generated():
        yield from document["Statement"]
