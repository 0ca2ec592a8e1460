"""ARNs, read by the SDK's own parser."""

from __future__ import annotations

from dataclasses import dataclass

from botocore.utils import ArnParser, InvalidArnException


@dataclass(frozen=True)
class Arn:
    """The parts of arn:<partition>:<service>:<region>:<account>:<resource>."""

    partition: str
    service: str
    region: str
    account: str
    resource: str


def read_arn(text: str) -> Arn | None:
    """The parts of an ARN; None for any other text."""
    try:
        return Arn(**ArnParser().parse_arn(text))
    except InvalidArnException:
        return None


def arn_of(text: str) -> Arn:
    """The parts of an ARN. Raises ValueError for any other text."""
    arn = read_arn(text)
    if arn is None:
        raise ValueError(f"{text!r} is no ARN")
    return arn


def name_in(arn: str) -> str:
    """The last part of a path in an ARN, as the name of a role or policy."""
    return arn.rpartition("/")[2]
