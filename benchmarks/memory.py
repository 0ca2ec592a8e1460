"""`make memory`: what one request needs at its peak, beside what template.yaml gives the function."""

from __future__ import annotations

import re
import resource
from pathlib import Path

import boto3

import dms_s3_endpoint.app  # noqa: F401  # its weight is part of the figure
from dms_s3_endpoint.settings import members

ROOT = Path(__file__).resolve().parent.parent
KIB_IN_MIB = 1024


def main() -> None:
    """Python with the handler imported, the clients of a request made, and the API's model read."""
    for service in ("sts", "sts", "iam", "dms"):
        boto3.client(service, region_name="eu-west-1")
    members()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / KIB_IN_MIB
    given = re.search(r"MemorySize: (\d+)", (ROOT / "template.yaml").read_text())
    print(f"peak {peak:.0f} MiB of {given[1] if given else '?'} MiB")


if __name__ == "__main__":
    main()
