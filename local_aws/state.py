"""The state of the server: what its users change through the controls, and what they read."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from .clock import Clock
from .switches import Switches
from .wire import Answer, Call, Decision, Fault, Shown


@dataclass
class PlannedFault:
    """A fault for `times` calls of an operation, from the `nth` that comes from now on."""

    service: str
    operation: str
    fault: Fault
    nth: int
    times: int
    event: str  # the RequestId of the CloudFormation event; empty for any call
    seen: int = 0

    def strikes(self, service: str, operation: str, event: str) -> bool:
        """Count a call. True if the fault is for this one."""
        if (service, operation) != (self.service, self.operation) or self.event not in ("", event):
            return False
        self.seen += 1
        return self.nth <= self.seen < self.nth + self.times


@dataclass
class State:
    """The one state of a server."""

    clock: Clock
    port: int = 0
    switches: Switches = field(default_factory=Switches)
    faults: list[PlannedFault] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)
    # The parameters that DMS refused to sessions of roles.
    refusals: list[str] = field(default_factory=list)
    # Only the last decisions, because a long run makes very many.
    decisions: deque[Decision] = field(default_factory=lambda: deque(maxlen=10_000))
    # By RequestId of a CloudFormation event: the MiniStack worker that runs the function for it.
    workers: dict[str, Any] = field(default_factory=dict)
    # By the access key of its session.
    sessions: dict[str, Any] = field(default_factory=dict)
    # By the ids in the path of a ResponseURL: MiniStack's own name of the request.
    tokens: dict[str, str] = field(default_factory=dict)
    # By the ids of stacks that are played or at work: the stack's status, and by logical id its resources.
    shown: dict[str, tuple[str, dict[str, Shown]]] = field(default_factory=dict)

    # The ARNs of DMS's endpoints in all accounts.
    endpoint_arns: Callable[[], list[str]] = list

    @property
    def scale(self) -> float:
        """The number of virtual seconds in a second."""
        return self.clock.scale

    def now(self) -> float:
        """Virtual seconds since the server began."""
        return self.clock.now()

    def show(self, stack_id: str, status: str, resources: dict[str, dict[str, str] | None]) -> None:
        """From now on CloudFormation shows this of the stack, beside what it shows of its other resources."""
        _status, before = self.shown.get(stack_id, ("", {}))
        kept = {name: shown for name, shown in before.items() if name not in resources}
        self.shown[stack_id] = (status, kept | {name: Shown(**given) for name, given in resources.items() if given})

    def event_of(self, access_key: str) -> str:
        """The RequestId of the event that the function with this session works on; empty for other callers."""
        return str(getattr(self.sessions.get(access_key), "event", ""))
