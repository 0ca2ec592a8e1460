"""`python -m local_aws.samples` writes lines of a real log of the function into docs/operation.md."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

from .aws import EmbeddedAws
from .cloudformation import played
from .organisation import DEV, ROOT, deploy_accounts, deploy_function, sam_build

PAGE = ROOT / "docs" / "operation.md"
BEGIN, END = "<!-- samples: python -m local_aws.samples -->", "<!-- end of samples -->"
PROPERTIES = {
    "ENVIRONMENT": "dev",
    "ENDPOINTIDENTIFIER": "orders",
    "POLICYNAME": "dms-orders",
    "ROLENAME": "dms-orders",
    "S3SETTINGS": {"BUCKETNAME": DEV.bucket, "DATAFORMAT": "parquet"},
}
Line = dict[str, Any]


def main() -> None:
    """Renew the samples between the marks in the page."""
    with tempfile.TemporaryDirectory() as directory, EmbeddedAws() as aws:
        deploy_accounts(aws, [DEV])
        deploy_function(aws, sam_build(Path(directory)), [DEV])
        samples = samples_of(aws)
    head, _begin, rest = PAGE.read_text().partition(BEGIN)
    _old, _end, tail = rest.partition(END)
    blocks = [
        f"{title}:\n\n```json\n{json.dumps(line, indent=2, ensure_ascii=False)}\n```" for title, line in samples.items()
    ]
    PAGE.write_text("\n\n".join([head.rstrip(), BEGIN, *blocks, END]) + tail)


def samples_of(aws: EmbeddedAws) -> dict[str, Line]:
    """One line of each kind by its title: a request, a failure and a metric."""
    with played(aws) as cloudformation:
        created = cloudformation.send("Create", PROPERTIES)["RequestId"]
        cloudformation.send("Delete", PROPERTIES, PhysicalResourceId="dev/orders")
        refused = cloudformation.send("Create", PROPERTIES | {"ROLNAME": "dms-orders"})["RequestId"]
    lines = [json.loads(text) for text in aws.log_text().splitlines() if text.startswith("{")]
    return {
        "A line of a create": next(line for line in lines if line.get("request_id") == created),
        "The record of a failure": _short(next(line for line in lines if _is_failure(line, refused))),
        "A metric": next(line for line in lines if "Requests" in line),
    }


def _is_failure(line: Line, request_id: str) -> bool:
    return (line.get("request_id"), line.get("level")) == (request_id, "ERROR")


def _short(line: Line) -> Line:
    """The line without stack frames."""
    return line | {"exception": "Traceback (most recent call last): …", "stack_trace": "…"}


if __name__ == "__main__":
    main()
