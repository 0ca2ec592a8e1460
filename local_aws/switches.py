"""How DMS and IAM behave in the embedded AWS. Each switch stands for something that is not known of the real ones.

Switches can be combined. A new variant needs a field here and the line that reads it. The comments name the sources.
A switch without a source is a precaution: nothing was found about it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from functools import cache
from typing import Any, Literal, get_args, get_origin, get_type_hints

# https://cevo.com.au/post/automation-dms-endpoints-s3/ makes two creates, and does not say how the first one ends.
# That DMS assumes the role inside CreateEndpoint, and its words: hashicorp/terraform#15163, aws/aws-cdk#7632.
FirstCreate = Literal[
    "keeps",  # 200 with an ExternalId, and DMS keeps the endpoint; the role needs to trust DMS only
    "keeps_nothing",  # 200 with an ExternalId but no endpoint, until the trust policy demands that id
    "fault_with_id",  # AccessDeniedFault with the ExternalId in its text, until the trust policy demands it
    "fault_until_trusted",  # AccessDeniedFault; DescribeEndpoints shows a failed endpoint with the ExternalId
    "status_failed",  # 200 and a failed endpoint, which must be deleted before the next create
    "no_external_id",  # 200 and an endpoint without ExternalId
]

# All accounts belong to this organisation.
ORGANIZATION_ID = "o-aaaaaaaaaa"


@dataclass(frozen=True)
class Switches:
    """The behaviour of DMS and IAM. All seconds are virtual."""

    first_create: FirstCreate = "keeps_nothing"
    # How `fault_with_id` shows the id: after the words "external id", or alone.
    fault_text: Literal["named_id", "lone_id"] = "named_id"
    # The status of a failed endpoint. It is free text in the API's model.
    failed_status: Literal["failed", "modifying"] = "failed"
    # Whether the ExternalId is the same for an account and identifier, changes once at the second create, or changes at
    # each create. Its scope is not documented: "Value returned by a call to CreateEndpoint",
    # https://docs.aws.amazon.com/dms/latest/APIReference/API_Endpoint.html; the post above shows two ids.
    external_id: Literal["per_endpoint", "per_call", "never_settles"] = "per_endpoint"
    # How old a role's trust policy must be for DMS to see it. Terraform waits up to 5 minutes for it:
    # hashicorp/terraform-provider-aws, internal/service/dms/s3_endpoint.go and internal/service/iam/consts.go.
    propagation_seconds: float = 0.0
    # How many creates DMS rejects although it can assume the role. The words of the fault change.
    refused_creates: int = 0
    # The name of any other fault of CreateEndpoint.
    # https://docs.aws.amazon.com/dms/latest/APIReference/API_CreateEndpoint.html#API_CreateEndpoint_Errors
    create_fault: str = ""
    # How long a new endpoint is `creating`, and a deleted one `deleting`: botocore's waiter endpoint_deleted
    # waits up to 5 minutes, hashicorp/terraform-provider-aws#29171 measured tens of seconds.
    create_seconds: float = 0.0
    delete_seconds: float = 0.0
    # The status in DeleteEndpoint's answer: the CLI's example shows `deleting`, botocore's `active`.
    delete_answers: Literal["deleting", "active"] = "deleting"
    # How long a deleted endpoint's identifier can't be used again, and the fault of a create that uses it.
    identifier_reserved_seconds: float = 0.0
    identifier_reserved_fault: Literal["ResourceAlreadyExistsFault", "InvalidResourceStateFault"] = (
        "ResourceAlreadyExistsFault"
    )
    # How old the state is that DescribeEndpoints shows.
    describe_lag_seconds: float = 0.0
    # The answer to a filter that matches nothing: ResourceNotFoundFault, or an empty list as in other describe calls.
    describe_empty: Literal["fault", "empty"] = "fault"
    # Whether DescribeEndpoints shows the ExternalId (hashicorp/terraform-provider-aws#8663), or CreateEndpoint alone.
    describe_tells_external_id: bool = True
    # The largest page; the API's default is 100.
    page_size: int = 100
    # The fault's code if AWS Support has not allowed the pair of accounts. Other services use its words with several.
    not_allow_listed: Literal["", "AccessDeniedException", "AccessDeniedFault", "InvalidParameterValueException"] = ""
    # The S3Settings that CreateEndpoint ignores unless ExtraConnectionAttributes has them too:
    # hashicorp/terraform-provider-aws#28704 for CdcPath, its s3_endpoint.go for ServerSideEncryptionKmsKeyId.
    drops_on_create: tuple[str, ...] = ()
    # What becomes of an attribute that the documentation of S3 targets does not have. Refused:
    # hashicorp/terraform-provider-aws#29170 and, for a source, #27852. But DMS may know more than its documentation.
    unknown_attributes: Literal["refused", "accepted"] = "refused"
    # The most tags of a resource. https://docs.aws.amazon.com/dms/latest/userguide/CHAP_Tagging.html says ten, as AWS's
    # services had it until https://aws.amazon.com/blogs/security/now-organize-your-aws-resources-by-using-up-to-50-tags-per-resource/
    most_tags: int = 50
    # The quota of endpoints for each account and Region. https://docs.aws.amazon.com/dms/latest/userguide/CHAP_Limits.html
    quota: int = 1000
    # According to the post above, ModifyEndpoint does not work for such an endpoint.
    modify: Literal["refused", "accepted"] = "refused"
    # The result of TestConnection: the real one, a failure, or at first that a test of the pair is already running.
    connection_test: Literal["real", "fails", "busy_first"] = "real"
    connection_test_seconds: float = 0.0
    # Whether a running test prevents the delete of its endpoint.
    test_blocks_delete: bool = False
    # Whether replication instances are `available`, which TestConnection requires.
    instance_available: bool = True
    # How long a task or a serverless replication takes to be created, started, stopped or deleted. Terraform waits
    # minutes for each: hashicorp/terraform-provider-aws, internal/service/dms/wait.go.
    task_seconds: float = 0.0
    # How long a full load takes: longer than any test, unless a test is about its end.
    load_seconds: float = 86_400.0
    # How old the checkpoint is that a running task shows: "You can retrieve the latest checkpoint when the task is in
    # stopped or failed state", https://docs.aws.amazon.com/dms/latest/userguide/CHAP_Task.CDC.html
    checkpoint_lag_seconds: float = 60.0
    # Whether a task that is started fails, and how many tables of a task are in error.
    tasks_fail: bool = False
    tables_errored: int = 0
    # Throttling at the documented rate for each account: a bucket of 200 calls, refilled with 8 a second.
    throttle_dms: bool = False
    # The same for IAM, whose figures are not published (see throttle.py).
    throttle_iam: bool = False
    # Whether an S3 endpoint may have a user name, password, server, port and database, without effect. The real DMS
    # rejects them, but Ansible's module always sends them.
    servers_for_s3: bool = False
    # How long IAM does not find a new role or policy.
    # https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot.html#troubleshoot_general_eventual-consistency
    iam_lag_seconds: float = 0.0
    # The latency of each call to IAM, STS and DMS.
    latency_seconds: float = 0.0
    # The same for DynamoDB, which answers in milliseconds.
    table_latency_seconds: float = 0.0
    # How old the item is that a GetItem without ConsistentRead shows.
    # https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.ReadConsistency.html
    table_lag_seconds: float = 0.0


def changed(switches: Switches, changes: Mapping[str, Any]) -> Switches:
    """The switches with the changes. Raises TypeError for an unknown switch and ValueError for a wrong value."""
    hints = _hints()
    for name, value in changes.items():
        if name not in hints:
            raise TypeError(f"no switch {name}; there are {', '.join(field.name for field in fields(Switches))}")
        if not _fits(value, hints[name]):
            raise ValueError(f"{name} can't be {value!r}; it is {hints[name]}")
    return replace(switches, **{name: _hashable(value) for name, value in changes.items()})


@cache
def _hints() -> dict[str, Any]:
    return get_type_hints(Switches)


def _fits(value: object, hint: Any) -> bool:
    if get_origin(hint) is Literal:
        return value in get_args(hint)
    if get_origin(hint) is tuple:
        return isinstance(value, (tuple, list)) and all(isinstance(each, str) for each in value)
    if hint is str or hint is bool or isinstance(value, bool):
        return hint in (str, bool) and isinstance(value, hint)
    numbers = (int, float) if hint is float else int
    return isinstance(value, numbers) and value >= 0


def _hashable(value: object) -> Any:
    """JSON turns tuples into lists."""
    return tuple(value) if isinstance(value, list) else value
