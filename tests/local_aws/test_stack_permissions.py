"""CloudFormation may do for a role what the role may do itself, and roles are passed where that is allowed."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator
from importlib.resources import files
from typing import Any

import pytest
from botocore.exceptions import ClientError, WaiterError

from local_aws import EmbeddedAws
from local_aws.resource_handlers import HANDLERS
from tests.assumed import assumed

ACCOUNT = "888888888888"
SCHEMAS = files("cfnlint") / "data" / "schemas"
NUMBERS = itertools.count(1)
TRUST = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
BOUNDARY = "arn:aws:iam::aws:policy/ReadOnlyAccess"
CLOUDFORMATION = "cloudformation.amazonaws.com"
STACKS = {"Action": "cloudformation:*"}
Statement = dict[str, Any]


class Caller:
    """A role with statements of its own."""

    def __init__(self, aws: EmbeddedAws) -> None:
        self.aws = aws
        self.name = f"caller-{next(NUMBERS)}"
        self.iam = aws.client("iam", ACCOUNT)
        trust = {"Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Action": "sts:AssumeRole"}
        self.arn = self.iam.create_role(
            RoleName=self.name, AssumeRolePolicyDocument=json.dumps({"Statement": [trust]})
        )["Role"]["Arn"]

    def may(self, *statements: Statement) -> None:
        """And nothing else."""
        self.grant(self.name, *statements)

    def grant(self, role_name: str, *statements: Statement) -> None:
        """Replaces what the role had."""
        document = {"Statement": [{"Effect": "Allow", "Resource": "*"} | each for each in statements]}
        self.iam.put_role_policy(RoleName=role_name, PolicyName="own", PolicyDocument=json.dumps(document))

    def client(self, service: str) -> Any:
        return assumed(self.aws, ACCOUNT, self.arn, service)

    def deployed(self, resource: dict[str, Any] | None, update: bool = False, **more: Any) -> str:
        """Why a stack with the one resource fails; empty if it doesn't. `more` are parameters of the call."""
        template = {"Resources": {"One": resource or {"Type": "AWS::SQS::Queue"}}}
        cloudformation, name = self.client("cloudformation"), f"{self.name}-stack"
        call = cloudformation.update_stack if update else cloudformation.create_stack
        call(StackName=name, TemplateBody=json.dumps(template), Capabilities=["CAPABILITY_NAMED_IAM"], **more)
        done = f"stack_{'update' if update else 'create'}_complete"
        root = self.aws.client("cloudformation", ACCOUNT)
        try:
            root.get_waiter(done).wait(StackName=name, WaiterConfig={"Delay": 1})
        except WaiterError:
            events = root.describe_stack_events(StackName=name)["StackEvents"]
            return str(next(e["ResourceStatusReason"] for e in events if "_FAILED" in e["ResourceStatus"]))
        return ""

    def service_role(self, service: str, *statements: Statement) -> str:
        """The ARN of a role that the service may assume."""
        name = f"{self.name}-service"
        trust = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
        made = self.iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps({"Statement": trust}))
        self.grant(name, *statements)
        return str(made["Role"]["Arn"])

    def delete_stack(self) -> None:
        root = self.aws.client("cloudformation", ACCOUNT)
        root.delete_stack(StackName=f"{self.name}-stack")
        root.get_waiter("stack_delete_complete").wait(StackName=f"{self.name}-stack", WaiterConfig={"Delay": 1})


@pytest.fixture
def caller(aws: EmbeddedAws) -> Iterator[Caller]:
    made = Caller(aws)
    yield made
    made.delete_stack()


def refused(code: str, call: Callable[..., Any], **given: Any) -> str:
    with pytest.raises(ClientError) as caught:
        call(**given)
    assert caught.value.response["Error"]["Code"] == code
    return str(caught.value.response["Error"]["Message"])


