"""Each of examples/, deployed, updated and deleted by the real `sam deploy`.

one-endpoint.yaml is test_stack.py's, with-task.yaml test_replacing.py's.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from local_aws import EmbeddedAws
from local_aws.organisation import (
    DEV,
    PAIRS,
    ROOT,
    TOOLS,
    CommandFailedError,
    Pair,
    delete_stack,
    endpoints,
    sam_deploy,
    update_function,
)

from .world import external_ids, replication_instance, tags_of, the_endpoint, trust_of

KEY = f"arn:aws:kms:eu-west-1:{DEV.data_lake}:key/11111111-2222-3333-4444-555555555555"
CONSUMER = "888888888888"


@pytest.fixture
def name() -> str:
    return f"example-{uuid.uuid4().hex[:8]}"


def deploy(aws: EmbeddedAws, name: str, example: str, **parameters: str) -> None:
    template = ROOT / "examples" / example
    sam_deploy(aws, template, name, {"Environment": "dev", "BucketName": DEV.bucket, **parameters})


def granted(aws: EmbeddedAws, role: str) -> dict[str, Any]:
    """By its Sid, each statement of the one policy of the role."""
    iam = aws.client("iam", DEV.data_lake)
    (attached,) = iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"]
    version = iam.get_policy(PolicyArn=attached["PolicyArn"])["Policy"]["DefaultVersionId"]
    document: Any = iam.get_policy_version(PolicyArn=attached["PolicyArn"], VersionId=version)["PolicyVersion"]
    return {statement["Sid"]: statement for statement in document["Document"]["Statement"]}


def test_encrypted(aws: EmbeddedAws, name: str) -> None:
    deploy(aws, name, "encrypted.yaml", KeyArn=KEY)
    live: Any = the_endpoint(aws)["S3Settings"]
    assert live["ServerSideEncryptionKmsKeyId"] == KEY
    assert KEY in [statement["Resource"] for statement in granted(aws, "dms-encrypted").values()]
    deploy(aws, name, "encrypted.yaml", KeyArn=KEY, BucketFolder="secret")
    assert the_endpoint(aws)["S3Settings"]["BucketFolder"] == "secret"
    delete_stack(aws, name)


def test_partitioned_with_a_connection_test(aws: EmbeddedAws, name: str) -> None:
    instance, dms = replication_instance(aws), aws.client("dms", DEV.dms)
    deploy(aws, name, "partitioned.yaml", ReplicationInstanceArn=instance)
    live: Any = the_endpoint(aws)["S3Settings"]
    assert live["DatePartitionEnabled"] is True
    assert [each["Status"] for each in dms.describe_connections()["Connections"]] == ["successful"]
    deploy(aws, name, "partitioned.yaml", ReplicationInstanceArn=instance, DatePartitionSequence="yyyymm")
    assert the_endpoint(aws)["S3Settings"]["DatePartitionSequence"].lower() == "yyyymm"
    delete_stack(aws, name)
    dms.delete_replication_instance(ReplicationInstanceArn=instance)


def test_two_on_one_bucket(aws: EmbeddedAws, name: str) -> None:
    deploy(aws, name, "two-on-one-bucket.yaml")
    for each in ("full", "changes"):
        assert granted(aws, f"dms-sales-{each}")["WriteObjects"]["Resource"] == (
            f"arn:aws:s3:::{DEV.bucket}/sales/{each}/*"
        )
    before = {each["EndpointIdentifier"]: each for each in endpoints(aws, DEV)}
    deploy(aws, name, "two-on-one-bucket.yaml", DataFormat="csv")
    after = {each["EndpointIdentifier"]: each for each in endpoints(aws, DEV)}
    assert [each for each in before if before[each] != after[each]] == ["sales-full"]
    delete_stack(aws, name)


def token(aws: EmbeddedAws) -> str:
    return f"arn:aws:lambda:{aws.region}:{TOOLS}:function:dms-s3-endpoint:live"


def test_from_another_account_that_is_named(aws: EmbeddedAws, name: str) -> None:
    template = ROOT / "examples" / "from-another-account.yaml"
    given = {"ServiceToken": token(aws), "BucketName": DEV.bucket}
    with pytest.raises(CommandFailedError, match=r"perform:\s+lambda:InvokeFunction"):
        sam_deploy(aws, template, name, given, CONSUMER)
    delete_stack(aws, name, CONSUMER)
    update_function(aws, StackAccounts=f"{DEV.dms},{CONSUMER}")
    sam_deploy(aws, template, name, given, CONSUMER)
    stack_id = tags_of(aws, the_endpoint(aws)["EndpointArn"])["dms-s3-endpoint:stack-id"]
    assert stack_id.split(":")[4] == CONSUMER
    sam_deploy(aws, template, name, given | {"BucketFolder": "elsewhere"}, CONSUMER)
    assert the_endpoint(aws)["S3Settings"]["BucketFolder"] == "elsewhere"
    delete_stack(aws, name, CONSUMER)
    update_function(aws, StackAccounts="")


def side_by_side(act: Callable[[Pair], None]) -> None:
    with ThreadPoolExecutor() as pool:
        list(pool.map(act, PAIRS))


def test_a_fleet_of_twelve_for_dev_test_and_prod(aws: EmbeddedAws, name: str, tmp_path: Path) -> None:
    def deploy_fleet(pair: Pair, template: Path = ROOT / "examples" / "fleet.yaml") -> None:
        sam_deploy(aws, template, f"{name}-{pair.name}", {"Environment": pair.name, "BucketName": pair.bucket})

    aws.switch(propagation_seconds=2.0)
    side_by_side(deploy_fleet)
    standing = {pair: {each["EndpointIdentifier"]: each for each in endpoints(aws, pair)} for pair in PAIRS}
    assert [len(each) for each in standing.values()] == [12, 12, 12]
    for pair, fleet in standing.items():
        for identifier, endpoint in fleet.items():
            assert external_ids(trust_of(aws, f"dms-{identifier}", pair)) == [endpoint["ExternalId"]]

    changed = tmp_path / "fleet.yaml"
    fleet_template = (ROOT / "examples" / "fleet.yaml").read_text()
    changed.write_text(fleet_template.replace("Identifier: prices, Format: csv", "Identifier: prices, Format: parquet"))
    deploy_fleet(DEV, changed)
    now = {each["EndpointIdentifier"]: each for each in endpoints(aws, DEV)}
    assert [each for each in now if now[each] != standing[DEV][each]] == ["prices"]
    side_by_side(lambda pair: delete_stack(aws, f"{name}-{pair.name}"))
