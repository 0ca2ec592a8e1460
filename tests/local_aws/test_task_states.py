"""The life of tasks and serverless replications: order of states, full load, checkpoints, start positions, slots."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from local_aws.dms_endpoints import Source
from local_aws.dms_parameters import DmsFault
from local_aws.replication_configs import ReplicationConfigs
from local_aws.replication_tasks import ReplicationTasks
from local_aws.switches import Switches

from .endpoint_pair import Pair, refused

STATE, COMBINATION = "InvalidResourceStateFault", "InvalidParameterCombinationException"
AT = "checkpoint:V1#7#0#0#*#0#0"
START, RESUME, RELOAD = "start-replication", "resume-processing", "reload-target"


@dataclass
class Surroundings:
    """An account with a clock that the test moves."""

    account_id: str = "333333333333"
    region: str = "eu-west-1"
    switches: Switches = Switches(task_seconds=10.0, load_seconds=100.0, checkpoint_lag_seconds=5.0)  # noqa: RUF009  # frozen
    time: float = 0.0

    def now(self) -> float:
        return self.time

    def may_assume(self, role_arn: str, external_id: str, endpoint_arn: str) -> bool:
        return True

    def why_not_deleted(self, endpoint_arn: str) -> str:
        return ""


@dataclass
class World:
    """One task or serverless replication of the type, on a source."""

    type: str = "full-load-and-cdc"
    source: Source = Source("mysql")  # noqa: RUF009  # frozen
    is_task: bool = True
    around: Surroundings = field(default_factory=Surroundings)

    def __post_init__(self) -> None:
        self.tasks = ReplicationTasks(self.around, source_of=lambda _arn: self.source)
        self.configs = ReplicationConfigs(self.around, source_of=lambda _arn: self.source)

    def made(self, **more: Any) -> World:
        given = {"SourceEndpointArn": "s", "TargetEndpointArn": "t", "TableMappings": "{}", **more}
        if self.is_task:
            named = {"ReplicationTaskIdentifier": "nightly", "ReplicationInstanceArn": "i", "MigrationType": self.type}
            self.arn = self.tasks.create_replication_task(given | named)["ReplicationTask"]["ReplicationTaskArn"]
        else:
            compute = {"ComputeConfig": {"MaxCapacityUnits": 1}, "ReplicationType": self.type}
            given |= {"ReplicationConfigIdentifier": "nightly", **compute}
            answer = self.configs.create_replication_config(given)
            self.arn = answer["ReplicationConfig"]["ReplicationConfigArn"]
        return self

    def later(self, seconds: float) -> World:
        self.around.time += seconds
        return self

    def start(self, kind: str = START, position: str = "") -> World:
        at = {"CdcStartPosition": position} if position else {}
        if self.is_task:
            self.tasks.start_replication_task(
                {"ReplicationTaskArn": self.arn, "StartReplicationTaskType": kind, **at},
            )
        else:
            self.configs.start_replication({"ReplicationConfigArn": self.arn, "StartReplicationType": kind, **at})
        return self

    def stop(self) -> World:
        if self.is_task:
            self.tasks.stop_replication_task({"ReplicationTaskArn": self.arn})
        else:
            self.configs.stop_replication({"ReplicationConfigArn": self.arn})
        return self

    def delete(self) -> World:
        if self.is_task:
            self.tasks.delete_replication_task({"ReplicationTaskArn": self.arn})
        else:
            self.configs.delete_replication_config({"ReplicationConfigArn": self.arn})
        return self

    @property
    def shown(self) -> dict[str, Any]:
        if self.is_task:
            (shown,) = self.tasks.describe_replication_tasks({})["ReplicationTasks"]
        else:
            (shown,) = self.configs.describe_replications({})["Replications"]
        return dict(shown)

    @property
    def status(self) -> str:
        standing = self.tasks.standing() if self.is_task else self.configs.standing()
        return str(self.shown["Status"]) if standing else "gone"

    @property
    def position(self) -> float:
        """Its checkpoint in seconds."""
        return int(self.shown["RecoveryCheckpoint"].split("#")[1]) / 1000


def fault(code: str, call: Callable[[], object]) -> str:
    with pytest.raises(DmsFault) as raised:
        call()
    assert raised.value.code == code
    return str(raised.value)


@pytest.mark.parametrize(
    ("is_task", "names"), [(True, ("creating", "ready", "starting")), (False, ("created", "created", "initializing"))]
)
def test_the_states_come_in_their_order_and_each_allows_what_it_allows(
    is_task: bool, names: tuple[str, str, str]
) -> None:
    world = World("cdc", is_task=is_task).made()
    assert world.status == names[0]
    world.later(10.0)
    assert world.status == names[1]
    fault(STATE, world.stop)
    world.start()
    assert world.status == names[2]
    for call in (world.start, world.stop, world.delete):
        fault(STATE, call)
    world.later(10.0)
    assert world.status == "running"
    for call in (world.start, world.delete):
        fault(STATE, call)
    world.stop()
    assert world.status == "stopping"
    for call in (world.start, world.stop, world.delete):
        fault(STATE, call)
    world.later(10.0)
    assert (world.status, world.shown["StopReason"]) == ("stopped", "Stop Reason NORMAL")
    world.delete()
    fault(STATE, world.delete)
    world.later(10.0)
    assert world.status == "gone"
    fault("ResourceNotFoundFault", world.delete)


def test_a_name_and_an_arn_are_free_again_once_it_is_gone() -> None:
    world = World().made(ResourceIdentifier="nightly").later(10.0)
    fault("ResourceAlreadyExistsFault", lambda: world.made(ResourceIdentifier="other"))
    world.delete()
    fault("ResourceAlreadyExistsFault", lambda: world.made(ResourceIdentifier="nightly"))
    world.later(10.0).made(ResourceIdentifier="nightly")
    assert world.arn.endswith(":task:nightly")
    fault("InvalidParameterValueException", lambda: World().made(ResourceIdentifier="x" * 32))


def test_a_full_load_ends_by_itself_and_has_no_checkpoint() -> None:
    world = World("full-load").made().later(10.0).start().later(10.0)
    assert (world.status, "FullLoadFinishDate" in world.shown["ReplicationTaskStats"]) == ("running", False)
    world.later(100.0)
    assert (world.status, world.shown["StopReason"]) == ("stopped", "Stop Reason FULL_LOAD_ONLY_FINISHED")
    assert world.shown["ReplicationTaskStats"]["FullLoadFinishDate"]
    assert "RecoveryCheckpoint" not in world.shown


def test_a_checkpoint_lags_until_the_stop_and_begins_after_the_full_load() -> None:
    world = World().made().later(10.0).start().later(110.0)
    assert "RecoveryCheckpoint" not in world.shown
    world.later(50.0)
    assert world.position == world.around.now() - 5.0
    stopped = world.stop().later(10.0).around.now()
    assert world.position == stopped
    assert world.later(1000.0).position == stopped


def test_a_load_that_was_stopped_half_way_is_not_over_and_a_reload_ends_it() -> None:
    world = World().made().later(10.0).start().later(50.0).stop().later(10.0)
    world.later(1000.0)
    assert "FullLoadFinishDate" not in world.shown["ReplicationTaskStats"]
    assert "RecoveryCheckpoint" not in world.shown
    stats = world.start(RELOAD).later(120.0).shown["ReplicationTaskStats"]
    assert stats["FullLoadFinishDate"] >= stats["FreshStartDate"] > 0


def test_what_is_resumed_goes_on_at_its_checkpoint() -> None:
    world = World("cdc").made().later(10.0).start().later(60.0).stop().later(10.0)
    before = world.position
    world.start(RESUME).later(10.0)
    assert world.position == before


@pytest.mark.parametrize(
    ("type_", "has_run", "kind", "is_valid"),
    [
        ("full-load-and-cdc", False, START, True),
        ("full-load-and-cdc", False, RESUME, False),
        ("full-load-and-cdc", True, START, False),
        ("full-load-and-cdc", True, RESUME, True),
        ("full-load-and-cdc", True, RELOAD, True),
        ("full-load", True, RELOAD, True),
        ("cdc", False, RELOAD, False),
        ("cdc", True, RELOAD, False),
        ("cdc", True, START, True),
    ],
)
def test_the_start_types_of_a_first_and_of_a_later_run(type_: str, has_run: bool, kind: str, is_valid: bool) -> None:
    world = World(type_).made().later(10.0)
    if has_run:
        world.start().later(50.0).stop().later(10.0)
    if is_valid:
        assert world.start(kind).status == "starting"
    else:
        assert kind.upper().replace("-", "_") in fault(COMBINATION, lambda: world.start(kind))


@pytest.mark.parametrize("engine", ["aurora", "aurora-postgresql", "docdb", "mongodb", "s3", "db2", "sybase"])
def test_sources_without_native_start_points_take_no_start_position(engine: str) -> None:
    world = World("cdc", Source(engine))
    fault(COMBINATION, lambda: world.made(CdcStartPosition=AT))
    world.made().later(10.0)
    fault(COMBINATION, lambda: world.start(position=AT))
    assert world.start().later(10.0).status == "running"


@pytest.mark.parametrize("type_", ["full-load", "full-load-and-cdc"])
@pytest.mark.parametrize("is_task", [True, False])
def test_a_start_position_is_for_changes_alone(type_: str, is_task: bool) -> None:
    world = World(type_, is_task=is_task)
    if is_task:
        fault(COMBINATION, lambda: world.made(CdcStartPosition=AT))
    world.made().later(10.0)
    fault(COMBINATION, lambda: world.start(position=AT))


@pytest.mark.parametrize("is_task", [True, False])
def test_it_begins_at_the_position_that_its_start_is_given(is_task: bool) -> None:
    world = World("cdc", is_task=is_task).made().later(10.0).start(position=AT).later(10.0)
    assert (world.status, world.shown["RecoveryCheckpoint"]) == ("running", AT)


def test_a_task_begins_at_its_own_position_and_a_resumed_one_does_not() -> None:
    world = World("cdc").made(CdcStartPosition=AT).later(10.0).start().later(10.0)
    assert world.shown["RecoveryCheckpoint"] == AT
    before = world.later(60.0).stop().later(10.0).shown["RecoveryCheckpoint"]
    assert world.start(RESUME).later(10.0).shown["RecoveryCheckpoint"] == before != AT


def test_a_slot_that_dms_made_goes_with_its_task_and_one_that_is_named_stays() -> None:
    for slot, status in (("", "failed"), ("orders", "running")):
        world = World("cdc", Source("postgres", slot)).made().later(10.0).start().later(60.0)
        assert world.status == "running"
        checkpoint = world.stop().later(10.0).shown["RecoveryCheckpoint"]
        world.delete().later(10.0).made(CdcStartPosition=checkpoint).later(10.0).start().later(10.0)
        assert world.status == status
        assert ("slot" in world.shown.get("LastFailureMessage", "")) == (status == "failed")


def test_a_serverless_replication_is_not_changed_once_it_was_started() -> None:
    world = World("cdc", is_task=False).made()
    named = {"ReplicationConfigArn": world.arn}
    world.configs.modify_replication_config(named | {"TableMappings": '{"rules": []}'})
    world.start().later(10.0).stop().later(10.0)
    fault(STATE, lambda: world.configs.modify_replication_config(named | {"TableMappings": "{}"}))


def test_settings_are_shown_with_defaults_and_the_log_of_a_run_which_no_create_takes() -> None:
    given = json.dumps({"Logging": {"EnableLogging": True}})
    world = World("cdc").made(ReplicationTaskSettings=given).later(10.0)
    assert json.loads(world.shown["ReplicationTaskSettings"])["Logging"]["CloudWatchLogGroup"] is None
    shown = world.start().shown["ReplicationTaskSettings"]
    assert json.loads(shown)["Logging"]["CloudWatchLogGroup"] == "dms-tasks"
    words = fault("InvalidParameterValueException", lambda: World().made(ReplicationTaskSettings=shown))
    assert words == "Task Settings CloudWatchLogGroup or CloudWatchLogStream cannot be set on create."


# Through the API


def test_serverless_replications_are_described_started_stopped_and_tagged(pair: Pair) -> None:
    made = pair.dms.create_replication_config(
        ReplicationConfigIdentifier=pair.identifier,
        SourceEndpointArn="arn:aws:dms:eu-west-1:333333333333:endpoint:S",
        TargetEndpointArn="arn:aws:dms:eu-west-1:333333333333:endpoint:T",
        ComputeConfig={"MaxCapacityUnits": 1},
        ReplicationType="cdc",
        TableMappings="{}",
        Tags=[{"Key": "team", "Value": "one"}],
    )["ReplicationConfig"]
    named = {"ReplicationConfigArn": made["ReplicationConfigArn"]}
    by = [{"Name": "replication-config-id", "Values": [pair.identifier]}]

    def status() -> str:
        (found,) = pair.dms.describe_replications(Filters=by)["Replications"]
        return str(found["Status"])

    assert status() == "created"
    assert pair.dms.start_replication(**named, StartReplicationType=START)["Replication"]["Status"] == "running"
    refused(STATE, pair.dms.delete_replication_config, **named)
    pair.dms.stop_replication(**named)
    assert status() == "stopped"
    pair.dms.add_tags_to_resource(ResourceArn=made["ReplicationConfigArn"], Tags=[{"Key": "a", "Value": "b"}])
    pair.dms.remove_tags_from_resource(ResourceArn=made["ReplicationConfigArn"], TagKeys=["team"])
    tags = pair.dms.list_tags_for_resource(ResourceArn=made["ReplicationConfigArn"])["TagList"]
    assert tags == [{"Key": "a", "Value": "b"}]
    pair.dms.delete_replication_config(**named)
    refused("ResourceNotFoundFault", pair.dms.describe_replications, Filters=by)


@pytest.mark.parametrize(
    ("more", "slot"),
    [
        ({"PostgreSQLSettings": {"SlotName": "orders"}}, "orders"),
        ({"ExtraConnectionAttributes": "slotName=lines;"}, "lines"),
        ({}, None),
    ],
)
def test_the_slot_of_a_source_is_shown_where_it_was_given(pair: Pair, more: dict[str, Any], slot: str | None) -> None:
    name = f"{pair.identifier}-source"
    made = pair.dms.create_endpoint(EndpointIdentifier=name, EndpointType="source", EngineName="postgres", **more)
    shown = made["Endpoint"]
    told = shown.get("PostgreSQLSettings", {}).get("SlotName") or shown["ExtraConnectionAttributes"]
    assert told == {"orders": "orders", "lines": "slotName=lines;", None: ""}[slot]
    pair.dms.delete_endpoint(EndpointArn=shown["EndpointArn"])
