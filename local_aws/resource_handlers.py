"""What CloudFormation's handlers of resource types call, as far as the properties given need it.

A part of `handlers` in the schemas of the types, which tests/local_aws/test_stack_permissions.py holds it to:
https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-template-resource-type-ref.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

Request = Literal["create", "update", "delete"]
Props = Mapping[str, Any]
PASS_ROLE = "iam:PassRole"  # noqa: S105  # an action


@dataclass(frozen=True)
class Calls:
    """What a property needs: when it is given or changes, and when it or a part of it goes."""

    given: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()
    on_create: bool = True  # else the create itself takes it


@dataclass(frozen=True)
class Handlers:
    """What a type's handlers call: always, and for a property."""

    arn: str  # {name} is the value of `named_by`, or each of its values
    named_by: str
    create: tuple[str, ...]
    update: tuple[str, ...]
    delete: tuple[str, ...]
    properties: Mapping[str, Calls] = field(default_factory=dict)

    def actions(self, request: Request, old: Props, new: Props) -> list[str]:
        """In their order, each once."""
        always = {"create": self.create, "update": self.update, "delete": self.delete}[request]
        return list(dict.fromkeys([*always, *self._for_properties(request, old, new)]))

    def _for_properties(self, request: Request, old: Props, new: Props) -> Iterator[str]:
        for name, calls in self.properties.items():
            before, after = old.get(name), new.get(name)
            if after and after != before and (calls.on_create or request != "create"):
                yield from calls.given
            if before and _is_less(before, after):
                yield from calls.gone


def _is_less(before: Any, after: Any) -> bool:
    """Whether something of the value is gone, by the names of its parts where it is a list."""
    if not after:
        return True
    return isinstance(before, Sequence) and not _names(before) <= _names(after)


def _names(value: Any) -> set[str]:
    parts = value if isinstance(value, list) else []
    return {str(part.get("PolicyName") or part.get("Key")) if isinstance(part, dict) else str(part) for part in parts}


