"""Events that the function works on at the same time, in virtual time, in an order that a test decides on.

Each runs in a thread of its own, and only one of them at a time: at each call and each sleep it hands over.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from .builders import FakeClock

# Given how many could go on now, which one does.
Choose = Callable[[int], int]


@dataclass(eq=False)
class Runner:
    """One of the events: when it wants to go on, and what came of it."""

    work: Callable[[], Any]
    wakes: float
    turn: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    ended: bool = False
    outcome: Any = None


@dataclass
class RacingClock(FakeClock):
    """A clock whose sleep hands over to the others."""

    choose: Choose = lambda _count: 0
    runners: list[Runner] = field(default_factory=list)
    handed_over: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    running: threading.local = field(default_factory=threading.local)

    def sleep(self, seconds: float) -> None:
        runner: Runner | None = getattr(self.running, "runner", None)
        if runner is None:
            super().sleep(seconds)
            return
        runner.wakes = self.now + seconds
        self.handed_over.release()
        runner.turn.acquire()

    def race(self, *works: tuple[float, Callable[[], Any]]) -> list[Any]:
        """What came of each, which begins so many seconds from now."""
        self.runners = [Runner(work, self.now + begins) for begins, work in works]
        threads = [threading.Thread(target=self._run, args=(runner,), daemon=True) for runner in self.runners]
        for thread in threads:
            thread.start()
        while waiting := [runner for runner in self.runners if not runner.ended]:
            self.now = max(self.now, min(runner.wakes for runner in waiting))
            ready = [runner for runner in waiting if runner.wakes <= self.now]
            ready[self.choose(len(ready))].turn.release()
            self.handed_over.acquire()
        return [runner.outcome for runner in self.runners]

    def _run(self, runner: Runner) -> None:
        self.running.runner = runner
        runner.turn.acquire()
        try:
            runner.outcome = runner.work()
        finally:
            runner.ended = True
            self.handed_over.release()
