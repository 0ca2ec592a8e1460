"""The function checks its input before it calls AWS: so DMS refuses no parameter, unless a test provokes it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest


@contextmanager
def all_foreseen(test: pytest.Item, refusals: Callable[[], list[str]]) -> Iterator[None]:
    """Fails the test if DMS refuses a parameter meanwhile; one that is marked `provokes`, if DMS refuses none.

    `refusals` gives all that there were so far.
    """
    before = len(refusals())
    yield
    met = refusals()[before:]
    if test.get_closest_marker("provokes"):
        assert met, "the test is marked `provokes`, but DMS refused no parameter"
    else:
        assert not met, f"DMS refused what the function should have refused: {'; '.join(dict.fromkeys(met))}"
