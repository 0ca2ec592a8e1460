"""Who takes over a role of the pipelines, or deploys code of their own in dev, gets no further than dev."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from botocore.exceptions import WaiterError

from development.checks.plain import plain
from development.checks.resolved import documents
from local_aws import EmbeddedAws
from local_aws.organisation import DEV, PROD, ROOT, TOOLS, delete_stack
from tests.assumed import assumed

from .attempts import DOCUMENT, attempted
from .attempts_of_pipelines import (
    ANYBODY,
    BUCKET,
    FUNCTION_ROLE,
    OF_ANOTHER_ACCOUNT,
    ON_DEV,
    ON_ITSELF,
    ON_PROD,
    ON_PRODS_BUILDS,
    ON_PRODS_STACKS,
    OWN,
    SOURCES,
    Everywhere,
)
from .roles import boundary_of, deployer_of, drift_role_of, function_role_of, given_to_deployer, trust_the_test
from .second_engine import disagreements

# Somebody waits there for what is written.
OPEN = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"AWS": f"arn:aws:iam::{TOOLS}:root"},
                "Action": "s3:*",
                "Resource": f"arn:aws:s3:::{OF_ANOTHER_ACCOUNT}/*",
            }
        ],
    }
)
INLINE = {"PolicyName": "more", "PolicyDocument": json.loads(DOCUMENT)}


@pytest.fixture(scope="module")
def roles(deployed: EmbeddedAws) -> Iterator[EmbeddedAws]:
    """Of dev and prod, as deployer.yaml makes them, beside buckets of this account and of another."""
    stacks = {f"dms-s3-endpoint-deployer-{pair.name}": pair for pair in (DEV, PROD)}
    for name, pair in stacks.items():
        create_stack(deployed, name, (ROOT / "pipelines" / "deployer.yaml").read_text(), given_to_deployer(pair))
    buckets = {BUCKET: TOOLS, SOURCES: TOOLS, OF_ANOTHER_ACCOUNT: DEV.data_lake}
    for bucket, account in buckets.items():
        place = {"LocationConstraint": deployed.region}
        deployed.client("s3", account).create_bucket(Bucket=bucket, CreateBucketConfiguration=place)
    deployed.client("s3", DEV.data_lake).put_bucket_policy(Bucket=OF_ANOTHER_ACCOUNT, Policy=OPEN)
    yield deployed
    for bucket, account in buckets.items():
        deployed.client("s3", account).delete_bucket(Bucket=bucket)
    for name in stacks:
        delete_stack(deployed, name)


def create_stack(aws: EmbeddedAws, name: str, template: str, parameters: dict[str, str]) -> None:
    """As the account's root."""
    cloudformation = aws.client("cloudformation", TOOLS)
    given = [{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()]
    capabilities = ["CAPABILITY_NAMED_IAM"]
    cloudformation.create_stack(StackName=name, TemplateBody=template, Parameters=given, Capabilities=capabilities)
    cloudformation.get_waiter("stack_create_complete").wait(StackName=name, WaiterConfig={"Delay": 1})


def assert_all_refused(aws: EmbeddedAws, role_arn: str, *attempts: Everywhere) -> None:
    """By both engines, with the very role."""
    trust_the_test(aws, role_arn)
    clients = {service: assumed(aws, TOOLS, role_arn, service) for those in attempts for service in those}
    aws.clear_calls()
    answers = [
        (f"{service}: {name}", attempted(clients[service], *attempt))
        for those in attempts
        for service, of_service in those.items()
        for name, attempt in of_service.items()
    ]
    assert [(name, answer) for name, answer in answers if not answer.startswith("AccessDenied")] == []
    assert sum(not each.allowed for each in aws.decisions()) == len(answers)
    assert disagreements(aws, aws.decisions()) == []


@contextmanager
def role_in_the_tools_account(aws: EmbeddedAws, name: str, *policies: Any, **more: Any) -> Iterator[str]:
    """The ARN of a role with the policies, which the test may assume."""
    iam = aws.client("iam", TOOLS)
    arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=ANYBODY, **more)["Role"]["Arn"]
    for number, policy in enumerate(policies):
        iam.put_role_policy(RoleName=name, PolicyName=f"policy-{number}", PolicyDocument=json.dumps(policy))
    try:
        yield str(arn)
    finally:
        for number in range(len(policies)):
            iam.delete_role_policy(RoleName=name, PolicyName=f"policy-{number}")
        iam.delete_role(RoleName=name)


