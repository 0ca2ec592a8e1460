"""The answer to CloudFormation. What crhelper 2.0.12 does otherwise than the protocol asks is overridden here.

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/crpg-ref-responses.html
"""

from __future__ import annotations

import http.client
import json
import logging
import ssl
import sys
import threading
import urllib.parse
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any

from .errors import Code, EndpointError, out_of_time
from .lifecycle import Outcome
from .metrics import SUCCESS
from .patience import Patience

# crhelper imports boto3 for a polling that is never used here, and nothing else does. It is a good part of a cold start
# (`make bench`), so an empty module stands in for it.
_NO_BOTO3 = ModuleType("boto3")
sys.modules.setdefault("boto3", _NO_BOTO3)
from crhelper import CfnResource  # noqa: E402  # as said above

if sys.modules["boto3"] is _NO_BOTO3:
    del sys.modules["boto3"]

logger = logging.getLogger(__name__)

FAILED = "FAILED"
# CloudFormation takes no longer one: "Response object is too long", and the stack waits for its time-out.
LONGEST_BODY = 4096
# The watchdog answers this long before Lambda ends the function: time for two tries of 5 s.
SECONDS_BEFORE_THE_END = 12.0
SECONDS_FOR_A_PUT = 5.0
FIRST_HTTP_ERROR = 400
RELIED_ON = ("RequestType", "StackId", "RequestId", "LogicalResourceId", "ResourceProperties")

Operation = Callable[[], Outcome]


class Answer(CfnResource):
    """crhelper's dispatch for one event; a new one for each, so that a warm function carries nothing over.

    `failed_id` gives the physical id that a failure answers with. `put_time` is the time for the answer, which
    lasts longer than that for the work. `answered` is told the outcome, Success or a Code, once the answer is sent.
    After the call, `delivered` tells whether CloudFormation took it.
    """

    # Set by crhelper on each event, and missing from its stubs.
    RequestType: str
    _context: Any

    # crhelper makes clients for Lambda, Events and Logs, for its polling, unless it believes to run under `sam local`.
    _sam_local = property(lambda self: True, lambda self, value: None)

    def __init__(
        self,
        operations: Mapping[str, Operation],
        failed_id: Callable[[EndpointError], str],
        put_time: Patience,
        answered: Callable[[str], object],
    ) -> None:
        # At DEBUG crhelper logs the event; it waits two minutes on each Delete unless told not to.
        super().__init__(log_level="WARNING", boto_level="WARNING", sleep_on_delete=0)
        self._operations = operations
        self._failed_id = failed_id
        self._put_time = put_time
        self._answered = answered
        self._outcome: str = SUCCESS
        self._url = ""
        self._body = b""
        self._one_at_a_time = threading.Lock()
        self.delivered = False

    def __call__(self, event: Mapping[str, Any], context: Any) -> None:
        """crhelper, and whatever it logs, sees the event without the ResponseURL, and with all that it relies on."""
        self._url = event["ResponseURL"]
        super().__call__({**dict.fromkeys(RELIED_ON, ""), **event, "ResponseURL": ""}, context)

    def _poll_enabled(self) -> bool:
        """Never: the longest wait fits into one run of the function, and polling loses the physical id."""
        return False

    def _get_func(self) -> Callable[..., str]:
        operation = self._operations.get(self.RequestType, self._refuse)
        return lambda *_: self._run(operation)

    def _refuse(self) -> Outcome:
        unknown = f"RequestType {self.RequestType} is unknown"
        raise EndpointError(Code.INVALID_REQUEST, unknown, "Send Create, Update or Delete")

    def _run(self, operation: Operation) -> str:
        try:
            outcome = operation()
        except Exception as error:
            return self._fail(error)
        self.Data = dict(outcome.attributes)
        return outcome.physical_id

    def _fail(self, error: Exception) -> str:
        """The whole cause goes to the log, its first line to CloudFormation."""
        failure = as_endpoint_error(error)
        logger.error(failure.reason, exc_info=error, extra={"code": failure.code, **_request_id_of(error)})
        self.Status, self.Reason, self._outcome = FAILED, failure.reason, failure.code
        return self._failed_id(failure)

    def _set_timeout(self) -> None:
        """A watchdog for a call that hangs: all else keeps to the deadline, which is earlier."""
        seconds = self._context.get_remaining_time_in_millis() / 1000 - SECONDS_BEFORE_THE_END
        self._timer = threading.Timer(max(seconds, 0), self._timeout)
        self._timer.daemon = True
        self._timer.start()

    def _timeout(self) -> None:
        self._send(FAILED, out_of_time(f"{self.RequestType}: a call to AWS does not return"))

    def _send(self, status: str | None = None, reason: Exception | str = "") -> None:
        """One answer: the first one that is decided on, whoever asks again."""
        with self._one_at_a_time:
            if not self._body:
                if status == FAILED:
                    self.PhysicalResourceId = self._fail(reason if isinstance(reason, Exception) else Exception(reason))
                self._body = self._encoded()
                self.delivered = _put(self._url, self._body, self._put_time)
                self._answered(self._outcome)

    def _encoded(self) -> bytes:
        """At most 4,096 bytes of JSON; only attributes can be that long, and they can't be cut."""
        body = json.dumps(self._fields(), ensure_ascii=False).encode()
        if len(body) > LONGEST_BODY:
            too_long = EndpointError(
                Code.INTERNAL_ERROR, f"The answer has {len(body)} bytes, and 4,096 is the most", "Use shorter names"
            )
            self.PhysicalResourceId, self.Data = self._fail(too_long), {}
            body = json.dumps(self._fields(), ensure_ascii=False).encode()
        return body

    def _fields(self) -> dict[str, object]:
        return {
            "Status": self.Status,
            "Reason": self.Reason,
            "PhysicalResourceId": self.PhysicalResourceId,
            "StackId": self.StackId,
            "RequestId": self.RequestId,
            "LogicalResourceId": self.LogicalResourceId,
            "Data": {} if self.Status == FAILED else self.Data,
        }


