"""What stands between the network and MiniStack: records of calls and answers, faults, and the tests' own controls."""

from __future__ import annotations

import asyncio
import json
import re
import signal
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import parse_qs

from hypercorn.protocol.events import StreamClosed
from hypercorn.protocol.http_stream import ASGIHTTPState, HTTPStream
from ministack import app
from ministack.core import iam_evaluator, responses, router
from ministack.services import cloudwatch_logs
from ministack.services.cloudformation import custom_resource

from .state import PlannedFault, State
from .switches import Switches, changed
from .wire import ERROR_FAULTS, HANG_SECONDS, Answer, Call, Fault

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Message, Receive, Send], Awaitable[None]]

SIGNALS = {"kill_before": signal.SIGKILL, "kill_after": signal.SIGKILL, "freeze_after": signal.SIGSTOP}
CONTROLS = "/_embedded/"
CFN_RESPONSE = "/_ministack/cfn-response/"
SLOWED = ("iam", "sts", "dms")
LONGEST_ANSWER = 4096
IDS = ("PhysicalResourceId", "StackId", "RequestId", "LogicalResourceId")
RESET = "embedded.reset"
JSON = "application/x-amz-json-1.1"
# Where a request says what it is about, the most telling first.
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
)


@dataclass(frozen=True)
class Request:
    """A signed API call, as its headers and body tell it."""

    service: str
    operation: str
    caller: str
    resource: str
    event: str  # see Call
    form: bool  # of the query protocol, whose errors are XML


def request_of(scope: Message, headers: dict[str, str], body: bytes) -> Request | None:
    """None where nobody signed. The account of the caller is this task's from then on, as MiniStack keeps it."""
    query = parse_qs(scope["query_string"].decode())
    access_key = router.extract_access_key_id(headers, query)
    if not access_key:
        return None
    responses.set_request_account_id(app._request_account_scope(access_key))
    signature = headers.get("authorization") or query.get("X-Amz-Credential", [""])[0]
    found = re.search(r"/\d{8}/[^/]+/([^/]+)/aws4_request", signature)
    service = found[1] if found else ""
    form = "x-www-form-urlencoded" in headers.get("content-type", "")
    given = _given(body, form)
    operation = app._ct_event_name(service, scope["method"], scope["path"], headers, query | given)
    caller = (iam_evaluator.resolve_caller_identity(access_key) or {}).get("userArn", access_key)
    event = _event(str(given.get("RoleSessionName", caller)))
    return Request(service, operation, caller, _resource(scope["path"], given), event, form)


def _event(session: str) -> str:
    """The RequestId with which the function ends the names of its sessions."""
    found = re.search(r"-([0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})$", session)
    return found[1] if found else ""


def _given(body: bytes, form: bool) -> dict[str, Any]:
    """The parameters of a call by one of the protocols with one address for all operations."""
    if form:
        return {name: values[0] for name, values in parse_qs(body.decode("utf-8", "replace")).items()}
    if not body.startswith(b"{"):
        return {}
    try:
        given = json.loads(body)
    except ValueError:
        return {}
    return given if isinstance(given, dict) else {}


def _resource(path: str, given: dict[str, Any]) -> str:
    named = [given[name] for name in RESOURCES if isinstance(given.get(name), str)]
    filters = given.get("Filters") or []
    values = [value for each in filters if isinstance(each, dict) for value in each.get("Values", [])]
    return str([*named, *values, path.strip("/")][0])


