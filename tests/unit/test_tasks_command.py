"""`tasks save` and `tasks restore`: what comes back, and as what."""

from __future__ import annotations

import json
import stat
from collections.abc import Callable
from typing import Any

import boto3
import pytest
from botocore.exceptions import EndpointConnectionError, NoCredentialsError, ProfileNotFound

from dms_s3_endpoint_cli.tasks import main

from .builders import make_client_error
from .desk import INSTANCE, MAPPINGS, PREFIX, Desk, desk

__all__ = ["desk"]


def position(checkpoint: str) -> int:
    """Where in the changes it is."""
    return int(checkpoint.split("#")[1])


# What is saved


def test_a_task_that_runs_is_stopped_first_and_the_checkpoint_is_the_one_after_the_stop(desk: Desk) -> None:
    desk.running()
    lagging = position(desk.the_task()["RecoveryCheckpoint"])
    assert desk.save() == 0
    assert desk.changes == ["stop_replication_task", "delete_replication_task"]
    assert desk.tasks() == []
    (entry,) = desk.held["entries"]
    assert position(entry["comes_back"]["start_position"]) >= lagging + 60_000
    assert entry["comes_back"]["type"] == "cdc"


def test_the_file_is_readable_by_its_owner_alone_whatever_it_was_before(desk: Desk) -> None:
    desk.running()
    desk.save("--dry-run")
    desk.file.with_name("orders.json.part").write_text("of a run that was killed")
    assert desk.save() == 0
    assert stat.S_IMODE(desk.file.stat().st_mode) == 0o600
    assert [each.name for each in desk.file.parent.iterdir()] == ["orders.json"]


def test_it_has_definition_settings_mappings_and_tags(desk: Desk) -> None:
    arn = desk.running(TaskData='{"a": 1}', CdcStopPosition="server_time:2030-01-01T00:00:00")
    desk.save()
    (entry,) = desk.held["entries"]
    assert (entry["kind"], entry["arn"], entry["ran"], entry["tags"]) == ("task", arn, True, {"team": "lake"})
    definition = entry["definition"]
    assert (definition["TableMappings"], definition["TaskData"]) == (MAPPINGS, '{"a": 1}')
    assert json.loads(definition["ReplicationTaskSettings"])["TargetMetadata"]["LobMaxSize"] == 64
    assert entry["comes_back"]["stop_position"] == "server_time:2030-01-01T00:00:00"


@pytest.mark.parametrize("named", ["orders", "Orders", "dev/orders", "dev/ORDERS"])
def test_the_endpoint_is_named_by_its_physical_id_or_its_identifier(desk: Desk, named: str) -> None:
    desk.running()
    assert desk.save(endpoint=named) == 0
    assert desk.held["endpoint"] == "orders"


def test_what_is_on_another_endpoint_stays(desk: Desk) -> None:
    other = f"{PREFIX}endpoint:other"
    desk.task(ReplicationTaskIdentifier="other", TargetEndpointArn=other, ResourceIdentifier=None)
    desk.config(TargetEndpointArn=other)
    assert desk.save() == 0
    assert (len(desk.tasks()), len(desk.configs())) == (1, 1)


def test_where_nothing_is_on_the_endpoint_the_file_says_so_and_so_does_the_restore(desk: Desk) -> None:
    assert desk.save() == 0
    assert "No task and no replication config is on it." in desk.printed
    desk.deploy()
    assert (desk.restore(), desk.changes) == (0, [])
    assert desk.printed == ["The file has no task and no replication config."]


def test_tags_that_nobody_may_give_are_left_out(desk: Desk) -> None:
    arn = desk.running()
    desk.dms.tasks.kept[arn].tags |= {"aws:servicecatalog:x": "1", "dms:y": "2"}
    desk.save()
    desk.deploy()
    assert desk.restore() == 0
    assert desk.tags(arn) == {"team": "lake"}


def test_each_page_of_serverless_configs_is_read(desk: Desk) -> None:
    for name in ("a", "b", "stock"):
        desk.config(ReplicationConfigIdentifier=name, ResourceIdentifier=name)
    desk.switch(page_size=1)
    assert desk.save() == 0
    assert [each["definition"]["ReplicationConfigIdentifier"] for each in desk.held["entries"]] == ["a", "b", "stock"]


