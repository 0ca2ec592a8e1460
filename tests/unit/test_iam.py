"""Roles and policies, one by one."""

from __future__ import annotations

from typing import Any

import pytest

from development.faults.scenarios import bounded, properties
from dms_s3_endpoint.aws.iam import Iam
from dms_s3_endpoint.model.errors import EndpointError
from dms_s3_endpoint.model.ownership import Owner
from dms_s3_endpoint.model.pieces import Policy, Role

from .builders import DATA_LAKE, STACK_ID, FakeClock, make_client_error
from .in_memory import FakeClient, FakeIam
from .test_procedure import World

OWNER = Owner(STACK_ID, "Endpoint", "dev/orders")
DOCUMENT: dict[str, Any] = {"Version": "2012-10-17", "Statement": []}


@pytest.fixture
def iam() -> FakeIam:
    return FakeIam(FakeClock())


@pytest.fixture
def data_lake(iam: FakeIam) -> Iam:
    client: Any = FakeClient(iam)
    return Iam(client, "aws", DATA_LAKE, iam.clock.deadline())


def made(data_lake: Iam) -> Role:
    role = data_lake.create_role("orders", DOCUMENT, "", OWNER.path, {})
    assert role
    return role


def policy_of(data_lake: Iam) -> Policy:
    policy = data_lake.create_policy("orders", DOCUMENT, OWNER, {"team": "lake"})
    assert policy
    return policy


def test_what_is_made_is_what_is_found(data_lake: Iam) -> None:
    assert data_lake.find_role("orders") is None
    assert made(data_lake) == data_lake.find_role("orders")
    assert data_lake.find_policy("orders", OWNER) is None
    assert policy_of(data_lake) == data_lake.find_policy("orders", OWNER)


def test_a_policy_whose_version_was_replaced_while_we_looked_has_no_document(
    data_lake: Iam, iam: FakeIam, monkeypatch: pytest.MonkeyPatch
) -> None:
    policy_of(data_lake)
    monkeypatch.setattr(iam, "get_policy_version", refusing("NoSuchEntity"))
    found = data_lake.find_policy("orders", OWNER)
    assert found
    assert found.document == {}


def refusing(code: str) -> Any:
    def refuse(**_given: Any) -> Any:
        raise make_client_error(code)

    return refuse