class Gate:
    """The ASGI application in front of MiniStack's."""

    def __init__(self, application: Application, state: State, token: str) -> None:
        self._application = application
        self._state = state
        self._token = token

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._application(scope, receive, send)
            return
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        body = await _read(receive)
        if scope["path"].startswith(CONTROLS):
            await self._control(scope, headers, body, send)
        elif scope["path"].startswith(CFN_RESPONSE):
            await self._take_answer(scope["path"].removeprefix(CFN_RESPONSE), headers, body, send)
        else:
            await self._serve(scope, headers, body, send)

    async def _serve(self, scope: Message, headers: dict[str, str], body: bytes, send: Send) -> None:
        request = request_of(scope, headers, body)
        if request is None:
            await self._application(scope, _replay(body), send)
            return
        started, account = self._state.now(), responses.get_account_id()
        if request.service in SLOWED and self._state.switches.latency_seconds:
            await asyncio.sleep(self._state.switches.latency_seconds / self._state.scale)
        called = (request.service, request.operation, request.event)
        planned = [each.fault for each in self._state.faults if each.strikes(*called)]
        recorder = Recorder(send)
        await self._with_fault(planned[0] if planned else None, request, scope, body, recorder)
        self._state.calls.append(_call(request, account, started, self._state.now(), recorder))

    async def _with_fault(
        self, fault: Fault | None, request: Request, scope: Message, body: bytes, send: Recorder
    ) -> None:
        if fault is None:
            await self._application(scope, _replay(body), send)
            return
        if fault in ERROR_FAULTS:
            await send.whole(*_error(fault, request))
            return
        if fault == "hang":
            await asyncio.sleep(HANG_SECONDS / self._state.scale)
        if fault.endswith("_after"):
            await self._application(scope, _replay(body), _into_nothing)
        if fault in SIGNALS:
            self._state.workers[request.event]._proc.send_signal(SIGNALS[fault])
        await send({"type": RESET})

    async def _take_answer(self, token: str, headers: dict[str, str], body: bytes, send: Send) -> None:
        """To MiniStack's CloudFormation, unless the real one, or S3 behind its ResponseURL, would refuse it."""
        answer = _answer(body, headers.get("content-type", ""))
        self._state.answers.append(answer)
        if answer.content_type:
            # The URL is signed for an empty content type: S3 answers SignatureDoesNotMatch, CloudFormation waits on.
            await Recorder(send).whole(403, "<Error><Code>SignatureDoesNotMatch</Code></Error>", "application/xml")
            return
        failed = answer.body | {"Status": "FAILED", "Reason": f"Invalid response: {answer.fault}"}
        custom_resource.deliver_response(token, failed if answer.fault else answer.body)
        await Recorder(send).whole(200, "", "application/xml")

    async def _control(self, scope: Message, headers: dict[str, str], body: bytes, send: Send) -> None:
        if headers.get("x-embedded-token") != self._token:
            await Recorder(send).whole(403, "{}", "application/json")
            return
        answer = control(self._state, scope["method"], scope["path"].removeprefix(CONTROLS), json.loads(body or b"{}"))
        await Recorder(send).whole(200, json.dumps(answer), "application/json")


def control(state: State, method: str, path: str, given: dict[str, Any]) -> object:
    """What `EmbeddedAws` asks for."""
    name, _, event = path.partition("/")
    match method, name:
        case "POST", "switches":
            state.switches = changed(state.switches, given)
        case "DELETE", "switches":
            state.switches, state.faults = Switches(), []
        case "POST", "faults":
            state.faults.append(PlannedFault(**given))
        case "GET", "calls":
            return [asdict(call) for call in state.calls if event in ("", call.event)]
        case "DELETE", "calls":
            state.calls = []
            state.decisions.clear()
        case "DELETE", "events":
            state.calls = [call for call in state.calls if call.event != event]
            state.faults = [fault for fault in state.faults if fault.event != event]
        case "GET", "answers":
            return [asdict(answer) for answer in state.answers]
        case "GET", "decisions":
            return [asdict(decision) for decision in state.decisions]
        case "GET", "logs":
            return _function_logs()
    return {}


def _function_logs() -> list[str]:
    """What the functions of all accounts wrote: it is in CloudWatch Logs alone."""
    groups = list(cloudwatch_logs._log_groups._data.values())
    streams = [stream for group in groups for stream in group["streams"].values()]
    return [event["message"] for stream in streams for event in stream["events"]]


