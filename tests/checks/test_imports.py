"""That import-linter's contracts in pyproject.toml can fail; `make lint` holds the code to them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LINT_IMPORTS = Path(sys.executable).with_name("lint-imports")
LAYERS = "Layers: an event goes down, and nothing calls back up"
# By contract, a module and the import that breaks it.
FORBIDDEN = {
    LAYERS: ("dms_s3_endpoint/model/errors.py", "from ..procedure import plan"),
    "No circles": ("dms_s3_endpoint/model/errors.py", "from . import environments"),
    "The function does without what runs on a desk": ("dms_s3_endpoint/app.py", "import dms_s3_endpoint_cli"),
    "Only aws and app call AWS": ("dms_s3_endpoint/procedure/plan.py", "import boto3"),
    "The model may read botocore's descriptions, but makes no session": (
        "dms_s3_endpoint/model/errors.py",
        "import boto3",
    ),
    "crhelper is known in one place": ("dms_s3_endpoint/app.py", "import crhelper"),
}


def broken(source: Path) -> list[str]:
    """The names of the contracts that the packages in this folder break."""
    command = [str(LINT_IMPORTS), "--config", str(ROOT / "pyproject.toml"), "--no-cache", "--no-logo"]
    environ = {**os.environ, "PYTHONPATH": str(source)}
    done = subprocess.run(command, cwd=source, env=environ, capture_output=True, text=True, check=False)  # noqa: S603  # our own
    assert "Contracts: " in done.stdout, done.stdout + done.stderr
    return [line.partition(" BROKEN")[0] for line in done.stdout.splitlines() if " BROKEN" in line]


def test_each_contract_has_an_import_that_breaks_it() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    assert {each["name"] for each in contracts} == set(FORBIDDEN)


@pytest.mark.parametrize(("contract", "module", "line"), [(name, *given) for name, given in FORBIDDEN.items()])
def test_a_forbidden_import_breaks_its_contract(contract: str, module: str, line: str, tmp_path: Path) -> None:
    source = tmp_path / "src"
    shutil.copytree(ROOT / "src", source, ignore=shutil.ignore_patterns("__pycache__"))
    path = source / module
    path.write_text(f"{path.read_text()}\n{line}\n")
    assert contract in broken(source)


def test_a_package_that_is_in_no_layer_breaks_the_layers(tmp_path: Path) -> None:
    source = tmp_path / "src"
    shutil.copytree(ROOT / "src", source, ignore=shutil.ignore_patterns("__pycache__"))
    (source / "dms_s3_endpoint" / "helpers.py").touch()
    assert LAYERS in broken(source)
