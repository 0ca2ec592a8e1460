"""Hashes of plain values."""

from __future__ import annotations

import hashlib
import json


def fingerprint(value: object) -> str:
    """SHA-256, in hexadecimal, of a plain value as JSON. It does not depend on the order of keys."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()
