"""`make demo`: build and deploy the function, then create, update, replace and delete one endpoint in an embedded AWS.

With KEEP=1 in the environment, the embedded AWS stays up, and the demo prints how `aws` and `sam` reach it. With
--verbose, or VERBOSE=1, it shows the role's trust policy and all settings of the endpoint.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.live import Live
from rich.tree import Tree

from .aws import EmbeddedAws
from .organisation import (
    DEV,
    PAIRS,
    ROOT,
    TOOLS,
    CommandFailedError,
    delete_stack,
    deploy_accounts,
    deploy_function,
    endpoints,
    left_behind,
    sam_build,
    sam_deploy,
    secrets_in,
    update_account,
)

EXAMPLE = ROOT / "examples" / "one-endpoint.yaml"
STACK = "orders"
SECONDS_IN_A_SECOND = 100
NOT_SAID = ("", "0", "false", "no")


@dataclass
class Progress:
    """Shows the steps: as a live tree on a terminal, as plain lines elsewhere."""

    console: Console
    tree: Tree = field(default_factory=lambda: Tree("Custom::CreateDMSS3Endpoint in an embedded AWS"))
    started: float = field(default_factory=time.monotonic)

    def step(self, title: str, work: Callable[[], list[str]]) -> None:
        """Run one step and show the lines that it returns below its title."""
        node = self.tree.add(f"… {title}")
        started = time.monotonic()
        lines = work()
        node.label = f"✓ {title} ({time.monotonic() - started:.1f} s)"
        for line in lines:
            node.add(line)
        if not self.console.is_terminal:
            print(node.label, *(f"    {line}" for line in lines), sep="\n", flush=True)

    def summary(self, text: str) -> None:
        """Print the text and the seconds since the start."""
        self.console.print(f"{text} {time.monotonic() - self.started:.0f} s in all.", highlight=False)


@dataclass
class Demo:
    """The steps of the demo. Each is a method that returns the lines to show, and raises if something is wrong."""

    aws: EmbeddedAws
    build_dir: Path
    is_verbose: bool = False
    arn: str = ""

    def accounts(self) -> list[str]:
        """Prepare the accounts."""
        deploy_accounts(self.aws)
        return ["accounts/data-lake.yaml and accounts/dms.yaml in two accounts each for dev, test and prod"]

    def function(self) -> list[str]:
        """Build and deploy the function."""
        deploy_function(self.aws, sam_build(self.build_dir))
        outputs = self.outputs("dms-s3-endpoint")
        return [f"ServiceToken {outputs['ServiceToken']}"]

    def create(self) -> list[str]:
        """Create the endpoint."""
        self.deploy()
        self.arn = self.outputs(STACK)["EndpointArn"]
        return [f"{name} {value}" for name, value in sorted(self.outputs(STACK).items())]

    def show(self) -> list[str]:
        """Show the role's trust policy and the endpoint."""
        role = self.aws.client("iam", DEV.data_lake).get_role(RoleName="dms-orders")["Role"]
        (endpoint,) = endpoints(self.aws, DEV)
        (statement,) = role["AssumeRolePolicyDocument"]["Statement"]
        demanded = statement["Condition"]["StringEquals"]["sts:ExternalId"]
        same(demanded, endpoint["ExternalId"])
        settings: Any = endpoint["S3Settings"]
        written = f"{settings['DataFormat']} to {settings['BucketName']}/{settings['BucketFolder']}"
        lines = [
            f"role dms-orders trusts {statement['Principal']['Service']} with ExternalId {demanded}",
            f"endpoint {endpoint['EndpointIdentifier']} is {endpoint['Status']}, and writes {written}",
        ]
        return lines + (_in_full(role, endpoint) if self.is_verbose else [])

    def update(self) -> list[str]:
        """Update the endpoint's settings."""
        self.deploy(DataFormat="csv")
        (endpoint,) = endpoints(self.aws, DEV)
        settings: Any = endpoint["S3Settings"]
        same(endpoint["EndpointArn"], self.arn)
        same(str(settings["DataFormat"]).lower(), "csv")
        return [f"deleted and created again with DataFormat csv: {self.arn} as before"]

    def refused(self) -> list[str]:
        """Try an update that is refused."""
        before = endpoints(self.aws, DEV)
        try:
            self.deploy(BucketName="s3://not-a-bucket")
        except CommandFailedError:
            same(endpoints(self.aws, DEV), before)
            same(self.stack()["StackStatus"], "UPDATE_ROLLBACK_COMPLETE")
            return [*self.reasons(), "rolled back, endpoint untouched"]
        raise AssertionError("an update to a bucket that can't be was accepted")

    def replace(self) -> list[str]:
        """Replace the endpoint by one with another identifier."""
        self.deploy(EndpointIdentifier="orders-v2")
        (endpoint,) = endpoints(self.aws, DEV)
        same(endpoint["EndpointIdentifier"], "orders-v2")
        return [f"{endpoint['EndpointArn']} made, then {self.arn} deleted"]

    def delete(self) -> list[str]:
        """Delete the stack; nothing may be left."""
        delete_stack(self.aws, STACK)
        same(left_behind(self.aws), [])
        same(secrets_in(self.aws.log_text()), [])
        return ["no endpoint, role or policy of ours in any account, no ResponseURL and no credential in any log"]

    def deploy(self, **parameters: str) -> None:
        """Deploy the example with these parameters."""
        sam_deploy(self.aws, EXAMPLE, STACK, {"Environment": "dev", "BucketName": DEV.bucket, **parameters})

    def stack(self, name: str = STACK) -> dict[str, Any]:
        """The stack, as DescribeStacks shows it."""
        stacks = self.aws.client("cloudformation", TOOLS).describe_stacks(StackName=name)["Stacks"]
        return dict(stacks[0])

    def outputs(self, name: str) -> dict[str, str]:
        """The stack's outputs by name."""
        return {output["OutputKey"]: output["OutputValue"] for output in self.stack(name)["Outputs"]}

    def reasons(self) -> list[str]:
        """The reason of the refused update in the stack's events."""
        events = self.aws.client("cloudformation", TOOLS).describe_stack_events(StackName=STACK)["StackEvents"]
        return [event["ResourceStatusReason"] for event in events if event["ResourceStatus"] == "UPDATE_FAILED"][:1]


