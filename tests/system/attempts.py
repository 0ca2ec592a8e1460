"""What a function that was taken over could try with its role and those of accounts/*.yaml, beside their purpose."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from botocore.exceptions import ClientError

from development.faults.deployed import DMS_TRUST
from local_aws import EmbeddedAws
from local_aws.organisation import DEV, TEST, TOOLS, lease_table, purge
from tests.assumed import assumed

STACK = "arn:aws:cloudformation:eu-west-1:111111111111:stack/orders/1"
OWNER = [{"Key": "dms-s3-endpoint:stack-id", "Value": STACK}]
DOCUMENT = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]})
TRUST = json.dumps(DMS_TRUST)
PATH = "/dms-s3-endpoint/0123456789abcdef/"
OWN_POLICY = f"arn:aws:iam::{DEV.data_lake}:policy{PATH}own"
THEIR_POLICY = f"arn:aws:iam::{DEV.data_lake}:policy/theirs"
ENDPOINT = f"arn:aws:dms:eu-west-1:{DEV.dms}:endpoint:"
S3 = {"EndpointType": "target", "EngineName": "s3"}


def role(name: str, path: str, **more: Any) -> dict[str, Any]:
    return {"RoleName": name, "Path": path, "AssumeRolePolicyDocument": TRUST, **more}


def _endpoint(role: str, **more: Any) -> dict[str, Any]:
    settings = {"BucketName": DEV.bucket, "ServiceAccessRoleArn": role}
    return {"EndpointIdentifier": "new", "ResourceIdentifier": "new", "S3Settings": settings, **S3, **more}


# In the data-lake account, by what it would be good for.
ON_ROLES_AND_POLICIES: dict[str, tuple[str, dict[str, Any]]] = {
    "a role outside the path": ("create_role", role("new", "/", Tags=OWNER)),
    "a role of a path that begins alike": ("create_role", role("new", "/dms-s3-endpoint-too/", Tags=OWNER)),
    "a role of no stack": ("create_role", role("new", PATH)),
    "a role of something that is no stack": (
        "create_role",
        role("new", PATH, Tags=[{"Key": "dms-s3-endpoint:stack-id", "Value": "me"}]),
    ),
    "the trust of somebody's role": ("update_assume_role_policy", {"RoleName": "theirs", "PolicyDocument": TRUST}),
    "the trust of a role of nobody's": ("update_assume_role_policy", {"RoleName": "nobodys", "PolicyDocument": TRUST}),
    "the delete of somebody's role": ("delete_role", {"RoleName": "theirs"}),
    "the delete of a role of nobody's": ("delete_role", {"RoleName": "nobodys"}),
    "rights that AWS defines": (
        "attach_role_policy",
        {"RoleName": "own", "PolicyArn": "arn:aws:iam::aws:policy/AdministratorAccess"},
    ),
    "the rights of somebody's policy": ("attach_role_policy", {"RoleName": "own", "PolicyArn": THEIR_POLICY}),
    "rights for somebody's role": ("attach_role_policy", {"RoleName": "theirs", "PolicyArn": OWN_POLICY}),
    "rights within a role": (
        "put_role_policy",
        {"RoleName": "own", "PolicyName": "more", "PolicyDocument": DOCUMENT},
    ),
    "rights for itself": (
        "put_role_policy",
        {"RoleName": "dms-s3-endpoint-data-lake", "PolicyName": "more", "PolicyDocument": DOCUMENT},
    ),
    "everybody's trust in itself": (
        "update_assume_role_policy",
        {"RoleName": "dms-s3-endpoint-data-lake", "PolicyDocument": TRUST},
    ),
    "another owner of a role": ("untag_role", {"RoleName": "own", "TagKeys": ["dms-s3-endpoint:stack-id"]}),
    "tags of somebody's role": ("tag_role", {"RoleName": "theirs", "Tags": OWNER}),
    "a policy outside the path": ("create_policy", {"PolicyName": "new", "PolicyDocument": DOCUMENT, "Tags": OWNER}),
    "a policy of no stack": ("create_policy", {"PolicyName": "new", "PolicyDocument": DOCUMENT, "Path": PATH}),
    "somebody's policy": ("create_policy_version", {"PolicyArn": THEIR_POLICY, "PolicyDocument": DOCUMENT}),
    "the document of somebody's policy": ("get_policy_version", {"PolicyArn": THEIR_POLICY, "VersionId": "v1"}),
    "the delete of somebody's policy": ("delete_policy", {"PolicyArn": THEIR_POLICY}),
    "a user": ("create_user", {"UserName": "new"}),
    "a key": ("create_access_key", {"UserName": "theirs"}),
}
# In the DMS account.
ON_ENDPOINTS: dict[str, tuple[str, dict[str, Any]]] = {
    "an endpoint of no stack": ("create_endpoint", _endpoint(f"arn:aws:iam::{DEV.data_lake}:role{PATH}own")),
    "somebody's role for an endpoint": (
        "create_endpoint",
        _endpoint(f"arn:aws:iam::{DEV.data_lake}:role/theirs", Tags=OWNER),
    ),
    "a role of an account that is not listed": (
        "create_endpoint",
        _endpoint(f"arn:aws:iam::{TEST.data_lake}:role{PATH}own", Tags=OWNER),
    ),
    "the delete of somebody's endpoint": ("delete_endpoint", {"EndpointArn": f"{ENDPOINT}THEIRS"}),
    "a test of somebody's endpoint": (
        "test_connection",
        {"EndpointArn": f"{ENDPOINT}THEIRS", "ReplicationInstanceArn": f"arn:aws:dms:eu-west-1:{DEV.dms}:rep:ONE"},
    ),
    "other settings": ("modify_endpoint", {"EndpointArn": f"{ENDPOINT}THEIRS", "S3Settings": {"BucketName": "mine"}}),
    "tags of somebody's endpoint": (
        "add_tags_to_resource",
        {"ResourceArn": f"{ENDPOINT}THEIRS", "Tags": [{"Key": "team", "Value": "me"}]},
    ),
    "another owner of an endpoint": (
        "remove_tags_from_resource",
        {"ResourceArn": f"{ENDPOINT}OWN", "TagKeys": ["dms-s3-endpoint:stack-id"]},
    ),
    "an instance": (
        "create_replication_instance",
        {"ReplicationInstanceIdentifier": "new", "ReplicationInstanceClass": "dms.t3.micro"},
    ),
    "a task": ("delete_replication_task", {"ReplicationTaskArn": f"arn:aws:dms:eu-west-1:{DEV.dms}:task:THEIRS"}),
}
# In the tools account, where another function has its leases. Of its own table it may read and write single items.
THEIR_TABLE = "dms-s3-endpoint-another-LeaseTable-1ABCDEFGHIJKL"
LEASE = {"resource": {"S": f"{STACK}/Endpoint"}}
ANYBODY = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "dynamodb:*"}]}


def on_tables(own: str) -> dict[str, tuple[str, dict[str, Any]]]:
    """Attempts on tables, its own among them."""
    arn, theirs = f"arn:aws:dynamodb:eu-west-1:{TOOLS}:table/", {"TableName": THEIR_TABLE}
    request = {"Key": LEASE, "UpdateExpression": "REMOVE holder"}
    attributes = [{"AttributeName": "resource", "AttributeType": "S"}]
    keys = [{"AttributeName": "resource", "KeyType": "HASH"}]
    return {
        "a lease of another function": ("get_item", {**theirs, "Key": LEASE}),
        "the same by its ARN": ("get_item", {"TableName": f"{arn}{THEIR_TABLE}", "Key": LEASE}),
        "to be the holder of it": ("put_item", {**theirs, "Item": LEASE}),
        "that nobody is the holder of it": ("update_item", {**theirs, **request}),
        "the end of a lease": ("delete_item", {"TableName": own, "Key": LEASE}),
        "all leases": ("scan", {"TableName": own}),
        "the table": ("delete_table", {"TableName": own}),
        "the table without its protection": ("update_table", {"TableName": own, "DeletionProtectionEnabled": False}),
        "the end of each lease": (
            "update_time_to_live",
            {"TableName": own, "TimeToLiveSpecification": {"Enabled": True, "AttributeName": "issued"}},
        ),
        "the table for everybody": (
            "put_resource_policy",
            {"ResourceArn": f"{arn}{own}", "Policy": json.dumps(ANYBODY)},
        ),
        "another table": (
            "create_table",
            {
                "TableName": "new",
                "KeySchema": keys,
                "AttributeDefinitions": attributes,
                "BillingMode": "PAY_PER_REQUEST",
            },
        ),
        "which tables there are": ("list_tables", {}),
    }


def attempts_with(aws: EmbeddedAws, role_arn: str) -> dict[str, tuple[str, dict[str, Any]]]:
    """What to try with a role."""
    accounts = {DEV.data_lake: ON_ROLES_AND_POLICIES, DEV.dms: ON_ENDPOINTS}
    return accounts.get(role_arn.split(":")[4]) or on_tables(lease_table(aws))


@contextmanager
def taken_over(aws: EmbeddedAws, role_arn: str) -> Iterator[Any]:
    """A client of the role's own service, of a role that has its policies and that the test may assume."""
    account, name = role_arn.split(":")[4], role_arn.rpartition("/")[2]
    iam, service = aws.client("iam", account), {DEV.dms: "dms", TOOLS: "dynamodb"}.get(account, "iam")
    policies = iam.list_role_policies(RoleName=name)["PolicyNames"]
    trust = {"Effect": "Allow", "Principal": {"AWS": account}, "Action": "sts:AssumeRole"}
    made = iam.create_role(RoleName="taken-over", AssumeRolePolicyDocument=json.dumps({"Statement": [trust]}))
    for policy in policies:
        document = iam.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"]
        iam.put_role_policy(RoleName="taken-over", PolicyName=policy, PolicyDocument=json.dumps(document))
    try:
        yield assumed(aws, account, made["Role"]["Arn"], service)
    finally:
        for policy in policies:
            iam.delete_role_policy(RoleName="taken-over", PolicyName=policy)
        iam.delete_role(RoleName="taken-over")


