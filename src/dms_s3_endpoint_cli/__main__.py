"""`python -m dms_s3_endpoint_cli <command>`: the commands beside the function.

`check` says what the next deployment of a stack would do; `release` takes our tags off what a stack retained; `schema`
prints the resource as a JSON schema; `tasks` saves the tasks of an endpoint before an update, and restores them after.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Sequence

COMMANDS = ("check", "release", "schema", "tasks")


def main(arguments: Sequence[str]) -> int:
    """The exit status of the command that the first argument names; it gets the other arguments."""
    pages = "See docs/check.md, docs/adoption.md, docs/linting.md, docs/tasks.md"
    parser = argparse.ArgumentParser("python -m dms_s3_endpoint_cli", description=pages)
    parser.add_argument("command", choices=COMMANDS)
    command = parser.parse_args(arguments[:1]).command
    # Only now: `schema` needs none of the libraries of `check`.
    module = importlib.import_module(f"{__package__}.{command}")
    status: int = module.main(list(arguments[1:]))
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
