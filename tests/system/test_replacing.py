"""ONUPDATE: replace, by the real `sam deploy` of examples/with-task.yaml: endpoint and task are replaced, or stay."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from samcli.yamlhelper import yaml_parse

from development.faults.inventory import Inventory, inventory_of
from local_aws import EmbeddedAws
from local_aws.organisation import (
    DEV,
    FUNCTION_NAME,
    ROOT,
    TOOLS,
    CommandFailedError,
    delete_stack,
    sam_deploy,
    update_function,
)
from local_aws.switches import ORGANIZATION_ID

from .test_operation import logged
from .world import replication_instance, tags_of

EXAMPLE = ROOT / "examples" / "with-task.yaml"
NO_INSTANCE = f"arn:aws:dms:eu-west-1:{DEV.dms}:rep:NOWHERE"


@dataclass
class Stack:
    """A stack of the example, in the DMS account."""

    aws: EmbeddedAws
    instance: str
    template: Path
    name: str

    def deploy(self, folder: str = "nightly", **parameters: str) -> None:
        given = {
            "Folder": folder,
            "ServiceToken": f"arn:aws:lambda:{self.aws.region}:{TOOLS}:function:{FUNCTION_NAME}:live",
            "BucketName": DEV.bucket,
            "SourceEndpointArn": f"arn:aws:dms:{self.aws.region}:{DEV.dms}:endpoint:SOURCE",
            "ReplicationInstanceArn": self.instance,
        }
        sam_deploy(self.aws, self.template, self.name, given | parameters, DEV.dms)

    def written(self, **resources: dict[str, Any]) -> None:
        """From now on the example has these resources, or these properties in its own; None takes one out."""
        template = yaml_parse(EXAMPLE.read_text())
        for name, properties in resources.items():
            given = template["Resources"].setdefault(name, {"Type": "AWS::DMS::ReplicationTask", "DependsOn": "Task"})
            merged = given.get("Properties", template["Resources"]["Task"]["Properties"]) | properties
            given["Properties"] = {key: value for key, value in merged.items() if value is not None}
        self.template.write_text(json.dumps(template))

    @property
    def status(self) -> str:
        return str(self._cloudformation.describe_stacks(StackName=self.name)["Stacks"][0]["StackStatus"])

    @property
    def _cloudformation(self) -> Any:
        return self.aws.client("cloudformation", DEV.dms)

    def failures(self) -> list[tuple[str, str]]:
        """Logical id and status of the resources that failed, the first one first."""
        events = reversed(self._cloudformation.describe_stack_events(StackName=self.name)["StackEvents"])
        return [(each["LogicalResourceId"], each["ResourceStatus"]) for each in events if _has_failed(each)]

    @property
    def dms(self) -> Any:
        return self.aws.client("dms", DEV.dms)

    def inventory(self) -> Inventory:
        """Endpoints, roles and policies that the function made, and tasks, by their ARNs."""
        iam = self.aws.client("iam", DEV.data_lake)
        return inventory_of(iam, self.dms, lambda name: "nightly" in name) | self.tasks()

    def tasks(self) -> dict[str, dict[str, Any]]:
        return {each["ReplicationTaskArn"]: each for each in self.dms.describe_replication_tasks()["ReplicationTasks"]}

    def the_task(self) -> dict[str, Any]:
        (task,) = self.tasks().values()
        return task

    def endpoints(self) -> dict[str, dict[str, Any]]:
        return {each["EndpointArn"]: each for each in self.dms.describe_endpoints()["Endpoints"]}


def _has_failed(event: dict[str, Any]) -> bool:
    return "_FAILED" in event["ResourceStatus"] and event["ResourceType"] != "AWS::CloudFormation::Stack"


@pytest.fixture
def stack(aws: EmbeddedAws, tmp_path: Path) -> Iterator[Stack]:
    update_function(aws, OrganizationId=ORGANIZATION_ID)
    stack = Stack(aws, replication_instance(aws), tmp_path / "template.json", f"nightly-{uuid.uuid4().hex[:8]}")
    stack.written()
    yield stack
    aws.reset_switches()
    delete_stack(aws, stack.name, DEV.dms)
    assert stack.tasks() == {}
    stack.dms.delete_replication_instance(ReplicationInstanceArn=stack.instance)
    update_function(aws, OrganizationId="")


def test_a_change_of_settings_is_one_deployment_forth_and_back(stack: Stack) -> None:
    stack.deploy()
    first, (old,) = stack.inventory(), stack.endpoints()
    stack.deploy("hourly")
    ((new, endpoint),) = stack.endpoints().items()
    task = stack.the_task()
    assert endpoint["S3Settings"]["BucketFolder"] == "hourly"
    assert (task["TargetEndpointArn"], task["ReplicationTaskIdentifier"]) == (new, endpoint["EndpointIdentifier"])
    assert not set(first) & set(stack.inventory())
    stack.deploy()
    ((again, endpoint),) = stack.endpoints().items()
    assert again == old
    assert endpoint["S3Settings"]["BucketFolder"] == "nightly"
    assert stack.the_task()["TargetEndpointArn"] == old
    assert len(stack.inventory()) == len(first)


def test_a_change_of_tags_leaves_endpoint_and_task(stack: Stack) -> None:
    stack.deploy()
    before = stack.inventory()
    stack.deploy(Team="platform")
    assert set(stack.inventory()) == set(before)
    (arn,) = stack.endpoints()
    assert tags_of(stack.aws, arn)["team"] == "platform"


def test_an_endpoint_that_was_recreated_under_its_task_is_replaced_together_with_it(stack: Stack) -> None:
    stack.written(Endpoint={"ONUPDATE": None}, Task={"ReplicationTaskIdentifier": "nightly"})
    stack.deploy()
    before = stack.inventory()
    with pytest.raises(CommandFailedError, match="EndpointInUse"):
        stack.deploy("hourly")
    assert stack.inventory() == before
    stack.written()
    stack.deploy("hourly")
    assert stack.the_task()["TargetEndpointArn"] in stack.endpoints()
    assert not set(stack.inventory()) & set(before)


STEPS: dict[str, tuple[dict[str, Any], dict[str, dict[str, Any]], str]] = {
    "the endpoint can't be made": ({"quota": 1}, {}, "Endpoint"),
    "its connection fails": ({"connection_test": "fails"}, {}, "Endpoint"),
    "the task has a fixed name": ({}, {"Task": {"ReplicationTaskIdentifier": "nightly"}}, "Task"),
    "a later resource fails": ({}, {"Later": {"ReplicationInstanceArn": NO_INSTANCE}}, "Later"),
}


@pytest.mark.parametrize(("switches", "resources", "fails"), STEPS.values(), ids=STEPS.keys())
def test_a_rollback_leaves_the_old_endpoint_and_task_untouched_and_nothing_new(
    stack: Stack, switches: dict[str, Any], resources: dict[str, dict[str, Any]], fails: str
) -> None:
    stack.written(**{name: each for name, each in resources.items() if name == "Task"})
    stack.deploy()
    before = stack.inventory()
    stack.aws.switch(**switches)
    stack.written(**resources)
    with pytest.raises(CommandFailedError):
        stack.deploy("hourly")
    assert stack.status == "UPDATE_ROLLBACK_COMPLETE"
    assert [logical_id for logical_id, _status in stack.failures()] == [fails]
    assert stack.inventory() == before


def test_a_task_that_is_running_keeps_the_old_endpoint_until_it_is_deleted(stack: Stack) -> None:
    stack.deploy()
    task, (old,) = stack.the_task(), stack.endpoints()
    running = {"ReplicationTaskArn": task["ReplicationTaskArn"]}
    stack.dms.start_replication_task(**running, StartReplicationTaskType="start-replication")
    stack.deploy("hourly")
    assert stack.status == "UPDATE_COMPLETE"
    assert stack.failures() == [("Task", "DELETE_FAILED"), ("Endpoint", "DELETE_FAILED")]
    assert len(stack.endpoints()) == 2
    assert stack.tasks()[task["ReplicationTaskArn"]]["Status"] == "running"
    assert figures_left_behind(stack.aws)[-1] == 1
    assert task["ReplicationTaskIdentifier"] in last_failure(stack.aws, "EndpointInUse")

    stack.dms.stop_replication_task(**running)
    stack.dms.delete_replication_task(**running)
    stack.deploy("hourly", Team="platform")
    assert old not in stack.endpoints()
    assert len(stack.endpoints()) == 1
    assert figures_left_behind(stack.aws)[-1] == 0


def figures_left_behind(aws: EmbeddedAws) -> list[float]:
    """The metric's values, the last one last."""
    return [value for line in logged(aws) for value in line.get("LeftBehind", [])]


def last_failure(aws: EmbeddedAws, code: str) -> str:
    return str([line["message"] for line in logged(aws) if line.get("code") == code][-1])
