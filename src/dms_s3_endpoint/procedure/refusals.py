"""Errors of what stands in the way: somebody else's pieces, and tasks on the endpoint."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from ..model.errors import Code, EndpointError
from ..model.ownership import Owner, is_unowned, owner_named_by
from ..model.pieces import Piece, piece_name

IMPORT = "import endpoint, role and policy as they are with ADOPT"
TASKS = "`python -m dms_s3_endpoint_cli tasks` does both (docs/tasks.md)"
RELEASE = "if that stack retained it, `python -m dms_s3_endpoint_cli release` it first"


def refusal_of_foreign(owner: Owner, piece: Piece, replaces: str = "") -> EndpointError:
    """The error for a piece that has a wanted name and another owner, or is of another life."""
    if replaces and replace(owner, physical_id=replaces).is_of_physical_resource(piece.tags):
        return EndpointError(
            Code.INVALID_REQUEST,
            f"{piece_name(piece)} belongs to the endpoint that this update replaces",
            "Change ROLENAME, POLICYNAME and ENDPOINTIDENTIFIER together in an account",
        )
    return name_taken(piece_name(piece), piece.tags)


def name_taken(name: str, tags: Mapping[str, str]) -> EndpointError:
    """The error for a name that somebody else has, with the owner that the tags tell."""
    return EndpointError(
        Code.NAME_TAKEN,
        f"{name} exists and is {owner_named_by(tags)}",
        f"Choose another name, or {IMPORT if is_unowned(tags) else RELEASE} (docs/adoption.md)",
    )


def endpoint_in_use(identifier: str, users: tuple[str, ...], comes_back: bool = True) -> EndpointError:
    """The error for an endpoint that DMS won't delete. `comes_back`: it is to be created again."""
    then = f"deploy again, then create them anew: {TASKS}" if comes_back else "then delete again"
    return EndpointError(
        Code.ENDPOINT_IN_USE,
        f"delete-endpoint {identifier}: used by {', '.join(users)}",
        f"Delete these first (stopping them is not enough), {then}",
    )
