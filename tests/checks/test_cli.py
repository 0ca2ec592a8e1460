"""What the commands of the desk do without AWS; tests/system/test_check.py runs them against the deployed function."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from samcli.lib.cfn_language_extensions.models import PseudoParameterValues

from dms_s3_endpoint_cli import __main__ as cli
from dms_s3_endpoint_cli.check import exit_code
from dms_s3_endpoint_cli.errors import CheckError
from dms_s3_endpoint_cli.report import Row, print_json, print_text
from dms_s3_endpoint_cli.shared import shared_folders, shared_names
from dms_s3_endpoint_cli.stack import Stack
from dms_s3_endpoint_cli.template import as_sent, endpoints_of, misspelt_types, parsed, resolved_resources, unknown_in
from tests.checks.cfn_lint import ours

ROOT = Path(__file__).resolve().parents[2]
LONG = "needs " + "much " * 100 + "room"
STEP = {"do": "create role", "name": "dms-orders", "reason": "it does not exist"}
ROWS = [
    Row("Orders", "dev/orders", "create", steps=[STEP], warnings=["[bold] has no effect"]),
    Row("OrderLines", "dev/order-lines", "fail", problems=[f"InvalidRequest: {LONG}"]),
    Row("Stock", "dev/stock", "nothing"),
]


def text(rows: list[Row], width: int = 40) -> list[str]:
    to = io.StringIO()
    print_text(rows, Console(file=to, width=width, highlight=False, markup=False, emoji=False))
    return to.getvalue().splitlines()


def test_under_each_endpoint_stand_its_steps_warnings_and_problems() -> None:
    assert text(ROWS) == [
        "RESOURCE    ENDPOINT         ACTION",
        "Orders      dev/orders       create",
        "    create role dms-orders: it does not exist",
        "    warning: [bold] has no effect",
        "OrderLines  dev/order-lines  fail",
        f"    problem: InvalidRequest: {LONG}",
        "Stock       dev/stock        nothing",
        "1 of 3 would fail.",
    ]


def test_the_text_is_the_same_at_any_width() -> None:
    assert text(ROWS, width=10) == text(ROWS, width=1000)


def test_where_nothing_would_fail_the_last_line_says_so() -> None:
    assert text(ROWS[:1])[-1] == "Nothing would fail."


def test_a_step_without_a_reason_has_no_colon() -> None:
    assert text([Row("Orders", "dev/orders", "delete", steps=[{**STEP, "reason": ""}])])[2] == (
        "    create role dms-orders"
    )


def test_programs_get_every_part_of_a_row(capsys: pytest.CaptureFixture[str]) -> None:
    print_json(ROWS[:1])
    (row,) = json.loads(capsys.readouterr().out)
    assert row == {
        "resource": "Orders",
        "endpoint": "dev/orders",
        "action": "create",
        "steps": [STEP],
        "warnings": ["[bold] has no effect"],
        "problems": [],
    }


@pytest.mark.parametrize("command", ["check --help", "release --help", "schema", "tasks --help"])
def test_each_command_is_there(command: str) -> None:
    whole = [sys.executable, "-m", "dms_s3_endpoint_cli", *command.split()]
    done = subprocess.run(whole, env={"PYTHONPATH": str(ROOT / "src")}, capture_output=True, check=False)  # noqa: S603  # our own
    assert (done.returncode, done.stderr) == (0, b"")


def test_an_unknown_command_is_refused_with_the_known_ones(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        cli.main(["chekc"])
    said = capsys.readouterr().err
    assert all(command in said for command in cli.COMMANDS)


ENDPOINT = {"Type": "Custom::CreateDMSS3Endpoint", "Properties": {"ENVIRONMENT": {"Ref": "Environment"}}}


def resolved(**resources: Any) -> dict[str, Any]:
    template = {
        "Parameters": {"Environment": {"Type": "String"}},
        "Conditions": {"IsDev": {"Fn::Equals": [{"Ref": "Environment"}, "dev"]}},
        "Resources": resources,
    }
    pseudo_parameters = PseudoParameterValues(region="eu-west-1", account_id="111111111111")
    return endpoints_of(resolved_resources(template, {"Environment": "prod"}, pseudo_parameters))


def test_the_endpoints_of_a_template_are_found_with_their_parameters() -> None:
    assert resolved(Orders=ENDPOINT, Role={"Type": "AWS::IAM::Role"}) == {"Orders": {"ENVIRONMENT": "prod"}}


def test_an_endpoint_whose_condition_does_not_hold_is_not_declared() -> None:
    assert resolved(Orders={**ENDPOINT, "Condition": "IsDev"}) == {}


@pytest.mark.parametrize(
    ("properties", "paths"),
    [
        ({"A": {"Fn::GetAtt": ["Role", "Arn"]}}, ["A"]),
        ({"A": {"B": ["x", {"Ref": "Role"}]}}, ["A.B.2"]),
        ({"A": "${Role}", "B": "${!Literal}", "C": "plain"}, ["A"]),
        ({"A": "{{resolve:secretsmanager:x}}", "B": "{resolve:x}"}, ["A"]),
    ],
)
def test_what_only_the_deployment_knows_is_found_where_it_stands(properties: Any, paths: list[str]) -> None:
    assert list(unknown_in(properties)) == paths


def test_every_scalar_is_sent_as_text() -> None:
    assert as_sent({"A": [True, 1], "B": {"C": 0.5}}) == {"A": ["true", "1"], "B": {"C": "0.5"}}


def test_a_null_is_sent_as_nothing_and_an_empty_text_as_it_is() -> None:
    assert as_sent({"A": None, "B": {"C": None, "D": ""}, "E": [None, "x"]}) == {"B": {"D": ""}, "E": ["x"]}


def endpoint(**changes: Any) -> dict[str, Any]:
    return {"Environment": "dev", "S3Settings": {"BucketName": "lake", "BucketFolder": "orders"}, **changes}


@pytest.mark.parametrize(
    "other",
    [
        endpoint(),
        endpoint(S3Settings={"BUCKETNAME": "lake", "bucketfolder": "orders/"}),
        endpoint(S3Settings={"BUCKETNAME": "lake", "EXTRACONNECTIONATTRIBUTES": "bucketFolder = orders"}),
        endpoint(S3Settings={"BUCKETNAME": "lake"}, EXTRACONNECTIONATTRIBUTES="bucketFolder=orders;"),
    ],
)
def test_two_endpoints_on_one_bucket_and_folder_are_each_warned_of_the_other(other: dict[str, Any]) -> None:
    assert shared_folders({"Orders": endpoint(), "Stock": other}) == {
        "Orders": "Stock writes to the same bucket and folder",
        "Stock": "Orders writes to the same bucket and folder",
    }


@pytest.mark.parametrize(
    "other",
    [
        endpoint(Environment="test"),
        endpoint(S3Settings={"BUCKETNAME": "lake"}),
        endpoint(S3Settings={"BUCKETNAME": "another", "BucketFolder": "orders"}),
        endpoint(S3Settings={"BUCKETNAME": {"Ref": "Bucket"}, "BucketFolder": "orders"}),
        endpoint(S3Settings={"BUCKETNAME": "lake", "BucketFolder": {"Fn::GetAtt": ["Folder", "Name"]}}),
        endpoint(S3Settings={"BUCKETNAME": "lake", "EXTRACONNECTIONATTRIBUTES": "nonsense"}),
        endpoint(S3Settings=["lake"]),
    ],
)
def test_of_other_folders_and_of_what_is_not_known_nothing_is_said(other: dict[str, Any]) -> None:
    assert shared_folders({"Orders": endpoint(), "Stock": other}) == {}


def named(**changes: Any) -> dict[str, Any]:
    return {"Environment": "dev", "EndpointIdentifier": "a", "RoleName": "a-role", "PolicyName": "a-policy", **changes}


def test_two_endpoints_with_one_name_are_each_a_problem_whatever_its_case() -> None:
    other = named(EndpointIdentifier="b", RoleName="A-Role", PolicyName="b-policy")
    assert shared_names({"Orders": named(), "Stock": other}) == {
        "Orders": ["NameTaken: ROLENAME is that of Stock too. Give each endpoint its own"],
        "Stock": ["NameTaken: ROLENAME is that of Orders too. Give each endpoint its own"],
    }


@pytest.mark.parametrize(
    "other",
    [
        named(Environment="test"),
        named(EndpointIdentifier="b", RoleName="b-role", PolicyName="b-policy"),
        named(EndpointIdentifier="b", RoleName={"Ref": "Role"}, PolicyName=""),
        named(OnUpdate="REPLACE"),
    ],
)
def test_other_names_those_that_are_not_known_and_those_with_a_suffix_are_no_problem(other: dict[str, Any]) -> None:
    assert shared_names({"Orders": named(), "Stock": other}) == {}


PROBLEM, CHANGE, NONE = Row("A", "a", "fail", problems=["x"]), Row("B", "b", "create"), Row("C", "c", "nothing")
UNKNOWN, RETAINED = Row("D", "d", "unknown"), Row("E", "e", "retain")


@pytest.mark.parametrize(
    ("rows", "plain", "detailed"),
    [
        ([NONE, RETAINED], 0, 0),
        ([], 0, 0),
        ([NONE, CHANGE], 0, 2),
        ([Row("A", "a", "leave as it is")], 0, 2),
        ([UNKNOWN, CHANGE], 0, 1),
        ([PROBLEM, CHANGE, UNKNOWN], 1, 1),
    ],
)
def test_the_exit_codes(rows: list[Row], plain: int, detailed: int) -> None:
    assert (exit_code(rows, is_detailed=False), exit_code(rows, is_detailed=True)) == (plain, detailed)


def test_the_help_tells_the_exit_codes(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        cli.main(["check", "--help"])
    said = capsys.readouterr().out
    assert "2  the check can't be made" in said
    assert "2  something would change" in said


@pytest.mark.parametrize(
    ("status", "way_out"),
    [
        ("ROLLBACK_COMPLETE", "delete the stack"),
        ("ROLLBACK_FAILED", "delete the stack"),
        ("DELETE_FAILED", "delete the stack"),
        ("UPDATE_ROLLBACK_FAILED", "continue-update-rollback"),
        ("UPDATE_IN_PROGRESS", "wait until that is over"),
        ("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "wait until that is over"),
    ],
)
def test_of_a_stack_that_can_not_be_updated_the_way_out_is_said(status: str, way_out: str) -> None:
    refusal = Stack("orders", status=status).refusal()
    assert refusal.startswith(f"the stack is {status}, and can't be updated: ")
    assert way_out in refusal


@pytest.mark.parametrize(
    "status", ["", "CREATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "UPDATE_FAILED", "CREATE_FAILED"]
)
def test_of_a_stack_that_can_be_updated_nothing_is_said(status: str) -> None:
    assert Stack("orders", status=status).refusal() == ""


NO_TEMPLATES = {
    "no YAML": ("Resources: [", "t.yaml is no YAML: "),
    "no text": ("\x00", "t.yaml is no YAML: "),
    "nothing": ("", "t.yaml is no template: it has no map of Resources"),
    "a list": ("- a", "t.yaml is no template: "),
    "a word": ("hello", "t.yaml is no template: "),
    "a list of resources": ("Resources: [a]", "t.yaml is no template: "),
}


@pytest.mark.parametrize(("text", "said"), NO_TEMPLATES.values(), ids=NO_TEMPLATES.keys())
def test_what_is_no_template_is_said_in_one_line(text: str, said: str) -> None:
    with pytest.raises(CheckError) as raised:
        parsed(text, "t.yaml")
    assert str(raised.value).startswith(said)
    assert "\n" not in str(raised.value)


def test_properties_that_are_no_map_are_said() -> None:
    with pytest.raises(CheckError, match="Properties of Orders is no map"):
        resolved(Orders={**ENDPOINT, "Properties": "x"})


SETTINGS = {"S3Settings": {"BucketName": "lake"}}
TYPES = ["Custom::CreateDmsS3Endpoint", "Custom::CreateDMSS3Endpoints", "Custom::DMSS3Endpoint", "AWS::DMS::Endpoint"]
TYPES += ["Custom::CreateDMSS3Endpoint", "AWS::CloudFormation::CustomResource"]


@pytest.mark.parametrize("properties", [{}, SETTINGS], ids=["bare", "with settings"])
@pytest.mark.parametrize("written", TYPES)
def test_a_misspelt_type_is_one_to_cfn_lint_and_to_the_check_alike(written: str, properties: dict[str, Any]) -> None:
    given = {"Type": written, "Properties": properties}
    found = [each.rule for each in ours({"Orders": given}) if each.rule == "W9704"]
    assert (misspelt_types({"Orders": given}) == {"Orders": written}) is (found == ["W9704"])
