"""What version 1.0.0 made is updated, rolled back and deleted by today's function, and not made again without need."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from development.faults.inventory import Inventory
from development.faults.run import differences
from development.faults.scenarios import BOUNDARY
from development.faults.stack import Answer, Event, Properties, Stack
from dms_s3_endpoint.model.ownership import ADOPTED, FINGERPRINT, PREFIX

from .in_memory import CloudInMemory
from .version_1 import CHANGED_BY, NAMES, Record

pytestmark = pytest.mark.usefixtures("in_memory")

# Succeeded, and made by 1.0.0 alone.
MADE = ("created", "everything", "settings_updated", "renamed", "bounded_and_retagged")
# Made by hand and imported; and after ADOPT was taken out.
IMPORTED = ("adopted", "adopted_with_tags")
KEPT = "adopted_and_kept"
# The last update was killed.
KILLED = ("killed_endpoint_deleted", "killed_endpoint_created_again", "killed_both_roles")

ENDPOINT = {"create_endpoint", "delete_endpoint"}
ROLE = {"create_role", "delete_role"}
POLICY = {"create_policy", "delete_policy"}
# Nor does what is written of the lease.
READS = ("describe_", "get_", "list_", "put_item")
INVENTED_ID = "orders-Endpoint-1A2B3C4D5E6F"
LIFE = f"{PREFIX}life"
# Of our tags, those that may come, go and change.
NOT_COMPARED = {FINGERPRINT, CHANGED_BY}


class World:
    """The accounts as 1.0.0 left them, with the stack as CloudFormation knows it, and the calls since."""

    def __init__(self, name: str) -> None:
        self.calls: list[str] = []
        self.answers: list[Answer] = []
        self.record = Record.read(name)
        self.cloud = CloudInMemory(on_end=self._note)
        self.record.put_into(self.cloud)
        self.recorded_endpoint = next(iter(self.cloud.dms.endpoints.standing()), None)
        self.stack = Stack(self.cloud, self.record.stack_id, self.record.physical_id, self.record.properties)

    def _note(self, _event: Event, calls: list[str], answers: list[Answer]) -> None:
        self.calls += calls
        self.answers += answers

    @property
    def reasons(self) -> list[str]:
        """Of all failures."""
        return [answer["Reason"] for answer in self.answers if answer["Status"] != "SUCCESS"]

    @property
    def made_or_removed(self) -> set[str]:
        """The calls that made or removed a whole endpoint, role or policy."""
        return set(self.calls) & (ENDPOINT | ROLE | POLICY)

    def send(self, kind: str, given: Properties, **known: Any) -> Answer:
        ids = {"RequestId": "new", "StackId": self.record.stack_id, "LogicalResourceId": self.record.logical_id}
        event = {"RequestType": kind, "ResourceProperties": given, **ids, "PhysicalResourceId": self.stack.physical_id}
        (answer,) = self.cloud.deliver(event | known)
        return answer

    def keeps_endpoint(self) -> bool:
        """Whether the very endpoint of the record stands; one that is created again is another."""
        (now,) = self.cloud.dms.endpoints.standing()
        return now is self.recorded_endpoint

    def endpoint(self) -> Any:
        (found,) = [each for each in self.cloud.inventory().values() if "EndpointIdentifier" in each]
        return found

    def works(self) -> bool:
        """Whether DMS may use the endpoint's role, and that role admits this endpoint alone."""
        endpoint, now = self.endpoint(), self.cloud.inventory()
        role = now[endpoint["ServiceAccessRoleArn"]]
        demanded = [statement["Condition"] for statement in role["trust"]["Statement"]]
        admits = all(each == {"StringEquals": {"sts:ExternalId": endpoint["ExternalId"]}} for each in demanded)
        return endpoint["Status"] == "active" and admits and set(role["attached"]) <= now.keys()

    def put_task_on_endpoint(self) -> None:
        self.cloud.dms.tasks = {"nightly": self.endpoint()["EndpointArn"]}


@dataclass(frozen=True)
class Change:
    """An update: the properties that it wants, and the calls that make and remove what they need."""

    wanted: Callable[[Properties], Properties]
    needs: frozenset[str] = frozenset()


def _bounded_otherwise(given: Properties) -> Properties:
    without = {key: value for key, value in given.items() if key != "PERMISSIONSBOUNDARY"}
    return without if "PERMISSIONSBOUNDARY" in given else without | {"PERMISSIONSBOUNDARY": BOUNDARY}


