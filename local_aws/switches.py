"""How the DMS and the IAM of the embedded AWS behave: each switch is for what is not known of the real ones.

They can be combined. A new variant is a field here and the line that asks for it. Beside each stands where the
behaviour was seen or told of; where nothing does, nothing was found, and the switch is there to be safe.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Literal, get_args, get_origin, get_type_hints

# https://cevo.com.au/post/automation-dms-endpoints-s3/ makes two creates, and doesn't say how the first one ends.
# That DMS assumes the role inside CreateEndpoint, and its words: hashicorp/terraform#15163, aws/aws-cdk#7632.
FirstCreate = Literal[
    "keeps",  # 200 with an ExternalId, and the endpoint is kept; trust in DMS alone suffices
    "keeps_nothing",  # 200 with an ExternalId and no endpoint, until the trust demands that id
    "fault_with_id",  # AccessDeniedFault that tells the ExternalId, until the trust demands it
    "fault_until_trusted",  # AccessDeniedFault; DescribeEndpoints tells the ExternalId, of an endpoint that failed
    "status_failed",  # 200 and an endpoint that failed; it must be deleted before another create
    "no_external_id",  # 200 and an endpoint that has no ExternalId
]

# All accounts are of one organisation.
ORGANIZATION_ID = "o-aaaaaaaaaa"


@dataclass(frozen=True)
class Switches:
    """Seconds are virtual."""

    first_create: FirstCreate = "keeps_nothing"
    # How `fault_with_id` tells it: after the words "external id", or alone.
    fault_text: Literal["named_id", "lone_id"] = "named_id"
    # The status of an endpoint that failed; it is a free text in the API's model.
    failed_status: Literal["failed", "modifying"] = "failed"
    # The id stays the same for an account and identifier, or is another from the second create on, or on each.
    # The scope is not documented: "Value returned by a call to CreateEndpoint",
    # https://docs.aws.amazon.com/dms/latest/APIReference/API_Endpoint.html; the post above shows two ids.
    external_id: Literal["per_endpoint", "per_call", "never_settles"] = "per_endpoint"
    # How old a role's trust policy must be for DMS to see it. Terraform waits up to 5 minutes for it:
    # hashicorp/terraform-provider-aws, internal/service/dms/s3_endpoint.go and internal/service/iam/consts.go.
    propagation_seconds: float = 0.0
    # So many creates are refused although the role can be assumed, in words that change; a large number: for ever.
    refused_creates: int = 0
    # Any other fault of CreateEndpoint, of the name given.
    # https://docs.aws.amazon.com/dms/latest/APIReference/API_CreateEndpoint.html#API_CreateEndpoint_Errors
    create_fault: str = ""
    # For how long a new endpoint is `creating`, and a deleted one `deleting`: botocore's waiter endpoint_deleted
    # gives it 5 minutes, hashicorp/terraform-provider-aws#29171 measured tens of seconds.
    create_seconds: float = 0.0
    delete_seconds: float = 0.0
    # The status in DeleteEndpoint's answer: the CLI's example has the one, botocore's the other.
    delete_answers: Literal["deleting", "active"] = "deleting"
    # For how long the identifier of an endpoint that is gone is refused, and how.
    identifier_reserved_seconds: float = 0.0
    identifier_reserved_fault: Literal["ResourceAlreadyExistsFault", "InvalidResourceStateFault"] = (
        "ResourceAlreadyExistsFault"
    )
    # Read after write: DescribeEndpoints shows what was so long ago.
    describe_lag_seconds: float = 0.0
    # What a filter that matches nothing gives: ResourceNotFoundFault, or, as other describes of DMS, an empty list.
    describe_empty: Literal["fault", "empty"] = "fault"
    # Whether DescribeEndpoints tells the ExternalId (hashicorp/terraform-provider-aws#8663), or CreateEndpoint alone.
    describe_tells_external_id: bool = True
    # The most that a page has; the API's own default is 100.
    page_size: int = 100
    # AWS Support has not allowed the pair of accounts: the fault's code. Other services use these words with several.
    not_allow_listed: Literal["", "AccessDeniedException", "AccessDeniedFault", "InvalidParameterValueException"] = ""
    # Names of S3Settings that CreateEndpoint ignores unless they are in ExtraConnectionAttributes too:
    # hashicorp/terraform-provider-aws#28704 for CdcPath, its s3_endpoint.go for ServerSideEncryptionKmsKeyId.
    drops_on_create: tuple[str, ...] = ()
    # Endpoints for each account and Region. https://docs.aws.amazon.com/dms/latest/userguide/CHAP_Limits.html
    quota: int = 1000
    # The post above: ModifyEndpoint does not work for such an endpoint.
    modify: Literal["refused", "accepted"] = "refused"
    # What TestConnection finds: what there is; a failure; or, at first, that a test of the pair is running already.
    connection_test: Literal["real", "fails", "busy_first"] = "real"
    connection_test_seconds: float = 0.0
    # Whether a test that is running keeps its endpoint from being deleted.
    test_blocks_delete: bool = False
    # Whether replication instances are `available`, as TestConnection asks for.
    instance_available: bool = True
    # The documented rate for each account: a bucket of 200 calls, filled by 8 a second; then ThrottlingException.
    throttle_dms: bool = False
    # IAM's: of the same kind, its figures are not told (see throttle.py).
    throttle_iam: bool = False
    # Whether a user name, password, server, port and database are taken for an S3 endpoint, and go nowhere. The real
    # DMS refuses them; Ansible's module gives them always.
    servers_for_s3: bool = False
    # For how long IAM does not find a role or policy that was just made.
    # https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot.html#troubleshoot_general_eventual-consistency
    iam_lag_seconds: float = 0.0
    # Of each call to IAM, STS and DMS.
    latency_seconds: float = 0.0


def changed(switches: Switches, changes: Mapping[str, Any]) -> Switches:
    """The switches with the changes. Raises TypeError for a switch that there isn't, ValueError for a wrong value."""
    hints = get_type_hints(Switches)
    for name, value in changes.items():
        if name not in hints:
            raise TypeError(f"no switch {name}; there are {', '.join(field.name for field in fields(Switches))}")
        if not _fits(value, hints[name]):
            raise ValueError(f"{name} can't be {value!r}; it is {hints[name]}")
    return replace(switches, **{name: _hashable(value) for name, value in changes.items()})


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
    """A tuple arrives as a list, by JSON."""
    return tuple(value) if isinstance(value, list) else value
