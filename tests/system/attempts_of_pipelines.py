"""In the tools account, what somebody could try who took over a pipeline's role, or who deploys code of their own."""

from __future__ import annotations

import json
from typing import Any

from local_aws.organisation import DEV, PROD, TOOLS

from .attempts import ADMINISTRATOR, DOCUMENT, Attempts
from .roles import boundary_of, deployer_of, drift_role_of, function_role_of, given_to_deployer

BUCKET = "aws-sam-cli-managed-default-of-the-account"
SOURCES = given_to_deployer(DEV)["PipelineBucket"]
OF_ANOTHER_ACCOUNT = "aws-sam-cli-managed-default-of-another"
OWN, PRODS = (f"dms-s3-endpoint-{pair.name}" for pair in (DEV, PROD))
FUNCTION_ROLE, PRODS_FUNCTION_ROLE = (function_role_of(pair).rpartition("/")[2] for pair in (DEV, PROD))
PRODS_QUEUE, PRODS_PROJECT = f"https://sqs/{TOOLS}/{PRODS}-never-ran", "dms-s3-endpoint-deploy-prod"
ITSELF, BOUNDARY = deployer_of(DEV), boundary_of(DEV)
TRUST = {"Effect": "Allow", "Principal": {"AWS": TOOLS}, "Action": "sts:AssumeRole"}
ANYBODY = json.dumps({"Version": "2012-10-17", "Statement": [TRUST]})
TEMPLATE = json.dumps({"Resources": {"One": {"Type": "AWS::SNS::Topic"}}})
# By service. An attempt has a name, a call, and what it is given.
Everywhere = dict[str, Attempts]


def rights_for(name: str) -> dict[str, Any]:
    return {"RoleName": name, "PolicyName": "more", "PolicyDocument": DOCUMENT}


def stack(name: str, **more: Any) -> dict[str, Any]:
    return {"StackName": name, "TemplateBody": TEMPLATE, **more}


def function(name: str, role_arn: str) -> dict[str, Any]:
    """What a new one is made of."""
    code = {"Handler": "mine.handler", "Runtime": "python3.13", "Code": {"ZipFile": b""}}
    return {"FunctionName": name, "Role": role_arn, **code}


