"""The stacks of the function's own account and region, as its own role sees them. The only user of CloudFormation.

https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DescribeStackResource.html
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from .errors import aws_call, error_code

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient

# What CloudFormation answers where there is no such stack, or no such resource in it.
UNKNOWN = "ValidationError"


@dataclass(frozen=True)
class StackResource:
    """A logical resource of a stack; `physical_id` is empty as long as it has none."""

    status: str
    physical_id: str


class Stacks:
    """Each method raises EndpointError if CloudFormation does not tell."""

    def __init__(self, client: CloudFormationClient) -> None:
        self._client = client

    def resource(self, stack_id: str, logical_id: str) -> StackResource | None:
        """The resource; None if there is no such stack, or if it has none of this name."""
        with aws_call(f"describe-stack-resource {logical_id}"):
            try:
                answer = self._client.describe_stack_resource(StackName=stack_id, LogicalResourceId=logical_id)
            except ClientError as error:
                if error_code(error) != UNKNOWN:
                    raise
                return None
        found = answer["StackResourceDetail"]
        return StackResource(found["ResourceStatus"], found.get("PhysicalResourceId", ""))

    def status(self, stack_id: str) -> str:
        """The stack's status; empty if there is no such stack."""
        with aws_call(f"describe-stacks {stack_id}"):
            try:
                (stack,) = self._client.describe_stacks(StackName=stack_id)["Stacks"]
            except ClientError as error:
                if error_code(error) != UNKNOWN:
                    raise
                return ""
        return stack["StackStatus"]
