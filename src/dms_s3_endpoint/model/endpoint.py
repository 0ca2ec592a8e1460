"""The endpoint that a stack asks for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from .attributes import parse_attributes, values_for_fingerprint
from .environments import Environment
from .hashing import fingerprint
from .names import Named
from .physical_id import PhysicalId
from .properties import LONGEST_RESOURCE_IDENTIFIER
from .s3_settings import Setting, comparable, convert, members


@dataclass(frozen=True)
class Endpoint:
    """A target endpoint with its role and policy: the properties, checked and converted.

    Optional texts that are not given are empty. `s3_settings` is by the API's names, in the API's types.
    """

    environment: Environment
    endpoint_identifier: str
    resource_identifier: str
    policy_name: str
    role_name: str
    s3_settings: Mapping[str, Setting]
    extra_connection_attributes: str
    test_replication_instance_arn: str
    permissions_boundary: str
    tags: Mapping[str, str]
    adopt: bool
    # With ONUPDATE replace the suffix of the names, see generation.py; otherwise empty.
    generation: str = ""

    @property
    def physical_id(self) -> str:
        """The id that CloudFormation stores."""
        return str(PhysicalId(self.environment.name, self.endpoint_identifier))

    @property
    def bucket_name(self) -> str:
        """The bucket in the data-lake account."""
        return str(self.s3_settings["BucketName"])

    @property
    def effective_settings(self) -> dict[str, Setting]:
        """S3Settings and what ExtraConnectionAttributes add to them; attributes that the API does not know are text.

        Raises ValueError for attributes that were not checked and are none.
        """
        attributes = parse_attributes(self.extra_connection_attributes)
        known = {name: convert(name, value) if name in members() else value for name, value in attributes.items()}
        return known | dict(self.s3_settings)

    @property
    def fingerprint(self) -> str:
        """A hash of what CreateEndpoint is given: an endpoint with another one must be created again.

        Its value is that of version 1.0.0, which left out an empty CsvNullValue, so that no endpoint is created
        again because of a new version.
        """
        given = {name: value for name, value in self.s3_settings.items() if value != ""}
        effective = values_for_fingerprint(self.extra_connection_attributes) | given
        settings = {name: comparable(name, value) for name, value in effective.items()}
        return fingerprint([self.endpoint_identifier, self.resource_identifier, self.role_name, settings])


def spelled_as(wanted: Endpoint, named: Named) -> Endpoint:
    """The endpoint with the names of role and policy as they are spelled already: to IAM case makes no difference."""
    roles, policies = ({name.lower(): name for name in sorted(names)} for names in (named.roles, named.policies))
    return replace(
        wanted,
        role_name=roles.get(wanted.role_name.lower(), wanted.role_name),
        policy_name=policies.get(wanted.policy_name.lower(), wanted.policy_name),
    )


def derived_resource_identifier(endpoint_identifier: str) -> str:
    """The default tail of the ARN: at most 31 characters, and the same each time an endpoint is created again."""
    if len(endpoint_identifier) <= LONGEST_RESOURCE_IDENTIFIER:
        return endpoint_identifier
    return f"{endpoint_identifier[:20].rstrip('-')}-{fingerprint(endpoint_identifier)[:10]}"
