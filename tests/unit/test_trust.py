"""Step 6: how the trust policy changes, and what is learnt of how long that takes."""

from __future__ import annotations

from typing import Any

import pytest

from dms_s3_endpoint.cloudformation.event import Event
from dms_s3_endpoint.model.errors import EndpointError
from dms_s3_endpoint.model.pieces import Policy, Role
from dms_s3_endpoint.model.policies import trust_policy
from dms_s3_endpoint.procedure.trust import Trust

from .builders import DATA_LAKE, DMS, make_event
from .in_memory import CloudInMemory

POLICY = Policy("orders", f"arn:aws:iam::{DATA_LAKE}:policy/orders", {}, {})
THEIRS = {"Sid": "Theirs", "Effect": "Deny", "Principal": "*", "Action": "sts:AssumeRole"}


@pytest.fixture
def cloud() -> CloudInMemory:
    cloud = CloudInMemory()
    cloud.iam.create_role(RoleName="orders", Path="/", AssumeRolePolicyDocument="{}", Tags=[])
    cloud.iam.create_policy(PolicyName="orders", Path="/", PolicyDocument="{}", Tags=[])
    return cloud


def trust(cloud: CloudInMemory, *external_ids: str, is_attached: bool = False, source_account: str = "") -> Trust:
    deployment = cloud.deployment(Event.read(make_event("Create")))
    deployment.lease.acquire(is_create=True)
    role = Role("orders", "arn", trust_policy(external_ids, [THEIRS]), "", {})
    return Trust(role, POLICY, is_attached, deployment.accounts, source_account)


def written(cloud: CloudInMemory) -> Any:
    """The ExternalIds that the role demands now, behind the statement of others."""
    theirs, ours = cloud.iam.roles["orders"]["AssumeRolePolicyDocument"]["Statement"]
    assert theirs == THEIRS
    return ours.get("Condition", {}).get("StringEquals", {}).get("sts:ExternalId")


def test_ids_are_added_until_one_alone_is_right(cloud: CloudInMemory) -> None:
    trusting = trust(cloud)
    trusting.demand("one")
    trusting.demand("two")
    assert written(cloud) == ["one", "two"]
    trusting.demand_only("two")
    assert written(cloud) == "two"
    trusting.demand_none()
    assert (written(cloud), trusting.spread) == (None, 0.0)


def test_what_is_demanded_already_is_not_written_again(cloud: CloudInMemory) -> None:
    trusting = trust(cloud, "one")
    trusting.demand("one")
    trusting.demand("")
    trusting.demand_only("one")
    assert cloud.iam.roles["orders"]["AssumeRolePolicyDocument"] == {}


def attached(cloud: CloudInMemory) -> list[str]:
    return sorted(cloud.iam.roles["orders"]["attached"])


def test_the_policy_is_attached_once_the_trust_demands_an_id_and_not_before(cloud: CloudInMemory) -> None:
    trusting = trust(cloud)
    trusting.attach_if_bound()
    assert attached(cloud) == []
    trusting.demand("one")
    assert attached(cloud) == [POLICY.arn]


def test_the_policy_is_detached_while_the_trust_demands_no_id_again(cloud: CloudInMemory) -> None:
    trusting = trust(cloud, "one")
    trusting.attach_if_bound()
    assert attached(cloud) == [POLICY.arn]
    trusting.demand_none()
    assert attached(cloud) == []
    trusting.demand_only("two")
    assert attached(cloud) == [POLICY.arn]


def test_a_policy_that_the_role_has_is_not_attached_again_and_one_that_it_lacks_not_detached(
    cloud: CloudInMemory,
) -> None:
    trust(cloud, "one", is_attached=True).attach_if_bound()
    trust(cloud, "one").demand_none()
    assert attached(cloud) == []


def test_the_trust_demands_the_source_account_if_the_function_is_deployed_so(cloud: CloudInMemory) -> None:
    trusting = trust(cloud, "one", source_account=DMS)
    trusting.demand_only("one")
    _theirs, ours = cloud.iam.roles["orders"]["AssumeRolePolicyDocument"]["Statement"]
    assert ours["Condition"] == {"StringEquals": {"aws:SourceAccount": DMS, "sts:ExternalId": "one"}}
    trusting.demand_none()
    _theirs, ours = cloud.iam.roles["orders"]["AssumeRolePolicyDocument"]["Statement"]
    assert ours["Condition"] == {"StringEquals": {"aws:SourceAccount": DMS}}


def test_a_fifth_id_ends_the_handshake(cloud: CloudInMemory) -> None:
    with pytest.raises(EndpointError, match="NoExternalId: update-assume-role-policy orders: DMS told 5 ExternalIds"):
        trust(cloud, "1", "2", "3", "4").demand("5")


@pytest.mark.parametrize(
    ("ids", "seconds", "outdated"), [(["one"], 60.5, True), (["one"], 59.5, False), ([], 99.0, False)]
)
def test_a_trust_is_outdated_once_dms_has_had_the_time_to_see_its_id(
    cloud: CloudInMemory, ids: list[str], seconds: float, outdated: bool
) -> None:
    trusting = trust(cloud, *ids)
    cloud.clock.now += seconds
    assert trusting.is_outdated() is outdated


def test_the_time_until_dms_saw_a_change_is_counted_and_learnt(cloud: CloudInMemory) -> None:
    trusting = trust(cloud)
    assert trusting.pause(0.0) == 3.0
    cloud.clock.now += 10.0
    trusting.demand("one")
    (counted,) = trusting.accounts.figures.propagation
    assert 10.0 <= counted < 10.2
    assert 10.0 <= trusting.spread < 10.2
    assert trusting.pause(0.0) == 1.5
    began = cloud.clock.now
    trusting.wait_until_dms_may_have_seen_it()
    assert 8.4 < cloud.clock.now - began < 8.8


def test_no_wait_comes_before_something_was_learnt_and_none_is_longer_than_twenty_seconds(cloud: CloudInMemory) -> None:
    trusting = trust(cloud)
    began = cloud.clock.now
    trusting.wait_until_dms_may_have_seen_it()
    assert cloud.clock.now == began
    trusting.spread, trusting.changed_at = 100.0, began
    trusting.wait_until_dms_may_have_seen_it()
    assert cloud.clock.now == began + 20.0
