"""One table: the schemas in lint/, the README and cfn-lint's rules are made of it. See test_agreement.py for values."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft7Validator

from dms_s3_endpoint.model.errors import EndpointError
from dms_s3_endpoint.model.parse import parse
from dms_s3_endpoint.model.properties import RETURN_VALUES, Members, properties
from dms_s3_endpoint_cli.schema import editor_schema, main, resource_schema, table
from dms_s3_endpoint_cli.typed import python, typescript
from tests.checks.cfn_lint import ROOT, findings, ours, resource, written
from tests.unit.builders import ENVIRONMENTS, make_properties


def edited(text: str) -> list[str]:
    """What an editor says of a template; to it a short form of a function is the text or list after the tag."""

    class Loader(yaml.SafeLoader):
        """With any tag."""

    def untagged(loader: Any, _tag: str, node: Any) -> Any:
        construct: Any = {"scalar": loader.construct_scalar, "sequence": loader.construct_sequence}
        return construct.get(node.id, loader.construct_mapping)(node)

    Loader.add_multi_constructor("!", untagged)
    found = Draft7Validator(editor_schema()).iter_errors(yaml.load(text, Loader))  # noqa: S506  # a SafeLoader
    return [error.message for error in found]


@pytest.mark.parametrize("example", sorted((ROOT / "examples").glob("*.yaml")), ids=lambda path: path.stem)
def test_an_editor_has_nothing_to_say_of_an_example(example: Path) -> None:
    assert edited(example.read_text()) == []


@pytest.mark.parametrize(
    ("right", "wrong", "finding"),
    [
        ("ROLENAME:", "ROLNAME:", "'ROLNAME' does not match any of the regexes"),
        ("ROLENAME:", "# ROLENAME:", "'ROLENAME' is a required property"),
        ("DATAFORMAT:", "DATAFORMATT:", "'DATAFORMATT' does not match any of the regexes"),
        ("S3SETTINGS:", "s3Settings:", ""),
        ("BUCKETNAME:", "BucketName:", ""),
        ("ROLENAME:", "roleName:", ""),
        ("BUCKETNAME: !Ref BucketName", "", "'BUCKETNAME' is a required property"),
        ("BUCKETNAME: !Ref BucketName", "Fn::If: [A, B, C]", ""),
    ],
)
def test_an_editor_marks_a_key_that_is_unknown_or_missing(right: str, wrong: str, finding: str) -> None:
    example = (ROOT / "examples" / "one-endpoint.yaml").read_text()
    found = edited(example.replace(right, wrong))
    assert any(each.startswith(finding) for each in found) if finding else found == []


def test_the_readme_has_exactly_these_properties_and_return_values() -> None:
    readme = (ROOT / "README.md").read_text()
    of_properties = readme.partition("| property | required |")[2].partition("\n\n")[0]
    of_values = readme.partition("| `Fn::GetAtt` |")[2].partition("\n\n")[0]
    assert re.findall(r"^\| `(\w+)` \|", of_properties, re.M) == [each.name for each in properties().properties]
    cells = re.findall(r"^\| (`[^|]+) \|", of_values, re.M)
    assert set(re.findall(r"`(\w+)`", " ".join(cells))) == set(RETURN_VALUES)


@pytest.mark.parametrize(
    ("arguments", "printed"),
    [([], resource_schema), (["--editor"], editor_schema)],
)
def test_the_command_prints_a_schema(
    arguments: list[str], printed: Callable[[], dict[str, Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 0
    assert json.loads(capsys.readouterr().out) == printed()


def test_the_command_prints_the_table(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--table"]) == 0
    assert capsys.readouterr().out == table() + "\n"


@pytest.mark.parametrize(
    ("option", "example"),
    [("--python", "python/dms_s3_endpoint_types.py"), ("--typescript", "typescript/dms-s3-endpoint-types.ts")],
)
def test_the_types_of_the_cdk_examples_are_what_the_command_prints(
    option: str, example: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([option]) == 0
    assert capsys.readouterr().out == (ROOT / "examples" / "cdk" / example).read_text()


def test_the_types_have_each_property_once_and_no_other_spelling_of_it() -> None:
    settings = next(each.kind for each in properties().properties if each.name == "S3SETTINGS")
    assert isinstance(settings, Members)
    spelt = {each.name: bool(each.alias_of) for each in (*properties().properties, *settings.properties)}
    assert any(spelt.values())
    for types in (python(), typescript()):
        for name, is_alias in spelt.items():
            assert bool(re.search(rf"^ +{name}\??: ", types, re.M)) is not is_alias


def test_a_stack_in_which_all_is_right_has_no_finding_in_whatever_case_its_keys_are() -> None:
    lower = {key.lower() if key != "ServiceToken" else key: value for key, value in resource()["Properties"].items()}
    assert ours({"One": resource() | {"Properties": lower}}) == []


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "a property that is missing": ({"ROLENAME": None}, "'ROLENAME' is a required property"),
    "a property that is unknown": ({"ROLNAME": "r"}, "Did you mean 'ROLENAME'?"),
    "an identifier": ({"ENDPOINTIDENTIFIER": "-orders"}, "begin with a letter"),
    "a bucket": ({"S3SETTINGS": {"BUCKETNAME": "s3://lake"}}, "without s3://"),
    "no bucket": ({"S3SETTINGS": {"BUCKETFOLDER": "x"}}, "'BUCKETNAME' is a required property"),
    "a setting": ({"S3SETTINGS": {"BUCKETNAME": "lake", "DATAFORMATT": "csv"}}, "Did you mean 'DATAFORMAT'?"),
    "a yes": (
        {"S3SETTINGS": {"BUCKETNAME": "lake", "ENABLESTATISTICS": "yes"}},
        "'yes' does not fit: must be true or false",
    ),
    "a number": (
        {"S3SETTINGS": {"BUCKETNAME": "lake", "MAXFILESIZE": "big"}},
        "'big' does not fit: must be a whole number",
    ),
    "tags": ({"TAGS": [{"Kay": "x"}]}, "'Key' is a required property"),
    "a setting of sources": (
        {"S3SETTINGS": {"BUCKETNAME": "lake", "IgnoreHeaderRows": "1"}},
        "'IgnoreHeaderRows' is for S3 sources",
    ),
    "an attribute": (
        {"EXTRACONNECTIONATTRIBUTES": "dataFormat=json"},
        "attribute dataFormat: 'json' does not fit: must be csv or parquet",
    ),
    "a setting and an attribute": (
        {"S3SETTINGS": {"BUCKETNAME": "lake", "EXTRACONNECTIONATTRIBUTES": "bucketName=other"}},
        "BUCKETNAME is given twice, with different values",
    ),
    "two spellings": ({"rolename": "x"}, "is given twice, in two spellings"),
}


@pytest.fixture(scope="module")
def said_of_each() -> dict[str, str]:
    """Of each of WRONG, in one template."""
    ids = {what: f"Wrong{number}" for number, what in enumerate(WRONG)}
    names = {what: {"ROLENAME": what.replace(" ", "-"), "POLICYNAME": what.replace(" ", "-")} for what in WRONG}
    resources = {ids[what]: resource(**names[what] | changes) for what, (changes, _finding) in WRONG.items()}
    said = ours(resources)
    return {what: " ".join(each.message for each in said if ids[what] in each.place) for what in WRONG}


@pytest.mark.parametrize("what", WRONG)
def test_what_the_function_would_refuse_is_found_before(said_of_each: dict[str, str], what: str) -> None:
    changes, finding = WRONG[what]
    with pytest.raises(EndpointError):
        parse(make_properties(**changes), ENVIRONMENTS)
    assert finding in said_of_each[what]


PARAMETERS = {
    "Token": {"Type": "String"},
    "Empty": {"Type": "String", "Default": ""},
    "Format": {"Type": "String", "AllowedValues": ["csv", "parqet"]},
    "Path": {"Type": "AWS::SSM::Parameter::Value<String>", "Default": "/formats/orders"},
    "Size": {"Type": "Number", "Default": 7},
}
MORE = {
    "Parameters": PARAMETERS,
    "Conditions": {"X": {"Fn::Equals": [{"Ref": "Token"}, "x"]}},
    "Mappings": {"Formats": {"all": {"wrong": "parqet", "right": "csv"}}},
}
# What cfn-lint makes of a value that is wrong: our own finding, or the one for values that a function gives.
FORMATS: dict[str, tuple[Any, str]] = {
    "a branch": ({"Fn::If": ["X", "parqet", "csv"]}, "E9701 'parqet' does not fit: must be csv or parquet"),
    "a choice of a parameter": ({"Ref": "Format"}, "W1030 {'Ref': 'Format'} does not fit: must be csv or parquet"),
    "a mapping": ({"Fn::FindInMap": ["Formats", "all", "wrong"]}, "W1034"),
    "a text that is put together": ({"Fn::Join": ["", ["par", "qet"]]}, "W1032"),
    "a substitution": ({"Fn::Sub": "x${Format}"}, "W1031"),
}


@pytest.mark.parametrize("form", FORMATS)
def test_a_wrong_value_is_found_where_the_template_tells_it(form: str) -> None:
    value, finding = FORMATS[form]
    settings = {"BUCKETNAME": "lake", "DATAFORMAT": value}
    found = findings(written({"Resources": {"One": resource(S3SETTINGS=settings)}} | MORE))
    said = [f"{each.rule} {each.message}" for each in found if each.place[:1] == ["Resources"]]
    assert len(said) == 1
    assert said[0].startswith(finding)


BOX = {"Type": "AWS::Lightsail::Instance", "Properties": {"BlueprintId": "a", "BundleId": "b", "InstanceName": "c"}}
UNKNOWN: dict[str, dict[str, Any]] = {
    "dynamic references": {"ROLENAME": "{{resolve:ssm:/role}}", "EXTRACONNECTIONATTRIBUTES": "{{resolve:ssm:/x}}"},
    "functions": {"ROLENAME": {"Fn::Sub": "${Token}-r"}, "S3SETTINGS": {"BUCKETNAME": {"Ref": "Token"}}},
    "a property that is left out by a condition": {"ADOPT": {"Ref": "AWS::NoValue"}},
    "a parameter that may be empty": {"TESTREPLICATIONINSTANCEARN": {"Ref": "Empty"}, "ADOPT": {"Ref": "Empty"}},
    "a parameter of SSM": {"S3SETTINGS": {"BUCKETNAME": "lake", "DATAFORMAT": {"Ref": "Path"}}},
    "a number where text is taken": {"S3SETTINGS": {"BUCKETNAME": "lake", "BUCKETFOLDER": {"Ref": "Size"}}},
    "a number of a resource where text is": {"TAGS": [{"Key": "a", "Value": {"Fn::GetAtt": "Box.Hardware.CpuCount"}}]},
    "a right value of a mapping": {
        "S3SETTINGS": {"BUCKETNAME": "lake", "DATAFORMAT": {"Fn::FindInMap": ["Formats", "all", "right"]}}
    },
    "properties that a macro brings": {"Fn::Transform": {"Name": "Macro"}, "ROLENAME": None, "S3SETTINGS": None},
    "settings that a macro brings": {"S3SETTINGS": {"Fn::Transform": {"Name": "Macro"}, "DATAFORMAT": "csv"}},
}


@pytest.mark.parametrize("what", UNKNOWN)
def test_what_only_the_deployment_knows_is_no_finding(what: str) -> None:
    template = {"Resources": {"One": resource(**UNKNOWN[what]), "Box": BOX}} | MORE
    assert [each for each in findings(written(template)) if each.place[:2] == ["Resources", "One"]] == []


def test_two_spellings_of_a_key_are_one_finding() -> None:
    (found,) = ours({"One": resource(rolename="dms-orders")})
    assert found.message == "'ROLENAME' is given twice, in two spellings"
