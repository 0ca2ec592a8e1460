"""`tasks save` and `tasks restore` in rare moments: what DMS shows late, what others do meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .desk import Desk, desk
from .in_memory import kill_after, kill_before

__all__ = ["desk"]
AT = "checkpoint:V1#7#0#0#*#0#0"


def disturbed(desk: Desk, run: Callable[[], int], call: str, happening: Callable[[Callable[[], Any]], Any]) -> int:
    """The exit status of a run, in which this happens at its first such call."""

    def at_call(name: str, effect: Callable[[], Any]) -> Any:
        if name != call or call in desk.calls:
            return desk._call(name, effect)
        desk.calls.append(name)
        return happening(effect)

    desk.operator.call = at_call
    status = run()
    desk.operator.call = desk._call
    return status


def test_a_checkpoint_in_the_file_outlives_a_run_that_was_killed_before_it_saw_another(desk: Desk) -> None:
    arn = desk.running()
    disturbed(desk, desk.save, "delete_replication_task", kill_before)
    seen = desk.held["entries"][0]["comes_back"]
    desk.other.start_replication_task(ReplicationTaskArn=arn, StartReplicationTaskType="resume-processing")
    desk.clock.now += 60.0
    disturbed(desk, desk.save, "stop_replication_task", kill_after)
    desk.other.delete_replication_task(ReplicationTaskArn=arn)
    assert desk.save() == 0
    assert desk.held["entries"][0]["comes_back"] == seen


def test_one_that_was_resumed_before_its_delete_is_stopped_and_looked_at_again(desk: Desk) -> None:
    arn = desk.running()
    disturbed(desk, desk.save, "delete_replication_task", kill_before)
    seen = desk.held["entries"][0]["comes_back"]["start_position"]
    desk.other.start_replication_task(ReplicationTaskArn=arn, StartReplicationTaskType="resume-processing")
    desk.clock.now += 3600.0
    assert desk.save() == 0
    assert desk.held["entries"][0]["comes_back"]["start_position"] != seen


def test_one_that_is_being_deleted_is_no_more_to_a_dry_run(desk: Desk) -> None:
    desk.running()
    desk.switch(task_seconds=100.0)
    disturbed(desk, desk.save, "delete_replication_task", kill_after)
    assert desk.save("--dry-run") == 0
    assert "task nightly, deleted already" in desk.printed
    assert desk.restore("--dry-run") == 0
    assert desk.printed[0].startswith("task nightly comes back as cdc")


def test_one_that_somebody_is_stopping_did_not_run(desk: Desk) -> None:
    arn = desk.running()
    desk.switch(task_seconds=100.0)
    desk.other.stop_replication_task(ReplicationTaskArn=arn)
    assert desk.save("--dry-run") == 0
    assert desk.printed[1:3] == [
        "task nightly, stopping",
        "    comes back as cdc from the checkpoint that it has once it is stopped, not started, under its ARN",
    ]
    assert desk.save() == 0
    assert desk.held["entries"][0]["comes_back"]["start"] is False


def test_a_restore_waits_for_a_delete_that_a_killed_save_asked_for(desk: Desk) -> None:
    desk.running()
    desk.switch(task_seconds=30.0)
    disturbed(desk, desk.save, "delete_replication_task", kill_after)
    assert desk.the_task()["Status"] == "deleting"
    assert desk.restore() == 0
    assert (desk.the_task()["Status"], desk.the_task()["MigrationType"]) == ("running", "cdc")


def test_a_full_load_that_ended_before_it_was_stopped_is_not_started_again(desk: Desk) -> None:
    arn = desk.task("full-load")
    desk.start(arn, loads=7200.0)
    assert disturbed(desk, lambda: desk.save("--reload"), "stop_replication_task", kill_before) == -1
    desk.clock.now += 7200.0
    assert desk.save() == 0
    assert desk.held["entries"][0]["comes_back"]["start"] is False


def test_one_that_is_shown_as_new_for_a_while_after_its_start_is_waited_for(desk: Desk) -> None:
    arn = desk.running()
    desk.save()
    desk.deploy()

    def shown_late(effect: Callable[[], Any]) -> Any:
        answer = effect()
        desk.dms.tasks.kept[arn].run.course = [(0.0, "ready"), (desk.clock.now + 5.0, "running")]
        return answer

    assert disturbed(desk, desk.restore, "start_replication_task", shown_late) == 0
    assert desk.printed[-1] == f"task nightly: running, {arn}"


def test_one_that_is_ready_again_after_it_ran_has_its_checkpoint(desk: Desk) -> None:
    """As a modification may leave it."""
    arn = desk.running()
    desk.stop(arn)
    desk.dms.tasks.kept[arn].run.course = [(0.0, "ready")]
    assert desk.save() == 0
    back = desk.held["entries"][0]["comes_back"]
    assert (back["type"], back["start"], bool(back["start_position"])) == ("cdc", False, True)


def test_one_that_has_no_checkpoint_begins_where_it_began(desk: Desk) -> None:
    arn = desk.running("cdc", CdcStartPosition=AT)
    desk.dms.tasks.kept[arn].run.checkpoint = lambda: ""  # type: ignore[method-assign]  # of a task that just began
    assert desk.save() == 0
    assert desk.held["entries"][0]["comes_back"]["start_position"] == AT


def test_a_start_position_that_dms_shows_of_a_full_load_is_not_asked_for(desk: Desk) -> None:
    arn = desk.task()
    desk.dms.tasks.kept[arn].definition["CdcStartPosition"] = AT
    assert desk.save() == 0
    desk.deploy()
    assert desk.restore() == 0
    assert "CdcStartPosition" not in desk.the_task()


def test_a_zone_that_dms_shows_of_a_replication_in_several_is_not_asked_for(desk: Desk) -> None:
    arn = desk.config(ComputeConfig={"MaxCapacityUnits": 2, "MultiAZ": True})
    desk.dms.configs.kept[arn].definition["ComputeConfig"]["AvailabilityZone"] = "eu-west-1a"
    assert desk.save() == 0
    desk.deploy()
    assert (desk.restore(), desk.restore()) == (0, 0)
    assert desk.the_config()["ComputeConfig"] == {"MaxCapacityUnits": 2, "MultiAZ": True}


def test_the_serverless_replication_that_did_not_run_is_left_by_a_second_restore(desk: Desk) -> None:
    arn = desk.config(starts=True)
    desk.other.stop_replication(ReplicationConfigArn=arn)
    desk.save()
    desk.deploy()
    desk.restore()
    assert (desk.restore(), desk.changes) == (0, [])
    assert desk.the_config()["Status"] == "created"


def test_somebody_s_delete_during_the_stop_is_said(desk: Desk) -> None:
    arn = desk.running()

    def and_deleted(effect: Callable[[], Any]) -> Any:
        answer = effect()
        desk.other.delete_replication_task(ReplicationTaskArn=arn)
        return answer

    assert disturbed(desk, desk.save, "stop_replication_task", and_deleted) == 2
    assert desk.error == "It can't be done: task nightly is gone: somebody else deleted it. Run this again"
    assert desk.save() == 1
