"""`tasks save`, `sam deploy`, `tasks restore`: what is on an endpoint outlives the update that makes it again."""

from __future__ import annotations

import json
import re
import textwrap
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from botocore.client import BaseClient

from dms_s3_endpoint_cli.tasks import main
from local_aws import EmbeddedAws
from local_aws.organisation import DEV, ROOT, TOOLS, delete_stack, endpoints, run, sam_deploy, sam_environ

from .test_released import profile
from .world import replication_instance

PAGE = (ROOT / "docs" / "tasks.md").read_text()
EXAMPLE = ROOT / "examples" / "one-endpoint.yaml"
OPERATOR = "operator-of-tasks"
VARIES = re.compile(r"(?<=checkpoint:V1#)\d+")


class KilledError(BaseException):
    """Nothing in the command can catch this."""


@dataclass
class Desk:
    """An operator's, with a profile for the DMS account, and a stack whose endpoint is in use."""

    aws: EmbeddedAws
    file: Path
    patch: pytest.MonkeyPatch
    instance: str
    capsys: pytest.CaptureFixture[str]

    def use(self, keys: dict[str, str]) -> None:
        """From now on the profile has these keys."""
        lines = ["[dms-dev]", *(f"{name} = {value}" for name, value in keys.items())]
        self.credentials.write_text("\n".join(lines))

    @property
    def credentials(self) -> Path:
        return self.file.with_name("credentials")

    def run(self, action: str, *more: str) -> tuple[int, str]:
        """The exit status, and what was printed."""
        named = ["--endpoint", "dev/orders"] if action == "save" else []
        self.capsys.readouterr()
        status = main([action, *named, "--file", str(self.file), "--profile", "dms-dev", *more])
        said = self.capsys.readouterr()
        return status, said.out + said.err

    def killed(self, action: str, operation: str) -> None:
        """Run, and be killed once DMS has done this operation."""
        original = BaseClient._make_api_call  # type: ignore[attr-defined]  # botocore's one way of all calls

        def dying(client: Any, name: str, given: Any) -> Any:
            answer = original(client, name, given)
            if name == operation:
                raise KilledError
            return answer

        with self.patch.context() as patched:
            patched.setattr(BaseClient, "_make_api_call", dying)
            with pytest.raises(KilledError):
                self.run(action)

    @property
    def dms(self) -> Any:
        return self.aws.client("dms", DEV.dms)

    def deploy(self, data_format: str) -> None:
        sam_deploy(self.aws, EXAMPLE, "orders", {"BucketName": DEV.bucket, "DataFormat": data_format})

    def source(self) -> str:
        """The ARN of a source endpoint."""
        given = {"EndpointIdentifier": "orders-db", "EndpointType": "source", "EngineName": "mysql"}
        return str(self.dms.create_endpoint(**given, ResourceIdentifier="orders-db")["Endpoint"]["EndpointArn"])

    def put_to_use(self) -> None:
        """A task and a serverless replication run on the endpoint."""
        ends = {"SourceEndpointArn": self.source(), "TargetEndpointArn": the_endpoint(self.aws)["EndpointArn"]}
        mappings = {"TableMappings": json.dumps({"rules": []}), "Tags": [{"Key": "team", "Value": "data-lake"}]}
        task = self.dms.create_replication_task(
            ReplicationTaskIdentifier="nightly",
            ReplicationInstanceArn=self.instance,
            MigrationType="full-load-and-cdc",
            ReplicationTaskSettings=json.dumps({"Logging": {"EnableLogging": True}}),
            ResourceIdentifier="nightly",
            **ends,
            **mappings,
        )["ReplicationTask"]["ReplicationTaskArn"]
        self.dms.start_replication_task(ReplicationTaskArn=task, StartReplicationTaskType="start-replication")
        config = self.dms.create_replication_config(
            ReplicationConfigIdentifier="hourly",
            ComputeConfig={"MaxCapacityUnits": 1},
            ReplicationType="cdc",
            ResourceIdentifier="hourly",
            **ends,
            **mappings,
        )["ReplicationConfig"]["ReplicationConfigArn"]
        self.dms.start_replication(ReplicationConfigArn=config, StartReplicationType="start-replication")

    def clear(self) -> None:
        """Nothing is on the endpoint any more, and there is neither source nor instance."""
        for task in self.dms.describe_replication_tasks()["ReplicationTasks"]:
            named = {"ReplicationTaskArn": task["ReplicationTaskArn"]}
            if task["Status"] == "running":
                self.dms.stop_replication_task(**named)
            self.dms.delete_replication_task(**named)
        for replication in self.dms.describe_replications()["Replications"]:
            named = {"ReplicationConfigArn": replication["ReplicationConfigArn"]}
            if replication["Status"] == "running":
                self.dms.stop_replication(**named)
            self.dms.delete_replication_config(**named)
        self.dms.delete_endpoint(EndpointArn=f"arn:aws:dms:{self.aws.region}:{DEV.dms}:endpoint:orders-db")
        self.dms.delete_replication_instance(ReplicationInstanceArn=self.instance)

    def standing(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """The task, and the serverless replication with its config."""
        (task,) = self.dms.describe_replication_tasks()["ReplicationTasks"]
        (config,) = self.dms.describe_replication_configs()["ReplicationConfigs"]
        (replication,) = self.dms.describe_replications()["Replications"]
        return dict(task), config | replication

    def held(self) -> list[str]:
        """The checkpoints in the file."""
        return [each["comes_back"]["start_position"] for each in json.loads(self.file.read_text())["entries"]]


def the_endpoint(aws: EmbeddedAws) -> dict[str, Any]:
    (found,) = [each for each in endpoints(aws, DEV) if each["EndpointIdentifier"] == "orders"]
    return found


@pytest.fixture
def desk(
    aws: EmbeddedAws, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Desk]:
    desk = Desk(aws, tmp_path / "orders.json", monkeypatch, replication_instance(aws), capsys)
    environ = aws.environ(TOOLS) | {"AWS_SHARED_CREDENTIALS_FILE": str(desk.credentials)}
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    desk.use(profile(DEV.dms, "test"))
    aws.switch(load_seconds=0.0, checkpoint_lag_seconds=5.0)
    desk.deploy("parquet")
    desk.put_to_use()
    yield desk
    desk.clear()
    delete_stack(aws, "orders")


def assert_restored(before: tuple[dict[str, Any], dict[str, Any]], desk: Desk) -> None:
    """Under their ARNs, at their checkpoints, with all that they had, and running."""
    (task, config), now = before, desk.standing()
    assert [each["Status"] for each in now] == ["running", "running"]
    assert [now[0]["CdcStartPosition"], now[1]["CdcStartPosition"]] == desk.held()
    assert [now[0]["MigrationType"], now[1]["ReplicationType"]] == ["cdc", "cdc"]
    of_task = ("ReplicationTaskArn", "SourceEndpointArn", "TargetEndpointArn", "ReplicationInstanceArn")
    of_config = ("ReplicationConfigArn", "SourceEndpointArn", "TargetEndpointArn", "ComputeConfig")
    for was, is_now, members in ((task, now[0], of_task), (config, now[1], of_config)):
        assert {name: was[name] for name in (*members, "TableMappings")}.items() <= is_now.items()
    for arn in (task["ReplicationTaskArn"], config["ReplicationConfigArn"]):
        assert desk.dms.list_tags_for_resource(ResourceArn=arn)["TagList"] == [{"Key": "team", "Value": "data-lake"}]


def shell_blocks(page: str) -> list[str]:
    return [textwrap.dedent(block) for block in re.findall(r"^ *```sh\n(.*?)^ *```$", page, re.DOTALL | re.MULTILINE)]


def test_the_commands_of_the_page_keep_checkpoint_definition_and_arn_and_print_what_it_shows(desk: Desk) -> None:
    before = desk.standing()
    section = PAGE.partition("## An example\n")[2].partition("\n## ")[0]
    shown = re.findall(r"^```text\n(.*?)^```$", section, re.DOTALL | re.MULTILINE)
    environ = sam_environ(desk.aws, TOOLS) | {"PYTHONPATH": "src", "AWS_SHARED_CREDENTIALS_FILE": str(desk.credentials)}
    in_folder = [each.replace("orders.json", str(desk.file)) for each in shell_blocks(section)]
    save, deploy, restore = (run(["bash", "-e", "-c", command], environ) for command in in_folder)
    assert "UPDATE_COMPLETE" in deploy
    assert the_endpoint(desk.aws)["S3Settings"]["DataFormat"] == "csv"
    assert_restored(before, desk)
    printed = [each.replace(str(desk.file), "orders.json") for each in (save, restore)]
    assert [VARIES.sub("…", each) for each in shown] == [VARIES.sub("…", each) for each in printed]


def test_killed_at_each_change_and_run_again_it_keeps_them_too(desk: Desk) -> None:
    before = desk.standing()
    for operation in ("StopReplicationTask", "StopReplication", "DeleteReplicationTask", "DeleteReplicationConfig"):
        desk.killed("save", operation)
    assert desk.run("save") == (0, desk.run("save")[1])
    desk.deploy("csv")
    for operation in ("CreateReplicationTask", "CreateReplicationConfig", "StartReplicationTask", "StartReplication"):
        desk.killed("restore", operation)
    assert desk.run("restore")[0] == 0
    assert the_endpoint(desk.aws)["S3Settings"]["DataFormat"] == "csv"
    assert_restored(before, desk)


def test_the_tasks_of_a_stack_are_left_to_it(desk: Desk) -> None:
    name, client = f"tasks-{uuid.uuid4().hex[:8]}", desk.aws.client("cloudformation", DEV.dms)
    task, _config = desk.standing()
    members = ("SourceEndpointArn", "TargetEndpointArn", "ReplicationInstanceArn", "TableMappings")
    properties = {member: task[member] for member in members} | {"MigrationType": "full-load"}
    resource = {"Type": "AWS::DMS::ReplicationTask", "Properties": properties}
    client.create_stack(StackName=name, TemplateBody=json.dumps({"Resources": {"Task": resource}}))
    client.get_waiter("stack_create_complete").wait(StackName=name, WaiterConfig={"Delay": 1})
    status, said = desk.run("save")
    assert (status, f"is of stack {name}: deleted behind its back" in said) == (1, True)
    delete_stack(desk.aws, name, DEV.dms)
    assert [each["Status"] for each in desk.standing()] == ["running", "running"]


# What the operator needs


def documented(action: str) -> list[str]:
    """The actions that the page has in the table of permissions, in their order."""
    (row,) = re.findall(rf"^\| `{action}` \| (.+?) \|", PAGE.partition("## Permissions\n")[2], re.MULTILINE)
    return re.findall(r"`(dms:\w+)`", row)


def permit(desk: Desk, actions: list[str]) -> None:
    statement = {"Effect": "Allow", "Action": actions, "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    desk.aws.client("iam", DEV.dms).put_role_policy(RoleName=OPERATOR, PolicyName="tasks", PolicyDocument=policy)


@pytest.fixture
def operator(desk: Desk) -> Iterator[Desk]:
    """The profile is that of a role that may do what it is permitted, and no more."""
    iam, sts = desk.aws.client("iam", DEV.dms), desk.aws.client("sts", DEV.dms)
    trust = {"Effect": "Allow", "Principal": {"AWS": DEV.dms}, "Action": "sts:AssumeRole"}
    role = iam.create_role(RoleName=OPERATOR, AssumeRolePolicyDocument=json.dumps({"Statement": [trust]}))["Role"]
    session = sts.assume_role(RoleArn=role["Arn"], RoleSessionName="desk")["Credentials"]
    keys = profile(session["AccessKeyId"], session["SecretAccessKey"])
    desk.use(keys | {"aws_session_token": session["SessionToken"]})
    yield desk
    iam.delete_role_policy(RoleName=OPERATOR, PolicyName="tasks")
    iam.delete_role(RoleName=OPERATOR)


def test_an_operator_needs_each_permission_of_the_page_and_no_other(operator: Desk) -> None:
    """In their order: what a denial interrupts, the next run goes on with."""
    before = operator.standing()
    for action in ("save", "restore"):
        for left_out in documented(action):
            permit(operator, [each for each in documented(action) if each != left_out])
            status, said = operator.run(action)
            assert (status, left_out in said) == (2, True), (left_out, said)
        permit(operator, documented(action))
        assert operator.run(action)[0] == 0
    assert_restored(before, operator)