FUNCTION = "arn:aws:lambda:{region}:{account}:function:{name}"
# By the type of resource. A type that is not here can be deployed by an account's root alone.
HANDLERS: dict[str, Handlers] = {
    "AWS::IAM::Role": Handlers(
        "arn:aws:iam::{account}:role{path}{name}",
        "RoleName",
        create=("iam:CreateRole", "iam:GetRole"),
        update=("iam:GetRole",),
        delete=("iam:GetRole", "iam:ListAttachedRolePolicies", "iam:ListRolePolicies", "iam:DeleteRole"),
        properties={
            "Policies": Calls(("iam:PutRolePolicy", "iam:GetRolePolicy"), ("iam:DeleteRolePolicy",)),
            "ManagedPolicyArns": Calls(("iam:AttachRolePolicy",), ("iam:DetachRolePolicy",)),
            "Tags": Calls(("iam:TagRole",), ("iam:UntagRole",)),
            "AssumeRolePolicyDocument": Calls(("iam:UpdateAssumeRolePolicy",), on_create=False),
            "Description": Calls(("iam:UpdateRoleDescription",), on_create=False),
            "MaxSessionDuration": Calls(("iam:UpdateRole",), on_create=False),
            "PermissionsBoundary": Calls(("iam:PutRolePermissionsBoundary",), on_create=False),
        },
    ),
    "AWS::IAM::Policy": Handlers(
        "arn:aws:iam::{account}:role/{name}",
        "Roles",
        create=("iam:PutRolePolicy",),
        update=("iam:PutRolePolicy",),
        delete=("iam:DeleteRolePolicy",),
    ),
    "AWS::Lambda::Function": Handlers(
        FUNCTION,
        "FunctionName",
        create=("lambda:CreateFunction", "lambda:GetFunction", PASS_ROLE),
        update=("lambda:GetFunction", "lambda:UpdateFunctionConfiguration", PASS_ROLE),
        delete=("lambda:DeleteFunction", "lambda:GetFunction"),
        properties={
            "Code": Calls(("lambda:UpdateFunctionCode",), on_create=False),
            "Tags": Calls(("lambda:TagResource",), ("lambda:UntagResource",)),
            "ReservedConcurrentExecutions": Calls(
                ("lambda:PutFunctionConcurrency",), ("lambda:DeleteFunctionConcurrency",)
            ),
            "CodeSigningConfigArn": Calls(("lambda:PutFunctionCodeSigningConfig",), on_create=False),
        },
    ),
    "AWS::Lambda::Alias": Handlers(
        FUNCTION,
        "FunctionName",
        create=("lambda:CreateAlias",),
        update=("lambda:UpdateAlias", "lambda:GetAlias"),
        delete=("lambda:DeleteAlias", "lambda:GetAlias"),
    ),
    "AWS::Lambda::Permission": Handlers(
        FUNCTION,
        "FunctionName",
        create=("lambda:AddPermission",),
        update=("lambda:RemovePermission", "lambda:AddPermission"),
        delete=("lambda:RemovePermission",),
    ),
    "AWS::Lambda::EventInvokeConfig": Handlers(
        FUNCTION,
        "FunctionName",
        create=("lambda:PutFunctionEventInvokeConfig",),
        update=("lambda:UpdateFunctionEventInvokeConfig",),
        delete=("lambda:DeleteFunctionEventInvokeConfig",),
    ),
    "AWS::DynamoDB::Table": Handlers(
        "arn:aws:dynamodb:{region}:{account}:table/{name}",
        "TableName",
        create=("dynamodb:CreateTable", "dynamodb:DescribeTable"),
        update=("dynamodb:DescribeTable", "dynamodb:UpdateTable"),
        delete=("dynamodb:DescribeTable", "dynamodb:DeleteTable"),
        properties={
            "Tags": Calls(("dynamodb:TagResource",), ("dynamodb:UntagResource",)),
            "TimeToLiveSpecification": Calls(("dynamodb:UpdateTimeToLive", "dynamodb:DescribeTimeToLive")),
            "PointInTimeRecoverySpecification": Calls(
                ("dynamodb:UpdateContinuousBackups", "dynamodb:DescribeContinuousBackups")
            ),
        },
    ),
    "AWS::Logs::LogGroup": Handlers(
        "arn:aws:logs:{region}:{account}:log-group:{name}",
        "LogGroupName",
        create=("logs:CreateLogGroup",),
        update=(),
        delete=("logs:DeleteLogGroup",),
        properties={
            "RetentionInDays": Calls(("logs:PutRetentionPolicy",)),
            "KmsKeyId": Calls(("logs:AssociateKmsKey",), ("logs:DisassociateKmsKey",), on_create=False),
            "Tags": Calls(("logs:TagResource",), ("logs:UntagResource",)),
        },
    ),
    "AWS::SQS::Queue": Handlers(
        "arn:aws:sqs:{region}:{account}:{name}",
        "QueueName",
        create=("sqs:CreateQueue", "sqs:GetQueueUrl", "sqs:GetQueueAttributes"),
        update=("sqs:SetQueueAttributes", "sqs:GetQueueAttributes"),
        delete=("sqs:DeleteQueue", "sqs:GetQueueAttributes"),
        properties={"Tags": Calls(("sqs:TagQueue",), ("sqs:UntagQueue",))},
    ),
    "AWS::CloudWatch::Alarm": Handlers(
        "arn:aws:cloudwatch:{region}:{account}:alarm:{name}",
        "AlarmName",
        create=("cloudwatch:PutMetricAlarm", "cloudwatch:DescribeAlarms"),
        update=("cloudwatch:PutMetricAlarm", "cloudwatch:DescribeAlarms"),
        delete=("cloudwatch:DeleteAlarms", "cloudwatch:DescribeAlarms"),
        properties={"Tags": Calls(("cloudwatch:TagResource",), ("cloudwatch:UntagResource",))},
    ),
    "AWS::CloudWatch::Dashboard": Handlers(
        "arn:aws:cloudwatch::{account}:dashboard/{name}",
        "DashboardName",
        create=("cloudwatch:PutDashboard", "cloudwatch:GetDashboard"),
        update=("cloudwatch:PutDashboard",),
        delete=("cloudwatch:DeleteDashboards", "cloudwatch:GetDashboard"),
    ),
    "AWS::SSM::Parameter": Handlers(
        "arn:aws:ssm:{region}:{account}:parameter{name}",
        "Name",
        create=("ssm:PutParameter", "ssm:GetParameters"),
        update=("ssm:PutParameter", "ssm:GetParameters"),
        delete=("ssm:DeleteParameter",),
        properties={"Tags": Calls(("ssm:AddTagsToResource",), ("ssm:RemoveTagsFromResource",))},
    ),
}