def test_the_deployer_of_dev_reaches_nothing_of_prod(roles: EmbeddedAws) -> None:
    assert_all_refused(roles, deployer_of(DEV), ON_PROD, ON_PRODS_STACKS, ON_PRODS_BUILDS)


def test_the_deployer_of_dev_can_not_become_more_than_that(roles: EmbeddedAws) -> None:
    with role_in_the_tools_account(roles, FUNCTION_ROLE):  # of the time before a boundary was demanded
        assert_all_refused(roles, deployer_of(DEV), ON_ITSELF)


def test_who_looks_for_drift_in_dev_changes_nothing_in_dev_or_prod(roles: EmbeddedAws) -> None:
    assert_all_refused(roles, drift_role_of(DEV), ON_PROD, ON_PRODS_STACKS, ON_PRODS_BUILDS, ON_DEV)


@pytest.mark.parametrize(
    ("role", "more"), [("CheckRole", ON_PRODS_BUILDS), ("ScheduleRole", ON_PRODS_BUILDS), ("PipelineRole", {})]
)
def test_no_role_of_the_pipeline_itself_reaches_dev_or_prod(roles: EmbeddedAws, role: str, more: Everywhere) -> None:
    """MiniStack has no CodePipeline: the role is made of its policies as they stand in codepipeline.yaml."""
    found = documents(plain(ROOT / "pipelines" / "codepipeline.yaml"))
    policies = [each for where, those in found.items() for each in those if where.startswith(f"{role}/")]
    own = [policy for policy in policies if "Principal" not in policy["Statement"][0]]
    assert own
    with role_in_the_tools_account(roles, "of-the-pipeline", *own) as arn:
        assert_all_refused(roles, arn, ON_PROD, ON_PRODS_STACKS, ON_DEV, more)


def test_code_that_dev_deploys_reaches_nothing_of_prod_whatever_rights_its_role_has(roles: EmbeddedAws) -> None:
    bound = {"PermissionsBoundary": boundary_of(DEV)}
    with role_in_the_tools_account(roles, FUNCTION_ROLE, json.loads(DOCUMENT), **bound):
        assert_all_refused(roles, function_role_of(DEV), ON_PROD, ON_PRODS_BUILDS, ON_ITSELF)


def test_a_template_that_dev_deploys_makes_no_role_without_the_boundary_and_no_rights_for_another_role(
    roles: EmbeddedAws,
) -> None:
    rights = {"Type": "AWS::IAM::Policy", "Properties": {**INLINE, "Roles": [deployer_of(DEV).rpartition("/")[2]]}}
    assert "iam:CreateRole" in deployed_by_dev(roles, role(FUNCTION_ROLE))
    assert "iam:CreateRole" in deployed_by_dev(roles, role("mine", PermissionsBoundary=boundary_of(DEV)))
    assert "iam:PutRolePolicy" in deployed_by_dev(roles, rights)


def test_a_template_that_dev_deploys_gives_the_functions_role_rights_within_the_boundary(roles: EmbeddedAws) -> None:
    assert deployed_by_dev(roles, role(FUNCTION_ROLE, PermissionsBoundary=boundary_of(DEV))) == ""


def role(name: str, **more: Any) -> dict[str, Any]:
    """With rights to everything."""
    trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    document = {"Version": "2012-10-17", "Statement": [trust]}
    properties = {"RoleName": name, "AssumeRolePolicyDocument": document, "Policies": [INLINE], **more}
    return {"Type": "AWS::IAM::Role", "Properties": properties}


def deployed_by_dev(aws: EmbeddedAws, resource: dict[str, Any]) -> str:
    """Why a stack with the resource fails that the deployer of dev deploys; empty if it doesn't. It is deleted."""
    trust_the_test(aws, deployer_of(DEV))
    aws.clear_calls()
    by_dev, root = assumed(aws, TOOLS, deployer_of(DEV), "cloudformation"), aws.client("cloudformation", TOOLS)
    template = json.dumps({"Resources": {"One": resource}})
    by_dev.create_stack(StackName=OWN, TemplateBody=template, Capabilities=["CAPABILITY_NAMED_IAM"])
    why = ""
    try:
        root.get_waiter("stack_create_complete").wait(StackName=OWN, WaiterConfig={"Delay": 1})
    except WaiterError:
        events = root.describe_stack_events(StackName=OWN)["StackEvents"]
        why = next(str(each["ResourceStatusReason"]) for each in events if each["ResourceStatus"] == "CREATE_FAILED")
    decisions = aws.decisions()
    delete_stack(aws, OWN)
    assert disagreements(aws, decisions) == []
    return why
