"""What a check says of pieces, bucket and key; tests/system/test_check.py shows that `sam deploy` does so."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from development.faults.scenarios import BOUNDARY, another_folder, another_policy, bounded, properties, retagged
from dms_s3_endpoint.check import check
from dms_s3_endpoint.lifecycle import Deployment
from dms_s3_endpoint.request import Event, parse
from dms_s3_endpoint.storage import Storage

from .builders import DATA_LAKE, ENVIRONMENTS, make_client_error, make_event, make_properties
from .test_adoption import ByHand, adopting
from .test_endpoint import ENDPOINT_ARN, OURS, World

pytestmark = pytest.mark.usefixtures("in_memory")
KEY = f"arn:aws:kms:eu-west-1:{DATA_LAKE}:key/11111111-1111-4111-8111-111111111111"
ROOT_ARN = f"arn:aws:iam::{DATA_LAKE}:root"


def checked(world: World, given: Any, physical_id: str | None = "dev/orders") -> Any:
    """The report, with whatever bucket and key."""
    enter = world.cloud._entering({}, [])
    clients = {"s3": FakeS3(), "kms": FakeKms()}
    deployment = Deployment(ENVIRONMENTS, lambda env: replace(enter(env), client_in_data_lake=clients.__getitem__))
    event = make_event("Check", ResourceProperties=given, PhysicalResourceId=physical_id)
    before = world.cloud.pieces()
    report = check(Event.read(event), deployment)
    assert world.cloud.pieces() == before
    return report


class FakeS3:
    """A bucket; what is asked for is answered by an attribute of the instance, where it is set."""

    def __init__(self, location: str | None = "eu-west-1", policy: Any = None, denied: str = "") -> None:
        self.location, self.policy, self.denied = location, policy, denied

    def get_bucket_location(self, Bucket: str, ExpectedBucketOwner: str) -> Any:  # noqa: N803  # boto3's names
        assert (Bucket, ExpectedBucketOwner) == ("data-lake-dev", DATA_LAKE)
        if self.denied:
            raise make_client_error(self.denied, "says AWS")
        return {"LocationConstraint": self.location}

    def get_bucket_policy(self, Bucket: str, ExpectedBucketOwner: str) -> Any:  # noqa: N803  # boto3's names
        if self.policy is None:
            raise make_client_error("NoSuchBucketPolicy")
        return {"Policy": json.dumps({"Statement": self.policy})}


class FakeKms:
    def __init__(self, state: str = "Enabled", arn: str = KEY, policy: Any = None, denied: str = "") -> None:
        self.state, self.arn, self.denied = state, arn, denied
        self.policy = policy or [{"Effect": "Allow", "Principal": {"AWS": ROOT_ARN}, "Action": "kms:*"}]

    def describe_key(self, KeyId: str) -> Any:  # noqa: N803  # boto3's name
        if self.denied:
            raise make_client_error(self.denied, f"says AWS of {KeyId}")
        return {"KeyMetadata": {"KeyState": self.state, "Arn": self.arn}}

    def get_key_policy(self, KeyId: str, PolicyName: str) -> Any:  # noqa: N803  # boto3's names
        assert (KeyId, PolicyName) == (KEY, "default")
        return {"Policy": json.dumps({"Statement": self.policy})}


PLANS: dict[str, tuple[Any, str, list[str]]] = {
    "the same": (OURS, "nothing", []),
    "tags": (retagged("orders"), "change in place", ["tags"]),
    "a boundary": (bounded("orders"), "change in place", ["its boundary"]),
    "another policy": (
        another_policy("orders"),
        "change in place",
        ["policy orders-policy-2", "its policy"],
    ),
    "another folder": (another_folder("orders"), "delete and create", ["BUCKETFOLDER"]),
    "another identifier": (properties("invoices"), "replace", ["dev/orders becomes dev/invoices"]),
}


@pytest.mark.parametrize(("given", "action", "changes"), PLANS.values(), ids=PLANS.keys())
def test_of_a_resource_that_stands_it_says_what_an_update_would_do(given: Any, action: str, changes: list[str]) -> None:
    assert checked(World().created(), given) == {"action": action, "changes": changes, "problems": []}


def test_a_task_that_would_block_the_update_is_said() -> None:
    world = World().created()
    world.cloud.dms.tasks = {"nightly": ENDPOINT_ARN}
    assert checked(world, another_folder("orders"))["problems"] == [
        "EndpointInUse: used by task nightly. Delete these first"
    ]
    assert checked(world, retagged("orders"))["problems"] == []


def test_a_role_that_somebody_changed_is_said() -> None:
    world = World().created()
    world.role()["AssumeRolePolicyDocument"] = {"Statement": []}
    world.cloud.iam.put_role_permissions_boundary("orders-role", BOUNDARY)
    assert checked(world, OURS)["changes"] == ["role orders-role", "its boundary"]


def test_a_role_that_is_gone_is_said() -> None:
    world = World().created()
    del world.cloud.iam.roles["orders-role"]
    assert checked(world, OURS)["changes"] == ["role orders-role", "its policy"]


def test_an_adoption_is_said_and_that_it_would_be_over() -> None:
    world = ByHand()
    assert checked(world, adopting(), None)["action"] == "adopt"
    world.adopted()
    assert checked(world, adopting())["action"] == "nothing"
    assert "ADOPT" in checked(world, OURS)["changes"]


def denial(**more: Any) -> dict[str, Any]:
    return {"Effect": "Deny", "Principal": "*", "Action": "s3:DeleteObject", "Resource": "*", **more}


def problems(s3: FakeS3 | None = None, kms: FakeKms | None = None, key: str = "") -> list[str]:
    encrypted = {"ENCRYPTIONMODE": "SSE_KMS", "SSEKMSKEYID": key} if key else {}
    given = make_properties(S3SETTINGS={"BUCKETNAME": "data-lake-dev", **encrypted})
    clients: Any = {"s3": s3 or FakeS3(), "kms": kms or FakeKms()}
    return Storage(**clients, region="eu-west-1").problems(parse(given, ENVIRONMENTS))


ROLE_ARN = f"arn:aws:iam::{DATA_LAKE}:role/dms-s3-endpoint/0/dms-orders"
BUCKETS: dict[str, tuple[FakeS3, list[str]]] = {
    "one that fits": (FakeS3(), []),
    "one that is not there": (FakeS3(denied="NoSuchBucket"), ["bucket data-lake-dev is not there"]),
    "one of another account": (
        FakeS3(denied="AccessDenied"),
        [f"bucket data-lake-dev is not of account {DATA_LAKE}, or may not be looked at: says AWS"],
    ),
    "one of another region": (
        FakeS3(location=None),
        ["bucket data-lake-dev is in us-east-1, and DMS wants it in eu-west-1"],
    ),
    "one whose policy denies it to everybody": (
        FakeS3(policy=[denial()]),
        ["the policy of bucket data-lake-dev denies s3:DeleteObject (statement number 1)"],
    ),
    "one whose policy denies it to the role": (
        FakeS3(policy=[denial(Sid="No", Principal={"AWS": [ROLE_ARN]}, Action=["s3:Put*"])]),
        ["the policy of bucket data-lake-dev denies s3:PutObject, s3:PutObjectTagging (statement No)"],
    ),
    "one whose policy denies it to another": (
        FakeS3(policy=[denial(Principal={"AWS": "arn:aws:iam::999999999999:root"})]),
        [],
    ),
    "one whose policy denies what nobody needs": (FakeS3(policy=[denial(Action="s3:DeleteBucket")]), []),
    "one whose policy denies it on a condition": (
        FakeS3(policy=[denial(Condition={"Bool": {"aws:SecureTransport": "false"}})]),
        [],
    ),
}


@pytest.mark.parametrize(("s3", "said"), BUCKETS.values(), ids=BUCKETS.keys())
def test_of_a_bucket_it_says_what_dms_would_stumble_on(s3: FakeS3, said: list[str]) -> None:
    assert problems(s3) == said


NOBODY = {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::999999999999:root"}, "Action": "kms:*"}
KEYS: dict[str, tuple[FakeKms, list[str]]] = {
    "one that fits": (FakeKms(), []),
    "one that names the role": (FakeKms(policy=[NOBODY | {"Principal": {"AWS": ROLE_ARN}}]), []),
    "one that is disabled": (FakeKms(state="PendingDeletion"), [f"key {KEY} is PendingDeletion"]),
    "one that is not there": (
        FakeKms(denied="NotFoundException"),
        [f"key {KEY} is not there, or may not be described: says AWS of {KEY}"],
    ),
    "one that lets nobody in": (
        FakeKms(policy=[NOBODY]),
        [f"the policy of key {KEY} lets neither IAM's policies of its account decide nor the role use it"],
    ),
    "one of another account, whose policy can't be read": (FakeKms(arn=KEY.replace(DATA_LAKE, "9" * 12)), []),
}


@pytest.mark.parametrize(("kms", "said"), KEYS.values(), ids=KEYS.keys())
def test_of_a_key_it_says_what_dms_would_stumble_on(kms: FakeKms, said: list[str]) -> None:
    assert problems(kms=kms, key=KEY) == said


@pytest.mark.parametrize("fake", [lambda: FakeS3(denied="SlowDown"), lambda: FakeKms(denied="KMSInternalException")])
def test_what_aws_answers_else_is_an_error(fake: Callable[[], Any]) -> None:
    answering = fake()
    given = {"s3": answering} if isinstance(answering, FakeS3) else {"kms": answering, "key": KEY}
    with pytest.raises(Exception, match="InternalError"):
        problems(**given)
