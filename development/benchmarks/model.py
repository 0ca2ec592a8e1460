"""What AWS's own latencies allow: how long each call and each change takes, and the bound that follows.

The bound of an operation is its longest chain of calls of which each needs what the one before gave, and what AWS
takes in between. No implementation of the contract is faster.
"""

from __future__ import annotations

from dataclasses import dataclass

# Of the bench a second is a second: the peers' commands take the time that they take for their users.
TIME_SCALE = 1
# A round trip of an API call between regions' endpoints and a function nearby; all the same, for want of figures.
LATENCY = 0.2
# DynamoDB answers within single-digit milliseconds.
TABLE_LATENCY = 0.01
# A role or its trust policy reaches DMS: 13 to 23 s were measured, 2 to 40 s are told of. One after another, twice.
PROPAGATION = 15.0
# DeleteEndpoint: tens of seconds (hashicorp/terraform-provider-aws#29171). A new endpoint is active at once, as in
# the examples of the CLI's reference.
DELETE = 30.0
# The embedded AWS: DMS's documented rate, and IAM's of the same kind.
SWITCHES = {
    "latency_seconds": LATENCY,
    "table_latency_seconds": TABLE_LATENCY,
    "propagation_seconds": PROPAGATION,
    "delete_seconds": DELETE,
    "throttle_dms": True,
    "throttle_iam": True,
    "servers_for_s3": True,  # for Ansible's module
}


@dataclass(frozen=True)
class Bound:
    """`chain`: calls one after another; `waits`: the seconds between them; `beside`: the other calls that it needs."""

    chain: tuple[str, ...]
    waits: float
    beside: tuple[str, ...]

    @property
    def seconds(self) -> float:
        return len(self.chain) * LATENCY + self.waits

    @property
    def calls(self) -> int:
        """The fewest."""
        return len(self.chain) + len(self.beside)


CREATE = Bound(
    # The first CreateEndpoint is answered once the role has reached DMS, the second once the ExternalId has.
    chain=(
        *("AssumeRole", "CreateRole", "CreateEndpoint"),
        *("UpdateAssumeRolePolicy", "CreateEndpoint", "DescribeEndpoints"),
    ),
    waits=2 * PROPAGATION,
    beside=("AssumeRole", "CreatePolicy", "AttachRolePolicy"),
)
# Other settings, of which the policy's folder is one. Whether role and policy are ours, and tasks on the endpoint,
# must be known before the delete: side by side with the tags of the endpoint, or of a chain that is no longer.
UPDATE = Bound(
    chain=(
        *("AssumeRole", "DescribeEndpoints", "ListTagsForResource", "DeleteEndpoint"),
        *("DescribeEndpoints", "CreateEndpoint", "DescribeEndpoints"),
    ),
    waits=DELETE,
    beside=(
        *("AssumeRole", "GetRole", "GetPolicy", "GetPolicyVersion", "CreatePolicyVersion", "TagPolicy"),
        *("DescribeReplicationTasks", "DescribeReplicationConfigs"),
    ),
)
DELETION = Bound(
    chain=(
        *("AssumeRole", "DescribeEndpoints", "ListTagsForResource", "DeleteEndpoint"),
        *("DescribeEndpoints", "DetachRolePolicy", "DeleteRole"),
    ),
    waits=DELETE,
    beside=("AssumeRole", "ListRoles", "ListRoleTags", "ListPolicies", "ListPolicyTags", "DeletePolicy"),
)
# CloudFormation asks for the new one, then for the Delete of the old one.
REPLACE = Bound(
    chain=CREATE.chain + DELETION.chain,
    waits=CREATE.waits + DELETION.waits,
    beside=CREATE.beside + DELETION.beside,
)
BOUNDS = {"create": CREATE, "update": UPDATE, "replace": REPLACE, "delete": DELETION}
