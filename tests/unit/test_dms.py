"""What DMS answers, and how it is taken: the ExternalId in a fault's text, deletes, connection tests."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any

import pytest

from development.faults.scenarios import properties
from development.faults.stack import Stack
from dms_s3_endpoint.aws.dms import (
    SECONDS_FOR_A_PASSING_STATUS,
    SECONDS_TO_SHOW,
    CreateAnswer,
    Dms,
    _succeeds,
)
from dms_s3_endpoint.aws.external_id import external_id_in
from dms_s3_endpoint.model.errors import Code, EndpointError
from dms_s3_endpoint.model.ownership import FINGERPRINT, STACK_ID
from dms_s3_endpoint.model.parse import parse
from dms_s3_endpoint.model.pieces import LiveEndpoint

from .builders import DMS, ENVIRONMENTS, FakeClock, make_client_error, make_event
from .builders import STACK_ID as STACK
from .in_memory import FakeClient, refuse
from .test_procedure import INSTANCE, OURS, World

pytestmark = pytest.mark.usefixtures("in_memory")

ONE, OTHER = "5f36b878-4c4c-4f15-94dc-ee2a92332570", "7b0cc851-ccbd-4dc5-a90a-8371ee700a78"
SESSION = f"arn:aws:sts::{DMS}:assumed-role/dms/orders-{OTHER}"


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


@pytest.mark.parametrize(
    ("message", "found"),
    [
        (f"User: {SESSION} is not authorized to perform: sts:AssumeRole on resource: role/lake", ""),
        (f"The external id is wrong. User: {SESSION} is not authorized", ""),
        (f"User: arn:aws:sts::{DMS}:assumed-role/dms-{ONE}/orders-{OTHER} is not authorized", ""),
        (f"User: {SESSION} is not authorized, as the trust must demand {ONE}", ONE),
        (f"The external id of {SESSION} is {ONE}", ONE),
    ],
)
def test_an_id_within_the_callers_session_is_not_taken_for_an_external_id(message: str, found: str) -> None:
    assert external_id_in(make_client_error("AccessDeniedFault", message)) == found


def rejected(message: str, tags: Mapping[str, str] | None = None, **more: Any) -> CreateAnswer:
    """What becomes of a create-endpoint that DMS rejects with this message."""

    def refuse_create(**_given: Any) -> Any:
        raise make_client_error("AccessDeniedFault", message)

    fake = SimpleNamespace(service="dms", create_endpoint=refuse_create)
    endpoint = parse(properties("orders", ROLENAME=f"role-{ONE}"), ENVIRONMENTS)
    return dms(fake, **more).create_endpoint(endpoint, "role", tags or {}, {})


@pytest.mark.parametrize("shown", [OTHER, OTHER.upper()])
def test_an_id_that_is_known_to_be_another_is_not_taken_for_an_external_id(shown: str) -> None:
    message = f"Session orders-{shown} is not authorized"
    assert rejected(message).external_id == shown
    assert rejected(message, never_external_ids=frozenset({OTHER})).external_id == ""


def test_the_id_of_the_stack_is_not_taken_for_an_external_id() -> None:
    assert rejected(f"The endpoint of {STACK} can't be made", {STACK_ID: STACK}).external_id == ""


# How DMS tells of an endpoint

TOLD = {"EndpointArn": "arn", "EndpointIdentifier": "orders", "Status": "ACTIVE"}


def dms(fake: Any, clock: FakeClock | None = None, **more: Any) -> Dms:
    client: Any = FakeClient(fake)
    return Dms(client, (clock or FakeClock()).deadline(), **more)


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


def test_an_endpoint_is_found_by_its_arn_with_its_tags() -> None:
    world = World().created()
    ours = dms(world.cloud.dms, account_arn=f"arn:aws:dms:eu-west-1:{DMS}")
    live = ours.endpoint_at(ours.arn_of("orders"))
    assert live
    assert (live.identifier, live.tags[STACK_ID]) == ("orders", STACK)
    assert ours.endpoint_at(ours.arn_of("others")) is None


# How long a passing status is waited for


@dataclass
class Passing:
    """DMS with an endpoint that has one status after the other. The last stays."""

    statuses: list[str]
    service: str = "dms"
    clock: FakeClock = field(default_factory=FakeClock)

    def describe_endpoints(self, Filters: Any) -> Any:  # noqa: N803  # boto3's name
        status = self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]
        return {"Endpoints": [{**TOLD, "Status": status}]}

    @property
    def live(self) -> LiveEndpoint:
        return LiveEndpoint("arn", "orders", self.statuses[0], "", "", {}, {})

    def settled(self) -> LiveEndpoint:
        return dms(self, self.clock).once_settled(self.live)


@pytest.mark.parametrize(
    "statuses", [["active"], ["creating", "active"], ["modifying", "modifying", "active"], ["modifying", "failed"]]
)
def test_an_endpoint_that_is_being_created_or_modified_is_waited_for(statuses: list[str]) -> None:
    settles_as = statuses[-1]
    assert Passing(statuses).settled().status == settles_as


def test_an_endpoint_that_is_being_modified_for_good_is_taken_as_it_is() -> None:
    passing = Passing(["modifying"])
    assert passing.settled().status == "modifying"
    assert passing.clock.now == pytest.approx(SECONDS_FOR_A_PASSING_STATUS)


def test_one_that_is_being_created_is_waited_for_until_the_time_is_over() -> None:
    passing = Passing(["creating"])
    with pytest.raises(EndpointError, match="create-endpoint orders: it is still being created"):
        passing.settled()
    assert passing.clock.now > 800.0


def test_one_that_our_own_create_left_in_modifying_is_not_waited_for() -> None:
    passing = Passing(["modifying"])
    assert dms(passing, passing.clock).once_created(passing.live).status == "modifying"
    assert passing.clock.now == 0.0


def test_an_update_while_somebody_modifies_the_endpoint_waits_and_does_not_recreate_it() -> None:
    world = World().created()
    (live,) = world.cloud.dms.endpoints.standing()
    live.status = "modifying"

    def end(effect: Callable[[], Any]) -> Any:
        live.status = "active"
        return effect()

    world.once("describe_endpoints", end, nth=6)
    assert world.stack.update(properties("orders", TAGS=[{"Key": "stage", "Value": "dev"}]))
    assert "delete_endpoint" not in world.calls[-1]


# Connection tests


@dataclass
class PairUnderTest:
    """DMS with one pair of endpoint and instance. It refuses the first `refusals` tests, with a fault of this text.

    `shown` are the connections that it describes, one after the other, the last from there on: a status, or a status
    and a failure; an empty one is none.
    """

    shown: list[str]
    refusals: int = 0
    text: str = "The resource is in an invalid state."
    service: str = "dms"
    clock: FakeClock = field(default_factory=FakeClock)
    started: int = 0

    def test_connection(self, **_given: str) -> Any:
        self.started += 1
        if self.started <= self.refusals:
            raise make_client_error("InvalidResourceStateFault", self.text)
        return {}

    def describe_connections(self, Filters: Any) -> Any:  # noqa: N803  # boto3's name
        status, _, failure = (self.shown.pop(0) if len(self.shown) > 1 else self.shown[0]).partition(": ")
        connection = {"Status": status} | ({"LastFailureMessage": failure} if failure else {})
        return {"Connections": [connection] if status else []}

    def run(self) -> None:
        live = LiveEndpoint("arn", "orders", "active", "", "", {}, {})
        dms(self, self.clock).test_connection(live, INSTANCE)


@pytest.mark.parametrize("text", ["The connection is already being tested.", "The resource is in use."])
@pytest.mark.parametrize("before", [["testing"], ["", "", "", "testing"], ["failed: Access Denied", "testing"]])
def test_of_a_pair_that_is_being_tested_already_the_result_will_do_whatever_the_fault_says(
    text: str, before: list[str]
) -> None:
    pair = PairUnderTest([*before, "testing", "successful"], refusals=1000, text=text)
    pair.run()
    assert pair.clock.now < SECONDS_TO_SHOW


def test_an_instance_whose_name_has_test_in_it_is_not_taken_for_a_pair_that_is_being_tested() -> None:
    pair = PairUnderTest([""], refusals=1000, text="Replication instance etl-test is not available.")
    with pytest.raises(EndpointError) as raised:
        pair.run()
    assert raised.value.reason.startswith(
        "InternalError: test-connection orders: InvalidResourceStateFault: Replication instance etl-test is not "
    )
    assert pair.clock.now == pytest.approx(SECONDS_TO_SHOW)


def test_a_test_that_ended_before_it_could_be_seen_is_followed_by_one_of_our_own() -> None:
    pair = PairUnderTest(["", "successful", "successful", "testing", "successful"], refusals=2)
    pair.run()
    assert pair.started == 3


def test_a_success_from_before_the_test_is_not_taken_for_its_result() -> None:
    pair = PairUnderTest(["successful", "successful", "testing", "failed: Access Denied"])
    with pytest.raises(EndpointError, match="test-connection orders: Access Denied") as raised:
        pair.run()
    assert raised.value.code is Code.CONNECTION_TEST_FAILED


def test_a_failure_from_before_the_test_is_not_taken_for_its_result() -> None:
    pair = PairUnderTest(["failed: Access Denied", "failed: Access Denied", "testing", "successful"])
    pair.run()
    assert pair.started == 1


def test_a_result_like_that_of_before_counts_at_once_after_the_test_was_seen() -> None:
    pair = PairUnderTest(["successful", "successful", "testing", "successful"])
    pair.run()
    assert pair.clock.now < 10.0


def test_a_result_like_that_of_before_counts_once_it_has_stood_for_long_enough() -> None:
    pair = PairUnderTest(["successful"])
    pair.run()
    assert pair.clock.now == pytest.approx(SECONDS_TO_SHOW, abs=3.0)


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
    world.always("test_connection", refuse("InvalidResourceStateFault", "The instance is not available."))
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
    ("seconds", "late"), [(1.0, 4.0), (5.0, 6.0), (20.0, 2.0), (45.0, 2.0), (59.0, 2.0), (99.0, 8.0)]
)
def test_a_delete_is_asked_for_often_only_while_deletes_end(seconds: float, late: float) -> None:
    world = World().created()
    world.cloud.switch(delete_seconds=seconds)
    began = world.cloud.clock.now
    assert world.stack.delete()
    # All other calls take a second.
    assert world.cloud.clock.now - began < seconds + late + 1.0
    pauses = [pause for pause in world.cloud.clock.slept if pause > 1.0]
    assert len(pauses) <= 4 + max(min(seconds, 60.0) - 14.0, 0.0) / 2.0 + max(seconds - 60.0, 0.0) / 5.0


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
    answer = rejected(f"The IAM Role role-{ONE} is not configured properly.")
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
    theirs = Stack(world.cloud, f"{STACK}-theirs")
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
