"""Whose a piece is: tags and an IAM path that name the stack's resource."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from .hashing import fingerprint

# Roles and policies live below this path, so that accounts/data-lake.yaml can grant no others.
ROOT_PATH = "/dms-s3-endpoint/"
PREFIX = "dms-s3-endpoint:"
STACK_ID = PREFIX + "stack-id"
LOGICAL_ID = PREFIX + "logical-id"
PHYSICAL_ID = PREFIX + "physical-id"
FINGERPRINT = PREFIX + "fingerprint"
# The RequestId with which the life began that the piece belongs to; pieces of version 1.0.0 have none. See lives.py.
LIFE = PREFIX + "life"
# The mark of a hand-made piece that ADOPT imported. See procedure/adoption.py.
ADOPTED = PREFIX + "adopted"
# On the role of accounts/data-lake.yaml: the ARN of the permissions boundary that the account demands of each role.
DEMANDED_BOUNDARY = PREFIX + "boundary"
TAG_VALUE_LENGTH = 256


@dataclass(frozen=True)
class Owner:
    """One life of one physical resource of one stack's logical resource; an empty `life` is one of version 1.0.0."""

    stack_id: str
    logical_id: str
    physical_id: str
    life: str = ""

    @property
    def path(self) -> str:
        """The IAM path of this stack's logical resource; listing it finds its pieces when their names are unknown."""
        return f"{ROOT_PATH}{fingerprint([self.stack_id, self.logical_id])[:16]}/"

    def tags(self, fingerprint: str) -> dict[str, str]:
        """The ownership tags of a piece with this fingerprint."""
        return {
            STACK_ID: self.stack_id,
            LOGICAL_ID: self.logical_id,
            PHYSICAL_ID: tag_value(self.physical_id),
            FINGERPRINT: fingerprint,
        } | ({LIFE: self.life} if self.life else {})

    def owns(self, tags: Mapping[str, str]) -> bool:
        """Whether the tags name this very life."""
        return self.is_of_physical_resource(tags) and tags.get(LIFE, "") == self.life

    def is_of_physical_resource(self, tags: Mapping[str, str]) -> bool:
        """Whether the tags name this physical resource, whichever its life."""
        return self.is_of_logical_resource(tags) and tags.get(PHYSICAL_ID) == tag_value(self.physical_id)

    def is_of_logical_resource(self, tags: Mapping[str, str]) -> bool:
        """Whether the tags name this stack's logical resource, whatever its physical id."""
        return tags.get(STACK_ID) == self.stack_id and tags.get(LOGICAL_ID) == self.logical_id


@dataclass(frozen=True)
class Scope:
    """What a removal takes away: one life, or where none is known, every life of the physical resource."""

    owner: Owner
    every_life: bool = False

    def contains(self, tags: Mapping[str, str]) -> bool:
        """Whether the piece with these tags is to be removed."""
        return self.owner.is_of_physical_resource(tags) if self.every_life else self.owner.owns(tags)


def is_unowned(tags: Mapping[str, str]) -> bool:
    """Whether no resource of any stack owns the piece."""
    return STACK_ID not in tags


def is_adopted(tags: Mapping[str, str]) -> bool:
    """Whether the piece was made by hand and imported by ADOPT."""
    return ADOPTED in tags


def is_reserved(key: str) -> bool:
    """Whether a tag of this key is AWS's or ours, so that TAGS may not set it and no update removes it."""
    return key.lower().startswith(("aws:", "dms:", PREFIX))


def ownership_keys(tags: Mapping[str, str]) -> list[str]:
    """The keys of our tags; without them the piece is unowned again."""
    return sorted(key for key in tags if key.startswith(PREFIX))


def owner_named_by(tags: Mapping[str, str]) -> str:
    """The owner in words, for an error message."""
    if is_unowned(tags):
        return "owned by no stack, by its tags"
    return f"{tags.get(LOGICAL_ID)} of stack {tags[STACK_ID].rpartition(':stack/')[2]}"


def stack_name(stack_id: str) -> str:
    """The name in arn:…:stack/<name>/<uuid>; empty for any other text."""
    return stack_id.partition(":stack/")[2].partition("/")[0]


def tag_value(text: str) -> str:
    """The text, or where it is longer than a tag value may be, its head and a hash of the whole."""
    if len(text) <= TAG_VALUE_LENGTH:
        return text
    return f"{text[: TAG_VALUE_LENGTH - 33]}-{fingerprint(text)[:32]}"
