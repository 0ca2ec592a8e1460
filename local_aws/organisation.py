"""An organisation in the embedded AWS: a tools account, and for each environment a data-lake and a DMS account."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .aws import EmbeddedAws
from .sam import ON_PATH, sam, sam_server

ROOT = Path(__file__).resolve().parent.parent
# The folder of this interpreter, and of what is installed with it.
PROGRAMS = Path(sys.executable).parent
TOOLS = "111111111111"
FUNCTION_NAME = "dms-s3-endpoint"
BUCKET_PATTERN = "data-lake-*"


@dataclass(frozen=True)
class Pair:
    """The two accounts of an environment."""

    name: str
    data_lake: str
    dms: str

    @property
    def bucket(self) -> str:
        """The name of the data lake's bucket."""
        return f"data-lake-{self.name}"

    @property
    def data_lake_role_arn(self) -> str:
        """The role that the function assumes in the data-lake account."""
        return f"arn:aws:iam::{self.data_lake}:role/dms-s3-endpoint-data-lake"

    @property
    def boundary_arn(self) -> str:
        """The boundary that `accounts/data-lake.yaml` makes, and demands of each role that the function makes."""
        return f"arn:aws:iam::{self.data_lake}:policy/dms-s3-endpoint-boundary/dms-s3-endpoint-boundary"

    @property
    def dms_role_arn(self) -> str:
        """The role that the function assumes in the DMS account."""
        return f"arn:aws:iam::{self.dms}:role/dms-s3-endpoint-dms"


DEV = Pair("dev", "222222222222", "333333333333")
TEST = Pair("test", "444444444444", "555555555555")
PROD = Pair("prod", "666666666666", "777777777777")
PAIRS = (DEV, TEST, PROD)
# By stack: the second in which this process deployed it last.
DEPLOYED_AT: dict[str, float] = {}


class CommandFailedError(Exception):
    """A command that failed. The message has the command and its output."""


