"""What the users of the server control and read; one of it for the server."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass, field
from typing import Any

from .switches import Switches
from .wire import Answer, Call, Decision, Fault


@dataclass
class PlannedFault:
    service: str
    operation: str
    fault: Fault
    nth: int
    times: int
    event: str  # the RequestId that it is for; empty for any
    seen: int = 0

    def strikes(self, service: str, operation: str, event: str) -> bool:
        if (service, operation) != (self.service, self.operation) or self.event not in ("", event):
            return False
        self.seen += 1
        return self.nth <= self.seen < self.nth + self.times


@dataclass
class State:
    scale: float
    began: float = field(default_factory=time.monotonic)
    switches: Switches = field(default_factory=Switches)
    faults: list[PlannedFault] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)
    # The last ones: a long run makes very many.
    decisions: deque[Decision] = field(default_factory=lambda: deque(maxlen=10_000))
    # By RequestId of a CloudFormation event: MiniStack's worker that runs the function for it.
    workers: dict[str, Any] = field(default_factory=dict)

    def now(self) -> float:
        """Virtual seconds."""
        return (time.monotonic() - self.began) * self.scale
