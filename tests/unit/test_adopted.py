"""What was imported, afterwards: while ADOPT stands nothing else changes, and once it is taken out all may."""

from __future__ import annotations

from typing import Any

import pytest

from development.faults.scenarios import BOUNDARY, BUCKET
from development.faults.stack import Stack, WedgedError
from tests import by_hand

from .builders import DATA_LAKE
from .in_memory import FAULTS, refuse
from .test_adoption import (
    ANOTHER_FOLDER,
    POLICY_ARN,
    REMEDY,
    ROLE_ARN,
    SETTINGS,
    ByHand,
    Change,
    adopting,
    change,
    disturbed,
    marked,
    no_endpoint,
    no_policy,
    no_role,
    of_ours,
    policy_of_others,
    shared_role,
    trust,
    unattached,
    without_tags,
)
from .test_procedure import ENDPOINT_ARN, OURS, World

pytestmark = pytest.mark.usefixtures("in_memory", "no_log")

OTHER_STACK = "arn:aws:cloudformation:eu-west-1:111111111111:stack/other/11111111-0000-4000-8000-000000000000"

# While ADOPT stands


CHANGED: dict[str, tuple[dict[str, Any], str]] = {
    "settings": ({"S3SETTINGS": ANOTHER_FOLDER}, "endpoint orders differs in BUCKETFOLDER"),
    "a default, spelled out": (
        {"S3SETTINGS": {"BUCKETNAME": BUCKET, "BUCKETFOLDER": "orders", "COMPRESSIONTYPE": "none"}},
        "endpoint orders was imported with other properties",
    ),
    "the tail of the ARN": ({"RESOURCEIDENTIFIER": "tail"}, "endpoint orders was imported with other properties"),
    "a boundary": (
        {"PERMISSIONSBOUNDARY": BOUNDARY},
        "role orders-role has boundary (none), not PERMISSIONSBOUNDARY",
    ),
    "tags": ({"TAGS": [{"Key": "team", "Value": "ours"}]}, "TAGS can be given once ADOPT is taken out"),
    "the role": (
        {"ROLENAME": "another"},
        f"role another does not exist; endpoint orders has role {ROLE_ARN}, not another of account {DATA_LAKE}",
    ),
    "the policy": ({"POLICYNAME": "another"}, "policy another does not exist, or is not attached to the role"),
}


@pytest.mark.parametrize(("changes", "objection"), CHANGED.values(), ids=CHANGED.keys())
def test_no_other_property_changes_and_the_rollback_of_the_refused_update_changes_nothing(
    changes: dict[str, Any], objection: str
) -> None:
    world = ByHand().imported()
    before = world.cloud.inventory()
    assert not world.stack.update(adopting(**changes))
    assert objection in world.reason
    assert world.cloud.inventory() == before


def test_a_boundary_that_was_imported_stays_declared() -> None:
    world = ByHand()
    world.cloud.iam.put_role_permissions_boundary_now("orders-role", BOUNDARY)
    world.imported(PERMISSIONSBOUNDARY=BOUNDARY)
    assert not world.stack.update(adopting())
    assert "role orders-role was imported with other properties" in world.reason


LATER: dict[str, Change] = {
    "the settings": change(settings=SETTINGS | {"CdcPath": "changes", "ServiceAccessRoleArn": ROLE_ARN}),
    "the trust": trust(by_hand.trust("another")),
    "the attachment": unattached,
    "the boundary": lambda world: world.cloud.iam.put_role_permissions_boundary_now("orders-role", BOUNDARY),
    "the use of the role": shared_role,
    "the use of the policy": policy_of_others,
}


@pytest.mark.parametrize("change_by_hand", LATER.values(), ids=LATER.keys())
def test_a_change_by_hand_after_the_import_stays_and_wedges_no_rollback(change_by_hand: Change) -> None:
    world = ByHand().imported()
    change_by_hand(world)
    before = world.cloud.inventory()
    assert not world.stack.update(adopting(S3SETTINGS=ANOTHER_FOLDER))
    assert world.cloud.inventory() == before


@pytest.mark.parametrize("delete_by_hand", [no_endpoint, no_policy, no_role])
def test_what_was_deleted_by_hand_after_the_import_wedges_no_rollback(delete_by_hand: Change) -> None:
    world = ByHand().imported()
    delete_by_hand(world)
    world.stack.update_and_roll_back(adopting(S3SETTINGS=ANOTHER_FOLDER))
    assert world.works()
    made_again = [arn for arn in world.cloud.inventory() if "/dms-s3-endpoint/" in arn]
    assert not set(made_again) & set(marked(world.cloud.inventory()))
    assert world.stack.delete()
    assert not set(made_again) & world.cloud.inventory().keys()
    assert of_ours(world.cloud.inventory()) == []


# ADOPT taken out


def taken_out(world: ByHand) -> ByHand:
    assert world.imported().stack.update(without_tags()), world.reason
    return world


def test_taking_adopt_out_changes_nothing_but_the_mark() -> None:
    world = ByHand()
    world.cloud.iam.put_role_permissions_boundary_now("orders-role", BOUNDARY)
    world.as_made = world.cloud.inventory()
    assert taken_out(world).is_as_made_but_for_our_tags()
    assert marked(world.cloud.inventory()) == []
    assert world.works()


def test_what_differed_at_the_import_is_no_difference_to_later_updates_either() -> None:
    world = ByHand()
    world.cloud.iam.put_role_permissions_boundary_now("orders-role", BOUNDARY)
    assert taken_out(world).stack.update(OURS)
    assert world.endpoint()["EndpointArn"] == world.arn
    assert [statement["Sid"] for statement in world.statements()] == ["ByHand"]
    assert world.role()["PermissionsBoundary"] == {"PermissionsBoundaryArn": BOUNDARY}
    assert world.role()["Tags"]["team"] == "data-lake"


