"""Takes our tags off what a stack retained, so that another stack can adopt it. Changes nothing else.

    python -m dms_s3_endpoint_cli release --endpoint orders --role dms-orders --policy dms-orders \\
        --data-lake-profile lake-dev --dms-profile dms-dev --tools-profile tools

It works with the caller's own credentials, and refuses while CloudFormation still knows the pieces. Exits with 1 if it
refuses, with 2 if it can't be made.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from dms_s3_endpoint.model.errors import one_line
from dms_s3_endpoint.model.ownership import ADOPTED, Owner, stack_name

from .accounts import Accounts, Piece
from .errors import CannotError, RefusedError
from .known import asked, objection

# The order in which they lose their tags: the endpoint, whose name everybody knows, tells its owner to the last. An
# adoption takes all three or none, so a run that was interrupted is run again.
KINDS = ("policy", "role", "endpoint")
# IAM and DMS may show for some seconds what was before.
SECONDS_BETWEEN_LOOKS = (0, 1, 2, 4, 8)
RISK = (
    "if the stack still has them, its next Delete leaves them standing, and its next update fails with NameTaken, its "
    "rollback too"
)


def main(arguments: Sequence[str]) -> int:
    """Shows whose the pieces are, and releases them. The exit status: 0, 1 if it refuses, 2 if it can't be made."""
    try:
        _release(_given(arguments))
    except RefusedError as error:
        print(f"Refused: {one_line(str(error))}", file=sys.stderr)
        return 1
    except (CannotError, BotoCoreError, ClientError) as error:
        print(f"The release can't be made: {one_line(str(error))}", file=sys.stderr)
        return 2
    return 0


def _given(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m dms_s3_endpoint_cli release", description="See docs/adoption.md")
    for kind in KINDS:
        parser.add_argument(f"--{kind}", metavar="NAME", help=f"the {kind} that the stack retained")
    parser.add_argument("--data-lake-profile", metavar="PROFILE", help="for the account of role and policy")
    parser.add_argument("--dms-profile", metavar="PROFILE", help="for the account of the endpoint")
    parser.add_argument("--tools-profile", metavar="PROFILE", help="for the account of the stack that retained them")
    parser.add_argument("--region", help="of the endpoint")
    parser.add_argument("--yes", action="store_true", help="don't ask")
    parser.add_argument("--force", action="store_true", help=f"whatever CloudFormation says: {RISK}")
    given = parser.parse_args(arguments)
    if not any(vars(given)[kind] for kind in KINDS):
        parser.error("name at least one: --endpoint, --role, --policy")
    return given


def _release(given: argparse.Namespace) -> None:
    lake, dms = (boto3.Session(profile_name=each) for each in (given.data_lake_profile, given.dms_profile))
    accounts = Accounts(lake.client("iam"), dms.client("dms", region_name=given.region))
    pieces = _shown({kind: vars(given)[kind] for kind in KINDS if vars(given)[kind]}, accounts)
    owner = the_owner(pieces)
    if owner is None:
        print("Nothing to do.")
        return
    why_not = objection(owner, asked(owner, boto3.Session(profile_name=given.tools_profile)))
    if why_not and not given.force:
        raise RefusedError(why_not)
    print(f"Forced, though {why_not}. Beware: {RISK}." if why_not else "CloudFormation no longer knows them.")
    _confirm(given.yes)
    for piece in pieces:
        if piece.owner:
            accounts.untag(piece)
            print(f"{piece}: tags taken off")
    _look_again(pieces, accounts)


def _shown(names: Mapping[str, str], accounts: Accounts) -> list[Piece]:
    """The pieces of these names by kind that exist; says of each whose it is."""
    pieces = []
    for kind, name in names.items():
        if piece := accounts.find(kind, name):
            pieces.append(piece)
        print(_described(piece) if piece else f"{kind} {name} does not exist")
    if not pieces:
        raise CannotError("none of them exists. Look at the names, the profiles and the region")
    return pieces


def _described(piece: Piece) -> str:
    if piece.owner is None:
        return f"{piece}, {piece.arn}\n    no stack's: it is free already"
    mark = ", imported by ADOPT" if ADOPTED in piece.ours else ""
    return f"{piece}, {piece.arn}\n    {_in_words(piece.owner)}{mark}"


def _in_words(owner: Owner) -> str:
    return f"{owner.logical_id}, {owner.physical_id}, of stack {stack_name(owner.stack_id)}, {owner.stack_id}"


def the_owner(pieces: Sequence[Piece]) -> Owner | None:
    """The one owner of those that have one; None if none has. Raises RefusedError if they differ."""
    owners = {str(piece): piece.owner for piece in pieces if piece.owner}
    if len(set(owners.values())) > 1:
        whose = "; ".join(f"{piece} is {_in_words(owner)}" for piece, owner in owners.items())
        raise RefusedError(f"they have different owners. Name those of one owner alone. {whose}")
    return next(iter(owners.values()), None)


def _confirm(is_confirmed: bool) -> None:
    """Ask, where somebody is there to answer. Raises CannotError unless it is confirmed."""
    with suppress(EOFError, KeyboardInterrupt):
        if is_confirmed or (sys.stdin.isatty() and input("Take these tags off? [y/N] ").lower() in ("y", "yes")):
            return
    raise CannotError("it is not confirmed. --yes confirms it where nobody is asked")


def _look_again(pieces: Sequence[Piece], accounts: Accounts) -> None:
    """Says what stands without our tags. Raises CannotError if any has an owner still."""
    for seconds in SECONDS_BETWEEN_LOOKS:
        time.sleep(seconds)
        now = [found for piece in pieces if (found := accounts.find(piece.kind, piece.name))]
        owned = [str(piece) for piece in now if piece.owner]
        if not owned:
            print(f"Free now: {', '.join(map(str, now))}.")
            return
    raise CannotError(f"{', '.join(owned)} still shows an owner, or has one again. Run this again")
