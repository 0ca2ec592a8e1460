"""One embedded AWS for these tests; each has names of its own, and begins with the switches at rest."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest

from local_aws import EmbeddedAws

from .endpoint_pair import Pair

NUMBERS = itertools.count(1)


@pytest.fixture(scope="session")
def server() -> Iterator[EmbeddedAws]:
    with EmbeddedAws(time_scale=1000) as aws:
        yield aws


@pytest.fixture
def aws(server: EmbeddedAws) -> Iterator[EmbeddedAws]:
    server.reset_switches()
    server.clear_calls()
    yield server
    server.reset_switches()


@pytest.fixture
def pair(aws: EmbeddedAws) -> Pair:
    return Pair(aws, f"orders-{next(NUMBERS)}")
