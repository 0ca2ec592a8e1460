"""`--all-faults`: every fault at every call under every variant of AWS, instead of a seeded part of them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from .in_memory import deployed_in_memory


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--all-faults", action="store_true", help="not a seeded part of them: some minutes")


@pytest.fixture
def in_memory() -> Iterator[None]:
    with deployed_in_memory():
        yield
