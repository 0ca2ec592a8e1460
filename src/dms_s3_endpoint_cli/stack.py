"""The stack that is to be deployed, as it stands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import boto3
from botocore.exceptions import ClientError

from .schema import TYPE_NAME


@dataclass(frozen=True)
class Stack:
    """A stack and the physical ids of its endpoints by logical id.

    Before the first deployment the id is empty and there are no endpoints.
    """

    name: str
    stack_id: str
    physical_ids: Mapping[str, str]


def read_stack(session: boto3.Session, name: str) -> Stack:
    """The stack of this name or id. Raises ClientError, but not for a stack that does not exist."""
    cloudformation = session.client("cloudformation")
    try:
        (stack,) = cloudformation.describe_stacks(StackName=name)["Stacks"]
    except ClientError as error:
        # CloudFormation has no code of its own for this.
        if "does not exist" not in str(error):
            raise
        return Stack(name, "", {})
    pages = cloudformation.get_paginator("list_stack_resources").paginate(StackName=name)
    ours = [each for page in pages for each in page["StackResourceSummaries"] if each["ResourceType"] == TYPE_NAME]
    physical_ids = {each["LogicalResourceId"]: each.get("PhysicalResourceId", "") for each in ours}
    return Stack(stack["StackName"], stack["StackId"], physical_ids)
