"""One embedded AWS a worker, with the accounts and the function deployed by SAM; each test leaves it empty."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from local_aws import EmbeddedAws
from local_aws.cloudformation import CloudFormation, played
from local_aws.functions import function_server
from local_aws.libraries import read_descriptions_once
from local_aws.organisation import deploy_accounts, deploy_function, left_behind, purge, sam_build, secrets_in
from local_aws.sam import sam_server
from tests.refusals import all_foreseen


def pytest_configure(config: pytest.Config) -> None:
    """Workers share the processes that have loaded SAM, and what functions import."""
    if config.getoption("numprocesses", None):
        os.environ |= {"SAM_SERVER": sam_server(), "FUNCTION_SERVER": function_server()}


@pytest.fixture(scope="session", autouse=True)
def descriptions_read_once() -> None:
    """`check`, `tasks` and `release` make sessions of their own, in the process of the tests."""
    read_descriptions_once()


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The template of the built function. The worker that comes first builds it for all."""
    own = tmp_path_factory.getbasetemp()
    shared = own.parent if "PYTEST_XDIST_WORKER" in os.environ else own
    with (shared / "function.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        template = shared / "function" / "built" / "template.yaml"
        return template if template.exists() else sam_build(shared / "function")


@pytest.fixture(scope="session")
def deployed(built: Path) -> Iterator[EmbeddedAws]:
    with EmbeddedAws(time_scale=50) as aws:
        deploy_accounts(aws)
        deploy_function(aws, built)
        yield aws
        assert secrets_in(aws.log_text()) == []


@pytest.fixture
def aws(deployed: EmbeddedAws, request: pytest.FixtureRequest) -> Iterator[EmbeddedAws]:
    """Checked at the end of each test: it has taken away what it made, and DMS refused no parameter."""
    with all_foreseen(request.node, deployed.refusals):
        deployed.clear_calls()
        yield deployed
        deployed.reset_switches()
        if left := left_behind(deployed):
            purge(deployed)
        assert left == []


@pytest.fixture
def cloudformation(aws: EmbeddedAws) -> Iterator[CloudFormation]:
    with played(aws) as cloudformation:
        yield cloudformation
