"""`AWS::DMS::ReplicationTask` for MiniStack's CloudFormation.

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-dms-replicationtask.html
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass

from ministack.services.cloudformation import provisioners

from .dms_settings import Given
from .replication_tasks import MODIFIABLE, ReplicationTasks

RESOURCE_TYPE = "AWS::DMS::ReplicationTask"
REPLACING = ("MigrationType", "ReplicationInstanceArn", "ResourceIdentifier", "SourceEndpointArn", "TargetEndpointArn")


@dataclass(frozen=True)
class Resource:
    """How MiniStack's CloudFormation makes a task. A property that DMS can't modify is in REPLACING."""

    # Those of the account and Region of the stack at work.
    tasks: Callable[[], ReplicationTasks]

    def create(self, logical_id: str, props: Given, stack_name: str) -> tuple[str, Given]:
        """The task's ARN, which is its Ref; it has no attributes. Nobody starts it.

        CloudFormation adds tags of its own, whose keys nobody else may use: go-to-k/cdk-real-drift#1557.
        """
        named = {"ReplicationTaskIdentifier": f"{stack_name}-{logical_id}-{secrets.token_hex(6)}", **props}
        arn = str(self.tasks().create_replication_task(named)["ReplicationTask"]["ReplicationTaskArn"])
        of_stack = {"stack-name": stack_name, "logical-id": logical_id}
        self.tasks().kept[arn].tags |= {f"aws:cloudformation:{key}": value for key, value in of_stack.items()}
        return arn, {}

    def update(self, arn: str, old: Given, new: Given, _stack_name: str) -> tuple[str, Given]:
        """Modify it, which DMS refuses while it is running. Tags are no part of that."""
        changed = {name: new[name] for name in MODIFIABLE if name in new and new[name] != old.get(name)}
        if changed:
            self.tasks().modify_replication_task({"ReplicationTaskArn": arn, **changed})
        keys = [tag["Key"] for tag in old.get("Tags", [])]
        self.tasks().remove_tags_from_resource({"ResourceArn": arn, "TagKeys": keys})
        self.tasks().add_tags_to_resource({"ResourceArn": arn, "Tags": new.get("Tags", [])})
        return arn, {}

    def delete(self, arn: str, _props: Given) -> None:
        """Delete it, which DMS refuses while it is running. Whether AWS's CloudFormation stops it is not documented."""
        if arn in [each.arn for each in self.tasks().standing()]:
            self.tasks().delete_replication_task({"ReplicationTaskArn": arn})


def install(tasks: Callable[[], ReplicationTasks]) -> None:
    """Patch MiniStack's CloudFormation. An account's root alone may deploy one, see forwarded_calls.py."""
    resource = Resource(tasks)
    provisioners._REPLACING_PROPERTIES[RESOURCE_TYPE] = REPLACING
    provisioners._RESOURCE_HANDLERS[RESOURCE_TYPE] = {
        "create": resource.create,
        "update": resource.update,
        "delete": resource.delete,
    }
