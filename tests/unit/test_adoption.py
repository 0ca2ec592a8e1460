"""ADOPT: what was made by hand is taken over only where it fits, and is given back rather than deleted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from development.faults.pieces import Pieces
from development.faults.scenarios import BOUNDARY, BUCKET, properties
from tests import by_hand

from .builders import DATA_LAKE, make_event
from .in_memory import FAULTS, kill_after, refuse
from .test_endpoint import ENDPOINT_ARN, OURS, World

pytestmark = pytest.mark.usefixtures("in_memory")
ROLE_ARN = f"arn:aws:iam::{DATA_LAKE}:role/orders-role"
POLICY_ARN = f"arn:aws:iam::{DATA_LAKE}:policy/orders-policy"
OTHER_ROLE = "arn:aws:iam::999999999999:role/orders-role"
SETTINGS = {"BucketName": BUCKET, "BucketFolder": "orders"}


def adopting(**changes: Any) -> dict[str, Any]:
    return properties("orders", ADOPT="true", **changes)


class ByHand(World):
    """A world in which somebody made an endpoint with role and policy by hand."""

    def __init__(self, **s3_settings: Any) -> None:
        super().__init__()
        iam, dms = self.cloud.iam, self.cloud.dms
        by_hand.make_role_and_policy(iam, BUCKET, "orders-role", "orders-policy")
        self.arn = by_hand.make_endpoint(iam, dms, ROLE_ARN, self.cloud.wait_for_nothing, **(SETTINGS | s3_settings))
        self.cloud.wait_for_nothing()

    def endpoint(self) -> Any:
        (found,) = [each for each in self.cloud.pieces().values() if each.get("EndpointIdentifier") == "orders"]
        return found

    def works(self) -> bool:
        self.cloud.wait_for_nothing()
        endpoint = self.endpoint()
        return self.cloud.dms.may_assume(endpoint["ServiceAccessRoleArn"], endpoint["ExternalId"], "") and (
            endpoint["Status"] == "active"
        )

    def statements(self) -> list[Any]:
        """Of the policy's default version."""
        document: Any = self.cloud.pieces()[POLICY_ARN]["document"]
        return list(document["Statement"])

    def adopted(self, **changes: Any) -> ByHand:
        assert self.stack.create(adopting(**changes)), self.reason
        return self


def of_ours(pieces: Pieces) -> list[str]:
    """The ARNs of the pieces that carry a tag of ours."""
    return [arn for arn, piece in pieces.items() if any("dms-s3-endpoint:" in key for key in piece["tags"])]


def test_without_it_the_name_is_taken() -> None:
    world = ByHand()
    before = world.cloud.pieces()
    assert not world.stack.create(OURS)
    assert world.reason.startswith("NameTaken: policy orders-policy exists") or "nobody's by its tags" in world.reason
    assert world.cloud.pieces() == before


def test_what_agrees_is_kept_and_is_never_without_its_endpoint() -> None:
    world = ByHand().adopted()
    assert world.endpoint()["EndpointArn"] == world.arn == world.answers[-1]["Data"]["EndpointArn"]
    assert not {"create_endpoint", "delete_endpoint"} & set(world.calls[-1])
    assert sorted(of_ours(world.cloud.pieces())) == sorted([world.arn, ROLE_ARN, POLICY_ARN])
    assert world.works()


def test_what_the_role_trusted_and_the_policy_granted_stays_beside_what_is_ours() -> None:
    world = ByHand().adopted()
    external_id = world.endpoint()["ExternalId"]
    (theirs, ours) = world.role()["AssumeRolePolicyDocument"]["Statement"]
    assert theirs == by_hand.trust(external_id)["Statement"][0]
    assert ours["Condition"] == {"StringEquals": {"sts:ExternalId": external_id}}
    assert [statement["Sid"] for statement in world.statements()] == ["WriteObjects", "ListBucket", "ByHand"]


def test_the_next_deployment_changes_nothing() -> None:
    world = ByHand().adopted()
    before = world.cloud.pieces()
    assert world.stack.update(adopting())
    assert world.cloud.pieces() == before


@pytest.mark.parametrize(
    "shown",
    [
        {"CompressionType": "NONE", "MaxFileSize": 1048576, "Rfc4180": True, "CdcInsertsOnly": False},
        {"ExpectedBucketOwner": DATA_LAKE},
    ],
)
def test_defaults_and_the_owner_of_the_bucket_are_no_difference(shown: dict[str, Any]) -> None:
    assert ByHand(**shown).adopted().endpoint()["ServiceAccessRoleArn"] == ROLE_ARN