def role(name: str, **more: Any) -> dict[str, Any]:
    document = {"Version": "2012-10-17", "Statement": [TRUST]}
    properties = {"RoleName": name, "AssumeRolePolicyDocument": document, **more}
    return {"Type": "AWS::IAM::Role", "Properties": properties}


def inline(action: str) -> dict[str, Any]:
    document = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": action, "Resource": "*"}]}
    return {"PolicyName": "one", "PolicyDocument": document}


@pytest.mark.parametrize("kind", HANDLERS)
def test_the_calls_of_a_type_are_those_that_its_schema_has(kind: str) -> None:
    schemas = json.loads((SCHEMAS / "providers" / "eu-west-1.json").read_text())
    schema = json.loads((SCHEMAS / "resources" / f"{schemas[kind]}.json").read_text())
    permitted = {action for handler in schema["handlers"].values() for action in handler["permissions"]}
    own = HANDLERS[kind]
    of_properties = {action for calls in own.properties.values() for action in (*calls.given, *calls.gone)}
    assert {*own.create, *own.update, *own.delete, *of_properties} <= permitted
    assert own.properties.keys() <= schema["properties"].keys()


def test_a_resource_is_made_with_the_rights_of_who_asks_for_the_stack(caller: Caller) -> None:
    caller.may(STACKS)
    assert "is not authorized to perform: iam:CreateRole on resource: arn:aws:iam::" in caller.deployed(role("a"))
    caller.delete_stack()
    actions = ["iam:CreateRole", "iam:GetRole", "iam:TagRole"]
    caller.may(STACKS, {"Action": actions, "Resource": f"arn:aws:iam::{ACCOUNT}:role/a"})
    assert caller.deployed(role("a")) == ""


def test_an_update_needs_what_the_change_needs_and_a_delete_what_goes(caller: Caller) -> None:
    caller.may(STACKS, {"Action": ["iam:CreateRole", "iam:GetRole", "iam:TagRole"]})
    assert caller.deployed(role("b")) == ""
    assert "iam:PutRolePolicy" in caller.deployed(role("b", Policies=[inline("s3:*")]), update=True)
    caller.may(STACKS, {"Action": ["iam:GetRole", "iam:*RolePolicy"]})
    assert caller.deployed(role("b", Policies=[inline("s3:*")]), update=True) == ""
    caller.may(STACKS, {"Action": ["iam:GetRole", "iam:PutRolePolicy"]})
    assert "iam:DeleteRolePolicy" in caller.deployed(role("b"), update=True)
    caller.client("cloudformation").delete_stack(StackName=f"{caller.name}-stack")
    assert caller.iam.get_role(RoleName="b")


def test_a_boundary_that_is_demanded_is_demanded_of_a_stack(caller: Caller) -> None:
    bound = {"Condition": {"ArnEquals": {"iam:PermissionsBoundary": BOUNDARY}}}
    free = {"Action": ["iam:GetRole*", "iam:TagRole"]}
    caller.may(STACKS, free, {"Action": ["iam:CreateRole", "iam:PutRolePolicy"]} | bound)
    assert "iam:CreateRole" in caller.deployed(role("c", Policies=[inline("s3:*")]))
    caller.delete_stack()
    assert caller.deployed(role("c", Policies=[inline("s3:*")], PermissionsBoundary=BOUNDARY)) == ""
    made = caller.iam.get_role(RoleName="c")["Role"]
    assert made["PermissionsBoundary"]["PermissionsBoundaryArn"] == BOUNDARY


def test_a_policy_for_a_role_of_another_needs_the_right_on_that_role(caller: Caller) -> None:
    caller.may(STACKS, {"Action": "iam:*", "Resource": f"arn:aws:iam::{ACCOUNT}:role/own"})
    policy = {"Type": "AWS::IAM::Policy", "Properties": {**inline("*"), "Roles": [caller.name]}}
    assert f"iam:PutRolePolicy on resource: {caller.arn}" in caller.deployed(policy)


