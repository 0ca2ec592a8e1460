"""Replication tasks: what the API does.

https://docs.aws.amazon.com/dms/latest/APIReference/API_ReplicationTask.html
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass

from .dms_endpoints import Source
from .dms_parameters import invalid
from .dms_settings import Given
from .task_states import EPOCH, Kept, Names, Replications, Run, check_start_position

WHAT = "Replication task"
NAMES = Names(WHAT, "creating", "ready", "starting")
MODIFIABLE = (
    *("ReplicationTaskIdentifier", "TableMappings", "ReplicationTaskSettings"),
    *("CdcStartTime", "CdcStartPosition", "CdcStopPosition"),
)
FILTERS = {
    "replication-task-arn": ("ReplicationTaskArn",),
    "replication-task-id": ("ReplicationTaskIdentifier",),
    "migration-type": ("MigrationType",),
    "endpoint-arn": ("SourceEndpointArn", "TargetEndpointArn"),
    "replication-instance-arn": ("ReplicationInstanceArn",),
}
# DMS answers with all settings, given or not: hashicorp/terraform-provider-aws#37780. These are some of them.
DEFAULTS: Given = {
    "Logging": {"EnableLogging": False, "CloudWatchLogGroup": None, "CloudWatchLogStream": None},
    "TargetMetadata": {"SupportLobs": True, "LobMaxSize": 32},
}
NOT_AT_CREATE = ("CloudWatchLogGroup", "CloudWatchLogStream")


@dataclass
class ReplicationTasks(Replications):
    """The public methods are operations of DMS. They take the API's parameters, return its answer or raise DmsFault.

    `check_instance` raises DmsFault unless there is a replication instance of this ARN. `source_of` tells the source
    endpoint of an ARN.
    """

    check_instance: Callable[[str], None] = lambda _arn: None
    source_of: Callable[[str], Source] = lambda _arn: Source()

    def create_replication_task(self, given: Given) -> Given:
        """CreateReplicationTask. Nobody starts it."""
        self.check_instance(given["ReplicationInstanceArn"])
        check_settings(given.get("ReplicationTaskSettings", "{}"))
        source = self.source_of(given["SourceEndpointArn"])
        check_start_position(given.get("CdcStartPosition", ""), given["MigrationType"], source)
        given = given | {"ReplicationTaskIdentifier": self.free("ReplicationTaskIdentifier", given, WHAT)}
        run = Run(self.surroundings, NAMES, source, given["MigrationType"])
        return {"ReplicationTask": self._shown(self.keep("task", given, run))}

    def _shown(self, task: Kept) -> Given:
        run, settings = task.run, task.definition.get("ReplicationTaskSettings", "{}")
        shown = {
            **task.definition,
            **run.shown(),
            "ReplicationTaskArn": task.arn,
            "ReplicationTaskSettings": shown_settings(settings, task.arn, has_run=run.began is not None),
            "ReplicationTaskCreationDate": EPOCH + run.made,
            "ReplicationTaskStats": run.stats(),
            "Status": run.status,
        }
        return shown | ({"LastFailureMessage": run.failure} if run.failure else {})

    def describe_replication_tasks(self, given: Given) -> Given:
        """DescribeReplicationTasks."""
        found = [self._shown(each) for each in self.standing()]
        if given.get("WithoutSettings"):
            found = [{key: each[key] for key in each if key != "ReplicationTaskSettings"} for each in found]
        return self.page_of("ReplicationTasks", found, given, FILTERS)

    def start_replication_task(self, given: Given) -> Given:
        """StartReplicationTask."""
        task = self._find(given)
        kind = given["StartReplicationTaskType"]
        of_task = task.definition if kind == "start-replication" else {}
        task.run.start(kind, str((of_task | given).get("CdcStartPosition", "")), task.arn)
        return {"ReplicationTask": self._shown(task)}

    def stop_replication_task(self, given: Given) -> Given:
        """StopReplicationTask."""
        task = self._find(given)
        task.run.stop(task.arn)
        return {"ReplicationTask": self._shown(task)}

    def modify_replication_task(self, given: Given) -> Given:
        """ModifyReplicationTask. https://docs.aws.amazon.com/dms/latest/userguide/CHAP_Tasks.Modifying.html"""
        task = self._find(given)
        task.run.check_at_rest("modified", task.arn)
        if "ReplicationTaskIdentifier" in given:
            given = given | {"ReplicationTaskIdentifier": self.free("ReplicationTaskIdentifier", given, WHAT)}
        task.definition |= {key: given[key] for key in MODIFIABLE if key in given}
        return {"ReplicationTask": self._shown(task)}

    def delete_replication_task(self, given: Given) -> Given:
        """DeleteReplicationTask. Its checkpoint goes with it, and so does a replication slot that DMS made for it."""
        task = self._find(given)
        shown = self._shown(task)
        task.run.delete(task.arn)
        return {"ReplicationTask": shown | {"Status": "deleting"}}

    def _find(self, given: Given) -> Kept:
        return self.find(given["ReplicationTaskArn"], WHAT)


def check_settings(text: str) -> None:
    """Check settings of a new task. Raises ParameterFault. Words of hashicorp/terraform-provider-aws#21512."""
    logging = _parsed(text).get("Logging") or {}
    if any(logging.get(name) for name in NOT_AT_CREATE):
        raise invalid("Task Settings CloudWatchLogGroup or CloudWatchLogStream cannot be set on create.")


def _parsed(text: str) -> Given:
    try:
        settings = json.loads(text)
    except ValueError:
        raise invalid("The settings are no JSON") from None
    if not isinstance(settings, dict):
        raise invalid("The settings are no JSON object")
    return settings


def shown_settings(text: str, arn: str, *, has_run: bool) -> str:
    """The settings of an answer: with defaults, and with the log that a first run begins."""
    given = _parsed(text)
    settings = given | {name: each | (given.get(name) or {}) for name, each in DEFAULTS.items()}
    if has_run and settings["Logging"]["EnableLogging"]:
        tail = arn.rpartition(":")[2]
        settings["Logging"] |= {"CloudWatchLogGroup": "dms-tasks", "CloudWatchLogStream": f"dms-task-{tail}"}
    return json.dumps(settings)
