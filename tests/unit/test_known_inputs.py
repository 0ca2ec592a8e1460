"""Inputs that once went wrong, each by its name: overlapping requests, lives, drift, and what a rollback can't have."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from development.faults.inventory import Inventory
from development.faults.run import differences, faults_of_standing
from development.faults.scenarios import (
    BUCKET,
    another_endpoint,
    another_folder,
    another_policy,
    another_role,
    bounded,
    properties,
    retagged,
)
from development.faults.stack import Answer, Event, Properties
from dms_s3_endpoint.aws.sessions import MOST_ATTEMPTS
from dms_s3_endpoint.model import comparison, s3_settings
from dms_s3_endpoint.model.ownership import FINGERPRINT

from .builders import DMS, ENVIRONMENTS, LEASE_CALLS, make_url
from .in_memory import CloudInMemory, kill_after, refuse
from .races import RacingClock
from .test_races import OURS, delete, event, update
from .wire import READS, Attempt, Disturb, undisturbed

pytestmark = pytest.mark.usefixtures("in_memory")
INVENTED = "orders-Endpoint-1A2B3C4D5E6F"
INSTANCE = f"arn:aws:dms:eu-west-1:{DMS}:rep:TESTS"
ENDPOINT_ARN = f"arn:aws:dms:eu-west-1:{DMS}:endpoint:orders"
THROTTLED = Attempt(error="Throttling", takes_effect=False)
# AWS carries it out after the client gave it up.
LATE = Attempt(delay=24.0)
OTHERS = properties("invoices")
Wanted = Callable[[str], Properties]


def at(**attempts: Iterable[Attempt]) -> Disturb:
    """The attempts of the first call of each name."""
    return lambda name, nth: attempts.get(name, ()) if nth == 1 else ()


class World:
    """The accounts, and events that are signed when they are sent; what each called, but for its lease."""

    def __init__(self, **switches: Any) -> None:
        self.clock = RacingClock()
        self.calls: list[list[str]] = []
        self.cloud = CloudInMemory(self.clock, on_end=self._note)
        self.cloud.switch(**switches)

    def _note(self, _event: Event, calls: list[str], _answers: list[Answer]) -> None:
        self.calls.append([call for call in calls if call not in LEASE_CALLS])

    @property
    def changes(self) -> list[str]:
        """The changing calls of the last event that ended."""
        return [call for call in self.calls[-1] if not call.startswith(READS)]

    def send(self, sent: Event, disturb: Disturb = undisturbed) -> Answer:
        """The answer; empty if there is none."""
        answer = self._answer(self.signed(sent), disturb)
        self.clock.now += 600.0
        return answer

    def _answer(self, sent: Event, disturb: Disturb = undisturbed) -> Answer:
        self.cloud.disturb = disturb
        return next(iter(self.cloud.deliver(sent)), {})

    def signed(self, sent: Event, seconds: float = 0.0) -> Event:
        """The event with a ResponseURL that is signed so many seconds from now; one that has a URL keeps it."""
        return {"ResponseURL": make_url(self.clock.now + seconds)} | sent

    def race(self, first: Event, disturb: Disturb, second: Event, after: float) -> list[Answer]:
        """The answers; the first is disturbed, and the second comes so many seconds after it."""
        first, second = self.signed(first), self.signed(second, after)
        answers = self.clock.race((0.0, lambda: self._answer(first, disturb)), (after, lambda: self._answer(second)))
        self.clock.now += 600.0
        return answers

    def created(self, given: Properties = OURS) -> World:
        answer = self.send(event("Create", given))
        assert answer["Status"] == "SUCCESS", answer
        return self

    def inventory(self) -> Inventory:
        return self.cloud.inventory()

    def live(self) -> Any:
        """The endpoint `orders`, as DMS keeps it."""
        (found,) = [each for each in self.cloud.dms.endpoints.standing() if each.identifier == "orders"]
        return found

    def put_task_on_endpoint(self) -> None:
        self.cloud.dms.tasks = {"nightly": ENDPOINT_ARN}

    def stands(self) -> bool:
        return faults_of_standing(self.inventory(), "dev/orders") == []


def succeeded(answer: Answer) -> bool:
    return answer.get("Status") == "SUCCESS"


def rollback(refused: Properties, given: Properties = OURS) -> Event:
    return update(refused, given)


# What stood before is not what an undo takes away


def cancelled_beside(world: World) -> Answer:
    _, deleted = world.race(event("Create", OTHERS), undisturbed, delete(INVENTED, ResourceProperties=OTHERS), 1.0)
    return deleted


def cancelled_after_it_died(world: World) -> Answer:
    world.cloud.happenings = {("create_endpoint", 1): kill_after}
    assert world.send(event("Create", OTHERS)) == {}
    return world.send(delete(INVENTED, ResourceProperties=OTHERS))


def cancelled_after_it_died_before_it_changed_anything(world: World) -> Answer:
    world.cloud.happenings = {("get_role", 1): kill_after}
    assert world.send(event("Create")) == {}
    return world.send(delete(INVENTED))


def cancelled_and_its_properties_tell_nothing(world: World) -> Answer:
    _, deleted = world.race(event("Create", OTHERS), undisturbed, delete(INVENTED, ResourceProperties={}), 0.3)
    return deleted


def cancelled_with_the_names_of_what_stands(world: World) -> Answer:
    _, deleted = world.race(event("Create"), undisturbed, delete(INVENTED), 0.1)
    return deleted


@pytest.mark.parametrize("has_task", [False, True])
@pytest.mark.parametrize(
    "cancel",
    [
        cancelled_beside,
        cancelled_after_it_died,
        cancelled_after_it_died_before_it_changed_anything,
        cancelled_and_its_properties_tell_nothing,
        cancelled_with_the_names_of_what_stands,
    ],
)
def test_the_delete_of_a_cancelled_create_leaves_what_the_resource_retained_before(
    cancel: Callable[[World], Answer], has_task: bool
) -> None:
    world = World().created()
    if has_task:
        world.put_task_on_endpoint()
    before = world.inventory()
    deleted = cancel(world)
    assert (deleted["Status"], deleted["PhysicalResourceId"]) == ("SUCCESS", INVENTED)
    assert world.inventory() == before


@pytest.mark.parametrize("is_heard", [True, False])
@pytest.mark.parametrize(
    ("given", "code"), [(OURS, "NameTaken"), (properties("orders", ROLENAME="a role"), "InvalidRequest")]
)
def test_the_delete_of_a_create_that_is_refused_leaves_what_the_resource_retained_before(
    given: Properties, code: str, is_heard: bool
) -> None:
    world = World().created()
    world.put_task_on_endpoint()
    before = world.inventory()
    refused = world.send(event("Create", given))
    assert refused["Reason"].startswith(f"{code}: ")
    physical_id = refused["PhysicalResourceId"] if is_heard else INVENTED
    assert succeeded(world.send(delete(physical_id, ResourceProperties=given)))
    assert world.inventory() == before


def test_what_a_delivery_made_is_not_orphaned_by_the_second_one_that_is_denied_its_roles() -> None:
    world = World()
    create = world.signed(event("Create"))
    world.cloud.happenings = {("create_endpoint", 2): kill_after}
    assert world.send(create) == {}
    assert world.stands()
    world.cloud.unreachable = {"dev"}
    denied = world.send(create)
    assert denied["Reason"].startswith("AssumeRoleDenied: ")
    world.cloud.unreachable = set()
    assert succeeded(world.send(delete(denied["PhysicalResourceId"])))
    assert world.inventory() == {}


# A request that is slowed down does nothing any more once its successor has begun

SLOW: dict[str, tuple[Wanted, Disturb]] = {
    "the delete of settings, throttled": (another_folder, at(delete_endpoint=[THROTTLED] * 8)),
    "the delete and the create of settings, throttled as often as they are tried": (
        another_folder,
        at(delete_endpoint=[THROTTLED] * (MOST_ATTEMPTS - 1), create_endpoint=[THROTTLED] * (MOST_ATTEMPTS - 1)),
    ),
    "the delete of settings, late": (another_folder, at(delete_endpoint=[LATE])),
    "the document, throttled": (another_folder, at(create_policy_version=[THROTTLED] * 8)),
    "the document, late": (another_folder, at(create_policy_version=[LATE])),
    "the policy, throttled": (another_policy, at(create_policy=[THROTTLED] * 8)),
    "the policy, late": (another_policy, at(create_policy=[LATE])),
    "the role, throttled": (another_role, at(create_role=[THROTTLED] * 8)),
    "the role, late": (another_role, at(create_role=[LATE])),
}


@pytest.mark.parametrize("after", [1.0, 8.0, 20.0])
@pytest.mark.parametrize(("wanted", "disturb"), SLOW.values(), ids=SLOW.keys())
def test_the_rollback_of_an_update_whose_change_is_slow_wins(wanted: Wanted, disturb: Disturb, after: float) -> None:
    world, new = World().created(), wanted("orders")
    before = world.inventory()
    _, back = world.race(update(OURS, new), disturb, rollback(new), after)
    assert succeeded(back), back
    assert differences("rolled back", before, world.inventory()) == []
    assert world.stands()


BEFORE_THE_FIRST_CHANGE: dict[str, tuple[Wanted, Disturb]] = {
    "settings": (another_folder, at(describe_replication_tasks=[THROTTLED] * 5)),
    "role name": (another_role, at(describe_replication_tasks=[THROTTLED] * 5)),
    "policy name": (another_policy, at(list_policies=[THROTTLED] * 5)),
    "tags": (retagged, at(list_roles=[THROTTLED] * 5)),
    "boundary": (bounded, at(get_role=[THROTTLED] * 5)),
}


@pytest.mark.parametrize(("wanted", "disturb"), BEFORE_THE_FIRST_CHANGE.values(), ids=BEFORE_THE_FIRST_CHANGE.keys())
def test_the_rollback_of_an_update_that_is_slow_to_begin_wins(wanted: Wanted, disturb: Disturb) -> None:
    world, new = World().created(), wanted("orders")
    before = world.inventory()
    _, back = world.race(update(OURS, new), disturb, rollback(new), 5.0)
    assert succeeded(back), back
    assert differences("rolled back", before, world.inventory()) == []


SLOW_TO_MAKE: dict[str, Disturb] = {
    "the first changes": at(get_policy=[THROTTLED] * 7, create_policy=[THROTTLED] * 8),
    "the role": at(create_role=[THROTTLED] * 8),
    "the role, late": at(create_role=[LATE]),
    "the endpoint": at(create_endpoint=[THROTTLED] * 8),
    "the endpoint, late": at(create_endpoint=[LATE]),
}


@pytest.mark.parametrize("after", [3.0, 10.0])
@pytest.mark.parametrize("disturb", SLOW_TO_MAKE.values(), ids=SLOW_TO_MAKE.keys())
def test_a_create_that_is_slow_leaves_nothing_beside_the_delete_that_cancels_it(disturb: Disturb, after: float) -> None:
    world = World()
    _, deleted = world.race(event("Create"), disturb, delete(INVENTED), after)
    assert (deleted["Status"], world.inventory()) == ("SUCCESS", {}), deleted


@pytest.mark.parametrize("after", [3.0, 10.0])
@pytest.mark.parametrize("disturb", SLOW_TO_MAKE.values(), ids=SLOW_TO_MAKE.keys())
def test_a_replacement_that_is_slow_leaves_nothing_beside_its_rollback(disturb: Disturb, after: float) -> None:
    world, new = World().created(), another_endpoint("orders")
    before = world.inventory()
    _, back = world.race(update(OURS, new), disturb, rollback(new), after)
    assert succeeded(back), back
    assert world.inventory() == before


# Going back asks for nothing that a rollback can't have


def test_the_rollback_from_an_environment_whose_roles_can_not_be_assumed_succeeds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(ENVIRONMENTS, "prod", replace(ENVIRONMENTS["dev"], name="prod"))
    world, new = World().created(), properties("orders-2", ENVIRONMENT="prod")
    before = world.inventory()
    world.cloud.unreachable = {"prod"}
    assert world.send(update(OURS, new))["Reason"].startswith("AssumeRoleDenied: ")
    assert succeeded(world.send(rollback(new)))
    assert world.inventory() == before


TESTED = {**OURS, "TESTREPLICATIONINSTANCEARN": INSTANCE}


def remove_instance(world: World) -> None:
    """Every test of a connection is refused from now on."""

    def refused(**_given: Any) -> None:
        refuse("ResourceNotFoundFault", "Replication instance not found.")(lambda: None)

    world.cloud.dms.test_connection = refused  # type: ignore[method-assign]  # in its place


@pytest.mark.parametrize("wanted", [another_folder, another_role, another_endpoint])
def test_the_rollback_of_a_refused_update_does_not_need_the_instance_that_is_gone(wanted: Wanted) -> None:
    world = World().created(TESTED)
    before = world.inventory()
    remove_instance(world)
    new = {**wanted("orders"), "TESTREPLICATIONINSTANCEARN": INSTANCE}
    assert not succeeded(world.send(update(TESTED, new)))
    assert succeeded(world.send(rollback(new, TESTED)))
    assert differences("rolled back", before, world.inventory()) == []
    assert "test_connection" not in world.calls[-1]


def test_the_old_endpoint_is_not_tested_where_a_replacement_is_rolled_back() -> None:
    world, new = World().created(TESTED), another_endpoint("orders")
    before = world.inventory()
    assert succeeded(world.send(update(TESTED, new)))
    remove_instance(world)
    assert succeeded(world.send(rollback(new, TESTED) | {"PhysicalResourceId": "dev/orders-2"}))
    assert "test_connection" not in world.calls[-1]
    assert succeeded(world.send(delete("dev/orders-2", ResourceProperties=new)))
    assert world.inventory() == before


# What can be refused is refused before anything is deleted


def test_the_resource_identifier_of_another_endpoint_is_refused_before_the_delete() -> None:
    world = World().created()
    theirs = properties("theirs", RESOURCEIDENTIFIER="tail")
    assert succeeded(world.send(event("Create", theirs, LogicalResourceId="Theirs")))
    before = world.inventory()
    refused = world.send(update(OURS, {**OURS, "RESOURCEIDENTIFIER": "tail"}))
    assert refused["Reason"] == (
        "NameTaken: create-endpoint orders: endpoint theirs has this RESOURCEIDENTIFIER. "
        "Choose another RESOURCEIDENTIFIER"
    )
    assert (world.changes, world.inventory()) == ([], before)


def test_an_instance_of_another_region_is_refused_before_the_delete() -> None:
    world, new = World().created(), another_folder("orders")
    refused = world.send(
        update(OURS, {**new, "TESTREPLICATIONINSTANCEARN": INSTANCE.replace("eu-west-1", "eu-central-1")})
    )
    assert refused["Reason"].startswith(
        "InvalidRequest: TESTREPLICATIONINSTANCEARN is in eu-central-1, and the endpoint in eu-west-1"
    )
    assert world.changes == []


# Names and keys that differ by case


def tags(key: str) -> Properties:
    return properties("orders", TAGS=[{"Key": key, "Value": "data-lake"}])


class FoldedTags(dict[str, str]):
    """Of a role: a key that differs in case alone replaces the other. Those of a policy and of DMS are kept apart.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/id_tags.html#case-sensitivity
    """

    def __ior__(self, added: Any) -> FoldedTags:  # type: ignore[override, misc]  # as far as the double uses it
        for key in added:
            self.pop(key)
        self.update(added)
        return self

    def pop(self, key: str, *_default: Any) -> str:
        folded = {each.lower(): each for each in self}
        return super().pop(folded.get(key.lower(), key), "")


def test_a_tag_key_that_changes_its_case_is_not_kept_in_both_spellings() -> None:
    world = World().created(tags("team"))
    role = world.cloud.iam.roles["orders-role"]
    role["Tags"] = FoldedTags(role["Tags"])
    assert succeeded(world.send(update(tags("team"), tags("Team"))))
    shown = [[key for key in piece["tags"] if ":" not in key] for piece in world.inventory().values()]
    assert shown == [["Team"]] * 3


@pytest.mark.parametrize("name", ["ROLENAME", "POLICYNAME"])
def test_a_name_that_changes_its_case_is_the_same_piece(name: str) -> None:
    """IAM has no two names that differ in case alone: what seems to be given up is in use."""
    world, new = World().created(), {**OURS, name: str(OURS[name]).upper()}
    world.put_task_on_endpoint()
    before = world.inventory()
    assert succeeded(world.send(update(OURS, new)))
    assert (world.changes, world.inventory()) == ([], before)
    assert succeeded(world.send(rollback(new)))
    assert (world.changes, world.inventory()) == ([], before)


@pytest.mark.parametrize("name", ["ROLENAME", "POLICYNAME"])
def test_what_has_a_name_in_another_case_by_now_is_still_deleted(name: str) -> None:
    world, new = World().created(), {**OURS, name: str(OURS[name]).upper()}
    assert succeeded(world.send(update(OURS, new)))
    assert succeeded(world.send(delete(ResourceProperties=new)))
    assert world.inventory() == {}


# Removals


def nothing_listed(_effect: Callable[[], Any]) -> Any:
    return {"Policies": []}


def test_a_policy_that_is_listed_late_is_deleted_all_the_same() -> None:
    world = World().created()
    world.cloud.happenings = {("list_policies", 1): nothing_listed}
    assert succeeded(world.send(delete()))
    assert world.inventory() == {}


def test_a_policy_that_was_given_up_is_deleted_though_it_is_listed_late() -> None:
    world, new = World().created(), another_policy("orders")
    world.cloud.happenings = {("list_policies", 1): nothing_listed}
    assert succeeded(world.send(update(OURS, new)))
    assert [arn for arn in world.inventory() if arn.endswith("/orders-policy")] == []


def test_the_reason_of_a_replacement_that_fails_is_not_hidden_by_that_of_its_removal() -> None:
    world, new = World().created(), another_endpoint("orders")
    before = world.inventory()
    refused, denied = refuse("InvalidParameterValueException", "no such bucket"), refuse("AccessDenied", "no right")
    world.cloud.happenings = {("create_endpoint", 1): refused}
    world.cloud.happenings |= {("delete_role", number): denied for number in range(1, 99)}
    answer = world.send(update(OURS, new))
    assert answer["Reason"].startswith("InvalidRequest: create-endpoint orders-2: ")
    assert "no such bucket" in answer["Reason"]
    assert succeeded(world.send(rollback(new)))
    assert world.inventory() == before


def test_a_delete_by_an_invented_id_in_one_of_many_environments_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(14):
        monkeypatch.setitem(ENVIRONMENTS, f"env{number}", replace(ENVIRONMENTS["dev"], name=f"env{number}"))
    world = World()
    world.cloud.happenings = {("create_endpoint", 1): kill_after}
    assert world.send(event("Create")) == {}
    began = world.clock.now
    assert succeeded(world._answer(world.signed(delete(INVENTED, ResourceProperties={}))))
    assert world.inventory() == {}
    assert world.clock.now - began < 120.0


def test_a_delete_by_an_invented_id_of_which_nothing_is_known_looks_into_no_environment() -> None:
    world = World()
    assert succeeded(world.send(delete(INVENTED, ResourceProperties={})))
    assert world.calls[-1] == []


# What stands is compared, not remembered

BY_HAND = {"BucketName": BUCKET, "BucketFolder": "by-hand"}


def modify(world: World) -> None:
    """ModifyEndpoint, by somebody else."""
    world.cloud.switch(modify="accepted")
    world.cloud.dms.endpoints.modify_endpoint({"EndpointArn": ENDPOINT_ARN, "S3Settings": BY_HAND})
    assert world.live().settings["BucketFolder"] == "by-hand"


def test_what_was_modified_by_hand_is_mended_by_an_update_of_the_tags() -> None:
    world = World().created()
    modify(world)
    assert succeeded(world.send(update(OURS, retagged("orders"))))
    assert world.live().settings["BucketFolder"] == "orders"
    assert world.live().tags["stage"] == "dev"
    assert world.stands()


def test_where_a_task_uses_what_was_modified_by_hand_an_update_does_the_rest_and_says_so(
    caplog: pytest.LogCaptureFixture,
) -> None:
    world = World().created()
    modify(world)
    world.put_task_on_endpoint()
    with caplog.at_level(logging.WARNING):
        assert succeeded(world.send(update(OURS, retagged("orders"))))
    assert "orders stays as it is, as tasks use it: BUCKETFOLDER changed by hand" in caplog.text
    assert (world.live().settings["BucketFolder"], world.live().tags["stage"]) == ("by-hand", "dev")
    assert succeeded(world.send(rollback(retagged("orders"))))
    world.cloud.dms.tasks = {}
    assert succeeded(world.send(update(OURS, retagged("orders"))))
    assert world.live().settings["BucketFolder"] == "orders"


def keeps_endpoint(world: World, after: Callable[[], None]) -> bool:
    """Whether an update of the tags and its rollback keep the endpoint, though a task is on it."""
    kept, new = world.live(), retagged("orders")
    world.put_task_on_endpoint()
    after()
    answers = [world.send(update(OURS, new)), world.send(rollback(new))]
    assert [answer["Status"] for answer in answers] == ["SUCCESS", "SUCCESS"], answers
    return world.live() is kept


def test_an_update_of_the_tags_restores_a_fingerprint_that_was_removed_and_recreates_nothing() -> None:
    world = World().created()
    assert keeps_endpoint(world, lambda: world.live().tags.pop(FINGERPRINT))
    assert FINGERPRINT in world.live().tags


def test_an_endpoint_that_stays_modifying_is_not_recreated() -> None:
    world = World().created()
    assert keeps_endpoint(world, lambda: setattr(world.live(), "status", "modifying"))


def test_an_endpoint_that_is_modifying_is_waited_for_before_it_is_compared() -> None:
    world, new = World().created(), retagged("orders")
    kept = world.live()
    kept.status, kept.settings = "modifying", {**kept.settings, "BucketFolder": "by-hand"}
    as_made = {**kept.settings, "BucketFolder": "orders"}

    def settle() -> None:
        kept.status, kept.settings = "active", as_made

    sent = world.signed(update(OURS, new))
    answer, _ = world.clock.race((0.0, lambda: world._answer(sent)), (20.0, settle))
    assert succeeded(answer)
    assert world.live() is kept


def another_sdk(monkeypatch: pytest.MonkeyPatch, name: str, *enumeration: str) -> None:
    """One that knows this setting as a text, or as an enumeration."""
    known: dict[str, Any] = {**s3_settings.members(), name: SimpleNamespace(type_name="string", enum=enumeration)}
    for module in (s3_settings, comparison):
        monkeypatch.setattr(module, "members", lambda: known)
    # So that nothing of the other SDK is remembered, neither here nor in the next test.
    monkeypatch.setattr(s3_settings, "values_of", s3_settings.values_of.__wrapped__)


def test_an_sdk_that_makes_a_setting_an_enumeration_recreates_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    given = properties("orders", S3SETTINGS={"BUCKETNAME": BUCKET, "DATEPARTITIONTIMEZONE": "America/St_Johns"})
    world = World().created(given)
    kept = world.live()
    world.put_task_on_endpoint()
    another_sdk(monkeypatch, "DatePartitionTimezone", "america/st-johns", "utc")
    answer = world.send(update(given, {**given, "TAGS": []}))
    assert succeeded(answer), answer
    assert world.live() is kept


def test_an_sdk_that_shows_a_setting_more_recreates_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World().created()
    kept = world.live()
    world.put_task_on_endpoint()
    another_sdk(monkeypatch, "NewOne")
    kept.settings["NewOne"] = "shown"
    answer = world.send(update(OURS, retagged("orders")))
    assert succeeded(answer), answer
    assert world.live() is kept