def _renamed(*keys: str) -> Callable[[Properties], Properties]:
    return lambda given: {**given, **{key: f"{given[key]}-of-2026" for key in keys}}


def _replaced(given: Properties) -> Properties:
    """Without a RESOURCEIDENTIFIER, which only one endpoint can have."""
    others = {"ENDPOINTIDENTIFIER": "invoices", "ROLENAME": "invoices-role", "POLICYNAME": "invoices-policy"}
    return {key: value for key, value in given.items() if key != "RESOURCEIDENTIFIER"} | others


IN_PLACE: dict[str, Change] = {
    "nothing": Change(lambda given: {**given, "ENDPOINTIDENTIFIER": given["ENDPOINTIDENTIFIER"].upper()}),
    "tags": Change(lambda given: {**given, "TAGS": [{"Key": "cost-centre", "Value": "4711"}]}),
    "boundary": Change(_bounded_otherwise),
    "policy name": Change(_renamed("POLICYNAME"), frozenset(POLICY)),
}
CHANGES: dict[str, Change] = IN_PLACE | {
    "role name": Change(_renamed("ROLENAME"), frozenset(ROLE | ENDPOINT)),
    "names of both": Change(_renamed("ROLENAME", "POLICYNAME"), frozenset(POLICY | ROLE | ENDPOINT)),
    "settings": Change(
        lambda given: {**given, "S3SETTINGS": given["S3SETTINGS"] | {"BUCKETFOLDER": "returns"}}, frozenset(ENDPOINT)
    ),
    "replacement": Change(_replaced, frozenset(POLICY | ROLE | ENDPOINT)),
}


