"""What a check says of pieces, bucket and key; tests/system/test_check.py shows that `sam deploy` does so."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from development.faults.scenarios import BOUNDARY, another_folder, another_policy, bounded, properties, retagged
from dms_s3_endpoint.aws.storage import Storage
from dms_s3_endpoint.cloudformation.event import Event
from dms_s3_endpoint.cloudformation.lifecycle import check
from dms_s3_endpoint.model.parse import parse
from dms_s3_endpoint.procedure.preview import Report

from .builders import DATA_LAKE, ENVIRONMENTS, make_client_error, make_event, make_properties
from .in_memory import FakeClient
from .test_adoption import ANOTHER_FOLDER, ByHand, adopting, without_tags
from .test_procedure import ENDPOINT_ARN, INSTANCE, OURS, World

pytestmark = pytest.mark.usefixtures("in_memory")
KEY = f"arn:aws:kms:eu-west-1:{DATA_LAKE}:key/11111111-1111-4111-8111-111111111111"
ROOT_ARN = f"arn:aws:iam::{DATA_LAKE}:root"
# The steps as (do, name).
Steps = list[tuple[str, str]]


def checked(world: World, given: Any, physical_id: str | None = "dev/orders", old: Any = OURS) -> Report:
    """The report, with a bucket and a key that fit. It changes nothing."""
    world.cloud.storage_clients = {"s3": FakeClient(FakeS3()), "kms": FakeClient(FakeKms())}
    known = {"PhysicalResourceId": physical_id, "OldResourceProperties": old} if physical_id else {}
    event = make_event("Check", ResourceProperties=given, **known)
    before = world.cloud.inventory()
    request = Event.read(event)
    report = check(request, world.cloud.deployment(request))
    assert world.cloud.inventory() == before
    return report


def steps_of(report: Report) -> Steps:
    return [(step["do"], step["name"]) for step in report.steps]


class FakeS3:
    """A bucket; what is asked for is answered by an attribute of the instance, where it is set."""

    service = "s3"

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
    service = "kms"

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


CREATED: Steps = [
    ("create policy", "orders-policy"),
    ("create role", "orders-role"),
    ("create endpoint", "orders"),
    ("attach policy", "orders-policy"),
]
CREATED_BESIDE: Steps = [
    ("create policy", "invoices-policy"),
    ("create role", "invoices-role"),
    ("create endpoint", "invoices"),
    ("attach policy", "invoices-policy"),
]
PLANS: dict[str, tuple[Any, str, Steps]] = {
    "the same": (OURS, "nothing", []),
    "tags": (
        retagged("orders"),
        "change in place",
        [("retag", "policy orders-policy"), ("retag", "role orders-role"), ("retag", "endpoint orders")],
    ),
    "a boundary": (
        bounded("orders"),
        "change in place",
        [("set boundary", "orders-role"), ("retag", "role orders-role")],
    ),
    "another policy": (
        another_policy("orders"),
        "change in place",
        [
            ("create policy", "orders-policy-2"),
            ("attach policy", "orders-policy-2"),
            ("detach policy", "orders-role"),
            ("delete policy", "orders-policy"),
        ],
    ),
    "another folder": (
        another_folder("orders"),
        "delete and create",
        [
            ("replace document", "orders-policy"),
            ("delete endpoint", "orders"),
            ("create endpoint", "orders"),
            ("retag", "policy orders-policy"),
        ],
    ),
    "another identifier": (properties("invoices"), "replace", CREATED_BESIDE),
}


@pytest.mark.parametrize(("given", "action", "steps"), PLANS.values(), ids=PLANS.keys())
def test_of_a_resource_that_stands_it_says_what_an_update_would_do(given: Any, action: str, steps: Steps) -> None:
    report = checked(World().created(), given)
    assert (report.action, steps_of(report), report.warnings, report.problems) == (action, steps, [], [])


def test_of_a_new_resource_it_says_what_a_create_would_do() -> None:
    report = checked(World(), {**OURS, "TESTREPLICATIONINSTANCEARN": INSTANCE}, physical_id=None)
    assert (report.action, steps_of(report)) == ("create", [*CREATED, ("test connection", "orders")])


def test_the_report_is_plain_values_with_a_reason_for_each_step() -> None:
    report = checked(World().created(), bounded("orders")).as_json()
    assert report == {
        "action": "change in place",
        "steps": [
            {"do": "set boundary", "name": "orders-role", "reason": f"it has none, not {BOUNDARY}"},
            {"do": "retag", "name": "role orders-role", "reason": "differs in dms-s3-endpoint:fingerprint"},
        ],
        "warnings": [],
        "problems": [],
    }
    assert json.loads(json.dumps(report)) == report


def test_a_recreation_names_the_settings_that_differ() -> None:
    (step,) = [each for each in checked(World().created(), another_folder("orders")).steps if "delete" in each["do"]]
    assert step["reason"] == "BUCKETFOLDER differs"


def test_contradicting_settings_are_a_warning() -> None:
    contradicting = {"BUCKETNAME": "data-lake-dev", "CDCINSERTSONLY": "true", "CDCINSERTSANDUPDATES": "true"}
    report = checked(World(), properties("orders", S3SETTINGS=contradicting), physical_id=None)
    assert report.warnings == ["CDCINSERTSONLY and CDCINSERTSANDUPDATES exclude each other"]


def test_properties_that_can_not_be_right_are_a_problem() -> None:
    report = checked(World(), properties("orders", ROLENAME="a role"), physical_id=None)
    assert (report.action, report.steps) == ("fail", [])
    (problem,) = report.problems
    assert problem.startswith("InvalidRequest: ROLENAME")


def test_a_role_that_can_not_be_assumed_is_a_problem() -> None:
    world = World()
    world.cloud.unreachable = {"dev"}
    assert checked(world, OURS, physical_id=None).problems[0].startswith("AssumeRoleDenied: ")


def test_a_task_that_would_block_the_update_is_a_problem() -> None:
    world = World().created()
    world.cloud.dms.tasks = {"nightly": ENDPOINT_ARN}
    (problem,) = checked(world, another_folder("orders")).problems
    assert problem.startswith("EndpointInUse: delete-endpoint orders: used by task nightly. Delete these first")
    assert checked(world, retagged("orders")).problems == []


def test_a_name_that_is_taken_is_a_problem_and_nothing_is_planned() -> None:
    report = checked(ByHand(), OURS, physical_id=None)
    assert (report.action, report.steps) == ("fail", [])
    assert [problem.partition(":")[0] for problem in report.problems] == ["NameTaken", "NameTaken"]


def test_a_role_that_somebody_changed_is_mended() -> None:
    world = World().created()
    world.role()["AssumeRolePolicyDocument"] = {"Statement": []}
    world.cloud.iam.put_role_permissions_boundary("orders-role", BOUNDARY)
    assert steps_of(checked(world, OURS)) == [("set boundary", "orders-role"), ("bind trust", "orders-role")]


def test_a_role_that_is_gone_is_made_again() -> None:
    world = World().created()
    del world.cloud.iam.roles["orders-role"]
    assert steps_of(checked(world, OURS)) == [("create role", "orders-role"), ("attach policy", "orders-policy")]


def test_an_import_is_said_and_what_taking_adopt_out_would_do() -> None:
    world = ByHand()
    imported = [("import", name) for name in ("policy orders-policy", "role orders-role", "endpoint orders")]
    report = checked(world, adopting(), physical_id=None)
    assert (report.action, steps_of(report), report.problems) == ("adopt", imported, [])
    world.imported()
    assert checked(world, adopting(), old=adopting()).action == "nothing"
    report = checked(world, without_tags(), old=adopting())
    retagged = [("retag", name) for name in ("policy orders-policy", "role orders-role", "endpoint orders")]
    assert (report.action, steps_of(report)) == ("change in place", retagged)
    assert {step["reason"] for step in report.steps} == {"differs in dms-s3-endpoint:adopted"}


def test_an_import_that_would_be_refused_names_every_difference() -> None:
    report = checked(ByHand(CdcPath="changes"), adopting(S3SETTINGS=ANOTHER_FOLDER), physical_id=None)
    assert (report.action, report.steps) == ("fail", [])
    (problem,) = report.problems
    assert "endpoint orders differs in BUCKETFOLDER; endpoint orders differs in CDCPATH" in problem


def denial(**more: Any) -> dict[str, Any]:
    return {"Effect": "Deny", "Principal": "*", "Action": "s3:DeleteObject", "Resource": "*", **more}


def problems(s3: FakeS3 | None = None, kms: FakeKms | None = None, key: str = "") -> list[str]:
    encrypted = {"ENCRYPTIONMODE": "SSE_KMS", "SSEKMSKEYID": key} if key else {}
    given = make_properties(S3SETTINGS={"BUCKETNAME": "data-lake-dev", **encrypted})
    clients = {"s3": FakeClient(s3 or FakeS3()), "kms": FakeClient(kms or FakeKms())}
    return Storage(clients.__getitem__, "eu-west-1").problems(parse(given, ENVIRONMENTS))


ROLE_ARN = f"arn:aws:iam::{DATA_LAKE}:role/dms-s3-endpoint/0/dms-orders"
BUCKETS: dict[str, tuple[FakeS3, list[str]]] = {
    "one that fits": (FakeS3(), []),
    "one that does not exist": (FakeS3(denied="NoSuchBucket"), ["bucket data-lake-dev does not exist"]),
    "one of another account": (
        FakeS3(denied="AccessDenied"),
        [f"bucket data-lake-dev belongs to another account than {DATA_LAKE}, or may not be read: says AWS"],
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


@pytest.mark.parametrize(("s3", "expected"), BUCKETS.values(), ids=BUCKETS.keys())
def test_of_a_bucket_it_says_what_would_stop_dms(s3: FakeS3, expected: list[str]) -> None:
    assert problems(s3) == expected


NOBODY = {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::999999999999:root"}, "Action": "kms:*"}
KEYS: dict[str, tuple[FakeKms, list[str]]] = {
    "one that fits": (FakeKms(), []),
    "one that names the role": (FakeKms(policy=[NOBODY | {"Principal": {"AWS": ROLE_ARN}}]), []),
    "one that is disabled": (FakeKms(state="PendingDeletion"), [f"key {KEY} is PendingDeletion"]),
    "one that does not exist": (
        FakeKms(denied="NotFoundException"),
        [f"key {KEY} does not exist, or may not be described: says AWS of {KEY}"],
    ),
    "one that lets nobody in": (
        FakeKms(policy=[NOBODY]),
        [f"the policy of key {KEY} admits neither its account nor the role"],
    ),
    "one of another account, whose policy can't be read": (FakeKms(arn=KEY.replace(DATA_LAKE, "9" * 12)), []),
}


@pytest.mark.parametrize(("kms", "expected"), KEYS.values(), ids=KEYS.keys())
def test_of_a_key_it_says_what_would_stop_dms(kms: FakeKms, expected: list[str]) -> None:
    assert problems(kms=kms, key=KEY) == expected


@pytest.mark.parametrize("fake", [lambda: FakeS3(denied="SlowDown"), lambda: FakeKms(denied="KMSInternalException")])
def test_any_other_answer_of_aws_is_an_error(fake: Callable[[], Any]) -> None:
    answering = fake()
    given = {"s3": answering} if isinstance(answering, FakeS3) else {"kms": answering, "key": KEY}
    with pytest.raises(Exception, match="InternalError"):
        problems(**given)