def test_a_boundary_that_is_not_there_fails(caller: Caller) -> None:
    caller.may({"Action": "*"})
    missing = f"arn:aws:iam::{ACCOUNT}:policy/missing"
    assert f"{missing} does not exist" in caller.deployed(role("d", PermissionsBoundary=missing))


def test_a_role_is_passed_to_the_service_that_is_allowed_alone(caller: Caller) -> None:
    properties = {"FunctionName": "f", "Role": caller.arn, "Handler": "a.b", "Runtime": "python3.13"}
    function = {"Type": "AWS::Lambda::Function", "Properties": {**properties, "Code": {"ZipFile": "b = print"}}}
    elsewhere = {"Action": "iam:PassRole", "Condition": {"StringEquals": {"iam:PassedToService": "ec2.amazonaws.com"}}}
    here = {"Action": "iam:PassRole", "Condition": {"StringEquals": {"iam:PassedToService": "lambda.amazonaws.com"}}}
    caller.may(STACKS, {"Action": "lambda:*"}, elsewhere)
    assert f"iam:PassRole on resource: {caller.arn}" in caller.deployed(function)
    given = {**properties, "Code": {"ZipFile": b""}}
    assert "iam:PassRole" in refused("AccessDeniedException", caller.client("lambda").create_function, **given)
    caller.delete_stack()
    caller.may(STACKS, {"Action": "lambda:*", "Resource": f"arn:aws:lambda:eu-west-1:{ACCOUNT}:function:f"}, here)
    assert caller.deployed(function) == ""
    other = {**given, "FunctionName": "other"}
    assert "lambda:CreateFunction" in refused("AccessDeniedException", caller.client("lambda").create_function, **other)
    given = {"StackName": "by-another-role", "TemplateBody": "{}", "RoleARN": caller.arn}
    assert "iam:PassRole" in refused("AccessDenied", caller.client("cloudformation").create_stack, **given)


def test_a_template_and_its_parameters_are_read_with_the_callers_rights(caller: Caller) -> None:
    caller.may(STACKS, {"Action": "sqs:*"})
    stacks = caller.client("cloudformation")
    there = {"StackName": "one", "TemplateURL": "https://127.0.0.1/bucket/key"}
    assert "s3:GetObject" in refused("AccessDenied", stacks.create_stack, **there)
    secret = {"Parameters": {"Token": {"Type": "AWS::SSM::Parameter::Value<String>", "Default": "/theirs"}}}
    template = json.dumps({"Resources": {"One": {"Type": "AWS::SQS::Queue"}}, **secret})
    assert "ssm:GetParameters" in refused("AccessDenied", stacks.create_stack, StackName="one", TemplateBody=template)
    assert caller.deployed(None) == ""


def test_a_stack_with_a_service_role_has_the_rights_of_the_role_alone(caller: Caller) -> None:
    create = {"Action": ["iam:CreateRole", "iam:GetRole", "iam:TagRole"]}
    service_role = caller.service_role(CLOUDFORMATION, create)
    caller.may(STACKS, {"Action": ["iam:PassRole", "iam:PutRolePolicy"]})
    assert caller.deployed(role("e"), RoleARN=service_role) == ""
    more = caller.deployed(role("e", Policies=[inline("s3:*")]), update=True)
    assert f"assumed-role/{caller.name}-service/AWSCloudFormation is not authorized to perform: iam:PutRole" in more
    caller.client("cloudformation").delete_stack(StackName=f"{caller.name}-stack")
    assert caller.iam.get_role(RoleName="e")
    caller.grant(f"{caller.name}-service", {"Action": "iam:*"})


