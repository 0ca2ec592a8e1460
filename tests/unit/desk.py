"""An operator's desk with the command `tasks`, and before it a DMS account in memory: the embedded AWS's own rules."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import pytest

from dms_s3_endpoint.model.ownership import PHYSICAL_ID
from dms_s3_endpoint_cli.tasks import main
from local_aws.dms_endpoints import Endpoints
from local_aws.dms_parameters import DmsFault
from local_aws.replication_configs import ReplicationConfigs
from local_aws.replication_tasks import ReplicationTasks
from local_aws.switches import Switches, changed

from .builders import DMS, FakeClock, make_client_error
from .in_memory import FakeClient
from .wire import KilledError

Given = dict[str, Any]
PREFIX = f"arn:aws:dms:eu-west-1:{DMS}:"
INSTANCE = f"{PREFIX}rep:tests"
MAPPINGS = json.dumps({"rules": [{"rule-type": "selection", "rule-id": "1"}]})
SETTINGS = json.dumps({"Logging": {"EnableLogging": True}, "TargetMetadata": {"LobMaxSize": 64}})
CHANGING = ("create_", "delete_", "start_", "stop_", "modify_", "add_", "remove_")


@dataclass
class DmsInMemory:
    """Endpoints, tasks and serverless replications of an account. Methods are boto3's."""

    clock: FakeClock
    service: str = "dms"
    switches: Switches = field(default_factory=Switches)
    account_id: str = DMS
    region: str = "eu-west-1"
    instances: dict[str, str] = field(default_factory=lambda: {INSTANCE: "available"})

    def __post_init__(self) -> None:
        self.endpoints = Endpoints(self)
        self.tasks = ReplicationTasks(self, source_of=self.endpoints.source_of)
        self.configs = ReplicationConfigs(self, source_of=self.endpoints.source_of)

    def now(self) -> float:
        return self.clock.now

    def may_assume(self, role_arn: str, external_id: str, endpoint_arn: str) -> bool:
        return True

    def why_not_deleted(self, endpoint_arn: str) -> str:
        is_used = self.tasks.are_on(endpoint_arn) or self.configs.are_on(endpoint_arn)
        return "is part of one or more ReplicationTasks" if is_used else ""

    def describe_replication_instances(self, Filters: Any) -> Given:  # noqa: N803  # boto3's name
        (arn,) = Filters[0]["Values"]
        found = [arn] if arn in self.instances else []
        return {"ReplicationInstances": [{"ReplicationInstanceStatus": self.instances[each]} for each in found]}

    def __getattr__(self, operation: str) -> Callable[..., Given]:
        def call(**given: Any) -> Given:
            kind = given.get("ResourceArn", "").split(":")[5:6]
            holders: dict[str, Any] = {"endpoint": self.endpoints, "task": self.tasks}
            served_by = [holders.get(kind[0], self.configs)] if kind else [self.endpoints, self.tasks, self.configs]
            served = next(getattr(each, operation) for each in served_by if hasattr(each, operation))
            try:
                answer: Given = served(given)
            except DmsFault as fault:
                raise make_client_error(fault.code, str(fault)) from fault
            return answer

        return call


