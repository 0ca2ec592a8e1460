"""What a function that was taken over could try with its role and those of accounts/*.yaml, beside their purpose."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from botocore.exceptions import ClientError

from development.faults.deployed import DMS_TRUST
from local_aws import EmbeddedAws
from local_aws.organisation import DEV, FUNCTION_NAME, TEST, TOOLS, lease_table, purge
from tests.assumed import assumed

STACK = "arn:aws:cloudformation:eu-west-1:111111111111:stack/orders/1"


def owner(**changes: str) -> list[dict[str, str]]:
    """The tags that say whose a piece is."""
    tags = {"stack-id": STACK, "logical-id": "Endpoint", "physical-id": "dev/orders", "life": "first"}
    return [{"Key": f"dms-s3-endpoint:{key}", "Value": value} for key, value in (tags | changes).items()]


OWNER = owner()
ANOTHER = owner(**{"stack-id": "arn:aws:cloudformation:eu-west-1:111111111111:stack/another/2"})
MARK = {"Key": "dms-s3-endpoint:adopted", "Value": "true"}
THEIR_TAG = {"Key": "team", "Value": "me"}
Attempts = dict[str, tuple[str, dict[str, Any]]]
ADMINISTRATOR, POWER_USER = (f"arn:aws:iam::aws:policy/{name}Access" for name in ("Administrator", "PowerUser"))
DOCUMENT = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]})
TRUST = json.dumps(DMS_TRUST)
PATH = "/dms-s3-endpoint/0123456789abcdef/"
NOBODYS_POLICY = f"arn:aws:iam::{DEV.data_lake}:policy/dms-orders-nobodys"
ITSELF = DEV.data_lake_role_arn.rpartition("/")[2]
THEIR_BUCKET = "nobodys-lake"
OWN_POLICY = f"arn:aws:iam::{DEV.data_lake}:policy{PATH}own"
THEIR_POLICY = f"arn:aws:iam::{DEV.data_lake}:policy/theirs"
ENDPOINT = f"arn:aws:dms:eu-west-1:{DEV.dms}:endpoint:"
S3 = {"EndpointType": "target", "EngineName": "s3"}


def role(name: str, path: str, **more: Any) -> dict[str, Any]:
    return {"RoleName": name, "Path": path, "AssumeRolePolicyDocument": TRUST, **more}


def endpoint(role: str, **more: Any) -> dict[str, Any]:
    settings = {"BucketName": DEV.bucket, "ServiceAccessRoleArn": role}
    return {"EndpointIdentifier": "new", "ResourceIdentifier": "new", "S3Settings": settings, **S3, **more}


def thefts(tag: str, untag: str, named: dict[str, str]) -> Attempts:
    """How to change whose a piece is that has an owner, by the calls that tag such a piece and untag it."""
    given = {
        "its owner": ANOTHER,
        "its owner in another case": [each | {"Key": each["Key"].upper()} for each in ANOTHER],
        "its logical id": owner(**{"logical-id": "Another"}),
        "its physical id": owner(**{"physical-id": "dev/another"}),
        "its life": owner(life="second"),
        "its stack's tag alone": OWNER[:1],
        "the mark of what was adopted": [MARK],
        "that mark in another case": [MARK | {"Key": MARK["Key"].upper()}],
        "that mark beside its owner": [*OWNER, MARK],
    }
    taken = {
        "no owner": [each["Key"] for each in OWNER],
        "no owner in another case": [each["Key"].upper() for each in OWNER],
        "no life": ["dms-s3-endpoint:life", "team"],
    }
    what = " ".join(named.values())
    return {f"{name}: {tag} {what}": (tag, {**named, "Tags": tags}) for name, tags in given.items()} | {
        f"{name}: {untag} {what}": (untag, {**named, "TagKeys": keys}) for name, keys in taken.items()
    }


# In the data-lake account, by what it would be good for.
ON_ROLES_AND_POLICIES: Attempts = {
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
    "a role without a boundary": ("create_role", role("new", PATH, Tags=OWNER)),
    "a role with a boundary of another's choice": (
        "create_role",
        role("new", PATH, Tags=OWNER, PermissionsBoundary=POWER_USER),
    ),
    "another boundary": ("put_role_permissions_boundary", {"RoleName": "own", "PermissionsBoundary": POWER_USER}),
    "no boundary": ("delete_role_permissions_boundary", {"RoleName": "own"}),
    "rights for a role that has no boundary": ("attach_role_policy", {"RoleName": "unbound", "PolicyArn": OWN_POLICY}),
    "rights for a role that has another": ("attach_role_policy", {"RoleName": "loose", "PolicyArn": OWN_POLICY}),
    "what the boundary allows": ("create_policy_version", {"PolicyArn": DEV.boundary_arn, "PolicyDocument": DOCUMENT}),
    "the boundary as its own": ("tag_policy", {"PolicyArn": DEV.boundary_arn, "Tags": OWNER}),
    "the boundary's end": ("delete_policy", {"PolicyArn": DEV.boundary_arn}),
    "that another boundary is demanded": (
        "tag_role",
        {"RoleName": ITSELF, "Tags": [{"Key": "dms-s3-endpoint:boundary", "Value": POWER_USER}]},
    ),
    "that none is demanded": ("untag_role", {"RoleName": ITSELF, "TagKeys": ["dms-s3-endpoint:boundary"]}),
    "rights that AWS defines": ("attach_role_policy", {"RoleName": "own", "PolicyArn": ADMINISTRATOR}),
    "the rights of somebody's policy": ("attach_role_policy", {"RoleName": "own", "PolicyArn": THEIR_POLICY}),
    "rights for somebody's role": ("attach_role_policy", {"RoleName": "theirs", "PolicyArn": OWN_POLICY}),
    "rights within a role": (
        "put_role_policy",
        {"RoleName": "own", "PolicyName": "more", "PolicyDocument": DOCUMENT},
    ),
    "rights for itself": (
        "put_role_policy",
        {"RoleName": ITSELF, "PolicyName": "more", "PolicyDocument": DOCUMENT},
    ),
    "everybody's trust in itself": (
        "update_assume_role_policy",
        {"RoleName": ITSELF, "PolicyDocument": TRUST},
    ),
    "tags of somebody's role": ("tag_role", {"RoleName": "theirs", "Tags": OWNER}),
    "a policy outside the path": ("create_policy", {"PolicyName": "new", "PolicyDocument": DOCUMENT, "Tags": OWNER}),
    "a policy of no stack": ("create_policy", {"PolicyName": "new", "PolicyDocument": DOCUMENT, "Path": PATH}),
    "somebody's policy": ("create_policy_version", {"PolicyArn": THEIR_POLICY, "PolicyDocument": DOCUMENT}),
    "the document of somebody's policy": ("get_policy_version", {"PolicyArn": THEIR_POLICY, "VersionId": "v1"}),
    "the delete of somebody's policy": ("delete_policy", {"PolicyArn": THEIR_POLICY}),
    "a user": ("create_user", {"UserName": "new"}),
    "a key": ("create_access_key", {"UserName": "theirs"}),
    **thefts("tag_role", "untag_role", {"RoleName": "own"}),
    **thefts("tag_policy", "untag_policy", {"PolicyArn": OWN_POLICY}),
}
# On buckets, in the data-lake account.
ON_BUCKETS: Attempts = {
    "where a bucket is that is none of the data lake": ("get_bucket_location", {"Bucket": THEIR_BUCKET}),
    "whom it lets in": ("get_bucket_policy", {"Bucket": THEIR_BUCKET}),
    "what is in a bucket": ("list_objects_v2", {"Bucket": DEV.bucket}),
    "an object": ("put_object", {"Bucket": DEV.bucket, "Key": "orders/1", "Body": b""}),
}
# In the DMS account.
ON_ENDPOINTS: Attempts = {
    "an endpoint of no stack": ("create_endpoint", endpoint(f"arn:aws:iam::{DEV.data_lake}:role{PATH}own")),
    "somebody's role for an endpoint": (
        "create_endpoint",
        endpoint(f"arn:aws:iam::{DEV.data_lake}:role/theirs", Tags=OWNER),
    ),
    "a role of an account that is not listed": (
        "create_endpoint",
        endpoint(f"arn:aws:iam::{TEST.data_lake}:role{PATH}own", Tags=OWNER),
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
    "an instance": (
        "create_replication_instance",
        {"ReplicationInstanceIdentifier": "new", "ReplicationInstanceClass": "dms.t3.micro"},
    ),
    "a task": ("delete_replication_task", {"ReplicationTaskArn": f"arn:aws:dms:eu-west-1:{DEV.dms}:task:THEIRS"}),
    "the mark for what nobody has": (
        "add_tags_to_resource",
        {"ResourceArn": f"{ENDPOINT}THEIRS", "Tags": [*OWNER, MARK]},
    ),
    **thefts("add_tags_to_resource", "remove_tags_from_resource", {"ResourceArn": f"{ENDPOINT}OWN"}),
}
# In the data-lake account, where roles and policies of these names may be adopted.
ADOPTABLE = "dms-orders*"
ON_ADOPTABLE: Attempts = {
    "another owner": ("tag_role", {"RoleName": "dms-orders-theirs", "Tags": OWNER}),
    "another owner in another case": (
        "tag_role",
        {"RoleName": "dms-orders-theirs", "Tags": [each | {"Key": each["Key"].upper()} for each in OWNER]},
    ),
    "no owner": ("untag_role", {"RoleName": "dms-orders-theirs", "TagKeys": [each["Key"] for each in OWNER]}),
    "somebody's tags beside its owner's": (
        "untag_role",
        {"RoleName": "dms-orders-adopted", "TagKeys": [*(each["Key"] for each in OWNER), "team"]},
    ),
    "a tag of nobody's role": ("tag_role", {"RoleName": "dms-orders-nobodys", "Tags": [THEIR_TAG]}),
    "that tag beside an owner": ("tag_role", {"RoleName": "dms-orders-nobodys", "Tags": [*OWNER, THEIR_TAG]}),
    "the mark without an owner": ("tag_role", {"RoleName": "dms-orders-nobodys", "Tags": [MARK]}),
    "an owner that is no stack": (
        "tag_role",
        {"RoleName": "dms-orders-nobodys", "Tags": owner(**{"stack-id": "me"})},
    ),
    "the trust of nobody's role": (
        "update_assume_role_policy",
        {"RoleName": "dms-orders-nobodys", "PolicyDocument": TRUST},
    ),
    "the delete of nobody's role": ("delete_role", {"RoleName": "dms-orders-nobodys"}),
    "nobody's policy": ("create_policy_version", {"PolicyArn": NOBODYS_POLICY, "PolicyDocument": DOCUMENT}),
    "the delete of nobody's policy": ("delete_policy", {"PolicyArn": NOBODYS_POLICY}),
    "rights that AWS defines": ("attach_role_policy", {"RoleName": "dms-orders-bound", "PolicyArn": ADMINISTRATOR}),
    "rights without a boundary": ("attach_role_policy", {"RoleName": "dms-orders-theirs", "PolicyArn": NOBODYS_POLICY}),
    "rights within a role": (
        "put_role_policy",
        {"RoleName": "dms-orders-theirs", "PolicyName": "more", "PolicyDocument": DOCUMENT},
    ),
    "another boundary": (
        "put_role_permissions_boundary",
        {"RoleName": "dms-orders-bound", "PermissionsBoundary": POWER_USER},
    ),
    "no boundary": ("delete_role_permissions_boundary", {"RoleName": "dms-orders-bound"}),
    "rights for a role of the path that has no boundary": (
        "attach_role_policy",
        {"RoleName": "unbound", "PolicyArn": NOBODYS_POLICY},
    ),
    **thefts("tag_role", "untag_role", {"RoleName": "own"}),
}
# In the DMS account, where endpoints may be adopted. Of endpoints that have an owner, any may be marked.
ON_ADOPTABLE_ENDPOINTS: Attempts = {
    **{name: attempt for name, attempt in ON_ENDPOINTS.items() if "mark" not in name},
    "a tag beside an owner": (
        "add_tags_to_resource",
        {"ResourceArn": f"{ENDPOINT}THEIRS", "Tags": [*OWNER, MARK, THEIR_TAG]},
    ),
    "the mark without an owner": ("add_tags_to_resource", {"ResourceArn": f"{ENDPOINT}THEIRS", "Tags": [MARK]}),
    "somebody's tags beside its owner's": (
        "remove_tags_from_resource",
        {"ResourceArn": f"{ENDPOINT}ADOPTED", "TagKeys": [*(each["Key"] for each in OWNER), "team"]},
    ),
}
# By what may be adopted: a role that must not be, ours or AWS's own.
UNTOUCHABLE: dict[str, dict[str, Any]] = {
    "dms-vpc-role": role("dms-vpc-role", "/"),
    "dms-cloud*": role("dms-cloudwatch-logs-role", "/"),
    "dms-a?????-for-*": role("dms-access-for-endpoint", "/"),
    "service-role/*": role("data-lake-dms", "/service-role/"),
    "aws-reserved/sso.amazonaws.com/*": role("AWSReservedSSO_Reader_0123", "/aws-reserved/sso.amazonaws.com/"),
    "aws-service-role/*": role("AWSServiceRoleForDMS", "/aws-service-role/dms.amazonaws.com/"),
    "dms-s3-endpoint-*": role("dms-s3-endpoint-another", "/"),
}


def changes_of(name: str) -> Attempts:
    """All that an owner may do to a role that was adopted."""
    named = {"RoleName": name}
    return {
        "its trust": ("update_assume_role_policy", {**named, "PolicyDocument": TRUST}),
        "its boundary": ("put_role_permissions_boundary", {**named, "PermissionsBoundary": DEV.boundary_arn}),
        "more rights": ("attach_role_policy", {**named, "PolicyArn": OWN_POLICY}),
        "less rights": ("detach_role_policy", {**named, "PolicyArn": ADMINISTRATOR}),
        "a tag": ("tag_role", {**named, "Tags": [THEIR_TAG]}),
        "a tag less": ("untag_role", {**named, "TagKeys": ["team"]}),
        "no owner": ("untag_role", {**named, "TagKeys": [each["Key"] for each in OWNER]}),
        "its end": ("delete_role", named),
    }


# In the tools account, where another function has its leases. Of its own table it may read and write single items.
THEIR_TABLE = "dms-s3-endpoint-another-LeaseTable-1ABCDEFGHIJKL"
LEASE = {"resource": {"S": f"{STACK}/Endpoint"}}
ANYBODY = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "dynamodb:*"}]}


def on_tables(own: str) -> Attempts:
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


def attempts_with(aws: EmbeddedAws, role_arn: str) -> Attempts:
    """What to try with a role."""
    accounts = {DEV.data_lake: ON_ROLES_AND_POLICIES, DEV.dms: ON_ENDPOINTS}
    return accounts.get(role_arn.split(":")[4]) or on_tables(lease_table(aws))


# On CloudFormation, in the tools account: of a stack there it may ask how it is, and no more.
A_STACK = STACK.replace("111111111111", TOOLS)
ON_STACKS: Attempts = {
    "a list of stacks": ("list_stacks", {}),
    "a stack of another account": ("describe_stacks", {"StackName": A_STACK.replace(TOOLS, DEV.dms)}),
    "a resource of it": (
        "describe_stack_resource",
        {"StackName": A_STACK.replace(TOOLS, DEV.dms), "LogicalResourceId": "Endpoint"},
    ),
    "a stack of another region": ("describe_stacks", {"StackName": A_STACK.replace("eu-west-1", "eu-west-2")}),
    "a template": ("get_template", {"StackName": A_STACK}),
    "all resources of a stack": ("describe_stack_resources", {"StackName": A_STACK}),
    "a stack's end": ("delete_stack", {"StackName": A_STACK}),
    "another template": ("update_stack", {"StackName": A_STACK, "TemplateBody": "{}"}),
}
# On Lambda, in the tools account, with the right to invoke the function's alias `check` alone.
FUNCTION = f"arn:aws:lambda:eu-west-1:{TOOLS}:function:{FUNCTION_NAME}"
ON_THE_FUNCTION: Attempts = {
    "the alias that carries requests out": ("invoke", {"FunctionName": f"{FUNCTION}:live"}),
    "the function itself": ("invoke", {"FunctionName": FUNCTION}),
    "its newest version": ("invoke", {"FunctionName": f"{FUNCTION}:$LATEST"}),
    "more rights to it": (
        "add_permission",
        {"FunctionName": FUNCTION, "StatementId": "me", "Action": "lambda:InvokeFunction", "Principal": TOOLS},
    ),
    "other code": ("update_function_code", {"FunctionName": FUNCTION, "ZipFile": b""}),
    "another function behind the alias": (
        "update_alias",
        {"FunctionName": FUNCTION, "Name": "check", "Description": "mine"},
    ),
}
# By role, what it may do with what is its own, but not in a session that only looks.
ON_ITS_OWN: dict[str, Attempts] = {
    DEV.data_lake_role_arn: {
        "a role": ("create_role", role("new", PATH, Tags=OWNER, PermissionsBoundary=DEV.boundary_arn)),
        "a policy": ("create_policy", {"PolicyName": "new", "PolicyDocument": DOCUMENT, "Path": PATH, "Tags": OWNER}),
        "its trust": ("update_assume_role_policy", {"RoleName": "own", "PolicyDocument": TRUST}),
        "rights": ("attach_role_policy", {"RoleName": "own", "PolicyArn": OWN_POLICY}),
        "a version": ("create_policy_version", {"PolicyArn": OWN_POLICY, "PolicyDocument": DOCUMENT}),
        "a boundary": ("put_role_permissions_boundary", {"RoleName": "own", "PermissionsBoundary": DEV.boundary_arn}),
        "a tag": ("tag_role", {"RoleName": "own", "Tags": [THEIR_TAG]}),
        "a tag less": ("untag_role", {"RoleName": "own", "TagKeys": ["team"]}),
        "the end of the policy": ("delete_policy", {"PolicyArn": OWN_POLICY}),
        "the end of the role": ("delete_role", {"RoleName": "own"}),
    },
    DEV.dms_role_arn: {
        "an endpoint": ("create_endpoint", endpoint(f"arn:aws:iam::{DEV.data_lake}:role{PATH}own", Tags=OWNER)),
        "a tag": ("add_tags_to_resource", {"ResourceArn": f"{ENDPOINT}OWN", "Tags": [THEIR_TAG]}),
        "a tag less": ("remove_tags_from_resource", {"ResourceArn": f"{ENDPOINT}OWN", "TagKeys": ["team"]}),
        "a test": (
            "test_connection",
            {"EndpointArn": f"{ENDPOINT}OWN", "ReplicationInstanceArn": f"arn:aws:dms:eu-west-1:{DEV.dms}:rep:ONE"},
        ),
        "its end": ("delete_endpoint", {"EndpointArn": f"{ENDPOINT}OWN"}),
    },
}


@contextmanager
def taken_over(aws: EmbeddedAws, role_arn: str, service: str = "", session_policy: str = "") -> Iterator[Any]:
    """A client of the service, or the role's own, of a role that has its policies and that the test may assume."""
    account, name = role_arn.split(":")[4], role_arn.rpartition("/")[2]
    iam = aws.client("iam", account)
    service = service or {DEV.dms: "dms", TOOLS: "dynamodb"}.get(account, "iam")
    policies = iam.list_role_policies(RoleName=name)["PolicyNames"]
    trust = {"Effect": "Allow", "Principal": {"AWS": account}, "Action": "sts:AssumeRole"}
    made = iam.create_role(RoleName="taken-over", AssumeRolePolicyDocument=json.dumps({"Statement": [trust]}))
    for policy in policies:
        document = iam.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"]
        iam.put_role_policy(RoleName="taken-over", PolicyName=policy, PolicyDocument=json.dumps(document))
    try:
        yield assumed(aws, account, made["Role"]["Arn"], service, session_policy)
    finally:
        for policy in policies:
            iam.delete_role_policy(RoleName="taken-over", PolicyName=policy)
        iam.delete_role(RoleName="taken-over")