# What comes back


def test_a_task_comes_back_under_its_arn_with_its_checkpoint_and_runs(desk: Desk) -> None:
    arn = desk.running()
    before = desk.the_task()
    desk.save()
    desk.deploy()
    assert desk.restore() == 0
    now = desk.the_task()
    assert (now["ReplicationTaskArn"], now["Status"], now["MigrationType"]) == (arn, "running", "cdc")
    assert now["CdcStartPosition"] == desk.held["entries"][0]["comes_back"]["start_position"]
    assert desk.dms.tasks.kept[arn].run.start_position == now["CdcStartPosition"]
    for member in ("TableMappings", "SourceEndpointArn", "TargetEndpointArn", "ReplicationInstanceArn"):
        assert now[member] == before[member]
    settings = [json.loads(each["ReplicationTaskSettings"])["TargetMetadata"] for each in (before, now)]
    assert settings[0] == settings[1]
    assert desk.tags(arn) == {"team": "lake"}


def test_the_log_that_dms_gave_it_is_no_part_of_what_is_asked_for(desk: Desk) -> None:
    desk.running()
    assert json.loads(desk.the_task()["ReplicationTaskSettings"])["Logging"]["CloudWatchLogGroup"]
    desk.save()
    desk.deploy()
    assert desk.restore() == 0


def as_never_started(_desk: Desk, _arn: str) -> None:
    """As it was made."""


def as_running(desk: Desk, arn: str) -> None:
    desk.start(arn)


def as_stopped(desk: Desk, arn: str) -> None:
    desk.start(arn)
    if desk.the_task()["Status"] == "running":
        desk.stop(arn)


def as_failed(desk: Desk, arn: str) -> None:
    as_stopped(desk, arn)
    desk.dms.tasks.kept[arn].run.course[-1] = (desk.clock.now, "failed")


AT = "checkpoint:V1#7#0#0#*#0#0"
# Type, start position, state; then type, and whether it has the checkpoint, the position it was made with or none, and
# the status in which it comes back.
COMES_BACK: list[tuple[str, str, Callable[[Desk, str], None], str, str, str]] = [
    ("full-load", "", as_never_started, "full-load", "", "ready"),
    ("full-load", "", as_running, "full-load", "", "ready"),
    ("full-load-and-cdc", "", as_never_started, "full-load-and-cdc", "", "ready"),
    ("full-load-and-cdc", "", as_running, "cdc", "checkpoint", "running"),
    ("full-load-and-cdc", "", as_stopped, "cdc", "checkpoint", "ready"),
    ("full-load-and-cdc", "", as_failed, "cdc", "checkpoint", "ready"),
    ("cdc", "", as_never_started, "cdc", "", "ready"),
    ("cdc", AT, as_never_started, "cdc", AT, "ready"),
    ("cdc", AT, as_running, "cdc", "checkpoint", "running"),
    ("cdc", "", as_stopped, "cdc", "checkpoint", "ready"),
]


@pytest.mark.parametrize(("kind", "begins", "state", "back", "at", "status"), COMES_BACK)
def test_how_a_task_comes_back(
    desk: Desk, kind: str, begins: str, state: Callable[[Desk, str], None], back: str, at: str, status: str
) -> None:
    arn = desk.task(kind, CdcStartPosition=begins or None)
    state(desk, arn)
    assert desk.save() == 0
    desk.deploy()
    assert desk.restore() == 0
    now = desk.the_task()
    assert (now["MigrationType"], now["Status"]) == (back, status)
    begins_now = now.get("CdcStartPosition", "")
    assert begins_now != AT and bool(begins_now) if at == "checkpoint" else begins_now == at


def test_one_whose_arn_ends_too_long_for_dms_comes_back_under_another_and_that_is_said_before(desk: Desk) -> None:
    arn = desk.running(ResourceIdentifier=None)
    desk.save("--dry-run")
    assert "under another ARN" in desk.printed[2]
    desk.save()
    desk.deploy()
    assert desk.restore() == 0
    assert desk.the_task()["ReplicationTaskArn"] != arn
    assert desk.printed[-1] == f"task nightly: running, {desk.the_task()['ReplicationTaskArn']}"


