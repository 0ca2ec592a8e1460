"""What the tools find and is left as it is: the tool, the rule, the place (or a pattern of places), and the reason.

One that is not found any more fails the checks.
"""

from __future__ import annotations

from .findings import Accepted

_VALIDATE = "cloudformation-validate"
_MAKER = "accounts/data-lake.yaml Role/endpoint-roles-and-policies"
_ADOPTER = "accounts/data-lake.yaml Adoption"
_OWN_PATH = "what the function is for; only under the path /dms-s3-endpoint/"


def _manages(action: str) -> tuple[str, str, str]:
    return ("parliament", f"PERMISSIONS_MANAGEMENT_ACTIONS {action}", _MAKER)


def _manages_adopted(action: str) -> tuple[str, str, str]:
    return ("parliament", f"PERMISSIONS_MANAGEMENT_ACTIONS {action}", _ADOPTER)


def _deploys(action: str) -> tuple[str, str, str]:
    return ("parliament", f"PERMISSIONS_MANAGEMENT_ACTIONS {action}", "pipelines/deployer.yaml Role/deploy")


def _escalates(way: str) -> tuple[str, str, str]:
    return ("parliament", f"PRIVILEGE_ESCALATION {way}", "pipelines/deployer.yaml Role/deploy")


_OF_GITHUB = "GitHub's provider, audience and subject, which parliament does not know"
_ITS_ROLE = "of the function's role of the environment, whose rights have a boundary"
_ADOPTED = "what ADOPT is for; only names that the parameter Adopt allows, with an owner's tags, and none by default"

