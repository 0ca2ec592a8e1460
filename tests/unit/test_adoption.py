"""ADOPT: hand-made pieces are imported exactly as they are, by our tags alone, and a Delete gives them back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from development.faults.inventory import Inventory
from development.faults.scenarios import BOUNDARY, BUCKET, properties
from tests import by_hand
from tests.by_hand import without_our_tags

from .builders import DATA_LAKE, STACK_ID, make_event
from .in_memory import FAULTS, kill_after, kill_before
from .test_procedure import OURS, World

pytestmark = pytest.mark.usefixtures("in_memory", "no_log")
ROLE_ARN = f"arn:aws:iam::{DATA_LAKE}:role/orders-role"
POLICY_ARN = f"arn:aws:iam::{DATA_LAKE}:policy/orders-policy"
OTHER_ROLE = "arn:aws:iam::999999999999:role/orders-role"
SETTINGS = {"BucketName": BUCKET, "BucketFolder": "orders"}
ANOTHER_FOLDER = {"BUCKETNAME": BUCKET, "BUCKETFOLDER": "invoices"}
PREFIX = "dms-s3-endpoint:"
MARK = f"{PREFIX}adopted"
REMEDY = "Declare what stands, take ADOPT out in an update of its own, and change it then"
Change = Callable[["ByHand"], object]


def adopting(**changes: Any) -> dict[str, Any]:
    """TAGS can be given once ADOPT is taken out."""
    return {**without_tags(), "ADOPT": "true", **changes}


def without_tags() -> dict[str, Any]:
    return {key: value for key, value in properties("orders").items() if key != "TAGS"}


class ByHand(World):
    """A world in which somebody made an endpoint with role and policy by hand."""

    def __init__(self, **s3_settings: Any) -> None:
        super().__init__()
        iam, dms = self.cloud.iam, self.cloud.dms
        by_hand.make_role_and_policy(iam, BUCKET, "orders-role", "orders-policy")
        self.arn = by_hand.make_endpoint(iam, dms, ROLE_ARN, self.cloud.wait_for_nothing, **(SETTINGS | s3_settings))
        iam.tag_role("orders-role", [{"Key": "team", "Value": "theirs"}])
        self.cloud.wait_for_nothing()
        self.as_made = self.cloud.inventory()

    def endpoint(self) -> Any:
        (found,) = [each for each in self.cloud.inventory().values() if each.get("EndpointIdentifier") == "orders"]
        return found

    def works(self) -> bool:
        self.cloud.wait_for_nothing()
        endpoint = self.endpoint()
        return self.cloud.dms.may_assume(endpoint["ServiceAccessRoleArn"], endpoint["ExternalId"], "") and (
            endpoint["Status"] == "active"
        )

    def statements(self) -> list[Any]:
        """Of the policy's default version."""
        document: Any = self.cloud.inventory()[POLICY_ARN]["document"]
        return list(document["Statement"])

    def imported(self, **changes: Any) -> ByHand:
        assert self.stack.create(adopting(**changes)), self.reason
        return self

    def is_as_made(self) -> bool:
        return self.cloud.inventory() == self.as_made

    def is_as_made_but_for_our_tags(self) -> bool:
        return without_our_tags(self.cloud.inventory()) == self.as_made


def of_ours(inventory: Inventory) -> list[str]:
    """The ARNs of the pieces that have a tag of ours."""
    return sorted(arn for arn, piece in inventory.items() if any(key.startswith(PREFIX) for key in piece["tags"]))


def marked(inventory: Inventory) -> list[str]:
    return sorted(arn for arn, piece in inventory.items() if MARK in piece["tags"])


# The import


def test_without_it_the_name_is_taken() -> None:
    world = ByHand()
    assert not world.stack.create(OURS)
    assert world.reason.startswith("NameTaken: role orders-role exists and is owned by no stack, by its tags")
    assert world.is_as_made()


def test_an_import_changes_nothing_but_our_tags() -> None:
    world = ByHand().imported()
    assert world.is_as_made_but_for_our_tags()
    assert marked(world.cloud.inventory()) == sorted([world.arn, ROLE_ARN, POLICY_ARN])
    assert world.answers[-1]["Data"]["EndpointArn"] == world.arn
    changes = [call for call in world.calls[-1] if not call.startswith(("get_", "list_", "describe_"))]
    assert changes == ["tag_policy", "tag_role", "add_tags_to_resource"]


def test_the_next_deployment_changes_nothing() -> None:
    world = ByHand().imported()
    before = world.cloud.inventory()
    assert world.stack.update(adopting())
    assert world.cloud.inventory() == before


