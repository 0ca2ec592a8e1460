"""The table of properties, as its readers outside the function have it."""

from __future__ import annotations

import json
from pathlib import Path

from dms_s3_endpoint_cli.schema import editor_schema, resource_schema, table

ROOT = Path(__file__).resolve().parents[2]


def test_the_schema_that_linters_read_is_that_of_the_function() -> None:
    assert json.loads((ROOT / "lint" / "schema.json").read_text()) == resource_schema()


def test_the_schema_that_editors_read_is_made_of_it() -> None:
    assert json.loads((ROOT / "lint" / "editor.json").read_text()) == editor_schema()


def test_the_table_in_the_readme_is_made_of_it() -> None:
    assert table() in (ROOT / "README.md").read_text()
