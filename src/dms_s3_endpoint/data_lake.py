"""Policy and role in the data-lake account. The only user of IAM.

https://docs.aws.amazon.com/IAM/latest/APIReference/
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from botocore.exceptions import ClientError

from .errors import Code, EndpointError, error_code, is_definite, is_denial, or_none, step
from .ownership import Owner, fingerprint
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
    document: Document
    tags: Mapping[str, str]


class DataLake:
    """The data-lake account, as the role that the function assumed there sees it.

    Each method raises EndpointError, its text beginning with the call that failed.
    """

    def __init__(self, iam: IAMClient, partition: str, account: str, patience: Patience) -> None:
        self._iam = iam
        self._account_arn = f"arn:{partition}:iam::{account}"
        self._patience = patience
        # Whether IAM shows by now what this request made: see endpoint.set_up.
        self.unseen: list[Callable[[], bool]] = []

    def find_role(self, name: str) -> Role | None:
        with step(f"get-role {name}"):
            answer = or_none("NoSuchEntity", self._iam.get_role, RoleName=name)
        return _role(answer["Role"], answer["Role"].get("Tags", [])) if answer else None

    def find_policy(self, name: str, owner: Owner) -> Policy | None:
        """The policy of this name under the owner's path; one of the name elsewhere shows when it is created."""
        return self.policy_at(f"{self._account_arn}:policy{owner.path}{name}")

    def policy_at(self, arn: str) -> Policy | None:
        name = arn.rpartition("/")[2]
        with step(f"get-policy {name}"):
            answer = or_none("NoSuchEntity", self._iam.get_policy, PolicyArn=arn)
            version = answer and or_none(
                "NoSuchEntity",
                self._iam.get_policy_version,
                PolicyArn=arn,
                VersionId=answer["Policy"]["DefaultVersionId"],
            )
        if not answer:
            return None
        document: Any = version["PolicyVersion"]["Document"] if version else {}  # decoded, as a role's trust
        return Policy(name, arn, document, _tags(answer["Policy"].get("Tags", [])))

    def roles_of(self, owner: Owner, but: str = "") -> list[Role]:
        """The roles under the owner's path with any name `but` one, with their tags (ListRoles tells none)."""
        with step(f"list-roles {owner.path}"):
            return self._settled(self._roles_with_tags, owner, but)

    def _roles_with_tags(self, owner: Owner, but: str) -> list[Role]:
        """Raises ClientError (NoSuchEntity) for a role that is listed and isn't there: one of the two is outdated."""
        pages = self._iam.get_paginator("list_roles").paginate(PathPrefix=owner.path)
        roles = [role for page in pages for role in page["Roles"] if role["RoleName"] != but]
        return [_role(role, self._iam.list_role_tags(RoleName=role["RoleName"])["Tags"]) for role in roles]

    def policies_of(self, owner: Owner, but: str = "") -> list[Policy]:
        """The policies under the owner's path with any name `but` one, with their tags, without their documents."""
        with step(f"list-policies {owner.path}"):
            return self._settled(self._policies_with_tags, owner, but)

    def _policies_with_tags(self, owner: Owner, but: str) -> list[Policy]:
        """Raises ClientError as `_roles_with_tags`."""
        pages = self._iam.get_paginator("list_policies").paginate(Scope="Local", PathPrefix=owner.path)
        policies = [policy for page in pages for policy in page["Policies"] if policy["PolicyName"] != but]
        tags = [_tags(self._iam.list_policy_tags(PolicyArn=policy["Arn"])["Tags"]) for policy in policies]
        return [Policy(p["PolicyName"], p["Arn"], {}, tags) for p, tags in zip(policies, tags, strict=True)]

    def role_once_seen(self, name: str) -> Role | None:
        """The role of a name that IAM says is taken, once it shows; None where it doesn't."""
        return self._once_seen(lambda: self.find_role(name))

    def policy_once_seen(self, name: str, owner: Owner) -> Policy | None:
        """The policy of a name that IAM says is taken, once it shows, under whatever path; None where it doesn't."""
        return self._once_seen(lambda: self.find_policy(name, owner) or self.policy_elsewhere(name, owner))

    def arn_elsewhere(self, name: str, owner: Owner) -> str:
        """Of the policy of this name under another path, somebody's or adopted; empty where there is none."""
        with step(f"list-policies for {name}"):
            pages = self._iam.get_paginator("list_policies").paginate(Scope="Local")
            named = (policy for page in pages for policy in page["Policies"] if policy["PolicyName"] == name)
            return next((policy["Arn"] for policy in named if policy["Path"] != owner.path), "")

    def policy_elsewhere(self, name: str, owner: Owner) -> Policy | None:
        """The policy at `arn_elsewhere`; its document and tags where they may be read."""
        arn = self.arn_elsewhere(name, owner)
        try:
            return self.policy_at(arn) if arn else None
        except EndpointError as error:
            if error.code is not Code.ACCESS_DENIED:
                raise
            return Policy(name, arn, {}, {})

    def _once_seen(self, find: Callable[[], Answer | None]) -> Answer | None:
        for _waited in self._patience.attempts(at_most=SECONDS_TO_SETTLE):
            if found := find():
                return found
        return None

    def create_policy(self, name: str, document: Document, owner: Owner, tags: Mapping[str, str]) -> Policy | None:
        """The new policy; None where the name is taken."""
        tags = dict(tags) | owner.tags(fingerprint(document))
        with step(f"create-policy {name}"):
            answer = or_none(
                "EntityAlreadyExists",
                self._make,
                lambda: self.find_policy(name, owner) is not None,
                self._iam.create_policy,
                PolicyName=name,
                Path=owner.path,
                PolicyDocument=json.dumps(document),
                Tags=_tag_list(tags),
            )
        return Policy(name, answer["Policy"]["Arn"], document, tags) if answer else None

    def update_policy(self, policy: Policy, document: Document) -> None:
        """Make the document the default version, unless it is. The live one decides: a tag could be outdated."""
        if policy.document == document:
            return
        given: Any = {"PolicyArn": policy.arn, "PolicyDocument": json.dumps(document), "SetAsDefault": True}
        with step(f"create-policy-version {policy.name}"):
            if or_none("LimitExceeded", self._iam.create_policy_version, **given) is None:
                self._delete_versions(policy, keep=4)  # of the five that IAM allows
                self._iam.create_policy_version(**given)

    def _delete_versions(self, policy: Policy, keep: int) -> None:
        versions = self._iam.list_policy_versions(PolicyArn=policy.arn)["Versions"]
        dispensable = sorted((v for v in versions if not v["IsDefaultVersion"]), key=lambda v: v["CreateDate"])
        for version in dispensable[: max(len(versions) - keep, 0)]:
            or_none(
                "NoSuchEntity",
                self._iam.delete_policy_version,
                PolicyArn=policy.arn,
                VersionId=version["VersionId"],
            )

    def create_role(
        self, name: str, trust: Document, boundary: str, owner: Owner, tags: Mapping[str, str]
    ) -> Role | None:
        """The new role; None where the name is taken."""
        tags = dict(tags) | owner.tags(role_fingerprint(name, boundary))
        with step(f"create-role {name}"):
            answer = or_none(
                "EntityAlreadyExists",
                self._make,
                lambda: self.find_role(name) is not None,
                self._iam.create_role,
                RoleName=name,
                Path=owner.path,
                AssumeRolePolicyDocument=json.dumps(trust),
                Tags=_tag_list(tags),
                Description="Lets AWS DMS write to the bucket of its target endpoint",
                **({"PermissionsBoundary": boundary} if boundary else {}),
            )
        return Role(name, answer["Role"]["Arn"], trust, boundary, tags) if answer else None

    def _make(self, is_seen: Callable[[], bool], call: Callable[..., Answer], **given: Any) -> Answer:
        """The call's answer. What it makes is noted as unseen, unless IAM says that it made nothing."""
        self.unseen.append(is_seen)
        try:
            return call(**given)
        except ClientError as error:
            if is_definite(error):
                self.unseen.remove(is_seen)
            raise

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

    def delete_role(self, role: Role, attached: Iterable[Policy] = ()) -> None:
        """The role with all that hangs on it; what is gone already is fine.

        What is known to be attached need not be asked for; the rest, where somebody attached more, IAM tells of.
        """
        try:
            for policy in attached:
                self.detach(role, policy)
            with step(f"delete-role {role.name}"):
                found = partial(self.find_role, role.name)
                self._delete(found, partial(self._strip, role), self._iam.delete_role, RoleName=role.name)
        except EndpointError as error:
            # A call names the role without its path, so that one that is gone is not under the path that is granted.
            if error.code is not Code.ACCESS_DENIED or self.find_role(role.name):
                raise

    def _strip(self, role: Role) -> None:
        """Raises ClientError (NoSuchEntity) where somebody was faster, as `_delete` expects it."""
        for arn in self.attached_policy_arns(role):
            self._iam.detach_role_policy(RoleName=role.name, PolicyArn=arn)
        for name in self._iam.list_role_policies(RoleName=role.name)["PolicyNames"]:
            self._iam.delete_role_policy(RoleName=role.name, PolicyName=name)

    def detach(self, role: Role, policy: Policy) -> None:
        with step(f"detach-role-policy {role.name} {policy.name}"):
            or_none("NoSuchEntity", self._iam.detach_role_policy, RoleName=role.name, PolicyArn=policy.arn)

    def delete_policy(self, policy: Policy) -> None:
        """The policy with all its versions; what is gone already is fine.

        Raises EndpointError where somebody attached it elsewhere too: what is theirs is not ours to change.
        """
        found = partial(or_none, "NoSuchEntity", self._iam.get_policy, PolicyArn=policy.arn)
        versions = partial(self._delete_versions, policy, keep=1)
        with step(f"delete-policy {policy.name}"):
            try:
                self._delete(found, versions, self._iam.delete_policy, PolicyArn=policy.arn)
            except ClientError as error:
                if error_code(error) == "DeleteConflict":
                    self._refuse_if_attached(policy)
                raise

    def attached_to(self, policy: Policy) -> list[str]:
        """The names of the roles, users and groups that have the policy."""
        with step(f"list-entities-for-policy {policy.name}"):
            answer = or_none("NoSuchEntity", self._iam.list_entities_for_policy, PolicyArn=policy.arn)
        if not answer:
            return []
        names = [role["RoleName"] for role in answer["PolicyRoles"]]
        names += [user["UserName"] for user in answer["PolicyUsers"]]
        return names + [group["GroupName"] for group in answer["PolicyGroups"]]

    def _refuse_if_attached(self, policy: Policy) -> None:
        if names := self.attached_to(policy):
            raise EndpointError(
                Code.NAME_TAKEN,
                f"delete-policy {policy.name}: somebody attached it to {', '.join(names)}",
                "Detach it there and deploy again",
            )

    def _delete(
        self, find: Callable[[], object], clear: Callable[[], object], call: Callable[..., object], **given: Any
    ) -> None:
        """Until it is gone. Only once IAM says that something is in the way is that looked for, and `clear`ed.

        One that IAM does not know, and then shows, was made a moment ago. One that is gone has no tags any more, by
        which the call would be granted.
        """

        def attempt() -> None:
            try:
                call(**given)
            except ClientError as error:
                if error_code(error) == "DeleteConflict":
                    clear()
                raise

        def delete() -> None:
            try:
                attempt()
            except ClientError as error:
                if not (error_code(error) == "NoSuchEntity" or is_denial(error)) or find():
                    raise

        self._settled(delete)

    def _settled(self, call: Callable[..., Answer], *args: Any, **kwargs: Any) -> Answer:
        """Repeat the call while IAM answers with what a change of a moment ago may cause."""
        for _waited in self._patience.attempts(at_most=SECONDS_TO_SETTLE):
            try:
                return call(*args, **kwargs)
            except ClientError as error:
                if not self._may_settle(error):
                    raise
                unsettled = error
        raise unsettled

    def _may_settle(self, error: ClientError) -> bool:
        """Much is granted by tags, and those of what was made a moment ago may not be seen yet."""
        return error_code(error) in UNSETTLED or (is_denial(error) and bool(self.unseen))


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
