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
