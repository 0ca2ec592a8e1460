"""An endpoint, its role and its policy as an operator sees them in their accounts, and whose they are by their tags."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dms_s3_endpoint.aws.tags import tags_in
from dms_s3_endpoint.model.ownership import LOGICAL_ID, PHYSICAL_ID, PREFIX, STACK_ID, Owner

if TYPE_CHECKING:
    from mypy_boto3_dms import DatabaseMigrationServiceClient
    from mypy_boto3_dms.type_defs import FilterTypeDef
    from mypy_boto3_iam import IAMClient


@dataclass(frozen=True)
class Piece:
    """A policy, a role or an endpoint that stands."""

    kind: str
    name: str
    arn: str
    tags: Mapping[str, str]

    @property
    def ours(self) -> dict[str, str]:
        """By our key, the key of each of our tags as AWS has it: to IAM, keys of a role have no case."""
        spelled = {key.lower() if self.kind == "role" else key: key for key in self.tags}
        return {key: as_it_is for key, as_it_is in spelled.items() if key.startswith(PREFIX)}

    @property
    def owner(self) -> Owner | None:
        """Whose it is, whatever the life; None if it is no stack's. The physical id is as tags have it."""
        if STACK_ID not in self.ours:
            return None
        named = {key: self.tags[as_it_is] for key, as_it_is in self.ours.items()}
        return Owner(named[STACK_ID], named.get(LOGICAL_ID, ""), named.get(PHYSICAL_ID, ""))

    def __str__(self) -> str:
        """As "role dms-orders"."""
        return f"{self.kind} {self.name}"


class Accounts:
    """The data-lake account by `iam`, the DMS account by `dms`. Each method raises what botocore raises."""

    def __init__(self, iam: IAMClient, dms: DatabaseMigrationServiceClient) -> None:
        self._iam = iam
        self._dms = dms

    def find(self, kind: str, name: str) -> Piece | None:
        """The policy, role or endpoint of this name, under whatever path."""
        return {"policy": self._policy, "role": self._role, "endpoint": self._endpoint}[kind](name)

    def _policy(self, name: str) -> Piece | None:
        """Names are unique in an account. ListPolicies tells no tags."""
        pages = self._iam.get_paginator("list_policies").paginate(Scope="Local")
        arns = (each["Arn"] for page in pages for each in page["Policies"] if each["PolicyName"] == name)
        for arn in arns:
            return Piece("policy", name, arn, tags_in(self._iam.get_policy(PolicyArn=arn)["Policy"].get("Tags", [])))
        return None

    def _role(self, name: str) -> Piece | None:
        with suppress(self._iam.exceptions.NoSuchEntityException):
            role = self._iam.get_role(RoleName=name)["Role"]
            return Piece("role", name, role["Arn"], tags_in(role.get("Tags", [])))
        return None

    def _endpoint(self, identifier: str) -> Piece | None:
        """DMS keeps identifiers in lower case. An empty match is a ResourceNotFoundFault or an empty list."""
        filters: list[FilterTypeDef] = [{"Name": "endpoint-id", "Values": [identifier.lower()]}]
        with suppress(self._dms.exceptions.ResourceNotFoundFault):
            for endpoint in self._dms.describe_endpoints(Filters=filters)["Endpoints"]:
                arn = endpoint["EndpointArn"]
                tags = self._dms.list_tags_for_resource(ResourceArn=arn)["TagList"]
                return Piece("endpoint", identifier, arn, tags_in(tags))
        return None

    def untag(self, piece: Piece) -> None:
        """Take our tags off the piece, all in one call."""
        keys = sorted(piece.ours.values())
        match piece.kind:
            case "policy":
                self._iam.untag_policy(PolicyArn=piece.arn, TagKeys=keys)
            case "role":
                self._iam.untag_role(RoleName=piece.name, TagKeys=keys)
            case _:
                self._dms.remove_tags_from_resource(ResourceArn=piece.arn, TagKeys=keys)