def run(command: Sequence[str], environ: Mapping[str, str], cwd: Path = ROOT) -> str:
    """Run the command without input, and return its output. Raises CommandFailedError."""
    done = subprocess.run(  # noqa: S603  # the commands are the project's own
        command,
        env=dict(environ),
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    return _output(command, done.returncode, done.stdout)


def _output(command: Sequence[str], status: int, printed: str) -> str:
    if status:
        raise CommandFailedError(f"{' '.join(command)}\n{printed}")
    return printed


def build_environ(programs: Path = PROGRAMS) -> dict[str, str]:
    """The environment for `sam build`: these programs first on the PATH, and the wheels that `make` downloaded."""
    return os.environ | {
        "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
        "SAM_CLI_TELEMETRY": "0",
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": str(ROOT / ".cache" / "wheels"),
    }


def sam_environ(aws: EmbeddedAws, account: str, programs: Path = PROGRAMS) -> dict[str, str]:
    """The environment in which `sam`, the loaded one, acts as the account; it comes before these programs.

    SAM's temporary files go into the embedded AWS's folder.
    """
    environ = build_environ(programs) | aws.environ(account)
    own = {"SAM_CLI_POLL_DELAY": "0.5", "SAM_CLI_ENABLE_LANGUAGE_EXTENSIONS": "1", "SAM_SERVER": sam_server()}
    own |= {"TMPDIR": str(aws.directory / "tmp"), "PATH": f"{ON_PATH}{os.pathsep}{environ['PATH']}"}
    return environ | own


def sam_build(build_dir: Path) -> Path:
    """Build the function and return the path of the built template. SAM writes a file beside its build folder."""
    built = build_dir / "built"
    command = ["sam", "build", "--build-dir", str(built)]
    _output(command, *sam(command[1:], build_environ(), ROOT))
    return built / "template.yaml"


def sam_deploy(
    aws: EmbeddedAws, template: Path, stack: str, parameters: Mapping[str, str], account: str = TOOLS
) -> str:
    """Deploy a template and return the output of `sam deploy`. Raises CommandFailedError if it fails.

    SAM names a change set by the second: in the same second it can't make two of one stack.
    """
    overrides = [f"{name}={value}" for name, value in parameters.items()]
    command = ["sam", "deploy", "--template-file", str(template), "--stack-name", stack, "--resolve-s3"]
    command += [
        "--capabilities",
        "CAPABILITY_NAMED_IAM",
        "CAPABILITY_AUTO_EXPAND",
        "--no-confirm-changeset",
        "--no-fail-on-empty-changeset",
    ]
    command += ["--no-progressbar", *(["--parameter-overrides", *overrides] if overrides else [])]
    while time.time() // 1 == DEPLOYED_AT.get(stack):
        time.sleep(0.05)
    try:
        return _output(command, *sam(command[1:], sam_environ(aws, account), ROOT))
    finally:
        DEPLOYED_AT[stack] = time.time() // 1


def delete_stack(aws: EmbeddedAws, stack: str, account: str = TOOLS) -> None:
    """Delete a stack and wait for it. Raises WaiterError if it fails. (`sam delete` polls only every 30 seconds.)"""
    cloudformation = aws.client("cloudformation", account)
    cloudformation.delete_stack(StackName=stack)
    cloudformation.get_waiter("stack_delete_complete").wait(StackName=stack, WaiterConfig={"Delay": 1})


def deploy_accounts(aws: EmbeddedAws, pairs: Sequence[Pair] = PAIRS, **lake: str) -> None:
    """Create the stacks of `accounts/` in each account, as a StackSet does, and the buckets of the data lakes.

    `lake` are more parameters of `accounts/data-lake.yaml`.
    """
    with ThreadPoolExecutor() as pool:
        for done in [pool.submit(_deploy_pair, aws, pair, lake) for pair in pairs]:
            done.result()


def _deploy_pair(aws: EmbeddedAws, pair: Pair, lake: Mapping[str, str]) -> None:
    function_role = function_role_arn(aws)
    given = {"FunctionRoleArn": function_role, "BucketPattern": BUCKET_PATTERN, **lake}
    _create_stack(aws, pair.data_lake, "data-lake.yaml", given)
    _create_stack(aws, pair.dms, "dms.yaml", {"FunctionRoleArn": function_role, "DataLakeAccountId": pair.data_lake})
    aws.client("s3", pair.data_lake).create_bucket(
        Bucket=pair.bucket, CreateBucketConfiguration={"LocationConstraint": aws.region}
    )


def update_account(aws: EmbeddedAws, account: str, template: str, **parameters: str) -> None:
    """Update parameters of a stack of `accounts/`. The other parameters keep their values."""
    name = f"dms-s3-endpoint-{Path(template).stem}"
    _update_stack(aws, account, name, {"TemplateBody": (ROOT / "accounts" / template).read_text()}, parameters)


def update_function(aws: EmbeddedAws, **parameters: str) -> None:
    """Update parameters of the function's stack. The other parameters and the code stay the same."""
    _update_stack(aws, TOOLS, "dms-s3-endpoint", {"UsePreviousTemplate": True}, parameters)


def _update_stack(
    aws: EmbeddedAws, account: str, name: str, template: Mapping[str, Any], parameters: Mapping[str, str]
) -> None:
    cloudformation = aws.client("cloudformation", account)
    (stack,) = cloudformation.describe_stacks(StackName=name)["Stacks"]
    kept = {each["ParameterKey"]: each["ParameterValue"] for each in stack["Parameters"]}
    cloudformation.update_stack(
        StackName=name,
        **template,
        Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in {**kept, **parameters}.items()],
        Capabilities=["CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"],
    )
    cloudformation.get_waiter("stack_update_complete").wait(StackName=name, WaiterConfig={"Delay": 1})


def _create_stack(aws: EmbeddedAws, account: str, template: str, parameters: Mapping[str, str]) -> None:
    cloudformation = aws.client("cloudformation", account)
    name = f"dms-s3-endpoint-{Path(template).stem}"
    cloudformation.create_stack(
        StackName=name,
        TemplateBody=(ROOT / "accounts" / template).read_text(),
        Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
        Capabilities=["CAPABILITY_NAMED_IAM"],
    )
    cloudformation.get_waiter("stack_create_complete").wait(StackName=name, WaiterConfig={"Delay": 1})


