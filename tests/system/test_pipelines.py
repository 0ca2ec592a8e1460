"""The commands of the pipelines, as they stand in the workflow and the buildspec, run against the embedded AWS."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from samcli.yamlhelper import yaml_parse

from local_aws import EmbeddedAws
from local_aws.organisation import (
    DEV,
    PAIRS,
    ROOT,
    TEST,
    TOOLS,
    CommandFailedError,
    Pair,
    deploy_accounts,
    left_behind,
    run,
    sam_environ,
    update_account,
)

WORKFLOWS = ROOT / ".github" / "workflows"


@pytest.fixture(scope="module")
def aws() -> Iterator[EmbeddedAws]:
    """With a function for each environment, as samconfig.toml has them."""
    with EmbeddedAws(time_scale=50) as aws:
        deploy_accounts(aws, [DEV, TEST])
        for pair in (DEV, TEST):
            role = f"arn:aws:iam::{TOOLS}:role/dms-s3-endpoint-{pair.name}-{aws.region}"
            update_account(aws, pair.data_lake, "data-lake.yaml", FunctionRoleArn=role)
            update_account(aws, pair.dms, "dms.yaml", FunctionRoleArn=role)
        yield aws
        assert aws.refusals() == []


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    for name in ("template.yaml", "samconfig.toml", "LICENSE", "README.md", "src", "examples", "pipelines"):
        source = ROOT / name
        (shutil.copytree if source.is_dir() else shutil.copy)(source, tmp_path / name)
    (tmp_path / ".venv").symlink_to(ROOT / ".venv")
    return tmp_path


def workflow(name: str) -> dict[str, Any]:
    parsed: dict[str, Any] = yaml.safe_load((WORKFLOWS / name).read_text())
    return parsed


def commands_of_the_workflow() -> list[str]:
    steps = workflow("deploy-environment.yml")["jobs"]["deploy"]["steps"]
    return [step["run"] for step in steps if step.get("name") in ("build", "deploy", "verify")]


def commands_of_the_buildspec() -> list[str]:
    """But for the first, which takes the role of the deployer."""
    template = yaml_parse((ROOT / "pipelines" / "codepipeline.yaml").read_text())
    buildspec = yaml.safe_load(template["Resources"]["Deploy"]["Properties"]["Source"]["BuildSpec"])
    first, *rest = buildspec["phases"]["build"]["commands"]
    assert first == "export AWS_PROFILE=deployer"
    return list(rest)


def promote(aws: EmbeddedAws, checkout: Path, commands: list[str], pair: Pair, bucket: str = "") -> str:
    environ = {**sam_environ(aws, TOOLS), "ENVIRONMENT": pair.name, "SMOKE_BUCKET": bucket or pair.bucket}
    environ["PATH"] = f"{checkout / '.venv' / 'bin'}{os.pathsep}{environ['PATH']}"
    return run(["bash", "-e", "-o", "pipefail", "-c", "\n".join(commands)], environ, checkout)


def test_both_pipelines_run_the_same_commands() -> None:
    assert commands_of_the_workflow() == commands_of_the_buildspec()
    assert len(commands_of_the_workflow()) == 3


def test_what_went_to_dev_goes_on_to_test(aws: EmbeddedAws, checkout: Path) -> None:
    for pair in (DEV, TEST):
        printed = promote(aws, checkout, commands_of_the_workflow(), pair)
        assert f"{pair.name} makes endpoints: arn:aws:dms:{aws.region}:{pair.dms}:" in printed
        assert left_behind(aws, [pair]) == []
    keys = {function["CodeSha256"] for function in aws.client("lambda", TOOLS).list_functions()["Functions"]}
    assert len(keys) == 1


def test_a_function_that_makes_no_endpoint_stops_the_pipeline_and_leaves_nothing(
    aws: EmbeddedAws, checkout: Path
) -> None:
    with pytest.raises(CommandFailedError, match=r"dev makes no endpoint: .*InvalidRequest"):
        promote(aws, checkout, commands_of_the_workflow(), DEV, bucket="s3://no-bucket")
    stacks = aws.client("cloudformation", TOOLS).describe_stacks()["Stacks"]
    assert [stack["StackName"] for stack in stacks if "smoke" in stack["StackName"]] == []


def test_each_environment_waits_for_the_one_before_it() -> None:
    jobs = workflow("deploy.yml")["jobs"]
    assert [(name, jobs[name]["needs"]) for name in ("dev", "test", "prod")] == [
        ("dev", "checks"),
        ("test", "dev"),
        ("prod", "test"),
    ]
    assert [jobs[pair.name]["with"]["environment"] for pair in PAIRS] == ["dev", "test", "prod"]


def test_each_stage_of_the_codepipeline_but_dev_waits_for_an_approval() -> None:
    template = yaml_parse((ROOT / "pipelines" / "codepipeline.yaml").read_text())
    stages = template["Resources"]["Pipeline"]["Properties"]["Stages"]
    assert {stage["Name"]: [action["Name"] for action in stage["Actions"]] for stage in stages} == {
        "Source": ["Source"],
        "Check": ["Test"],
        "Dev": ["Deploy"],
        "Test": ["Approve", "Deploy"],
        "Prod": ["Approve", "Deploy"],
    }
