"""What the unit tests are made of."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote

from botocore.exceptions import ClientError

from dms_s3_endpoint.aws.deadline import Deadline
from dms_s3_endpoint.model.environments import Environment

TOOLS, DATA_LAKE, DMS = "111111111111", "222222222222", "333333333333"
DEV = Environment("dev", f"arn:aws:iam::{DATA_LAKE}:role/lake", f"arn:aws:iam::{DMS}:role/dms")
ENVIRONMENTS = {"dev": DEV}
STACK_ID = f"arn:aws:cloudformation:eu-west-1:{TOOLS}:stack/orders/00000000-0000-4000-8000-000000000000"
REQUEST_ID = "11111111-0000-4000-8000-000000000000"
FUNCTION_ARN = f"arn:aws:lambda:eu-west-1:{TOOLS}:function:dms-s3-endpoint:live"
BUCKET_URL = "https://cloudformation-custom-resource-response-euwest1.s3.eu-west-1.amazonaws.com"
URL = f"{BUCKET_URL}/{quote(f'{STACK_ID}|Endpoint|{REQUEST_ID}')}?X-Amz-Signature=c0ffee"
# To the table of leases. A test that compares the calls of a request leaves them out.
LEASE_CALLS = ("get_item", "put_item", "update_item")


def make_url(seconds: float) -> str:
    """A ResponseURL that CloudFormation signed so many seconds after the beginning of 2026."""
    signed = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
    return f"{BUCKET_URL}/answer?X-Amz-Date={signed:%Y%m%dT%H%M%SZ}&X-Amz-Signature=c0ffee"


def make_properties(**changes: Any) -> dict[str, Any]:
    """Properties of an endpoint `orders` in dev; None leaves one out."""
    given = {
        "ServiceToken": FUNCTION_ARN,
        "ENVIRONMENT": "dev",
        "ENDPOINTIDENTIFIER": "orders",
        "POLICYNAME": "dms-orders",
        "ROLENAME": "dms-orders",
        "S3SETTINGS": {"BUCKETNAME": "data-lake-dev"},
    }
    return {key: value for key, value in (given | changes).items() if value is not None}


def make_event(request_type: str, **changes: Any) -> dict[str, Any]:
    return {
        "RequestType": request_type,
        "RequestId": REQUEST_ID,
        "StackId": STACK_ID,
        "LogicalResourceId": "Endpoint",
        "ResponseURL": URL,
        "ResourceType": "Custom::CreateDMSS3Endpoint",
        "ResourceProperties": make_properties(),
    } | changes


def make_client_error(code: str, message: str = "", request_id: str = "r") -> ClientError:
    return ClientError(
        {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"RequestId": request_id}},  # type: ignore[typeddict-item]  # the rest is never there in tests
        "Operation",
    )


@dataclass
class FakeClock:
    """A clock that stands still, but for the sleeping."""

    now: float = 0.0
    slept: list[float] = field(default_factory=list)

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds

    def deadline(self, at: float = 870.0) -> Deadline:
        return Deadline(at, lambda: self.now, self.sleep, jitter=lambda: 0.5)


def make_context(seconds: float = 900.0, function_arn: str = FUNCTION_ARN) -> SimpleNamespace:
    return SimpleNamespace(
        get_remaining_time_in_millis=lambda: seconds * 1000,
        function_name="f",
        invoked_function_arn=function_arn,
        aws_request_id="a",
    )


@dataclass
class FakeBucket:
    """CloudFormation's bucket behind the ResponseURL: an http.client.HTTPSConnection that keeps what is PUT."""

    statuses: list[int | Exception] = field(default_factory=list)
    puts: list[tuple[str, bytes, dict[str, str]]] = field(default_factory=list)
    before_answer: Callable[[], None] = lambda: None

    def __call__(self, *_: object, **__: object) -> FakeBucket:
        return self

    def request(self, _method: str, path: str, body: bytes, headers: dict[str, str]) -> None:
        self.puts.append((path, body, headers))

    def getresponse(self) -> SimpleNamespace:
        self.before_answer()
        status = self.statuses.pop(0) if self.statuses else 200
        if isinstance(status, Exception):
            raise status
        return SimpleNamespace(status=status)

    def close(self) -> None:
        """Nothing is open."""

    @property
    def answer(self) -> dict[str, Any]:
        """The one answer."""
        ((_path, body, _headers),) = self.puts
        parsed: dict[str, Any] = json.loads(body)
        return parsed