def test_where_dms_does_not_show_the_external_id_the_trust_that_was_written_by_hand_tells_it() -> None:
    world = ByHand()
    external_id = world.endpoint()["ExternalId"]
    world.cloud.switch(describe_tells_external_id=False)
    world.adopted()
    assert world.answers[-1]["Data"]["ExternalId"] == external_id
    assert not {"create_endpoint", "delete_endpoint"} & set(world.calls[-1])


def test_what_differs_is_created_again_as_the_stack_wants_it() -> None:
    world = ByHand(CdcPath="changes").adopted()
    assert world.endpoint()["EndpointArn"] == ENDPOINT_ARN
    assert "CdcPath" not in world.endpoint()["S3Settings"]
    assert world.works()


def test_what_differs_and_is_in_use_is_left_and_the_difference_named() -> None:
    world = ByHand(CdcPath="changes")
    world.cloud.dms.tasks = {"nightly": world.arn}
    before = world.cloud.pieces()
    assert not world.stack.create(adopting())
    assert "(to adopt it: it differs in CDCPATH): used by task nightly" in world.reason
    assert world.cloud.pieces() == before


def shared_role(world: ByHand) -> None:
    kept = world.cloud.dms.endpoints.kept
    kept.append(replace(kept[0], identifier="another", arn=f"{world.arn}2"))


def trusting_others(world: ByHand) -> None:
    world.role()["AssumeRolePolicyDocument"] = by_hand.trust(principal="glue.amazonaws.com")


def policy_of_others(world: ByHand) -> None:
    world.cloud.iam.create_role(RoleName="theirs", Path="/", AssumeRolePolicyDocument="{}", Tags=[])
    world.cloud.iam.attach_role_policy(RoleName="theirs", PolicyArn=POLICY_ARN)


def change(**changes: Any) -> Callable[[ByHand], None]:
    """Of the live endpoint."""
    return lambda world: vars(world.cloud.dms.endpoints.kept[0]).update(changes)


UNFIT: dict[str, tuple[Callable[[ByHand], None], str]] = {
    "a source": (change(direction="source"), "endpoint orders is a source of s3, not a target of s3"),
    "another engine": (change(engine="redshift"), "endpoint orders is a target of redshift, not a target of s3"),
    "another bucket": (change(settings={"BucketName": "lake"}), f"endpoint orders has bucket lake, not {BUCKET}"),
    "another role": (
        change(role_arn=OTHER_ROLE, settings=SETTINGS | {"ServiceAccessRoleArn": OTHER_ROLE}),
        f"endpoint orders has role {OTHER_ROLE}, not orders-role of account {DATA_LAKE}",
    ),
    "a role that others may assume": (trusting_others, "role orders-role is trusted for others than DMS"),
    "a role of two endpoints": (shared_role, "role orders-role is that of endpoint another too"),
    "a policy that others have": (policy_of_others, "policy orders-policy is attached to theirs too"),
}


@pytest.mark.parametrize(("make_unfit", "fault"), UNFIT.values(), ids=UNFIT.keys())
def test_what_does_not_fit_is_not_touched(make_unfit: Callable[[ByHand], None], fault: str) -> None:
    world = ByHand()
    make_unfit(world)
    before = world.cloud.pieces()
    assert not world.stack.create(adopting())
    assert world.reason == (f"InvalidRequest: ADOPT: {fault}. Give names of its own to what can't be taken over")
    assert world.cloud.pieces() == before


def test_what_another_stack_has_stays_taken() -> None:
    world = World().created()
    (answer,) = world.cloud.deliver(
        make_event("Create", ResourceProperties=adopting(), StackId="arn:aws:cloudformation:eu-west-1:1:stack/other/1")
    )
    assert answer["Reason"].startswith("NameTaken: ")


def test_a_delete_gives_back_what_was_adopted() -> None:
    world = ByHand().adopted()
    assert world.stack.delete()
    assert of_ours(world.cloud.pieces()) == []
    assert world.endpoint()["EndpointArn"] == world.arn
    assert world.works()


def test_a_delete_gives_back_what_was_created_anew_for_what_differed() -> None:
    world = ByHand(CdcPath="changes").adopted()
    assert world.stack.delete()
    assert of_ours(world.cloud.pieces()) == []
    assert world.works()


def test_what_was_new_beside_the_adopted_is_deleted() -> None:
    world = ByHand()
    assert world.stack.create(adopting(POLICYNAME="new")), world.reason
    assert world.stack.delete()
    assert sorted(world.cloud.iam.policies) == [POLICY_ARN]
    assert world.role()["attached"] == {POLICY_ARN}
    assert world.works()


