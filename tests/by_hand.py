"""The endpoint `orders` with role and policy, as somebody made them by hand, and how it looks without our tags."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from development.faults.inventory import Inventory
from dms_s3_endpoint.model.ownership import PREFIX

Document = dict[str, Any]


def trust(external_id: str = "", principal: str = "dms.amazonaws.com") -> Document:
    """A trust policy for the service; it demands the ExternalId if there is one."""
    statement = {"Effect": "Allow", "Principal": {"Service": principal}, "Action": "sts:AssumeRole"}
    demanded = {"Condition": {"StringEquals": {"sts:ExternalId": external_id}}} if external_id else {}
    return {"Version": "2012-10-17", "Statement": [statement | demanded]}


def access(bucket: str) -> Document:
    """A policy document that grants more than the function's, as hand-made ones do."""
    resources = [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"]
    statement = {"Sid": "ByHand", "Effect": "Allow", "Action": "s3:*", "Resource": resources}
    return {"Version": "2012-10-17", "Statement": [statement]}


def make_role_and_policy(iam: Any, bucket: str, role_name: str, policy_name: str) -> str:
    """Create both, attach the policy, and return the role's ARN."""
    role = iam.create_role(RoleName=role_name, Path="/", AssumeRolePolicyDocument=json.dumps(trust()), Tags=[])["Role"]
    policy = iam.create_policy(PolicyName=policy_name, Path="/", PolicyDocument=json.dumps(access(bucket)), Tags=[])
    iam.attach_role_policy(RoleName=role_name, PolicyArn=policy["Policy"]["Arn"])
    return str(role["Arn"])


def make_endpoint(iam: Any, dms: Any, role_arn: str, wait: Callable[[], None], **s3_settings: Any) -> str:
    """Create the endpoint in an account without any, and return its ARN. `wait` until changes of IAM reach DMS."""
    given = {
        "EndpointIdentifier": "orders",
        "EndpointType": "target",
        "EngineName": "s3",
        "S3Settings": {"ServiceAccessRoleArn": role_arn, **s3_settings},
        "Tags": [],
    }
    wait()
    external_id = dms.create_endpoint(**given)["Endpoint"]["ExternalId"]
    document = json.dumps(trust(external_id))
    iam.update_assume_role_policy(RoleName=role_arn.rpartition("/")[2], PolicyDocument=document)
    wait()
    if not dms.describe_endpoints()["Endpoints"]:
        dms.create_endpoint(**given)
    return str(dms.describe_endpoints()["Endpoints"][0]["EndpointArn"])


def without_our_tags(inventory: Inventory) -> Inventory:
    """What stands, with the tags of others alone."""
    return {
        arn: piece | {"tags": {key: value for key, value in piece["tags"].items() if not key.startswith(PREFIX)}}
        for arn, piece in inventory.items()
    }
