"""What CloudFormation sent.

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/crpg-ref-requests.html
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

from ..model.lives import Life
from ..model.ownership import Owner, is_reserved
from ..model.physical_id import read_physical_id

# How long a ResponseURL is valid.
SECONDS_OF_A_URL = 7200.0
REQUEST_TYPES = ("Create", "Update", "Delete")


@dataclass(frozen=True)
class Event:
    """A request, without its ResponseURL. The properties are as they came, of whatever type."""

    request_type: str
    request_id: str
    stack_id: str
    logical_id: str
    physical_id: str
    properties: object
    old_properties: object
    # When it was sent, in seconds since 1970; 0 where the ResponseURL doesn't tell.
    issued: float = 0.0

    @classmethod
    def read(cls, event: Mapping[str, Any]) -> Event:
        """The event of a Lambda invocation; what it lacks is empty."""
        return cls(
            request_type=str(event.get("RequestType") or ""),
            request_id=str(event.get("RequestId") or ""),
            stack_id=str(event.get("StackId") or ""),
            logical_id=str(event.get("LogicalResourceId") or ""),
            physical_id=str(event.get("PhysicalResourceId") or ""),
            properties=event.get("ResourceProperties"),
            old_properties=event.get("OldResourceProperties"),
            issued=_issued(event),
        )

    @property
    def resource(self) -> str:
        """The stack's logical resource, in one text."""
        return f"{self.stack_id} {self.logical_id}"

    def owner(self, life: Life) -> Owner:
        """The owner of what this event's resource has in the life."""
        return Owner(self.stack_id, self.logical_id, life.physical_id, life.id)

    def old_tag_keys(self) -> frozenset[str]:
        """The keys of TAGS before this update, as far as the old properties tell.

        In a rollback the old properties are those that were refused: they may name reserved keys.
        """
        tags = _folded(self.old_properties).get("TAGS")
        listed = [_folded(tag) for tag in tags] if isinstance(tags, list) else []
        return frozenset(str(tag["KEY"]) for tag in listed if "KEY" in tag and not is_reserved(str(tag["KEY"])))

    def environment_name(self, deployed: Mapping[str, object] | list[str]) -> str:
        """The deployed environment that the event is about, by its properties or its physical id; or empty."""
        issued = read_physical_id(self.physical_id)
        named = [_folded(self.properties).get("ENVIRONMENT"), issued.environment if issued else ""]
        return next((name for name in named if isinstance(name, str) and name in deployed), "")


def _issued(event: Mapping[str, Any]) -> float:
    """Signing times have no fractions. Within a second a Delete is the last: it cancels a Create, for example."""
    issued = issued_at(str(event.get("ResponseURL") or ""))
    return issued + 0.5 if issued and event.get("RequestType") == "Delete" else issued


def issued_at(response_url: str) -> float:
    """When CloudFormation signed the ResponseURL, in seconds since 1970; 0 where it doesn't tell.

    Signature version 4 tells it; version 2 tells the end of the URL's two hours.
    """
    try:
        query = parse_qs(urlsplit(response_url).query)
        if "X-Amz-Date" in query:
            signed = datetime.strptime(query["X-Amz-Date"][0], "%Y%m%dT%H%M%SZ")
            return signed.replace(tzinfo=UTC).timestamp()
        return max(float(int(query.get("Expires", ["0"])[0])) - SECONDS_OF_A_URL, 0.0)
    except ValueError:
        return 0.0


def _folded(given: object) -> dict[str, Any]:
    """The keys in upper case; empty for what is no map."""
    return {str(key).upper(): value for key, value in given.items()} if isinstance(given, Mapping) else {}