@dataclass
class Desk:
    """What the command did last: its exit status, and what it printed."""

    capsys: pytest.CaptureFixture[str]
    file: Path
    clock: FakeClock = field(default_factory=FakeClock)
    status: int = 0
    printed: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    # By the number of the call: what happens in its place.
    happenings: dict[int, Callable[[Callable[[], Any]], Any]] = field(default_factory=dict)
    # What was written to the disk; doing it would cost most of the time of these tests.
    synced: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.dms = DmsInMemory(self.clock)
        self.operator: Any = FakeClient(self.dms, self._call)
        # Somebody else, whose calls are not counted.
        self.other: Any = FakeClient(self.dms)
        self.target()

    def _call(self, name: str, effect: Callable[[], Any]) -> Any:
        self.clock.now += 0.05
        happening = self.happenings.get(len(self.calls))
        self.calls.append(name)
        return happening(effect) if happening else effect()

    def switch(self, **switches: Any) -> None:
        self.dms.switches = changed(self.dms.switches, switches)

    def run(self, *arguments: str) -> int:
        """The exit status; -1 if it was killed."""
        self.capsys.readouterr()
        self.calls = []
        try:
            self.status = main([*arguments, "--file", str(self.file)], self.clock.deadline(float("inf")))
        except KilledError:
            self.status = -1
        said = self.capsys.readouterr()
        self.printed, self.errors = said.out.splitlines(), said.err.splitlines()
        return self.status

    def save(self, *more: str, endpoint: str = "dev/orders") -> int:
        return self.run("save", "--endpoint", endpoint, *more)

    def restore(self, *more: str) -> int:
        return self.run("restore", *more)

    @property
    def error(self) -> str:
        """The one line."""
        (line,) = self.errors
        return line

    @property
    def changes(self) -> list[str]:
        """The changing calls of the last run."""
        return [call for call in self.calls if call.startswith(CHANGING)]

    @property
    def held(self) -> Given:
        """What the file holds."""
        held: Given = json.loads(self.file.read_text())
        return held

    # The account

    def target(self, tail: str = "orders") -> str:
        """The endpoint that the stack makes; its ARN."""
        given = {
            "EndpointIdentifier": "orders",
            "EndpointType": "target",
            "EngineName": "s3",
            "S3Settings": {"BucketName": "lake", "ServiceAccessRoleArn": f"arn:aws:iam::{DMS}:role/dms-orders"},
            "ResourceIdentifier": tail,
            "Tags": [{"Key": PHYSICAL_ID, "Value": "dev/orders"}],
        }
        return str(self.other.create_endpoint(**given)["Endpoint"]["EndpointArn"])

    def deploy(self, tail: str = "orders") -> None:
        """An update of the stack creates the endpoint again."""
        (before,) = [each.arn for each in self.dms.endpoints.standing() if each.identifier == "orders"]
        self.other.delete_endpoint(EndpointArn=before)
        self.target(tail)

    def source(self, engine: str = "mysql", **more: Any) -> str:
        """The ARN of a source endpoint of this engine."""
        given = {"EndpointIdentifier": f"source-{engine}", "EndpointType": "source", "EngineName": engine, **more}
        arn = f"{PREFIX}endpoint:source-{engine}"
        if arn not in [each.arn for each in self.dms.endpoints.standing()]:
            self.other.create_endpoint(**given, ResourceIdentifier=f"source-{engine}")
        return arn

    def task(self, kind: str = "full-load-and-cdc", **more: Any) -> str:
        """The ARN of a task on the endpoint, which was never started."""
        given = {
            "ReplicationTaskIdentifier": "nightly",
            "SourceEndpointArn": more.get("SourceEndpointArn") or self.source(),
            "TargetEndpointArn": f"{PREFIX}endpoint:orders",
            "ReplicationInstanceArn": INSTANCE,
            "MigrationType": kind,
            "TableMappings": MAPPINGS,
            "ReplicationTaskSettings": SETTINGS,
            "ResourceIdentifier": "nightly",
            "Tags": [{"Key": "team", "Value": "lake"}],
        }
        left = {key: value for key, value in (given | more).items() if value is not None}
        return str(self.other.create_replication_task(**left)["ReplicationTask"]["ReplicationTaskArn"])

    def start(self, arn: str, loads: float = 0.0) -> None:
        """It runs, for an hour by now. `loads`: how many seconds its full load takes."""
        self.switch(load_seconds=loads)
        self.other.start_replication_task(ReplicationTaskArn=arn, StartReplicationTaskType="start-replication")
        self.clock.now += 3600.0

    def stop(self, arn: str) -> None:
        self.other.stop_replication_task(ReplicationTaskArn=arn)
        self.clock.now += 60.0

    def running(self, kind: str = "full-load-and-cdc", **more: Any) -> str:
        """The ARN of a task that runs, and has loaded all."""
        arn = self.task(kind, **more)
        self.start(arn)
        return arn

    def config(self, kind: str = "cdc", starts: bool = False, **more: Any) -> str:
        """The ARN of a serverless replication config on the endpoint."""
        given = {
            "ReplicationConfigIdentifier": "stock",
            "SourceEndpointArn": self.source(),
            "TargetEndpointArn": f"{PREFIX}endpoint:orders",
            "ComputeConfig": {"MaxCapacityUnits": 2},
            "ReplicationType": kind,
            "TableMappings": MAPPINGS,
            "ResourceIdentifier": "stock",
        }
        answer = self.other.create_replication_config(**given | more)
        arn = str(answer["ReplicationConfig"]["ReplicationConfigArn"])
        if starts:
            self.other.start_replication(ReplicationConfigArn=arn, StartReplicationType="start-replication")
            self.clock.now += 3600.0
        return arn

    def tasks(self) -> list[Given]:
        return list(self.other.describe_replication_tasks()["ReplicationTasks"])

    def standing(self) -> list[Given]:
        """All of both, but for where the running ones are in the changes."""
        return [
            {key: each[key] for key in each if key != "RecoveryCheckpoint"} for each in self.tasks() + self.configs()
        ]

    def the_task(self) -> Given:
        (task,) = self.tasks()
        return task

    def configs(self) -> list[Given]:
        """Each with what its replication shows."""
        replications = self.other.describe_replications()["Replications"]
        configs = self.other.describe_replication_configs()["ReplicationConfigs"]
        return [config | replication for config, replication in zip(configs, replications, strict=True)]

    def the_config(self) -> Given:
        (config,) = self.configs()
        return config

    def tags(self, arn: str) -> dict[str, str]:
        return {tag["Key"]: tag["Value"] for tag in self.other.list_tags_for_resource(ResourceArn=arn)["TagList"]}


@pytest.fixture
def desk(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Desk:
    desk = Desk(capsys, tmp_path / "orders.json")
    session = SimpleNamespace(client=lambda _service: desk.operator)
    monkeypatch.setattr(os, "fsync", desk.synced.append)
    monkeypatch.setattr(boto3, "Session", lambda profile_name, region_name: session)
    return desk
