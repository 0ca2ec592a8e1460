"""What DMS answers, and how it is taken: the ExternalId in a fault's text, deletes, connection tests."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from development.faults.scenarios import properties
from development.faults.stack import Stack
from dms_s3_endpoint.aws.dms import CreateAnswer, Dms, _succeeds, external_id_in
from dms_s3_endpoint.model.ownership import FINGERPRINT
from dms_s3_endpoint.model.parse import parse
from dms_s3_endpoint.model.pieces import LiveEndpoint

from .builders import ENVIRONMENTS, STACK_ID, FakeClock, make_client_error, make_event
from .in_memory import FakeClient, refuse
from .test_procedure import INSTANCE, OURS, World

pytestmark = pytest.mark.usefixtures("in_memory")

ONE, OTHER = "5f36b878-4c4c-4f15-94dc-ee2a92332570", "7b0cc851-ccbd-4dc5-a90a-8371ee700a78"


@pytest.mark.parametrize(
    ("message", "found"),
    [
        (f"request {OTHER}: the external id is {ONE}", ONE),
        (f"ExternalId={ONE}", ONE),
        (f"must demand {ONE}", ONE),
        (f"either {ONE} or {OTHER}", ""),
        ("is not configured properly.AccessDenied", ""),
    ],
)
def test_the_external_id_is_taken_from_a_faults_text(message: str, found: str) -> None:
    assert external_id_in(make_client_error("AccessDeniedFault", message)) == found


def test_the_id_of_the_request_is_not_taken_for_an_external_id() -> None:
    assert external_id_in(make_client_error("AccessDeniedFault", f"request {ONE}", request_id=ONE)) == ""


# How DMS tells of an endpoint

TOLD = {"EndpointArn": "arn", "EndpointIdentifier": "orders", "Status": "ACTIVE"}


def dms(fake: Any) -> Dms:
    client: Any = FakeClient(fake)
    return Dms(client, FakeClock().deadline())


def told(**more: Any) -> LiveEndpoint:
    fake = SimpleNamespace(
        service="dms",
        describe_endpoints=lambda Filters: {"Endpoints": [{**TOLD, **more}]},  # noqa: N803  # boto3's name
        list_tags_for_resource=lambda ResourceArn: {"TagList": [{"Key": "team", "Value": ResourceArn}]},  # noqa: N803
    )
    live = dms(fake).find_endpoint("orders")
    assert live
    return live


def test_of_an_endpoint_that_dms_tells_little_of_little_is_known() -> None:
    assert told() == LiveEndpoint("arn", "orders", "active", "", "", {}, {"team": "arn"})


def test_its_role_is_in_its_settings_or_beside_them() -> None:
    settings = {"ServiceAccessRoleArn": "one"}
    assert told(S3Settings=settings, ServiceAccessRoleArn="other").role_arn == "one"
    assert told(S3Settings={}, ServiceAccessRoleArn="other").role_arn == "other"


def test_its_settings_are_in_both_places_and_what_is_no_setting_is_left_out() -> None:
    attributes = "bucketName=lake;cdcPath=changes;;=nothing;alone;"
    live = told(S3Settings={"BucketName": "lake-2"}, ExtraConnectionAttributes=attributes)
    assert live.settings == {"BucketName": "lake-2", "CdcPath": "changes"}


@pytest.mark.parametrize("external_id", ["x", "*", "two words", "a" * 1225])
def test_an_external_id_that_no_trust_policy_takes_is_none(external_id: str) -> None:
    assert told(ExternalId=external_id).external_id == ""
    assert told(ExternalId=ONE).external_id == ONE


# Through a whole request


def create_with_test(world: World) -> bool:
    return world.stack.create({**OURS, "TESTREPLICATIONINSTANCEARN": INSTANCE})


def test_a_connection_that_goes_on_failing_fails_the_create_with_dms_own_message() -> None:
    world = World()
    world.cloud.dms.test_messages = ["Access Denied"] * 1000
    assert not create_with_test(world)
    assert world.reason == (
        "ConnectionTestFailed: test-connection orders: Access Denied. Check bucket, key and their policies in the "
        "data-lake account, and the network of the instance"
    )
    assert 120.0 < world.cloud.clock.now < 180.0


def test_a_connection_test_without_a_result_is_out_of_time() -> None:
    world = World()
    world.cloud.dms.test_messages = ["testing"] * 10_000
    assert not create_with_test(world)
    assert world.reason == (
        "NotStabilized: test-connection orders: no result. Deploy again; it continues from what stands"
    )


def test_a_connection_test_that_dms_refuses_for_another_reason_fails_the_create() -> None:
    world = World()
    world.once("test_connection", refuse("InvalidResourceStateFault", "The instance is not available."))
    assert not create_with_test(world)
    assert world.reason.startswith(
        "InternalError: test-connection orders: InvalidResourceStateFault: The instance is not available. "
    )


def test_a_result_that_is_not_there_yet_is_waited_for() -> None:
    world = World()
    world.once("describe_connections", refuse("ResourceNotFoundFault"))
    assert create_with_test(world)


def test_a_delete_that_dms_refuses_for_no_task_says_what_dms_said() -> None:
    world = World().created()
    refused = refuse("InvalidResourceStateFault", "It is being modified.")
    world.cloud.happenings = {("delete_endpoint", n): refused for n in range(1, 1000)}
    (answer,) = world.cloud.deliver(make_event("Delete", ResourceProperties=OURS, PhysicalResourceId="dev/orders"))
    assert answer["Reason"] == (
        "NotStabilized: delete-endpoint orders: It is being modified. Deploy again; it continues from what stands"
    )
    assert world.stack.delete()


def test_a_delete_that_dms_refuses_for_a_moment_is_asked_for_again() -> None:
    world = World().created()
    world.once("delete_endpoint", refuse("InvalidResourceStateFault"))
    assert world.stack.delete()
    assert world.calls[-1].count("delete_endpoint") == 2


@pytest.mark.parametrize(
    ("before", "now", "fingerprint", "succeeds"),
    [
        ("active", "active", "the same", False),
        ("active", "active", "another", True),
        ("failed", "active", "the same", True),
        ("failed", "creating", "the same", True),
        ("failed", "failed", "the same", False),
        ("creating", "active", "the same", False),
        ("deleting", "active", "the same", False),
    ],
)
def test_one_of_the_same_arn_that_is_another_ends_the_wait_for_the_delete(
    before: str, now: str, fingerprint: str, succeeds: bool
) -> None:
    live = LiveEndpoint("arn", "orders", before, "", "", {}, {FINGERPRINT: "the same"})
    assert _succeeds(replace(live, status=now, tags={FINGERPRINT: fingerprint}), live) is succeeds


def test_a_create_gives_what_dms_needs_and_nothing_empty() -> None:
    given: dict[str, Any] = {}

    def create_endpoint(**arguments: Any) -> Any:
        given.update(arguments)
        return {"Endpoint": {}}

    fake = SimpleNamespace(service="dms", create_endpoint=create_endpoint)
    endpoint = parse(properties("orders"), ENVIRONMENTS)
    answer = dms(fake).create_endpoint(endpoint, "role", {"team": "lake"}, {})
    assert answer == CreateAnswer(accepted=True, external_id="")
    assert {key: value for key, value in given.items() if key != "S3Settings"} == {
        "EndpointIdentifier": "orders",
        "ResourceIdentifier": "orders",
        "EndpointType": "target",
        "EngineName": "s3",
        "Tags": [{"Key": "team", "Value": "lake"}],
    }


def test_an_id_within_our_own_names_is_not_taken_for_an_external_id() -> None:
    endpoint = parse(properties("orders", ROLENAME=f"role-{ONE}"), ENVIRONMENTS)
    refusal = make_client_error("AccessDeniedFault", f"The IAM Role role-{ONE} is not configured properly.")

    def refuse_create(**_given: Any) -> Any:
        raise refusal

    fake = SimpleNamespace(service="dms", create_endpoint=refuse_create)
    answer = dms(fake).create_endpoint(endpoint, "role", {}, {})
    assert (answer.accepted, answer.exists, answer.external_id) == (False, False, "")


def test_an_endpoint_that_was_made_again_behind_our_back_is_deleted_again() -> None:
    world = World().created()
    endpoints = world.cloud.dms.endpoints

    def make_again(effect: Callable[[], Any]) -> Any:
        (live,) = endpoints.standing()
        answer = effect()
        endpoints.kept = [replace(live, deleted=None, gone=None)]
        return answer

    world.once("delete_endpoint", make_again)
    assert world.stack.delete()
    assert world.cloud.inventory() == {}


@pytest.mark.parametrize("code", ["ResourceNotFoundFault", "AccessDeniedException"])
def test_an_endpoint_that_goes_before_its_delete_is_fine_also_where_its_tags_granted_it(code: str) -> None:
    world = World().created()

    def go(_effect: Callable[[], Any]) -> Any:
        world.cloud.dms.endpoints.kept.clear()
        raise make_client_error(code)

    world.once("delete_endpoint", go)
    assert world.stack.delete()
    assert "delete_endpoint" in world.calls[-1]


def test_endpoints_are_found_on_every_page_and_those_of_others_are_not_asked_for_their_tags() -> None:
    world = World(page_size=1, first_create="keeps").created()
    theirs = Stack(world.cloud, f"{STACK_ID}-theirs")
    assert theirs.create(properties("theirs"))
    answer = world.cloud.deliver(make_event("Delete", ResourceProperties=OURS, PhysicalResourceId="stack-Endpoint-1"))[
        0
    ]
    assert answer["Status"] == "SUCCESS"
    assert [each.identifier for each in world.cloud.dms.endpoints.standing()] == ["theirs"]
    assert world.calls[-1].count("list_tags_for_resource") == 1


def test_tags_are_changed_in_place() -> None:
    world = World().created()
    world.calls.clear()
    assert world.stack.update(properties("orders", TAGS=[{"Key": "stage", "Value": "dev"}]))
    (live,) = world.cloud.dms.endpoints.standing()
    assert {key: value for key, value in live.tags.items() if ":" not in key} == {"stage": "dev"}
    assert {"add_tags_to_resource", "remove_tags_from_resource"} <= set(world.calls[0])
