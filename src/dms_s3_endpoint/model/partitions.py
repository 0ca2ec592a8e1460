"""AWS's partitions, as the SDK describes them."""

from __future__ import annotations

from functools import cache

from .descriptions import descriptions


@cache
def dns_suffix(partition: str) -> str:
    """What the names of a partition's hosts end with, as amazonaws.com; empty for a partition that the SDK lacks."""
    described = descriptions().load_data("partitions")["partitions"]
    return next((str(each["outputs"]["dnsSuffix"]) for each in described if each["id"] == partition), "")
