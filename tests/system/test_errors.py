"""Every error code, provoked for real."""

from __future__ import annotations

import json
from typing import Any

import pytest

from local_aws import EmbeddedAws
from local_aws.cloudformation import CloudFormation, played
from local_aws.organisation import DEV, FUNCTION_NAME, TOOLS

from .world import create, delete, mutations, properties, refused, replication_instance, settings, task_on, update

PLAIN_TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "dms.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}


def test_invalid_request_names_every_fault_before_anything_is_called(
    aws: EmbeddedAws, cloudformation: CloudFormation
) -> None:
    faulty = properties(ROLENAME=None, ENDPOINTIDENTIFER="orders", S3SETTINGS=settings(DATAFORMATS="csv"))
    reason = refused(cloudformation.send("Create", faulty), "InvalidRequest")
    for fault in ("ROLENAME is missing", "did you mean ENDPOINTIDENTIFIER?", "did you mean DATAFORMAT?"):
        assert fault in reason
    assert [call for call in aws.calls() if call.service in ("iam", "dms", "sts")] == []


def test_unknown_environment_lists_the_known_ones(cloudformation: CloudFormation) -> None:
    answer = cloudformation.send("Create", properties(ENVIRONMENT="staging"))
    assert "dev, test, prod" in refused(answer, "UnknownEnvironment")


def test_assume_role_denied_names_the_role_and_its_delete_succeeds(
    aws: EmbeddedAws, cloudformation: CloudFormation
) -> None:
    iam = aws.client("iam", DEV.data_lake)
    name = DEV.data_lake_role_arn.rpartition("/")[2]
    trust: Any = iam.get_role(RoleName=name)["Role"]["AssumeRolePolicyDocument"]
    iam.update_assume_role_policy(RoleName=name, PolicyDocument=json.dumps(PLAIN_TRUST))
    answer = cloudformation.send("Create", properties())
    assert DEV.data_lake_role_arn in refused(answer, "AssumeRoleDenied")
    assert (
        cloudformation.send("Delete", properties(), PhysicalResourceId=answer["PhysicalResourceId"])["Status"]
        == "SUCCESS"
    )
    iam.update_assume_role_policy(RoleName=name, PolicyDocument=json.dumps(trust))


def test_name_taken_by_another_stack_names_it_and_changes_nothing(
    aws: EmbeddedAws, cloudformation: CloudFormation
) -> None:
    create(cloudformation)
    with played(aws) as other:
        aws.clear_calls()
        reason = refused(other.send("Create", properties()), "NameTaken")
        assert cloudformation.stack_id.rpartition(":stack/")[2] in reason
        assert mutations(aws) == []
    delete(cloudformation)


@pytest.mark.parametrize("piece", ["role", "policy", "endpoint"])
def test_name_taken_by_what_carries_nobodys_tags(aws: EmbeddedAws, cloudformation: CloudFormation, piece: str) -> None:
    undo = _take_name(aws, piece)
    aws.clear_calls()
    refused(cloudformation.send("Create", properties()), "NameTaken")
    assert mutations(aws) == []
    delete(cloudformation)
    undo()


def _take_name(aws: EmbeddedAws, piece: str) -> Any:
    iam, dms = aws.client("iam", DEV.data_lake), aws.client("dms", DEV.dms)
    if piece == "policy":
        document = '{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"s3:*","Resource":"*"}]}'
        arn = iam.create_policy(PolicyName="dms-orders", PolicyDocument=document)["Policy"]["Arn"]
        return lambda: iam.delete_policy(PolicyArn=arn)
    name = "dms-orders" if piece == "role" else "theirs"
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(PLAIN_TRUST))["Role"]
    if piece == "role":
        return lambda: iam.delete_role(RoleName="dms-orders")
    aws.switch(first_create="keeps")
    theirs = {"ServiceAccessRoleArn": role["Arn"], "BucketName": DEV.bucket}
    endpoint = dms.create_endpoint(
        EndpointIdentifier="orders", EndpointType="target", EngineName="s3", S3Settings=theirs
    )

    def undo() -> None:
        dms.delete_endpoint(EndpointArn=endpoint["Endpoint"]["EndpointArn"])
        iam.delete_role(RoleName=name)

    return undo


def test_not_allow_listed_names_both_accounts(aws: EmbeddedAws, cloudformation: CloudFormation) -> None:
    aws.switch(not_allow_listed="AccessDeniedException")
    reason = refused(cloudformation.send("Create", properties()), "NotAllowListed")
    assert DEV.dms in reason
    assert DEV.data_lake in reason
    delete(cloudformation)


