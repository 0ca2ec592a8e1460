"""The command `check` of a deployed stack, as a user runs it; shared by the tests of it."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

from dms_s3_endpoint_cli import check
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
        """In this process, as each start of SAM's libraries takes a second."""
        arguments = [str(template), "--stack-name", self.stack, *more]
        arguments += ["--parameter-overrides", *overrides] if overrides else []
        self.aws.clear_calls()
        out, err = io.StringIO(), io.StringIO()
        with mock.patch.dict(os.environ, self.aws.environ(self.account)), redirect_stdout(out), redirect_stderr(err):
            status = check.main(arguments)
        assert mutations(self.aws) == []
        return Checked(status, out.getvalue(), err.getvalue())

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
