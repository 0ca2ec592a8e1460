"""`tasks save` and `tasks restore` killed at each call: whatever was done, a second run ends as one that nobody killed.

And what a file holds that was edited, or written by another release.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from .desk import CHANGING, Desk, Given, desk
from .in_memory import kill_after, lose_answer
from .test_tasks_refused import killed

__all__ = ["desk"]
MOST_RUNS = 3


def in_use(desk: Desk) -> Desk:
    """Two tasks and a serverless replication run on the endpoint."""
    desk.running()
    desk.running(ReplicationTaskIdentifier="hourly", ResourceIdentifier=None)
    desk.config(starts=True)
    desk.switch(task_seconds=2.0)
    return desk


def as_it_comes_back(desk: Desk) -> dict[str, Any]:
    """By name: what matters of what stands, but for the moment of the stop and the ARN that DMS draws."""
    tasks = {each["ReplicationTaskIdentifier"]: told(each, "MigrationType", "task:") for each in desk.tasks()}
    configs = {each["ReplicationConfigIdentifier"]: told(each, "ReplicationType", "config:") for each in desk.configs()}
    return tasks | configs


def told(each: Given, kind: str, before_tail: str) -> tuple[str, str, bool, bool]:
    arn = each.get("ReplicationTaskArn") or each["ReplicationConfigArn"]
    tail = arn.rpartition(before_tail)[2]
    return each[kind], each["Status"], bool(each.get("CdcStartPosition")), tail in ("nightly", "stock")


COMES_BACK = {
    "nightly": ("cdc", "running", True, True),
    "hourly": ("cdc", "running", True, False),
    "stock": ("cdc", "running", True, True),
}


def until_done(run: Callable[[], int], desk: Desk) -> None:
    """Run it again until it is done; each run but the first is left alone."""
    for _number in range(MOST_RUNS):
        if run() == 0:
            return
        desk.happenings = {}
    raise AssertionError(desk.errors)


def calls_of(desk: Desk, run: Callable[[], int]) -> list[str]:
    assert run() == 0, desk.errors
    return list(desk.calls)


def fresh(desk: Desk) -> Desk:
    """Another account, in use, at the same desk."""
    desk.file.unlink(missing_ok=True)
    new = Desk(desk.capsys, desk.file)
    desk.operator.fake, desk.operator.call = new.dms, new._call
    return in_use(new)


@pytest.mark.parametrize(
    ("happening", "calls"), [(kill_after, ("",)), (lose_answer, CHANGING)], ids=["killed", "its answer lost"]
)
def test_disturbed_at_any_call_and_run_again_it_ends_as_if_nobody_had(
    desk: Desk, happening: Callable[[Callable[[], Any]], Any], calls: tuple[str, ...]
) -> None:
    """Killed after a call is killed before the next one; before the first one nothing was done."""
    whole = fresh(desk)
    ways = [("save", *way) for way in enumerate(calls_of(whole, whole.save))]
    whole.deploy()
    ways += [("restore", *way) for way in enumerate(calls_of(whole, whole.restore))]
    assert {"delete_replication_task", "create_replication_config"} <= {name for _, _, name in ways}
    for command, number, _name in [way for way in ways if way[2].startswith(calls)]:
        now = fresh(desk)
        now.happenings = {number: happening} if command == "save" else {}
        until_done(now.save, now)
        now.deploy()
        now.happenings = {number: happening} if command == "restore" else {}
        until_done(now.restore, now)
        assert as_it_comes_back(now) == COMES_BACK, (command, number)
        assert positions(now.tasks()) == positions_held(now), (command, number)


def positions(tasks: list[Given]) -> set[str]:
    return {each["CdcStartPosition"] for each in tasks}


def positions_held(desk: Desk) -> set[str]:
    return {each["comes_back"]["start_position"] for each in desk.held["entries"] if each["kind"] == "task"}


@pytest.mark.parametrize("nth", [1, 2])
@pytest.mark.parametrize("is_before", [True, False])
def test_killed_while_it_writes_the_file_it_goes_on(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, nth: int, is_before: bool
) -> None:
    replace, replaced = Path.replace, list[Path]()

    def dying(path: Path, target: Path) -> None:
        replaced.append(path)
        if len(replaced) == nth and is_before:
            killed(list)
        replace(path, target)
        if len(replaced) == nth:
            killed(list)

    in_use(desk)
    monkeypatch.setattr(Path, "replace", dying)
    assert desk.save() == -1
    assert {"delete_replication_task", "delete_replication_config"} & set(desk.changes) == set()
    assert desk.save() == 0
    desk.deploy()
    assert desk.restore() == 0
    assert as_it_comes_back(desk) == COMES_BACK


def test_what_can_not_be_read_again_is_not_deleted(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    in_use(desk)
    monkeypatch.setattr("dms_s3_endpoint_cli.saved_tasks._text", lambda saved: "{}")
    assert desk.save() == 2
    assert desk.changes == []


def test_the_file_is_on_the_disk_before_anything_is_deleted(desk: Desk) -> None:
    in_use(desk)
    at: list[int] = []
    delete = desk.dms.tasks.delete_replication_task
    desk.dms.tasks.delete_replication_task = lambda given: at.append(len(desk.synced)) or delete(given)  # type: ignore[method-assign,func-returns-value]  # to look on
    desk.save()
    # The file and its folder, before the stop and after it.
    assert at == [4, 4]


# What is no file of saved tasks


@pytest.fixture
def kept(desk: Desk) -> Desk:
    """With the file of a save."""
    desk.running()
    desk.save()
    desk.deploy()
    return desk


def refused(desk: Desk) -> str:
    """The one line about the file; neither a save nor a restore changes anything."""
    held = desk.file.read_bytes()
    assert (desk.save(), desk.changes) == (2, [])
    assert (desk.restore(), desk.changes) == (2, [])
    assert desk.file.read_bytes() == held
    assert desk.error.startswith(f"It can't be done: {desk.file} is no file of saved tasks")
    return desk.error


def edit(desk: Desk, **changes: Any) -> None:
    """Members of the file, or by `entry` and `back` of its entry and how that comes back; None takes one out."""
    (entry,) = desk.held["entries"]
    entry["comes_back"] |= changes.pop("back", {})
    entry |= changes.pop("entry", {})
    held = desk.held | {"entries": [entry]} | changes
    desk.file.write_text(json.dumps({key: value for key, value in held.items() if value is not None}))


@pytest.mark.parametrize("text", ["", "{", "[]", "7", '"version"', "\x00", '{"version": 1}', "version: 1"])
def test_what_is_no_json_or_something_else(kept: Desk, text: str) -> None:
    kept.file.write_text(text)
    refused(kept)


def test_what_is_no_text(kept: Desk) -> None:
    kept.file.write_bytes(b"\xff\xfe")
    refused(kept)


EDITED: dict[str, tuple[Given, str]] = {
    "another version": ({"version": 2}, "it has version 2, and this release knows 1. Take the release that wrote it"),
    "no version": ({"version": None}, "it has no version"),
    "no endpoint": ({"endpoint": None}, "it lacks, or has too much: endpoint"),
    "a member too much": ({"comment": "x"}, "it lacks, or has too much: comment"),
    "entries of another type": ({"entries": {}}, "it has a wrong value of entries"),
    "an entry that is none": ({"entries": ["x"]}, "entry 1 is no map"),
    "another kind": ({"entry": {"kind": "tusk"}}, "entry 1 is of an unknown kind, 'tusk'"),
    "a word for a truth": ({"entry": {"ran": "yes"}}, "entry 1 has a wrong value of ran"),
    "tags of numbers": ({"entry": {"tags": {"a": 1}}}, "entry 1 has a tag that is no text"),
    "no definition": ({"entry": {"definition": {}}}, "the definition of entry 1 lacks ReplicationTaskIdentifier"),
    "another type": ({"back": {"type": "all"}}, "comes_back of entry 1 has an unknown type, 'all'"),
    "a start of a full load": (
        {"back": {"type": "full-load"}},
        "has a start position, which is for the type cdc alone",
    ),
    "a start that is none": (
        {"back": {"start_position": 7}},
        "comes_back of entry 1 has a wrong value of start_position",
    ),
}


@pytest.mark.parametrize(("changes", "said"), EDITED.values(), ids=EDITED.keys())
def test_edited_nonsense_is_refused_with_one_line(kept: Desk, changes: Given, said: str) -> None:
    edit(kept, **{key: dict(value) if isinstance(value, dict) else value for key, value in changes.items()})
    assert said in refused(kept)


@pytest.mark.parametrize(
    "change",
    [
        {"ReplicationTaskIdentifier": None},
        {"TableMappings": None},
        {"TableMappings": 7},
        {"Unknown": "x"},
        {"ReplicationTaskSettings": "{"},
        {"ReplicationTaskSettings": "7"},
    ],
    ids=str,
)
def test_a_definition_that_dms_has_no_place_for_is_refused(kept: Desk, change: Given) -> None:
    (entry,) = kept.held["entries"]
    definition = {key: value for key, value in (entry["definition"] | change).items() if value is not None}
    edit(kept, entry={"definition": definition})
    assert "the definition of entry 1 " in refused(kept)


def test_two_entries_of_one_name_are_refused(kept: Desk) -> None:
    edit(kept, entries=kept.held["entries"] * 2)
    assert "it has two entries of one name" in refused(kept)


def test_what_an_operator_may_edit_is_done(kept: Desk) -> None:
    edit(kept, back={"start": False})
    assert kept.restore() == 0
    assert kept.the_task()["Status"] == "ready"
