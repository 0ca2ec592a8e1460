"""Virtual time for Lambda functions: clocks run EMBEDDED_AWS_TIME_SCALE times faster, and waits are shorter.

Python imports this module when it starts, before what is the same in all functions and before their code; see
../functions.py. Two things keep real time: `datetime`, with which requests are signed, and the timeouts of sockets.

And CloudFormation's bucket, whose name tells a port, is found at this port of the loopback; and clients share what is
alike in them.
"""

import os
import re
import socket
import threading
import time
from collections.abc import Callable
from typing import Any

BUCKET = re.compile(r"cloudformation-custom-resource-response-port(\d+)\.")


class Faster:
    """A clock that runs `scale` times faster since virtual time began."""

    scale = 1.0

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self.begin()

    def begin(self) -> None:
        """From now on it runs faster."""
        self._start = self._clock()

    def __call__(self) -> float:
        """Virtual seconds."""
        return self._start + (self._clock() - self._start) * Faster.scale


def in_nanoseconds(clock: Callable[[], float]) -> Callable[[], int]:
    """The clock, in nanoseconds."""
    return lambda: int(clock() * 1e9)


def shorter(timeout: float | None) -> float | None:
    """The real seconds of a timeout in virtual seconds; None waits for ever."""
    return None if timeout is None else timeout / Faster.scale


real_sleep = time.sleep
real_wait = threading.Condition.wait
real_join = threading.Thread.join


def sleep(seconds: float) -> None:
    """`time.sleep` in virtual seconds."""
    real_sleep(seconds / Faster.scale)


def wait(self: threading.Condition, timeout: float | None = None) -> bool:
    """`Condition.wait` in virtual seconds."""
    return real_wait(self, shorter(timeout))


def join(self: threading.Thread, timeout: float | None = None) -> None:
    """`Thread.join` in virtual seconds."""
    real_join(self, shorter(timeout))


real_getaddrinfo = socket.getaddrinfo


def getaddrinfo(host: Any, port: Any, *rest: Any, **more: Any) -> Any:
    """`socket.getaddrinfo`, which finds the bucket too."""
    found = BUCKET.match(host) if isinstance(host, str) else None
    return real_getaddrinfo(*(("127.0.0.1", int(found[1])) if found else (host, port)), *rest, **more)


CLOCKS = Faster(time.time), Faster(time.monotonic), Faster(time.perf_counter)


def begin() -> None:
    """Virtual time begins: where a function's process is forked from one that has waited."""
    Faster.scale = float(os.environ["EMBEDDED_AWS_TIME_SCALE"])
    for clock in CLOCKS:
        clock.begin()


socket.getaddrinfo = getaddrinfo
time.time, time.monotonic, time.perf_counter = CLOCKS
time.time_ns, time.monotonic_ns = in_nanoseconds(time.time), in_nanoseconds(time.monotonic)
time.perf_counter_ns = in_nanoseconds(time.perf_counter)
time.sleep = sleep  # type: ignore[assignment]  # of a narrower type, for numbers alone
threading.Condition.wait = wait  # type: ignore[method-assign]  # this is what the module is for
threading.Thread.join = join  # type: ignore[method-assign]  # this is what the module is for
# threading has imported its clock already; Condition.wait_for reads it.
threading._time = time.monotonic  # type: ignore[attr-defined]  # not in the stubs
# Only now: botocore keeps the clocks that it finds.
from parts_of_clients import make_once  # type: ignore[import-not-found]  # noqa: E402  # it is beside this module

make_once()