def test_old_tags_are_removed_before_new_ones_are_added_as_keys_that_differ_in_case_are_one_to_iam(
    data_lake: Iam, iam: FakeIam, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[str] = []
    for name in ("tag_role", "untag_role", "tag_policy", "untag_policy"):
        monkeypatch.setattr(iam, name, lambda name=name, **_given: calls.append(name))
    data_lake.tag_role(made(data_lake), {"TEAM": "x"}, ["team"])
    data_lake.tag_policy(policy_of(data_lake), {"TEAM": "x"}, ["team"])
    assert calls == ["untag_role", "tag_role", "untag_policy", "tag_policy"]


@pytest.mark.parametrize("bounds", [True, False])
def test_an_attachment_that_is_denied_is_tried_again_if_the_role_got_its_boundary_a_moment_ago(
    iam: FakeIam, monkeypatch: pytest.MonkeyPatch, bounds: bool
) -> None:
    """Where a boundary is demanded, IAM grants the attachment by it, and may not see it yet."""
    make: Any = FakeClient(iam)
    maker, client = Iam(make, "aws", DATA_LAKE, iam.clock.deadline()), Iam(make, "aws", DATA_LAKE, iam.clock.deadline())
    role, policy, attach = made(maker), policy_of(maker), iam.attach_role_policy
    monkeypatch.setattr(iam, "attach_role_policy", lambda **given: denied_before(3.0, iam, attach, given))
    if bounds:
        client.set_boundary(role, "arn:aws:iam::aws:policy/PowerUserAccess")
        client.attach(role, policy)
        return
    with pytest.raises(EndpointError, match="AccessDenied: attach-role-policy orders orders"):
        client.attach(role, policy)


def denied_before(seconds: float, iam: FakeIam, call: Any, given: Any) -> Any:
    if iam.clock.now < seconds:
        raise make_client_error("AccessDenied")
    return call(**given)


@pytest.mark.parametrize("call", ["detach_role_policy", "delete_role"])
def test_a_role_that_is_gone_is_denied_by_its_path_and_that_is_fine(
    data_lake: Iam, iam: FakeIam, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    role, policy = made(data_lake), policy_of(data_lake)
    iam.roles.clear()
    monkeypatch.setattr(iam, call, refusing("AccessDenied"))
    data_lake.delete_role(role, [policy] if call == "detach_role_policy" else [])


def test_what_hangs_on_a_role_is_taken_off_whoever_put_it_there(data_lake: Iam, iam: FakeIam) -> None:
    role, policy = made(data_lake), policy_of(data_lake)
    data_lake.attach(role, policy)
    iam.roles["orders"]["attached"].add("arn:aws:iam::aws:policy/ReadOnlyAccess")
    iam.roles["orders"]["inline"] = {"theirs", "theirs-too"}
    data_lake.delete_role(role)
    assert iam.roles == {}
    assert iam.clock.now < 2.0


@pytest.mark.parametrize("kind", ["PolicyRoles", "PolicyUsers", "PolicyGroups"])
def test_a_policy_that_somebody_attached_stays_and_they_are_named(
    data_lake: Iam, iam: FakeIam, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    policy = policy_of(data_lake)
    named = {"PolicyRoles": "RoleName", "PolicyUsers": "UserName", "PolicyGroups": "GroupName"}
    entities = {each: [{name: "theirs"}] if each == kind else [] for each, name in named.items()}
    monkeypatch.setattr(iam, "list_entities_for_policy", lambda **_: entities)
    monkeypatch.setattr(iam, "delete_policy", refusing("DeleteConflict"))
    with pytest.raises(EndpointError) as raised:
        data_lake.delete_policy(policy)
    assert raised.value.reason == (
        "NameTaken: delete-policy orders: somebody attached it to theirs. Detach it there and deploy again"
    )


@pytest.mark.parametrize(("readable", "tags"), [(True, {"team": "theirs"}), (False, {})])
def test_a_policy_of_the_name_under_another_path_is_found_with_what_may_be_read_of_it(
    data_lake: Iam, iam: FakeIam, monkeypatch: pytest.MonkeyPatch, readable: bool, tags: dict[str, str]
) -> None:
    given = [{"Key": "team", "Value": "theirs"}]
    iam.create_policy(PolicyName="orders", Path="/theirs/", PolicyDocument="{}", Tags=given)
    pages = Pages([iam.list_policies(Scope="Local")])
    monkeypatch.setattr(data_lake._client, "get_paginator", lambda _name: pages)
    if not readable:
        read = iam.get_policy
        denied = refusing("AccessDenied")
        monkeypatch.setattr(iam, "get_policy", lambda **given: (denied if "theirs" in str(given) else read)(**given))
    arn = f"arn:aws:iam::{DATA_LAKE}:policy/theirs/orders"
    assert data_lake.policy_once_seen("orders", OWNER) == Policy("orders", arn, {}, tags)


def test_a_policy_that_iam_will_not_delete_for_no_reason_it_tells_fails(
    data_lake: Iam, iam: FakeIam, monkeypatch: pytest.MonkeyPatch
) -> None:
    policy = policy_of(data_lake)
    monkeypatch.setattr(iam, "delete_policy", refusing("DeleteConflict"))
    with pytest.raises(EndpointError, match="delete-policy orders: DeleteConflict"):
        data_lake.delete_policy(policy)


def test_a_policy_that_is_gone_is_denied_by_its_tags_and_that_is_fine(data_lake: Iam, iam: FakeIam) -> None:
    policy = policy_of(data_lake)
    iam.policies.clear()
    data_lake.delete_policy(policy)


@pytest.mark.parametrize("code", ["AccessDenied", "LimitExceeded"])
def test_a_role_that_is_there_and_may_not_be_deleted_fails(
    data_lake: Iam, iam: FakeIam, monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    role = made(data_lake)
    monkeypatch.setattr(iam, "delete_role", refusing(code))
    with pytest.raises(EndpointError, match="delete-role orders"):
        data_lake.delete_role(role)


@pytest.mark.parametrize("code", ["ConcurrentModification", "EntityTemporarilyUnmodifiable", "NoSuchEntity"])
def test_what_collides_is_tried_again_for_half_a_minute(
    data_lake: Iam, iam: FakeIam, monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    role = made(data_lake)
    monkeypatch.setattr(iam, "update_assume_role_policy", refusing(code))
    with pytest.raises(EndpointError, match=f"update-assume-role-policy orders: {code}"):
        data_lake.set_trust(role, DOCUMENT)
    assert 30.0 <= iam.clock.now < 31.0


def test_a_role_that_was_deleted_between_list_and_look_settles(
    data_lake: Iam, iam: FakeIam, monkeypatch: pytest.MonkeyPatch
) -> None:
    made(data_lake)
    listed = iam.list_roles(PathPrefix=OWNER.path)
    pages = Pages([listed, {"Roles": []}])
    monkeypatch.setattr(data_lake._client, "get_paginator", lambda _name: pages)
    iam.roles.clear()
    assert data_lake.roles_of(OWNER) == []


class Pages:
    """What is listed: another thing each time."""

    def __init__(self, answers: list[dict[str, Any]]) -> None:
        self.answers = answers

    def paginate(self, **_given: Any) -> list[dict[str, Any]]:
        return [self.answers.pop(0)]


def test_a_boundary_is_set_and_taken_away(in_memory: None) -> None:
    world = World().created()
    assert world.stack.update(bounded("orders"))
    assert world.role()["PermissionsBoundary"]["PermissionsBoundaryArn"].endswith("PowerUserAccess")
    assert world.stack.update(properties("orders"))
    assert "PermissionsBoundary" not in world.role()


def test_a_role_is_described_and_carries_its_boundary_from_the_start(in_memory: None) -> None:
    world = World()
    assert world.stack.create(bounded("orders"))
    assert world.role()["PermissionsBoundary"]["PermissionsBoundaryArn"].endswith("PowerUserAccess")
    assert "put_role_permissions_boundary" not in world.calls[0]
