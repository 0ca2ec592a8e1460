"""ONUPDATE: replace. A change of settings makes a new endpoint beside the old one, under names with another suffix."""

from __future__ import annotations

from typing import Any

import pytest

from development.faults.scenarios import BOUNDARY, BUCKET, properties
from dms_s3_endpoint.model.errors import EndpointError
from dms_s3_endpoint.model.parse import parse

from .builders import DMS, ENVIRONMENTS, make_properties
from .in_memory import refuse
from .test_comparison import with_members
from .test_procedure import INSTANCE, World

pytestmark = pytest.mark.usefixtures("in_memory")


def replacing(**changes: Any) -> dict[str, Any]:
    return properties("orders", ONUPDATE="replace", **changes)


def in_folder(folder: str) -> dict[str, Any]:
    return replacing(S3SETTINGS={"BUCKETNAME": BUCKET, "BUCKETFOLDER": folder})


def generation(given: dict[str, Any]) -> str:
    return parse(given, ENVIRONMENTS).generation


def endpoints(world: World) -> list[str]:
    found = [each.get("EndpointIdentifier") for each in world.cloud.inventory().values()]
    return sorted(each for each in found if each)


def created(**changes: Any) -> World:
    world = World()
    assert world.stack.create(replacing(**changes)), world.answers
    return world


# Names


def test_all_names_have_the_suffix_which_is_an_attribute_and_part_of_the_physical_id() -> None:
    world, suffix = created(), generation(replacing())
    attributes = world.answers[-1]["Data"]
    assert len(suffix) == 8
    assert attributes["Generation"] == suffix
    assert world.stack.physical_id == f"dev/orders-{suffix}"
    assert attributes["EndpointIdentifier"] == f"orders-{suffix}"
    assert attributes["EndpointArn"] == f"arn:aws:dms:eu-west-1:{DMS}:endpoint:orders-{suffix}"
    assert attributes["RoleName"] == f"orders-role-{suffix}"
    assert attributes["PolicyArn"].endswith(f"/orders-policy-{suffix}")


def test_the_suffix_never_changes_for_properties_that_mean_the_same() -> None:
    """Its value is part of physical ids that stand: if this fails, endpoints would be replaced by a new release."""
    assert generation(make_properties(ONUPDATE="replace", TAGS=[{"Key": "a", "Value": "b"}])) == "96a262de"


SAME: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "case": ({"DATAFORMAT": "parquet"}, {"dataformat": "PARQUET"}),
    "dashes": ({"ENCRYPTIONMODE": "sse-kms"}, {"EncryptionMode": "SSE_KMS"}),
    "switches": ({"ADDCOLUMNNAME": "true"}, {"ADDCOLUMNNAME": "Y"}),
    "numbers": ({"MAXFILESIZE": "7"}, {"MAXFILESIZE": "007"}),
    "attributes": ({"MAXFILESIZE": "7"}, {"EXTRACONNECTIONATTRIBUTES": " maxFileSize = 07 ;"}),
    "the owner of the bucket": ({}, {"EXPECTEDBUCKETOWNER": "222222222222"}),
}


@pytest.mark.parametrize(("one", "other"), SAME.values(), ids=SAME.keys())
def test_what_means_the_same_is_the_same_generation(one: dict[str, Any], other: dict[str, Any]) -> None:
    first, second = (replacing(S3SETTINGS={"BUCKETNAME": BUCKET, **each}) for each in (one, other))
    assert generation(first) == generation(second)


def test_an_attribute_that_a_later_sdk_knows_keeps_its_generation() -> None:
    given = replacing(EXTRACONNECTIONATTRIBUTES="addColumnName=Y;maxFileSize=007")
    known = generation(given)
    with with_members(AddColumnName=None, MaxFileSize=None):
        assert generation(given) == known


OTHER: dict[str, dict[str, Any]] = {
    "a setting": {"S3SETTINGS": {"BUCKETNAME": BUCKET, "BUCKETFOLDER": "Orders"}},
    "an attribute": {"EXTRACONNECTIONATTRIBUTES": "maxFileSize=7"},
    "the role": {"ROLENAME": "another-role"},
    "the tail of the ARN": {"RESOURCEIDENTIFIER": "tail"},
    "the identifier": {"ENDPOINTIDENTIFIER": "invoices"},
}
NOT_OTHER: dict[str, dict[str, Any]] = {
    "tags": {"TAGS": []},
    "the boundary": {"PERMISSIONSBOUNDARY": BOUNDARY},
    "the test instance": {"TESTREPLICATIONINSTANCEARN": INSTANCE},
    "the policy's name": {"POLICYNAME": "another-policy"},
    "the case of the role's name": {"ROLENAME": "ORDERS-role"},
    "the case of the identifier": {"ENDPOINTIDENTIFIER": "Orders"},
}


@pytest.mark.parametrize("changes", OTHER.values(), ids=OTHER.keys())
def test_what_an_endpoint_would_be_created_again_for_is_another_generation(changes: dict[str, Any]) -> None:
    assert generation(replacing(**changes)) != generation(replacing())


