"""The permissions boundary that a data-lake account demands: the function gives it where a stack gives none."""

from __future__ import annotations

from typing import Any

import pytest

from development.faults.scenarios import BOUNDARY, another_folder, another_policy, bounded, properties, same

from .builders import DATA_LAKE
from .test_adoption import ANOTHER_FOLDER, ByHand, without_tags
from .test_procedure import OURS, World

pytestmark = pytest.mark.usefixtures("in_memory")
DEMANDED = f"arn:aws:iam::{DATA_LAKE}:policy/dms-s3-endpoint-boundary/dms-s3-endpoint-boundary"
CHANGES = ("create_", "put_", "attach_", "detach_", "delete_", "update_assume")


def demanding(world: World) -> World:
    """From now on the account demands the boundary."""
    world.cloud.iam.demanded_boundary = DEMANDED
    return world


def boundary(world: World, role: str = "orders-role") -> str:
    found: Any = world.role(role).get("PermissionsBoundary", {})
    return str(found.get("PermissionsBoundaryArn", ""))


def changes(world: World) -> list[str]:
    """The last request's, but for tags."""
    return [call for call in world.calls[-1] if call.startswith(CHANGES)]


def test_a_role_is_made_with_the_demanded_boundary_where_the_stack_gives_none() -> None:
    assert boundary(demanding(World()).created()) == DEMANDED


def test_an_update_that_changes_nothing_else_leaves_it() -> None:
    world = demanding(World()).created()
    assert world.stack.update(same("orders"))
    assert (boundary(world), changes(world)) == (DEMANDED, [])


def test_a_stack_may_give_the_demanded_one_itself() -> None:
    world = demanding(World())
    assert world.stack.create(properties("orders", PERMISSIONSBOUNDARY=DEMANDED))
    assert boundary(world) == DEMANDED


def test_another_one_is_refused_before_anything_is_changed() -> None:
    world = demanding(World())
    assert not world.stack.create(bounded("orders"))
    assert world.reason == (
        f"InvalidRequest: PERMISSIONSBOUNDARY is {BOUNDARY}, and account {DATA_LAKE} demands {DEMANDED}. "
        "Leave PERMISSIONSBOUNDARY out, or give that one"
    )
    assert world.cloud.inventory() == {}


@pytest.mark.parametrize("wanted", [same, another_policy, another_folder])
def test_a_role_of_before_gets_it_first_of_all_at_its_next_update(wanted: Any) -> None:
    world = demanding(World().created())
    assert boundary(world) == ""
    assert world.stack.update(wanted("orders"))
    assert boundary(world) == DEMANDED
    assert changes(world)[0] == "put_role_permissions_boundary"


@pytest.mark.parametrize("wanted", [properties("orders"), another_folder("orders")])
def test_a_rollback_to_another_boundary_succeeds_with_the_demanded_one(wanted: Any) -> None:
    world = World()
    assert world.stack.create(bounded("orders"))
    assert demanding(world).stack.update_and_roll_back(wanted)
    assert boundary(world) == DEMANDED
    assert world.is_as_believed()


def test_a_role_with_another_boundary_keeps_it_as_long_as_nothing_must_be_attached_to_it() -> None:
    world = World()
    assert world.stack.create(bounded("orders"))
    assert demanding(world).stack.update({**bounded("orders"), "TAGS": []})
    assert boundary(world) == BOUNDARY


def test_once_the_account_demands_none_a_role_loses_it_at_its_next_update() -> None:
    world = demanding(World()).created()
    world.cloud.iam.demanded_boundary = ""
    assert world.stack.update(same("orders"))
    assert boundary(world) == ""


def test_the_role_of_an_import_stays_as_it_is_until_something_must_be_attached_to_it() -> None:
    world = demanding(ByHand())
    assert isinstance(world, ByHand)
    assert world.imported().is_as_made_but_for_our_tags()
    assert world.stack.update(without_tags())
    assert world.is_as_made_but_for_our_tags()
    assert world.stack.update({**OURS, "S3SETTINGS": ANOTHER_FOLDER})
    assert boundary(world) == DEMANDED
    assert changes(world)[0] == "put_role_permissions_boundary"


def test_what_somebody_deleted_after_an_import_is_made_again_with_the_boundary_that_this_needs() -> None:
    world = demanding(ByHand())
    assert isinstance(world, ByHand)
    world.imported()
    world.role()["attached"].clear()
    world.cloud.iam.policies.clear()
    assert not world.stack.update(without_tags() | {"ADOPT": "true", "S3SETTINGS": ANOTHER_FOLDER})
    assert boundary(world) == DEMANDED
    assert world.works()