def as_endpoint_error(error: Exception) -> EndpointError:
    if isinstance(error, EndpointError):
        return error
    return EndpointError(
        Code.INTERNAL_ERROR, f"{type(error).__name__}: {error}", "See the function's log, and report it with its lines"
    )


def _request_id_of(error: BaseException) -> dict[str, str]:
    """AWS's id of the request that failed, from the error or what caused it."""
    cause: Any = error if hasattr(error, "response") else error.__cause__
    metadata = getattr(cause, "response", {}).get("ResponseMetadata", {})
    return {"aws_request_id": metadata["RequestId"]} if "RequestId" in metadata else {}


def _put(url: str, body: bytes, put_time: Patience) -> bool:
    """PUT the body until CloudFormation's bucket takes it, or the time is over; whether it did.

    Through http.client, which logs nothing: the URL is a secret, whoever has it can answer for us.
    """
    for _waited in put_time.attempts(first=0.5, longest=10.0):
        try:
            status = _put_once(url, body)
        except (OSError, http.client.HTTPException) as error:
            logger.warning("CloudFormation could not be reached", extra={"cause": type(error).__name__})
            continue
        if status < FIRST_HTTP_ERROR:
            return True
        logger.warning("CloudFormation refused the answer", extra={"http_status": status})
    logger.error("CloudFormation was not answered: the time is over")
    return False


def _put_once(url: str, body: bytes) -> int:
    """The HTTP status. An empty content type, because the signature in the URL is over one."""
    parts = urllib.parse.urlsplit(url)
    context = ssl.create_default_context()
    connection = http.client.HTTPSConnection(parts.netloc, timeout=SECONDS_FOR_A_PUT, context=context)
    try:
        path = urllib.parse.urlunsplit(("", "", parts.path, parts.query, ""))
        connection.request("PUT", path, body, {"content-type": "", "content-length": str(len(body))})
        return connection.getresponse().status
    finally:
        connection.close()
