"""Tags, between mappings and the list form of IAM and DMS."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any


def tags_in(tags: Iterable[Any]) -> dict[str, str]:
    """Key to value of a list of {Key, Value}."""
    return {tag["Key"]: tag["Value"] for tag in tags}


def tag_list(tags: Mapping[str, str]) -> list[Any]:
    """The list of {Key, Value} of key to value."""
    return [{"Key": key, "Value": value} for key, value in tags.items()]
