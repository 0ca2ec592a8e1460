"""Physical ids: `<environment>/<endpoint-identifier>`, and the marker of a request that made nothing.

An id is known before the first call to AWS, and never changes while the resource stands.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from .environments import RESERVED_NAME


@dataclass(frozen=True)
class PhysicalId:
    """The id of an endpoint; its text is what CloudFormation stores."""

    environment: str
    endpoint_identifier: str

    def __str__(self) -> str:
        return f"{self.environment}/{self.endpoint_identifier}"


def read_physical_id(text: str) -> PhysicalId | None:
    """The parts of an id that this function issued; None for the marker and for ids that CloudFormation invented."""
    environment, slash, identifier = text.partition("/")
    if not slash or is_marker(text):
        return None
    return PhysicalId(environment, identifier)


def marker(logical_id: str) -> str:
    """The id to answer with when nothing was made; its Delete does nothing, so the rollback succeeds."""
    return f"{RESERVED_NAME}/{logical_id}"


def is_marker(text: str) -> bool:
    """Whether the id stands for a request that made nothing."""
    return text.startswith(f"{RESERVED_NAME}/")


def id_without_lease(logical_id: str, request_id: str) -> str:
    """The id of a Create that could not look whether another delivery of it had made something."""
    return f"{logical_id}-{request_id}"


def is_id_without_lease(text: str, logical_id: str) -> bool:
    """Whether the id is one of these; CloudFormation invents <stack>-<logical id>-<13 letters and digits>."""
    return re.fullmatch(rf"{re.escape(logical_id)}-[0-9a-f]{{8}}(-[0-9a-f]{{4}}){{3}}-[0-9a-f]{{12}}", text) is not None
