"""The answer to CloudFormation: each of crhelper's defects, and each rule of the protocol."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import replace
from unittest import mock

import pytest

from dms_s3_endpoint.cloudformation.event import Event
from dms_s3_endpoint.cloudformation.response import Response
from dms_s3_endpoint.cloudformation.telemetry import Measurement
from dms_s3_endpoint.model.errors import Code, EndpointError
from dms_s3_endpoint.model.figures import Figures
from dms_s3_endpoint.model.lives import Answer
from dms_s3_endpoint.procedure.lease import Lease, LeaseLostError

from .builders import URL, FakeBucket, FakeClock, make_context, make_event
from .in_memory import CloudInMemory


@pytest.fixture
def bucket() -> FakeBucket:
    Noted.outcomes = []
    return FakeBucket()


class Noted(Measurement):
    """Notes the outcome instead of writing metrics."""

    outcomes: list[str] = []  # noqa: RUF012  # of the running test, see the fixture

    def emit(self, outcome: str) -> None:
        self.outcomes.append(outcome)


REQUEST_ID = make_event("Create")["RequestId"]


def answer(
    bucket: FakeBucket, request_type: str, work: Callable[[], Answer | None], seconds: float = 900.0
) -> Response:
    response = responding(Event.read(make_event(request_type, PhysicalResourceId="dev/orders")), work)
    return sent(bucket, response, seconds)


def responding(request: Event, work: Callable[[], Answer | None], lease: Lease | None = None) -> Response:
    lease = lease or CloudInMemory().deployment(request).lease
    response = Response(request, FakeClock().deadline(60.0), Noted("f", request, "dev", Figures()), lease)

    @response.create
    @response.update
    @response.delete
    def carry_out(_event: object, _context: object) -> str:
        return response.take(work())

    return response


def sent(bucket: FakeBucket, response: Response, seconds: float = 900.0) -> Response:
    event = make_event(response._request.request_type, PhysicalResourceId="dev/orders")
    with mock.patch("http.client.HTTPSConnection", bucket):
        response(event, make_context(seconds))
    return response


def made() -> Answer:
    return Answer(REQUEST_ID, "dev/orders", attributes={"EndpointArn": "arn"})


def denied() -> Answer:
    error = EndpointError(Code.ACCESS_DENIED, "create-role x: " + "long " * 200, "Grant it")
    return Answer(REQUEST_ID, "dev/orders", error.reason, error.code)


def test_a_success_has_all_that_the_protocol_asks_for_and_an_empty_content_type(bucket: FakeBucket) -> None:
    answer(bucket, "Create", made)
    ((path, _body, headers),) = bucket.puts
    assert bucket.answer == {
        "Status": "SUCCESS",
        "Reason": "",
        "PhysicalResourceId": "dev/orders",
        "StackId": make_event("Create")["StackId"],
        "RequestId": make_event("Create")["RequestId"],
        "LogicalResourceId": "Endpoint",
        "Data": {"EndpointArn": "arn"},
    }
    assert headers["content-type"] == ""
    assert URL.endswith(path)


@pytest.mark.parametrize("request_type", ["Create", "Update", "Delete"])
def test_a_failure_answers_with_the_id_that_it_is_given_never_an_empty_or_random_one(
    bucket: FakeBucket, request_type: str
) -> None:
    answer(bucket, request_type, denied)
    assert (bucket.answer["Status"], bucket.answer["PhysicalResourceId"]) == ("FAILED", "dev/orders")


def test_the_head_of_a_long_reason_is_kept_and_so_is_the_remedy(bucket: FakeBucket) -> None:
    answer(bucket, "Create", denied)
    assert bucket.answer["Reason"].startswith("AccessDenied: create-role x: long long")
    assert bucket.answer["Reason"].endswith("…. Grant it")
    assert len(bucket.answer["Reason"]) <= 400


def test_attributes_that_make_the_answer_too_long_become_a_failure_that_fits(bucket: FakeBucket) -> None:
    answer(bucket, "Create", lambda: replace(made(), attributes={"EndpointArn": "a" * 5000}))
    assert bucket.answer["Status"] == "FAILED"
    assert len(bucket.puts[0][1]) <= 4096


@pytest.mark.parametrize("refusal", [101, 301, 307, 403, 500, OSError("connection reset")])
def test_an_answer_that_is_refused_is_sent_again_until_it_is_taken(
    bucket: FakeBucket, refusal: int | Exception
) -> None:
    bucket.statuses = [500, refusal]
    assert answer(bucket, "Create", made).delivered
    assert len({body for _path, body, _headers in bucket.puts}) == 1
    assert len(bucket.puts) == 3


def test_an_answer_that_is_forbidden_twice_is_given_up(bucket: FakeBucket) -> None:
    bucket.statuses = [403, 500, 403]
    assert not answer(bucket, "Create", made).delivered
    assert len(bucket.puts) == 3


def test_an_answer_that_is_never_taken_is_given_up_when_the_time_is_over(bucket: FakeBucket) -> None:
    bucket.statuses = [500] * 1000
    assert not answer(bucket, "Create", made).delivered
    assert 5 < len(bucket.puts) < 50


def test_the_watchdog_answers_while_a_call_hangs_and_the_work_that_ends_after_it_does_not_answer_again(
    bucket: FakeBucket,
) -> None:
    answer(bucket, "Update", hanging_until_answered(bucket), seconds=12.1)
    assert bucket.answer["Reason"].startswith("NotStabilized: Update: a call to AWS does not return")
    assert bucket.answer["PhysicalResourceId"] == "dev/orders"


def hanging_until_answered(bucket: FakeBucket, ends: Callable[[], Answer | None] = made) -> Callable[[], Answer | None]:
    answered = threading.Event()
    bucket.before_answer = answered.set

    def hang() -> Answer | None:
        assert answered.wait(5)
        return ends()

    return hang


def test_what_the_watchdog_answers_is_recorded_and_the_work_changes_nothing_any_more(bucket: FakeBucket) -> None:
    cloud, request = CloudInMemory(), Event.read(make_event("Update", PhysicalResourceId="dev/orders"))
    lease = cloud.deployment(request).lease
    lease.acquire()

    def end_after_all() -> Answer:
        with pytest.raises(LeaseLostError):
            lease.ensure_held("any")
        with pytest.raises(LeaseLostError):
            lease.end(made())
        return made()

    response = responding(request, hanging_until_answered(bucket, end_after_all), lease)
    sent(bucket, response, seconds=12.1)
    response._timer.join(5.0)  # the watchdog records once it has sent
    again = cloud.deployment(request).lease
    again.look()
    recorded = again.record.answer_to(REQUEST_ID)
    assert recorded
    assert bucket.answer["Reason"] == recorded.reason != ""


def test_an_answer_that_another_delivery_gives_is_not_sent_and_nothing_is_measured(bucket: FakeBucket) -> None:
    assert answer(bucket, "Create", lambda: None).delivered
    assert (bucket.puts, Noted.outcomes) == ([], [])


def test_the_watchdog_answers_nothing_either_once_another_delivery_answers(bucket: FakeBucket) -> None:
    response = answer(bucket, "Create", lambda: None)
    response._timeout()
    assert bucket.puts == []


def test_a_delete_is_answered_without_a_wait_for_logs(bucket: FakeBucket) -> None:
    with mock.patch("crhelper.resource_helper.sleep", side_effect=AssertionError("slept")):
        answer(bucket, "Delete", made)
    assert bucket.answer["Status"] == "SUCCESS"


def test_no_log_at_any_level_has_the_response_url(bucket: FakeBucket, caplog: pytest.LogCaptureFixture) -> None:
    bucket.statuses = [OSError(URL), 403]
    with mock.patch("logging.root.setLevel"), mock.patch("logging.Logger.isEnabledFor", return_value=True):
        caplog.handler.setLevel(logging.NOTSET)
        answer(bucket, "Create", denied)
    assert len(caplog.records) > 3
    assert "c0ffee" not in caplog.text
    assert "amazonaws.com" not in caplog.text


def test_crhelper_makes_no_clients_for_its_polling(bucket: FakeBucket) -> None:
    with mock.patch("boto3.client", side_effect=AssertionError("a client was made")):
        answer(bucket, "Create", made)
    assert bucket.answer["Status"] == "SUCCESS"


@pytest.mark.parametrize(("work", "outcome"), [(made, "Success"), (denied, "AccessDenied")])
def test_the_outcome_is_told_once_when_the_answer_is_sent(
    bucket: FakeBucket, work: Callable[[], Answer], outcome: str
) -> None:
    told_before: list[list[str]] = []
    bucket.before_answer = lambda: told_before.append(list(Noted.outcomes))
    answer(bucket, "Create", work)
    assert (told_before, Noted.outcomes) == ([[]], [outcome])