def test_a_serverless_replication_is_stopped_and_started_again_at_its_checkpoint(desk: Desk) -> None:
    arn = desk.config(starts=True)
    assert desk.save() == 0
    assert desk.changes == ["stop_replication", "delete_replication_config"]
    desk.deploy()
    assert desk.restore() == 0
    now = desk.the_config()
    assert (now["ReplicationConfigArn"], now["ReplicationType"], now["Status"]) == (arn, "cdc", "running")
    checkpoint = desk.held["entries"][0]["comes_back"]["start_position"]
    assert (desk.dms.configs.kept[arn].run.start_position, bool(checkpoint)) == (checkpoint, True)


def test_a_serverless_replication_that_did_not_run_comes_back_so_and_its_place_in_the_changes_is_told(
    desk: Desk,
) -> None:
    arn = desk.config(starts=True)
    desk.other.stop_replication(ReplicationConfigArn=arn)
    desk.save()
    desk.deploy()
    assert desk.restore() == 0
    assert desk.the_config()["Status"] == "created"
    assert desk.printed[-1].endswith(f"--cdc-start-position {desk.held['entries'][0]['comes_back']['start_position']}")


def test_what_is_under_way_is_waited_for(desk: Desk) -> None:
    desk.switch(task_seconds=100.0, load_seconds=0.0)
    arn = desk.task()
    desk.clock.now += 100.0
    desk.other.start_replication_task(ReplicationTaskArn=arn, StartReplicationTaskType="start-replication")
    assert desk.the_task()["Status"] == "starting"
    assert desk.save() == 0
    assert desk.clock.now >= 400.0
    desk.deploy()
    assert desk.restore() == 0
    assert desk.the_task()["Status"] == "running"


def test_what_takes_too_long_is_said_with_its_status(desk: Desk) -> None:
    desk.running()
    desk.switch(task_seconds=5000.0)
    assert desk.save() == 2
    assert desk.error == (
        "It can't be done: task nightly is stopping, and was not stopped within 15 minutes. Run this again"
    )
    desk.clock.now += 5000.0
    desk.switch(task_seconds=0.0)
    assert desk.save() == 0
    assert desk.held["entries"][0]["comes_back"]["start"] is True


def test_a_task_that_fails_after_its_start_is_said(desk: Desk) -> None:
    desk.running()
    desk.save()
    desk.deploy()
    desk.switch(tasks_fail=True)
    assert desk.restore() == 2
    assert desk.error == "It can't be done: task nightly is made, and failed after its start: The task failed"
    assert desk.restore() == 2


def test_one_that_somebody_stopped_after_the_restore_is_left(desk: Desk) -> None:
    arn = desk.running()
    desk.save()
    desk.deploy()
    desk.restore()
    desk.stop(arn)
    assert (desk.restore(), desk.changes) == (0, [])
    assert desk.printed[-1] == f"task nightly: stopped, {arn}"


def test_they_come_back_on_another_endpoint_if_that_is_named(desk: Desk) -> None:
    desk.running()
    desk.save()
    desk.deploy("another-tail")
    assert desk.restore() == 2
    assert desk.error.endswith("does not exist. If another one has its place now, name it by --endpoint")
    assert desk.restore("--endpoint", "dev/orders") == 0
    assert desk.the_task()["TargetEndpointArn"] == f"{PREFIX}endpoint:another-tail"
    assert (desk.restore("--endpoint", "orders"), desk.changes) == (0, [])


# A dry run


def test_a_dry_run_says_what_a_run_would_do_and_changes_nothing(desk: Desk) -> None:
    desk.running()
    desk.config()
    before = desk.standing()
    assert (desk.save("--dry-run"), desk.changes) == (0, [])
    assert (desk.standing(), desk.file.exists()) == (before, False)
    assert desk.printed == [
        f"endpoint orders, {PREFIX}endpoint:orders",
        "task nightly, running",
        "    comes back as cdc from the checkpoint that it has once it is stopped, started, under its ARN",
        "replication config stock, created",
        "    comes back as cdc, not started, under its ARN",
        "Nothing was changed.",
    ]
    desk.save()
    written = desk.file.read_bytes()
    assert (desk.save("--dry-run"), desk.changes) == (0, [])
    assert desk.printed[1:3] == ["task nightly, deleted already", "replication config stock, deleted already"]
    desk.deploy()
    assert (desk.restore("--dry-run"), desk.changes) == (0, [])
    assert (desk.standing(), desk.file.read_bytes()) == ([], written)
    checkpoint = desk.held["entries"][0]["comes_back"]["start_position"]
    assert desk.printed == [
        f"task nightly comes back as cdc from {checkpoint}, started",
        "replication config stock comes back as cdc, not started",
        "Nothing was changed.",
    ]


