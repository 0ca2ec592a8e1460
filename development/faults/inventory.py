"""The inventory of a pair of accounts: roles, policies and endpoints, read through the APIs of IAM and DMS."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

# By ARN: what the APIs show of a role, policy or endpoint, and its tags as a dict.
Inventory = dict[str, Any]
# Whether a resource of this name belongs to the inventory.
IsWanted = Callable[[str], bool]


def inventory_of(iam: Any, dms: Any, is_wanted: IsWanted) -> Inventory:
    """All roles, policies and endpoints with wanted names, with all that a user can see of them."""
    return roles_of(iam, is_wanted) | policies_of(iam, is_wanted) | endpoints_of(dms, is_wanted)


def roles_of(iam: Any, is_wanted: IsWanted) -> Inventory:
    """The roles: their `trust`, `boundary`, `tags` and `attached` policies."""
    found = {}
    for page in iam.get_paginator("list_roles").paginate():
        for name in [role["RoleName"] for role in page["Roles"] if is_wanted(role["RoleName"])]:
            role = iam.get_role(RoleName=name)["Role"]
            attached = iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]
            found[role["Arn"]] = {
                "trust": role["AssumeRolePolicyDocument"],
                "boundary": role.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn", ""),
                "tags": _tags(role.get("Tags", [])),
                "attached": sorted(policy["PolicyArn"] for policy in attached),
            }
    return found


def policies_of(iam: Any, is_wanted: IsWanted) -> Inventory:
    """The customer-managed policies: their `document` and `tags`."""
    found = {}
    for page in iam.get_paginator("list_policies").paginate(Scope="Local"):
        for arn in [policy["Arn"] for policy in page["Policies"] if is_wanted(policy["PolicyName"])]:
            policy = iam.get_policy(PolicyArn=arn)["Policy"]
            version = iam.get_policy_version(PolicyArn=arn, VersionId=policy["DefaultVersionId"])["PolicyVersion"]
            found[arn] = {"document": version["Document"], "tags": _tags(policy.get("Tags", []))}
    return found


def endpoints_of(dms: Any, is_wanted: IsWanted) -> Inventory:
    """The endpoints, as DescribeEndpoints shows them, and their `tags`."""
    found = {}
    for page in dms.get_paginator("describe_endpoints").paginate():
        for endpoint in page["Endpoints"]:
            arn = endpoint["EndpointArn"]
            if is_wanted(endpoint["EndpointIdentifier"]):
                tags = dms.list_tags_for_resource(ResourceArn=arn)["TagList"]
                found[arn] = dict(endpoint) | {"tags": _tags(tags)}
    return found


def _tags(tags: list[dict[str, str]]) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in tags}
