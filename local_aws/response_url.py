"""The answers of a custom resource: where they go, and what CloudFormation accepts at a ResponseURL.

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/crpg-ref-responses.html

The URL is of CloudFormation's bucket, and its path names the request, as the real one's does. Where the bucket's name
has the region, ours has a port of the loopback: there the functions are led (in_workers/sitecustomize.py).
"""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from .wire import Answer

BUCKET = "cloudformation-custom-resource-response-port"
LONGEST_ANSWER = 4096  # bytes
REQUIRED = ("PhysicalResourceId", "StackId", "RequestId", "LogicalResourceId")


def bucket_url(port: int, stack_id: str, logical_id: str, request_id: str) -> str:
    """The URL of a request, without its signature."""
    region = stack_id.split(":")[3]
    return f"https://{BUCKET}{port}.s3.{region}.amazonaws.com/{quote(f'{stack_id}|{logical_id}|{request_id}')}"


def request_id_in(path: str) -> str:
    """The request that the path of a URL names."""
    return unquote(path.partition("?")[0]).rpartition("|")[2]


def at_loopback(url: str) -> str:
    """Where a URL leads, for those whose name server does not know it."""
    port = re.findall(rf"^{BUCKET}(\d+)\.", urlsplit(url).netloc)[0]
    return url.replace(urlsplit(url).netloc, f"localhost:{port}")


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
