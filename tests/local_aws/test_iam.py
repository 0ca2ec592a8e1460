"""IAM's names, and the keys of a role's tags, are the same in whatever case; those of a policy are not."""

from __future__ import annotations

import json

import pytest

from .endpoint_pair import Pair, refused, trust

DOCUMENT = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "*", "Resource": "*"}]})


@pytest.mark.parametrize("path", ["/", "/elsewhere/"])
def test_a_name_is_taken_in_whatever_case_and_path(pair: Pair, path: str) -> None:
    name, folded = pair.identifier, pair.identifier.upper()
    pair.iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust())
    pair.iam.create_policy(PolicyName=name, PolicyDocument=DOCUMENT)
    role = {"RoleName": folded, "Path": path, "AssumeRolePolicyDocument": trust()}
    refused("EntityAlreadyExists", pair.iam.create_role, **role)
    refused("EntityAlreadyExists", pair.iam.create_policy, PolicyName=folded, Path=path, PolicyDocument=DOCUMENT)
    pair.iam.delete_role(RoleName=name)
    assert pair.iam.create_role(**role)["Role"]["RoleName"] == folded


def test_names_are_taken_in_their_own_account_alone(pair: Pair) -> None:
    pair.iam.create_role(RoleName=pair.identifier, AssumeRolePolicyDocument=trust())
    elsewhere = pair.aws.client("iam", "444444444444")
    assert elsewhere.create_role(RoleName=pair.identifier.upper(), AssumeRolePolicyDocument=trust())


def test_keys_of_a_roles_tags_are_one_in_whatever_case(pair: Pair) -> None:
    role = {"RoleName": pair.identifier}
    pair.iam.create_role(**role, AssumeRolePolicyDocument=trust(), Tags=[{"Key": "Team", "Value": "lake"}])
    pair.iam.tag_role(**role, Tags=[{"Key": "team", "Value": "sea"}])
    assert pair.iam.list_role_tags(**role)["Tags"] == [{"Key": "team", "Value": "sea"}]
    pair.iam.untag_role(**role, TagKeys=["TEAM"])
    assert pair.iam.list_role_tags(**role)["Tags"] == []


def test_keys_of_a_policys_tags_that_differ_in_case_are_two(pair: Pair) -> None:
    tags = [{"Key": "Team", "Value": "lake"}, {"Key": "team", "Value": "sea"}]
    made = pair.iam.create_policy(PolicyName=pair.identifier, PolicyDocument=DOCUMENT, Tags=tags[:1])["Policy"]
    pair.iam.tag_policy(PolicyArn=made["Arn"], Tags=tags[1:])
    assert pair.iam.list_policy_tags(PolicyArn=made["Arn"])["Tags"] == tags
    pair.iam.untag_policy(PolicyArn=made["Arn"], TagKeys=["team"])
    assert pair.iam.list_policy_tags(PolicyArn=made["Arn"])["Tags"] == tags[:1]
