"""The same commit gives the same bytes; and the bill of materials tells what is in them."""

from __future__ import annotations

import json
import os
import shutil
import sys
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from samcli.lib.package.utils import make_zip_with_lambda_permissions

from local_aws.organisation import ROOT, build_environ, run


@pytest.fixture(scope="module")
def zips(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Of two clones, the second one in a longer path, built by somebody with another umask."""
    first, second = tmp_path_factory.mktemp("one"), tmp_path_factory.mktemp("the-other") / "much" / "deeper"
    return [built_zip(first, 0o022), built_zip(second, 0o077)]


def built_zip(clone: Path, umask: int) -> Path:
    """What `sam deploy` uploads."""
    with umasked(umask):
        shutil.copytree(ROOT / "src", clone / "src", ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(ROOT / "template.yaml", clone)
        run(["sam", "build"], build_environ() | {"BYTE_CODE_PYTHON": sys.executable}, clone)
        zipped = make_zip_with_lambda_permissions(
            str(clone / "function"), str(clone / ".aws-sam" / "build" / "Function")
        )
    return Path(zipped)


@contextmanager
def umasked(umask: int) -> Iterator[None]:
    before = os.umask(umask)
    try:
        yield
    finally:
        os.umask(before)


def test_two_builds_of_one_commit_are_byte_identical(zips: list[Path]) -> None:
    one, other = (zipfile.ZipFile(each) for each in zips)
    differing = [name for name in one.namelist() if one.read(name) != other.read(name)]
    assert (differing, one.namelist()) == ([], other.namelist())
    assert zips[0].read_bytes() == zips[1].read_bytes()


def test_the_bill_of_materials_names_what_is_in_the_zip(zips: list[Path]) -> None:
    run(["make", "--no-print-directory", "sbom"], build_environ())
    components = json.loads((ROOT / "build" / "sbom.json").read_text())["components"]
    heads = {name.split("/")[0] for name in zipfile.ZipFile(zips[0]).namelist()}
    installed = {head.removesuffix(".dist-info").replace("_", "-") for head in heads if head.endswith(".dist-info")}
    assert {f"{each['name'].replace('_', '-')}-{each['version']}" for each in components} == installed
    assert {head for head in heads if not head.endswith(".dist-info")} == {
        *("aws_lambda_powertools", "crhelper", "dms_s3_endpoint", "jmespath", "typing_extensions.py"),
        "__pycache__",
    }
