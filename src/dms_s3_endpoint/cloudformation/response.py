"""The one answer to CloudFormation. Where crhelper 2.0.12 departs from the protocol, it is overridden here.

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/crpg-ref-responses.html
"""

from __future__ import annotations

import http.client
import json
import logging
import ssl
import threading
import urllib.parse
from collections.abc import Mapping
from typing import Any

from crhelper import CfnResource

from ..aws.deadline import Deadline
from ..model.errors import Code, EndpointError, out_of_time
from ..model.lives import Answer
from ..procedure.lease import Lease
from .event import Event
from .lifecycle import failure
from .telemetry import SUCCESS, Measurement

logger = logging.getLogger(__name__)

FAILED = "FAILED"
# CloudFormation takes no longer one: "Response object is too long", and the stack waits for its time-out.
LONGEST_BODY = 4096
# The watchdog answers this many seconds before Lambda ends the function: time for two attempts of 5 s.
SECONDS_BEFORE_THE_END = 12.0
SECONDS_FOR_A_PUT = 5.0
# Of HTTP: any other answer, a redirect included, means that the bucket has nothing.
STATUSES_OF_SUCCESS = range(200, 300)
# S3 answers so to a signature that is wrong, or older than two hours: no third try mends that.
FORBIDDEN, MOST_FORBIDDEN = 403, 2
# What crhelper reads of an event without asking whether it is there.
READ_BY_CRHELPER = ("RequestType", "StackId", "RequestId", "LogicalResourceId", "ResourceProperties")


class Response(CfnResource):
    """crhelper for one event; a new one for each, so that a warm function carries nothing over.

    `deadline` is for the answer: it lasts longer than that for the work. After the call, `delivered` tells whether
    CloudFormation took the answer, or another delivery of the event gives it.
    """

    # crhelper sets them on each event, and its stubs lack them.
    RequestType: str
    _context: Any
    _create_func: Any
    _update_func: Any
    _delete_func: Any

    # crhelper makes clients of Lambda, Events and Logs for its polling, which is never used here, unless it believes
    # it runs under `sam local`. They would only lengthen each request.
    _sam_local = property(lambda self: True, lambda self, value: None)

    def __init__(self, event: Event, deadline: Deadline, measurement: Measurement, lease: Lease) -> None:
        # At DEBUG crhelper logs the event; on a Delete it sleeps for two minutes unless told not to.
        super().__init__(log_level="WARNING", boto_level="WARNING", sleep_on_delete=0)
        self._request = event
        self._deadline = deadline
        self._measurement = measurement
        self._lease = lease
        self._outcome: str = SUCCESS
        self._url = ""
        self._body = b""
        self._is_left_to_another = False
        self._one_at_a_time = threading.Lock()
        self.delivered = False

    def __call__(self, event: Mapping[str, Any], context: Any) -> None:
        """Run the function registered for the request type, and answer.

        crhelper, and whatever it logs, sees the event without the ResponseURL.
        """
        self._url = str(event["ResponseURL"])
        super().__call__({**dict.fromkeys(READ_BY_CRHELPER, ""), **event, "ResponseURL": ""}, context)

    def take(self, answer: Answer | None) -> str:
        """Take the answer to send; None: another delivery of the event answers. The physical id, for crhelper."""
        if answer is None:
            self._is_left_to_another = self.delivered = True
            return ""
        self.Data, self.Reason = dict(answer.attributes), answer.reason
        self.Status, self._outcome = ("SUCCESS", SUCCESS) if answer.is_success else (FAILED, answer.code)
        return answer.physical_id

    def _get_func(self) -> Any:
        """crhelper fails on a type that has no function; `lifecycle` refuses an unknown one by name."""
        known = {"Update": self._update_func, "Delete": self._delete_func}
        return known.get(self._request.request_type, self._create_func)

    def _poll_enabled(self) -> bool:
        """The longest wait fits into one run of the function. crhelper fails here on an unknown type, too."""
        return False

    def _set_timeout(self) -> None:
        """A watchdog for a call that hangs; crhelper's leaves half a second. All else keeps the earlier deadline."""
        seconds = self._context.get_remaining_time_in_millis() / 1000 - SECONDS_BEFORE_THE_END
        self._timer = threading.Timer(max(seconds, 0), self._timeout)
        self._timer.daemon = True
        self._timer.start()

    def _timeout(self) -> None:
        """crhelper answers with an empty physical id, and again when the work ends after all."""
        error = out_of_time(f"{self.RequestType}: a call to AWS does not return")
        self._lease.close()
        self._send(FAILED, error)
        self._lease.end_late(failure(self._request, self._lease, error))

    def _send(self, status: str | None = None, reason: Exception | str = "") -> None:
        """Send one answer: the first that is decided on. crhelper keeps the tail of a reason, and any HTTP status."""
        with self._one_at_a_time:
            if self._body or self._is_left_to_another:
                return
            if status == FAILED:
                self._fail(reason if isinstance(reason, Exception) else Exception(reason))
            self._body = self._encoded()
            self.delivered = _put(self._url, self._body, self._deadline)
            if self.delivered:
                self._lease.note_delivered()
            self._measurement.emit(self._outcome)

    def _fail(self, error: Exception) -> None:
        self.PhysicalResourceId = self.take(failure(self._request, self._lease, error))

    def _encoded(self) -> bytes:
        """At most 4,096 bytes of JSON; only attributes can be that long, and they can't be cut."""
        body = json.dumps(self._fields(), ensure_ascii=False).encode()
        if len(body) > LONGEST_BODY:
            failed = f"The answer has {len(body)} bytes, and 4,096 is the most"
            self._fail(EndpointError(Code.INTERNAL_ERROR, failed, "Use shorter names"))
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


def _put(url: str, body: bytes, deadline: Deadline) -> bool:
    """PUT the body until CloudFormation's bucket takes it, forbids it twice, or the time is over; whether it took it.

    Through http.client, which logs nothing: the URL is a secret, as whoever has it can answer for us.
    """
    forbidden = 0
    for _waited in deadline.attempts(first=0.5, longest=10.0):
        try:
            status = _put_once(url, body)
        except (OSError, http.client.HTTPException) as error:
            logger.warning("CloudFormation could not be reached", extra={"cause": type(error).__name__})
            continue
        if status in STATUSES_OF_SUCCESS:
            return True
        logger.warning("CloudFormation refused the answer", extra={"http_status": status})
        forbidden += status == FORBIDDEN
        if forbidden == MOST_FORBIDDEN:
            break
    logger.error("CloudFormation was not answered: the ResponseURL is not valid, or the time is over")
    return False


def _put_once(url: str, body: bytes) -> int:
    """The HTTP status. The content type is empty, because the signature in the URL covers an empty one."""
    parts = urllib.parse.urlsplit(url)
    context = ssl.create_default_context()
    connection = http.client.HTTPSConnection(parts.netloc, timeout=SECONDS_FOR_A_PUT, context=context)
    try:
        path = urllib.parse.urlunsplit(("", "", parts.path, parts.query, ""))
        connection.request("PUT", path, body, {"content-type": "", "content-length": str(len(body))})
        return connection.getresponse().status
    finally:
        connection.close()
