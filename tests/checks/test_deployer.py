"""pipelines/deployer.yaml grants what CloudFormation calls for the resources of template.yaml, and names them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from development.checks.plain import plain
from development.checks.resolved import documents

ROOT = Path(__file__).resolve().parents[2]
SCHEMAS = files("cfnlint") / "data" / "schemas"
# Of the handlers' permissions in the schemas of the types, why a deployer has them not.
NOT_GRANTED: dict[str, set[str]] = {
    "the table is retained": {"dynamodb:DeleteTable"},
    "the function has no replica, import, stream or resource policy of its table": {
        "dynamodb:AssociateTableReplica",
        "dynamodb:BatchWriteItem",
        "dynamodb:CreateTableReplica",
        "dynamodb:DeleteItem",
        "dynamodb:DeleteResourcePolicy",
        "dynamodb:DescribeImport",
        "dynamodb:DisableKinesisStreamingDestination",
        "dynamodb:EnableKinesisStreamingDestination",
        "dynamodb:GetItem",
        "dynamodb:ImportTable",
        "dynamodb:PutItem",
        "dynamodb:PutResourcePolicy",
        "dynamodb:Query",
        "dynamodb:Scan",
        "dynamodb:UpdateContributorInsights",
        "dynamodb:UpdateItem",
        "dynamodb:UpdateKinesisStreamingDestination",
        "iam:CreateServiceLinkedRole",
        "kinesis:DescribeStream",
        "kinesis:PutRecords",
        "kms:ListAliases",
        "kms:RevokeGrant",
        "logs:DescribeLogStreams",
        "s3:GetObjectMetadata",
        "s3:ListBucket",
    },
    "its policies are inline, and who deploys can't take the boundary away": {
        "iam:AttachRolePolicy",
        "iam:DetachRolePolicy",
        "iam:DeleteRolePermissionsBoundary",
    },
    "its aliases are on $LATEST": {
        "codedeploy:CreateDeployment",
        "codedeploy:GetDeployment",
        "codedeploy:GetDeploymentConfig",
        "codedeploy:GetDeploymentGroup",
        "codedeploy:StopDeployment",
        "lambda:DeleteProvisionedConcurrencyConfig",
        "lambda:PublishVersion",
        "lambda:PutProvisionedConcurrencyConfig",
    },
    "it is in no network, and has no file system, layer or capacity of its own": {
        "ec2:DescribeNetworkInterfaces",
        "ec2:DescribeSecurityGroups",
        "ec2:DescribeSubnets",
        "ec2:DescribeVpcs",
        "elasticfilesystem:DescribeMountTargets",
        "lambda:AssociateRuntimeAlias",
        "lambda:GetFunctionScalingConfig",
        "lambda:GetLayerVersion",
        "lambda:PassCapacityProvider",
        "lambda:PutFunctionRecursionConfig",
        "lambda:PutFunctionScalingConfig",
        "lambda:PutRuntimeManagementConfig",
        "s3files:ListMountTargets",
    },
    "who deploys can't do without code signing": {"lambda:DeleteFunctionCodeSigningConfig"},
    "its log has none of these": {
        "firehose:TagDeliveryStream",
        "logs:CreateLogDelivery",
        "logs:DeleteDataProtectionPolicy",
        "logs:DeleteIndexPolicy",
        "logs:DeleteResourcePolicy",
        "logs:PutBearerTokenAuthentication",
        "logs:PutDataProtectionPolicy",
        "logs:PutIndexPolicy",
        "logs:PutLogGroupDeletionProtection",
        "logs:PutResourcePolicy",
        "s3:REST.PUT.OBJECT",
    },
}


@pytest.fixture(autouse=True)
def _region(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")


@cache
def template(name: str) -> dict[str, Any]:
    return plain(ROOT / name)


@cache
def policies(name: str) -> dict[str, list[Any]]:
    return documents(template(name))


def test_what_the_handlers_of_its_resources_may_call_is_granted_or_has_a_reason() -> None:
    missing = {each for each in permitted_to_handlers() if not any(fnmatchcase(each, given) for given in granted())}
    assert missing == set[str]().union(*NOT_GRANTED.values())


def permitted_to_handlers() -> set[str]:
    """By the schemas of the types of template.yaml, for all but lists."""
    schemas = json.loads((SCHEMAS / "providers" / "eu-west-1.json").read_text())
    kinds = {each["Type"] for each in template("template.yaml")["Resources"].values()}
    found = [json.loads((SCHEMAS / "resources" / f"{schemas[kind]}.json").read_text())["handlers"] for kind in kinds]
    return {
        action
        for handlers in found
        for request in handlers.keys() - {"list"}
        for action in handlers[request]["permissions"]
    }


def granted() -> set[str]:
    """With all parameters given."""
    return {action for statement in statements("Role/deploy") for action in listed(statement["Action"])}


def statements(where: str) -> Iterator[dict[str, Any]]:
    for document in policies("pipelines/deployer.yaml")[where]:
        yield from document["Statement"]


def listed(given: str | list[str]) -> list[str]:
    return [given] if isinstance(given, str) else given


def test_each_alarm_is_the_deployers() -> None:
    resources = template("template.yaml")["Resources"]
    alarms = {name for name, each in resources.items() if each["Type"] == "AWS::CloudWatch::Alarm"}
    named = {arn for each in statements("Role/deploy") for arn in listed(each["Resource"]) if ":alarm:dms-" in arn}
    assert {arn.rpartition("dms-s3-endpoint-dev-")[2] for arn in named} == {f"{name}-*" for name in alarms}


def test_the_boundary_allows_what_the_functions_role_is_given() -> None:
    """By statement: its actions are the same, and its resources are those of one environment."""
    given = {
        action
        for where, those in policies("template.yaml").items()
        for document in those
        if where.startswith("Role/") and where != "Role/AssumeRolePolicyDocument"
        for statement in document["Statement"]
        for action in listed(statement["Action"])
    }
    assert given == {action for statement in statements("Boundary") for action in listed(statement["Action"])}


@pytest.mark.parametrize("name", ["smoke", "smoke-dev", "deployer", "drift", "Dev", "", "dev/*", "a" * 17])
def test_no_environment_has_the_names_of_another(name: str) -> None:
    pattern = template("pipelines/deployer.yaml")["Parameters"]["Environment"]["AllowedPattern"]
    assert not re.fullmatch(pattern, name)
    assert re.fullmatch(pattern, "pre-prod")
