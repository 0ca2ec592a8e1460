"""What AWS's own latencies allow: how long each call and each change takes, and the bound that follows.

The bound of an operation is its longest chain of calls of which each needs what the one before gave, and what AWS
takes in between. No implementation of the contract is faster.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

# Of the bench a second is a second: the peers' commands take the time that they take for their users.
TIME_SCALE = 1
# But the plain function waits for minutes, in the function's own virtual time.
TIME_SCALE_OF_PLAIN = 10
# A round trip of an API call between regions' endpoints and a function nearby; all the same, for want of figures.
LATENCY = 0.2
# DynamoDB answers within single-digit milliseconds.
TABLE_LATENCY = 0.01
# Seconds until a role or its trust policy reaches DMS: 13 to 23 were measured, 2 to 40 are told of.
PROPAGATIONS = (13.0, 23.0)
# Seconds until a deleted endpoint is gone: tens (hashicorp/terraform-provider-aws#29171). A new endpoint is active at
# once, as in the examples of the CLI's reference.
DELETES = (20.0, 45.0)
# The embedded AWS: DMS's documented rate, and IAM's of the same kind.
SWITCHES = {
    "latency_seconds": LATENCY,
    "table_latency_seconds": TABLE_LATENCY,
    "throttle_dms": True,
    "throttle_iam": True,
    "servers_for_s3": True,  # for Ansible's module
}
SEED = 1


@dataclass(frozen=True)
class Draw:
    """What AWS takes in a round, in seconds. A fixed value would favour whoever happens to look at that moment."""

    propagation: float
    delete: float

    def switches(self) -> dict[str, Any]:
        """The embedded AWS in this round."""
        return SWITCHES | {"propagation_seconds": self.propagation, "delete_seconds": self.delete}


# For fleets, and in memory.
USUAL = Draw(15.0, 30.0)


def draws(rounds: int) -> Sequence[Draw]:
    """The same for all competitors, and in each run of the bench."""
    draw = random.Random(SEED)  # noqa: S311  # no secret
    return [Draw(draw.uniform(*PROPAGATIONS), draw.uniform(*DELETES)) for _ in range(rounds)]


@dataclass(frozen=True)
class Bound:
    """`chain`: calls one after another; between them DMS sees `propagations` changes of IAM, and ends `deletes`.

    `beside`: the other calls that it needs.
    """

    chain: tuple[str, ...]
    beside: tuple[str, ...]
    propagations: int = 0
    deletes: int = 0

    def seconds(self, draw: Draw = USUAL) -> float:
        return len(self.chain) * LATENCY + self.propagations * draw.propagation + self.deletes * draw.delete

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
    propagations=2,
    beside=("AssumeRole", "CreatePolicy", "AttachRolePolicy"),
)
# Other settings, of which the policy's folder is one. Whether role and policy are ours, and tasks on the endpoint,
# must be known before the delete: side by side with the tags of the endpoint, or of a chain that is no longer.
UPDATE = Bound(
    chain=(
        *("AssumeRole", "DescribeEndpoints", "ListTagsForResource", "DeleteEndpoint"),
        *("DescribeEndpoints", "CreateEndpoint", "DescribeEndpoints"),
    ),
    deletes=1,
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
    deletes=1,
    beside=("AssumeRole", "ListRoles", "ListRoleTags", "ListPolicies", "ListPolicyTags", "DeletePolicy"),
)
# CloudFormation asks for the new one, then for the Delete of the old one.
REPLACE = Bound(
    chain=CREATE.chain + DELETION.chain,
    propagations=2,
    deletes=1,
    beside=CREATE.beside + DELETION.beside,
)
BOUNDS = {"create": CREATE, "update": UPDATE, "replace": REPLACE, "delete": DELETION}
