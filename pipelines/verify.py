"""`python -m pipelines.verify ENVIRONMENT BUCKET`: one endpoint, made and deleted by the function just deployed."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
from botocore.exceptions import WaiterError

if TYPE_CHECKING:
    from mypy_boto3_cloudformation.type_defs import WaiterConfigTypeDef

TEMPLATE = Path(__file__).resolve().parent.parent / "examples" / "one-endpoint.yaml"
# The longest that a request may take, a look each two seconds.
UNTIL_DONE: WaiterConfigTypeDef = {"Delay": 2, "MaxAttempts": 15 * 60 // 2}


def main(arguments: Sequence[str]) -> int:
    environment, bucket = arguments
    name = f"dms-s3-endpoint-smoke-{environment}"
    cloudformation = boto3.client("cloudformation")
    parameters = {
        "Environment": environment,
        "BucketName": bucket,
        "EndpointIdentifier": "dms-s3-endpoint-smoke",
        "ServiceToken": f"/dms-s3-endpoint-{environment}/service-token",
    }
    cloudformation.create_stack(
        StackName=name,
        TemplateBody=TEMPLATE.read_text(),
        Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
        OnFailure="ROLLBACK",
    )
    try:
        cloudformation.get_waiter("stack_create_complete").wait(StackName=name, WaiterConfig=UNTIL_DONE)
        (stack,) = cloudformation.describe_stacks(StackName=name)["Stacks"]
        outputs = {each["OutputKey"]: each["OutputValue"] for each in stack["Outputs"]}
        print(f"{environment} makes endpoints: {outputs['EndpointArn']}")
    except WaiterError:
        events = cloudformation.describe_stack_events(StackName=name)["StackEvents"]
        reasons = [each["ResourceStatusReason"] for each in events if each["ResourceStatus"] == "CREATE_FAILED"]
        print(f"{environment} makes no endpoint: {'; '.join(reasons)}", file=sys.stderr)
        return 1
    finally:
        cloudformation.delete_stack(StackName=name)
        cloudformation.get_waiter("stack_delete_complete").wait(StackName=name, WaiterConfig=UNTIL_DONE)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
