"""`--all-faults`: every fault at every call under every variant of AWS, instead of a seeded part of them.

`--races`: how many races to search instead of some hundreds, from `--first-seed` on.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from dms_s3_endpoint.model.warnings import known_warnings
from tests.refusals import all_foreseen

from .in_memory import REFUSALS, deployed_in_memory

RACES_OF_THE_NORMAL_RUN, RACES_OF_A_TEST, MOST_TESTS = 400, 100, 100


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--all-faults", action="store_true", help="not a seeded part of them: some minutes")
    parser.addoption("--races", type=int, default=RACES_OF_THE_NORMAL_RUN, help="how many: thousands in a minute")
    parser.addoption("--first-seed", type=int, default=0, help="of the races")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Each test that asks for `seeds` gets a chunk of them."""
    if "seeds" not in metafunc.fixturenames:
        return
    option = metafunc.config.getoption
    first, count = option("--first-seed", 0), option("--races", RACES_OF_THE_NORMAL_RUN)
    size = max(RACES_OF_A_TEST, -(-count // MOST_TESTS))
    chunks = [range(begin, min(begin + size, first + count)) for begin in range(first, first + count, size)]
    metafunc.parametrize("seeds", chunks, ids=[f"{chunk[0]}-{chunk[-1]}" for chunk in chunks])


@pytest.fixture(autouse=True, scope="session")
def warnings_made_anew() -> None:
    """`make mutation` runs the tests in forks: warnings of the process before would hide a change of theirs."""
    known_warnings.cache_clear()


@pytest.fixture(autouse=True)
def foreseen(request: pytest.FixtureRequest) -> Iterator[None]:
    with all_foreseen(request.node, lambda: REFUSALS):
        yield


@pytest.fixture
def in_memory() -> Iterator[None]:
    with deployed_in_memory():
        yield


@pytest.fixture
def no_log() -> Iterator[None]:
    """For thousands of requests whose log nobody reads: its tracebacks would take a tenth of their time."""
    logging.disable()
    yield
    logging.disable(logging.NOTSET)