@contextmanager
def pieces_of_others(aws: EmbeddedAws) -> Iterator[None]:
    """Of each kind one of somebody's, one of nobody's under our path, and one of our own."""
    tables, s3 = aws.client("dynamodb", TOOLS), aws.client("s3", DEV.data_lake)
    try:
        _make_pieces(aws)
        yield
    finally:
        purge(aws, [DEV])
        tables.delete_table(TableName=THEIR_TABLE)
        s3.delete_bucket(Bucket=THEIR_BUCKET)


def _make_pieces(aws: EmbeddedAws) -> None:
    call, given = on_tables("")["another table"]
    getattr(aws.client("dynamodb", TOOLS), call)(**given | {"TableName": THEIR_TABLE})
    iam, dms = aws.client("iam", DEV.data_lake), aws.client("dms", DEV.dms)
    place = {"LocationConstraint": aws.region}
    aws.client("s3", DEV.data_lake).create_bucket(Bucket=THEIR_BUCKET, CreateBucketConfiguration=place)
    for given in (role("theirs", "/"), role("nobodys", PATH), role("unbound", PATH, Tags=OWNER)):
        iam.create_role(**given)
    iam.create_role(**role("own", PATH, Tags=OWNER, PermissionsBoundary=DEV.boundary_arn))
    iam.create_role(**role("loose", PATH, Tags=OWNER, PermissionsBoundary=POWER_USER))
    for name, tags in (("theirs", ANOTHER), ("adopted", [*OWNER, MARK, THEIR_TAG]), ("nobodys", [])):
        iam.create_role(**role(f"dms-orders-{name}", "/", Tags=tags))
    iam.create_role(**role("dms-orders-bound", "/", Tags=OWNER, PermissionsBoundary=DEV.boundary_arn))
    for name in ("theirs", "dms-orders-nobodys"):
        iam.create_policy(PolicyName=name, PolicyDocument=DOCUMENT)
    iam.create_policy(PolicyName="own", PolicyDocument=DOCUMENT, Path=PATH, Tags=OWNER)
    aws.switch(first_create="keeps", propagation_seconds=0.0)
    adopted = [*OWNER, MARK, THEIR_TAG]
    for name, its_role, tags in (
        ("theirs", "/theirs", []),
        ("own", f"{PATH}own", OWNER),
        ("adopted", "/theirs", adopted),
    ):
        given = endpoint(f"arn:aws:iam::{DEV.data_lake}:role{its_role}", Tags=tags)
        dms.create_endpoint(**given | {"EndpointIdentifier": name, "ResourceIdentifier": name.upper()})


def attempted(client: Any, call: str, given: dict[str, Any]) -> str:
    """The code of the error; what was done instead, where it was."""
    try:
        return f"done: {getattr(client, call)(**given)}"
    except ClientError as error:
        return str(error.response["Error"]["Code"])
