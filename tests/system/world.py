"""What the system tests say of the accounts, and the properties that they ask for."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from local_aws import EmbeddedAws
from local_aws.cloudformation import CloudFormation
from local_aws.organisation import DEV, Pair, endpoints, purge, update_account

SETTINGS = {"BUCKETNAME": DEV.bucket, "BUCKETFOLDER": "orders", "DATAFORMAT": "parquet"}
MUTATIONS = ("Create", "Update", "Delete", "Put", "Tag", "Untag", "Attach", "Detach", "Add", "Remove", "Modify")


def properties(**changes: Any) -> dict[str, Any]:
    """Properties of an endpoint `orders` in dev; None leaves one out."""
    given = {
        "ENVIRONMENT": "dev",
        "ENDPOINTIDENTIFIER": "orders",
        "POLICYNAME": "dms-orders",
        "ROLENAME": "dms-orders",
        "S3SETTINGS": SETTINGS,
    }
    return {key: value for key, value in (given | changes).items() if value is not None}


def settings(**changes: Any) -> dict[str, Any]:
    return SETTINGS | changes


def create(cloudformation: CloudFormation, **changes: Any) -> dict[str, Any]:
    """The answer to a Create that succeeds."""
    answer = cloudformation.send("Create", properties(**changes))
    assert answer["Status"] == "SUCCESS", answer
    return answer


def update(
    cloudformation: CloudFormation, old: dict[str, Any], new: dict[str, Any], physical_id: str = "dev/orders"
) -> dict[str, Any]:
    return cloudformation.send("Update", new, OldResourceProperties=old, PhysicalResourceId=physical_id)


def delete(cloudformation: CloudFormation, physical_id: str = "dev/orders", **changes: Any) -> None:
    answer = cloudformation.send("Delete", properties(**changes), PhysicalResourceId=physical_id)
    assert (answer["Status"], answer["PhysicalResourceId"]) == ("SUCCESS", physical_id), answer


def refused(answer: dict[str, Any], code: str) -> str:
    """The reason of an answer that failed with the code."""
    assert answer["Status"] == "FAILED", answer
    reason: str = answer["Reason"]
    assert reason.startswith(f"{code}: "), reason
    assert len(reason) <= 400
    return reason


def the_endpoint(aws: EmbeddedAws, pair: Pair = DEV) -> dict[str, Any]:
    (endpoint,) = endpoints(aws, pair)
    return dict(endpoint)


def trust_of(aws: EmbeddedAws, role: str, pair: Pair = DEV) -> dict[str, Any]:
    found: Any = aws.client("iam", pair.data_lake).get_role(RoleName=role)["Role"]["AssumeRolePolicyDocument"]
    return dict(found)


def external_ids(trust: dict[str, Any]) -> list[str]:
    return [s["Condition"]["StringEquals"]["sts:ExternalId"] for s in trust["Statement"] if s.get("Condition")]


def tags_of(aws: EmbeddedAws, arn: str, pair: Pair = DEV) -> dict[str, str]:
    tags = aws.client("dms", pair.dms).list_tags_for_resource(ResourceArn=arn)["TagList"]
    return {tag["Key"]: tag["Value"] for tag in tags}


def mutations(aws: EmbeddedAws) -> list[str]:
    """The operations by which the function changed anything since the calls were cleared."""
    return [
        call.operation
        for call in aws.calls()
        if call.service in ("iam", "dms") and call.operation.startswith(MUTATIONS) and call.status < 400  # HTTP
    ]


@contextmanager
def task_on(aws: EmbeddedAws, endpoint_arn: str, pair: Pair = DEV) -> Iterator[str]:
    """A replication task on the endpoint, with an instance of its own, while the block lasts; its identifier."""
    dms, instance = aws.client("dms", pair.dms), replication_instance(aws, pair)
    task = dms.create_replication_task(
        ReplicationTaskIdentifier="nightly",
        SourceEndpointArn=f"arn:aws:dms:{aws.region}:{pair.dms}:endpoint:SOURCE",
        TargetEndpointArn=endpoint_arn,
        ReplicationInstanceArn=instance,
        MigrationType="full-load",
        TableMappings=json.dumps({"rules": []}),
    )["ReplicationTask"]
    try:
        yield "nightly"
    finally:
        dms.delete_replication_task(ReplicationTaskArn=task["ReplicationTaskArn"])
        dms.delete_replication_instance(ReplicationInstanceArn=instance)


def replication_instance(aws: EmbeddedAws, pair: Pair = DEV) -> str:
    answer = aws.client("dms", pair.dms).create_replication_instance(
        ReplicationInstanceIdentifier="tests", ReplicationInstanceClass="dms.t3.micro"
    )
    return str(answer["ReplicationInstance"]["ReplicationInstanceArn"])


@contextmanager
def adoptable(aws: EmbeddedAws, names: str, afterwards: str = "") -> Iterator[None]:
    """Roles and policies of the pattern may be adopted in dev; what was made there is taken away."""
    allow_adoption(aws, names)
    try:
        yield
    finally:
        purge(aws, [DEV])
        allow_adoption(aws, afterwards)


def allow_adoption(aws: EmbeddedAws, names: str) -> None:
    """Of roles and policies of the pattern, in both accounts of dev; empty for none."""
    update_account(aws, DEV.data_lake, "data-lake.yaml", Adopt=names)
    update_account(aws, DEV.dms, "dms.yaml", Adopt=names)


@contextmanager
def no_boundary_demanded(aws: EmbeddedAws) -> Iterator[None]:
    """Of roles in dev's data lake, which is empty afterwards."""
    update_account(aws, DEV.data_lake, "data-lake.yaml", PermissionsBoundary="none")
    try:
        yield
    finally:
        purge(aws, [DEV])
        update_account(aws, DEV.data_lake, "data-lake.yaml", PermissionsBoundary="make")
