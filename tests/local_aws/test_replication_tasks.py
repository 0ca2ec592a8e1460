"""Replication tasks, by the API and as resources of a stack: what DMS refuses, and what CloudFormation replaces."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pytest

from local_aws import EmbeddedAws

from .endpoint_pair import DMS, Pair, refused
from .test_cloudformation import ends

STATE, THERE, MISSING = "InvalidResourceStateFault", "ResourceAlreadyExistsFault", "ResourceNotFoundFault"


def endpoint_arn(tail: str) -> str:
    return f"arn:aws:dms:eu-west-1:{DMS}:endpoint:{tail}"


@pytest.fixture
def given(pair: Pair) -> dict[str, Any]:
    """The parameters of CreateReplicationTask, which are the properties of the resource."""
    instance = pair.dms.create_replication_instance(
        ReplicationInstanceIdentifier=pair.identifier, ReplicationInstanceClass="dms.t3.micro"
    )["ReplicationInstance"]["ReplicationInstanceArn"]
    return {
        "ReplicationTaskIdentifier": pair.identifier,
        "SourceEndpointArn": endpoint_arn("SOURCE"),
        "TargetEndpointArn": endpoint_arn("TARGET"),
        "ReplicationInstanceArn": instance,
        "MigrationType": "full-load",
        "TableMappings": json.dumps({"rules": []}),
        "Tags": [{"Key": "team", "Value": "one"}],
    }


@dataclass
class Stack:
    """A stack in the DMS account with one task."""

    aws: EmbeddedAws
    name: str

    def deploy(self, given: dict[str, Any], *others: dict[str, Any]) -> str:
        """The status in which it ends. `others` are further tasks, each after the one before it."""
        tasks = {
            f"Task{n or ''}": task(each, f"Task{n - 1 or ''}" if n else "") for n, each in enumerate((given, *others))
        }
        kind = "update" if self.exists() else "create"
        template = json.dumps({"Resources": tasks, "Outputs": {"Arn": {"Value": {"Ref": "Task"}}}})
        getattr(self.client, f"{kind}_stack")(StackName=self.name, TemplateBody=template)
        return ends(self.aws, self.name, DMS)

    @property
    def client(self) -> Any:
        return self.aws.client("cloudformation", DMS)

    def exists(self) -> bool:
        return self.name in [each["StackName"] for each in self.client.list_stacks()["StackSummaries"]]

    @property
    def arn(self) -> str:
        return str(self.client.describe_stacks(StackName=self.name)["Stacks"][0]["Outputs"][0]["OutputValue"])

    def failures(self) -> list[tuple[str, str]]:
        events = self.client.describe_stack_events(StackName=self.name)["StackEvents"]
        ours = [each for each in events if each["ResourceType"] == "AWS::DMS::ReplicationTask"]
        return [
            (each["ResourceStatus"], each["ResourceStatusReason"])
            for each in ours
            if "FAILED" in each["ResourceStatus"]
        ]

    def delete(self) -> str:
        stack_id = self.client.describe_stacks(StackName=self.name)["Stacks"][0]["StackId"]
        self.client.delete_stack(StackName=self.name)
        return ends(self.aws, stack_id, DMS)


def task(given: dict[str, Any], after: str) -> dict[str, Any]:
    return {"Type": "AWS::DMS::ReplicationTask", "Properties": given} | ({"DependsOn": after} if after else {})


@pytest.fixture
def stack(pair: Pair) -> Stack:
    return Stack(pair.aws, pair.identifier)


def tasks(pair: Pair) -> dict[str, dict[str, Any]]:
    """By ARN, those on the instance of the test."""
    by = [{"Name": "replication-task-id", "Values": [pair.identifier, f"{pair.identifier}-2"]}]
    try:
        found = pair.dms.describe_replication_tasks(Filters=by)["ReplicationTasks"]
    except pair.dms.exceptions.ResourceNotFoundFault:
        return {}
    return {each["ReplicationTaskArn"]: dict(each) for each in found}


def tags(pair: Pair, arn: str) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in pair.dms.list_tags_for_resource(ResourceArn=arn)["TagList"]}


# The API


def test_a_task_is_ready_then_running_then_stopped_and_deleted_only_at_rest(pair: Pair, given: dict[str, Any]) -> None:
    pair.aws.switch(checkpoint_lag_seconds=1_000_000.0)
    made = pair.dms.create_replication_task(**given | {"MigrationType": "cdc"})["ReplicationTask"]
    arn, start = made["ReplicationTaskArn"], {"StartReplicationTaskType": "start-replication"}
    assert made["Status"] == "ready"
    refused(STATE, pair.dms.stop_replication_task, ReplicationTaskArn=arn)
    assert pair.dms.start_replication_task(ReplicationTaskArn=arn, **start)["ReplicationTask"]["Status"] == "running"
    refused(STATE, pair.dms.start_replication_task, ReplicationTaskArn=arn, **start)
    refused(STATE, pair.dms.modify_replication_task, ReplicationTaskArn=arn, CdcStopPosition="server_time:x")
    refused(STATE, pair.dms.delete_replication_task, ReplicationTaskArn=arn)
    assert "RecoveryCheckpoint" not in tasks(pair)[arn]
    assert pair.dms.stop_replication_task(ReplicationTaskArn=arn)["ReplicationTask"]["Status"] == "stopped"
    assert tasks(pair)[arn]["RecoveryCheckpoint"].startswith("checkpoint:")
    pair.dms.delete_replication_task(ReplicationTaskArn=arn)
    assert tasks(pair) == {}
    refused(MISSING, pair.dms.list_tags_for_resource, ResourceArn=arn)
    refused(MISSING, pair.dms.delete_replication_task, ReplicationTaskArn=arn)


def test_an_identifier_is_taken_once_and_freed_by_the_delete(pair: Pair, given: dict[str, Any]) -> None:
    arn = pair.dms.create_replication_task(**given)["ReplicationTask"]["ReplicationTaskArn"]
    again = given | {"ReplicationTaskIdentifier": pair.identifier.upper()}
    refused(THERE, pair.dms.create_replication_task, **again)
    other = pair.dms.create_replication_task(**given | {"ReplicationTaskIdentifier": f"{pair.identifier}-2"})
    renamed = {"ReplicationTaskArn": other["ReplicationTask"]["ReplicationTaskArn"]}
    refused(THERE, pair.dms.modify_replication_task, **renamed, ReplicationTaskIdentifier=pair.identifier)
    pair.dms.delete_replication_task(ReplicationTaskArn=arn)
    pair.dms.modify_replication_task(**renamed, ReplicationTaskIdentifier=pair.identifier)


def test_a_task_needs_a_replication_instance(pair: Pair, given: dict[str, Any]) -> None:
    nowhere = given | {"ReplicationInstanceArn": f"arn:aws:dms:eu-west-1:{DMS}:rep:NOWHERE"}
    refused(MISSING, pair.dms.create_replication_task, **nowhere)
    assert tasks(pair) == {}


# The resource


def test_a_task_of_a_stack_is_made_not_started_and_deleted_with_the_stack(
    pair: Pair, given: dict[str, Any], stack: Stack
) -> None:
    assert stack.deploy(given) == "CREATE_COMPLETE"
    assert {arn: each["Status"] for arn, each in tasks(pair).items()} == {stack.arn: "ready"}
    of_stack = {"aws:cloudformation:stack-name": stack.name, "aws:cloudformation:logical-id": "Task"}
    assert tags(pair, stack.arn) == {"team": "one"} | of_stack
    assert stack.delete() == "DELETE_COMPLETE"
    assert tasks(pair) == {}


def test_without_an_identifier_cloudformation_draws_one(pair: Pair, given: dict[str, Any], stack: Stack) -> None:
    del given["ReplicationTaskIdentifier"]
    assert stack.deploy(given, given) == "CREATE_COMPLETE"
    assert stack.delete() == "DELETE_COMPLETE"


@pytest.mark.parametrize(
    "change",
    [
        {"TableMappings": json.dumps({"rules": [{}]})},
        {"CdcStartPosition": "checkpoint:V1#1"},
        {"CdcStopPosition": "server_time:2030-01-01T00:00:00"},
    ],
    ids=str,
)
def test_what_dms_can_modify_is_no_replacement(
    pair: Pair, given: dict[str, Any], stack: Stack, change: dict[str, Any]
) -> None:
    stack.deploy(given)
    arn = stack.arn
    assert stack.deploy(given | change) == "UPDATE_COMPLETE"
    assert stack.arn == arn
    assert tasks(pair)[arn].items() >= change.items()
    stack.delete()


def test_a_new_name_is_no_replacement_and_another_task_can_have_the_old_one(
    pair: Pair, given: dict[str, Any], stack: Stack
) -> None:
    stack.deploy(given)
    arn = stack.arn
    assert stack.deploy(given | {"ReplicationTaskIdentifier": f"{pair.identifier}-2"}, given) == "UPDATE_COMPLETE"
    assert stack.arn == arn
    assert len(tasks(pair)) == 2
    stack.delete()


def test_tags_are_changed_while_the_task_runs_but_its_settings_are_not(
    pair: Pair, given: dict[str, Any], stack: Stack
) -> None:
    stack.deploy(given)
    pair.dms.start_replication_task(ReplicationTaskArn=stack.arn, StartReplicationTaskType="start-replication")
    given |= {"Tags": [{"Key": "owner", "Value": "two"}]}
    assert stack.deploy(given) == "UPDATE_COMPLETE"
    theirs = {key: value for key, value in tags(pair, stack.arn).items() if not key.startswith("aws:")}
    assert theirs == {"owner": "two"}
    assert stack.deploy(given | {"CdcStopPosition": "server_time:x"}) == "UPDATE_ROLLBACK_COMPLETE"
    assert [status for status, reason in stack.failures() if "while it is running" in reason] == ["UPDATE_FAILED"]
    pair.dms.stop_replication_task(ReplicationTaskArn=stack.arn)
    stack.delete()


@pytest.mark.parametrize(
    "change",
    [
        {"TargetEndpointArn": endpoint_arn("OTHER")},
        {"SourceEndpointArn": endpoint_arn("OTHER")},
        {"MigrationType": "cdc"},
        {"ResourceIdentifier": "tail"},
    ],
    ids=str,
)
def test_what_dms_can_not_modify_replaces_the_task(
    pair: Pair, given: dict[str, Any], stack: Stack, change: dict[str, Any]
) -> None:
    stack.deploy(given)
    arn = stack.arn
    change |= {"ReplicationTaskIdentifier": f"{pair.identifier}-2"}
    assert stack.deploy(given | change) == "UPDATE_COMPLETE"
    assert stack.arn != arn
    assert list(tasks(pair)) == [stack.arn]
    stack.delete()


def test_a_replaced_task_of_a_fixed_name_collides_with_its_predecessor_and_rolls_back(
    pair: Pair, given: dict[str, Any], stack: Stack
) -> None:
    stack.deploy(given)
    before = tasks(pair)
    assert stack.deploy(given | {"MigrationType": "cdc"}) == "UPDATE_ROLLBACK_COMPLETE"
    assert stack.failures() == [("UPDATE_FAILED", f"Replication task {pair.identifier} already exists.")]
    assert tasks(pair) == before
    stack.delete()


def test_a_rollback_takes_the_new_task_away_and_keeps_the_old(pair: Pair, given: dict[str, Any], stack: Stack) -> None:
    stack.deploy(given)
    before = tasks(pair)
    new = given | {"MigrationType": "cdc", "ReplicationTaskIdentifier": f"{pair.identifier}-2"}
    bad = given | {"ReplicationInstanceArn": f"arn:aws:dms:eu-west-1:{DMS}:rep:NOWHERE"}
    assert stack.deploy(new, bad) == "UPDATE_ROLLBACK_COMPLETE"
    assert tasks(pair) == before
    stack.delete()


def test_a_predecessor_that_is_running_is_not_deleted_and_the_stack_forgets_it(
    pair: Pair, given: dict[str, Any], stack: Stack
) -> None:
    stack.deploy(given)
    old = stack.arn
    pair.dms.start_replication_task(ReplicationTaskArn=old, StartReplicationTaskType="start-replication")
    new = given | {"MigrationType": "cdc", "ReplicationTaskIdentifier": f"{pair.identifier}-2"}
    assert stack.deploy(new) == "UPDATE_COMPLETE"
    assert [status for status, _reason in stack.failures()] == ["DELETE_FAILED"]
    assert stack.delete() == "DELETE_COMPLETE"
    assert list(tasks(pair)) == [old]


def test_a_task_that_somebody_deleted_is_no_failure(pair: Pair, given: dict[str, Any], stack: Stack) -> None:
    stack.deploy(given)
    pair.dms.delete_replication_task(ReplicationTaskArn=stack.arn)
    assert stack.delete() == "DELETE_COMPLETE"
