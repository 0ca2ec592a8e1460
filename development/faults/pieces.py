"""What stands in a pair of accounts, read through IAM's and DMS's own APIs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Pieces = dict[str, Any]
IsWanted = Callable[[str], bool]


def pieces_of(iam: Any, dms: Any, is_wanted: IsWanted) -> Pieces:
    """By ARN: the roles, policies and endpoints whose names are wanted, with all that a user could see of them."""
    return roles_of(iam, is_wanted) | policies_of(iam, is_wanted) | endpoints_of(dms, is_wanted)


def roles_of(iam: Any, is_wanted: IsWanted) -> Pieces:
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


def policies_of(iam: Any, is_wanted: IsWanted) -> Pieces:
    found = {}
    for page in iam.get_paginator("list_policies").paginate(Scope="Local"):
        for arn in [policy["Arn"] for policy in page["Policies"] if is_wanted(policy["PolicyName"])]:
            policy = iam.get_policy(PolicyArn=arn)["Policy"]
            version = iam.get_policy_version(PolicyArn=arn, VersionId=policy["DefaultVersionId"])["PolicyVersion"]
            found[arn] = {"document": version["Document"], "tags": _tags(policy.get("Tags", []))}
    return found


def endpoints_of(dms: Any, is_wanted: IsWanted) -> Pieces:
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
