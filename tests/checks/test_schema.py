"""One table: the schemas in lint/, the README and cfn-lint's rules are made of it. See test_agreement.py for values."""

from __future__ import annotations

import datetime
import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft7Validator

from dms_s3_endpoint.model.errors import EndpointError
from dms_s3_endpoint.model.parse import parse
from dms_s3_endpoint.model.properties import RETURN_VALUES, properties
from dms_s3_endpoint_cli.schema import editor_schema, main, resource_schema, table
from tests.unit.builders import ENVIRONMENTS, make_properties

ROOT = Path(__file__).resolve().parents[2]
CFN_LINT = [str(Path(sys.executable).parent / "cfn-lint"), "--append-rules", str(ROOT / "lint"), "--format", "json"]


def lint(tmp_path: Path, resources: dict[str, Any], **more: Any) -> list[tuple[list[str], str]]:
    """What our rules say of a template with these resources: where, and what."""
    template = {"Parameters": {"Token": {"Type": "String"}}, "Resources": resources, **more}
    path = tmp_path / "template.yaml"
    path.write_text(yaml.safe_dump(template))
    done = subprocess.run([*CFN_LINT, "--", str(path)], capture_output=True, text=True, check=False)  # noqa: S603  # our own
    ours = [each for each in json.loads(done.stdout) if each["Rule"]["Id"].startswith("E97")]
    return [(each["Location"]["Path"], each["Message"]) for each in ours]


def linted(tmp_path: Path, resources: dict[str, Any], **more: Any) -> list[str]:
    return [text for _path, text in lint(tmp_path, resources, **more)]


def resource(**changes: Any) -> dict[str, Any]:
    given = {"ServiceToken": {"Ref": "Token"}, **make_properties(**changes)}
    return {"Type": "Custom::CreateDMSS3Endpoint", "Properties": {k: v for k, v in given.items() if v is not None}}


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


def test_a_stack_in_which_all_is_right_has_no_finding_in_whatever_case_its_keys_are(tmp_path: Path) -> None:
    lower = {key.lower() if key != "ServiceToken" else key: value for key, value in resource()["Properties"].items()}
    assert linted(tmp_path, {"One": resource() | {"Properties": lower}}) == []


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
def findings(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Of each of WRONG, in one template: a run of cfn-lint takes its time."""
    ids = {what: f"Wrong{number}" for number, what in enumerate(WRONG)}
    names = {what: {"ROLENAME": what.replace(" ", "-"), "POLICYNAME": what.replace(" ", "-")} for what in WRONG}
    resources = {ids[what]: resource(**names[what] | changes) for what, (changes, _finding) in WRONG.items()}
    said = lint(tmp_path_factory.mktemp("wrong"), resources)
    return {what: " ".join(text for path, text in said if ids[what] in path) for what in WRONG}


@pytest.mark.parametrize("what", WRONG)
def test_what_the_function_would_refuse_is_found_before(findings: dict[str, str], what: str) -> None:
    changes, finding = WRONG[what]
    with pytest.raises(EndpointError):
        parse(make_properties(**changes), ENVIRONMENTS)
    assert finding in findings[what]


def test_a_branch_of_a_condition_is_looked_into(tmp_path: Path) -> None:
    condition = {"Conditions": {"X": {"Fn::Equals": [{"Ref": "Token"}, "x"]}}}
    settings = {"BUCKETNAME": "lake", "DATAFORMAT": {"Fn::If": ["X", "parqet", "csv"]}}
    (finding,) = linted(tmp_path, {"One": resource(S3SETTINGS=settings)}, **condition)
    assert finding == "'parqet' does not fit: must be csv or parquet"


UNKNOWN: dict[str, dict[str, Any]] = {
    "dynamic references": {"ROLENAME": "{{resolve:ssm:/role}}", "EXTRACONNECTIONATTRIBUTES": "{{resolve:ssm:/x}}"},
    "functions": {"ROLENAME": {"Fn::Sub": "${Token}-r"}, "S3SETTINGS": {"BUCKETNAME": {"Ref": "Token"}}},
    "a property that is left out by a condition": {"ADOPT": {"Ref": "AWS::NoValue"}},
    "a parameter that may be empty": {"TESTREPLICATIONINSTANCEARN": {"Ref": "Empty"}, "ADOPT": {"Ref": "Empty"}},
}


def test_what_only_the_deployment_knows_is_no_finding(tmp_path: Path) -> None:
    parameters = {"Token": {"Type": "String"}, "Empty": {"Type": "String", "Default": ""}}
    names = [{"ENDPOINTIDENTIFIER": f"e{number}", "POLICYNAME": f"e{number}"} for number in range(len(UNKNOWN))]
    roles = [{"ROLENAME": f"e{number}"} for number in range(len(UNKNOWN))]
    each = zip(roles, UNKNOWN.values(), names, strict=True)
    resources = {f"E{number}": resource(**role | given | name) for number, (role, given, name) in enumerate(each)}
    assert linted(tmp_path, resources, Parameters=parameters) == []


def test_a_malformed_template_does_not_end_the_linter(tmp_path: Path) -> None:
    wrong = {
        "One": resource(ROLENAME="same"),
        "Listed": {"Type": "Custom::CreateDMSS3Endpoint", "Properties": ["x"]},
        "None": {"Type": "Custom::CreateDMSS3Endpoint"},
        "Dated": resource(ENDPOINTIDENTIFIER=datetime.date(2026, 1, 1), ROLENAME="SAME", POLICYNAME="p"),
    }
    outputs = {"Short": {"Value": {"Fn::GetAtt": "One"}}, "Short2": {"Value": {"Fn::GetAtt": ["One"]}}}
    found = linted(tmp_path, wrong, Outputs=outputs)
    assert "ROLENAME of One is that of Dated too; each endpoint needs its own" in found
    assert any("2026-01-01" in each for each in found)
    assert not any("Exception" in each for each in found)


def test_two_endpoints_of_one_role_and_an_attribute_that_is_none(tmp_path: Path) -> None:
    two = {"One": resource(), "Two": resource(ENDPOINTIDENTIFIER="two", POLICYNAME="two")}
    outputs = {"Arn": {"Value": {"Fn::GetAtt": ["One", "EndpointARN"]}}}
    one, other = linted(tmp_path, two, Outputs=outputs)
    assert {one.split(" ")[0], other.split(" ")[0]} == {"ROLENAME", "One"}
