"""IAM's names, which are unique without regard to case."""

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