@pytest.mark.parametrize("changes", NOT_OTHER.values(), ids=NOT_OTHER.keys())
def test_all_else_is_changed_in_place(changes: dict[str, Any]) -> None:
    assert generation(replacing(**changes)) == generation(replacing())
    world = created()
    before = world.answers[-1]["Data"]["EndpointArn"]
    assert world.stack.update(replacing(**changes)), world.reason
    assert world.answers[-1]["Data"]["EndpointArn"] == before
    assert "delete_endpoint" not in world.calls[-1]


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"ROLENAME": "r" * 56}, "ROLENAME must have at most 55 characters with ONUPDATE replace, as it gets a suffix"),
        ({"POLICYNAME": "p" * 120}, "POLICYNAME must have at most 119 characters"),
        ({"RESOURCEIDENTIFIER": "r" * 23}, "RESOURCEIDENTIFIER must have at most 22 characters"),
        ({"ENDPOINTIDENTIFIER": "e" * 247}, "ENDPOINTIDENTIFIER must have at most 246 characters"),
        ({"ADOPT": "true"}, "ADOPT and ONUPDATE replace exclude each other"),
        ({"ONUPDATE": "never"}, "ONUPDATE must be recreate or replace, not 'never'"),
    ],
)
def test_names_that_have_no_room_for_the_suffix_are_refused_and_so_is_an_import(
    changes: dict[str, Any], fault: str
) -> None:
    with pytest.raises(EndpointError, match=fault):
        parse(make_properties(**{"ONUPDATE": "replace", **changes}), ENVIRONMENTS)


@pytest.mark.parametrize(
    "names",
    [
        {
            "ROLENAME": "r" * 55,
            "POLICYNAME": "p" * 119,
            "RESOURCEIDENTIFIER": "r" * 22,
            "ENDPOINTIDENTIFIER": "e" * 246,
        },
        {"ENDPOINTIDENTIFIER": "e" * 31},
    ],
)
def test_the_longest_names_fit(names: dict[str, Any]) -> None:
    endpoint = parse(make_properties(ONUPDATE="replace", **names), ENVIRONMENTS)
    assert (len(endpoint.role_name) <= 64, len(endpoint.policy_name) <= 128) == (True, True)
    assert (len(endpoint.resource_identifier) <= 31, len(endpoint.endpoint_identifier) <= 255) == (True, True)


def test_the_tail_of_the_arn_is_what_was_given_with_the_suffix_of_the_generation() -> None:
    endpoint = parse(make_properties(ONUPDATE="replace", RESOURCEIDENTIFIER="tail"), ENVIRONMENTS)
    assert endpoint.resource_identifier == f"tail-{endpoint.generation}"


# What an update does


def test_a_change_of_settings_makes_the_new_endpoint_before_the_old_one_goes() -> None:
    world = created()
    old, arn = world.stack.physical_id, world.answers[-1]["Data"]["EndpointArn"]
    assert world.stack.update(in_folder("invoices")), world.reason
    update, clean_up = world.answers[-2:]
    assert update["PhysicalResourceId"] == world.stack.physical_id != old
    assert update["Data"]["EndpointArn"] != arn
    assert "delete_endpoint" not in world.calls[-2]
    assert clean_up["PhysicalResourceId"] == old
    assert endpoints(world) == [f"orders-{generation(in_folder('invoices'))}"]
    assert world.is_as_believed()


def test_back_and_forth_needs_no_other_names() -> None:
    world = created()
    first = world.stack.physical_id
    assert world.stack.update(in_folder("invoices"))
    assert world.stack.update(replacing())
    assert world.stack.physical_id == first
    assert world.is_as_believed()


def test_a_rollback_goes_back_to_the_old_endpoint_which_nobody_touched() -> None:
    world = created()
    before = world.cloud.inventory()
    assert world.stack.update_and_roll_back(in_folder("invoices"))
    assert world.cloud.inventory() == before


def test_a_new_endpoint_that_fails_leaves_the_old_one_and_nothing_else() -> None:
    world = created()
    before = world.cloud.inventory()
    world.always("create_endpoint", refuse("ResourceQuotaExceededFault"))
    assert not world.stack.update(in_folder("invoices"))
    assert world.reason.startswith("LimitExceeded: ")
    assert world.cloud.inventory() == before


def test_a_task_on_the_old_endpoint_refuses_nothing_and_keeps_it_until_the_task_is_gone() -> None:
    world = created()
    arn = world.answers[-1]["Data"]["EndpointArn"]
    world.cloud.dms.tasks["nightly"] = arn
    with pytest.raises(Exception, match="EndpointInUse"):
        world.stack.update(in_folder("invoices"))
    assert len(endpoints(world)) == 2
    assert world.cloud.left_behind == [f"dev/orders-{generation(replacing())}"]
    del world.cloud.dms.tasks["nightly"]
    assert world.stack.update({**in_folder("invoices"), "TAGS": []})
    assert endpoints(world) == [f"orders-{generation(in_folder('invoices'))}"]
    assert world.cloud.left_behind == []


@pytest.mark.parametrize(
    ("one", "other"), [(properties("orders"), replacing()), (replacing(), properties("orders"))], ids=["to", "from"]
)
def test_the_other_way_of_updating_is_a_replacement(one: dict[str, Any], other: dict[str, Any]) -> None:
    world = World()
    assert world.stack.create(one)
    old = world.stack.physical_id
    assert world.stack.update(other), world.reason
    assert world.stack.physical_id != old
    assert len(endpoints(world)) == 1
    assert world.is_as_believed()


def test_what_was_changed_by_hand_is_mended_under_the_same_names() -> None:
    world = created()
    old = world.stack.physical_id
    (live,) = world.cloud.dms.endpoints.kept
    live.settings["BucketFolder"] = "by-hand"
    assert world.stack.update(replacing(TAGS=[])), world.reason
    assert world.stack.physical_id == old
    (live,) = world.cloud.dms.endpoints.kept
    assert live.settings["BucketFolder"] == "orders"
