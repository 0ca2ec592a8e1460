"""CloudFormation, played: sends one event to the deployed function, and listens at the ResponseURL.

The embedded AWS provisions one resource at a time, so it shows neither races nor lost answers; this does.
https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/crpg-ref.html
"""

from __future__ import annotations

import json
import ssl
import threading
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from .aws import EmbeddedAws
from .organisation import FUNCTION_NAME, TOOLS


@dataclass
class Received:
    """What came to one ResponseURL and was taken; `statuses` are answered first, then 200, each after `delay`."""

    bodies: list[bytes] = field(default_factory=list)
    content_types: list[str] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    delay: float = 0.0  # seconds

    @property
    def answer(self) -> dict[str, Any]:
        """The one answer that was taken."""
        (body,) = self.bodies
        parsed: dict[str, Any] = json.loads(body)
        return parsed


@dataclass
class CloudFormation:
    """One stack of the tools account, whose requests the test decides on."""

    aws: EmbeddedAws
    host: str
    received: dict[str, Received]
    stack_id: str

    def send(self, request_type: str, properties: Mapping[str, Any], **more: Any) -> dict[str, Any]:
        """The answer to an event, once the function has ended."""
        event = self.event(request_type, properties, **more)
        self.invoke(event)
        return self.received[event["RequestId"]].answer

    def event(self, request_type: str, properties: Mapping[str, Any], **more: Any) -> dict[str, Any]:
        return self.addressed(
            {
                "RequestType": request_type,
                "RequestId": str(uuid.uuid4()),
                "StackId": self.stack_id,
                "LogicalResourceId": "Endpoint",
                "ResourceType": "Custom::CreateDMSS3Endpoint",
                "ResourceProperties": {"ServiceToken": self.token, **properties},
                **more,
            }
        )

    def addressed(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """The event with a ResponseURL, where `received` listens from now on."""
        request_id = event["RequestId"]
        self.received.setdefault(request_id, Received())
        url = f"https://{self.host}/{request_id}?X-Amz-Signature={uuid.uuid4().hex}"
        return {**event, "ServiceToken": self.token, "ResponseURL": url}

    @property
    def token(self) -> str:
        return f"arn:aws:lambda:{self.aws.region}:{TOOLS}:function:{FUNCTION_NAME}:live"

    def invoke(self, event: Mapping[str, Any], qualifier: str = "live") -> dict[str, Any]:
        """Lambda's own answer, once the function has ended: with `FunctionError` where it failed."""
        answer: dict[str, Any] = self.aws.client("lambda", TOOLS).invoke(
            FunctionName=FUNCTION_NAME, Qualifier=qualifier, Payload=json.dumps(event)
        )
        return answer


@contextmanager
def played(aws: EmbeddedAws) -> Iterator[CloudFormation]:
    """A stack of its own, with a listener on a free port of the loopback."""
    received: dict[str, Received] = {}
    server = _listen(aws, received)
    stack_id = f"arn:aws:cloudformation:{aws.region}:{TOOLS}:stack/played/{uuid.uuid4()}"
    try:
        yield CloudFormation(aws, f"localhost:{server.server_port}", received, stack_id)
    finally:
        server.shutdown()
        server.server_close()


def _listen(aws: EmbeddedAws, received: dict[str, Received]) -> ThreadingHTTPServer:
    class Listener(BaseHTTPRequestHandler):
        def do_PUT(self) -> None:  # http.server's own name
            answered = received[self.path.strip("/").partition("?")[0]]
            body = self.rfile.read(int(self.headers["content-length"]))
            time.sleep(answered.delay)
            status = answered.statuses.pop(0) if answered.statuses else 200
            if status < 400:  # noqa: PLR2004  # HTTP
                answered.bodies.append(body)
                answered.content_types.append(self.headers.get("content-type", "(none)"))
            self.send_response(status)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nothing: the path is the secret part of a ResponseURL."""

    class Server(ThreadingHTTPServer):
        def handle_error(self, *_: object) -> None:
            """A function that is ended hangs up; what it had sent is in `received`."""

    server = Server(("127.0.0.1", 0), Listener)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(aws.certificate, aws.private_key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server
