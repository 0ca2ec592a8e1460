"""Replication tasks: what the API does, and `AWS::DMS::ReplicationTask` for MiniStack's CloudFormation.

- https://docs.aws.amazon.com/dms/latest/APIReference/API_ReplicationTask.html
- https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-dms-replicationtask.html
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field

from ministack.services.cloudformation import provisioners
from moto.dms.models import dms_backends
from moto.utilities.tagging_service import TaggingService

from .dms_endpoints import Surroundings, filtered, new_arn, page
from .dms_parameters import DmsFault
from .dms_settings import Given

RESOURCE_TYPE = "AWS::DMS::ReplicationTask"
REPLACING = ("MigrationType", "ReplicationInstanceArn", "ResourceIdentifier", "SourceEndpointArn", "TargetEndpointArn")
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


@dataclass
class ReplicationTasks:
    """The public methods are operations of DMS. They take the API's parameters, return its answer or raise DmsFault.

    `check_instance` raises DmsFault unless there is a replication instance of this ARN.
    """

    surroundings: Surroundings
    check_instance: Callable[[str], None]
    by_arn: dict[str, Given] = field(default_factory=dict)

    def create_replication_task(self, given: Given) -> Given:
        """CreateReplicationTask. The task is ready at once; nobody starts it."""
        self.check_instance(given["ReplicationInstanceArn"])
        arn = new_arn("task", given, self.surroundings)
        self.by_arn[arn] = {
            "ReplicationTaskSettings": "{}",
            **{key: value for key, value in given.items() if key not in ("ResourceIdentifier", "Tags")},
            "ReplicationTaskArn": arn,
            "ReplicationTaskIdentifier": self._free_identifier(given),
            "Status": "ready",
        }
        self._tags.tag_resource(arn, given.get("Tags", []))
        return {"ReplicationTask": self.by_arn[arn]}

    def _free_identifier(self, given: Given) -> str:
        identifier = str(given["ReplicationTaskIdentifier"]).lower()
        if identifier in [each["ReplicationTaskIdentifier"] for each in self.by_arn.values()]:
            raise DmsFault("ResourceAlreadyExistsFault", f"Replication task {identifier} already exists.")
        return identifier

    @property
    def _tags(self) -> TaggingService:
        """Moto's, which serves the calls about tags."""
        tags: TaggingService = dms_backends[self.surroundings.account_id][self.surroundings.region].tagger
        return tags

    def describe_replication_tasks(self, given: Given) -> Given:
        """DescribeReplicationTasks."""
        found = list(self.by_arn.values())
        for by in given.get("Filters", []):
            members = filtered(by, FILTERS)
            found = [each for each in found if any(each[member] in by["Values"] for member in members)]
        if not found and given.get("Filters") and self.surroundings.switches.describe_empty == "fault":
            raise DmsFault("ResourceNotFoundFault", "No Tasks found matching provided filters")
        return page("ReplicationTasks", found, given, self.surroundings.switches.page_size)

    def start_replication_task(self, given: Given) -> Given:
        """StartReplicationTask."""
        task = self._at_rest(given, "started")
        task["Status"] = "running"
        return {"ReplicationTask": task}

    def stop_replication_task(self, given: Given) -> Given:
        """StopReplicationTask. Only now the task has a checkpoint to rely on."""
        task = self._find(given)
        if task["Status"] != "running":
            raise DmsFault("InvalidResourceStateFault", f"Replication task {task['ReplicationTaskArn']} isn't running.")
        task |= {"Status": "stopped", "RecoveryCheckpoint": f"checkpoint:V1#{secrets.randbelow(10**6)}"}
        return {"ReplicationTask": task}

    def modify_replication_task(self, given: Given) -> Given:
        """ModifyReplicationTask."""
        task = self._at_rest(given, "modified")
        if "ReplicationTaskIdentifier" in given:
            given = given | {"ReplicationTaskIdentifier": self._free_identifier(given)}
        task |= {key: given[key] for key in MODIFIABLE if key in given}
        return {"ReplicationTask": task}

    def delete_replication_task(self, given: Given) -> Given:
        """DeleteReplicationTask."""
        task = self._at_rest(given, "deleted")
        del self.by_arn[task["ReplicationTaskArn"]]
        self._tags.delete_all_tags_for_resource(task["ReplicationTaskArn"])
        return {"ReplicationTask": task | {"Status": "deleting"}}

    def _at_rest(self, given: Given, wanted: str) -> Given:
        """The task, unless it is running. https://docs.aws.amazon.com/dms/latest/userguide/CHAP_Tasks.Modifying.html"""
        task = self._find(given)
        if task["Status"] == "running":
            message = f"Replication task {task['ReplicationTaskArn']} can't be {wanted} while it is running."
            raise DmsFault("InvalidResourceStateFault", message)
        return task

    def _find(self, given: Given) -> Given:
        if given["ReplicationTaskArn"] not in self.by_arn:
            raise DmsFault("ResourceNotFoundFault", f"Replication task {given['ReplicationTaskArn']} not found.")
        return self.by_arn[given["ReplicationTaskArn"]]

    def retag(self, arn: str, before: list[Given], after: list[Given]) -> None:
        """Take the tags of `before` off, and put those of `after` on, in the API's form."""
        self._tags.untag_resource_using_names(arn, [tag["Key"] for tag in before])
        self._tags.tag_resource(arn, after)

    def are_on(self, endpoint_arn: str) -> bool:
        """Whether one of them uses the endpoint."""
        return any(
            endpoint_arn in (task["SourceEndpointArn"], task["TargetEndpointArn"]) for task in self.by_arn.values()
        )


@dataclass(frozen=True)
class Resource:
    """How MiniStack's CloudFormation makes a task. A property that DMS can't modify is in REPLACING."""

    # Those of the account and Region of the stack at work.
    tasks: Callable[[], ReplicationTasks]

    def create(self, logical_id: str, props: Given, stack_name: str) -> tuple[str, Given]:
        """The task's ARN, which is its Ref; it has no attributes. Nobody starts it."""
        named = {"ReplicationTaskIdentifier": f"{stack_name}-{logical_id}-{secrets.token_hex(6)}", **props}
        return str(self.tasks().create_replication_task(named)["ReplicationTask"]["ReplicationTaskArn"]), {}

    def update(self, arn: str, old: Given, new: Given, _stack_name: str) -> tuple[str, Given]:
        """Modify it, which DMS refuses while it is running. Tags are no part of that."""
        changed = {name: new[name] for name in MODIFIABLE if name in new and new[name] != old.get(name)}
        if changed:
            self.tasks().modify_replication_task({"ReplicationTaskArn": arn, **changed})
        self.tasks().retag(arn, old.get("Tags", []), new.get("Tags", []))
        return arn, {}

    def delete(self, arn: str, _props: Given) -> None:
        """Delete it, which DMS refuses while it is running. Whether AWS's CloudFormation stops it is not documented."""
        if arn in self.tasks().by_arn:
            self.tasks().delete_replication_task({"ReplicationTaskArn": arn})


def install(tasks: Callable[[], ReplicationTasks]) -> None:
    """Patch MiniStack's CloudFormation. As for all its resources, nobody asks what the deployer is permitted."""
    resource = Resource(tasks)
    provisioners._REPLACING_PROPERTIES[RESOURCE_TYPE] = REPLACING
    provisioners._RESOURCE_HANDLERS[RESOURCE_TYPE] = {
        "create": resource.create,
        "update": resource.update,
        "delete": resource.delete,
    }
