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
from dms_s3_endpoint_cli.report import Row, print_json, print_text
from dms_s3_endpoint_cli.shared import shared_folders
from dms_s3_endpoint_cli.template import as_sent, resolved_endpoints, unknown_in

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


@pytest.mark.parametrize("arguments", [["check", "--help"], ["release", "--help"], ["schema"]], ids=" ".join)
def test_each_command_is_there(arguments: list[str]) -> None:
    command = [sys.executable, "-m", "dms_s3_endpoint_cli", *arguments]
    done = subprocess.run(command, env={"PYTHONPATH": str(ROOT / "src")}, capture_output=True, check=False)  # noqa: S603  # our own
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
    return resolved_endpoints(template, {"Environment": "prod"}, pseudo_parameters)


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
