"""What version 1.0.0 left in the accounts, for tests of the function that goes on from there.

Each file in tests/fixtures/version_1_0_0/ is one stack's resource. Its `requests` were sent, in this order, to 1.0.0's
own code, unchanged, in 1.0.0's own fakes of IAM and DMS (src/ and tests/unit/in_memory.py as of commit c7f52cd). Then
its roles, policies and endpoints were written down. A request that was killed says at which call; the others succeeded.

The files are facts about a version that is in use. They are never made again, least of all with later code. If a test
on them fails, the function is wrong, and not the file.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from development.faults.inventory import Inventory

from .in_memory import CloudInMemory

Given = dict[str, Any]
FOLDER = Path(__file__).parents[1] / "fixtures" / "version_1_0_0"
# On a role whose endpoint an update of 1.0.0 was changing: its RequestId, then " ended" unless it was killed.
CHANGED_BY = "dms-s3-endpoint:changed-by"
NAMES = sorted(path.stem for path in FOLDER.glob("*.json"))


@dataclass(frozen=True)
class Record:
    """One stack's resource as 1.0.0 left it."""

    about: str
    stack_id: str
    logical_id: str
    requests: list[Given]
    roles: dict[str, Given]
    policies: dict[str, Given]
    endpoints: dict[str, Given]

    @classmethod
    def read(cls, name: str) -> Record:
        return cls(**json.loads((FOLDER / f"{name}.json").read_text()))

    @cached_property
    def _succeeded(self) -> Given:
        return next(request for request in reversed(self.requests) if "answered" in request)

    @property
    def physical_id(self) -> str:
        """The id that CloudFormation knows."""
        return str(self._succeeded["answered"]["PhysicalResourceId"])

    @property
    def properties(self) -> Given:
        """The properties that CloudFormation believes to stand."""
        return dict(self._succeeded["ResourceProperties"])

    @property
    def killed(self) -> Given:
        """The last request, which was killed."""
        assert "killed" in self.requests[-1], self.about
        return self.requests[-1]

    def put_into(self, cloud: CloudInMemory) -> None:
        """Make it all by the calls of IAM and DMS, in accounts that have none of it, an hour ago."""
        for name, policy in self.policies.items():
            _put_policy(cloud, name, policy)
        for name, role in self.roles.items():
            _put_role(cloud, name, role)
        for identifier, endpoint in self.endpoints.items():
            _put_endpoint(cloud, identifier, endpoint)
        cloud.wait_for_nothing()

    def inventory(self) -> Inventory:
        """What `CloudInMemory.inventory` must show; of the endpoints, only what is recorded."""
        roles = [(role["arn"], _without(role, "arn", "path")) for role in self.roles.values()]
        policies = [
            (policy["arn"], {"document": policy["versions"][policy["default_version"]], "tags": policy["tags"]})
            for policy in self.policies.values()
        ]
        endpoints = [
            (endpoint["arn"], {"ExternalId": endpoint["external_id"], "Status": endpoint["status"]})
            for endpoint in self.endpoints.values()
        ]
        return dict(roles + policies + endpoints)


def _put_policy(cloud: CloudInMemory, name: str, policy: Given) -> None:
    """With its versions under the numbers that they have."""
    versions, made = policy["versions"], {"PolicyArn": policy["arn"]}
    latest = int(policy["default_version"].removeprefix("v"))
    documents = [json.dumps(versions.get(f"v{number}", {})) for number in range(1, latest + 1)]
    cloud.iam.create_policy(
        PolicyName=name, Path=policy["path"], PolicyDocument=documents[0], Tags=_tag_list(policy["tags"])
    )
    for document in documents[1:]:
        cloud.iam.create_policy_version(**made, PolicyDocument=document, SetAsDefault=True)
    for version in {f"v{number}" for number in range(1, latest + 1)} - versions.keys():
        cloud.iam.delete_policy_version(**made, VersionId=version)


def _put_role(cloud: CloudInMemory, name: str, role: Given) -> None:
    boundary = {"PermissionsBoundary": role["boundary"]} if role["boundary"] else {}
    cloud.iam.create_role(
        RoleName=name,
        Path=role["path"],
        AssumeRolePolicyDocument=json.dumps(role["trust"]),
        Tags=_tag_list(role["tags"]),
        **boundary,
    )
    for arn in role["attached"]:
        cloud.iam.attach_role_policy(RoleName=name, PolicyArn=arn)


def _put_endpoint(cloud: CloudInMemory, identifier: str, endpoint: Given) -> None:
    """DMS accepts it at once, as the trust demands its ExternalId.

    The API would refuse the tail of a hand-made one's ARN, which DMS chose: it is longer than one that may be given.
    """
    attributes = ";".join(f"{name}={value}" for name, value in endpoint["attributes"].items())
    cloud.dms.endpoints.create_endpoint(
        {
            "EndpointIdentifier": identifier,
            "EndpointType": endpoint["direction"],
            "EngineName": endpoint["engine"],
            "ResourceIdentifier": endpoint["arn"].rpartition(":")[2],
            "S3Settings": endpoint["settings"],
            "ExtraConnectionAttributes": attributes,
            "Tags": _tag_list(endpoint["tags"]),
        }
    )


def _tag_list(tags: dict[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def _without(piece: Given, *names: str) -> Given:
    return {name: value for name, value in piece.items() if name not in names}
