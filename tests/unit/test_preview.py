"""What a check says of pieces, bucket and key; tests/system/test_check.py shows that `sam deploy` does so."""

from __future__ import annotations

import json
from typing import Any

import pytest

from development.faults.scenarios import BOUNDARY, another_folder, another_policy, bounded, properties, retagged
from dms_s3_endpoint.cloudformation.event import Event
from dms_s3_endpoint.cloudformation.lifecycle import check
from dms_s3_endpoint.procedure.preview import Report

from .builders import DATA_LAKE, make_event
from .in_memory import FakeClient
from .test_adoption import ANOTHER_FOLDER, ByHand, adopting, without_tags
from .test_procedure import ENDPOINT_ARN, INSTANCE, OURS, World
from .test_storage import KEY, FakeKms, FakeS3, document

pytestmark = pytest.mark.usefixtures("in_memory")
# The steps as (do, name).
Steps = list[tuple[str, str]]


def checked(
    world: World, given: Any, physical_id: str | None = "dev/orders", old: Any = OURS, storage: Any = None
) -> Report:
    """The report, with a bucket and a key that fit unless another one is given. It changes nothing."""
    used = [FakeS3(), FakeKms(), *filter(None, [storage])]
    world.cloud.storage_clients = {each.service: FakeClient(each) for each in used}
    known = {"PhysicalResourceId": physical_id, "OldResourceProperties": old} if physical_id else {}
    event = make_event("Check", ResourceProperties=given, **known)
    before = world.cloud.inventory()
    request = Event.read(event)
    report = check(request, world.cloud.deployment(request))
    assert world.cloud.inventory() == before
    return report


