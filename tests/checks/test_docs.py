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


def test_all_examples_can_be_deployed_side_by_side() -> None:
    examples = [path for path in (ROOT / "examples").rglob("*") if path.suffix in (".yaml", ".py", ".ts")]
    found = [name for path in examples for name in identifiers_in(path.read_text())]
    assert len(found) > len(examples)
    assert sorted(set(found)) == sorted(found)


def identifiers_in(example: str) -> list[str]:
    """The identifiers of endpoints: as such, in a mapping, or as the default of a parameter."""
    given = re.findall(r"""(?:\bENDPOINTIDENTIFIER['"]?|\bIdentifier): ['"]?([a-z][a-z-]*)""", example)
    return given + re.findall(r"^  EndpointIdentifier:\n    Type: String\n    Default: (.+)$", example, re.MULTILINE)
