"""The commands of the pipelines, as they stand in workflow and buildspec, run with the roles of deployer.yaml."""

from __future__ import annotations

import re
import shutil
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
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
    delete_stack,
    deploy_accounts,
    left_behind,
    run,
    sam_deploy,
    sam_environ,
    update_account,
)
from local_aws.wire import Decision

from .roles import boundary_of, credentials_of, deployer_of, drift_role_of
from .second_engine import disagreements

PLANTED = b"somebody's code"
CODE_SIGNING = f"arn:aws:lambda:eu-west-1:{TOOLS}:code-signing-config:csc-0123456789abcdefg"
ASKED_BY_A_BANK = [
    f"CodeSigningConfigArn={CODE_SIGNING}",
    "RetainLog=true",
    "ReservedConcurrency=20",
    "StackAccounts=888888888888",
    "Dashboard=true",
]
PAGE = (ROOT / "docs" / "pipelines.md").read_text()
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
            own = {"KmsKeyArn": key_of(aws), "CodeSigningConfigArn": CODE_SIGNING} if pair is DEV else {}
            run(["bash", "-e", "-c", command_for_the_roles(pair, **own)], sam_environ(aws, TOOLS))
        yield aws
        assert aws.refusals() == []


def command_for_the_roles(pair: Pair, **more: str) -> str:
    """What an administrator enters, as docs/pipelines.md has it for dev. The first makes the bucket of SAM, too."""
    (command,) = re.findall(r"^   ```sh\n(.*?)^   ```$", PAGE.partition("\n## GitHub")[0], re.DOTALL | re.MULTILINE)
    for of_dev, own in ((DEV.name, pair.name), (DEV.data_lake, pair.data_lake), (DEV.dms, pair.dms)):
        command = command.replace(of_dev, own)
    return " ".join([command.strip(), *(f"{name}={value}" for name, value in more.items())])


def key_of(aws: EmbeddedAws) -> str:
    """The one key that somebody made in the tools account."""
    kms = aws.client("kms", TOOLS)
    made = [each["KeyArn"] for each in kms.list_keys()["Keys"]] or [kms.create_key()["KeyMetadata"]["Arn"]]
    return str(made[0])


