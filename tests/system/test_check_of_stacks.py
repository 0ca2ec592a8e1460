"""`check` of the stack as a whole: its parameters and status, what is no longer declared, and the exit codes."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from local_aws import EmbeddedAws
from local_aws.organisation import DEV, TOOLS, CommandFailedError, delete_stack

from .checker import EXAMPLE, Checker, changed
from .world import task_on, the_endpoint

NO_ENDPOINT = """
Resources:
  Topic: {Type: AWS::SNS::Topic}
"""
IN_USE = "task nightly uses endpoint orders: if still there when the update cleans up"


@pytest.fixture
def checker(aws: EmbeddedAws) -> Checker:
    return Checker(aws, f"orders-{uuid.uuid4().hex[:8]}")


@pytest.fixture
def standing(checker: Checker) -> Iterator[Checker]:
    """With a stack that is deployed, whose format is not the default."""
    checker.deploy(DataFormat="csv")
    yield checker
    delete_stack(checker.aws, checker.stack)


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "template.yaml"
    path.write_text(text)
    return path


def test_parameters_that_are_not_given_are_those_of_the_stack_as_sam_deploy_keeps_them(standing: Checker) -> None:
    kept = standing.check_with("--json", "--detailed-exitcode")
    assert (kept.row["action"], kept.status) == ("nothing", 0)
    other = standing.check_with("--json", "--detailed-exitcode", overrides=["DataFormat=parquet"])
    assert (other.row["action"], other.status) == ("delete and create", 2)
    standing.deploy()
    assert the_endpoint(standing.aws)["S3Settings"]["DataFormat"] == "csv"


def test_overrides_are_read_in_the_long_form_too(standing: Checker) -> None:
    overrides = ["ParameterKey=DataFormat,ParameterValue=parquet"]
    assert standing.check_with("--json", overrides=overrides).row["action"] == "delete and create"


def test_region_and_profile_are_those_that_are_named(standing: Checker) -> None:
    elsewhere = standing.check("--region", "eu-central-1")
    assert (elsewhere.status, elsewhere.printed) == (2, "")
    assert standing.check("--json", "--region", standing.aws.region).row["action"] != "create"
    unknown = standing.check("--profile", "none-of-these")
    assert unknown.errors == "The check can't be made: The config profile (none-of-these) could not be found\n"


def test_dynamic_references_and_the_name_of_the_stack_are_known(checker: Checker, tmp_path: Path) -> None:
    ssm = checker.aws.client("ssm", TOOLS)
    ssm.put_parameter(Name="/lake/folder", Value="from-ssm", Type="String")
    template = changed(
        tmp_path,
        ("BUCKETFOLDER: !Ref EndpointIdentifier", 'BUCKETFOLDER: "{{resolve:ssm:/lake/folder}}"'),
        ("DATAFORMAT:", "CDCPATH: !Sub ${AWS::StackName}/changes\n        DATAFORMAT:"),
    )
    checker.deploy(template)
    live = the_endpoint(checker.aws)["S3Settings"]
    assert (live["BucketFolder"], live["CdcPath"]) == ("from-ssm", f"{checker.stack}/changes")
    assert checker.row(template=template)["action"] == "nothing"
    ssm.put_parameter(Name="/lake/folder", Value="elsewhere", Type="String", Overwrite=True)
    assert checker.row(template=template)["action"] == "delete and create"
    ssm.delete_parameter(Name="/lake/folder")
    gone = checker.check(template=template)
    assert (gone.status, gone.errors) == (2, "The check can't be made: SSM parameter /lake/folder: ParameterNotFound\n")
    delete_stack(checker.aws, checker.stack)


def test_a_stack_whose_creation_was_rolled_back_must_be_deleted_first(checker: Checker) -> None:
    with pytest.raises(CommandFailedError):
        checker.deploy(EndpointIdentifier="-orders")
    checked = checker.check("--json")
    of_stack, endpoint = checked.rows
    assert of_stack["problems"] == [
        "the stack is ROLLBACK_COMPLETE, and can't be updated: delete the stack, then deploy"
    ]
    assert (endpoint["action"], endpoint["problems"], checked.status) == ("create", [], 1)
    with pytest.raises(CommandFailedError, match="ROLLBACK_COMPLETE state and can not be updated"):
        checker.deploy()
    delete_stack(checker.aws, checker.stack)
    assert checker.check().status == 0
    checker.deploy()
    delete_stack(checker.aws, checker.stack)


def test_a_task_on_what_is_no_longer_declared_is_said(standing: Checker, tmp_path: Path) -> None:
    template = written(tmp_path, NO_ENDPOINT)
    with task_on(standing.aws, the_endpoint(standing.aws)["EndpointArn"]):
        checked = standing.check_with("--json", "--detailed-exitcode", template=template)
        replaced = standing.row(EndpointIdentifier="invoices")
    of_stack, deleted = checked.rows
    assert of_stack["warnings"] == ["the template has no Custom::CreateDMSS3Endpoint"]
    assert (deleted["action"], deleted["problems"], checked.status) == ("delete", [], 2)
    assert [step["do"] for step in deleted["steps"]] == ["delete endpoint", "delete role", "delete policy"]
    assert [row["warnings"][0].partition(", endpoint")[0] for row in (deleted, replaced)] == [IN_USE, IN_USE]


def test_what_its_policy_retains_is_not_deleted(checker: Checker, tmp_path: Path) -> None:
    retained = changed(tmp_path, ("  Endpoint:\n", "  Endpoint:\n    DeletionPolicy: Retain\n"))
    checker.deploy(retained)
    checked = checker.check_with("--json", "--detailed-exitcode", template=written(tmp_path, NO_ENDPOINT))
    assert [row["action"] for row in checked.rows] == ["nothing", "retain"]
    assert checked.status == 0
    checker.deploy(EXAMPLE)
    delete_stack(checker.aws, checker.stack)


def test_a_misspelt_type_is_said(checker: Checker, tmp_path: Path) -> None:
    template = changed(tmp_path, ("Custom::CreateDMSS3Endpoint", "Custom::CreateDmsS3Endpoint"))
    checked = checker.check("--json", "--detailed-exitcode", template=template)
    assert (checked.row["action"], checked.status) == ("unknown", 1)
    assert checked.row["warnings"] == [
        "Custom::CreateDmsS3Endpoint is checked by nothing; did you mean Custom::CreateDMSS3Endpoint?"
    ]


def test_two_resources_with_one_name_are_a_problem_before_the_second_is_refused(
    checker: Checker, tmp_path: Path
) -> None:
    text = EXAMPLE.read_text()
    begin, end = text.index("  Endpoint:\n"), text.index("\nOutputs:")
    second = text[begin:end].replace("  Endpoint:", "  Second:").replace("!Ref EndpointIdentifier", "second", 1)
    template = written(tmp_path, text[:end] + "\n" + second + text[end:])
    checked = checker.check("--json", template=template)
    assert checked.status == 1
    assert [row["problems"][0].split(".")[0] for row in checked.rows] == [
        "NameTaken: POLICYNAME is that of Second too",
        "NameTaken: POLICYNAME is that of Endpoint too",
    ]
    with pytest.raises(CommandFailedError, match="NameTaken"):
        checker.deploy(template)
    delete_stack(checker.aws, checker.stack)


@pytest.mark.parametrize("text", ["Resources: [", "- a", "", "hello"])
def test_what_is_no_template_is_one_line_and_another_status(checker: Checker, tmp_path: Path, text: str) -> None:
    checked = checker.check(template=written(tmp_path, text))
    assert (checked.status, checked.printed, checked.errors.count("\n")) == (2, "", 1)
    assert checked.errors.startswith(f"The check can't be made: {tmp_path}/template.yaml is no ")
    assert checker.check("--detailed-exitcode", template=written(tmp_path, text)).status == 1


def test_what_a_change_by_hand_made_different_is_found_by_the_exit_code(standing: Checker) -> None:
    before = standing.check("--detailed-exitcode", DataFormat="csv")
    arn = the_endpoint(standing.aws)["EndpointArn"]
    dms = standing.aws.client("dms", DEV.dms)
    dms.add_tags_to_resource(ResourceArn=arn, Tags=[{"Key": "team", "Value": "another"}])
    after = standing.check("--detailed-exitcode", DataFormat="csv")
    assert (before.status, after.status) == (0, 2)
    assert "retag endpoint orders: differs in team" in after.printed