def test_a_dry_run_refuses_what_a_run_would_refuse_and_does_not_wait(desk: Desk) -> None:
    desk.switch(task_seconds=100.0)
    arn = desk.task("full-load")
    desk.clock.now += 100.0
    desk.other.start_replication_task(ReplicationTaskArn=arn, StartReplicationTaskType="start-replication")
    assert desk.save("--dry-run") == 1
    assert "its full load is not over" in desk.error
    assert desk.clock.slept == []


def test_tables_in_error_are_told(desk: Desk) -> None:
    desk.running()
    desk.switch(tables_errored=2)
    desk.save("--dry-run")
    assert "    warning: 2 tables are in error, and go on without what they missed" in desk.printed


# What can't be done


def test_an_endpoint_that_does_not_exist_is_said(desk: Desk) -> None:
    assert desk.save(endpoint="dev/stock") == 2
    assert desk.error == (
        "It can't be done: endpoint stock does not exist. Look at the name, the profile and the region"
    )


ERRORS = {
    "no credentials": NoCredentialsError(),
    "no such profile": ProfileNotFound(profile="dms"),
    "no connection": EndpointConnectionError(endpoint_url="https://nowhere.example.invalid"),
    "access denied": make_client_error("AccessDeniedException", "not you,\nnot here"),
    "interrupted": KeyboardInterrupt(),
}


@pytest.mark.parametrize("error", ERRORS.values(), ids=ERRORS.keys())
def test_an_error_is_one_line(desk: Desk, monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    def session(**_given: Any) -> Any:
        raise error

    monkeypatch.setattr(boto3, "Session", session)
    assert desk.save() == 2
    assert desk.error


def test_a_file_that_can_not_be_written_is_said_before_anything_is_stopped(desk: Desk) -> None:
    desk.running()
    desk.file = desk.file.parent / "no-such-folder" / "orders.json"
    assert (desk.save(), desk.changes) == (2, [])
    assert desk.the_task()["Status"] == "running"


def test_a_file_that_does_not_exist_can_not_be_restored(desk: Desk) -> None:
    assert desk.restore() == 2
    assert desk.error == f"It can't be done: {desk.file} does not exist"


def as_being_created(desk: Desk) -> None:
    desk.switch(create_seconds=60.0)
    desk.deploy()


MISSING: dict[str, tuple[Callable[[Desk], Any], str]] = {
    "source": (
        lambda desk: desk.other.delete_endpoint(EndpointArn=f"{PREFIX}endpoint:source-mysql"),
        f"endpoint {PREFIX}endpoint:source-mysql does not exist",
    ),
    "target": (
        lambda desk: desk.other.delete_endpoint(EndpointArn=f"{PREFIX}endpoint:orders"),
        f"endpoint {PREFIX}endpoint:orders does not exist",
    ),
    "target at work": (as_being_created, "endpoint orders is creating"),
    "instance": (lambda desk: desk.dms.instances.clear(), f"replication instance {INSTANCE} does not exist"),
    "instance at work": (
        lambda desk: desk.dms.instances.update({INSTANCE: "modifying"}),
        f"replication instance {INSTANCE} is modifying",
    ),
}


@pytest.mark.parametrize(("happens", "said"), MISSING.values(), ids=MISSING.keys())
def test_what_a_restore_needs_is_looked_for_before_anything_is_made(
    desk: Desk, happens: Callable[[Desk], Any], said: str
) -> None:
    desk.running()
    desk.config()
    desk.save()
    happens(desk)
    assert (desk.restore(), desk.changes) == (2, [])
    assert said in desk.error
    assert desk.tasks() == desk.configs() == []


@pytest.mark.parametrize("action", [[], ["save"], ["restore"]])
def test_the_help_tells_the_exit_codes(capsys: pytest.CaptureFixture[str], action: list[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        main([*action, "--help"])
    assert "1  it is refused: something would be lost" in capsys.readouterr().out
