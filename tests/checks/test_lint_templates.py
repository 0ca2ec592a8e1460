"""Templates as projects have them: a right one has no finding, a wrong one those of its first lines, and no other.

Of cfn-lint's own rules none is passed over, so that a template that could not be deployed is no example of anything.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.checks.cfn_lint import TEMPLATES, findings

IN_FIRST_LINES = re.compile(r"^(?:# | *\"Description\": \")([EW]\d{4} .*?)(?:\",)?$")


def expected(template: Path) -> list[str]:
    """The beginnings of the findings, by the comments on top; JSON has them in its description."""
    found = map(IN_FIRST_LINES.match, template.read_text().splitlines()[:4])
    return sorted(match[1] for match in found if match)


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_a_template_has_the_findings_of_its_first_lines(template: Path) -> None:
    found = sorted({f"{each.rule} {each.message}" for each in findings(template.read_text())})
    said = [text[: len(beginning)] for text, beginning in zip(found, expected(template), strict=False)]
    assert (said, len(found)) == (expected(template), len(expected(template))), found


def test_the_templates_are_right_and_wrong_by_every_rule() -> None:
    by_rule = {text.split()[0] for template in TEMPLATES for text in expected(template)}
    assert by_rule >= {"E9701", "E9702", "E9703", "W9702", "W9704"}
    assert sum(not expected(template) for template in TEMPLATES) >= 30
