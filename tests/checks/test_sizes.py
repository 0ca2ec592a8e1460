"""IAM's quotas for the policies of accounts/*.yaml, with the longest names that the parameters allow.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
"""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from development.checks import resolved
from development.checks.plain import plain

ACCOUNTS = Path(__file__).resolve().parents[2] / "accounts"
INLINE, MANAGED = 10_240, 6_144
LONG = "x" * 64
LONGEST = {
    "Adopt": LONG,
    "Role.Arn": f"arn:aws-us-gov:iam::222222222222:role/{LONG}",
    "FunctionRoleArn": f"arn:aws-us-gov:iam::111111111111:role/{LONG}",
    "PermissionsBoundary": "arn:aws-us-gov:iam::222222222222:policy/".ljust(256, "x"),
    "Boundary": "arn:aws-us-gov:iam::222222222222:policy/".ljust(256, "x"),
    "BucketPattern": "x" * 63,
    "BucketAccounts": ",".join(["444444444444"] * 100),
    "KeyAccounts": ",".join(["444444444444"] * 100),
}


@pytest.fixture(autouse=True)
def _longest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-gov-west-1")
    for name, value in LONGEST.items():
        monkeypatch.setitem(resolved.EXAMPLES, name, value)
    gov = replace(resolved.PSEUDO_PARAMETERS, region="us-gov-west-1")
    monkeypatch.setattr(resolved, "PSEUDO_PARAMETERS", gov)


def size(document: Any) -> int:
    """As IAM counts: without white space."""
    return len(re.sub(r"\s", "", json.dumps(document)))


@pytest.mark.parametrize("template", ["data-lake.yaml", "dms.yaml"])
def test_the_inline_policies_of_a_role_are_within_the_quota(template: str) -> None:
    documents = resolved.documents(plain(ACCOUNTS / template))
    inline = [each for where, each in documents.items() if where not in ("Role/AssumeRolePolicyDocument", "Boundary")]
    longest = sum(max(size(document) for document in each) for each in inline)
    assert "arn:aws-us-gov:" in json.dumps(inline)
    assert longest <= INLINE


def test_the_boundary_is_within_the_quota_with_many_accounts() -> None:
    documents = resolved.documents(plain(ACCOUNTS / "data-lake.yaml"))["Boundary"]
    assert "444444444444" in json.dumps(documents)
    assert max(size(document) for document in documents) <= MANAGED
