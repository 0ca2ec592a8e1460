"""How a cross-account CreateEndpoint comes to succeed, in each form that the switches know."""

from __future__ import annotations

import re
import time

import pytest

from local_aws import EmbeddedAws

from .endpoint_pair import Pair, refused, trust

NOT_CONFIGURED = "is not configured properly.AccessDenied"


def test_keeps_nothing_until_the_trust_demands_the_id(pair: Pair) -> None:
    pair.make_role()
    external_id = pair.create()["ExternalId"]
    assert not pair.is_there()
    pair.demand(external_id)
    assert pair.create()["ExternalId"] == external_id == pair.found()["ExternalId"]


def test_keeps(aws: EmbeddedAws, pair: Pair) -> None:
    aws.switch(first_create="keeps")
    pair.make_role()
    assert pair.create()["EndpointArn"] == pair.found()["EndpointArn"]
    refused("ResourceAlreadyExistsFault", pair.create)


def test_fault_with_id(aws: EmbeddedAws, pair: Pair) -> None:
    aws.switch(first_create="fault_with_id")
    pair.make_role()
    message = refused("AccessDeniedFault", pair.create)
    found = re.search(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", message)
    assert found
    assert not pair.is_there()
    pair.demand(found[0])
    assert pair.create()["ExternalId"] == found[0]


def test_fault_until_trusted(aws: EmbeddedAws, pair: Pair) -> None:
    aws.switch(first_create="fault_until_trusted")
    pair.make_role()
    message = refused("AccessDeniedFault", pair.create)
    assert message == f"The IAM Role {pair.role_arn} {NOT_CONFIGURED}"
    assert pair.found()["Status"] == "failed"
    pair.demand(pair.found()["ExternalId"])
    pair.create()
    assert pair.found()["Status"] == "active"


def test_no_external_id(aws: EmbeddedAws, pair: Pair) -> None:
    aws.switch(first_create="no_external_id")
    pair.make_role()
    assert "ExternalId" not in pair.create()
    assert "ExternalId" not in pair.found()


def test_status_failed_must_be_deleted_first(aws: EmbeddedAws, pair: Pair) -> None:
    aws.switch(first_create="status_failed")
    pair.make_role()
    failed = pair.create()
    assert failed["Status"] == "failed"
    pair.demand(failed["ExternalId"])
    refused("ResourceAlreadyExistsFault", pair.create)
    pair.dms.delete_endpoint(EndpointArn=failed["EndpointArn"])
    assert pair.create()["Status"] == "active"


def test_the_id_moves_once(aws: EmbeddedAws, pair: Pair) -> None:
    aws.switch(external_id="per_call")
    pair.make_role()
    first, second, third = (pair.create()["ExternalId"] for _ in range(3))
    assert first != second == third


def test_describe_may_keep_the_id_to_itself(aws: EmbeddedAws, pair: Pair) -> None:
    aws.switch(describe_tells_external_id=False)
    assert pair.made()["ExternalId"]
    assert "ExternalId" not in pair.found()


@pytest.mark.parametrize(
    "policy", [trust("11111111-1111-4111-8111-111111111111"), trust(service="lambda.amazonaws.com")]
)
def test_a_trust_that_does_not_fit(pair: Pair, policy: str) -> None:
    pair.iam.create_role(RoleName=pair.identifier, AssumeRolePolicyDocument=policy)
    assert refused("AccessDeniedFault", pair.create).endswith(NOT_CONFIGURED)


def test_no_role(pair: Pair) -> None:
    assert refused("AccessDeniedFault", pair.create).endswith(NOT_CONFIGURED)


def test_a_role_under_another_path(pair: Pair) -> None:
    pair.iam.create_role(RoleName=pair.identifier, Path="/other/", AssumeRolePolicyDocument=trust())
    refused("AccessDeniedFault", pair.create)


def test_dms_sees_a_trust_policy_after_the_propagation(aws: EmbeddedAws, pair: Pair) -> None:
    aws.switch(propagation_seconds=1500.0)
    pair.make_role()
    refused("AccessDeniedFault", pair.create)
    time.sleep(1.6)
    external_id = pair.create()["ExternalId"]
    pair.demand(external_id)
    pair.create()
    assert not pair.is_there()
    time.sleep(1.6)
    pair.create()
    assert pair.is_there()


def test_a_tightened_trust_is_accepted_by_its_old_form_for_a_while(aws: EmbeddedAws, pair: Pair) -> None:
    aws.switch(first_create="keeps")
    pair.make_role()
    time.sleep(1.6)
    aws.switch(propagation_seconds=1500.0)
    pair.demand("11111111-1111-4111-8111-111111111111")
    pair.create()


def test_a_role_of_the_same_account_needs_no_id(pair: Pair) -> None:
    role = pair.aws.client("iam", "333333333333")
    role.create_role(RoleName=pair.identifier, AssumeRolePolicyDocument=trust())
    made = pair.create(settings={"ServiceAccessRoleArn": f"arn:aws:iam::333333333333:role/{pair.identifier}"})
    assert "ExternalId" not in made
    assert pair.is_there()


@pytest.mark.parametrize("code", ["AccessDeniedException", "AccessDeniedFault", "InvalidParameterValueException"])
def test_a_pair_that_is_not_allow_listed(aws: EmbeddedAws, pair: Pair, code: str) -> None:
    aws.switch(not_allow_listed=code)
    pair.make_role()
    assert refused(code, pair.create) == "Cross-account pass role is not allowed."


def test_a_fault_may_tell_the_id_without_its_name(aws: EmbeddedAws, pair: Pair) -> None:
    aws.switch(first_create="fault_with_id", fault_text="lone_id")
    pair.make_role()
    message = refused("AccessDeniedFault", pair.create)
    pair.demand(message.rpartition("(")[2].rstrip(")"))
    assert pair.create()["Status"] == "active"
    assert "external" not in message


def test_an_id_may_never_settle(aws: EmbeddedAws, pair: Pair) -> None:
    aws.switch(external_id="never_settles")
    pair.make_role()
    assert len({pair.create()["ExternalId"] for _ in range(3)}) == 3


def test_creates_may_be_refused_for_a_while_in_words_that_change(aws: EmbeddedAws, pair: Pair) -> None:
    aws.switch(first_create="keeps", refused_creates=3)
    pair.make_role()
    assert len({refused("AccessDeniedFault", pair.create) for _ in range(3)}) == 3
    assert pair.create()["Status"] == "active"


def test_an_endpoint_may_fail_under_another_name(aws: EmbeddedAws, pair: Pair) -> None:
    aws.switch(first_create="status_failed", failed_status="modifying")
    pair.make_role()
    assert pair.create()["Status"] == "modifying"


def test_any_fault_of_create(aws: EmbeddedAws, pair: Pair) -> None:
    aws.switch(create_fault="S3AccessDeniedFault")
    refused("S3AccessDeniedFault", pair.create)


def test_iam_may_not_find_what_it_just_made(aws: EmbeddedAws, pair: Pair) -> None:
    aws.switch(iam_lag_seconds=1500.0)
    pair.make_role()
    refused("NoSuchEntity", pair.iam.get_role, RoleName=pair.identifier)
    refused("EntityAlreadyExists", pair.make_role)
    time.sleep(1.6)
    pair.iam.get_role(RoleName=pair.identifier)
