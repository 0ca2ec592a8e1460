"""Bad on purpose, and put among what is judged: a tool that does not find this has found nothing else either."""

from __future__ import annotations

from typing import Any

TEMPLATE: dict[str, Any] = {
    "Resources": {
        "Unencrypted": {"Type": "AWS::SQS::Queue", "Properties": {"SqsManagedSseEnabled": False, "QueName": "misspelt"}}
    }
}
# Each alone: of a document with an action that does not exist, parliament judges nothing else.
POLICIES: list[dict[str, Any]] = [
    {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": action, "Resource": "*"}]}
    for action in ("iam:PassRole", "s3:PutObjct")
]
# Of a trust policy, parliament judges less; see by_parliament in tools.py.
POLICIES.append(
    {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"Service": "dms.amazonaws.com"}, "Action": "sts:AssumRole"}],
    }
)
CODE = "eval(input())\n"

MUST_FIND = {
    ("cloudformation-validate", "F3002"),
    ("guard", "sqs_queue_encrypted_check"),
    ("checkov", "CKV_AWS_27"),
    ("parliament", "RESOURCE_STAR iam:PassRole"),
    ("parliament", "PERMISSIONS_MANAGEMENT_ACTIONS iam:passrole"),
    ("parliament", "UNKNOWN_ACTION s3:PutObjct"),
    ("parliament", "UNKNOWN_ACTION sts:AssumRole"),
    ("bandit", "B307"),
}
