"""`python -m pipelines.drift STACK…`: whether anybody changed by hand what these stacks deployed.

CloudFormation's own drift detection can't tell: it reports IN_SYNC for a stack of which it can check no resource.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from dms_s3_endpoint_cli import check


def main(stacks: Sequence[str]) -> int:
    """Print what the next deployment of each stack would change. Returns `check`'s detailed exit code, 1 before 2."""
    codes = [0]
    for stack in stacks:
        print(f"{stack}:", flush=True)
        codes.append(check.main(["--stack-name", stack, "--detailed-exitcode"]))
    return 1 if 1 in codes else max(codes)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
