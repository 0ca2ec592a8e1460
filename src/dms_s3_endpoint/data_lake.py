"""Policy and role in the data-lake account. The only user of IAM.

https://docs.aws.amazon.com/IAM/latest/APIReference/
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from botocore.exceptions import ClientError

from .errors import Code, EndpointError, error_code, or_none, step
from .ownership import FINGERPRINT, Owner, fingerprint
from .patience import Patience
from .policies import Document

if TYPE_CHECKING:
    from mypy_boto3_iam import IAMClient
    from mypy_boto3_iam.type_defs import RoleTypeDef, TagTypeDef

Answer = TypeVar("Answer")

# IAM is eventually consistent: what was just made may be missing from the next call, what was just taken
# away may still be there, two changes of one role may collide. All of it settles within seconds.
# https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot.html#troubleshoot_general_eventual-consistency
SECONDS_TO_SETTLE = 30.0
UNSETTLED = {"NoSuchEntity", "ConcurrentModification", "DeleteConflict", "EntityTemporarilyUnmodifiable"}


@dataclass(frozen=True)
class Role:
    name: str
    arn: str
    trust_policy: Document
    permissions_boundary: str
    tags: Mapping[str, str]


@dataclass(frozen=True)
class Policy:
    name: str
    arn: str
    tags: Mapping[str, str]


class DataLake:
    """The data-lake account, as the role that the function assumed there sees it.

    Each method raises EndpointError, its text beginning with the call that failed.
    """

    def __init__(self, iam: IAMClient, partition: str, account: str, patience: Patience) -> None:
        self._iam = iam
        self._account_arn = f"arn:{partition}:iam::{account}"
        self._patience = patience

    def find_role(self, name: str) -> Role | None:
        with step(f"get-role {name}"):
            answer = or_none("NoSuchEntity", self._iam.get_role, RoleName=name)
        return _role(answer["Role"], answer["Role"].get("Tags", [])) if answer else None

    def find_policy(self, name: str, owner: Owner) -> Policy | None:
        """The policy of this name under the owner's path; one of the name elsewhere shows when it is created."""
        arn = f"{self._account_arn}:policy{owner.path}{name}"
        with step(f"get-policy {name}"):
            answer = or_none("NoSuchEntity", self._iam.get_policy, PolicyArn=arn)
        return Policy(name, arn, _tags(answer["Policy"].get("Tags", []))) if answer else None

    def roles_of(self, owner: Owner) -> list[Role]:
        """The roles under the owner's path, whatever their names, with their tags (ListRoles tells none)."""
        with step(f"list-roles {owner.path}"):
            pages = self._iam.get_paginator("list_roles").paginate(PathPrefix=owner.path)
            roles = [role for page in pages for role in page["Roles"]]
            tags = [or_none("NoSuchEntity", self._iam.list_role_tags, RoleName=role["RoleName"]) for role in roles]
        return [_role(role, answer["Tags"]) for role, answer in zip(roles, tags, strict=True) if answer]

    def policies_of(self, owner: Owner) -> list[Policy]:
        """The policies under the owner's path, whatever their names, with their tags."""
        with step(f"list-policies {owner.path}"):
            pages = self._iam.get_paginator("list_policies").paginate(Scope="Local", PathPrefix=owner.path)
            policies = [policy for page in pages for policy in page["Policies"]]
            tags = [or_none("NoSuchEntity", self._iam.list_policy_tags, PolicyArn=p["Arn"]) for p in policies]
        return [
            Policy(policy["PolicyName"], policy["Arn"], _tags(answer["Tags"]))
            for policy, answer in zip(policies, tags, strict=True)
            if answer
        ]

    def owner_of_policy_named(self, name: str) -> Mapping[str, str]:
        """The tags of the policy of this name, under whatever path; none where it can't be told."""
        with step(f"list-policies for {name}"):
            for page in self._iam.get_paginator("list_policies").paginate(Scope="Local"):
                for policy in page["Policies"]:
                    if policy["PolicyName"] == name:
                        answer = or_none("AccessDenied", self._iam.list_policy_tags, PolicyArn=policy["Arn"])
                        return _tags(answer["Tags"]) if answer else {}
        return {}

    def create_policy(self, name: str, document: Document, owner: Owner, tags: Mapping[str, str]) -> Policy | None:
        """The new policy; None where the name is taken."""
        tags = dict(tags) | owner.tags(fingerprint(document))
        with step(f"create-policy {name}"):
            answer = or_none(
                "EntityAlreadyExists",
                self._iam.create_policy,
                PolicyName=name,
                Path=owner.path,
                PolicyDocument=json.dumps(document),
                Tags=_tag_list(tags),
            )
        return Policy(name, answer["Policy"]["Arn"], tags) if answer else None

    def update_policy(self, policy: Policy, document: Document) -> None:
        """Make the document the default version, unless the policy's fingerprint says that it is."""
        if policy.tags.get(FINGERPRINT) == fingerprint(document):
            return
        with step(f"create-policy-version {policy.name}"):
            self._delete_versions(policy, keep=4)  # of the five that IAM allows
            self._iam.create_policy_version(
                PolicyArn=policy.arn, PolicyDocument=json.dumps(document), SetAsDefault=True
            )
        # Only now: a request that dies in between writes the version once more.
        self.tag_policy(policy, {FINGERPRINT: fingerprint(document)}, [])

    def _delete_versions(self, policy: Policy, keep: int) -> None:
        versions = self._iam.list_policy_versions(PolicyArn=policy.arn)["Versions"]
        dispensable = sorted((v for v in versions if not v["IsDefaultVersion"]), key=lambda v: v["CreateDate"])
        for version in dispensable[: max(len(versions) - keep, 0)]:
            self._iam.delete_policy_version(PolicyArn=policy.arn, VersionId=version["VersionId"])

    def create_role(
        self, name: str, trust: Document, boundary: str, owner: Owner, tags: Mapping[str, str]
    ) -> Role | None:
        """The new role; None where the name is taken."""
        tags = dict(tags) | owner.tags(role_fingerprint(name, boundary))
        with step(f"create-role {name}"):
            answer = or_none(
                "EntityAlreadyExists",
                self._iam.create_role,
                RoleName=name,
                Path=owner.path,
                AssumeRolePolicyDocument=json.dumps(trust),
                Tags=_tag_list(tags),
                Description="Lets AWS DMS write to the bucket of its target endpoint",
                **({"PermissionsBoundary": boundary} if boundary else {}),
            )
        return Role(name, answer["Role"]["Arn"], trust, boundary, tags) if answer else None

    def attached_policy_arns(self, role: Role) -> set[str]:
        with step(f"list-attached-role-policies {role.name}"):
            answer = or_none("NoSuchEntity", self._iam.list_attached_role_policies, RoleName=role.name)
        return {policy["PolicyArn"] for policy in answer["AttachedPolicies"]} if answer else set()

    def set_boundary(self, role: Role, boundary: str) -> None:
        if boundary == role.permissions_boundary:
            return
        with step(f"put-role-permissions-boundary {role.name}"):
            if boundary:
                self._iam.put_role_permissions_boundary(RoleName=role.name, PermissionsBoundary=boundary)
            else:
                self._iam.delete_role_permissions_boundary(RoleName=role.name)

    def set_trust(self, role: Role, trust: Document) -> None:
        with step(f"update-assume-role-policy {role.name}"):
            document = json.dumps(trust)
            self._settled(self._iam.update_assume_role_policy, RoleName=role.name, PolicyDocument=document)

    def attach(self, role: Role, policy: Policy) -> None:
        with step(f"attach-role-policy {role.name} {policy.name}"):
            self._settled(self._iam.attach_role_policy, RoleName=role.name, PolicyArn=policy.arn)

    def tag_role(self, role: Role, added: Mapping[str, str], removed: list[str]) -> None:
        with step(f"tag-role {role.name}"):
            if added:
                self._iam.tag_role(RoleName=role.name, Tags=_tag_list(added))
            if removed:
                self._iam.untag_role(RoleName=role.name, TagKeys=removed)

    def tag_policy(self, policy: Policy, added: Mapping[str, str], removed: list[str]) -> None:
        with step(f"tag-policy {policy.name}"):
            if added:
                self._iam.tag_policy(PolicyArn=policy.arn, Tags=_tag_list(added))
            if removed:
                self._iam.untag_policy(PolicyArn=policy.arn, TagKeys=removed)

    def delete_role(self, role: Role) -> None:
        """The role with all that hangs on it; what is gone already is fine."""
        try:
            with step(f"delete-role {role.name}"):
                self._strip(role)
                self._settled(or_none, "NoSuchEntity", self._iam.delete_role, RoleName=role.name)
        except EndpointError as error:
            # A call names the role without its path, so that one that is gone is not under the path that is granted.
            if error.code is not Code.ACCESS_DENIED or self.find_role(role.name):
                raise

    def _strip(self, role: Role) -> None:
        for arn in self.attached_policy_arns(role):
            or_none("NoSuchEntity", self._iam.detach_role_policy, RoleName=role.name, PolicyArn=arn)
        inline = or_none("NoSuchEntity", self._iam.list_role_policies, RoleName=role.name)
        for name in inline["PolicyNames"] if inline else []:
            or_none("NoSuchEntity", self._iam.delete_role_policy, RoleName=role.name, PolicyName=name)

    def detach(self, role: Role, policy: Policy) -> None:
        with step(f"detach-role-policy {role.name} {policy.name}"):
            or_none("NoSuchEntity", self._iam.detach_role_policy, RoleName=role.name, PolicyArn=policy.arn)

    def delete_policy(self, policy: Policy) -> None:
        """The policy with all its versions; what is gone already is fine.

        Raises EndpointError where somebody attached it elsewhere too: what is theirs is not ours to change.
        """
        with step(f"delete-policy {policy.name}"):
            self._refuse_if_attached(policy)
            or_none("NoSuchEntity", self._delete_versions, policy, keep=1)
            self._settled(or_none, "NoSuchEntity", self._iam.delete_policy, PolicyArn=policy.arn)

    def _refuse_if_attached(self, policy: Policy) -> None:
        answer = or_none("NoSuchEntity", self._iam.list_entities_for_policy, PolicyArn=policy.arn)
        if answer and (answer["PolicyRoles"] or answer["PolicyUsers"] or answer["PolicyGroups"]):
            names = [r["RoleName"] for r in answer["PolicyRoles"]] + [u["UserName"] for u in answer["PolicyUsers"]]
            names += [group["GroupName"] for group in answer["PolicyGroups"]]
            raise EndpointError(
                Code.NAME_TAKEN,
                f"delete-policy {policy.name}: somebody attached it to {', '.join(names)}",
                "Detach it there and deploy again",
            )

    def _settled(self, call: Callable[..., Answer], *args: Any, **kwargs: Any) -> Answer:
        """Repeat the call while IAM answers with what a change of a moment ago may cause."""
        for _waited in self._patience.attempts(at_most=SECONDS_TO_SETTLE):
            try:
                return call(*args, **kwargs)
            except ClientError as error:
                if error_code(error) not in UNSETTLED:
                    raise
                unsettled = error
        raise unsettled


def role_fingerprint(name: str, boundary: str) -> str:
    return fingerprint([name, boundary])


def _role(role: RoleTypeDef, tags: list[TagTypeDef]) -> Role:
    trust: Any = role.get("AssumeRolePolicyDocument", {})  # botocore decodes it, whatever its stubs say
    boundary = role.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn", "")
    return Role(role["RoleName"], role["Arn"], trust, boundary, _tags(tags))


def _tags(tags: list[TagTypeDef]) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in tags}


def _tag_list(tags: Mapping[str, str]) -> list[TagTypeDef]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]