def steps_of(report: Report) -> Steps:
    return [(step["do"], step["name"]) for step in report.steps]


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
DELETED: Steps = [
    ("delete endpoint", "orders"),
    ("delete role", "orders-role"),
    ("delete policy", "orders-policy"),
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
    "another identifier": (properties("invoices"), "replace", CREATED_BESIDE + DELETED),
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


IN_USE = (
    "task nightly uses endpoint orders: if still there when the update cleans up, endpoint, role and policy stay "
    "until they are gone"
)


def test_of_a_resource_that_is_no_longer_declared_it_says_what_its_deletion_would_do() -> None:
    report = checked(World().created(), None)
    assert (report.action, steps_of(report), report.warnings, report.problems) == ("delete", DELETED, [], [])


@pytest.mark.parametrize("given", [None, properties("invoices")], ids=["deleted", "replaced"])
def test_a_task_on_what_the_update_deletes_fails_no_update_and_is_a_warning(given: Any) -> None:
    world = World().created()
    world.cloud.dms.tasks = {"nightly": ENDPOINT_ARN}
    report = checked(world, given)
    assert (report.warnings, report.problems) == ([IN_USE], [])


def test_two_tasks_are_named_together() -> None:
    world = World().created()
    world.cloud.dms.tasks = {"hourly": ENDPOINT_ARN, "nightly": ENDPOINT_ARN}
    assert checked(world, None).warnings[0].startswith("task hourly, task nightly use endpoint orders: ")


def test_what_can_not_be_deleted_is_a_warning() -> None:
    world = World().created()
    world.cloud.unreachable = {"dev"}
    report = checked(world, None)
    assert (report.action, report.steps, report.problems) == ("delete", [], [])
    assert report.warnings[0].startswith("dev/orders can't be deleted: AssumeRoleDenied: ")


def test_of_what_was_never_made_nothing_is_deleted() -> None:
    report = checked(World().created(), None, physical_id="orders-stack-Endpoint-1ABCDEFGHIJKL")
    assert (report.action, report.steps, report.warnings, report.problems) == ("delete", [], [], [])


def test_what_a_change_by_hand_made_different_stays_as_it_is_while_tasks_use_it() -> None:
    world = World().created()
    world.cloud.dms.tasks = {"nightly": ENDPOINT_ARN}
    world.cloud.dms.endpoints.find(ENDPOINT_ARN).settings["BucketFolder"] = "by-hand"
    report = checked(world, OURS)
    assert (report.action, report.steps, report.problems) == ("leave as it is", [], [])
    assert report.warnings == ["orders stays as it is, as tasks use it: BUCKETFOLDER changed by hand"]


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


MISSING = ["bucket data-lake-dev does not exist"]
TESTED = {**OURS, "TESTREPLICATIONINSTANCEARN": INSTANCE}


def gone() -> FakeS3:
    return FakeS3(get_bucket_location="NoSuchBucket")


def test_what_stops_dms_fails_no_deployment_that_does_not_test_the_connection() -> None:
    report = checked(World(), OURS, physical_id=None, storage=gone())
    assert (report.action, report.warnings, report.problems) == ("create", MISSING, [])
    world = World()
    assert world.stack.create(TESTED)
    report = checked(world, TESTED, old=TESTED, storage=gone())
    assert (report.action, report.warnings, report.problems) == ("nothing", MISSING, [])


def test_what_stops_dms_fails_a_deployment_that_tests_the_connection() -> None:
    report = checked(World(), TESTED, physical_id=None, storage=gone())
    assert (report.action, report.warnings, report.problems) == ("create", [], MISSING)


def test_what_may_stop_dms_fails_no_deployment() -> None:
    report = checked(World(), TESTED, physical_id=None, storage=FakeS3(get_bucket_location="AccessDenied"))
    assert ["may not be looked at" in each for each in report.warnings] == [True]
    assert report.problems == []


def test_bucket_and_key_are_looked_at_though_the_deployment_would_be_refused() -> None:
    report = checked(ByHand(), OURS, physical_id=None, storage=gone())
    assert (report.action, report.warnings) == ("fail", MISSING)


def denied(world: World, given: Any = OURS, physical_id: str | None = "dev/orders", **elements: Any) -> list[str]:
    """What the report says of a bucket with such a denial."""
    s3 = FakeS3(policy=document("Deny", Action="s3:ListBucket", **elements))
    return checked(world, given, physical_id, storage=s3).warnings


LISTING = ["the policy of bucket data-lake-dev denies s3:ListBucket (statement number 1)"]


def test_a_role_that_stands_is_judged_by_its_arn() -> None:
    world = World().created()
    arn = world.role()["Arn"]
    assert denied(world, Condition={"ArnEquals": {"aws:PrincipalArn": arn}}) == LISTING
    assert denied(world, Condition={"ArnNotEquals": {"aws:PrincipalArn": arn}}) == []


def test_a_role_that_is_yet_to_be_made_is_judged_by_the_arn_that_it_will_have() -> None:
    arn = World().created().role()["Arn"]
    assert denied(World(), physical_id=None, Condition={"ArnEquals": {"aws:PrincipalArn": arn}}) == LISTING
    assert denied(World(), physical_id=None, Condition={"ArnNotEquals": {"aws:PrincipalArn": arn}}) == []


def test_a_role_is_judged_with_the_boundary_that_the_deployment_leaves_it() -> None:
    arn, with_boundary = World().created().role()["Arn"], World()
    assert with_boundary.stack.create(bounded("orders"))
    listed: Any = {"Principal": None, "NotPrincipal": {"AWS": [arn, DATA_LAKE]}}
    assert denied(World(), bounded("orders"), physical_id=None, **listed) == LISTING
    assert denied(World().created(), bounded("orders"), **listed) == LISTING
    assert denied(with_boundary, bounded("orders"), **listed) == LISTING
    (doubt,) = denied(with_boundary, OURS, **listed)
    assert "depending on the session's name" in doubt
    assert denied(World(), physical_id=None, **listed) == denied(World().created(), **listed) == [doubt]


def test_an_imported_role_keeps_the_boundary_that_it_has() -> None:
    world = ByHand()
    world.cloud.iam.put_role_permissions_boundary("orders-role", BOUNDARY)
    names = [world.role()["Arn"], DATA_LAKE]
    assert denied(world, adopting(), physical_id=None, Principal=None, NotPrincipal={"AWS": names})[1:] == LISTING


def test_a_role_that_stands_may_have_a_grant_of_the_key() -> None:
    encrypted = {"BUCKETNAME": "data-lake-dev", "ENCRYPTIONMODE": "SSE_KMS", "SSEKMSKEYID": KEY}
    given = {**TESTED, "S3SETTINGS": encrypted}
    nobodys = FakeKms(policy=document("Allow", Principal={"AWS": "444444444444"}))
    (problem,) = checked(World(), given, physical_id=None, storage=nobodys).problems
    assert problem.startswith(f"the policy of key {KEY} does not allow kms:Encrypt, ")
    report = checked(World().created(), given, storage=nobodys)
    assert (report.warnings, report.problems) == ([f"{problem}, unless a grant does"], [])
