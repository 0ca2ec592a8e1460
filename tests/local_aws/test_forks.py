"""Programs in forked processes behave as if Python had started them."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from local_aws.aws import PYTHON
from local_aws.forks import server
from local_aws.functions import IN_WORKERS, function_server
from local_aws.loaded.asking import ask, begin, status_of

SCALE = 1000.0


@pytest.fixture
def told(tmp_path: Path) -> Path:
    """A file for what the program prints."""
    return tmp_path / "told"


def program(told: Path, text: str) -> list[str]:
    script = told.with_name("script.py")
    script.write_text(text)
    return [str(script), "an argument"]


@contextmanager
def streams(told: Path) -> Iterator[list[int]]:
    with open(os.devnull) as nothing, told.open("w") as output:
        yield [nothing.fileno(), output.fileno(), output.fileno()]


def exit_status(told: Path, text: str) -> int:
    with streams(told) as files:
        return ask(function_server(), program(told, text), {"EMBEDDED_AWS_TIME_SCALE": str(SCALE)}, "/", files)


def test_a_program_has_its_arguments_environment_folder_and_streams(told: Path) -> None:
    text = "import json, os, sys; print(json.dumps([sys.argv[1:], dict(os.environ), os.getcwd(), sys.stdin.read()]))"
    assert exit_status(told, text) == 0
    assert json.loads(told.read_text()) == [["an argument"], {"EMBEDDED_AWS_TIME_SCALE": str(SCALE)}, "/", ""]


@pytest.mark.parametrize(("text", "status"), [("", 0), ("import sys; sys.exit(3)", 3), ("1 / 0", 1)])
def test_its_exit_status_is_that_of_python(told: Path, text: str, status: int) -> None:
    assert exit_status(told, text) == status


def test_an_error_that_nothing_handles_is_printed(told: Path) -> None:
    exit_status(told, "1 / 0")
    assert told.read_text().endswith("ZeroDivisionError: division by zero\n")


def test_a_killed_program_has_the_signal_for_a_status_however_often_one_asks(told: Path) -> None:
    with streams(told) as files:
        sleeping = program(told, "import signal; signal.pause()")
        connection, process_id = begin(function_server(), sleeping, {"EMBEDDED_AWS_TIME_SCALE": "1"}, "/", files)
    os.kill(process_id, 9)
    with connection:
        assert [status_of(connection), status_of(connection)] == [-9, -9]


def test_a_program_is_killed_when_who_asked_has_gone(told: Path) -> None:
    end, held = os.pipe()
    sleeping = program(told, "import signal; print('began', flush=True); signal.pause()")
    connection, _ = begin(function_server(), sleeping, {"EMBEDDED_AWS_TIME_SCALE": "1"}, "/", [0, held, held])
    os.close(held)
    with os.fdopen(end) as printed:
        assert printed.readline() == "began\n"
        connection.close()
        assert printed.read() == ""


def test_functions_that_start_in_one_moment_share_one_server() -> None:
    path = f"{IN_WORKERS}:/no-folder"  # so that no test has started it before
    with ThreadPoolExecutor() as pool:
        addresses = set(pool.map(lambda _: server(str(PYTHON), "local_aws.functions", path), range(4)))
    assert len(addresses) == 1


def test_virtual_time_begins_with_the_program(told: Path) -> None:
    function_server()
    asked = time.monotonic()
    exit_status(told, "import time; print(time.clock_gettime(time.CLOCK_MONOTONIC), time.monotonic())")
    now, virtual = map(float, told.read_text().split())
    assert now - (virtual - now) / (SCALE - 1) > asked