# On what is prod's, or of the whole account: nobody but prod's own roles, and administrators, may do any of these.
ON_PROD: Everywhere = {
    "iam": {
        "an administrator": ("create_role", {"RoleName": "mine", "AssumeRolePolicyDocument": ANYBODY}),
        "a user": ("create_user", {"UserName": "mine"}),
        "a key": ("create_access_key", {"UserName": "theirs"}),
        "a policy": ("create_policy", {"PolicyName": "mine", "PolicyDocument": DOCUMENT}),
        "rights for prod's function": ("put_role_policy", rights_for(PRODS_FUNCTION_ROLE)),
        "trust of prod's function": (
            "update_assume_role_policy",
            {"RoleName": PRODS_FUNCTION_ROLE, "PolicyDocument": ANYBODY},
        ),
        "rights for prod's deployer": ("put_role_policy", rights_for(deployer_of(PROD).rpartition("/")[2])),
        "trust of prod's deployer": (
            "update_assume_role_policy",
            {"RoleName": deployer_of(PROD).rpartition("/")[2], "PolicyDocument": ANYBODY},
        ),
        "what prod's boundary allows": (
            "create_policy_version",
            {"PolicyArn": boundary_of(PROD), "PolicyDocument": DOCUMENT, "SetAsDefault": True},
        ),
    },
    "sts": {
        "to be prod's deployer": ("assume_role", {"RoleArn": deployer_of(PROD), "RoleSessionName": "me"}),
        "to be prod's search for drift": ("assume_role", {"RoleArn": drift_role_of(PROD), "RoleSessionName": "me"}),
        "to be prod's function": ("assume_role", {"RoleArn": function_role_of(PROD), "RoleSessionName": "me"}),
        "to be prod's role in its data lake": (
            "assume_role",
            {"RoleArn": PROD.data_lake_role_arn, "RoleSessionName": "me"},
        ),
    },
    "lambda": {
        "prod's code": ("update_function_code", {"FunctionName": PRODS, "ZipFile": b""}),
        "prod's environment": ("update_function_configuration", {"FunctionName": PRODS, "Environment": {}}),
        "a request to prod's function": ("invoke", {"FunctionName": f"{PRODS}:live", "Payload": b"{}"}),
        "prod's function for everybody": (
            "add_permission",
            {"FunctionName": PRODS, "StatementId": "one", "Action": "lambda:InvokeFunction", "Principal": "*"},
        ),
        "prod's function for an account": (
            "add_permission",
            {"FunctionName": PRODS, "StatementId": "one", "Action": "lambda:InvokeFunction", "Principal": TOOLS},
        ),
        "the end of prod's function": ("delete_function", {"FunctionName": PRODS}),
        "a function of another name": ("create_function", function("mine", function_role_of(DEV))),
    },
    "cloudformation": {
        "prod's stack": ("update_stack", stack(PRODS)),
        "a change for somebody to execute in prod": ("create_change_set", stack(PRODS, ChangeSetName="mine")),
        "what somebody planned for prod": ("execute_change_set", {"StackName": PRODS, "ChangeSetName": "theirs"}),
        "the end of prod's stack": ("delete_stack", {"StackName": PRODS}),
        "prod's smoke stack": ("create_stack", stack("dms-s3-endpoint-smoke-prod")),
        "which bucket all deployments use": ("update_stack", stack("aws-sam-cli-managed-default")),
        "the same by a change set": ("create_change_set", stack("aws-sam-cli-managed-default", ChangeSetName="mine")),
        "the stack of its own rights": ("update_stack", stack("dms-s3-endpoint-deployer-dev")),
        "a stack of another name": ("create_stack", stack("mine")),
    },
    "s3": {
        "prod's code": ("put_object", {"Bucket": BUCKET, "Key": f"{PRODS}/0123456789abcdef", "Body": b""}),
        "code where every prefix begins": ("put_object", {"Bucket": BUCKET, "Key": "0123456789abcdef", "Body": b""}),
        "what prod deployed": ("get_object", {"Bucket": BUCKET, "Key": f"{PRODS}/0123456789abcdef.template"}),
        "a prefix that begins alike": ("put_object", {"Bucket": BUCKET, "Key": f"{OWN}-too/0123", "Body": b""}),
        "the end of prod's code": ("delete_object", {"Bucket": BUCKET, "Key": f"{PRODS}/0123456789abcdef"}),
        "a bucket of that name in another account": (
            "put_object",
            {"Bucket": OF_ANOTHER_ACCOUNT, "Key": f"{OWN}/0123456789abcdef", "Body": b""},
        ),
        "who may write": ("put_bucket_policy", {"Bucket": BUCKET, "Policy": DOCUMENT}),
        "what there is": ("list_objects_v2", {"Bucket": BUCKET}),
        "the sources that prod builds": (
            "put_object",
            {"Bucket": SOURCES, "Key": "a", "Body": b""},
        ),
    },
    "dynamodb": {
        "to be the holder of prod's lease": (
            "put_item",
            {"TableName": f"{PRODS}-LeaseTable-1", "Item": {"resource": {"S": "one"}}},
        ),
        "the end of prod's table": ("delete_table", {"TableName": f"{PRODS}-LeaseTable-1"}),
        "prod's table without its protection": (
            "update_table",
            {"TableName": f"{PRODS}-LeaseTable-1", "DeletionProtectionEnabled": False},
        ),
    },
    "ssm": {
        "which function prod's stacks use": (
            "put_parameter",
            {"Name": f"/{PRODS}/service-token", "Value": "mine", "Type": "String", "Overwrite": True},
        ),
        "somebody's secret": ("get_parameter", {"Name": "/theirs/password", "WithDecryption": True}),
    },
    "sqs": {
        "the end of prod's queue": ("delete_queue", {"QueueUrl": PRODS_QUEUE}),
        "an event that prod never ran": ("send_message", {"QueueUrl": PRODS_QUEUE, "MessageBody": "{}"}),
    },
    "logs": {
        "the end of prod's log": ("delete_log_group", {"logGroupName": f"/aws/lambda/{PRODS}"}),
        "how long prod's log is kept": (
            "put_retention_policy",
            {"logGroupName": f"/aws/lambda/{PRODS}", "retentionInDays": 1},
        ),
        "the log of prod's builds": ("create_log_group", {"logGroupName": f"/aws/codebuild/{PRODS_PROJECT}"}),
    },
    "cloudwatch": {
        "prod's alarm": (
            "put_metric_alarm",
            {"AlarmName": f"{PRODS}-ErrorsAlarm-1", "ComparisonOperator": "LessThanThreshold", "EvaluationPeriods": 1},
        ),
    },
    "codebuild": {
        "another build": ("start_build", {"projectName": "theirs"}),
        "what prod's build does": ("update_project", {"name": PRODS_PROJECT, "timeoutInMinutes": 5}),
    },
}
# Of all but the pipeline, which starts it behind an approval.
ON_PRODS_BUILDS: Everywhere = {"codebuild": {"prod's build": ("start_build", {"projectName": PRODS_PROJECT})}}
# Of all but the function, which asks CloudFormation about each stack that uses it.
ON_PRODS_STACKS: Everywhere = {"cloudformation": {"what prod's stack is": ("describe_stacks", {"StackName": PRODS})}}
# Of the deployer of dev: to be more than the deployer of dev.
ON_ITSELF: Everywhere = {
    "iam": {
        "a role for the function without a boundary": (
            "create_role",
            {"RoleName": FUNCTION_ROLE, "AssumeRolePolicyDocument": ANYBODY},
        ),
        "one with a boundary of its own choice": (
            "create_role",
            {"RoleName": FUNCTION_ROLE, "AssumeRolePolicyDocument": ANYBODY, "PermissionsBoundary": ADMINISTRATOR},
        ),
        "a role of another name, though it has the boundary": (
            "create_role",
            {"RoleName": "mine", "AssumeRolePolicyDocument": ANYBODY, "PermissionsBoundary": BOUNDARY},
        ),
        "rights for a function's role that has no boundary": ("put_role_policy", rights_for(FUNCTION_ROLE)),
        "rights that AWS defines": ("attach_role_policy", {"RoleName": FUNCTION_ROLE, "PolicyArn": ADMINISTRATOR}),
        "another boundary": (
            "put_role_permissions_boundary",
            {"RoleName": FUNCTION_ROLE, "PermissionsBoundary": ADMINISTRATOR},
        ),
        "no boundary": ("delete_role_permissions_boundary", {"RoleName": FUNCTION_ROLE}),
        "what the boundary allows": (
            "create_policy_version",
            {"PolicyArn": BOUNDARY, "PolicyDocument": DOCUMENT, "SetAsDefault": True},
        ),
        "a former version of it": ("set_default_policy_version", {"PolicyArn": BOUNDARY, "VersionId": "v1"}),
        "its end": ("delete_policy", {"PolicyArn": BOUNDARY}),
        "rights for itself": ("put_role_policy", rights_for(ITSELF.rpartition("/")[2])),
        "rights that AWS defines for itself": (
            "attach_role_policy",
            {"RoleName": ITSELF.rpartition("/")[2], "PolicyArn": ADMINISTRATOR},
        ),
        "trust in itself": (
            "update_assume_role_policy",
            {"RoleName": ITSELF.rpartition("/")[2], "PolicyDocument": ANYBODY},
        ),
        "its own end": ("delete_role", {"RoleName": ITSELF.rpartition("/")[2]}),
        "rights for the search for drift": ("put_role_policy", rights_for(drift_role_of(DEV).rpartition("/")[2])),
    },
    "lambda": {
        "prod's role for the function": (
            "create_function",
            function(OWN, function_role_of(PROD)),
        ),
        "its own role for the function": ("create_function", function(OWN, ITSELF)),
        "an administrator's for one that stands": (
            "update_function_configuration",
            {"FunctionName": OWN, "Role": f"arn:aws:iam::{TOOLS}:role/administrator"},
        ),
        "an address for everybody": ("create_function_url_config", {"FunctionName": OWN, "AuthType": "NONE"}),
        "the function for everybody": (
            "add_permission",
            {"FunctionName": OWN, "StatementId": "one", "Action": "lambda:InvokeFunction", "Principal": "*"},
        ),
        "events of others": (
            "create_event_source_mapping",
            {"FunctionName": OWN, "EventSourceArn": f"arn:aws:sqs:eu-west-1:{TOOLS}:theirs"},
        ),
    },
    "cloudformation": {
        "a stack by an administrator's role": (
            "create_stack",
            stack(OWN, RoleARN=f"arn:aws:iam::{TOOLS}:role/administrator"),
        ),
        "the function's role for another service than Lambda": (
            "create_stack",
            stack(OWN, RoleARN=function_role_of(DEV)),
        ),
        "the end of the function": ("delete_stack", {"StackName": OWN}),
    },
    "dynamodb": {
        "the end of the table": ("delete_table", {"TableName": f"{OWN}-LeaseTable-1"}),
    },
    "logs": {
        "what the function logged": ("filter_log_events", {"logGroupName": f"/aws/lambda/{OWN}"}),
        "the end of a log that is retained": ("delete_log_group", {"logGroupName": f"{OWN}-RetainedLogGroup-1"}),
    },
    "sqs": {"an event that never ran": ("receive_message", {"QueueUrl": f"https://sqs/{TOOLS}/{OWN}-never-ran"})},
}
# Of a role that only looks, or that only builds: to change anything in dev.
ON_DEV: Everywhere = {
    "dynamodb": {
        "a lease": ("get_item", {"TableName": f"{OWN}-LeaseTable-1", "Key": {"resource": {"S": "one"}}}),
    },
    "lambda": {
        "the function's code": ("update_function_code", {"FunctionName": OWN, "ZipFile": b""}),
        "the end of the function": ("delete_function", {"FunctionName": OWN}),
        "a request to the function": ("invoke", {"FunctionName": f"{OWN}:live", "Payload": b"{}"}),
    },
    "cloudformation": {
        "the function's stack": ("update_stack", stack(OWN)),
        "the stack that it looks through": ("delete_stack", {"StackName": "orders-dev"}),
        "a change set": ("create_change_set", stack("orders-dev", ChangeSetName="mine")),
    },
    "s3": {"dev's code": ("put_object", {"Bucket": BUCKET, "Key": f"{OWN}/0123456789abcdef", "Body": b""})},
    "sts": {
        "to be dev's deployer": ("assume_role", {"RoleArn": deployer_of(DEV), "RoleSessionName": "me"}),
        "to be dev's role in its data lake": (
            "assume_role",
            {"RoleArn": DEV.data_lake_role_arn, "RoleSessionName": "me"},
        ),
    },
    "ssm": {
        "which function dev's stacks use": (
            "put_parameter",
            {"Name": f"/{OWN}/service-token", "Value": "mine", "Type": "String", "Overwrite": True},
        ),
    },
}
