"""The variants of AWS: combinations of the embedded AWS's switches. Under each, every request must succeed."""

from __future__ import annotations

from typing import Any

VARIANTS: dict[str, dict[str, Any]] = {
    "usual": {},
    "first create keeps": {"first_create": "keeps"},
    "first create keeps, slow IAM": {"first_create": "keeps", "propagation_seconds": 40.0},
    "fault tells the id": {"first_create": "fault_with_id", "propagation_seconds": 15.0},
    "fault tells the id alone": {"first_create": "fault_with_id", "fault_text": "lone_id"},
    "fault until trusted": {"first_create": "fault_until_trusted"},
    "fault until trusted, lagging": {"first_create": "fault_until_trusted", "describe_lag_seconds": 5.0},
    "endpoint failed": {"first_create": "status_failed", "delete_seconds": 20.0},
    "endpoint modifying": {"first_create": "status_failed", "failed_status": "modifying"},
    "the id moves once": {"external_id": "per_call"},
    "the id moves, endpoint kept": {"external_id": "per_call", "first_create": "keeps"},
    "refused for a while": {"refused_creates": 5, "first_create": "keeps"},
    "only create tells the id": {"describe_tells_external_id": False},
    "empty lists, small pages": {"describe_empty": "empty", "page_size": 1},
    "identifier reserved": {"identifier_reserved_seconds": 40.0, "delete_answers": "active"},
    "identifier in a state": {
        "identifier_reserved_seconds": 40.0,
        "identifier_reserved_fault": "InvalidResourceStateFault",
    },
    "IAM lags": {"iam_lag_seconds": 8.0},
    "IAM lags, first create keeps": {"iam_lag_seconds": 8.0, "first_create": "keeps"},
    "DMS lags": {"describe_lag_seconds": 10.0, "delete_seconds": 30.0, "create_seconds": 20.0},
    "all slow": {
        "iam_lag_seconds": 5.0,
        "propagation_seconds": 20.0,
        "describe_lag_seconds": 5.0,
        "delete_seconds": 60.0,
        "create_seconds": 10.0,
        "refused_creates": 2,
        "external_id": "per_call",
    },
}
