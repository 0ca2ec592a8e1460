"""A stack's whole life by the real `sam deploy`."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest

from local_aws import EmbeddedAws
from local_aws.organisation import DEV, ROOT, TEST, TOOLS, CommandFailedError, delete_stack, endpoints, sam_deploy

EXAMPLE = ROOT / "examples" / "one-endpoint.yaml"


def deploy(aws: EmbeddedAws, name: str, **parameters: str) -> str:
    return sam_deploy(aws, EXAMPLE, name, {"Environment": "dev", "BucketName": DEV.bucket, **parameters})


def stack(aws: EmbeddedAws, name: str) -> dict[str, Any]:
    return dict(aws.client("cloudformation", TOOLS).describe_stacks(StackName=name)["Stacks"][0])


@pytest.fixture
def name() -> str:
    """A stack of its own for each test: a failed one would be in the way of the next."""
    return f"orders-{uuid.uuid4().hex[:8]}"


def test_a_stack_is_created_updated_refused_rolled_back_replaced_and_deleted(aws: EmbeddedAws, name: str) -> None:
    deploy(aws, name)
    (created,) = endpoints(aws, DEV)
    role = aws.client("iam", DEV.data_lake).get_role(RoleName="dms-orders")["Role"]
    (statement,) = role["AssumeRolePolicyDocument"]["Statement"]
    assert statement["Principal"] == {"Service": "dms.amazonaws.com"}
    assert statement["Condition"] == {"StringEquals": {"sts:ExternalId": created["ExternalId"]}}

    deploy(aws, name, DataFormat="csv")
    (updated,) = endpoints(aws, DEV)
    assert updated["EndpointArn"] == created["EndpointArn"]
    assert updated["S3Settings"]["DataFormat"].lower() == "csv"

    aws.clear_calls()
    with pytest.raises(CommandFailedError, match="InvalidRequest"):
        deploy(aws, name, DataFormat="csv", BucketName="s3://not-a-bucket")
    assert stack(aws, name)["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert endpoints(aws, DEV) == [updated]
    assert not [
        call for call in aws.calls() if call.service == "dms" and call.operation in ("CreateEndpoint", "DeleteEndpoint")
    ]

    deploy(aws, name, DataFormat="csv", EndpointIdentifier="orders-v2")
    (replaced,) = endpoints(aws, DEV)
    assert replaced["EndpointIdentifier"] == "orders-v2"

    delete_stack(aws, name)


def test_a_create_that_is_refused_rolls_the_stack_back(aws: EmbeddedAws, name: str) -> None:
    with pytest.raises(CommandFailedError, match="UnknownEnvironment"):
        deploy(aws, name, Environment="nowhere")
    assert stack(aws, name)["StackStatus"] == "ROLLBACK_COMPLETE"
    delete_stack(aws, name)


def test_a_move_to_another_environment_leaves_nothing_in_the_first(aws: EmbeddedAws, name: str) -> None:
    deploy(aws, name)
    deploy(aws, name, Environment="test", BucketName=TEST.bucket)
    assert endpoints(aws, DEV) == []
    assert [endpoint["EndpointIdentifier"] for endpoint in endpoints(aws, TEST)] == ["orders"]
    delete_stack(aws, name)


def test_the_outputs_are_what_the_resource_returned(aws: EmbeddedAws, name: str) -> None:
    deploy(aws, name)
    (endpoint,) = endpoints(aws, DEV)
    outputs = {output["OutputKey"]: output["OutputValue"] for output in stack(aws, name)["Outputs"]}
    assert outputs["EndpointArn"] == endpoint["EndpointArn"]
    assert outputs["ExternalId"] == endpoint["ExternalId"]
    assert json.dumps(outputs).count("dms-orders") == 1
    delete_stack(aws, name)
