"""Calls that don't depend on each other, side by side."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar, overload

First = TypeVar("First")
Second = TypeVar("Second")
Third = TypeVar("Third")
Fourth = TypeVar("Fourth")


@overload
def in_parallel(first: Callable[[], First], second: Callable[[], Second], /) -> tuple[First, Second]: ...


@overload
def in_parallel(
    first: Callable[[], First], second: Callable[[], Second], third: Callable[[], Third], /
) -> tuple[First, Second, Third]: ...


@overload
def in_parallel(
    first: Callable[[], First],
    second: Callable[[], Second],
    third: Callable[[], Third],
    fourth: Callable[[], Fourth],
    /,
) -> tuple[First, Second, Third, Fourth]: ...


@overload
def in_parallel(*calls: Callable[[], First]) -> tuple[First, ...]: ...


def in_parallel(*calls: Callable[[], object]) -> tuple[object, ...]:
    """What they return, in their order. All have ended when this returns, or raises what the first of them raised."""
    with ThreadPoolExecutor(max_workers=max(len(calls), 1)) as pool:
        begun = [pool.submit(call) for call in calls]
    return tuple(each.result() for each in begun)