def of_changes(changes: dict[str, Change]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("change", changes.values(), ids=changes.keys())


def of_records(*names: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("name", names)


def tags_of(inventory: Inventory) -> list[dict[str, str]]:
    """Of each piece, without those that are not compared."""
    tags: list[dict[str, str]] = [piece["tags"] for piece in inventory.values()]
    return [{key: value for key, value in each.items() if key not in NOT_COMPARED} for each in tags]


def owned_and(given: Properties, before: Inventory) -> dict[str, str]:
    """The tags that each piece must have: its owner's, as they were, and those of the properties."""
    owners = next(iter(tags_of(before)))
    kept = {key: value for key, value in owners.items() if key.startswith(PREFIX)}
    return kept | {tag["Key"]: tag["Value"] for tag in given["TAGS"]}


def without_our_tags(inventory: Inventory, *keys: str) -> Inventory:
    """Without our tags of the keys; without keys, without all that are ours."""
    return {
        arn: piece | {"tags": {k: v for k, v in piece["tags"].items() if not k.startswith(keys or PREFIX)}}
        for arn, piece in inventory.items()
    }


def without_the_claim(inventory: Inventory) -> Inventory:
    """The claim of version 1.0.0's update stays on the role for good."""
    return without_our_tags(inventory, CHANGED_BY)


def same(before: Inventory, now: Inventory) -> bool:
    return without_our_tags(before, *NOT_COMPARED) == without_our_tags(now, *NOT_COMPARED)


# The record


@of_records(*NAMES)
def test_the_accounts_are_as_they_were_recorded(name: str) -> None:
    world = World(name)
    now, recorded = world.cloud.inventory(), world.record.inventory()
    assert now.keys() == recorded.keys()
    for arn, piece in recorded.items():
        assert now[arn].items() >= piece.items()
    for endpoint in world.record.endpoints.values():
        assert now[endpoint["arn"]]["tags"] == endpoint["tags"]
        assert world.cloud.dms.endpoints.find(endpoint["arn"]).settings == endpoint["settings"]
        assert world.cloud.dms.endpoints.find(endpoint["arn"]).attributes == endpoint["attributes"]
    for policy in world.record.policies.values():
        assert world.cloud.iam.policies[policy["arn"]]["versions"] == policy["versions"]


def test_every_record_is_gone_on_from() -> None:
    assert sorted(NAMES) == sorted([*MADE, *IMPORTED, KEPT, *KILLED])


def test_nothing_in_the_records_is_of_a_life() -> None:
    """1.0.0 knew of none, so no rule that asks for one may hold for what it made."""
    for name in NAMES:
        assert not any(LIFE in piece["tags"] for piece in World(name).cloud.inventory().values())


# Update


@of_records(*MADE, KEPT)
def test_an_update_of_nothing_changes_nothing(name: str) -> None:
    world = World(name)
    before = world.cloud.inventory()
    assert world.stack.update(IN_PLACE["nothing"].wanted(world.record.properties)), world.reasons
    changing = {call for call in world.calls if not call.startswith(READS)}
    assert changing <= {"tag_role", "tag_policy", "add_tags_to_resource"}
    assert same(before, world.cloud.inventory())
    assert world.keeps_endpoint()


@of_changes(CHANGES)
@of_records(*MADE)
def test_an_update_makes_and_removes_only_what_the_change_needs(name: str, change: Change) -> None:
    world = World(name)
    before, wanted = world.cloud.inventory(), change.wanted(world.record.properties)
    assert world.stack.update(wanted), world.reasons
    assert world.made_or_removed == change.needs
    assert world.stack.violations == []
    assert len(world.cloud.inventory()) == len(before)
    assert world.works()


@of_changes(CHANGES)
@of_records(*MADE)
def test_an_update_ends_with_what_it_wanted(name: str, change: Change) -> None:
    world = World(name)
    wanted = change.wanted(world.record.properties)
    assert world.stack.update(wanted), world.reasons
    endpoint, now = world.endpoint(), world.cloud.inventory()
    role = now[endpoint["ServiceAccessRoleArn"]]
    assert endpoint["EndpointIdentifier"] == wanted["ENDPOINTIDENTIFIER"].lower()
    assert endpoint["S3Settings"]["BucketFolder"] == wanted["S3SETTINGS"]["BUCKETFOLDER"]
    assert endpoint["ServiceAccessRoleArn"].endswith(f"/{wanted['ROLENAME']}")
    assert [arn.rpartition("/")[2] for arn in role["attached"]] == [wanted["POLICYNAME"]]
    assert role["boundary"] == wanted.get("PERMISSIONSBOUNDARY", "")
    assert f"/{wanted['S3SETTINGS']['BUCKETFOLDER']}/*" in str(now[role["attached"][0]]["document"])


@of_changes({name: change for name, change in CHANGES.items() if name != "replacement"})
@of_records(*MADE)
def test_after_an_update_each_piece_has_its_owner_and_the_tags_and_is_of_no_life(name: str, change: Change) -> None:
    """Also what the update adds: a Delete must find it as it finds the rest."""
    world = World(name)
    before, wanted = world.cloud.inventory(), change.wanted(world.record.properties)
    assert world.stack.update(wanted), world.reasons
    expected = owned_and(wanted, before)
    assert LIFE not in expected
    assert tags_of(world.cloud.inventory()) == [expected] * 3


@of_changes(CHANGES)
@of_records(*MADE)
def test_an_update_that_is_rolled_back_leaves_it_as_it_was(name: str, change: Change) -> None:
    world = World(name)
    before = world.cloud.inventory()
    assert world.stack.update_and_roll_back(change.wanted(world.record.properties)), world.reasons
    assert differences("rolled back", without_the_claim(before), without_the_claim(world.cloud.inventory())) == []
    assert world.made_or_removed == change.needs
    assert world.stack.violations == []
    assert world.works()


@of_changes(IN_PLACE)
@of_records(*MADE, KEPT)
def test_an_update_in_place_and_its_rollback_never_touch_the_endpoint_that_a_task_uses(
    name: str, change: Change
) -> None:
    world = World(name)
    world.put_task_on_endpoint()
    wanted, given = change.wanted(world.record.properties), world.record.properties
    assert world.stack.update_and_roll_back(wanted), world.reasons
    assert world.stack.update(wanted), world.reasons
    assert world.stack.update(given), world.reasons
    assert not world.made_or_removed & ENDPOINT
    assert world.keeps_endpoint()
    assert world.works()


def test_settings_of_an_endpoint_that_a_task_uses_are_refused_and_nothing_is_touched() -> None:
    world = World("created")
    world.put_task_on_endpoint()
    before = world.cloud.inventory()
    assert not world.stack.update(CHANGES["settings"].wanted(world.record.properties))
    assert [reason.partition(":")[0] for reason in world.reasons] == ["EndpointInUse"]
    assert same(before, world.cloud.inventory())


@of_records(*MADE)
def test_a_lost_fingerprint_is_no_reason_to_recreate(name: str) -> None:
    """Nothing remembers how the endpoint of 1.0.0 was when it became active: the first look is the baseline."""
    world = World(name)
    del world.cloud.dms.endpoints.kept[0].tags[FINGERPRINT]
    world.put_task_on_endpoint()
    assert world.stack.update_and_roll_back(IN_PLACE["tags"].wanted(world.record.properties)), world.reasons
    assert world.made_or_removed == set()


@of_records(*MADE, KEPT)
def test_updates_one_after_the_other_go_on_from_each_other(name: str) -> None:
    world = World(name)
    for change in CHANGES.values():
        assert world.stack.update(change.wanted(world.stack.properties)), world.reasons
        assert world.works()
        assert len(world.cloud.inventory()) == 3
    assert world.stack.delete(), world.reasons
    assert world.cloud.inventory() == {}


# Delete


@of_records(*MADE, KEPT, *KILLED)
def test_a_delete_leaves_nothing(name: str) -> None:
    world = World(name)
    assert world.stack.delete(), world.reasons
    assert world.cloud.inventory() == {}


@of_changes(CHANGES)
@of_records(*MADE, KEPT)
def test_a_delete_after_an_update_leaves_nothing(name: str, change: Change) -> None:
    world = World(name)
    assert world.stack.update(change.wanted(world.record.properties)), world.reasons
    assert world.stack.delete(), world.reasons
    assert world.cloud.inventory() == {}


@of_changes(CHANGES)
@of_records(*MADE, KEPT)
def test_a_delete_after_a_rollback_leaves_nothing(name: str, change: Change) -> None:
    world = World(name)
    assert world.stack.update_and_roll_back(change.wanted(world.record.properties)), world.reasons
    assert world.stack.delete(), world.reasons
    assert world.cloud.inventory() == {}


@of_records(*MADE, *KILLED)
def test_a_delete_needs_the_id_alone(name: str) -> None:
    world = World(name)
    assert world.send("Delete", {})["Status"] == "SUCCESS", world.reasons
    assert world.cloud.inventory() == {}


@of_records(*NAMES)
def test_a_delete_of_an_id_that_cloudformation_invented_takes_nothing_that_1_0_0_made(name: str) -> None:
    """Such a Delete undoes a Create that was cancelled, and what stands from 1.0.0 was there before that Create."""
    world = World(name)
    before = world.cloud.inventory()
    answer = world.send("Delete", world.record.properties, PhysicalResourceId=INVENTED_ID)
    assert (answer["Status"], answer["PhysicalResourceId"]) == ("SUCCESS", INVENTED_ID)
    assert world.cloud.inventory() == before


@of_records(*NAMES)
def test_a_delete_of_another_id_of_the_resource_takes_nothing(name: str) -> None:
    world = World(name)
    before = world.cloud.inventory()
    assert world.send("Delete", world.record.properties, PhysicalResourceId="dev/invoices")["Status"] == "SUCCESS"
    assert world.cloud.inventory() == before


# Updates that were killed


def rolled_back(world: World) -> Answer:
    given = world.record.properties
    return world.send("Update", given, OldResourceProperties=world.record.killed["ResourceProperties"])


def delivered_again(world: World) -> Answer:
    killed = world.record.killed
    return world.send(
        "Update",
        killed["ResourceProperties"],
        RequestId=killed["RequestId"],
        OldResourceProperties=world.record.properties,
    )


def of_record(name: str) -> Inventory:
    return World(name).cloud.inventory()


@of_records(*KILLED)
def test_the_rollback_of_an_update_that_was_killed_brings_back_what_was_created(name: str) -> None:
    world = World(name)
    assert rolled_back(world)["Status"] == "SUCCESS", world.reasons
    assert (
        differences("rolled back", without_the_claim(of_record("created")), without_the_claim(world.cloud.inventory()))
        == []
    )
    assert world.works()


@pytest.mark.parametrize(
    ("name", "ends_as"),
    [
        ("killed_endpoint_deleted", "settings_updated"),
        ("killed_endpoint_created_again", "settings_updated"),
        ("killed_both_roles", "renamed"),
    ],
)
def test_an_update_that_was_killed_and_is_delivered_again_ends_as_if_nothing_had_happened(
    name: str, ends_as: str
) -> None:
    world = World(name)
    assert delivered_again(world)["Status"] == "SUCCESS", world.reasons
    assert (
        differences(
            "delivered again", without_the_claim(of_record(ends_as)), without_the_claim(world.cloud.inventory())
        )
        == []
    )
    assert world.works()


@pytest.mark.parametrize(
    ("name", "go_on", "expected"),
    [
        ("killed_endpoint_deleted", rolled_back, {"create_endpoint"}),
        ("killed_endpoint_deleted", delivered_again, {"create_endpoint"}),
        ("killed_endpoint_created_again", rolled_back, ENDPOINT),
        ("killed_endpoint_created_again", delivered_again, set()),
        ("killed_both_roles", rolled_back, {"delete_role", "delete_policy"}),
        ("killed_both_roles", delivered_again, {"delete_role", "delete_policy"} | ENDPOINT),
    ],
)
def test_what_an_update_that_was_killed_had_done_is_not_done_again(
    name: str, go_on: Callable[[World], Answer], expected: set[str]
) -> None:
    world = World(name)
    assert go_on(world)["Status"] == "SUCCESS", world.reasons
    assert world.made_or_removed == expected


@pytest.mark.parametrize("go_on", [rolled_back, delivered_again])
@of_records(*KILLED)
def test_a_delete_after_an_update_that_was_killed_and_gone_on_from_leaves_nothing(
    name: str, go_on: Callable[[World], Answer]
) -> None:
    world = World(name)
    assert go_on(world)["Status"] == "SUCCESS", world.reasons
    assert world.stack.delete(), world.reasons
    assert world.cloud.inventory() == {}


# ADOPT


def without_adopt(given: Properties) -> Properties:
    return {key: value for key, value in given.items() if key != "ADOPT"}


@of_records(*IMPORTED)
def test_an_update_of_nothing_keeps_an_import_as_it_is(name: str) -> None:
    """The rollback of whatever update is refused is such a one too."""
    world = World(name)
    before = world.cloud.inventory()
    assert world.stack.update(IN_PLACE["nothing"].wanted(world.record.properties)), world.reasons
    assert same(before, world.cloud.inventory())
    assert world.keeps_endpoint()


@of_changes({name: change for name, change in CHANGES.items() if name not in ("nothing", "replacement")})
@of_records(*IMPORTED)
def test_other_changes_of_an_import_are_refused_and_rolled_back_without_a_trace(name: str, change: Change) -> None:
    world = World(name)
    before = world.cloud.inventory()
    assert not world.stack.update(change.wanted(world.record.properties))
    assert world.reasons[0].startswith("InvalidRequest: ADOPT: ")
    assert same(before, world.cloud.inventory())


@of_records(*IMPORTED)
def test_taking_adopt_out_takes_the_mark_off_and_keeps_the_endpoint_that_a_task_uses(name: str) -> None:
    world = World(name)
    world.put_task_on_endpoint()
    assert world.stack.update(without_adopt(world.record.properties)), world.reasons
    assert not any(ADOPTED in piece["tags"] for piece in world.cloud.inventory().values())
    assert world.made_or_removed == set()
    assert world.keeps_endpoint()
    assert world.works()


@of_records(*IMPORTED)
def test_taking_adopt_out_is_rolled_back_and_keeps_the_endpoint_that_a_task_uses(name: str) -> None:
    world = World(name)
    world.put_task_on_endpoint()
    assert world.stack.update_and_roll_back(without_adopt(world.record.properties)), world.reasons
    assert world.made_or_removed == set()
    assert world.keeps_endpoint()
    assert world.works()


@of_records(*IMPORTED)
def test_once_adopt_is_taken_out_a_delete_deletes(name: str) -> None:
    world = World(name)
    assert world.stack.update(without_adopt(world.record.properties)), world.reasons
    assert world.stack.delete(), world.reasons
    assert world.cloud.inventory() == {}


@of_records(*IMPORTED)
def test_a_delete_of_an_import_takes_off_our_tags_and_nothing_else(name: str) -> None:
    world = World(name)
    before = world.cloud.inventory()
    assert world.stack.delete(), world.reasons
    assert world.cloud.inventory() == without_our_tags(before)
    assert world.keeps_endpoint()
    assert world.works()
