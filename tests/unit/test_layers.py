"""Who may import what: the procedure makes no AWS call of its own, and each service has one user."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[2] / "src" / "dms_s3_endpoint"


@pytest.mark.parametrize("module", ["endpoint", "lifecycle", "policies", "request", "ownership", "patience"])
def test_the_procedure_and_what_is_pure_import_no_boto3(module: str) -> None:
    assert not re.search(r"^(import|from) (boto3|botocore)", (SOURCE / f"{module}.py").read_text(), re.MULTILINE)


@pytest.mark.parametrize(("service", "module"), [("iam", "data_lake"), ("dms", "dms")])
def test_each_service_has_one_user(service: str, module: str) -> None:
    users = {path.stem for path in SOURCE.glob("*.py") if f"mypy_boto3_{service}" in path.read_text()}
    assert users == {module}
