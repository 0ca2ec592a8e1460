"""Judges templates by AWS's Guard rules, by cloudformation-validate and by checkov. Reads what checks.plain printed.

Guard's rules are those of Control Tower. Fails for a finding that accepted.py does not name, for one that it names in
vain, and for a tool that finds nothing in a template that is bad on purpose.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from cloudformation_validate import CompositeEngine, CompositeEngineConfig, Severity, file_to_external_rule_source

from .accepted import ACCEPTED

HERE = Path(__file__).parent
GUARD_RULES = HERE / "node_modules" / "@cdklabs" / "cdk-validator-cfnguard" / "rules"
CHECKOV = [sys.executable, "-m", "checkov.main", "--skip-download", "--framework", "cloudformation", "--output", "json"]
BAD: dict[str, Any] = {
    "Resources": {
        "Queue": {"Type": "AWS::SQS::Queue", "Properties": {"QueName": "misspelt"}},
        "Log": {"Type": "AWS::Logs::LogGroup", "Properties": {}},
    }
}
FOUND_IN_BAD = {"checkov", "guard", "cloudformation-validate"}


class Finding(NamedTuple):
    tool: str
    rule: str
    resource: str
    text: str


def main() -> int:
    """0 where there is nothing new."""
    templates: dict[str, Any] = json.load(sys.stdin)
    blind = FOUND_IN_BAD - {each.tool for each in findings({"bad.json": BAD})}
    found = findings(templates)
    new = [each for each in found if (each.tool, each.rule) not in ACCEPTED]
    vain = ACCEPTED.keys() - {(each.tool, each.rule) for each in found}
    lines = [f"{each.tool} {each.rule}: {each.resource}: {each.text}" for each in new]
    lines += [f"{tool} {rule}: accepted in vain" for tool, rule in sorted(vain)]
    lines += [f"{tool} finds nothing in a bad template" for tool in sorted(blind)]
    print("\n".join([*lines, f"{len(templates)} templates, {len(found)} findings, {len(new)} new"]))
    return 1 if new or vain or blind else 0


def findings(templates: Mapping[str, Any]) -> list[Finding]:
    with tempfile.TemporaryDirectory() as directory:
        paths = [_written(Path(directory), name, template) for name, template in templates.items()]
        return [*_by_cloudformation_validate(paths), *_by_checkov(paths)]


def _written(directory: Path, name: str, template: Any) -> Path:
    path = directory / f"{name.replace('/', '-')}.json"
    path.write_text(json.dumps({key: value for key, value in template.items() if value is not None}))
    return path


def _by_cloudformation_validate(paths: list[Path]) -> Iterator[Finding]:
    """Its own rules, and Guard's; what it gives as a hint only is left out."""
    rules = [file_to_external_rule_source(path) for path in sorted(GUARD_RULES.rglob("*.guard"))]
    engine = CompositeEngine(CompositeEngineConfig(guard_rules=rules))
    for path in paths:
        for each in engine.validate_template(path).diagnostics:
            tool = "guard" if each.rule_id.islower() else "cloudformation-validate"
            if each.severity in (Severity.ERROR, Severity.WARN, Severity.FATAL):
                resource = getattr(each.entity, "logical_id", "") if each.entity else ""
                yield Finding(tool, each.rule_id, f"{path.stem} {resource}", str(each.message))


def _by_checkov(paths: list[Path]) -> Iterator[Finding]:
    files = [argument for path in paths for argument in ("--file", str(path))]
    done = subprocess.run([*CHECKOV, *files], capture_output=True, text=True, check=False)  # noqa: S603  # our own
    report: Any = json.loads(done.stdout)
    if not report["summary"]["passed"] + report["summary"]["failed"]:
        raise RuntimeError(f"checkov judged nothing: {done.stderr}")
    for each in report["results"]["failed_checks"]:
        yield Finding("checkov", each["check_id"], each["resource"], each["check_name"])


if __name__ == "__main__":
    sys.exit(main())
