"""Who may speak to the function: an event that somebody made up changes nothing, and is answered to nobody else."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from dms_s3_endpoint.aws.sessions import ONLY_LOOKING
from local_aws import EmbeddedAws
from local_aws.cloudformation import CloudFormation
from local_aws.organisation import DEV, TOOLS, endpoints, function_role_arn, lease_table, update_function
from local_aws.response_url import at_loopback
from tests.assumed import assumed

from .attempts import FUNCTION, ON_ITS_OWN, ON_STACKS, ON_THE_FUNCTION, pieces_of_others, taken_over
from .second_engine import assert_refused_by_both
from .world import create, delete, properties, refused, settings

ANOTHER_FOLDER = properties(S3SETTINGS=settings(BUCKETFOLDER="elsewhere"))
KNOWN = {"PhysicalResourceId": "dev/orders"}


@pytest.fixture
def standing(cloudformation: CloudFormation) -> Iterator[CloudFormation]:
    """A stack with an endpoint, at which CloudFormation is not at work."""
    create(cloudformation)
    cloudformation.rest()
    yield cloudformation
    delete(cloudformation)


def everything(aws: EmbeddedAws) -> tuple[Any, Any]:
    return endpoints(aws, DEV), aws.client("dynamodb", TOOLS).scan(TableName=lease_table(aws))["Items"]


@pytest.mark.parametrize("request_type", ["Create", "Update", "Delete"])
def test_in_the_name_of_a_stack_that_rests_nothing_is_done(standing: CloudFormation, request_type: str) -> None:
    before = everything(standing.aws)
    event = standing.made_up(standing.request(request_type, ANOTHER_FOLDER, **KNOWN))
    standing.invoke(event)
    reason = refused(standing.received[event["RequestId"]].answer, "AccessDenied")
    assert "its stack is UPDATE_COMPLETE, and it is UPDATE_COMPLETE" in reason
    assert everything(standing.aws) == before


def test_an_answer_that_would_go_to_somebody_else_is_not_given_and_nothing_is_done(standing: CloudFormation) -> None:
    before = everything(standing.aws)
    event = standing.event("Delete", properties(), **KNOWN)
    ended = standing.invoke(event | {"ResponseURL": at_loopback(event["ResponseURL"])})
    assert "The ResponseURL leads to localhost:" in ended["Payload"].read().decode()
    assert ended["FunctionError"]
    assert standing.received[event["RequestId"]].bodies == []
    assert everything(standing.aws) == before


def test_the_question_can_be_switched_off(standing: CloudFormation) -> None:
    update_function(standing.aws, VerifyStacks="false")
    event = standing.made_up(standing.request("Update", ANOTHER_FOLDER, **KNOWN, OldResourceProperties=properties()))
    standing.invoke(event)
    assert standing.received[event["RequestId"]].answer["Status"] == "SUCCESS"
    update_function(standing.aws, VerifyStacks="true")


@pytest.fixture
def checker(aws: EmbeddedAws) -> Iterator[Any]:
    """A client of Lambda, of somebody who may invoke the alias `check` and nothing else."""
    iam = aws.client("iam", TOOLS)
    trust = {"Effect": "Allow", "Principal": {"AWS": TOOLS}, "Action": "sts:AssumeRole"}
    allowed = {"Effect": "Allow", "Action": "lambda:InvokeFunction", "Resource": f"{FUNCTION}:check"}
    made = iam.create_role(RoleName="checker", AssumeRolePolicyDocument=json.dumps({"Statement": [trust]}))["Role"]
    document = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
    iam.put_role_policy(RoleName="checker", PolicyName="check", PolicyDocument=document)
    yield assumed(aws, TOOLS, made["Arn"], "lambda")
    iam.delete_role_policy(RoleName="checker", PolicyName="check")
    iam.delete_role(RoleName="checker")


def test_whoever_may_invoke_check_alone_may_do_nothing_else_with_the_function(aws: EmbeddedAws, checker: Any) -> None:
    assert_refused_by_both(aws, checker, ON_THE_FUNCTION)


def test_and_by_check_gets_a_report_and_nothing_done(standing: CloudFormation, checker: Any) -> None:
    before = everything(standing.aws)
    for request_type in ("Check", "Update", "Delete"):
        event = standing.event(request_type, ANOTHER_FOLDER, **KNOWN)
        report = checker.invoke(FunctionName=f"{FUNCTION}:check", Payload=json.dumps(event))["Payload"].read()
        assert (json.loads(report) or {}).get("action") == ("delete and create" if request_type == "Check" else None)
        if request_type != "Check":
            assert "the alias check" in refused(standing.received[event["RequestId"]].answer, "InvalidRequest")
    assert everything(standing.aws) == before


@pytest.mark.parametrize("role_arn", ON_ITS_OWN)
def test_a_session_that_only_looks_may_change_nothing_whatever_the_function_tried(
    aws: EmbeddedAws, role_arn: str
) -> None:
    with pieces_of_others(aws), taken_over(aws, role_arn, session_policy=ONLY_LOOKING) as client:
        assert_refused_by_both(aws, client, ON_ITS_OWN[role_arn], ONLY_LOOKING)


def test_of_stacks_the_function_may_ask_how_one_of_its_own_account_is_and_no_more(aws: EmbeddedAws) -> None:
    with taken_over(aws, function_role_arn(aws), "cloudformation") as client:
        assert_refused_by_both(aws, client, ON_STACKS)
