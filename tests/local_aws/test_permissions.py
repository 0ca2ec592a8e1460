"""IAM guards DMS: identity policies with resources, tags and iam:PassRole."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import boto3
import pytest

from .endpoint_pair import DMS, Pair, refused

ENDPOINTS = f"arn:aws:dms:eu-west-1:{DMS}:endpoint:*"
Caller = Callable[..., Any]


@pytest.fixture
def caller(pair: Pair) -> Caller:
    """A DMS client of a role of the DMS account that has the statements as its policy."""
    iam, name = pair.aws.client("iam", DMS), f"caller-{pair.identifier}"
    trusted = {"Effect": "Allow", "Principal": {"AWS": DMS}, "Action": "sts:AssumeRole"}
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps({"Statement": [trusted]}))["Role"]["Arn"]

    def assumed(*statements: dict[str, Any]) -> Any:
        document = json.dumps({"Statement": [{"Effect": "Allow", "Resource": "*"} | each for each in statements]})
        iam.put_role_policy(RoleName=name, PolicyName="dms", PolicyDocument=document)
        session = pair.aws.client("sts", DMS).assume_role(RoleArn=role, RoleSessionName="test")["Credentials"]
        return boto3.client(
            "dms",
            region_name=pair.aws.region,
            endpoint_url=pair.aws.endpoint_url,
            verify=pair.aws.ca_bundle,
            aws_access_key_id=session["AccessKeyId"],
            aws_secret_access_key=session["SecretAccessKey"],
            aws_session_token=session["SessionToken"],
        )

    return assumed


def test_create_needs_pass_role_on_the_remote_role(pair: Pair, caller: Caller) -> None:
    pair.make_role()
    create = {"Action": "dms:CreateEndpoint"}
    message = refused("AccessDeniedException", pair.create, caller(create))
    assert f"is not authorized to perform: iam:PassRole on resource: {pair.role_arn}" in message
    elsewhere = {"Action": "iam:PassRole", "Condition": {"StringEquals": {"iam:PassedToService": "ec2.amazonaws.com"}}}
    refused("AccessDeniedException", pair.create, caller(create, elsewhere))
    to_dms = {"StringEquals": {"iam:PassedToService": "dms.amazonaws.com"}}
    here = {"Action": "iam:PassRole", "Resource": pair.role_arn, "Condition": to_dms}
    assert pair.create(caller(create, here))["ExternalId"]


def test_the_call_itself(pair: Pair, caller: Caller) -> None:
    message = refused("AccessDeniedException", caller({"Action": "s3:*"}).describe_endpoints)
    assert "is not authorized to perform: dms:DescribeEndpoints on resource: *" in message


def test_resources(pair: Pair, caller: Caller) -> None:
    arn = pair.made()["EndpointArn"]
    other = caller({"Action": "dms:*", "Resource": f"{ENDPOINTS[:-1]}OTHER"})
    assert arn in refused("AccessDeniedException", other.delete_endpoint, EndpointArn=arn)
    caller({"Action": "dms:DeleteEndpoint", "Resource": ENDPOINTS}).delete_endpoint(EndpointArn=arn)


def test_tags_of_the_resource(pair: Pair, caller: Caller) -> None:
    arn = pair.made()["EndpointArn"]
    tagged = {"Action": "dms:DeleteEndpoint", "Condition": {"StringEquals": {"aws:ResourceTag/team": "lake"}}}
    refused("AccessDeniedException", caller(tagged).delete_endpoint, EndpointArn=arn)
    pair.dms.add_tags_to_resource(ResourceArn=arn, Tags=[{"Key": "team", "Value": "lake"}])
    caller(tagged).delete_endpoint(EndpointArn=arn)


def test_tags_of_the_request(pair: Pair, caller: Caller) -> None:
    pair.make_role()
    tagged = {"Action": "dms:CreateEndpoint", "Condition": {"StringEquals": {"aws:RequestTag/team": "lake"}}}
    pass_role, lake = {"Action": "iam:PassRole"}, [{"Key": "team", "Value": "lake"}]
    refused("AccessDeniedException", pair.create, caller(tagged, pass_role))
    message = refused("AccessDeniedException", pair.create, caller(tagged, pass_role), Tags=lake)
    assert "is not authorized to perform: dms:AddTagsToResource on resource: arn:aws:dms:" in message
    assert pair.create(caller(tagged, pass_role, {"Action": "dms:AddTagsToResource"}), Tags=lake)["ExternalId"]


def test_a_connection_is_tested_on_endpoint_and_instance(pair: Pair, caller: Caller) -> None:
    arn, instance = pair.made()["EndpointArn"], f"arn:aws:dms:eu-west-1:{DMS}:rep:{pair.identifier}"
    client = caller({"Action": "dms:TestConnection", "Resource": ENDPOINTS})
    named = {"EndpointArn": arn, "ReplicationInstanceArn": instance}
    assert instance in refused("AccessDeniedException", client.test_connection, **named)
    both = caller({"Action": "dms:TestConnection", "Resource": [ENDPOINTS, instance]})
    refused("ResourceNotFoundFault", both.test_connection, **named)
