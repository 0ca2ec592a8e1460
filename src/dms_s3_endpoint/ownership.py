"""Who made an endpoint, role or policy: tags and an IAM path that name the stack's resource."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass

# Roles and policies live below this path, so that accounts/data-lake.yaml can grant no others.
ROOT_PATH = "/dms-s3-endpoint/"
PREFIX = "dms-s3-endpoint:"
STACK_ID = PREFIX + "stack-id"
LOGICAL_ID = PREFIX + "logical-id"
PHYSICAL_ID = PREFIX + "physical-id"
FINGERPRINT = PREFIX + "fingerprint"
# On a role whose endpoint was recreated by an update: which one, by its RequestId. See claim.py.
CHANGED_BY = PREFIX + "changed-by"
# On what was made by hand and is adopted; see adoption.py.
ADOPTED = PREFIX + "adopted"
TAG_VALUE_LENGTH = 256


@dataclass(frozen=True)
class Owner:
    """One physical resource of one stack's logical resource."""

    stack_id: str
    logical_id: str
    physical_id: str

    @property
    def path(self) -> str:
        """The IAM path of this stack's logical resource: ListRoles under it finds what it left, names unknown."""
        return f"{ROOT_PATH}{fingerprint([self.stack_id, self.logical_id])[:16]}/"

    def tags(self, fingerprint: str) -> dict[str, str]:
        return {
            STACK_ID: self.stack_id,
            LOGICAL_ID: self.logical_id,
            PHYSICAL_ID: tag_value(self.physical_id),
            FINGERPRINT: fingerprint,
        }

    def owns(self, tags: Mapping[str, str]) -> bool:
        """Whether the tags name this very physical resource."""
        return self.made_it(tags) and tags.get(PHYSICAL_ID) == tag_value(self.physical_id)

    def made_it(self, tags: Mapping[str, str]) -> bool:
        """Whether the tags name this stack's logical resource, in whatever physical form."""
        return tags.get(STACK_ID) == self.stack_id and tags.get(LOGICAL_ID) == self.logical_id


def is_reserved(key: str) -> bool:
    """Whether a tag of this key is AWS's or ours, and no user's."""
    return key.lower().startswith(("aws:", PREFIX))


def is_nobodys(tags: Mapping[str, str]) -> bool:
    """Whether no stack's resource has it, of this function's ones."""
    return STACK_ID not in tags


def is_adopted(tags: Mapping[str, str]) -> bool:
    return ADOPTED in tags


def keys_of_ours(tags: Mapping[str, str]) -> list[str]:
    """The keys without which the piece is nobody's again."""
    return sorted(key for key in tags if key.startswith(PREFIX))


def tags_to_add(live: Mapping[str, str], wanted: Mapping[str, str]) -> dict[str, str]:
    return {key: value for key, value in wanted.items() if live.get(key) != value}


def owner_named_by(tags: Mapping[str, str]) -> str:
    """The owner in words, for an error message."""
    if is_nobodys(tags):
        return "nobody's by its tags"
    return f"{tags.get(LOGICAL_ID)} of stack {tags[STACK_ID].rpartition(':stack/')[2]}"


def stack_name(stack_id: str) -> str:
    """Empty where the id is not one that CloudFormation gives: arn:…:stack/<name>/<uuid>."""
    return stack_id.partition(":stack/")[2].partition("/")[0]


def tag_value(text: str) -> str:
    """`text`, or where it is longer than a tag value may be, its head and a hash of the whole."""
    if len(text) <= TAG_VALUE_LENGTH:
        return text
    return f"{text[: TAG_VALUE_LENGTH - 33]}-{fingerprint(text)[:32]}"


def fingerprint(value: object) -> str:
    """A hash of plain values that doesn't depend on the order of keys."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()
