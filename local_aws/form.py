"""The parameters of a request in AWS's query protocol, as IAM, STS and CloudFormation speak it."""

from __future__ import annotations

from urllib.parse import parse_qs


def form_of(body: bytes) -> dict[str, str]:
    """By name, the value of each parameter."""
    return {name: values[0] for name, values in parse_qs(body.decode("utf-8", "replace")).items()}
