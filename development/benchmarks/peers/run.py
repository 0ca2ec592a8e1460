"""The peers: scripts around the AWS CLI, Ansible's modules, a plainly written custom resource; each in own accounts."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import time
import uuid
import zipfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol

import crhelper

from local_aws import EmbeddedAws
from local_aws.cloudformation import CloudFormation
from local_aws.organisation import TOOLS, Pair
from local_aws.wire import Call

from ..measured import Measured, measure
from ..model import Draw

HERE = Path(__file__).resolve().parent
TOOLS_DIRECTORY = HERE.parents[2] / ".venv-bench" / "bin"
MEMORY_GB = 0.5
SECONDS_OF_A_POLLED_REQUEST = 1200.0
# Two pairs of accounts for each, so that two endpoints don't meet.
AWS_CLI = (Pair("aws-cli", "888888888880", "888888888881"), Pair("aws-cli-2", "888888888882", "888888888883"))
ANSIBLE = (Pair("ansible", "888888888884", "888888888885"), Pair("ansible-2", "888888888886", "888888888887"))
PLAIN = (Pair("plain", "999999999990", "999999999991"), Pair("plain-2", "999999999992", "999999999993"))


class Peer(Protocol):
    """`operation` is create, update or delete."""

    pairs: tuple[Pair, Pair]

    def do(self, operation: str, name: str, folder: str, pair: Pair) -> None:
        """Return once it is done. Raises CalledProcessError or TimeoutError."""

    def gb_seconds(self) -> float:
        """Of Lambda, so far."""


@dataclass
class AwsCli:
    """`aws` commands with fixed waits."""

    aws: EmbeddedAws
    pairs: tuple[Pair, Pair] = AWS_CLI

    def do(self, operation: str, name: str, folder: str, pair: Pair) -> None:
        given = {"DATA_LAKE": pair.data_lake, "DMS": pair.dms, "BUCKET": pair.bucket}
        _run([str(HERE / "aws_cli.sh"), operation, name, folder], self.aws, given)

    def gb_seconds(self) -> float:
        return 0.0


@dataclass
class Ansible:
    """amazon.aws and community.aws, as far as they go."""

    aws: EmbeddedAws
    pairs: tuple[Pair, Pair] = ANSIBLE

    def do(self, operation: str, name: str, folder: str, pair: Pair) -> None:
        # What the module loses; the embedded DMS makes it of account and identifier.
        external_id = str(uuid.uuid5(uuid.NAMESPACE_URL, f"{pair.dms}/{name}/0"))
        given = {"called": name, "folder": folder, "external_id": external_id}
        given |= {"data_lake": pair.data_lake, "dms": pair.dms, "bucket": pair.bucket}
        command = ["ansible-playbook", str(HERE / "playbook.yml"), "--tags", operation, "-e", json.dumps(given)]
        _run(command, self.aws, {"ANSIBLE_LOCALHOST_WARNING": "False"})

    def gb_seconds(self) -> float:
        return 0.0


def _run(command: Sequence[str], aws: EmbeddedAws, given: dict[str, str]) -> None:
    path = f"{TOOLS_DIRECTORY}{os.pathsep}{os.environ['PATH']}"
    environ = os.environ | aws.environ(TOOLS) | {"PATH": path} | given
    # Without a terminal: on one, Ansible's pause asks whoever sits there, and two of them wait for ever.
    done = subprocess.run(  # noqa: S603  # our own
        command, env=environ, text=True, stdin=subprocess.DEVNULL, capture_output=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"{' '.join(command[:4])}\n{done.stdout[-3000:]}{done.stderr[-2000:]}")


@dataclass
class Plain:
    """plain.py, deployed, and asked as CloudFormation does."""

    cloudformation: CloudFormation
    pairs: tuple[Pair, Pair] = PLAIN

    def __post_init__(self) -> None:
        aws = self.cloudformation.aws
        for account in [account for pair in self.pairs for account in (pair.data_lake, pair.dms)]:
            _administrator(aws, account, {"AWS": f"arn:aws:iam::{TOOLS}:root"})
        role_arn = _administrator(aws, TOOLS, {"Service": "lambda.amazonaws.com"})
        self._function = aws.client("lambda", TOOLS).create_function(
            FunctionName="plain",
            Role=role_arn,
            Runtime="python3.13",
            Handler="plain.handler",
            Timeout=900,
            MemorySize=int(MEMORY_GB * 1024),
            Code={"ZipFile": _zipped()},
        )["FunctionArn"]

    def do(self, operation: str, name: str, folder: str, pair: Pair) -> None:
        """`name` of an update to another one: the new after the old, with a comma."""
        old, _, new = name.rpartition(",")
        wanted = {"Name": new, "Folder": folder, "Bucket": pair.bucket}
        accounts = {"DataLakeRoleArn": pair.data_lake, "DmsRoleArn": pair.dms}
        wanted |= {name: f"arn:aws:iam::{account}:role/plain" for name, account in accounts.items()}
        kind = {"create": "Create", "update": "Update", "delete": "Delete"}[operation]
        event = self.cloudformation.event(kind, wanted, PhysicalResourceId=old or new, LogicalResourceId=_letters(new))
        self.cloudformation.aws.client("lambda", TOOLS).invoke(
            FunctionName=self._function, Payload=json.dumps(event), InvocationType="Event"
        )
        self._wait_for(self.cloudformation.received[event["RequestId"]].bodies)

    def _wait_for(self, bodies: Sequence[bytes]) -> None:
        ends = time.monotonic() + SECONDS_OF_A_POLLED_REQUEST
        while not bodies:
            if time.monotonic() > ends:
                raise TimeoutError("the plain function did not answer")
            time.sleep(0.02)
        answer = json.loads(bodies[0])
        if answer["Status"] != "SUCCESS":
            raise RuntimeError(answer["Reason"])

    def gb_seconds(self) -> float:
        """From the lines that Lambda writes for each invocation."""
        logs = self.cloudformation.aws.client("logs", TOOLS)
        events = logs.filter_log_events(logGroupName="/aws/lambda/plain", filterPattern="REPORT")["events"]
        billed = [re.search(r"Billed Duration: (\d+) ms", event["message"]) for event in events]
        return sum(int(found[1]) for found in billed if found) / 1000 * MEMORY_GB


def _letters(name: str) -> str:
    """crhelper makes a rule's name of it, of at most 64 characters."""
    return re.sub(r"[^A-Za-z0-9]", "", name)


