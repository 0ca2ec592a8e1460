"""What Create, Update and Delete mean, by their ids and properties, whatever these look like."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from development.faults.scenarios import another_endpoint, another_folder, properties, same
from development.faults.stack import Answer
from dms_s3_endpoint.cloudformation.event import Event
from dms_s3_endpoint.model.parse import parse

from .builders import ENVIRONMENTS, make_event
from .in_memory import CloudInMemory, refuse
from .test_procedure import INSTANCE, OURS, World

pytestmark = pytest.mark.usefixtures("in_memory")
INVENTED = "stack-Endpoint-1A2B3C4D5E6F"


def send(cloud: CloudInMemory, request_type: str, **changes: Any) -> Answer:
    (answer,) = cloud.deliver(make_event(request_type, **{"ResourceProperties": OURS, **changes}))
    return answer


def test_a_delete_of_the_marker_makes_no_call() -> None:
    world = World().created()
    answer = send(world.cloud, "Delete", PhysicalResourceId="invalid/Endpoint")
    assert (answer["Status"], answer["PhysicalResourceId"], answer["Data"]) == ("SUCCESS", "invalid/Endpoint", {})
    assert world.calls[-1] == []


def test_a_delete_of_an_environment_that_is_no_longer_deployed_fails_and_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = World().created()
    monkeypatch.setitem(ENVIRONMENTS, "prod", replace(ENVIRONMENTS["dev"], name="prod"))
    monkeypatch.delitem(ENVIRONMENTS, "dev")
    answer = send(world.cloud, "Delete", PhysicalResourceId="dev/orders")
    assert answer["Reason"] == (
        "UnknownEnvironment: Delete of dev/orders: the function is not deployed with dev (prod). Deploy it with that "
        "environment again, then delete"
    )
    assert world.calls[-1] == []


def test_so_does_the_delete_of_what_no_record_tells() -> None:
    world = World()
    answer = send(world.cloud, "Delete", PhysicalResourceId="gone/orders")
    assert answer["Reason"].startswith("UnknownEnvironment: Delete of gone/orders: ")


def test_a_delete_of_an_id_that_was_never_issued_takes_nothing_away() -> None:
    world = World().created()
    before = world.cloud.inventory()
    assert send(world.cloud, "Delete", PhysicalResourceId="dev/another")["Status"] == "SUCCESS"
    assert (world.calls[-1], world.cloud.inventory()) == ([], before)


def test_a_delete_needs_no_properties() -> None:
    world = World().created()
    answer = send(world.cloud, "Delete", PhysicalResourceId="dev/orders", ResourceProperties={"old": ["format"]})
    assert (answer["Status"], world.cloud.inventory()) == ("SUCCESS", {})


@pytest.mark.parametrize("given", [OURS, {}, {"ENVIRONMENT": "nowhere"}])
def test_a_delete_by_an_invented_id_takes_away_what_the_last_create_made_and_waits_for_nothing(given: Any) -> None:
    world = World().created()
    began = world.cloud.clock.now
    answer = send(world.cloud, "Delete", PhysicalResourceId=INVENTED, ResourceProperties=given)
    assert (answer["Status"], answer["PhysicalResourceId"], world.cloud.inventory()) == ("SUCCESS", INVENTED, {})
    assert world.cloud.clock.now - began < 5.0


def test_a_delete_by_an_invented_id_whose_environment_can_not_be_entered_fails_and_may_be_sent_again() -> None:
    world = World().created()
    world.cloud.unreachable = {"dev"}
    answer = send(world.cloud, "Delete", PhysicalResourceId=INVENTED, RequestId="first")
    assert answer["Reason"].startswith("AssumeRoleDenied: ")
    world.cloud.unreachable = set()
    answer = send(world.cloud, "Delete", PhysicalResourceId=INVENTED, RequestId="second")
    assert (answer["Status"], world.cloud.inventory()) == ("SUCCESS", {})


def test_a_delete_by_an_invented_id_takes_nothing_that_an_update_has_named() -> None:
    """CloudFormation has its real id, so the Create that is cancelled is another, which made nothing."""
    world = World().created()
    assert world.stack.update(same("orders"))
    before = world.cloud.inventory()
    assert send(world.cloud, "Delete", PhysicalResourceId=INVENTED)["Status"] == "SUCCESS"
    assert world.cloud.inventory() == before


def test_a_delete_by_an_invented_id_leaves_what_another_logical_resource_made() -> None:
    world = World().created()
    before = world.cloud.inventory()
    send(world.cloud, "Delete", PhysicalResourceId=INVENTED, LogicalResourceId="Another")
    assert world.cloud.inventory() == before


def test_a_replacement_that_fails_is_taken_away_at_once_and_answers_with_the_old_id() -> None:
    world = World().created()
    before = world.cloud.inventory()
    world.cloud.happenings = {("create_endpoint", 1): refuse("InvalidParameterValueException")}
    answer = send(
        world.cloud,
        "Update",
        ResourceProperties=another_endpoint("orders"),
        OldResourceProperties=OURS,
        PhysicalResourceId="dev/orders",
    )
    assert (answer["Status"], answer["PhysicalResourceId"]) == ("FAILED", "dev/orders")
    assert world.cloud.inventory() == before


def test_a_replacement_that_fails_after_its_endpoint_was_made_takes_that_away_too() -> None:
    world = World().created()
    before = world.cloud.inventory()
    world.cloud.dms.test_messages = ["Access Denied"] * 1000
    new = {**another_endpoint("orders"), "TESTREPLICATIONINSTANCEARN": INSTANCE}
    update = {"OldResourceProperties": OURS, "PhysicalResourceId": "dev/orders"}
    assert send(world.cloud, "Update", ResourceProperties=new, **update)["Status"] == "FAILED"
    assert world.cloud.inventory() == before


@pytest.mark.parametrize("given", [OURS, {}])
def test_a_delete_by_an_invented_id_enters_no_environment_but_that_of_the_create(
    given: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World().created()
    monkeypatch.setitem(ENVIRONMENTS, "another", replace(ENVIRONMENTS["dev"], name="another"))
    world.cloud.unreachable = {"another"}
    answer = send(world.cloud, "Delete", PhysicalResourceId=INVENTED, ResourceProperties=given)
    assert (answer["Status"], world.cloud.inventory()) == ("SUCCESS", {})


def test_a_replacement_answers_with_the_new_id_and_leaves_the_old_to_its_delete() -> None:
    world = World().created()
    before = set(world.cloud.inventory())
    update = {"OldResourceProperties": OURS, "PhysicalResourceId": "dev/orders"}
    answer = send(world.cloud, "Update", ResourceProperties=another_endpoint("orders"), **update)
    assert (answer["Status"], answer["PhysicalResourceId"]) == ("SUCCESS", "dev/orders-2")
    assert before < set(world.cloud.inventory())


def test_tags_that_the_old_properties_had_are_taken_away_and_those_of_others_stay() -> None:
    world = World().created()
    (policy,) = world.cloud.iam.policies.values()
    policy["Tags"]["theirs"] = "x"
    assert world.stack.update(properties("orders", TAGS=[]))
    assert ("team" in policy["Tags"], policy["Tags"]["theirs"]) == (False, "x")


def test_the_rollback_of_an_update_that_was_refused_waits_for_nobody() -> None:
    world = World().created()
    world.once("create_policy_version", refuse("AccessDenied"))
    began = world.cloud.clock.now
    assert not world.stack.update(another_folder("orders"))
    assert world.cloud.clock.now - began < 10.0


@pytest.mark.parametrize("path", sorted((Path(__file__).resolve().parents[2] / "events").glob("*.json")))
def test_the_sample_events_are_events_of_this_resource(path: Path) -> None:
    event = Event.read(json.loads(path.read_text()))
    assert parse(event.properties, ENVIRONMENTS).physical_id == "dev/orders"
