"""Events that the function works on at the same time, in virtual time, in an order that a test decides on.

Each runs in a greenlet of its own, and only one of them at a time: at each call and each sleep it hands over.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from greenlet import getcurrent, greenlet

from .builders import FakeClock

# Given how many could go on now, which one does.
Choose = Callable[[int], int]


class Ending:
    """What others can wait for: the end of a runner, or what a runner says has ended."""

    def __init__(self, clock: RacingClock) -> None:
        self.clock, self.ended = clock, False
        self.awaited_by: list[Runner] = []

    def end(self) -> None:
        self.ended = True
        for each in self.awaited_by:
            each.wakes = self.clock.now


class Runner(greenlet):
    """One of those who race: when it wants to go on, and what came of it."""

    def __init__(self, clock: RacingClock, work: Callable[[], Any], wakes: float) -> None:
        # Whoever starts it goes on when it is his time, not when this one ends.
        super().__init__(self._work, clock.conductor)
        self.clock, self.work, self.wakes = clock, work, wakes
        self.ending, self.outcome = Ending(clock), None

    def _work(self) -> None:
        self.outcome = self.work()
        self.ending.end()


@dataclass
class RacingClock(FakeClock):
    """A clock whose sleep hands over to the others."""

    choose: Choose = lambda _count: 0
    runners: list[Runner] = field(default_factory=list)
    # The greenlet that chooses who goes on.
    conductor: greenlet = field(default_factory=getcurrent)

    def sleep(self, seconds: float) -> None:
        runner = _running(self)
        if runner is None:
            super().sleep(seconds)
        else:
            _hand_over(runner, self.now + seconds)

    def start(self, begins: float, work: Callable[[], Any]) -> Runner:
        """One more that races, and begins so many seconds from now. What it raises ends the race."""
        runner = Runner(self, work, self.now + begins)
        self.runners.append(runner)
        return runner

    def wait_for(self, *endings: Ending, seconds: float = math.inf) -> None:
        """Hand over until all have ended, so many seconds at most."""
        until, me = self.now + seconds, _running(self)
        assert me is not None, "only who races can wait for another"
        for ending in endings:
            ending.awaited_by.append(me)
        while self.now < until and not all(ending.ended for ending in endings):
            _hand_over(me, until)
        for ending in endings:
            ending.awaited_by.remove(me)

    def wait_for_all(self) -> None:
        """Hand over until nobody else races."""
        me = _running(self)
        while others := [runner.ending for runner in self.runners if runner is not me and not runner.ending.ended]:
            self.wait_for(*others)

    def race(self, *works: tuple[float, Callable[[], Any]]) -> list[Any]:
        """What came of each, which begins so many seconds from now."""
        self.conductor = getcurrent()
        begun = [self.start(begins, work) for begins, work in works]
        try:
            while self.runners:
                runner = self._next()
                runner.switch()
                if runner.ending.ended:
                    self.runners.remove(runner)
        finally:
            self.runners = []
        return [runner.outcome for runner in begun]

    def _next(self) -> Runner:
        wakes = min(runner.wakes for runner in self.runners)
        assert wakes < math.inf, "everybody waits for another"
        self.now = max(self.now, wakes)
        ready = [runner for runner in self.runners if runner.wakes <= self.now]
        return ready[self.choose(len(ready))]


def _running(clock: RacingClock) -> Runner | None:
    """Who races on this clock now; None outside of a race."""
    current = getcurrent()
    return current if isinstance(current, Runner) and current.clock is clock else None


def _hand_over(runner: Runner, wakes: float) -> None:
    runner.wakes = wakes
    assert runner.parent is not None
    runner.parent.switch()


class Pool:
    """A ThreadPoolExecutor without threads.

    In a race its calls are made side by side. Elsewhere one is made after the other, always in the same order.
    """

    def __init__(self, max_workers: int) -> None:
        """So many as there are calls."""
        self._begun: list[Runner] = []

    def __enter__(self) -> Pool:
        return self

    def __exit__(self, *_: object) -> None:
        if self._begun:
            self._begun[0].clock.wait_for(*[runner.ending for runner in self._begun])

    def submit(self, function: Callable[..., Any], *given: Any) -> SimpleNamespace:
        current = getcurrent()
        if not isinstance(current, Runner):
            answer = function(*given)
            return SimpleNamespace(result=lambda: answer)
        runner = current.clock.start(0.0, lambda: _caught(function, given))
        self._begun.append(runner)
        return SimpleNamespace(result=lambda: _result(runner))


def _caught(function: Callable[..., Any], given: Any) -> tuple[Any, BaseException | None]:
    """What it returns, or raises."""
    try:
        return function(*given), None
    except BaseException as error:  # as a future does
        return None, error


def _result(runner: Runner) -> Any:
    answer, error = runner.outcome or (None, None)
    if error:
        raise error
    return answer