ACCEPTED: Accepted = {
    # Hints, each for every resource.
    (_VALIDATE, "I4010", "*"): "for a reader's tools; README.md says what the resources are",
    (_VALIDATE, "I9001", "*"): "the names are fixed on purpose, as other accounts and stacks refer to them",
    (_VALIDATE, "I9040", "*"): "the stack's own tags reach all its resources",
    # template.yaml
    (_VALIDATE, "W1030", "template.yaml *Alarm"): "the condition Notify takes an empty AlarmTopicArn out",
    (_VALIDATE, "W1030", "template.yaml Organization*"): "the condition ServesOrganization takes an empty one out",
    (_VALIDATE, "W1030", "template.yaml Role"): "the condition Bounded takes an empty FunctionBoundary out",
    (_VALIDATE, "W1030", "template.yaml KmsKeyArn"): "the condition HasKey takes an empty one out",
    (_VALIDATE, "W1030", "template.yaml CodeSigningConfigArn"): "the condition SignsCode takes an empty one out",
    (_VALIDATE, "W1035", "template.yaml Account*"): "the conditions HasAccount… take an empty one out",
    ("guard", "lambda_function_public_access_prohibited_check", "template.yaml Organization*Permission"): (
        "of everybody only PrincipalOrgID's, which it does not count; none by default"
    ),
    (
        "guard",
        "cloudwatch_alarm_action_check",
        "template.yaml *Alarm",
    ): "a Fn::If over AlarmTopicArn, which it can't see",
    (_VALIDATE, "I3011", "template.yaml LogGroup"): "it goes with its stack, as most expect; with RetainLog it stays",
    (_VALIDATE, "I3011", "template.yaml NeverRan"): "CloudFormation takes no answer to its events after some hours",
    ("guard", "sqs_queue_encrypted_check", "template.yaml NeverRan"): (
        "KmsKeyArn, else SQS's own key: a Fn::If, which it can't see"
    ),
    ("guard", "sqs_dlq_check", "template.yaml NeverRan"): "it is the queue where events end; no program takes any out",
    ("checkov", "CKV_AWS_116", "template.yaml Function"): "the queue of EventInvokeConfig, which it can't see",
    ("checkov", "CKV_AWS_117", "template.yaml Function"): "nothing reaches in; out it must reach IAM, STS and DMS",
    ("guard", "lambda_inside_vpc_check", "template.yaml Function"): "as CKV_AWS_117",
    ("checkov", "CKV_AWS_173", "template.yaml Function"): "names of environments and ARNs of roles, no secret",
    ("guard", "cloudwatch_log_group_encrypted_check", "template.yaml *LogGroup"): (
        "KmsKeyArn, else CloudWatch Logs' own key: a Fn::If, which it can't see"
    ),
    (
        "guard",
        "cloudwatch_log_group_retention_period_check",
        "template.yaml *LogGroup",
    ): "LogRetentionDays; it wants a year",
    ("parliament", "CREDENTIALS_EXPOSURE sts:assumerole", "template.yaml Role/assume-the-listed-roles"): (
        "how it reaches the other accounts; the roles that are listed and no others"
    ),
    (_VALIDATE, "W1030", "accounts/*.yaml Role"): "the condition HasRoleBoundary takes an empty RoleBoundary out",
    # accounts/data-lake.yaml: making roles and policies is what this role is for. Each action is here for itself, so
    # that one more needs a reason.
    _manages("iam:createrole"): _OWN_PATH,
    _manages("iam:deleterole"): _OWN_PATH,
    _manages("iam:updateassumerolepolicy"): _OWN_PATH,
    _manages("iam:attachrolepolicy"): "only policies of that path, to roles of that path that carry what is demanded",
    _manages("iam:detachrolepolicy"): "only from roles of that path",
    _manages("iam:createpolicy"): _OWN_PATH,
    _manages("iam:deletepolicy"): _OWN_PATH,
    _manages("iam:createpolicyversion"): _OWN_PATH,
    _manages("iam:deletepolicyversion"): _OWN_PATH,
    _manages("iam:deleterolepolicy"): "an inline policy that somebody added would keep the role from being deleted",
    _manages("iam:putrolepermissionsboundary"): "only the one that is demanded, if one is",
    _manages("iam:deleterolepermissionsboundary"): "PERMISSIONSBOUNDARY; not where one is demanded, as by default",
    ("parliament", "PRIVILEGE_ESCALATION CreateNewPolicyVersion", _MAKER): (
        "its own policy is inline, and the policies that it may change are attached under that path alone"
    ),
    ("parliament", "PERMISSIONS_MANAGEMENT_ACTIONS s3:putobjectacl", "accounts/data-lake.yaml Boundary"): (
        "what CannedAclForObjects needs; the boundary allows at most what the function can write"
    ),
    _manages_adopted("iam:attachrolepolicy"): _ADOPTED,
    _manages_adopted("iam:createpolicyversion"): _ADOPTED,
    _manages_adopted("iam:deletepolicy"): _ADOPTED,
    _manages_adopted("iam:deletepolicyversion"): _ADOPTED,
    _manages_adopted("iam:deleterole"): _ADOPTED,
    _manages_adopted("iam:deleterolepermissionsboundary"): _ADOPTED,
    _manages_adopted("iam:deleterolepolicy"): _ADOPTED,
    _manages_adopted("iam:detachrolepolicy"): _ADOPTED,
    _manages_adopted("iam:putrolepermissionsboundary"): _ADOPTED,
    _manages_adopted("iam:updateassumerolepolicy"): _ADOPTED,
    ("parliament", "PRIVILEGE_ESCALATION CreateNewPolicyVersion", _ADOPTER): (
        "its own policies are inline; NeverOursNorAwss denies the rest"
    ),
    # accounts/dms.yaml
    ("parliament", "PERMISSIONS_MANAGEMENT_ACTIONS iam:passrole", "accounts/dms.yaml Adoption"): (
        "only to DMS, only roles of names that the parameter Adopt allows"
    ),
    ("parliament", "PERMISSIONS_MANAGEMENT_ACTIONS iam:passrole", "accounts/dms.yaml Role/endpoints"): (
        "only roles of that path in the data-lake account, only to DMS"
    ),
    ("parliament", "RESOURCE_MISMATCH dms:TestConnection", "accounts/dms.yaml Role/endpoints"): (
        "it is asked for on endpoint and instance; a statement for each, as only the endpoint is ours"
    ),
    # pipelines
    ("checkov", "CKV_AWS_18", "pipelines/codepipeline.yaml Artifacts"): (
        "a month of sources, which are in the repository; the pipeline's own history says who got which"
    ),
    ("guard", "s3_bucket_logging_enabled_check", "pipelines/codepipeline.yaml Artifacts"): "as CKV_AWS_18",
    ("guard", "s3_event_notifications_enabled_check", "pipelines/codepipeline.yaml Artifacts"): "as CKV_AWS_18",
    ("guard", "s3_bucket_object_lock_enabled_check", "pipelines/codepipeline.yaml Artifacts"): (
        "PipelineRole alone may write, none may delete a version, and CodePipeline reads the version that it wrote"
    ),
    ("guard", "s3_bucket_policy_ssl_requests_only_check", "pipelines/codepipeline.yaml ArtifactsOverTls"): (
        "it demands TLS of the bucket and its objects; by Fn::GetAtt and Fn::Sub, which it can't read"
    ),
    ("checkov", "CKV_AWS_26", "pipelines/codepipeline.yaml Notices"): (
        "EventBridge can't publish by AWS's key for SNS; a notice has the name of a stage and a URL"
    ),
    ("parliament", "CREDENTIALS_EXPOSURE sts:assumerole", "pipelines/deployer.yaml Boundary"): (
        "the most that the function may do: assume the roles of its environment"
    ),
    (
        "parliament",
        "UNKNOWN_CONDITION_FOR_ACTION",
        "pipelines/deployer.yaml *Role/AssumeRolePolicyDocument",
    ): _OF_GITHUB,
    ("parliament", "UNKNOWN_FEDERATION_SOURCE", "pipelines/deployer.yaml *Role/AssumeRolePolicyDocument"): _OF_GITHUB,
    (
        "parliament",
        "INVALID_ARN arn:aws:cloudformation:eu-west-1:aws:transform/Serverless-2016-10-31",
        "pipelines/deployer.yaml Role/ask-the-macro-of-sam",
    ): "AWS's own ARN of it; a policy of its own, as of one with such a finding parliament judges nothing else",
    _deploys("iam:createrole"): _ITS_ROLE,
    _deploys("iam:deleterole"): _ITS_ROLE,
    _deploys("iam:deleterolepolicy"): _ITS_ROLE,
    _deploys("iam:passrole"): "of that role to Lambda alone",
    _deploys("iam:putrolepermissionsboundary"): "that boundary alone, for a role of the time before it was demanded",
    _deploys("iam:putrolepolicy"): _ITS_ROLE,
    _deploys("iam:updateassumerolepolicy"): _ITS_ROLE,
    _deploys("iam:updaterole"): _ITS_ROLE,
    _deploys("iam:updateroledescription"): _ITS_ROLE,
    _deploys("kms:creategrant"): "by DynamoDB, which makes one for a table of the key KmsKeyArn",
    _deploys("lambda:addpermission"): "for the accounts of StackAccounts, not for everybody",
    _deploys("lambda:removepermission"): "of the environment's function",
    _deploys("sqs:createqueue"): "the queue of events that never ran",
    _deploys("sqs:setqueueattributes"): "the queue of events that never ran",
    _escalates("EditExistingLambdaFunctionWithRole"): "what a deployer is for; the boundary holds whatever it deploys",
    _escalates("PassExistingRoleToNewLambdaThenInvoke"): "as EditExistingLambdaFunctionWithRole",
    _escalates("PassExistingRoleToCloudFormation"): "iam:PassedToService is Lambda, a condition that it does not count",
    # examples
    (_VALIDATE, "W7001", "examples/fleet.yaml Endpoints"): "the Fn::ForEach that refers to it is expanded before",
    (_VALIDATE, "W2001", "examples/fleet.yaml ServiceToken"): "as W7001",
    # What the function writes
    ("parliament", "PERMISSIONS_MANAGEMENT_ACTIONS s3:putobjectacl", "access_policy canned ACL"): (
        "what CannedAclForObjects needs; granted where it is set, in the endpoint's folder"
    ),
    # Code. What ruff is told to ignore has its reason there.
    ("bandit", "B404", "*"): "each use of subprocess is judged for itself (B603)",
    ("bandit", "B105", "local_aws/aws.py"): "what the embedded AWS takes as the secret of an account",
    ("bandit", "B105", "development/benchmarks/cold_start.py"): "a secret that nothing ever asks for",
}
