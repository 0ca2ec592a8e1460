"""The answers of a custom resource: what CloudFormation accepts at a ResponseURL.

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/crpg-ref-responses.html
"""

from __future__ import annotations

import json
from typing import Any

from .wire import Answer

LONGEST_ANSWER = 4096  # bytes
REQUIRED = ("PhysicalResourceId", "StackId", "RequestId", "LogicalResourceId")


def answer_of(body: bytes, content_type: str) -> Answer:
    """The answer, with every fault for which CloudFormation, or S3 behind the URL, rejects it."""
    given = _parsed(body)
    faults = _faults_of_fields(given)
    if len(body) > LONGEST_ANSWER:
        faults.append("Response object is too long")
    if content_type:
        faults.append("the URL is signed for an empty content type")
    return Answer(given, len(body), content_type, ", ".join(faults) or None)


def _parsed(body: bytes) -> dict[str, Any]:
    try:
        parsed = json.loads(body)
    except ValueError:
        return {}
    return parsed if isinstance(parsed, dict) else {}


def _faults_of_fields(given: dict[str, Any]) -> list[str]:
    faults = [f"{name} is missing" for name in REQUIRED if not given.get(name)]
    if given.get("Status") not in ("SUCCESS", "FAILED"):
        faults.append("Status is neither SUCCESS nor FAILED")
    if given.get("Status") == "FAILED" and not given.get("Reason"):
        faults.append("Reason is missing")
    return faults
