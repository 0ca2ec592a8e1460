"""The command `check` of a deployed stack, as a user runs it; shared by the tests of it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local_aws import EmbeddedAws
from local_aws.organisation import DEV, ROOT, TOOLS, sam_deploy

from .world import mutations

EXAMPLE = ROOT / "examples" / "one-endpoint.yaml"
Row = dict[str, Any]


@dataclass
class Checked:
    status: int
    printed: str
    errors: str

    @property
    def rows(self) -> list[Row]:
        rows: list[Row] = json.loads(self.printed)
        return rows

    @property
    def row(self) -> Row:
        (row,) = self.rows
        return row


@dataclass
class Checker:
    """Of a stack in an account. Each check shows that it changes nothing."""

    aws: EmbeddedAws
    stack: str
    account: str = TOOLS

    def check(self, *more: str, template: Path = EXAMPLE, **parameters: str) -> Checked:
        given = {"Environment": "dev", "BucketName": DEV.bucket, **parameters}
        return self.check_with(*more, template=template, overrides=[f"{name}={value}" for name, value in given.items()])

    def check_with(self, *more: str, template: Path = EXAMPLE, overrides: Sequence[str] = ()) -> Checked:
        command = [sys.executable, "-m", "dms_s3_endpoint_cli", "check", str(template)]
        command += ["--stack-name", self.stack, *more, *(["--parameter-overrides", *overrides] if overrides else [])]
        self.aws.clear_calls()
        environ = {**self.aws.environ(self.account), "PYTHONPATH": str(ROOT / "src")}
        done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)  # noqa: S603  # our own
        assert mutations(self.aws) == []
        return Checked(done.returncode, done.stdout, done.stderr)

    def row(self, **given: Any) -> Row:
        checked = self.check("--json", **given)
        assert checked.errors == "", checked
        return checked.row

    def deploy(self, template: Path = EXAMPLE, **parameters: str) -> None:
        given = {"Environment": "dev", "BucketName": DEV.bucket, **parameters}
        sam_deploy(self.aws, template, self.stack, given, self.account)


def changed(tmp_path: Path, *replacements: tuple[str, str]) -> Path:
    """The example, with other words in places."""
    text = EXAMPLE.read_text()
    for old, new in replacements:
        assert old in text
        text = text.replace(old, new)
    path = tmp_path / "template.yaml"
    path.write_text(text)
    return path
