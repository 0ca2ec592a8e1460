"""What parliament objects to in policy documents: by name in, on standard input, as JSON; findings by name out."""

from __future__ import annotations

import json
import sys
import warnings

warnings.filterwarnings("ignore", category=UserWarning)  # it imports pkg_resources, which says so each time
from parliament import analyze_policy_string  # noqa: E402  # as said above


def objections(document: object) -> list[str]:
    findings = analyze_policy_string(json.dumps(document), include_community_auditors=True).findings
    return sorted({f"{each.issue}: {each.detail or each.location.get('actions', '')}" for each in findings})


if __name__ == "__main__":
    print(json.dumps({name: objections(document) for name, document in json.load(sys.stdin).items()}))
