"""examples/cdk, synthesized, checked, deployed, updated and destroyed by the real CDK, in a bootstrapped account."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from local_aws import EmbeddedAws
from local_aws.organisation import DEV, ROOT, TOOLS, CommandFailedError, delete_stack, endpoints, run

from .checker import Checker
from .second_engine import node
from .world import the_endpoint

CHECKS = ROOT / ".venv-checks"
BUCKET = "my-data-lake-dev"
MODULES = ROOT / "development" / "checks" / "node_modules"


@dataclass
class Project:
    """A copy of an example, and what its user has installed."""

    aws: EmbeddedAws
    directory: Path

    def run(self, *command: str) -> str:
        """With .venv-checks and its node active, as the tools account. Raises CommandFailedError."""
        own = {
            "HOME": str(self.directory),
            "NODE_EXTRA_CA_CERTS": self.aws.ca_bundle,
            "PATH": f"{CHECKS / 'bin'}:{node()}:{MODULES / '.bin'}:{os.environ['PATH']}",
        }
        return run(command, os.environ | self.aws.environ(TOOLS) | own, self.directory)

    def synthesize(self) -> None:
        self.run("cdk", "synth", "--quiet", "--no-notices")

    def deploy(self, *options: str) -> str:
        return self.run("cdk", "deploy", "--require-approval", "never", "--no-notices", *options)

    def destroy(self) -> None:
        self.run("cdk", "destroy", "--app", "cdk.out", "--force", "--no-notices")


@pytest.fixture(scope="module")
def copies(tmp_path_factory: pytest.TempPathFactory) -> Path:
    copies = shutil.copytree(ROOT / "examples" / "cdk", tmp_path_factory.mktemp("cdk") / "cdk")
    (copies / "typescript" / "node_modules").symlink_to(MODULES)
    return copies


@pytest.fixture(scope="module")
def bootstrapped(deployed: EmbeddedAws, copies: Path) -> Iterator[EmbeddedAws]:
    s3 = deployed.client("s3", DEV.data_lake)
    s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": deployed.region})
    Project(deployed, copies).run("cdk", "bootstrap", f"aws://{TOOLS}/{deployed.region}", "--no-notices")
    yield deployed
    delete_stack(deployed, "CDKToolkit")
    s3.delete_bucket(Bucket=BUCKET)


def test_the_example_in_typescript_is_deployed_updated_and_destroyed(
    bootstrapped: EmbeddedAws, aws: EmbeddedAws, copies: Path
) -> None:
    project = Project(aws, copies / "typescript")
    project.synthesize()
    template = project.directory / "cdk.out" / "visits.template.json"
    checked = Checker(aws, "visits").check_with("--json", template=template)
    assert [(checked.status, row["endpoint"]) for row in checked.rows] == [(0, "dev/visits")]
    assert "arn:aws:dms:" in project.deploy("--app", "cdk.out")
    endpoint = the_endpoint(aws)
    assert (endpoint["EndpointIdentifier"], endpoint["S3Settings"]["BucketFolder"]) == ("visits", "visits")

    code = project.directory / "app.ts"
    code.write_text(code.read_text().replace("parquet", "csv"))
    project.deploy()
    assert the_endpoint(aws)["S3Settings"]["DataFormat"] == "csv"
    project.destroy()
    assert endpoints(aws, DEV) == []


def test_the_example_in_python_is_deployed_and_destroyed(
    bootstrapped: EmbeddedAws, aws: EmbeddedAws, copies: Path
) -> None:
    project = Project(aws, copies / "python")
    project.deploy()
    endpoint = the_endpoint(aws)
    assert (endpoint["EndpointIdentifier"], endpoint["S3Settings"]["DataFormat"]) == ("clicks", "parquet")
    project.destroy()
    assert endpoints(aws, DEV) == []


# What is put in place of what in the example, and what the compiler says.
WRONG_IN_TYPESCRIPT = {
    "nothing": ("", "", ""),
    "misspelt": ("BUCKETFOLDER:", "BUCKETFOLDERS:", "'BUCKETFOLDERS' does not exist"),
    "no-choice": ("'parquet'", "'parqet'", "'\"parqet\"' is not assignable"),
    "missing": ("ROLENAME: 'dms-visits',", "", "Property 'ROLENAME' is missing"),
    "no-list": ("[{ Key: 'team', Value: 'data-lake' }]", "'team'", "not assignable to type 'Tag[]'"),
}
WRONG_IN_PYTHON = {
    "nothing": ("", "", ""),
    "misspelt": ('"BUCKETFOLDER"', '"BUCKETFOLDERS"', 'Extra key "BUCKETFOLDERS"'),
    "no_choice": ('"parquet"', '"parqet"', "expression has type \"Literal['parqet']\""),
    "missing": ('"ROLENAME": "dms-clicks",', "", 'Missing key "ROLENAME"'),
    "no_list": ('[{"Key": "team", "Value": "data-lake"}]', '"team"', 'TypedDict item "TAGS" has type "list[Tag]"'),
}


def found_by(compiler: list[str], example: Path, wrong: dict[str, tuple[str, str, str]]) -> dict[str, str]:
    """By case, what the compiler says of the example in which something is wrong."""
    for case, (old, new, _finding) in wrong.items():
        assert old in example.read_text()
        example.with_stem(case).write_text(example.read_text().replace(old, new))
    with pytest.raises(CommandFailedError) as caught:
        run(compiler, os.environ | {"PATH": f"{node()}:{os.environ['PATH']}"}, example.parent)
    lines = str(caught.value).splitlines()
    return {case: "\n".join(line for line in lines if line.startswith(case)) for case in wrong}


def test_the_compiler_of_typescript_finds_what_is_wrong(copies: Path, tmp_path: Path) -> None:
    shutil.copytree(copies / "typescript", tmp_path, symlinks=True, dirs_exist_ok=True)
    example = Path(shutil.copy(ROOT / "examples" / "cdk" / "typescript" / "app.ts", tmp_path))
    found = found_by([str(MODULES / ".bin" / "tsc"), "--pretty", "false"], example, WRONG_IN_TYPESCRIPT)
    assert all(finding in found[case] for case, (_old, _new, finding) in WRONG_IN_TYPESCRIPT.items())
    assert found["nothing"] == ""


def test_mypy_finds_what_is_wrong_in_python(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "examples" / "cdk" / "python", tmp_path, dirs_exist_ok=True)
    mypy = [sys.executable, "-m", "mypy", "--ignore-missing-imports", "--no-incremental", "."]
    found = found_by(mypy, tmp_path / "app.py", WRONG_IN_PYTHON)
    assert all(finding in found[case] for case, (_old, _new, finding) in WRONG_IN_PYTHON.items())
    assert found["nothing"] == ""
