"""What the users of the server control and read; one of it for the server."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from .switches import Switches
from .wire import Answer, Call


@dataclass
class PlannedFault:
    service: str
    operation: str
    fault: str
    nth: int
    times: int
    seen: int = 0

    def strikes(self, service: str, operation: str) -> bool:
        if (service, operation) != (self.service, self.operation):
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

    def now(self) -> float:
        """Virtual seconds."""
        return (time.monotonic() - self.began) * self.scale
