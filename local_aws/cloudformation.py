"""A CloudFormation for tests: it sends single events to the deployed function, and listens at the ResponseURL.

MiniStack's CloudFormation provisions one resource at a time, so it can show neither races nor lost answers.
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
from .response_url import bucket_url, request_id_in


@dataclass
class Received:
    """The answers that one ResponseURL accepted. It answers with `statuses` first, then 200, each after `delay`.

    It accepts what it answers with 2xx: a redirect of S3 delivers nothing.
    """

    bodies: list[bytes] = field(default_factory=list)
    content_types: list[str] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    delay: float = 0.0  # seconds

    @property
    def answer(self) -> dict[str, Any]:
        """The one accepted answer. Raises ValueError if there is none or more than one."""
        (body,) = self.bodies
        parsed: dict[str, Any] = json.loads(body)
        return parsed


@dataclass
class CloudFormation:
    """One stack of the tools account. The test decides which requests it sends."""

    aws: EmbeddedAws
    port: int
    received: dict[str, Received]
    stack_id: str
    # By RequestId: a request that is delivered again comes with the same one.
    urls: dict[str, str] = field(default_factory=dict)

    def send(self, request_type: str, properties: Mapping[str, Any], **more: Any) -> dict[str, Any]:
        """Send an event, wait until the function has ended, and return its answer."""
        event = self.event(request_type, properties, **more)
        self.invoke(event)
        return self.received[event["RequestId"]].answer

    def event(self, request_type: str, properties: Mapping[str, Any], **more: Any) -> dict[str, Any]:
        """A new event with a ResponseURL. `more` are further fields, such as PhysicalResourceId."""
        return self.addressed(self.request(request_type, properties, **more))

    def request(self, request_type: str, properties: Mapping[str, Any], **more: Any) -> dict[str, Any]:
        """A new event without a ResponseURL."""
        return {
            "RequestType": request_type,
            "RequestId": str(uuid.uuid4()),
            "StackId": self.stack_id,
            "LogicalResourceId": "Endpoint",
            "ResourceType": "Custom::CreateDMSS3Endpoint",
            "ResourceProperties": {"ServiceToken": self.token, **properties},
            **more,
        }

    def addressed(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """The event with the ResponseURL of its request, signed when the request is addressed for the first time.

        `received` has what arrives there from now on, and the stack is in progress with its resource.
        """
        known = event.get("PhysicalResourceId") or ""
        resource = {"status": f"{event['RequestType'].upper()}_IN_PROGRESS", "physical_id": known}
        self.aws.show_stack(event["StackId"], "UPDATE_IN_PROGRESS", {event["LogicalResourceId"]: resource})
        return self.made_up(event)

    def made_up(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """As `addressed`, by somebody else than CloudFormation, which shows of its stack what it showed before."""
        ids = [event[name] for name in ("StackId", "LogicalResourceId", "RequestId")]
        self.received.setdefault(event["RequestId"], Received())
        signed_now = self.aws.clock.presigned(bucket_url(self.port, *ids), uuid.uuid4().hex)
        url = self.urls.setdefault(event["RequestId"], signed_now)
        return {**event, "ServiceToken": self.token, "ResponseURL": url}

    def rest(self, physical_id: str = "dev/orders") -> None:
        """From now on the stack is not in progress, nor is its resource."""
        resource = {"status": "UPDATE_COMPLETE", "physical_id": physical_id}
        self.aws.show_stack(self.stack_id, "UPDATE_COMPLETE", {"Endpoint": resource})

    @property
    def token(self) -> str:
        """The function's ServiceToken."""
        return f"arn:aws:lambda:{self.aws.region}:{TOOLS}:function:{FUNCTION_NAME}:live"

    def invoke(self, event: Mapping[str, Any], qualifier: str = "live") -> dict[str, Any]:
        """Invoke the function and wait until it ends. Lambda's answer has `FunctionError` if the function failed."""
        answer: dict[str, Any] = self.aws.client("lambda", TOOLS).invoke(
            FunctionName=FUNCTION_NAME, Qualifier=qualifier, Payload=json.dumps(event)
        )
        return answer


@contextmanager
def played(aws: EmbeddedAws) -> Iterator[CloudFormation]:
    """A new stack, with a listener on a free port of the loopback."""
    received: dict[str, Received] = {}
    server = _listen(aws, received)
    stack_id = f"arn:aws:cloudformation:{aws.region}:{TOOLS}:stack/played/{uuid.uuid4()}"
    try:
        yield CloudFormation(aws, server.server_port, received, stack_id)
    finally:
        server.shutdown()
        server.server_close()


def _listen(aws: EmbeddedAws, received: dict[str, Received]) -> ThreadingHTTPServer:
    class Listener(BaseHTTPRequestHandler):
        def do_PUT(self) -> None:  # http.server's own name
            answered = received[request_id_in(self.path)]
            body = self.rfile.read(int(self.headers["content-length"]))
            time.sleep(answered.delay)
            status = answered.statuses.pop(0) if answered.statuses else 200
            if 200 <= status < 300:  # noqa: PLR2004  # HTTP; S3 redirects without taking the body
                answered.bodies.append(body)
                answered.content_types.append(self.headers.get("content-type", "(none)"))
            self.send_response(status)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Log nothing, because the path is the secret part of a ResponseURL."""

    class Server(ThreadingHTTPServer):
        def handle_error(self, *_: object) -> None:
            """Ignore it: a function that dies closes the connection. What it sent is in `received`."""

    server = Server(("127.0.0.1", 0), Listener)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(aws.certificate, aws.private_key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server
