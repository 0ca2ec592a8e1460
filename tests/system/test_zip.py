"""The function as it is built: the same commit gives the same files, and `make sbom` tells what is in them.

SAM zips in the order in which the file system lists; `make package` sorts, so that a release is the same bytes.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from email.parser import HeaderParser
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from samcli.lib.package.utils import make_zip_with_lambda_permissions
from samcli.lib.utils.hash import dir_checksum

from local_aws import EmbeddedAws
from local_aws.cloudformation import played
from local_aws.organisation import DEV, ROOT, build_environ, deploy_accounts, run, sam_deploy
from pipelines import package

from .world import properties

LONG_AGO = 1_000_000_000
MOST_BYTES = 1_500_000
# A browser's part of Powertools, and pip's notes, which tell the path of the interpreter.
LEFT_OUT = re.compile(
    r"aws_lambda_powertools/event_handler/openapi/swagger_ui/.*\.(js|css)|[^/]+\.dist-info/RECORD|[^/]+\.data/.*"
)


class Built(NamedTuple):
    folder: Path
    zip: Path


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Built:
    return built(tmp_path_factory.mktemp("here"), umask=0o022)


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """By somebody else, in a longer path, from files that came in another order and at another time."""
    clone = tmp_path_factory.mktemp("elsewhere") / "much" / "deeper"
    return built(clone, umask=0o002, backwards=True, time=LONG_AGO)


def built(clone: Path, umask: int, backwards: bool = False, time: int | None = None) -> Built:
    with umasked(umask):
        for path in sorted([ROOT / "template.yaml", *files_of(ROOT / "src")], reverse=backwards):
            copy = clone / path.relative_to(ROOT)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, copy)
            os.utime(copy, None if time is None else (time, time))
        run(["sam", "build"], environ_of(clone), clone)
        folder = clone / ".aws-sam" / "build" / "Function"
        return Built(folder, Path(make_zip_with_lambda_permissions(str(clone / "function"), str(folder))))


def environ_of(clone: Path) -> dict[str, str]:
    """Each clone has its own interpreter, as `make` gives it one; the wheels are those that `make setup` fetched."""
    (clone / ".venv").symlink_to(ROOT / ".venv")
    # Whatever Python there is: what is to be shown of its byte-code is the same.
    return build_environ(clone / ".venv" / "bin") | {"BYTE_CODE_PYTHON": sys.executable}


def files_of(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts]


@contextmanager
def umasked(umask: int) -> Iterator[None]:
    before = os.umask(umask)
    try:
        yield
    finally:
        os.umask(before)


def test_two_builds_of_one_commit_hold_the_same_files(here: Built, elsewhere: Built) -> None:
    one, other = contents(here), contents(elsewhere)
    assert [name for name in one if one[name] != other.get(name)] == []
    assert set(one) == set(other)


def contents(each: Built) -> dict[str, tuple[bytes, int]]:
    with zipfile.ZipFile(each.zip) as opened:
        return {entry.filename: (opened.read(entry), entry.external_attr) for entry in opened.infolist()}


def test_two_builds_of_one_commit_have_the_same_key_in_s3(here: Built, elsewhere: Built) -> None:
    """What decides whether a deployment changes the function, whatever order a file system lists in."""
    assert dir_checksum(str(here.folder)) == dir_checksum(str(elsewhere.folder))


def test_two_releases_of_one_commit_are_the_same_bytes_on_any_file_system(
    here: Built, elsewhere: Built, tmp_path: Path
) -> None:
    for name, each in (("one.zip", here), ("other.zip", elsewhere)):
        package.write_zip(each.folder, tmp_path / name)
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "other.zip").read_bytes()


def test_a_release_is_deployed_as_it_is(here: Built, tmp_path: Path) -> None:
    (tmp_path / "sbom.json").write_text(json.dumps(bill_of(here)))
    package.main([str(here.folder), str(tmp_path / "sbom.json"), str(tmp_path / "release")])
    given = {"Environments": "dev", "DataLakeRoleArns": DEV.data_lake_role_arn, "DmsRoleArns": DEV.dms_role_arn}
    with EmbeddedAws(time_scale=50) as aws:
        deploy_accounts(aws, [DEV])
        sam_deploy(aws, tmp_path / "release" / "template.yaml", "dms-s3-endpoint", given)
        with played(aws) as cloudformation:
            answer = cloudformation.send("Create", properties())
        assert aws.refusals() == []
    assert answer["Status"] == "SUCCESS", answer


def test_the_zip_is_below_a_megabyte_and_a_half(here: Built) -> None:
    assert here.zip.stat().st_size < MOST_BYTES


def test_distributions_are_whole_but_for_what_is_left_out_on_purpose(here: Built) -> None:
    wheels = [zipfile.ZipFile(path).namelist() for path in (ROOT / ".cache" / "wheels").glob("*.whl")]
    shipped = {name for names in wheels for name in names if not LEFT_OUT.fullmatch(name)}
    assert len(wheels) == len(pinned())
    assert shipped - set(contents(here)) == set()


def test_of_ours_only_the_function_s_own_package_is_in_the_zip(here: Built) -> None:
    ours = {name.split("/")[0] for name in contents(here) if name.startswith("dms_s3_endpoint")}
    assert ours == {"dms_s3_endpoint"}


def test_the_zip_tells_nothing_of_where_it_was_built(elsewhere: Built) -> None:
    assert [
        name for name, (data, _) in contents(elsewhere).items() if str(elsewhere.folder.parent).encode() in data
    ] == []


def bill_of(each: Built) -> dict[str, Any]:
    printed = run(
        [str(ROOT / ".venv-checks/bin/python"), "-m", "development.checks.sbom", str(each.folder)], os.environ
    )
    bill: dict[str, Any] = json.loads(printed)
    return bill


def distributions_in(each: Built) -> set[tuple[str, str]]:
    said = [data.decode() for name, (data, _) in contents(each).items() if name.endswith(".dist-info/METADATA")]
    headers = [HeaderParser().parsestr(text) for text in said]
    return {(re.sub(r"[-_.]+", "-", each["Name"]).lower(), each["Version"]) for each in headers}


def pinned() -> set[tuple[str, str]]:
    lines = re.findall(r"^([\w.-]+)==([\w.]+)", (ROOT / "src" / "requirements.txt").read_text(), re.MULTILINE)
    return {(name, version) for name, version in lines}


def test_the_bill_of_materials_names_what_is_in_the_zip_and_nothing_else(here: Built) -> None:
    components = {(each["name"], each["version"]) for each in bill_of(here)["components"]}
    assert components == distributions_in(here) == pinned()


def test_all_code_in_the_zip_is_ours_or_of_a_distribution_that_is_named(here: Built) -> None:
    heads = {name.split("/")[0] for name in contents(here) if ".dist-info/" not in name}
    named = {name.replace("-", "_") for name, _ in distributions_in(here)}
    assert {head.removesuffix(".py") for head in heads} - {"__pycache__"} == {"dms_s3_endpoint", *named}


def test_two_builds_of_one_commit_have_the_same_bill_of_materials(here: Built, elsewhere: Built) -> None:
    assert bill_of(here) == bill_of(elsewhere)
