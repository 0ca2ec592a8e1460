"""The ASGI middleware in front of MiniStack: it records calls and answers, injects faults, and serves the controls."""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from ministack.core import responses
from ministack.services.cloudformation import custom_resource
from starlette.requests import Request
from starlette.responses import Response

from .api_call import ApiCall, api_call_of
from .controls import control
from .response_url import answer_of
from .state import State
from .wire import ERROR_FAULTS, HANG_SECONDS, Fault

Application = Callable[..., Awaitable[None]]
Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

SIGNALS = {"kill_before": signal.SIGKILL, "kill_after": signal.SIGKILL, "freeze_after": signal.SIGSTOP}
CONTROLS = "/_embedded/"
# Of a ResponseURL: see response_url.py.
RESPONSE_PATH = "/arn:aws:cloudformation:"
SLOWED = ("iam", "sts", "dms", "cloudformation")


class Middleware:
    """An application in front of another: it answers an HTTP request itself, or by the other's answer.

    Only who knows the token may use the controls.
    """

    def __init__(self, application: Application, state: State, token: str) -> None:
        self._application = application
        self._state = state
        self._token = token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request; https://asgi.readthedocs.io/en/stable/specs/www.html."""
        if scope["type"] != "http":
            await self._application(scope, receive, send)
            return
        request = Request(scope, receive)
        response = await self._answer(request, await request.body())
        await response(scope, receive, send)

    async def _answer(self, request: Request, body: bytes) -> Response | Reset:
        path = request.scope["path"]
        if path.startswith(CONTROLS):
            return self._control(request, path.removeprefix(CONTROLS), body)
        if path.startswith(RESPONSE_PATH):
            return self._take_answer(request, self._state.tokens.get(path.removeprefix("/"), ""), body)
        call = api_call_of(request.scope, dict(request.headers), body, self._state.event_of)
        if call is None:
            return await self._forward(request.scope, body)
        return await self._serve(call, request.scope, body)

    async def _serve(self, call: ApiCall, scope: Scope, body: bytes) -> Response | Reset:
        started, account = self._state.now(), responses.get_account_id()
        if seconds := self._latency(call.service):
            await asyncio.sleep(seconds / self._state.scale)
        fault = self._planned_fault(call)
        if fault:
            response = await self._with_fault(fault, call, scope, body)
        else:
            response = await self._forward(scope, body)
        ended = self._state.now()
        self._state.calls.append(call.record(account, started, ended, response.status_code, response.body))
        return response

    def _latency(self, service: str) -> float:
        switches = self._state.switches
        if service == "dynamodb":
            return switches.table_latency_seconds
        return switches.latency_seconds if service in SLOWED else 0.0

    def _planned_fault(self, call: ApiCall) -> Fault | None:
        # Each planned fault counts the call, also when another one is injected.
        planned = [each.fault for each in self._state.faults if each.strikes(call.service, call.operation, call.event)]
        return planned[0] if planned else None

    async def _with_fault(self, fault: Fault, call: ApiCall, scope: Scope, body: bytes) -> Response | Reset:
        if fault in ERROR_FAULTS:
            status, text, content_type = call.error(fault)
            return Response(text, status, {"content-type": content_type})
        if fault == "hang":
            await asyncio.sleep(HANG_SECONDS / self._state.scale)
        if fault.endswith("_after"):
            await self._forward(scope, body)
        if fault in SIGNALS:
            self._state.workers[call.event]._proc.send_signal(SIGNALS[fault])
        return Reset()

    async def _forward(self, scope: Scope, body: bytes) -> Response:
        """The application's response, whole, so that a call is recorded before its caller goes on."""
        response = Response()
        parts: list[bytes] = []

        async def receive() -> Message:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Message) -> None:
            if message["type"] == "http.response.start":
                response.status_code, response.raw_headers = message["status"], list(message["headers"])
            else:
                parts.append(message.get("body", b""))

        await self._application(scope, receive, send)
        response.body = b"".join(parts)
        return response

    def _take_answer(self, request: Request, token: str, body: bytes) -> Response:
        """Pass the answer to MiniStack's CloudFormation, unless S3 behind the ResponseURL would reject it."""
        answer = answer_of(body, request.headers.get("content-type", ""))
        self._state.answers.append(answer)
        if answer.content_type:
            # The URL is signed for an empty content type: S3 rejects the PUT, and CloudFormation goes on waiting.
            error = "<Error><Code>SignatureDoesNotMatch</Code></Error>"
            return Response(error, 403, {"content-type": "application/xml"})
        failed = answer.body | {"Status": "FAILED", "Reason": f"Invalid response: {answer.fault}"}
        custom_resource.deliver_response(token, failed if answer.fault else answer.body)
        return Response("", 200, {"content-type": "application/xml"})

    def _control(self, request: Request, path: str, body: bytes) -> Response:
        if request.headers.get("x-embedded-token") != self._token:
            return Response("{}", 403, {"content-type": "application/json"})
        answer = control(self._state, request.method, path, json.loads(body or b"{}"))
        return Response(json.dumps(answer), 200, {"content-type": "application/json"})


class Reset:
    """A response that breaks the connection."""

    status_code = 0
    body = b""

    async def __call__(self, _scope: object, _receive: object, send: Any) -> None:
        """Break it. ASGI has no message for this, but `send` is a method of the object that has the connection."""
        send.__self__.transport.abort()
