"""AWS's partitions, as the SDK describes them."""

from __future__ import annotations

from functools import cache

from botocore.loaders import create_loader


@cache
def dns_suffix(partition: str) -> str:
    """What the names of a partition's hosts end with, as amazonaws.com; empty for a partition that the SDK lacks."""
    described = create_loader().load_data("partitions")["partitions"]
    return next((str(each["outputs"]["dnsSuffix"]) for each in described if each["id"] == partition), "")
