"""The tools, each as a function from what it judges to its findings. They run in .venv-checks."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import parliament
from cloudformation_validate import CompositeEngine, CompositeEngineConfig, ReportStatus, file_to_external_rule_source

from .findings import Finding

ROOT = Path(__file__).resolve().parents[2]
# AWS's own for Control Tower, https://docs.aws.amazon.com/controltower/latest/controlreference/proactive-controls.html
GUARD_RULES = ROOT / "development/checks/node_modules/@cdklabs/cdk-validator-cfnguard/rules/control-tower/cfn-guard"
# Policy documents, and where each one is from.
Policies = Sequence[tuple[str, Any]]
ROLE = "arn:aws:iam::222222222222:role/dms-s3-endpoint/dms-orders"


def by_cloudformation_validate(templates: Mapping[str, Path]) -> Iterator[Finding]:
    """Its own rules, hints too, and AWS's Guard rules. Guard names each clause of a rule; the first will do."""
    rules = [file_to_external_rule_source(path) for path in sorted(GUARD_RULES.rglob("*.guard"))]
    engine = CompositeEngine(CompositeEngineConfig(guard_rules=rules))
    for name, path in templates.items():
        said: dict[tuple[str, str], str] = {}
        report = engine.validate_template(path)
        if report.status != ReportStatus.OK:
            raise ValueError(f"cloudformation-validate: {name}: {report.status}")
        for each in report.diagnostics:
            entity = str(each.entity.logical_id) if each.entity else "(template)"
            said.setdefault((each.rule_id, entity), " ".join(str(each.message).split()))
        for (rule, entity), text in said.items():
            tool = "guard" if rule.islower() else "cloudformation-validate"
            yield Finding(tool, rule, f"{name} {entity}", text)


def by_checkov(templates: Mapping[str, Path]) -> Iterator[Finding]:
    names = {str(path.resolve()): name for name, path in templates.items()}
    files = [argument for path in names for argument in ("--file", path)]
    report: Any = json.loads(_printed("checkov.main", "--config-file", str(ROOT / ".checkov.yaml"), *files))
    if report["summary"]["parsing_errors"]:
        raise ValueError(f"checkov can't read {report['results']['parsing_errors']}")
    for each in report["results"]["failed_checks"]:
        name, resource = names[str(Path(each["file_abs_path"]).resolve())], each["resource"].rpartition(".")[2]
        yield Finding("checkov", each["check_id"], f"{name} {resource}", each["check_name"])


def by_parliament(policies: Policies) -> Iterator[Finding]:
    """A trust policy names no resource: it gets its role's ARN. Nothing is blamed for whom it lets in."""
    for name, document in policies:
        trust = any("Principal" in statement for statement in document["Statement"])
        judged = _with_resource(document) if trust else document
        policy = parliament.analyze_policy_string(json.dumps(judged), include_community_auditors=not trust)
        for each in policy.findings:
            for what in _what(each):
                yield Finding("parliament", f"{each.issue} {what}".rstrip(), name, str(each.detail))


def _with_resource(document: Mapping[str, Any]) -> dict[str, Any]:
    return {**document, "Statement": [{"Resource": ROLE, **statement} for statement in document["Statement"]]}


def _what(finding: Any) -> Iterable[str]:
    """The actions or the kind of escalation, each to be accepted for itself."""
    if isinstance(finding.location, Mapping):
        for key in ("type", "string", "actions"):
            if key in finding.location:
                value = finding.location[key]
                return [value] if isinstance(value, str) else sorted(value)
    if isinstance(finding.detail, list):
        return [each["action"] if isinstance(each, Mapping) else str(each) for each in finding.detail]
    return [""]


def by_bandit(paths: Sequence[str]) -> Iterator[Finding]:
    """What ruff's rules of the same numbers are told to ignore, with the reason there, is not said again."""
    arguments = [
        "--quiet",
        "--recursive",
        "--exit-zero",
        "--format",
        "json",
        "--exclude",
        "development/checks/node_modules",
    ]
    report: Any = json.loads(_printed("bandit", *arguments, *paths))
    if report["errors"]:
        raise ValueError(f"bandit can't read {report['errors']}")
    for each in report["results"]:
        if not _told_ruff(each):
            place = each["filename"].removeprefix("./")
            yield Finding("bandit", each["test_id"], place, f"line {each['line_number']}: {each['issue_text']}")


def _told_ruff(result: Mapping[str, Any]) -> bool:
    lines = Path(result["filename"]).read_text().splitlines()
    said = " ".join(lines[number - 1] for number in {result["line_number"], *result["line_range"]})
    return bool(re.search(rf"# noqa: [A-Z0-9, ]*\bS{result['test_id'][1:]}\b", said))


def _printed(module: str, *arguments: str) -> str:
    done = subprocess.run(  # noqa: S603  # the tools are the project's own choice
        [sys.executable, "-m", module, *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if not done.stdout.strip():
        raise RuntimeError(f"{module} ended with {done.returncode}: {done.stderr}")
    return done.stdout
