"""What the checks find and we leave as it is, each with the reason. One that is found no more fails the checks."""

from __future__ import annotations

# By tool and rule.
ACCEPTED: dict[tuple[str, str], str] = {
    ("checkov", "CKV_AWS_27"): "the queue is encrypted, by SQS's own key (SqsManagedSseEnabled)",
    ("checkov", "CKV_AWS_115"): "reserved concurrency would make a fleet's requests wait: 36 at once are usual",
    ("checkov", "CKV_AWS_116"): "events that never ran go to a queue by EventInvokeConfig, which it does not see",
    ("checkov", "CKV_AWS_117"): "nothing gets in; in a VPC it would need ways out to IAM, STS, DMS and S3",
    ("checkov", "CKV_AWS_158"): "the log holds no secret, and CloudWatch Logs encrypts it by its own key",
    ("checkov", "CKV_AWS_173"): "the variables are names of environments and ARNs of roles",
    ("guard", "cloudwatch_alarm_action_check"): "AlarmTopicArn is optional: without it alarms show in the console",
    ("guard", "cloudwatch_log_group_encrypted_check"): "as checkov's CKV_AWS_158",
    ("guard", "cloudwatch_log_group_retention_period_check"): "LogRetentionDays, 90 days by default",
    ("guard", "lambda_inside_vpc_check"): "as checkov's CKV_AWS_117",
    ("guard", "sqs_dlq_check"): "the queue is where such events end; nobody takes them from it but people",
    ("cloudformation-validate", "W1030"): "an empty AlarmTopicArn is taken out by a condition",
}