def same(actual: object, expected: object) -> None:
    """Raise AssertionError unless the two are equal."""
    if actual != expected:
        raise AssertionError(f"expected {expected!r}, found {actual!r}")


def _in_full(role: dict[str, Any], endpoint: dict[str, Any]) -> list[str]:
    shown = {"AssumeRolePolicyDocument": role["AssumeRolePolicyDocument"], "S3Settings": endpoint["S3Settings"]}
    return json.dumps(shown, indent=2).splitlines()


def run_demo(demo: Demo, progress: Progress) -> None:
    """Run all steps in their order."""
    progress.step("Accounts: accounts/ in the data-lake and DMS accounts of dev, test and prod", demo.accounts)
    progress.step("Function: sam build and sam deploy in the tools account", demo.function)
    progress.step("Create: sam deploy of examples/one-endpoint.yaml for dev", demo.create)
    progress.step("The live trust policy, and the endpoint", demo.show)
    progress.step("Update: another data format", demo.update)
    progress.step("Refused: a bucket name that can't be", demo.refused)
    progress.step("Replace: another endpoint identifier", demo.replace)
    progress.step("Delete: the stack", demo.delete)


def main() -> int:
    """Run the demo and return the exit status."""
    console = Console()
    progress = Progress(console)
    keep, is_verbose = is_said("KEEP"), is_said("VERBOSE") or "--verbose" in sys.argv
    with tempfile.TemporaryDirectory() as build_dir, EmbeddedAws(time_scale=SECONDS_IN_A_SECOND, keep=keep) as aws:
        demo = Demo(aws, Path(build_dir), is_verbose)
        with Live(progress.tree, console=console, refresh_per_second=8) if console.is_terminal else nullcontext():
            run_demo(demo, progress)
        progress.summary("Created, updated, refused, replaced, deleted; nothing left behind.")
        if keep:
            make_buckets_of_the_readme(aws)
            print(how_to_go_on(aws))  # not by rich, which would break the lines
    return 0


def is_said(name: str) -> bool:
    """Whether the environment has this switch on."""
    return os.environ.get(name, "").lower() not in NOT_SAID


def make_buckets_of_the_readme(aws: EmbeddedAws) -> None:
    """So that its commands work as they stand."""
    for pair in PAIRS:
        aws.client("s3", pair.data_lake).create_bucket(
            Bucket=f"my-{pair.bucket}", CreateBucketConfiguration={"LocationConstraint": aws.region}
        )
        update_account(aws, pair.data_lake, "data-lake.yaml", BucketPattern="*data-lake-*")


def how_to_go_on(aws: EmbeddedAws) -> str:
    """What a person needs who tries more."""
    accounts = "\n".join(
        f"  {pair.name:<5} data lake {pair.data_lake}, DMS {pair.dms}, bucket my-{pair.bucket}" for pair in PAIRS
    )
    return f"""
The embedded AWS stays up. {SECONDS_IN_A_SECOND} of its seconds pass in one.
The function is deployed in account {TOOLS}, for these accounts:
{accounts}

{aws.how_to_reach(TOOLS)}

Then try:
  . .venv/bin/activate
  sam deploy --template-file examples/one-endpoint.yaml --stack-name orders --resolve-s3 \\
    --parameter-overrides BucketName=my-{DEV.bucket}
  PYTHONPATH=src python -m dms_s3_endpoint_cli check examples/one-endpoint.yaml --stack-name orders \\
    --parameter-overrides DataFormat=csv"""


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit("Interrupted; the embedded AWS is stopped, and its files are removed.")