def test_a_change_set_is_executed_with_the_service_role_that_it_was_made_with(caller: Caller) -> None:
    service_role = caller.service_role(CLOUDFORMATION, {"Action": "sqs:*"})
    caller.may(STACKS, {"Action": "iam:PassRole"})
    stacks, name = caller.client("cloudformation"), f"{caller.name}-stack"
    template = json.dumps({"Resources": {"One": {"Type": "AWS::IAM::Role", "Properties": role("f")["Properties"]}}})
    given = {"StackName": name, "ChangeSetName": "one", "ChangeSetType": "CREATE", "TemplateBody": template}
    change_set = stacks.create_change_set(**given, Capabilities=["CAPABILITY_NAMED_IAM"], RoleARN=service_role)["Id"]
    stacks.execute_change_set(ChangeSetName=change_set)
    root = caller.aws.client("cloudformation", ACCOUNT)
    with pytest.raises(WaiterError):
        root.get_waiter("stack_create_complete").wait(StackName=name, WaiterConfig={"Delay": 1})
    reasons = [
        each.get("ResourceStatusReason", "") for each in root.describe_stack_events(StackName=name)["StackEvents"]
    ]
    assert any(f"{caller.name}-service/AWSCloudFormation is not authorized" in reason for reason in reasons)


def test_a_service_role_of_another_service_is_refused(caller: Caller) -> None:
    given = {"StackName": "one", "TemplateBody": json.dumps({"Resources": {"One": {"Type": "AWS::SQS::Queue"}}})}
    root = caller.aws.client("cloudformation", ACCOUNT)
    other = caller.service_role("lambda.amazonaws.com", {"Action": "*"})
    assert "cannot be assumed" in refused("ValidationError", root.create_stack, **given, RoleARN=other)
    missing = f"{other}-missing"
    assert f"Role {missing} is invalid" in refused("ValidationError", root.create_stack, **given, RoleARN=missing)


def test_a_dynamic_reference_is_read_with_the_rights_of_who_asks_for_the_stack(caller: Caller) -> None:
    caller.aws.client("ssm", ACCOUNT).put_parameter(Name="/theirs", Value="f", Type="String", Overwrite=True)
    trust = {"Version": "2012-10-17", "Statement": [TRUST]}
    made = {"RoleName": "{{resolve:ssm:/theirs}}", "AssumeRolePolicyDocument": trust}
    create = {"Action": ["iam:CreateRole", "iam:GetRole", "iam:TagRole"]}
    caller.may(STACKS, create)
    assert "ssm:GetParameters on resource" in caller.deployed({"Type": "AWS::IAM::Role", "Properties": made})
    caller.delete_stack()
    own = f"arn:aws:ssm:eu-west-1:{ACCOUNT}:parameter/theirs"
    caller.may(STACKS, create, {"Action": "ssm:GetParameters", "Resource": own})
    assert caller.deployed({"Type": "AWS::IAM::Role", "Properties": made}) == ""


def test_a_change_set_asks_the_macros_of_its_template(caller: Caller) -> None:
    own = f"arn:aws:cloudformation:eu-west-1:{ACCOUNT}:stack/{caller.name}-stack/*"
    template = {"Transform": "AWS::Serverless-2016-10-31", "Resources": {"One": {"Type": "AWS::SQS::Queue"}}}
    given = {"StackName": f"{caller.name}-stack", "ChangeSetName": "one", "ChangeSetType": "CREATE"}
    given |= {"TemplateBody": json.dumps(template)}
    caller.may({"Action": "cloudformation:*", "Resource": own})
    assert "cloudformation:CreateChangeSet" in refused(
        "AccessDenied", caller.client("cloudformation").create_change_set, **given
    )
    macro = "arn:aws:cloudformation:eu-west-1:aws:transform/Serverless-2016-10-31"
    caller.may({"Action": "cloudformation:*", "Resource": [own, macro]})
    assert caller.client("cloudformation").create_change_set(**given)["Id"]


def test_a_type_whose_calls_are_not_known_is_refused(caller: Caller) -> None:
    caller.may({"Action": "*"})
    assert "local_aws/resource_handlers.py" in caller.deployed({"Type": "AWS::IAM::User"})