def _zipped() -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as zipped:
        zipped.write(HERE / "plain.py", "plain.py")
        package = Path(crhelper.__file__).parent
        for path in package.glob("*.py"):
            zipped.write(path, f"crhelper/{path.name}")
    return archive.getvalue()


def _administrator(aws: EmbeddedAws, account: str, principal: dict[str, str]) -> str:
    """The ARN of a role named plain that may do everything: permissions are not what is compared."""
    iam = aws.client("iam", account)
    trust = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    everything = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
    role = iam.create_role(RoleName="plain", AssumeRolePolicyDocument=document)["Role"]
    iam.put_role_policy(RoleName="plain", PolicyName="everything", PolicyDocument=json.dumps(everything))
    return str(role["Arn"])


def measured(peer: Peer, aws: EmbeddedAws, draw: Draw, name: str) -> list[Measured]:
    """Two endpoints side by side: one is created, updated and deleted, the other created, replaced and deleted.

    The switches of `aws` are those of the draw.
    """
    first, second = peer.pairs
    with ThreadPoolExecutor() as pool:
        lives = [pool.submit(life, peer, aws, draw, name, pair) for life, pair in ((_life, first), (_replaced, second))]
        return [each for life in lives for each in life.result()]


def _life(peer: Peer, aws: EmbeddedAws, draw: Draw, name: str, pair: Pair) -> list[Measured]:
    steps = (("create", "in"), ("update", "out"), ("delete", "out"))
    works = [(operation, partial(peer.do, operation, name, folder, pair)) for operation, folder in steps]
    return [measure(operation, work, partial(_calls, aws, pair), draw, aws.clock.now) for operation, work in works]


def _replaced(peer: Peer, aws: EmbeddedAws, draw: Draw, name: str, pair: Pair) -> list[Measured]:
    peer.do("create", name, "in", pair)

    def replace() -> None:
        if isinstance(peer, Plain):
            peer.do("update", f"{name},{name}-new", "in", pair)
        else:
            peer.do("create", f"{name}-new", "in", pair)
        peer.do("delete", name, "in", pair)

    return [measure("replace", replace, partial(_calls, aws, pair), draw, aws.clock.now)]


def _calls(aws: EmbeddedAws, pair: Pair) -> list[Call]:
    """Those in the pair's accounts; a function's AssumeRole is not among them."""
    return [call for call in aws.calls() if call.account in (pair.data_lake, pair.dms)]
