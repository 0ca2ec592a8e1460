"""Which worker of `make test` takes which file.

Tests that deploy wait for the function most of the time, tests in memory only compute. Two workers compute from the
start, when nobody else needs the processor. So it is never idle, and the others wait no longer than they have to.
"""

from __future__ import annotations

import os

import pytest
from xdist.scheduler import LoadFileScheduling  # type: ignore[import-untyped]  # it has no types
from xdist.workermanage import WorkerController  # type: ignore[import-untyped]  # it has no types

WORKERS_THAT_GIVE_WAY = {"gw0", "gw1"}
FOLDERS_THAT_COMPUTE = ("tests/unit/", "tests/checks/")
# Those that take longest begin first, so that nobody waits for them at the end.
LONGEST = (
    "tests/system/test_cdk.py",
    "tests/system/test_faults.py",
    "tests/system/test_check_agrees.py",
    "tests/system/test_replacing.py",
    "tests/system/test_docs.py",
    "tests/unit/test_every_call.py",
    "tests/unit/test_race_search.py",
    "tests/checks/test_lint_malformed.py",
)


class ComputingBesideWaiting(LoadFileScheduling):  # type: ignore[misc]  # of a class without types
    """Workers that give way begin with the files that compute, the others with those that wait."""

    def _assign_work_unit(self, node: WorkerController) -> None:
        computing = node.gateway.id in WORKERS_THAT_GIVE_WAY
        fitting = [file for file in self.workqueue if file.startswith(FOLDERS_THAT_COMPUTE) == computing]
        if fitting:
            self.workqueue.move_to_end(min(fitting, key=lambda file: file not in LONGEST), last=False)
        super()._assign_work_unit(node)


def pytest_xdist_make_scheduler(config: pytest.Config) -> LoadFileScheduling | None:
    return ComputingBesideWaiting(config) if config.getoption("dist") == "loadfile" else None


def pytest_configure() -> None:
    if os.environ.get("PYTEST_XDIST_WORKER") in WORKERS_THAT_GIVE_WAY:
        os.nice(19)
