"""What `tasks save` and `tasks restore` refuse, why, and what the operator can decide. Nothing is changed then."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from dms_s3_endpoint_cli.coming_back import TAKE_START_POINTS

from .desk import Desk, desk

__all__ = ["desk"]

WITHOUT_START_POINTS = (
    *("aurora", "aurora-postgresql", "docdb", "s3", "db2", "db2-zos", "mongodb", "sybase", "azuredb"),
    "azure-sql-managed-instance",
)
RELOAD = "With --reload it loads all again"
LOSE = "With --lose-changes it comes back without them, and goes on with those from its start on"


def refused(desk: Desk, status: int = 1) -> str:
    """The reason of a save that changes nothing."""
    before, held = desk.standing(), desk.file.read_bytes() if desk.file.exists() else None
    assert desk.save() == status
    assert desk.changes == []
    assert desk.standing() == before
    assert (desk.file.read_bytes() if desk.file.exists() else None) == held
    return desk.error


# What would lose changes


@pytest.mark.parametrize("engine", WITHOUT_START_POINTS)
@pytest.mark.parametrize(("kind", "way_out"), [("full-load-and-cdc", RELOAD), ("cdc", LOSE)])
def test_a_source_for_which_dms_takes_no_start_point(desk: Desk, engine: str, kind: str, way_out: str) -> None:
    desk.running(kind, SourceEndpointArn=desk.source(engine, S3Settings=s3_of(engine)))
    assert refused(desk) == (
        f"Refused: task nightly: DMS takes no start point for its source, source-{engine} ({engine}). {way_out}"
    )


def s3_of(engine: str) -> dict[str, str]:
    return {"BucketName": "lake", "ServiceAccessRoleArn": "arn:aws:iam::333333333333:role/s"} if engine == "s3" else {}


@pytest.mark.parametrize("engine", TAKE_START_POINTS)
def test_a_source_for_which_dms_takes_start_points_is_not_refused(desk: Desk, engine: str) -> None:
    slot = {"SlotName": "orders"} if engine == "postgres" else {}
    desk.running(SourceEndpointArn=desk.source(engine, **({"PostgreSQLSettings": slot} if slot else {})))
    assert desk.save() == 0
    desk.deploy()
    assert desk.restore() == 0
    assert desk.the_task()["Status"] == "running"


@pytest.mark.parametrize("engine", WITHOUT_START_POINTS)
def test_of_such_a_source_a_full_load_alone_comes_back(desk: Desk, engine: str) -> None:
    arn = desk.task("full-load", SourceEndpointArn=desk.source(engine, S3Settings=s3_of(engine)))
    desk.start(arn)
    assert desk.save() == 0


def test_a_replication_slot_that_dms_made_goes_with_the_task(desk: Desk) -> None:
    desk.running(SourceEndpointArn=desk.source("postgres"))
    assert refused(desk) == (
        "Refused: task nightly: DMS made its replication slot, as its source, source-postgres, names none by slotName, "
        f"and drops it together with it. {RELOAD}"
    )


@pytest.mark.parametrize("attributes", ["slotName=orders", "heartbeatEnable=true; SlotName = orders;"])
def test_a_slot_that_the_attributes_of_the_source_name_stays(desk: Desk, attributes: str) -> None:
    desk.running(SourceEndpointArn=desk.source("postgres", ExtraConnectionAttributes=attributes))
    assert desk.save() == 0
    desk.deploy()
    assert desk.restore() == 0
    assert desk.the_task()["Status"] == "running"


@pytest.mark.parametrize("kind", ["full-load", "full-load-and-cdc"])
def test_a_full_load_that_is_not_over(desk: Desk, kind: str) -> None:
    arn = desk.task(kind)
    desk.start(arn, loads=7200.0)
    assert refused(desk) == f"Refused: task nightly: its full load is not over. {RELOAD}"
    desk.stop(arn)
    assert refused(desk) == f"Refused: task nightly: its full load is not over. {RELOAD}"
    desk.other.start_replication_task(ReplicationTaskArn=arn, StartReplicationTaskType="reload-target")
    desk.clock.now += 7201.0
    assert desk.save() == 0


@pytest.mark.parametrize("told", [{"TablesLoading": 1}, {"TablesQueued": 1}, {"FullLoadFinishDate": 1.0}], ids=str)
def test_tables_that_are_loaded_again_are_no_full_load_that_is_over(desk: Desk, told: dict[str, float]) -> None:
    """By ReloadTables; by reload-target, while the date of the last load stands."""
    arn = desk.running()
    stats = desk.dms.tasks.kept[arn].run.stats
    desk.dms.tasks.kept[arn].run.stats = lambda: stats() | told  # type: ignore[method-assign]  # what the emulator does not do
    assert "its full load is not over" in refused(desk)


def test_all_that_would_be_lost_of_all_is_told_at_once(desk: Desk) -> None:
    source = desk.source("mongodb")
    arn = desk.task(SourceEndpointArn=source)
    desk.start(arn, loads=86_400.0)
    desk.config(starts=True, SourceEndpointArn=source)
    taken = "DMS takes no start point for its source, source-mongodb (mongodb)"
    assert refused(desk) == (
        f"Refused: task nightly: its full load is not over, and {taken}. {RELOAD}; "
        f"replication config stock: {taken}. {LOSE}"
    )


def test_one_that_has_no_checkpoint_once_it_is_stopped_is_not_deleted(desk: Desk) -> None:
    arn = desk.running()
    desk.dms.tasks.kept[arn].run.checkpoint = lambda: ""  # type: ignore[method-assign]  # of a task that just began
    assert desk.save() == 1
    assert desk.changes == ["stop_replication_task"]
    assert desk.error == (
        "Refused: all are stopped now, none is deleted, and resume-processing would start them again where they were. "
        f"task nightly: it has no checkpoint. {RELOAD}"
    )
    assert desk.restore() == 1
    assert "has no checkpoint of task nightly yet: run `tasks save` to its end first" in desk.error
    del desk.dms.tasks.kept[arn].run.checkpoint
    assert desk.save() == 0
    assert desk.held["entries"][0]["comes_back"]["start"] is True


# What the operator takes on


def test_with_reload_it_comes_back_as_it_was_and_loads_all_again(desk: Desk) -> None:
    desk.running(SourceEndpointArn=desk.source("aurora"))
    assert desk.save("--reload") == 0
    desk.deploy()
    desk.switch(load_seconds=60.0)
    assert desk.restore() == 0
    now = desk.the_task()
    assert (now["MigrationType"], now["Status"], now.get("CdcStartPosition")) == ("full-load-and-cdc", "running", None)
    assert now["ReplicationTaskStats"]["FullLoadProgressPercent"] < 100


def test_a_full_load_that_did_not_run_comes_back_so_with_reload_too(desk: Desk) -> None:
    arn = desk.task("full-load")
    desk.start(arn, loads=7200.0)
    desk.stop(arn)
    assert desk.save("--reload") == 0
    desk.deploy()
    desk.restore()
    assert desk.the_task()["Status"] == "ready"


def test_what_has_its_checkpoint_keeps_it_with_reload_too(desk: Desk) -> None:
    desk.running()
    assert desk.save("--reload", "--lose-changes") == 0
    assert desk.held["entries"][0]["comes_back"]["type"] == "cdc"
    assert desk.held["entries"][0]["comes_back"]["start_position"]


def test_with_lose_changes_one_without_a_full_load_begins_anew(desk: Desk) -> None:
    desk.running("cdc", SourceEndpointArn=desk.source("postgres"))
    assert desk.save("--reload") == 1
    assert desk.save("--lose-changes") == 0
    desk.deploy()
    assert desk.restore() == 0
    now = desk.the_task()
    assert (now["MigrationType"], now["Status"], now.get("CdcStartPosition")) == ("cdc", "running", None)


def test_lose_changes_is_not_for_what_can_load_all_again(desk: Desk) -> None:
    desk.running(SourceEndpointArn=desk.source("aurora"))
    assert desk.save("--lose-changes") == 1


# What is others'


def test_a_task_of_a_stack_is_the_stack_s(desk: Desk) -> None:
    arn = desk.running()
    desk.dms.tasks.kept[arn].tags["aws:cloudformation:stack-name"] = "pipeline"
    assert refused(desk) == (
        "Refused: task nightly is of stack pipeline: deleted behind its back, it would be drift. See docs/replacing.md"
    )
    assert desk.save("--reload", "--lose-changes") == 1


def test_a_task_whose_move_failed_is_somebody_s_to_settle(desk: Desk) -> None:
    arn = desk.running()
    desk.dms.tasks.kept[arn].run.course = [(0.0, "failed-move")]
    assert "task nightly is failed-move: move it again, or delete it by hand" in refused(desk)


def test_an_endpoint_of_another_environment_is_the_wrong_one(desk: Desk) -> None:
    desk.running()
    assert desk.save(endpoint="prod/orders") == 1
    assert desk.error == "Refused: endpoint orders is dev/orders by its tags, not prod/orders. Look at the profile"
    assert desk.changes == []


def test_an_endpoint_that_was_made_by_hand_has_no_environment(desk: Desk) -> None:
    desk.running()
    desk.dms.endpoints.kept[0].tags.clear()
    assert desk.save(endpoint="prod/orders") == 0


# What the file keeps


def saved(desk: Desk) -> None:
    desk.running()
    assert desk.save() == 0


def test_the_file_of_another_endpoint_is_not_written_over(desk: Desk) -> None:
    saved(desk)
    desk.deploy("another-tail")
    assert "Take another --file" in refused(desk)


def test_another_task_of_the_name_does_not_take_the_place_of_one_that_is_not_restored(desk: Desk) -> None:
    saved(desk)
    desk.deploy()
    desk.running("cdc")
    assert refused(desk) == (
        f"Refused: {desk.file} keeps another task nightly, which was deleted and is not restored: this one differs in "
        "CdcStartPosition. Take another --file"
    )


def test_the_restored_one_takes_its_place_at_the_next_save(desk: Desk) -> None:
    saved(desk)
    first = desk.held["entries"][0]["comes_back"]["start_position"]
    desk.deploy()
    desk.restore()
    desk.clock.now += 3600.0
    assert desk.save() == 0
    again = desk.held["entries"][0]
    assert again["definition"]["MigrationType"] == "cdc"
    assert again["comes_back"]["start_position"] != first


def test_what_is_deleted_already_stays_in_the_file_beside_what_came_later(desk: Desk) -> None:
    saved(desk)
    first = desk.held["entries"][0]
    desk.running(ReplicationTaskIdentifier="later", ResourceIdentifier="later")
    assert desk.save() == 0
    assert desk.held["entries"][0] == first
    assert desk.held["entries"][1]["definition"]["ReplicationTaskIdentifier"] == "later"


def test_a_checkpoint_that_was_seen_once_is_not_given_up(desk: Desk) -> None:
    arn = desk.running()
    desk.happenings = {desk_call(desk, "delete_replication_task"): killed}
    assert desk.save() == -1
    desk.happenings = {}
    seen = desk.held["entries"][0]["comes_back"]
    desk.dms.tasks.kept[arn].run.checkpoint = lambda: ""  # type: ignore[method-assign]  # should DMS forget it
    assert desk.save() == 0
    assert desk.held["entries"][0]["comes_back"] == seen


def desk_call(desk: Desk, name: str) -> int:
    """Which call of a save it is."""
    assert desk.save("--dry-run") == 0
    return len(desk.calls) + ("stop_replication_task", "", "delete_replication_task").index(name)


def killed(_effect: Callable[[], object]) -> object:
    from .wire import KilledError  # noqa: PLC0415  # of this one test

    raise KilledError


def test_one_that_somebody_else_deleted_before_its_checkpoint_was_saved(desk: Desk) -> None:
    arn = desk.running()
    desk.happenings = {desk_call(desk, "stop_replication_task"): killed}
    assert desk.save() == -1
    desk.happenings = {}
    desk.stop(arn)
    desk.other.delete_replication_task(ReplicationTaskArn=arn)
    assert refused(desk) == (
        f"Refused: task nightly is gone, and {desk.file} has no checkpoint of it: somebody else deleted it. "
        "Take another --file, and make it again by hand"
    )


# What a restore refuses


def test_another_task_of_the_name_is_not_taken_for_the_restored_one(desk: Desk) -> None:
    saved(desk)
    desk.deploy()
    desk.task("full-load", TableMappings="{}")
    assert (desk.restore(), desk.changes) == (1, [])
    assert desk.error == (
        "Refused: another task nightly stands, and differs in MigrationType, TableMappings, CdcStartPosition. "
        "Delete or rename the one that stands, or take its entry out of the file"
    )


CHANGES = {
    "its settings": {"ReplicationTaskSettings": json.dumps({"TargetMetadata": {"LobMaxSize": 1}})},
    "its mappings": {"TableMappings": json.dumps({"rules": []})},
    "its start": {"CdcStartPosition": "checkpoint:V1#1#0#0#*#0#0"},
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_the_restored_one_that_somebody_changed_is_another(desk: Desk, change: dict[str, str]) -> None:
    arn = desk.running()
    desk.save()
    desk.deploy()
    desk.restore()
    assert (desk.restore(), desk.changes) == (0, [])
    desk.stop(arn)
    desk.other.modify_replication_task(ReplicationTaskArn=arn, **change)
    assert (desk.restore(), desk.changes) == (1, [])
    assert f"differs in {next(iter(change))}" in desk.error


def test_settings_that_dms_adds_and_another_order_are_no_difference(desk: Desk) -> None:
    arn = desk.running(TableMappings='{"rules": [], "a": 1}')
    desk.save()
    desk.deploy()
    desk.restore()
    definition = desk.dms.tasks.kept[arn].definition
    definition["TableMappings"] = '{"a":1,"rules":[]}'
    definition["ReplicationTaskSettings"] = json.dumps(json.loads(definition["ReplicationTaskSettings"]) | {"New": 1})
    assert (desk.restore(), desk.changes) == (0, [])


def test_what_was_no_value_may_have_one(desk: Desk) -> None:
    arn = desk.running(ReplicationTaskSettings=json.dumps({"PostProcessingRules": None}))
    desk.save()
    desk.deploy()
    desk.restore()
    desk.dms.tasks.kept[arn].definition["ReplicationTaskSettings"] = json.dumps({"PostProcessingRules": {"rules": []}})
    assert (desk.restore(), desk.changes) == (0, [])


def test_a_serverless_replication_that_somebody_else_began_elsewhere_is_another(desk: Desk) -> None:
    desk.config(starts=True)
    desk.save()
    desk.deploy()
    desk.config(starts=True)
    assert (desk.restore(), desk.changes) == (1, [])
    assert "another replication config stock stands, and differs in CdcStartPosition" in desk.error


def test_what_is_not_deleted_yet_is_the_save_s_to_end(desk: Desk) -> None:
    desk.running()
    desk.happenings = {desk_call(desk, "delete_replication_task"): killed}
    desk.save()
    desk.happenings = {}
    assert (desk.restore(), desk.changes) == (1, [])
    assert desk.error == "Refused: task nightly is not deleted yet: run `tasks save` to its end first"
