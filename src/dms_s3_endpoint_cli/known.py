"""Whether CloudFormation still knows what the tags of a piece name."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from dms_s3_endpoint.model.arns import read_arn
from dms_s3_endpoint.model.ownership import Owner, stack_name, tag_value

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient

# An empty status: unknown to CloudFormation.
GONE = ("", "DELETE_COMPLETE", "DELETE_SKIPPED")


@dataclass(frozen=True)
class Said:
    """What CloudFormation says of a stack and its resource. `failed`: why it says nothing."""

    stack_status: str = ""
    resource_status: str = ""
    physical_id: str = ""
    failed: str = ""


def objection(owner: Owner, said: Said) -> str:
    """Why this owner's pieces are not to be released; empty if CloudFormation no longer knows them."""
    stack = f"stack {stack_name(owner.stack_id)}"
    if said.failed:
        return f"it can't be told whether CloudFormation still knows {owner.stack_id}: {said.failed}"
    if said.stack_status in GONE:
        return ""
    if not said.stack_status.endswith("_COMPLETE"):
        return f"{stack} is {said.stack_status}, and may come back to them. Run this again once it has ended"
    if said.resource_status in GONE or tag_value(said.physical_id) != owner.physical_id:
        return ""
    still = f"{stack} still has {owner.logical_id}, {owner.physical_id}"
    return f"{still}. Take it out of the stack with DeletionPolicy: Retain first"


def asked(owner: Owner, session: boto3.Session) -> Said:
    """What CloudFormation says, asked where the stack was."""
    arn = read_arn(owner.stack_id)
    if arn is None:
        return Said(failed="that is no id of a stack")
    try:
        account = session.client("sts", region_name=arn.region).get_caller_identity()["Account"]
        if account != arn.account:
            return Said(failed=f"it is of account {arn.account}, and --tools-profile of {account}")
        return _said(owner, session.client("cloudformation", region_name=arn.region))
    except (BotoCoreError, ClientError) as error:
        return Said(failed=str(error))


def _said(owner: Owner, cloudformation: CloudFormationClient) -> Said:
    """By its id, CloudFormation knows a deleted stack for 90 days."""
    said = Said()
    try:
        (stack,) = cloudformation.describe_stacks(StackName=owner.stack_id)["Stacks"]
        said = Said(stack["StackStatus"])
        named = {"StackName": owner.stack_id, "LogicalResourceId": owner.logical_id}
        resource = cloudformation.describe_stack_resource(**named)["StackResourceDetail"]
    except ClientError as error:
        # CloudFormation has no code of its own for this.
        if "does not exist" not in str(error):
            raise
        return said
    return replace(said, resource_status=resource["ResourceStatus"], physical_id=resource.get("PhysicalResourceId", ""))