def test_a_delete_by_an_invented_id_gives_back_too() -> None:
    world = ByHand().adopted()
    (answer,) = world.cloud.deliver(
        make_event("Delete", ResourceProperties=adopting(), PhysicalResourceId="stack-Endpoint-1A2B3C4D5E6F")
    )
    assert (answer["Status"], of_ours(world.cloud.pieces())) == ("SUCCESS", [])
    assert world.works()


def test_without_adopt_in_the_next_update_it_is_a_resource_like_any_other() -> None:
    world = ByHand().adopted()
    assert world.stack.update(OURS)
    assert world.endpoint()["EndpointArn"] == world.arn
    assert [statement["Sid"] for statement in world.statements()] == ["WriteObjects", "ListBucket"]
    assert world.works()
    assert world.stack.delete()
    assert world.cloud.pieces() == {}


def test_a_boundary_is_kept_until_adopt_is_taken_out() -> None:
    world = ByHand()
    world.cloud.iam.put_role_permissions_boundary_now("orders-role", BOUNDARY)
    world.adopted()
    assert world.role()["PermissionsBoundary"] == {"PermissionsBoundaryArn": BOUNDARY}
    assert world.stack.update(OURS)
    assert "PermissionsBoundary" not in world.role()


def test_where_nothing_is_to_be_adopted_it_is_a_create_like_any_other() -> None:
    world = World()
    assert world.stack.create(adopting())
    assert world.is_as_believed()
    assert world.stack.delete()
    assert world.cloud.pieces() == {}


def test_a_role_and_a_policy_without_an_endpoint_are_adopted() -> None:
    world = World()
    by_hand.make_role_and_policy(world.cloud.iam, BUCKET, "orders-role", "orders-policy")
    assert world.stack.create(adopting()), world.reason
    assert world.role()["Path"] == "/"
    assert world.stack.delete()
    assert of_ours(world.cloud.pieces()) == []
    assert set(world.cloud.pieces()) == {ROLE_ARN, POLICY_ARN}


def test_a_new_role_name_creates_the_endpoint_anew_and_gives_the_adopted_role_back() -> None:
    world = ByHand().adopted()
    assert world.stack.update(adopting(ROLENAME="another", POLICYNAME="another"))
    assert set(of_ours(world.cloud.pieces())) == {ENDPOINT_ARN, *ours_named(world, "another")}
    assert world.role()["attached"] == {POLICY_ARN}
    assert world.works()


def ours_named(world: ByHand, name: str) -> list[str]:
    return [arn for arn in world.cloud.pieces() if arn.endswith(f"/{name}")]


def test_an_endpoint_that_can_not_be_created_anew_is_made_again_as_it_was() -> None:
    world = ByHand(CdcPath="changes")
    world.once("create_endpoint", refuse("InvalidParameterValueException", "that is no setting"))
    assert not world.stack.create(adopting())
    assert "that is no setting" in world.reason
    assert of_ours(world.cloud.pieces()) == []
    assert world.endpoint()["S3Settings"]["CdcPath"] == "changes"
    assert world.works()


def calls_of_an_adoption() -> list[str]:
    world = ByHand().adopted()
    return world.calls[-1]


@pytest.mark.parametrize("fault", FAULTS)
def test_no_fault_of_an_adoption_harms_what_was_made_by_hand(fault: str) -> None:
    harmed = []
    for number, call in enumerate(calls_of_an_adoption()):
        world = ByHand()
        world.stack.may_be_ended = True
        world.stack.disturbance = lambda _event, world=world, number=number: world.cloud.happenings.update(
            {number: FAULTS[fault]}
        )
        if world.stack.create(adopting()):
            world.stack.delete()
        if of_ours(world.cloud.pieces()) or world.endpoint()["EndpointArn"] != world.arn or not world.works():
            harmed.append((call, world.reason))
    assert harmed == []


def test_a_delivery_after_one_that_died_goes_on_with_what_it_had_adopted() -> None:
    world = ByHand()
    event = make_event("Create", ResourceProperties=adopting())
    world.cloud.happenings = {("tag_role", 1): kill_after}
    assert world.cloud.deliver(event) == []
    (answer,) = world.cloud.deliver(event)
    assert answer["Status"] == "SUCCESS", answer
    assert world.endpoint()["EndpointArn"] == world.arn


def test_of_an_endpoint_that_can_not_be_made_again_the_log_has_all(caplog: pytest.LogCaptureFixture) -> None:
    world = ByHand(CdcPath="changes")
    world.always("create_endpoint", refuse("InvalidParameterValueException", "no"))
    world.stack.create(adopting())
    (record,) = [each for each in caplog.records if each.levelname == "ERROR" and "is gone" in each.message]
    assert vars(record)["settings"]["CdcPath"] == "changes"