@contextmanager
def pieces_of_others(aws: EmbeddedAws) -> Iterator[None]:
    """Of each kind one of somebody's, one of nobody's under our path, and one of our own."""
    tables = aws.client("dynamodb", TOOLS)
    try:
        _make_pieces(aws)
        yield
    finally:
        purge(aws, [DEV])
        tables.delete_table(TableName=THEIR_TABLE)


def _make_pieces(aws: EmbeddedAws) -> None:
    call, given = on_tables("")["another table"]
    getattr(aws.client("dynamodb", TOOLS), call)(**given | {"TableName": THEIR_TABLE})
    iam, dms = aws.client("iam", DEV.data_lake), aws.client("dms", DEV.dms)
    for given in (role("theirs", "/"), role("nobodys", PATH), role("own", PATH, Tags=OWNER)):
        iam.create_role(**given)
    iam.create_policy(PolicyName="theirs", PolicyDocument=DOCUMENT)
    iam.create_policy(PolicyName="own", PolicyDocument=DOCUMENT, Path=PATH, Tags=OWNER)
    aws.switch(first_create="keeps", propagation_seconds=0.0)
    for name, path, tags in (("theirs", "/", []), ("own", PATH, OWNER)):
        given = _endpoint(f"arn:aws:iam::{DEV.data_lake}:role{path}{name}", Tags=tags)
        dms.create_endpoint(**given | {"EndpointIdentifier": name, "ResourceIdentifier": name.upper()})


def attempted(client: Any, call: str, given: dict[str, Any]) -> str:
    """The code of the error; what was done instead, where it was."""
    try:
        return f"done: {getattr(client, call)(**given)}"
    except ClientError as error:
        return str(error.response["Error"]["Code"])
