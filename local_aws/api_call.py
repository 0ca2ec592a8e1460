"""Signed API calls: what a request asks of AWS, and how AWS reports an error to the caller."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

from ministack import app
from ministack.core import iam_evaluator, responses, router

from .form import form_of
from .wire import Call, Fault

JSON = "application/x-amz-json-1.1"
FIRST_HTTP_ERROR = 400
# The parameters that name the resource of a call. The first that is present wins.
RESOURCES = (
    "EndpointIdentifier",
    "EndpointArn",
    "ResourceArn",
    "ReplicationConfigArn",
    "ReplicationTaskArn",
    "ReplicationInstanceArn",
    "RoleName",
    "RoleArn",
    "PolicyName",
    "PolicyArn",
    "StackName",
    "TableName",
)


@dataclass(frozen=True)
class ApiCall:
    """A signed API call, as its headers and body describe it; see `Call` for the fields."""

    service: str
    operation: str
    caller: str
    resource: str
    event: str
    is_query: bool  # of the query protocol, whose errors are XML

    def record(self, account: str, started: float, ended: float, status: int, answer: bytes) -> Call:
        """The call as users of the embedded AWS read it; `started` and `ended` in virtual seconds."""
        return Call(
            service=self.service,
            operation=self.operation,
            account=account,
            caller=self.caller,
            resource=self.resource,
            started=started,
            ended=ended,
            status=status,
            error_code=_error_code(answer) if status >= FIRST_HTTP_ERROR else None,
            event=self.event,
        )

    def error(self, fault: Fault) -> tuple[int, str, str]:
        """Status, body and content type of an error, in the protocol of the call."""
        denied = f"User: {self.caller} is not authorized to perform: {self.service}:{self.operation}"
        code, status, text = {
            "throttle": ("Throttling", 400, "Rate exceeded"),
            "http500": ("InternalFailure", 500, "An internal error occurred"),
            "access_denied": ("AccessDenied", 403, denied),
            "ExpiredToken": ("ExpiredToken", 403, "The security token included in the request is expired"),
            "NoSuchEntity": ("NoSuchEntity", 404, f"{self.resource} cannot be found."),
        }.get(fault, (fault, 400 if fault == "MalformedPolicyDocument" else 409, f"{fault} of {self.resource}"))
        if self.is_query or self.service == "s3":
            error = f"<Error><Type>Sender</Type><Code>{code}</Code><Message>{text}</Message></Error>"
            whole = error if self.service == "s3" else f"<ErrorResponse>{error}</ErrorResponse>"
            return status, whole, "text/xml"
        kind = code if fault == "http500" or code.endswith("Fault") else f"{code}Exception"
        # The JSON protocols answer every fault of the request with 400.
        return status if fault == "http500" else 400, json.dumps({"__type": kind, "message": text}), JSON


def api_call_of(
    scope: Mapping[str, Any], headers: dict[str, str], body: bytes, event_of: Callable[[str], str]
) -> ApiCall | None:
    """The signed call of an HTTP request with this ASGI scope; None if the request is not signed.

    `event_of` tells the event of a function's own session by its access key.

    From then on, MiniStack treats the caller's account as the account of this task.
    """
    query = parse_qs(scope["query_string"].decode())
    access_key = router.extract_access_key_id(headers, query)
    if not access_key:
        return None
    responses.set_request_account_id(app._request_account_scope(access_key))
    signature = headers.get("authorization") or query.get("X-Amz-Credential", [""])[0]
    found = re.search(r"/\d{8}/[^/]+/([^/]+)/aws4_request", signature)
    service = found[1] if found else ""
    is_query = "x-www-form-urlencoded" in headers.get("content-type", "")
    parameters = _parameters(body, is_query)
    operation = app._ct_event_name(service, scope["method"], scope["path"], headers, query | parameters)
    caller = (iam_evaluator.resolve_caller_identity(access_key) or {}).get("userArn", access_key)
    event = _event(str(parameters.get("RoleSessionName", caller))) or event_of(access_key)
    return ApiCall(service, operation, caller, _resource(scope["path"], parameters), event, is_query)


def _event(session: str) -> str:
    """The RequestId at the end of the name of a session; the function names its sessions like this."""
    found = re.search(r"-([0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})$", session)
    return found[1] if found else ""


def _parameters(body: bytes, is_query: bool) -> dict[str, Any]:
    """The parameters of a call in the query protocol or one of the JSON protocols; of other calls, none."""
    if is_query:
        return form_of(body)
    if not body.startswith(b"{"):
        return {}
    try:
        parameters = json.loads(body)
    except ValueError:
        return {}
    return parameters if isinstance(parameters, dict) else {}


def _resource(path: str, parameters: dict[str, Any]) -> str:
    named = [parameters[name] for name in RESOURCES if isinstance(parameters.get(name), str)]
    filters = parameters.get("Filters") or []
    values = [value for each in filters if isinstance(each, dict) for value in each.get("Values", [])]
    return str([*named, *values, path.strip("/")][0])


def _error_code(answer: bytes) -> str | None:
    found = re.search(r'<Code>([^<]+)|"__type":\s*"(?:[^"#]*#)?([^"]+)', answer.decode("utf-8", "replace"))
    return next(filter(None, found.groups()), None) if found else None
