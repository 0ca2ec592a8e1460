"""cfn-lint with the rules of lint/, as for a project that appends the folder; in this process, as starts take long."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from cfnlint.config import ConfigMixIn  # type: ignore[import-untyped]  # no types of its own
from cfnlint.decode.decode import decode_str  # type: ignore[import-untyped]
from cfnlint.runner import Runner  # type: ignore[import-untyped]

from tests.unit.builders import make_properties

ROOT = Path(__file__).resolve().parents[2]
# Templates as projects have them; the findings of one that is wrong are in its first lines.
TEMPLATES = sorted((ROOT / "tests" / "fixtures" / "lint").iterdir())


class Dumper(yaml.SafeDumper):
    """Without aliases, which CloudFormation refuses."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


class Finding(NamedTuple):
    """What cfn-lint says, and the keys that lead to where."""

    rule: str
    message: str
    place: list[Any]


@cache
def runner() -> Any:
    return Runner(ConfigMixIn([], append_rules=[str(ROOT / "lint")]))


def rule(name: str) -> Any:
    """A rule by its id."""
    return runner().rules[name]


def findings(template: str) -> list[Finding]:
    """All that is found in a template of YAML or JSON."""
    decoded, unreadable = decode_str(template)
    matches = unreadable or runner().validate_template(decoded)
    return [Finding(match.rule.id, match.message, list(getattr(match, "path", []))) for match in matches]


def written(template: Any) -> str:
    """The template as YAML."""
    return yaml.dump(template, Dumper=Dumper)


def ours(resources: dict[str, Any], **more: Any) -> list[Finding]:
    """What our rules find in a template of these resources and other sections."""
    return [each for each in findings(written({"Resources": resources, **more})) if each.rule[1:3] == "97"]


def resource(**changes: Any) -> dict[str, Any]:
    """An endpoint `orders` in dev; None leaves a property out."""
    return {"Type": "Custom::CreateDMSS3Endpoint", "Properties": make_properties(**changes)}
