"""The roles of pipelines/deployer.yaml, and how a test is one of the project's roles."""

from __future__ import annotations

import json

from local_aws import EmbeddedAws
from local_aws.organisation import TOOLS, Pair

NAMES = {
    "AWS_ACCESS_KEY_ID": "AccessKeyId",
    "AWS_SECRET_ACCESS_KEY": "SecretAccessKey",
    "AWS_SESSION_TOKEN": "SessionToken",
}


def given_to_deployer(pair: Pair) -> dict[str, str]:
    """The parameters of pipelines/deployer.yaml."""
    return {
        "Environment": pair.name,
        "DataLakeRoleArns": pair.data_lake_role_arn,
        "DmsRoleArns": pair.dms_role_arn,
        "PipelineBucket": "artifacts-of-the-pipeline",
        "SmokeBucket": pair.bucket,
        "DriftStackPattern": f"*-{pair.name}",
    }


def deployer_of(pair: Pair) -> str:
    """Its ARN."""
    return f"arn:aws:iam::{TOOLS}:role/dms-s3-endpoint-deployer-{pair.name}"


def drift_role_of(pair: Pair) -> str:
    """Its ARN."""
    return f"arn:aws:iam::{TOOLS}:role/dms-s3-endpoint-drift-{pair.name}"


def function_role_of(pair: Pair) -> str:
    """Its ARN, in the embedded AWS's only Region."""
    return f"arn:aws:iam::{TOOLS}:role/dms-s3-endpoint-{pair.name}-eu-west-1"


def boundary_of(pair: Pair) -> str:
    """What pipelines/deployer.yaml makes for the function's role."""
    return f"arn:aws:iam::{TOOLS}:policy/dms-s3-endpoint-boundary/dms-s3-endpoint-{pair.name}"


def trust_the_test(aws: EmbeddedAws, role_arn: str) -> None:
    """So that a test may assume the role: GitHub's and CodeBuild's sessions are AWS's own affair."""
    account, name = role_arn.split(":")[4], role_arn.rpartition("/")[2]
    trust = {"Effect": "Allow", "Principal": {"AWS": account}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    aws.client("iam", account).update_assume_role_policy(RoleName=name, PolicyDocument=document)


def credentials_of(aws: EmbeddedAws, role_arn: str) -> dict[str, str]:
    """The environment variables of a process that is the role."""
    trust_the_test(aws, role_arn)
    sts = aws.client("sts", role_arn.split(":")[4])
    given = sts.assume_role(RoleArn=role_arn, RoleSessionName="test")["Credentials"]
    return {variable: given[name] for variable, name in NAMES.items()}
