"""Policy and role in the data-lake account. The only user of IAM.

https://docs.aws.amazon.com/IAM/latest/APIReference/
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from botocore.exceptions import ClientError

from ..model.arns import name_in
from ..model.errors import Code, EndpointError
from ..model.hashing import fingerprint
from ..model.ownership import Owner
from ..model.pieces import Policy, Role
from ..model.policies import Document
from .deadline import Deadline
from .errors import aws_call, error_code, is_definite, is_denial
from .tags import tag_list, tags_in

if TYPE_CHECKING:
    from mypy_boto3_iam import IAMClient
    from mypy_boto3_iam.type_defs import RoleTypeDef, TagTypeDef

logger = logging.getLogger(__name__)
Answer = TypeVar("Answer")

# IAM is eventually consistent: it may not show yet what was just made, may still show what was just deleted, and two
# changes of one role may collide. All of it settles within seconds.
# https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot.html#troubleshoot_general_eventual-consistency
SECONDS_TO_SETTLE = 30.0
UNSETTLED = {"NoSuchEntity", "ConcurrentModification", "DeleteConflict", "EntityTemporarilyUnmodifiable"}
# A policy has at most five versions; one place is kept for the new one.
VERSIONS_KEPT = 4


class Iam:
    """IAM of the data-lake account, as the role that the function assumed there sees it.

    Each method raises EndpointError, whose text begins with the call that failed.
    """

    def __init__(self, client: IAMClient, partition: str, account: str, deadline: Deadline) -> None:
        self._client = client
        self._account_arn = f"arn:{partition}:iam::{account}"
        self._deadline = deadline
        # For each piece that this request made: whether IAM shows it by now.
        self._made: list[Callable[[], object]] = []
        # Whether it gave a role a boundary, without which the account may grant no attachment.
        self._bounded = False

    def wait_until_seen(self) -> None:
        """Wait until IAM shows what this request made: for each piece SECONDS_TO_SETTLE at most. Raises nothing."""
        for is_seen in self._made:
            try:
                self._once_seen(is_seen)
            except EndpointError as error:
                logger.warning("Not known to be seen", extra={"cause": error.reason})

    def find_role(self, name: str) -> Role | None:
        """The role of this name, under whatever path."""
        with aws_call(f"get-role {name}"), suppress(self._client.exceptions.NoSuchEntityException):
            role = self._client.get_role(RoleName=name)["Role"]
            return _role(role, role.get("Tags", []))
        return None

    def find_policy(self, name: str, owner: Owner) -> Policy | None:
        """The policy of this name under the owner's path; one under another path is found when the name is taken."""
        return self.policy_at(self._policy_arn(name, owner))

    def _policy_arn(self, name: str, owner: Owner) -> str:
        return f"{self._account_arn}:policy{owner.path}{name}"

    def policy_at(self, arn: str) -> Policy | None:
        """The policy of this ARN, with the document of its default version."""
        name, document = name_in(arn), dict[str, Any]()
        with aws_call(f"get-policy {name}"), suppress(self._client.exceptions.NoSuchEntityException):
            policy = self._client.get_policy(PolicyArn=arn)["Policy"]
            with suppress(self._client.exceptions.NoSuchEntityException):
                version = self._client.get_policy_version(PolicyArn=arn, VersionId=policy["DefaultVersionId"])
                decoded: Any = version["PolicyVersion"]["Document"]  # by botocore, whatever its stubs say
                document |= decoded
            return Policy(name, arn, document, tags_in(policy.get("Tags", [])))
        return None

    def roles_of(self, owner: Owner) -> list[Role]:
        """The roles under the owner's path."""
        with aws_call(f"list-roles {owner.path}"):
            return self._settled(self._roles_with_tags, owner)

    def _roles_with_tags(self, owner: Owner) -> list[Role]:
        """ListRoles returns no tags. Raises ClientError (NoSuchEntity) when one of the two calls is outdated."""
        pages = self._client.get_paginator("list_roles").paginate(PathPrefix=owner.path)
        roles = [role for page in pages for role in page["Roles"]]
        return [_role(role, self._client.list_role_tags(RoleName=role["RoleName"])["Tags"]) for role in roles]

    def policies_of(self, owner: Owner) -> list[Policy]:
        """The policies under the owner's path, without their documents."""
        with aws_call(f"list-policies {owner.path}"):
            return self._settled(self._policies_with_tags, owner)

    def _policies_with_tags(self, owner: Owner) -> list[Policy]:
        """ListPolicies returns no tags. Raises ClientError as `_roles_with_tags`."""
        pages = self._client.get_paginator("list_policies").paginate(Scope="Local", PathPrefix=owner.path)
        policies = [policy for page in pages for policy in page["Policies"]]
        tags = [tags_in(self._client.list_policy_tags(PolicyArn=policy["Arn"])["Tags"]) for policy in policies]
        return [Policy(p["PolicyName"], p["Arn"], {}, tags) for p, tags in zip(policies, tags, strict=True)]

    def role_once_seen(self, name: str) -> Role | None:
        """The role of a name that IAM says is taken, once IAM shows it; None if it never does."""
        return self._once_seen(partial(self.find_role, name))

    def policy_once_seen(self, name: str, owner: Owner) -> Policy | None:
        """The policy of a name that IAM says is taken, once IAM shows it under any path; None if it never does."""
        return self._once_seen(partial(self._policy_anywhere, name, owner))

    def _policy_anywhere(self, name: str, owner: Owner) -> Policy | None:
        return self.find_policy(name, owner) or self.policy_elsewhere(name, owner)

    def policy_elsewhere(self, name: str, owner: Owner) -> Policy | None:
        """The policy of this name under another path; without document and tags if it may not be read."""
        with aws_call(f"list-policies for {name}"):
            pages = self._client.get_paginator("list_policies").paginate(Scope="Local")
            named = (policy for page in pages for policy in page["Policies"] if policy["PolicyName"] == name)
            arn = next((policy["Arn"] for policy in named if policy["Path"] != owner.path), "")
        try:
            return self.policy_at(arn) if arn else None
        except EndpointError as error:
            if error.code is not Code.ACCESS_DENIED:
                raise
            return Policy(name, arn, {}, {})

    def _once_seen(self, find: Callable[[], Answer | None]) -> Answer | None:
        for _waited in self._deadline.attempts(at_most=SECONDS_TO_SETTLE):
            if found := find():
                return found
        return None

    def create_policy(self, name: str, document: Document, owner: Owner, tags: Mapping[str, str]) -> Policy | None:
        """The new policy with these tags and the owner's; None if the name is taken."""
        tags = dict(tags) | owner.tags(fingerprint(document))
        given = {"PolicyName": name, "Path": owner.path, "PolicyDocument": json.dumps(document), "Tags": tag_list(tags)}
        with aws_call(f"create-policy {name}"), suppress(self._client.exceptions.EntityAlreadyExistsException):
            answer = self._make(partial(self.find_policy, name, owner), self._client.create_policy, **given)
            return Policy(name, answer["Policy"]["Arn"], document, tags)
        return None

    def replace_document(self, policy: Policy, document: Document) -> None:
        """Make the document the policy's default version."""
        given: Any = {"PolicyArn": policy.arn, "PolicyDocument": json.dumps(document), "SetAsDefault": True}
        with aws_call(f"create-policy-version {policy.name}"):
            try:
                self._client.create_policy_version(**given)
            except self._client.exceptions.LimitExceededException:
                self._delete_versions(policy, VERSIONS_KEPT)
                self._client.create_policy_version(**given)

    def _delete_versions(self, policy: Policy, keep: int) -> None:
        """Delete the oldest versions, never the default one."""
        versions = self._client.list_policy_versions(PolicyArn=policy.arn)["Versions"]
        dispensable = sorted((v for v in versions if not v["IsDefaultVersion"]), key=lambda v: v["CreateDate"])
        for version in dispensable[: max(len(versions) - keep, 0)]:
            with suppress(self._client.exceptions.NoSuchEntityException):
                self._client.delete_policy_version(PolicyArn=policy.arn, VersionId=version["VersionId"])

    def create_role(self, name: str, trust: Document, boundary: str, path: str, tags: Mapping[str, str]) -> Role | None:
        """The new role; None if the name is taken. An empty boundary is none."""
        given = {"RoleName": name, "Path": path, "AssumeRolePolicyDocument": json.dumps(trust)}
        more = {"Tags": tag_list(tags), "Description": "Lets AWS DMS write to the bucket of its target endpoint"}
        bounded = {"PermissionsBoundary": boundary} if boundary else {}
        with aws_call(f"create-role {name}"), suppress(self._client.exceptions.EntityAlreadyExistsException):
            answer = self._make(partial(self.find_role, name), self._client.create_role, **given, **more, **bounded)
            return Role(name, answer["Role"]["Arn"], trust, boundary, tags)
        return None

    def _make(self, is_seen: Callable[[], object], call: Callable[..., Answer], **given: Any) -> Answer:
        """The call's answer. Note what it makes, unless IAM says that it made nothing."""
        self._made.append(is_seen)
        try:
            return call(**given)
        except ClientError as error:
            if is_definite(error):
                self._made.remove(is_seen)
            raise

    def attached_policy_arns(self, role: Role) -> frozenset[str]:
        """The ARNs of the managed policies that the role has."""
        with (
            aws_call(f"list-attached-role-policies {role.name}"),
            suppress(self._client.exceptions.NoSuchEntityException),
        ):
            answer = self._client.list_attached_role_policies(RoleName=role.name)
            return frozenset(policy["PolicyArn"] for policy in answer["AttachedPolicies"])
        return frozenset()

    def set_boundary(self, role: Role, boundary: str) -> None:
        """Set the role's permissions boundary, or take it off if `boundary` is empty."""
        self._bounded = True
        with aws_call(f"put-role-permissions-boundary {role.name}"):
            if boundary:
                self._client.put_role_permissions_boundary(RoleName=role.name, PermissionsBoundary=boundary)
            else:
                self._client.delete_role_permissions_boundary(RoleName=role.name)

    def set_trust(self, role: Role, trust: Document) -> None:
        """Replace the role's trust policy."""
        document = json.dumps(trust)
        with aws_call(f"update-assume-role-policy {role.name}"):
            self._settled(self._client.update_assume_role_policy, RoleName=role.name, PolicyDocument=document)

    def attach(self, role: Role, policy: Policy) -> None:
        """Attach the policy to the role."""
        with aws_call(f"attach-role-policy {role.name} {policy.name}"):
            self._settled(self._client.attach_role_policy, RoleName=role.name, PolicyArn=policy.arn)

    def detach(self, role_name: str, policy: Policy) -> None:
        """Detach the policy from the role, if it is attached."""
        with (
            aws_call(f"detach-role-policy {role_name} {policy.name}"),
            suppress(self._client.exceptions.NoSuchEntityException),
        ):
            self._client.detach_role_policy(RoleName=role_name, PolicyArn=policy.arn)

    def tag_role(self, role: Role, added: Mapping[str, str], removed: Iterable[str]) -> None:
        """Remove the tags of the keys, then add the others: to IAM, keys of a role that differ in case are one."""
        with aws_call(f"tag-role {role.name}"):
            if keys := list(removed):
                self._client.untag_role(RoleName=role.name, TagKeys=keys)
            if added:
                self._client.tag_role(RoleName=role.name, Tags=tag_list(added))

    def tag_policy(self, policy: Policy, added: Mapping[str, str], removed: Iterable[str]) -> None:
        """Remove the tags of the keys, then add the others."""
        with aws_call(f"tag-policy {policy.name}"):
            if keys := list(removed):
                self._client.untag_policy(PolicyArn=policy.arn, TagKeys=keys)
            if added:
                self._client.tag_policy(PolicyArn=policy.arn, Tags=tag_list(added))

    def delete_role(self, role: Role, attached: Iterable[Policy] = ()) -> None:
        """Delete the role with everything attached to it; a role that is gone already is fine.

        The `attached` policies are detached first; anything else IAM reports as a conflict.
        """
        try:
            for policy in attached:
                self.detach(role.name, policy)
            with aws_call(f"delete-role {role.name}"):
                exists = partial(self.find_role, role.name)
                self._delete(self._client.delete_role, {"RoleName": role.name}, partial(self._strip, role), exists)
        except EndpointError as error:
            # A call names the role without its path. So IAM denies it for a role that is gone: no path is granted.
            if error.code is not Code.ACCESS_DENIED or self.find_role(role.name):
                raise

    def _strip(self, role: Role) -> None:
        for arn in self.attached_policy_arns(role):
            self._client.detach_role_policy(RoleName=role.name, PolicyArn=arn)
        for name in self._client.list_role_policies(RoleName=role.name)["PolicyNames"]:
            self._client.delete_role_policy(RoleName=role.name, PolicyName=name)

    def delete_policy(self, policy: Policy) -> None:
        """Delete the policy with all its versions; a policy that is gone already is fine.

        Raises EndpointError (NameTaken) if somebody attached it elsewhere: what is theirs is not ours to change.
        """
        clear, exists = partial(self._delete_versions, policy, keep=1), partial(self._exists, policy)
        with aws_call(f"delete-policy {policy.name}"):
            try:
                self._delete(self._client.delete_policy, {"PolicyArn": policy.arn}, clear, exists)
            except self._client.exceptions.DeleteConflictException:
                self._refuse_if_attached(policy)
                raise

    def _exists(self, policy: Policy) -> bool:
        with suppress(self._client.exceptions.NoSuchEntityException):
            self._client.get_policy(PolicyArn=policy.arn)
            return True
        return False

    def attached_to(self, policy: Policy) -> list[str]:
        """The names of the roles, users and groups that have the policy."""
        with (
            aws_call(f"list-entities-for-policy {policy.name}"),
            suppress(self._client.exceptions.NoSuchEntityException),
        ):
            answer = self._client.list_entities_for_policy(PolicyArn=policy.arn)
            names = [role["RoleName"] for role in answer["PolicyRoles"]]
            names += [user["UserName"] for user in answer["PolicyUsers"]]
            return names + [group["GroupName"] for group in answer["PolicyGroups"]]
        return []

    def _refuse_if_attached(self, policy: Policy) -> None:
        if names := self.attached_to(policy):
            raise EndpointError(
                Code.NAME_TAKEN,
                f"delete-policy {policy.name}: somebody attached it to {', '.join(names)}",
                "Detach it there and deploy again",
            )

    def _delete(
        self,
        call: Callable[..., object],
        given: Mapping[str, str],
        clear: Callable[[], None],
        exists: Callable[[], object],
    ) -> None:
        """Delete, retrying until gone. On DeleteConflict, `clear` removes what is in the way.

        What IAM doesn't know and then shows was made a moment ago. What is gone has no tags any more, by which the
        call would be granted: so a denial may mean that it is gone.
        """
        for _waited in self._deadline.attempts(at_most=SECONDS_TO_SETTLE):
            try:
                call(**given)
                return
            except ClientError as error:
                refusal = error
            if error_code(refusal) == "DeleteConflict":
                with suppress(self._client.exceptions.NoSuchEntityException):
                    clear()
            elif (error_code(refusal) == "NoSuchEntity" or is_denial(refusal)) and not exists():
                return
            if not self._may_settle(refusal):
                break
        raise refusal

    def _settled(self, call: Callable[..., Answer], *args: Any, **kwargs: Any) -> Answer:
        """Repeat the call while IAM answers with what a recent change may cause."""
        for _waited in self._deadline.attempts(at_most=SECONDS_TO_SETTLE):
            try:
                return call(*args, **kwargs)
            except ClientError as error:
                if not self._may_settle(error):
                    raise
                unsettled = error
        raise unsettled

    def _may_settle(self, error: ClientError) -> bool:
        """Tags and a boundary grant many calls, and IAM may not see yet those that this request gave."""
        return error_code(error) in UNSETTLED or (is_denial(error) and (bool(self._made) or self._bounded))


def _role(role: RoleTypeDef, tags: list[TagTypeDef]) -> Role:
    trust: Any = role.get("AssumeRolePolicyDocument", {})  # botocore decodes it, whatever its stubs say
    boundary = role.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn", "")
    return Role(role["RoleName"], role["Arn"], trust, boundary, tags_in(tags))