@pytest.mark.parametrize(
    "shown",
    [
        {"CompressionType": "NONE", "MaxFileSize": 1048576, "Rfc4180": True, "CdcInsertsOnly": False},
        {"ExpectedBucketOwner": DATA_LAKE},
    ],
)
def test_defaults_and_the_bucket_owner_are_no_difference(shown: dict[str, Any]) -> None:
    assert ByHand(**shown).imported().is_as_made_but_for_our_tags()


def test_where_dms_does_not_show_the_external_id_the_hand_made_trust_tells_it() -> None:
    world = ByHand()
    external_id = world.endpoint()["ExternalId"]
    world.cloud.switch(describe_tells_external_id=False)
    world.imported()
    assert world.answers[-1]["Data"]["ExternalId"] == external_id
    assert world.is_as_made_but_for_our_tags()


def test_a_boundary_may_be_declared_as_it_stands_or_not_at_all() -> None:
    for declared in ({}, {"PERMISSIONSBOUNDARY": BOUNDARY}):
        world = ByHand()
        world.cloud.iam.put_role_permissions_boundary_now("orders-role", BOUNDARY)
        assert world.imported(**declared).role()["PermissionsBoundary"] == {"PermissionsBoundaryArn": BOUNDARY}


# Refused, with each difference named


def shared_role(world: ByHand) -> None:
    kept = world.cloud.dms.endpoints.kept
    kept.append(replace(kept[0], identifier="another", arn=f"{world.arn}2"))


def trust(document: Any) -> Change:
    return lambda world: world.role().update(AssumeRolePolicyDocument=document)


def policy_of_others(world: ByHand) -> None:
    world.cloud.iam.create_role(RoleName="theirs", Path="/", AssumeRolePolicyDocument="{}", Tags=[])
    world.cloud.iam.attach_role_policy(RoleName="theirs", PolicyArn=POLICY_ARN)


def change(**changes: Any) -> Change:
    """Of the live endpoint."""
    return lambda world: vars(world.cloud.dms.endpoints.kept[0]).update(changes)


def no_endpoint(world: ByHand) -> None:
    world.cloud.dms.endpoints.kept.clear()


def no_policy(world: ByHand) -> None:
    world.role()["attached"].clear()
    world.cloud.iam.policies.clear()


def unattached(world: ByHand) -> None:
    world.role()["attached"].clear()


def no_role(world: ByHand) -> None:
    world.cloud.iam.roles.clear()


WRONG: dict[str, tuple[Change, str]] = {
    "no endpoint": (no_endpoint, "endpoint orders does not exist"),
    "no policy": (no_policy, "policy orders-policy does not exist, or is not attached to the role"),
    "a policy that is not attached": (unattached, "policy orders-policy is not attached to role orders-role"),
    "no role": (
        no_role,
        f"role orders-role does not exist; endpoint orders has role {ROLE_ARN}, not orders-role of account {DATA_LAKE}",
    ),
    "a source": (change(direction="source"), "endpoint orders is a source of s3, not a target of s3"),
    "another engine": (change(engine="redshift"), "endpoint orders is a target of redshift, not a target of s3"),
    "another bucket": (
        change(settings=SETTINGS | {"BucketName": "lake"}),
        f"endpoint orders has bucket lake, not {BUCKET}",
    ),
    "other settings": (
        change(settings={"BucketName": BUCKET, "CdcPath": "changes"}),
        "endpoint orders differs in BUCKETFOLDER; endpoint orders differs in CDCPATH",
    ),
    "another owner of the bucket": (
        change(settings=SETTINGS | {"ExpectedBucketOwner": "999999999999"}),
        "endpoint orders differs in EXPECTEDBUCKETOWNER",
    ),
    "another role": (
        change(role_arn=OTHER_ROLE, settings=SETTINGS | {"ServiceAccessRoleArn": OTHER_ROLE}),
        f"endpoint orders has role {OTHER_ROLE}, not orders-role of account {DATA_LAKE}",
    ),
    "a role that others may assume": (
        trust(by_hand.trust(principal="glue.amazonaws.com")),
        "role orders-role may be assumed by others than DMS; "
        "role orders-role does not admit DMS with the endpoint's ExternalId",
    ),
    "a trust for another ExternalId": (
        trust(by_hand.trust("another")),
        "role orders-role does not admit DMS with the endpoint's ExternalId",
    ),
    "a role of two endpoints": (shared_role, "role orders-role is also that of endpoint another"),
    "a policy that others have": (policy_of_others, "policy orders-policy is also attached to theirs"),
}


@pytest.mark.parametrize(("make_wrong", "objection"), WRONG.values(), ids=WRONG.keys())
def test_what_does_not_agree_is_named_and_nothing_is_changed(make_wrong: Change, objection: str) -> None:
    world = ByHand()
    make_wrong(world)
    before = world.cloud.inventory()
    assert not world.stack.create(adopting())
    assert world.reason == f"InvalidRequest: ADOPT: {objection}. {REMEDY}"
    assert world.cloud.inventory() == before


