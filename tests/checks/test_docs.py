"""The docs: every error code has its page, and every link leads somewhere."""

from __future__ import annotations

import re
from pathlib import Path

from dms_s3_endpoint.model.errors import Code

ROOT = Path(__file__).resolve().parents[2]


def test_the_runbook_and_the_readme_have_every_code_and_no_other() -> None:
    headings = re.findall(r"^### (\w+)$", (ROOT / "docs" / "runbook.md").read_text(), re.MULTILINE)
    rows = re.findall(r"^\| `([A-Z]\w+)` \| .+ \| .+ \|$", (ROOT / "README.md").read_text(), re.MULTILINE)
    assert (headings, [row for row in rows if row in set(Code)]) == (list(Code), list(Code))


def test_links_within_the_docs_lead_somewhere() -> None:
    for page in [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]:
        for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text()):
            assert target.startswith("https://") or (page.parent / target).exists(), f"{page.name}: {target}"
