"""Saves the tasks and serverless replication configs of an endpoint to a file, and makes them again.

    python -m dms_s3_endpoint_cli tasks save --endpoint dev/orders --file orders.json --profile dms-dev
    python -m dms_s3_endpoint_cli tasks restore --file orders.json --profile dms-dev

It works with the caller's own credentials in the DMS account. A run that was interrupted is run again: it goes on.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from dms_s3_endpoint.aws.deadline import Deadline
from dms_s3_endpoint.model.errors import one_line

from .coming_back import Accepted
from .errors import CannotError, RefusedError
from .replications import Replications
from .restoring import Restore, restore
from .saving import Save, save

EXIT_CODES = """exit codes:
  0  it is done, or there was nothing to do
  1  it is refused: something would be lost, and the text says what you can decide
  2  it can't be done, or not to its end: run it again, it goes on"""
PROGRAM = "python -m dms_s3_endpoint_cli tasks"


def main(arguments: Sequence[str], waiting: Deadline | None = None) -> int:
    """Does what the arguments ask for. The exit status: see EXIT_CODES. `waiting` has the clock of all waits."""
    given = _parser().parse_args(arguments)
    try:
        session = boto3.Session(profile_name=given.profile, region_name=given.region)
        dms = Replications(session.client("dms"), waiting or Deadline(math.inf))
        if given.action == "save":
            save(Save(given.endpoint, given.file, _accepted(given), given.dry_run), dms, _say)
        else:
            restore(Restore(given.file, given.endpoint, given.dry_run), dms, _say)
    except RefusedError as error:
        print(f"Refused: {one_line(str(error))}", file=sys.stderr)
        return 1
    except (CannotError, BotoCoreError, ClientError, OSError) as error:
        print(f"It can't be done: {one_line(str(error))}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("Interrupted. Run it again, it goes on", file=sys.stderr)
        return 2
    return 0


def _say(line: str) -> None:
    # At once, also where it goes to a file: the last line tells how far a killed run came.
    print(line, flush=True)


def _accepted(given: argparse.Namespace) -> Accepted:
    return Accepted(given.reload, given.lose_changes)


def _parser() -> argparse.ArgumentParser:
    form: Any = {
        "description": "See docs/tasks.md",
        "epilog": EXIT_CODES,
        "formatter_class": argparse.RawDescriptionHelpFormatter,
    }
    parser = argparse.ArgumentParser(PROGRAM, **form)
    actions = parser.add_subparsers(dest="action", required=True, metavar="save | restore")
    saving = actions.add_parser("save", help="stop, write to a file, delete", **form)
    saving.add_argument("--endpoint", required=True, metavar="ENVIRONMENT/IDENTIFIER", help="or the identifier alone")
    saving.add_argument("--reload", action="store_true", help="what would lose changes may load all again instead")
    lose = "what would lose changes, and has no full load, may lose them"
    saving.add_argument("--lose-changes", action="store_true", help=lose)
    restoring = actions.add_parser("restore", help="make again what the file has, start what ran", **form)
    other = "the one that they come back on, if not the one that they were on"
    restoring.add_argument("--endpoint", default="", metavar="ENVIRONMENT/IDENTIFIER", help=other)
    for each in (saving, restoring):
        each.add_argument("--file", required=True, type=Path, help="of the saved tasks")
        each.add_argument("--dry-run", action="store_true", help="say what would be done, and change nothing")
        each.add_argument("--profile", help="for the account of the endpoint")
        each.add_argument("--region", help="of the endpoint")
    return parser
