"""What CloudFormation sent, and the physical ids that requests are answered with.

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/crpg-ref-requests.html
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..model.environments import read_environments
from ..model.errors import Code, EndpointError
from ..model.ownership import Owner, is_reserved
from ..model.parse import identity_in
from ..model.physical_id import marker, read_physical_id

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
        )

    def owner(self, physical_id: str) -> Owner:
        """The owner of what this event's resource has under the physical id."""
        return Owner(self.stack_id, self.logical_id, physical_id)

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

    def failed_id(self, code: Code, variables: Mapping[str, str]) -> str:
        """The physical id that a failure is answered with: the event's own, or that of the Create's properties.

        The marker if the properties give none, or if the Create could not assume its roles and so made nothing: with
        the real id the Delete of the rollback would be denied just the same. `variables` are the function's.
        """
        if self.physical_id:
            return self.physical_id
        if code is Code.ASSUME_ROLE_DENIED:
            return marker(self.logical_id)
        try:
            intended = identity_in(self.properties, read_environments(variables))
        except EndpointError:
            intended = None
        return str(intended) if intended else marker(self.logical_id)


def _folded(given: object) -> dict[str, Any]:
    """The keys in upper case; empty for what is no map."""
    return {str(key).upper(): value for key, value in given.items()} if isinstance(given, Mapping) else {}
