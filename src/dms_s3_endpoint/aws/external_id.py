"""The ExternalId in what DMS says."""

from __future__ import annotations

import re

from botocore.exceptions import ClientError

from .errors import error_message

UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
# A caller, as AWS quotes it: its session's name ends in a RequestId, and both names may have a UUID in them.
SESSION = re.compile(r":assumed-role/[\w+=,.@-]{1,64}/[\w+=,.@-]{2,64}", re.ASCII)


def uuids_in(text: str) -> frozenset[str]:
    """The UUIDs in the text, in lower case."""
    return frozenset(found.lower() for found in UUID.findall(text))


def external_id_in(error: ClientError, never: frozenset[str] = frozenset()) -> str:
    """The ExternalId in a fault's text: a UUID after 'external id', otherwise a lone UUID; empty if there is none.

    It is never the id of the call itself, nor one within the caller's session, nor one of `never`, in lower case.
    """
    message = SESSION.sub("", error_message(error))
    others = never | uuids_in(str(error.response["ResponseMetadata"].get("RequestId", "")))
    named = re.search(r"external[\s_-]?id", message, re.IGNORECASE)
    ids = [found for found in UUID.finditer(message) if found[0].lower() not in others]
    near = [found[0] for found in ids if named and found.start() >= named.end()]
    if near:
        return near[0]
    alone = {found[0] for found in ids}
    return alone.pop() if len(alone) == 1 else ""
