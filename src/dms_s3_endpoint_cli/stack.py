"""The stack that is to be deployed, as it stands."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import boto3
from botocore.exceptions import ClientError

from .schema import TYPE_NAME

if TYPE_CHECKING:
    from mypy_boto3_cloudformation.client import CloudFormationClient

# https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/view-stack-events.html#cfn-console-view-stack-data-resources-status-codes
# Statuses in which CloudFormation refuses an update, and what leads out. While a stack is in progress it refuses, too.
DELETE_IT = "delete the stack, then deploy"
CONTINUE_IT = "aws cloudformation continue-update-rollback, then deploy"
REFUSES_UPDATES = {
    "ROLLBACK_COMPLETE": DELETE_IT,
    "ROLLBACK_FAILED": DELETE_IT,
    "DELETE_FAILED": DELETE_IT,
    "UPDATE_ROLLBACK_FAILED": CONTINUE_IT,
    "IMPORT_ROLLBACK_FAILED": CONTINUE_IT,
}
# A stack that so far is only a change set: nothing of it was made.
NOT_YET_MADE = "REVIEW_IN_PROGRESS"


@dataclass(frozen=True)
class Stack:
    """A stack and the physical ids of its endpoints by logical id.

    Before the first deployment the id is empty and there are no endpoints. `parameters` are as they were given: of an
    SSM parameter the name.
    """

    name: str
    stack_id: str = ""
    status: str = ""
    physical_ids: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, str] = field(default_factory=dict)

    def refusal(self) -> str:
        """Why CloudFormation would refuse to update it, and the way out; empty if it would not."""
        way_out = REFUSES_UPDATES.get(self.status, "")
        if self.status.endswith("_IN_PROGRESS"):
            way_out = "wait until that is over, then check again"
        return f"the stack is {self.status}, and can't be updated: {way_out}" if way_out else ""


def read_stack(session: boto3.Session, name: str) -> Stack:
    """The stack of this name or id. Raises ClientError, but not for a stack that does not exist."""
    cloudformation = session.client("cloudformation")
    try:
        (stack,) = cloudformation.describe_stacks(StackName=name)["Stacks"]
    except ClientError as error:
        # CloudFormation has no code of its own for this.
        if "does not exist" not in str(error):
            raise
        return Stack(name)
    if stack["StackStatus"] == NOT_YET_MADE:
        return Stack(name)
    # Of a stack that must be deleted first the next deployment keeps nothing.
    kept = [] if REFUSES_UPDATES.get(stack["StackStatus"]) == DELETE_IT else stack.get("Parameters", [])
    return Stack(
        name=stack["StackName"],
        stack_id=stack["StackId"],
        status=stack["StackStatus"],
        physical_ids=dict(_endpoints(cloudformation, name)),
        parameters={each["ParameterKey"]: each["ParameterValue"] for each in kept},
    )


def deployed_template(session: boto3.Session, stack: Stack) -> str | Mapping[str, Any]:
    """What the stack was deployed with, as text, or as the map that the SDK makes of JSON."""
    cloudformation = session.client("cloudformation")
    return cloudformation.get_template(StackName=stack.name, TemplateStage="Processed")["TemplateBody"]


def _endpoints(cloudformation: CloudFormationClient, name: str) -> Iterator[tuple[str, str]]:
    """Logical and physical ids of the endpoints that are there; CloudFormation also lists some that are deleted."""
    for page in cloudformation.get_paginator("list_stack_resources").paginate(StackName=name):
        for each in page["StackResourceSummaries"]:
            if each["ResourceType"] == TYPE_NAME and each["ResourceStatus"] != "DELETE_COMPLETE":
                yield each["LogicalResourceId"], each.get("PhysicalResourceId", "")