@dataclass
class Recorder:
    """An ASGI send that keeps the status and the first of the body."""

    send: Send
    status: int = 0
    body: bytes = b""

    async def __call__(self, message: Message) -> None:
        self.status = message.get("status", self.status)
        self.body += message.get("body", b"")[:2000]
        await self.send(message)

    async def whole(self, status: int, body: str, content_type: str) -> None:
        headers = [(b"content-type", content_type.encode()), (b"content-length", str(len(body.encode())).encode())]
        await self({"type": "http.response.start", "status": status, "headers": headers})
        await self({"type": "http.response.body", "body": body.encode()})


def allow_resets() -> None:
    """ASGI has no way to break a connection: a message of our own closes hypercorn's stream before any answer."""
    original = HTTPStream.app_send

    async def app_send(self: HTTPStream, message: Any) -> None:
        if message is None or message["type"] != RESET:
            await original(self, message)
            return
        self.state = ASGIHTTPState.CLOSED
        await self.send(StreamClosed(stream_id=self.stream_id))

    HTTPStream.app_send = app_send


async def _into_nothing(_message: Message) -> None:
    return None


async def _read(receive: Receive) -> bytes:
    body: bytes = b""
    while True:
        message = await receive()
        body += bytes(message.get("body", b""))
        if not message.get("more_body"):
            return body


def _replay(body: bytes) -> Receive:
    messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> Message:
        if messages:
            return messages.pop()
        await asyncio.Event().wait()
        return {"type": "http.disconnect"}

    return receive


def _error(fault: Fault, request: Request) -> tuple[int, str, str]:
    """Status, body and content type, in the protocol of the request."""
    denied = f"User: {request.caller} is not authorized to perform: {request.service}:{request.operation}"
    code, status, text = {
        "throttle": ("Throttling", 400, "Rate exceeded"),
        "http500": ("InternalFailure", 500, "An internal error occurred"),
        "access_denied": ("AccessDenied", 403, denied),
        "ExpiredToken": ("ExpiredToken", 403, "The security token included in the request is expired"),
        "NoSuchEntity": ("NoSuchEntity", 404, f"{request.resource} cannot be found."),
    }.get(fault, (fault, 400 if fault == "MalformedPolicyDocument" else 409, f"{fault} of {request.resource}"))
    if request.form or request.service == "s3":
        error = f"<Error><Type>Sender</Type><Code>{code}</Code><Message>{text}</Message></Error>"
        whole = error if request.service == "s3" else f"<ErrorResponse>{error}</ErrorResponse>"
        return status, whole, "text/xml"
    kind = code if fault == "http500" or code.endswith("Fault") else f"{code}Exception"
    # The JSON protocols answer with 400 whatever is wrong with the request.
    return status if fault == "http500" else 400, json.dumps({"__type": kind, "message": text}), JSON


def _call(request: Request, account: str, started: float, ended: float, recorder: Recorder) -> Call:
    text = recorder.body.decode("utf-8", "replace") if recorder.status >= 400 else ""  # noqa: PLR2004  # HTTP
    found = re.search(r'<Code>([^<]+)|"__type":\s*"(?:[^"#]*#)?([^"]+)', text)
    code = next(filter(None, found.groups()), None) if found else None
    return Call(
        service=request.service,
        operation=request.operation,
        account=account,
        caller=request.caller,
        resource=request.resource,
        started=started,
        ended=ended,
        status=recorder.status,
        error_code=code,
        event=request.event,
    )


def _answer(body: bytes, content_type: str) -> Answer:
    """https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/crpg-ref-responses.html"""
    try:
        parsed = json.loads(body)
    except ValueError:
        parsed = None
    given: dict[str, Any] = parsed if isinstance(parsed, dict) else {}
    faults = [f"{name} is missing" for name in IDS if not given.get(name)]
    if given.get("Status") not in ("SUCCESS", "FAILED"):
        faults.append("Status is neither SUCCESS nor FAILED")
    if given.get("Status") == "FAILED" and not given.get("Reason"):
        faults.append("Reason is missing")
    if len(body) > LONGEST_ANSWER:
        faults.append("Response object is too long")
    if content_type:
        faults.append("the URL is signed for an empty content type")
    return Answer(given, len(body), content_type, ", ".join(faults) or None)