def test_role_not_assumable_after_five_minutes(aws: EmbeddedAws, cloudformation: CloudFormation) -> None:
    aws.switch(propagation_seconds=100_000.0)
    refused(cloudformation.send("Create", properties()), "RoleNotAssumable")
    delete(cloudformation)


def test_no_external_id(aws: EmbeddedAws, cloudformation: CloudFormation) -> None:
    aws.switch(first_create="no_external_id")
    refused(cloudformation.send("Create", properties()), "NoExternalId")
    delete(cloudformation)


def test_connection_test_failed_tells_dms_own_message(aws: EmbeddedAws, cloudformation: CloudFormation) -> None:
    instance = replication_instance(aws)
    given = properties(
        TESTREPLICATIONINSTANCEARN=instance, S3SETTINGS=settings(BUCKETNAME="a-bucket-that-is-not-there")
    )
    assert "Application-Message" in refused(cloudformation.send("Create", given), "ConnectionTestFailed")
    delete(cloudformation)
    aws.client("dms", DEV.dms).delete_replication_instance(ReplicationInstanceArn=instance)


def test_access_denied_names_the_call(aws: EmbeddedAws, cloudformation: CloudFormation) -> None:
    iam = aws.client("iam", DEV.data_lake)
    name = DEV.data_lake_role_arn.rpartition("/")[2]
    deny = {"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "iam:CreateRole", "Resource": "*"}]}
    iam.put_role_policy(RoleName=name, PolicyName="deny", PolicyDocument=json.dumps(deny))
    assert "create-role dms-orders" in refused(cloudformation.send("Create", properties()), "AccessDenied")
    iam.delete_role_policy(RoleName=name, PolicyName="deny")
    delete(cloudformation)


def test_limit_exceeded(aws: EmbeddedAws, cloudformation: CloudFormation) -> None:
    aws.switch(quota=0)
    refused(cloudformation.send("Create", properties()), "LimitExceeded")
    delete(cloudformation)


def test_throttled_for_longer_than_we_repeat(aws: EmbeddedAws, cloudformation: CloudFormation) -> None:
    aws.inject("iam", "CreateRole", "throttle", times=20)
    refused(cloudformation.send("Create", properties()), "Throttled")
    aws.reset_switches()
    delete(cloudformation)


def test_endpoint_in_use_is_told_with_the_step_first(aws: EmbeddedAws, cloudformation: CloudFormation) -> None:
    arn = create(cloudformation)["Data"]["EndpointArn"]
    with task_on(aws, arn):
        answer = update(cloudformation, properties(), properties(S3SETTINGS=settings(DATAFORMAT="csv")))
        assert refused(answer, "EndpointInUse").startswith(
            "EndpointInUse: delete-endpoint orders: used by task nightly"
        )
    delete(cloudformation)


def test_not_stabilized_is_answered_before_lambda_ends_the_function(
    aws: EmbeddedAws, cloudformation: CloudFormation
) -> None:
    create(cloudformation)
    aws.switch(delete_seconds=1_400.0)
    answer = cloudformation.send("Delete", properties(), PhysicalResourceId="dev/orders")
    assert "still being deleted" in refused(answer, "NotStabilized")
    delete(cloudformation)


def test_a_call_that_hangs_is_answered_by_the_watchdog(aws: EmbeddedAws, cloudformation: CloudFormation) -> None:
    aws.inject("iam", "CreateRole", "hang")
    reason = refused(cloudformation.send("Create", properties()), "NotStabilized")
    assert "does not return" in reason
    delete(cloudformation)


def test_internal_error_for_a_function_that_was_deployed_wrongly(
    aws: EmbeddedAws, cloudformation: CloudFormation
) -> None:
    function = aws.client("lambda", TOOLS)
    variables = function.get_function_configuration(FunctionName=FUNCTION_NAME)["Environment"]["Variables"]
    function.update_function_configuration(
        FunctionName=FUNCTION_NAME, Environment={"Variables": variables | {"DMS_ROLE_ARNS": DEV.dms_role_arn}}
    )
    event = cloudformation.event("Create", properties())
    cloudformation.invoke(event, qualifier="$LATEST")
    assert "3 Environments" in refused(cloudformation.received[event["RequestId"]].answer, "InternalError")
    function.update_function_configuration(FunctionName=FUNCTION_NAME, Environment={"Variables": variables})
