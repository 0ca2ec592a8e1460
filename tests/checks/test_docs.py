"""The docs: every error code has its page, and every link leads somewhere."""

from __future__ import annotations

import re
from pathlib import Path

from dms_s3_endpoint.model.errors import Code
from tests.checks.cfn_lint import findings

ROOT = Path(__file__).resolve().parents[2]


def test_the_runbook_and_the_readme_have_every_code_and_no_other() -> None:
    headings = re.findall(r"^### (\w+)$", (ROOT / "docs" / "runbook.md").read_text(), re.MULTILINE)
    rows = re.findall(r"^\| `([A-Z]\w+)` \| .+ \| .+ \|$", (ROOT / "README.md").read_text(), re.MULTILINE)
    assert (headings, [row for row in rows if row in set(Code)]) == (list(Code), list(Code))


def test_links_within_the_docs_lead_somewhere() -> None:
    for page in [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]:
        for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text()):
            assert target.startswith("https://") or (page.parent / target).exists(), f"{page.name}: {target}"


def test_cfn_lint_finds_nothing_in_the_templates_of_the_readme() -> None:
    templates = re.findall(r"^```yaml\n(.*?)^```$", (ROOT / "README.md").read_text(), re.DOTALL | re.MULTILINE)
    assert [findings(each) for each in templates] == [[]]


def test_anchors_within_the_docs_are_headings() -> None:
    for page in [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]:
        for target, anchor in re.findall(r"\]\(([^)#:]*)#([^)]+)\)", page.read_text()):
            other = page.parent / target if target else page
            if other.suffix == ".md":
                assert anchor in anchors_of(other), f"{page.name}: {target}#{anchor}"


def anchors_of(page: Path) -> set[str]:
    """The headings of a page, as links name them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading).lower().replace(" ", "-") for heading in headings}


def test_the_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text().split()) <= 1800