@pytest.fixture(scope="module")
def checkout(aws: EmbeddedAws, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where dev has all that a bank asks for, and test has the defaults."""
    folder = tmp_path_factory.mktemp("checkout")
    for name in ("template.yaml", "samconfig.toml", "LICENSE", "README.md", "src", "examples", "pipelines"):
        source = ROOT / name
        (shutil.copytree if source.is_dir() else shutil.copy)(source, folder / name)
    (folder / ".venv").symlink_to(ROOT / ".venv")
    asked = [*ASKED_BY_A_BANK, f"KmsKeyArn={key_of(aws)}"]
    configured = (folder / "samconfig.toml").read_text()
    of_dev = '    "Environments=dev",\n'
    assert of_dev in configured
    more = "".join(f'    "{each}",\n' for each in asked)
    (folder / "samconfig.toml").write_text(configured.replace(of_dev, of_dev + more))
    return folder


def workflow(name: str) -> dict[str, Any]:
    parsed: dict[str, Any] = yaml.safe_load((WORKFLOWS / name).read_text())
    return parsed


def commands_of_the_workflow() -> list[str]:
    steps = workflow("deploy-environment.yml")["jobs"]["deploy"]["steps"]
    return [step["run"] for step in steps if step.get("name") in ("build", "deploy", "verify")]


def commands_of_the_buildspec(project: str) -> list[str]:
    """Of a project of deployer.yaml, once it has installed what it needs."""
    template = yaml_parse((ROOT / "pipelines" / "deployer.yaml").read_text())
    buildspec = yaml.safe_load(template["Resources"][project]["Properties"]["Source"]["BuildSpec"])
    return list(buildspec["phases"]["build"]["commands"])


def promote(aws: EmbeddedAws, checkout: Path, commands: list[str], pair: Pair, bucket: str = "") -> str:
    """As the deployer of the environment."""
    environ = {**sam_environ(aws, TOOLS, checkout / ".venv" / "bin"), **credentials_of(aws, deployer_of(pair))}
    environ |= {"ENVIRONMENT": pair.name, "SMOKE_BUCKET": bucket or pair.bucket}
    return run(["bash", "-e", "-o", "pipefail", "-c", "\n".join(commands)], environ, checkout)


def test_both_pipelines_run_the_same_commands() -> None:
    assert commands_of_the_workflow() == commands_of_the_buildspec("Deploy")
    assert len(commands_of_the_workflow()) == 3


@dataclass(frozen=True)
class Promoted:
    """What the commands printed, and what IAM decided meanwhile."""

    printed: str
    decisions: list[Decision]


@pytest.fixture(scope="module")
def promoted(aws: EmbeddedAws, checkout: Path) -> dict[Pair, Promoted]:
    """In dev, then in test."""
    return {pair: promoted_to(aws, checkout, pair) for pair in (DEV, TEST)}


def promoted_to(aws: EmbeddedAws, checkout: Path, pair: Pair) -> Promoted:
    aws.clear_calls()
    return Promoted(promote(aws, checkout, commands_of_the_workflow(), pair), aws.decisions())


def test_what_went_to_dev_goes_on_to_test(aws: EmbeddedAws, promoted: dict[Pair, Promoted]) -> None:
    for pair, each in promoted.items():
        assert f"{pair.name} makes endpoints: arn:aws:dms:{aws.region}:{pair.dms}:" in each.printed
        assert left_behind(aws, [pair]) == []
    keys = {function["CodeSha256"] for function in aws.client("lambda", TOOLS).list_functions()["Functions"]}
    assert len(keys) == 1


@pytest.fixture(scope="module")
def failed(aws: EmbeddedAws, checkout: Path, promoted: dict[Pair, Promoted]) -> str:
    """What was printed when the smoke stack of dev failed, after somebody put something else in place of its code."""
    assert DEV in promoted
    for key in keys_of(aws, DEV):
        aws.client("s3", TOOLS).put_object(Bucket=sams_bucket(aws), Key=key, Body=PLANTED)
    with pytest.raises(CommandFailedError) as caught:
        promote(aws, checkout, commands_of_the_workflow(), DEV, bucket="s3://no-bucket")
    return str(caught.value)


def sams_bucket(aws: EmbeddedAws) -> str:
    (stack,) = aws.client("cloudformation", TOOLS).describe_stacks(StackName="aws-sam-cli-managed-default")["Stacks"]
    return next(str(each["OutputValue"]) for each in stack["Outputs"] if each["OutputKey"] == "SourceBucket")


def keys_of(aws: EmbeddedAws, pair: Pair) -> list[str]:
    """What the deployments of the environment uploaded."""
    found = aws.client("s3", TOOLS).list_objects_v2(Bucket=sams_bucket(aws), Prefix=f"dms-s3-endpoint-{pair.name}/")
    return [each["Key"] for each in found["Contents"]]


def test_a_function_that_makes_no_endpoint_stops_the_pipeline_and_leaves_nothing(aws: EmbeddedAws, failed: str) -> None:
    assert re.search(r"dev makes no endpoint: .*InvalidRequest", failed)
    stacks = aws.client("cloudformation", TOOLS).describe_stacks()["Stacks"]
    assert [stack["StackName"] for stack in stacks if "smoke" in stack["StackName"]] == []


@pytest.mark.usefixtures("failed")
def test_what_somebody_put_in_place_of_the_code_is_uploaded_over(aws: EmbeddedAws) -> None:
    zips = [key for key in keys_of(aws, DEV) if not key.endswith(".template")]
    assert zips
    bodies = [aws.client("s3", TOOLS).get_object(Bucket=sams_bucket(aws), Key=key)["Body"].read() for key in zips]
    assert PLANTED not in bodies


def test_what_a_bank_asks_for_is_where_it_is_asked_for_and_nowhere_else(
    aws: EmbeddedAws, promoted: dict[Pair, Promoted]
) -> None:
    key, default = key_of(aws), f"arn:aws:kms:{aws.region}:{TOOLS}:alias/aws/dynamodb"
    assert {pair: keys_in(aws, pair) for pair in promoted} == {DEV: {key}, TEST: {default, None}}
    for pair in promoted:
        role = aws.client("iam", TOOLS).get_role(RoleName=f"dms-s3-endpoint-{pair.name}-{aws.region}")["Role"]
        assert role["PermissionsBoundary"]["PermissionsBoundaryArn"] == boundary_of(pair)
    signed = [each for each in promoted[DEV].decisions if each.action == "lambda:CreateFunction"]
    assert [each.context["lambda:CodeSigningConfigArn"] for each in signed] == [CODE_SIGNING]
    assert "kms:Decrypt" in {each.action for each in promoted[DEV].decisions}


def keys_in(aws: EmbeddedAws, pair: Pair) -> set[str | None]:
    """Of the table, the queue and the log group of an environment's function."""
    function = aws.client("lambda", TOOLS).get_function_configuration(FunctionName=f"dms-s3-endpoint-{pair.name}")
    sqs, logs = aws.client("sqs", TOOLS), aws.client("logs", TOOLS)
    url = sqs.get_queue_url(QueueName=f"dms-s3-endpoint-{pair.name}-never-ran")["QueueUrl"]
    queue = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    (log,) = logs.describe_log_groups(logGroupNamePrefix=function["LoggingConfig"]["LogGroup"])["logGroups"]
    name = function["Environment"]["Variables"]["LEASE_TABLE"]
    table = aws.client("dynamodb", TOOLS).describe_table(TableName=name)["Table"]
    return {table["SSEDescription"]["KMSMasterKeyArn"], queue.get("KmsMasterKeyId"), log.get("kmsKeyId")}


def test_each_environment_uploads_under_its_own_name_alone(aws: EmbeddedAws, promoted: dict[Pair, Promoted]) -> None:
    found = aws.client("s3", TOOLS).list_objects_v2(Bucket=sams_bucket(aws))["Contents"]
    of_environments = [key for pair in promoted for key in keys_of(aws, pair)]
    # What an administrator deployed has no prefix: the roles of deployer.yaml.
    assert {each["Key"] for each in found if "/" in each["Key"]} == set(of_environments)
    configured = tomllib.loads((ROOT / "samconfig.toml").read_text())
    for pair in PAIRS:
        given = configured[pair.name]["deploy"]["parameters"]
        assert (given["s3_prefix"], given["force_upload"]) == (f"dms-s3-endpoint-{pair.name}", True)
        assert f"FunctionBoundary={boundary_of(pair)}" in given["parameter_overrides"]


def test_both_engines_allow_each_call_of_a_deployment_and_of_the_function_that_it_makes(
    aws: EmbeddedAws, promoted: dict[Pair, Promoted]
) -> None:
    for each in promoted.values():
        assert [decision for decision in each.decisions if not decision.allowed] == []
        # The second engine's reference knows no macros.
        known = [decision for decision in each.decisions if ":aws:transform/" not in decision.resource]
        assert disagreements(aws, known) == []


def drift_command() -> str:
    """Of the workflow."""
    (command,) = [
        step["run"] for step in workflow("drift.yml")["jobs"]["drift"]["steps"] if step.get("name") == "drift"
    ]
    return str(command)


def test_both_pipelines_look_for_drift_by_the_same_command() -> None:
    assert [drift_command()] == commands_of_the_buildspec("Drift")


@pytest.mark.usefixtures("promoted")
def test_what_was_changed_by_hand_fails_the_search_for_drift(aws: EmbeddedAws, checkout: Path) -> None:
    given = {"BucketName": DEV.bucket, "ServiceToken": "/dms-s3-endpoint-dev/service-token"}
    sam_deploy(aws, ROOT / "examples" / "one-endpoint.yaml", "orders-dev", given)
    command = ["bash", "-e", "-c", drift_command()]
    environ = {
        **sam_environ(aws, TOOLS, checkout / ".venv" / "bin"),
        **credentials_of(aws, drift_role_of(DEV)),
        "DRIFT_STACKS": "orders-dev",
    }
    assert "Nothing would fail." in run(command, environ, checkout)
    iam = aws.client("iam", DEV.data_lake)
    iam.tag_role(RoleName="dms-orders", Tags=[{"Key": "team", "Value": "another"}])
    with pytest.raises(CommandFailedError, match="retag role dms-orders: differs in team"):
        run(command, environ, checkout)
    with pytest.raises(CommandFailedError, match="stack of-nobody-dev does not exist"):
        run(command, environ | {"DRIFT_STACKS": "of-nobody-dev"}, checkout)
    delete_stack(aws, "orders-dev")


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