def deploy_function(aws: EmbeddedAws, built: Path, pairs: Sequence[Pair] = PAIRS) -> str:
    """Deploy the built template in the tools account, and return the output of `sam deploy`."""
    parameters = {
        "Environments": ",".join(pair.name for pair in pairs),
        "DataLakeRoleArns": ",".join(pair.data_lake_role_arn for pair in pairs),
        "DmsRoleArns": ",".join(pair.dms_role_arn for pair in pairs),
        "LogLevel": "DEBUG",  # the most that could reveal a secret; see secrets_in
        "Dashboard": "true",
    }
    return sam_deploy(aws, built, "dms-s3-endpoint", parameters)


def function_role_arn(aws: EmbeddedAws) -> str:
    """The function's own role."""
    return f"arn:aws:iam::{TOOLS}:role/{FUNCTION_NAME}-{aws.region}"


def lease_table(aws: EmbeddedAws, stack: str = "dms-s3-endpoint") -> str:
    """The name of the table of the function's stack."""
    (found,) = aws.client("cloudformation", TOOLS).describe_stacks(StackName=stack)["Stacks"]
    return next(str(each["OutputValue"]) for each in found["Outputs"] if each["OutputKey"] == "LeaseTableName")


def secrets_in(text: str) -> list[str]:
    """The parts of ResponseURLs and credentials in the text of a log. There must be none."""
    return re.findall(
        r"X-Amz-Signature=\S+|/cfn-response/\S+|SecretAccessKey\S+|SessionToken\S+|ASIA[A-Z0-9]{16}", text
    )


def left_behind(aws: EmbeddedAws, pairs: Sequence[Pair] = PAIRS) -> list[str]:
    """The ARNs of all endpoints, roles and policies in the accounts, except what `accounts/` has made."""
    made = {arn for pair in pairs for arn in (pair.data_lake_role_arn, pair.boundary_arn)}
    where = {("iam", pair.data_lake) for pair in pairs} | {("dms", pair.dms) for pair in pairs}
    return [arn for arn in aws.standing() if arn not in made and (arn.split(":")[2], arn.split(":")[4]) in where]


def purge(aws: EmbeddedAws, pairs: Sequence[Pair] = PAIRS) -> None:
    """Delete all that `left_behind` finds, whoever owns it."""
    for pair in pairs:
        iam, dms = aws.client("iam", pair.data_lake), aws.client("dms", pair.dms)
        for endpoint in endpoints(aws, pair):
            dms.delete_endpoint(EndpointArn=endpoint["EndpointArn"])
        for role in iam.list_roles()["Roles"]:
            if role["Arn"] != pair.data_lake_role_arn:
                _purge_role(iam, role["RoleName"])
        for arn in policy_arns(aws, pair):
            _purge_policy(iam, arn)


def policy_arns(aws: EmbeddedAws, pair: Pair) -> list[str]:
    """All policies of the data-lake account, except the boundary of `accounts/data-lake.yaml`."""
    policies = aws.client("iam", pair.data_lake).list_policies(Scope="Local")["Policies"]
    return [policy["Arn"] for policy in policies if policy["Arn"] != pair.boundary_arn]


def _purge_role(iam: Any, name: str) -> None:
    for policy in iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]:
        iam.detach_role_policy(RoleName=name, PolicyArn=policy["PolicyArn"])
    for policy_name in iam.list_role_policies(RoleName=name)["PolicyNames"]:
        iam.delete_role_policy(RoleName=name, PolicyName=policy_name)
    iam.delete_role(RoleName=name)


def _purge_policy(iam: Any, arn: str) -> None:
    for version in iam.list_policy_versions(PolicyArn=arn)["Versions"]:
        if not version["IsDefaultVersion"]:
            iam.delete_policy_version(PolicyArn=arn, VersionId=version["VersionId"])
    iam.delete_policy(PolicyArn=arn)


def endpoints(aws: EmbeddedAws, pair: Pair) -> list[dict[str, Any]]:
    """All endpoints of the DMS account, as DescribeEndpoints shows them."""
    dms = aws.client("dms", pair.dms)
    return [endpoint for page in dms.get_paginator("describe_endpoints").paginate() for endpoint in page["Endpoints"]]