@pytest.mark.parametrize(
    ("declared", "objection"),
    [
        ({"TAGS": [{"Key": "team", "Value": "ours"}]}, "TAGS can be given once ADOPT is taken out"),
        ({"PERMISSIONSBOUNDARY": BOUNDARY}, "role orders-role has boundary (none), not PERMISSIONSBOUNDARY"),
        ({"POLICYNAME": "new"}, "policy new does not exist, or is not attached to the role"),
    ],
)
def test_what_an_import_would_have_to_write_is_refused(declared: dict[str, Any], objection: str) -> None:
    world = ByHand()
    assert not world.stack.create(adopting(**declared))
    assert world.reason == f"InvalidRequest: ADOPT: {objection}. {REMEDY}"
    assert world.is_as_made()


def test_all_differences_are_named_at_once() -> None:
    world = ByHand(CdcPath="changes")
    unattached(world)
    assert not world.stack.create(adopting(PERMISSIONSBOUNDARY=BOUNDARY))
    for named in ("CDCPATH", "boundary", "is not attached"):
        assert named in world.reason


def test_where_nothing_stands_nothing_is_imported_or_made() -> None:
    world = World()
    assert not world.stack.create(adopting())
    assert "endpoint orders does not exist; role orders-role does not exist; policy orders-policy" in world.reason
    assert world.cloud.inventory() == {}


def test_what_another_stack_has_stays_taken() -> None:
    world = World().created()
    (answer,) = world.cloud.deliver(
        make_event("Create", ResourceProperties=adopting(), StackId=STACK_ID.replace("/orders/", "/other/"))
    )
    assert answer["Reason"].startswith("NameTaken: ")


# Undone without a trace


def test_a_delete_gives_back_what_was_imported_without_a_trace() -> None:
    world = ByHand().imported()
    assert world.stack.delete()
    assert world.is_as_made()
    assert world.works()


def test_a_delete_by_an_invented_id_gives_back_too() -> None:
    world = ByHand().imported()
    (answer,) = world.cloud.deliver(
        make_event("Delete", ResourceProperties=adopting(), PhysicalResourceId="stack-Endpoint-1A2B3C4D5E6F")
    )
    assert answer["Status"] == "SUCCESS"
    assert world.is_as_made()


def test_the_mark_decides_and_not_the_event() -> None:
    world = ByHand().imported()
    (answer,) = world.cloud.deliver(
        make_event("Delete", ResourceProperties=OURS, PhysicalResourceId="dev/orders", StackId=STACK_ID)
    )
    assert answer["Status"] == "SUCCESS"
    assert world.is_as_made()


def test_a_resource_that_becomes_the_hand_made_one_and_goes_back_leaves_no_trace() -> None:
    world = ByHand()
    ours = properties("invoices")
    assert world.stack.create(ours)
    before = world.cloud.inventory()
    assert world.stack.update_and_roll_back(adopting())
    assert world.cloud.inventory() == before
    assert world.stack.update(adopting())
    assert world.is_as_made_but_for_our_tags()


def calls_of_an_import() -> list[str]:
    return ByHand().imported().all_calls[-1]


@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_of_an_import_leaves_the_hand_made_pieces_working_and_without_our_tags(fault: str) -> None:
    harmed = []
    for number, call in enumerate(calls_of_an_import()):
        world = disturbed(ByHand(), number, fault)
        if world.stack.create(adopting()):
            world.stack.delete()
        if not world.is_as_made() or not world.works():
            harmed.append((call, world.reason))
    assert harmed == []


@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_of_a_delete_gives_back_all_the_same(fault: str) -> None:
    giving_back = ByHand().imported()
    assert giving_back.stack.delete()
    harmed = []
    for number, call in enumerate(giving_back.all_calls[-1]):
        world = disturbed(ByHand().imported(), number, fault)
        world.stack.delete()
        if not world.is_as_made() or not world.works():
            harmed.append((call, world.reason))
    assert harmed == []


def disturbed(world: ByHand, number: int, fault: str) -> ByHand:
    """At the call of that number of the next event."""
    world.stack.may_be_ended = True
    world.stack.disturbance = lambda _event: world.cloud.happenings.update({number: FAULTS[fault]})
    return world


@pytest.mark.parametrize("call", ["tag_policy", "tag_role", "add_tags_to_resource"])
@pytest.mark.parametrize("kill", [kill_before, kill_after])
def test_a_delivery_after_one_that_died_goes_on_with_the_import(call: str, kill: Any) -> None:
    world = ByHand()
    world.once(call, kill)
    world.stack.may_be_ended = world.stack.redelivers = True
    world.imported()
    assert marked(world.cloud.inventory()) == sorted([world.arn, ROLE_ARN, POLICY_ARN])
    assert world.is_as_made_but_for_our_tags()
