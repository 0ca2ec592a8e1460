"""The docs: what they show is what is printed, and the README's commands work, one after the other."""

from __future__ import annotations

import re
import shutil
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

from local_aws import EmbeddedAws
from local_aws.captured import PAGES, SHOWN, VARIES, printed, world
from local_aws.organisation import DEV, ROOT, TOOLS, endpoints, run, sam_environ

README = (ROOT / "README.md").read_text()


@pytest.fixture(scope="module")
def shown_world(built: Path) -> Iterator[EmbeddedAws]:
    with world(built) as aws:
        yield aws


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_what_a_page_shows_is_what_its_commands_print(page: Path, shown_world: EmbeddedAws) -> None:
    shown = list(SHOWN.finditer(page.read_text()))
    assert shown
    for each in shown:
        assert VARIES.sub("…", each["output"]) == VARIES.sub("…", printed(each["command"], shown_world))


def commands_in(section: str) -> list[str]:
    """The blocks of shell of a section of the README."""
    text = README.partition(f"## {section}\n")[2].partition("\n## ")[0]
    return [textwrap.dedent(block) for block in re.findall(r"^ *```sh\n(.*?)^ *```$", text, re.DOTALL | re.MULTILINE)]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    ignored = shutil.ignore_patterns(".*", "build", "node_modules", "__pycache__", "mutants")
    shutil.copytree(ROOT, tmp_path / "clone", ignore=ignored)
    (tmp_path / "clone" / ".venv").symlink_to(ROOT / ".venv")
    return tmp_path / "clone"


def test_a_newcomer_who_follows_the_readme_has_an_endpoint(checkout: Path) -> None:
    in_data_lake, in_dms, deploy, declare = commands_in("Deploy")
    with EmbeddedAws(time_scale=50) as aws:
        aws.client("s3", DEV.data_lake).create_bucket(
            Bucket="my-data-lake-dev", CreateBucketConfiguration={"LocationConstraint": aws.region}
        )
        for account, command in (
            (DEV.data_lake, in_data_lake),
            (DEV.dms, in_dms),
            (TOOLS, deploy),
            (TOOLS, declare),
        ):
            run(["bash", "-e", "-c", command], sam_environ(aws, account, checkout / ".venv" / "bin"), checkout)
        (endpoint,) = endpoints(aws, DEV)
        assert aws.refusals() == []
    assert endpoint["EndpointIdentifier"] == "orders"