def test_other_settings_are_an_endpoint_and_a_policy_document_like_any_other() -> None:
    world = taken_out(ByHand())
    assert world.stack.update({**OURS, "S3SETTINGS": ANOTHER_FOLDER})
    assert world.endpoint()["EndpointArn"] == ENDPOINT_ARN
    assert [statement["Sid"] for statement in world.statements()] == ["WriteObjects", "ListBucket"]
    assert world.works()


def test_other_settings_write_our_statement_into_the_trust_beside_those_of_others() -> None:
    world = taken_out(ByHand())
    theirs = by_hand.trust(world.endpoint()["ExternalId"])["Statement"][0]
    assert world.stack.update({**OURS, "S3SETTINGS": ANOTHER_FOLDER})
    (kept, ours) = world.role()["AssumeRolePolicyDocument"]["Statement"]
    assert kept == theirs
    assert ours["Condition"] == {"StringEquals": {"sts:ExternalId": world.endpoint()["ExternalId"]}}


def test_a_boundary_of_our_own_replaces_the_one_that_was_imported() -> None:
    world = ByHand()
    world.cloud.iam.put_role_permissions_boundary_now("orders-role", BOUNDARY)
    another = BOUNDARY.replace("PowerUser", "ReadOnly")
    assert taken_out(world).stack.update({**OURS, "PERMISSIONSBOUNDARY": another})
    assert world.role()["PermissionsBoundary"] == {"PermissionsBoundaryArn": another}
    assert world.stack.update(OURS)
    assert "PermissionsBoundary" not in world.role()


def test_once_adopt_is_taken_out_a_delete_deletes() -> None:
    world = taken_out(ByHand())
    assert world.stack.delete()
    assert world.cloud.inventory() == {}


def test_the_rollback_of_taking_adopt_out_sets_the_mark_again() -> None:
    world = ByHand().imported()
    before = world.cloud.inventory()
    assert world.stack.update_and_roll_back(without_tags())
    assert world.cloud.inventory() == before


def test_pieces_that_a_stack_retained_are_marked_again_by_the_rollback_though_they_are_under_our_path() -> None:
    world = World()
    assert world.stack.create(without_tags())
    retained = world.cloud.inventory()
    in_iam = (*world.cloud.iam.roles.values(), *world.cloud.iam.policies.values())
    for tags in [piece["Tags"] for piece in in_iam] + [live.tags for live in world.cloud.dms.endpoints.kept]:
        for key in [key for key in tags if key.startswith("dms-s3-endpoint:")]:
            del tags[key]
    released = world.cloud.inventory()
    another = Stack(world.cloud, OTHER_STACK)
    assert another.create(adopting())
    assert another.update_and_roll_back(without_tags())
    assert marked(world.cloud.inventory()) == sorted(retained)
    assert another.delete()
    assert world.cloud.inventory() == released


@pytest.mark.parametrize(
    "changes", [{"S3SETTINGS": ANOTHER_FOLDER}, {"PERMISSIONSBOUNDARY": BOUNDARY}, {"POLICYNAME": "another"}]
)
def test_adopt_is_taken_out_in_an_update_of_its_own(changes: dict[str, Any]) -> None:
    world = ByHand().imported()
    before = world.cloud.inventory()
    assert not world.stack.update({**without_tags(), **changes})
    assert world.reason.endswith(REMEDY)
    assert world.cloud.inventory() == before


@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_of_the_update_that_takes_adopt_out_leaves_the_endpoint_working(fault: str) -> None:
    taking_out = ByHand().imported()
    assert taking_out.stack.update(OURS)
    harmed = []
    for number, call in enumerate(taking_out.all_calls[-1]):
        world = disturbed(ByHand().imported(), number, fault)
        world.stack.update(OURS)
        if not world.works() or world.endpoint()["EndpointArn"] != world.arn or not world.role()["attached"]:
            harmed.append((call, world.reason))
    assert harmed == []


def disturbed_later(world: ByHand, number: int, fault: str) -> None:
    """Not the next event, but the one after it."""

    def in_the_next(_event: object) -> None:
        disturbed(world, number, fault)

    world.stack.disturbance = in_the_next


def goes_back_to_the_import(world: ByHand) -> bool:
    """CloudFormation asks for a rollback that fails once more."""
    try:
        world.stack.update_and_roll_back(without_tags())
    except WedgedError:
        return world.stack.update(adopting())
    return True


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("nth", [1, 2])
def test_each_fault_of_taking_adopt_out_and_of_its_rollback_ends_as_imported_and_given_back_without_a_trace(
    fault: str, nth: int
) -> None:
    undisturbed = ByHand().imported()
    undisturbed.stack.update_and_roll_back(without_tags())
    harmed = []
    for number, call in enumerate(undisturbed.all_calls[nth]):
        world = ByHand().imported()
        before = world.cloud.inventory()
        (disturbed if nth == 1 else disturbed_later)(world, number, fault)
        if not goes_back_to_the_import(world) or world.cloud.inventory() != before:
            harmed.append((call, world.reason))
        elif not world.stack.delete() or not world.is_as_made():
            harmed.append((call, "a trace is left"))
    assert harmed == []


def test_a_rollback_while_the_endpoint_has_the_mark_sets_it_again_on_the_role() -> None:
    world = ByHand().imported()
    world.always("remove_tags_from_resource", refuse("AccessDenied"))
    assert not world.stack.update(without_tags())
    assert marked(world.cloud.inventory()) == sorted([world.arn, ROLE_ARN, POLICY_ARN])
    assert world.stack.delete()
    assert world.works()
