"""The handler: wiring, ids of failures, and nothing carried from one event to the next."""

from __future__ import annotations

import io
import json
import logging
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Any
from unittest import mock

import pytest

from dms_s3_endpoint.app import handler
from dms_s3_endpoint.aws.lease_table import LeaseTable
from dms_s3_endpoint.aws.sessions import ONLY_LOOKING
from dms_s3_endpoint.aws.stacks import Stacks
from dms_s3_endpoint.cloudformation.event import Event
from dms_s3_endpoint.cloudformation.lifecycle import failure
from dms_s3_endpoint.cloudformation.origin import ForeignUrlError
from dms_s3_endpoint.cloudformation.telemetry import start_logging
from dms_s3_endpoint.model.errors import Code, EndpointError
from dms_s3_endpoint.model.lives import Life, Record

from .builders import (
    BUCKET_URL,
    DEV,
    FUNCTION_ARN,
    TOOLS,
    FakeBucket,
    FakeClock,
    make_context,
    make_event,
    make_properties,
)
from .in_memory import TABLE, CloudInMemory, FakeClient, FakeCloudFormation, FakeDynamoDB


@pytest.fixture
def dynamodb() -> FakeDynamoDB:
    return FakeDynamoDB()


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch, dynamodb: FakeDynamoDB) -> Iterator[FakeBucket]:
    """The function as it is deployed, in virtual time and with a table in memory."""
    monkeypatch.setenv("ENVIRONMENTS", "dev")
    monkeypatch.setenv("DATA_LAKE_ROLE_ARNS", DEV.data_lake_role_arn)
    monkeypatch.setenv("DMS_ROLE_ARNS", DEV.dms_role_arn)
    monkeypatch.setenv("LEASE_TABLE", TABLE)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    monkeypatch.setenv("VERIFY_STACKS", "false")
    bucket, clock, client = FakeBucket(), FakeClock(), FakeClient(dynamodb)

    def before_lambda_ends(context: Any, kept: float, throttled: Sequence[str] = ()) -> Any:
        at = clock.now + context.get_remaining_time_in_millis() / 1000 - kept
        return replace(clock.deadline(at), throttled=throttled)

    def lease_table(_own: object, name: str, *_given: object) -> LeaseTable:
        return LeaseTable(client, name)  # type: ignore[arg-type]  # the part that is used

    with (
        mock.patch("http.client.HTTPSConnection", bucket),
        mock.patch("dms_s3_endpoint.app.Deadline.before_lambda_ends", before_lambda_ends),
        mock.patch("dms_s3_endpoint.aws.sessions.lease_table", lease_table),
    ):
        yield bucket


def handle(bucket: FakeBucket, request_type: str, **changes: object) -> dict[str, object]:
    bucket.puts.clear()
    handler(make_event(request_type, **changes), make_context())  # type: ignore[arg-type]  # the part that is read
    return bucket.answer


def test_a_create_whose_properties_give_no_id_answers_with_the_marker(bucket: FakeBucket) -> None:
    answer = handle(bucket, "Create", ResourceProperties=make_properties(ENDPOINTIDENTIFIER="-"))
    assert answer["PhysicalResourceId"] == "invalid/Endpoint"


def test_a_create_that_is_refused_for_its_properties_made_nothing_and_answers_with_the_marker(
    bucket: FakeBucket,
) -> None:
    answer = handle(bucket, "Create", ResourceProperties=make_properties(ROLENAME=None))
    assert answer["PhysicalResourceId"] == "invalid/Endpoint"


def test_a_create_that_could_not_assume_its_roles_touched_nothing_and_answers_with_the_marker(
    bucket: FakeBucket,
) -> None:
    denied = EndpointError(Code.ASSUME_ROLE_DENIED, "assume-role x", "Deploy it")
    with mock.patch("dms_s3_endpoint.aws.sessions.enter", side_effect=denied):
        assert handle(bucket, "Create")["PhysicalResourceId"] == "invalid/Endpoint"


def failed(request_type: str, physical_id: str, *lives: Life) -> str:
    """The id that a failure answers with, of a request that had its lease."""
    request = Event.read(make_event(request_type, PhysicalResourceId=physical_id, RequestId="this"))
    lease = CloudInMemory().deployment(request).lease
    lease.acquire()
    lease.record = Record(lives)
    return failure(request, lease, ValueError("no")).physical_id


def test_a_create_that_could_not_take_away_what_it_made_answers_with_its_real_id() -> None:
    assert failed("Create", "", Life("this", "dev/orders")) == "dev/orders"
    assert failed("Create", "", Life("another", "dev/orders")) == "invalid/Endpoint"


@pytest.mark.parametrize(
    ("place", "physical_id"),
    [
        ("dms_s3_endpoint.aws.sessions.enter", "invalid/Endpoint"),
        # What can't be recorded may be made by another delivery: the Delete of this id looks for it.
        ("dms_s3_endpoint.procedure.lease.Lease.end", "Endpoint-11111111-0000-4000-8000-000000000000"),
    ],
)
def test_an_unforeseen_error_is_an_internal_error(bucket: FakeBucket, place: str, physical_id: str) -> None:
    denied = EndpointError(Code.ASSUME_ROLE_DENIED, "assume-role x", "Deploy it")
    enter = mock.patch("dms_s3_endpoint.aws.sessions.enter", side_effect=denied)
    with enter, mock.patch(place, side_effect=TypeError("no")):
        answer = handle(bucket, "Create")
    assert (answer["Status"], answer["PhysicalResourceId"]) == ("FAILED", physical_id)
    assert str(answer["Reason"]).startswith("InternalError: TypeError: no. ")


def test_a_replacement_that_fails_answers_with_the_old_id_whatever_it_has_begun() -> None:
    assert failed("Update", "dev/old", Life("another", "dev/old"), Life("this", "dev/new")) == "dev/old"


def test_an_event_that_is_delivered_again_after_its_end_is_answered_as_it_was(bucket: FakeBucket) -> None:
    with mock.patch("dms_s3_endpoint.aws.sessions.enter", side_effect=ValueError("once")):
        first = handle(bucket, "Create")
    with mock.patch("dms_s3_endpoint.aws.sessions.enter", side_effect=AssertionError("a call")):
        assert handle(bucket, "Create") == first


def test_a_delivery_that_another_of_its_event_displaced_answers_nothing_and_does_not_fail(
    bucket: FakeBucket, dynamodb: FakeDynamoDB
) -> None:
    def displace(*_given: object) -> None:
        for item in (dynamodb.items or {}).values():
            item["holder"] = {"S": "another delivery"}
        raise ValueError("no")

    with mock.patch("dms_s3_endpoint.aws.sessions.enter", displace):
        handler(make_event("Create"), make_context())  # type: ignore[arg-type]  # the part that is read
    assert bucket.puts == []


def test_a_request_that_the_table_denies_fails_and_says_so(bucket: FakeBucket, dynamodb: FakeDynamoDB) -> None:
    dynamodb.items = None
    assert str(handle(bucket, "Create")["Reason"]).startswith(
        "InternalError: get-item: table leases of the leases does not exist. Deploy the function's stack again"
    )


def test_an_update_that_fails_keeps_its_id_whatever_the_properties_say(bucket: FakeBucket) -> None:
    answer = handle(bucket, "Update", PhysicalResourceId="dev/old", ResourceProperties=make_properties(S3SETTINGS={}))
    assert (answer["Status"], answer["PhysicalResourceId"]) == ("FAILED", "dev/old")


def test_a_delete_of_the_marker_succeeds_without_a_call(bucket: FakeBucket) -> None:
    with mock.patch("dms_s3_endpoint.aws.sessions.enter", side_effect=AssertionError("a call")):
        assert handle(bucket, "Delete", PhysicalResourceId="invalid/Endpoint")["Status"] == "SUCCESS"


def test_a_failed_event_leaves_nothing_for_the_next_in_a_warm_function(bucket: FakeBucket) -> None:
    handle(bucket, "Create", ResourceProperties={})
    answer = handle(bucket, "Delete", PhysicalResourceId="invalid/Endpoint", RequestId="another")
    assert (answer["Status"], answer["Reason"], answer["RequestId"]) == ("SUCCESS", "", "another")


def test_an_unknown_request_type_fails_instead_of_a_silent_success(bucket: FakeBucket) -> None:
    assert str(handle(bucket, "Modify")["Reason"]).startswith("InvalidRequest: RequestType Modify is unknown")


def test_a_function_that_was_deployed_wrongly_says_so(bucket: FakeBucket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DMS_ROLE_ARNS", "")
    assert str(handle(bucket, "Create")["Reason"]).startswith("InternalError: The function was deployed with 1 Env")


def test_an_answer_that_nobody_took_fails_the_function(bucket: FakeBucket) -> None:
    bucket.statuses = [500] * 1000
    event, context = make_event("Delete", PhysicalResourceId="invalid/Endpoint"), make_context(1.2)
    with pytest.raises(RuntimeError, match="not answered"):
        handler(event, context)  # type: ignore[arg-type]  # the part that is read


def test_no_line_of_the_log_has_the_response_url(bucket: FakeBucket, caplog: pytest.LogCaptureFixture) -> None:
    """The keys that are on each line are seen by the system tests, which search the deployed function's log."""
    logging.getLogger("dms_s3_endpoint").addHandler(caplog.handler)
    handle(bucket, "Create", ResourceProperties={})
    logging.getLogger("dms_s3_endpoint").removeHandler(caplog.handler)
    assert "InvalidRequest" in caplog.text
    assert "c0ffee" not in caplog.text


def test_an_answer_that_would_go_to_somebody_else_is_not_given_and_nothing_is_done(
    bucket: FakeBucket, dynamodb: FakeDynamoDB, capsys: pytest.CaptureFixture[str]
) -> None:
    event = make_event("Create", ResponseURL="https://me:mine@example.com/answer?X-Amz-Signature=c0ffee")
    with (
        mock.patch("dms_s3_endpoint.aws.sessions.enter", side_effect=AssertionError("a call")),
        pytest.raises(ForeignUrlError, match=r"leads to example\.com, by https$"),
    ):
        handler(event, make_context())  # type: ignore[arg-type]  # the part that is read
    assert (bucket.puts, dynamodb.items) == ([], {})
    assert "c0ffee" not in capsys.readouterr().out


@pytest.mark.parametrize("without", [{}, {"ResponseURL": None}, {"ResponseURL": 7}, {"ResponseURL": [BUCKET_URL]}])
def test_an_event_without_a_response_url_is_nobodys(bucket: FakeBucket, without: dict[str, object]) -> None:
    event = {key: value for key, value in make_event("Delete").items() if key != "ResponseURL"} | without
    with pytest.raises(ForeignUrlError):
        handler(event, make_context())  # type: ignore[arg-type]  # the part that is read
    assert bucket.puts == []


def test_cloudformation_is_asked_unless_the_function_is_deployed_otherwise(
    bucket: FakeBucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    cloudformation: Any = FakeClient(FakeCloudFormation())
    for asks, outcome in (("true", "AccessDenied: Create of Endpoint"), ("", "AccessDenied"), ("false", "InvalidRequ")):
        monkeypatch.setenv("VERIFY_STACKS", asks)
        with mock.patch("dms_s3_endpoint.aws.sessions.stacks", return_value=Stacks(cloudformation)):
            reason = handle(bucket, "Create", RequestId=asks, ResourceProperties={})["Reason"]
        assert str(reason).startswith(outcome)


# The alias that only looks


CHECK_ARN = FUNCTION_ARN.replace(":live", ":check")


@pytest.mark.parametrize(
    ("function_arn", "looks"),
    [
        (CHECK_ARN, True),
        (FUNCTION_ARN, False),
        (FUNCTION_ARN.removesuffix(":live"), False),
        (FUNCTION_ARN.replace(":live", ":$LATEST"), False),
        # A function of that name.
        (FUNCTION_ARN.replace("dms-s3-endpoint:live", "check"), False),
        (FUNCTION_ARN.replace("dms-s3-endpoint:live", "check:live"), False),
    ],
)
def test_only_the_alias_check_takes_a_check(bucket: FakeBucket, function_arn: str, looks: bool) -> None:
    event, context = make_event("Check", ResourceProperties={}), make_context(function_arn=function_arn)
    report: Any = handler(event, context)  # type: ignore[arg-type]  # the part that is read
    (problem,) = report["problems"]
    assert report["action"] == "fail"
    assert ("ENVIRONMENT is missing" in problem, "a Check is for the alias check" in problem) == (looks, not looks)
    assert bucket.puts == []


@pytest.mark.parametrize(("function_arn", "narrowed"), [(CHECK_ARN, True), (FUNCTION_ARN, False)])
def test_the_roles_are_assumed_for_looking_alone_by_that_alias(
    bucket: FakeBucket, function_arn: str, narrowed: bool
) -> None:
    request_type = "Check" if narrowed else "Create"
    with mock.patch("dms_s3_endpoint.aws.sessions.enter", side_effect=ValueError("no")) as enter, suppress(ValueError):
        handler(make_event(request_type), make_context(function_arn=function_arn))  # type: ignore[arg-type]  # as above
    assert (ONLY_LOOKING in enter.call_args.args) is narrowed


def test_what_aws_throttles_makes_the_pauses_of_the_request_longer(bucket: FakeBucket) -> None:
    with mock.patch("dms_s3_endpoint.aws.sessions.enter", side_effect=ValueError("no")) as enter:
        handle(bucket, "Create")
    _environment, _session_name, deadline, figures, *_others = enter.call_args.args
    assert deadline.throttled is figures.throttled


@pytest.mark.parametrize(
    ("request_type", "physical_id", "status", "answered"),
    [
        ("Create", None, "FAILED", "invalid/Endpoint"),
        ("Update", "dev/orders", "FAILED", "dev/orders"),
        ("Delete", "dev/orders", "FAILED", "dev/orders"),
        # The rollback of that Create.
        ("Delete", "invalid/Endpoint", "SUCCESS", "invalid/Endpoint"),
    ],
)
def test_through_that_alias_nothing_is_carried_out_and_whoever_named_it_by_mistake_is_told(
    bucket: FakeBucket, dynamodb: FakeDynamoDB, request_type: str, physical_id: str | None, status: str, answered: str
) -> None:
    event = make_event(request_type, **({"PhysicalResourceId": physical_id} if physical_id else {}))
    with mock.patch("dms_s3_endpoint.aws.sessions.enter", side_effect=AssertionError("a call")):
        handler(event, make_context(function_arn=CHECK_ARN))  # type: ignore[arg-type]  # the part that is read
    assert (bucket.answer["Status"], bucket.answer["PhysicalResourceId"]) == (status, answered)
    assert "the alias check" in bucket.answer["Reason"] or status == "SUCCESS"
    assert dynamodb.items == {}


MEGABYTE = "x" * 10**6


@pytest.mark.parametrize(
    "given",
    [
        {"LogicalResourceId": MEGABYTE, "StackId": MEGABYTE, "PhysicalResourceId": [MEGABYTE]},
        {"StackId": f"arn:aws:cloudformation:eu-west-1:{TOOLS}:stack/{MEGABYTE}/1"},
        {"RequestType": MEGABYTE},
        {"ResourceProperties": {MEGABYTE: MEGABYTE}},
        {"ResourceProperties": {f"{number}{'x' * 1000}": "x" for number in range(1000)}},
        {"ResourceProperties": make_properties(ENVIRONMENT=MEGABYTE, ENDPOINTIDENTIFIER=[MEGABYTE] * 5)},
    ],
    ids=["ids", "stack", "type", "name", "names", "values"],
)
def test_a_refusal_of_a_megabyte_is_logged_in_short(bucket: FakeBucket, given: dict[str, object]) -> None:
    with logged() as written:
        handle(bucket, "Create", **given)
    lines = [json.loads(line) for line in written.getvalue().splitlines()]
    assert "ERROR" in {line["level"] for line in lines}
    assert len(written.getvalue()) < 200_000
    assert all(line["request_id"] for line in lines)


def test_so_is_what_nobody_foresaw(bucket: FakeBucket) -> None:
    with mock.patch("dms_s3_endpoint.aws.sessions.enter", side_effect=ValueError(MEGABYTE)), logged() as written:
        handle(bucket, "Create")
    assert "ValueError" in written.getvalue()
    assert len(written.getvalue()) < 200_000


@contextmanager
def logged() -> Iterator[io.StringIO]:
    """What the function writes to its log."""
    start_logging({}, "")  # which makes the handler
    (to_stdout,) = logging.getLogger("dms_s3_endpoint").handlers
    assert isinstance(to_stdout, logging.StreamHandler)
    # Not by setStream, which flushes the stream before: it may be that of a test that is over.
    written, before = io.StringIO(), to_stdout.stream
    to_stdout.stream = written
    try:
        yield written
    finally:
        to_stdout.stream = before


def measured(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    """By metric, what was written of it: its value and its dimensions."""
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines() if '"_aws"' in line]
    found: dict[str, Any] = {}
    for line in lines:
        (directive,) = line["_aws"]["CloudWatchMetrics"]
        assert directive["Namespace"] == "DmsS3Endpoint"
        dimensions = {name: line[name] for names in directive["Dimensions"] for name in names}
        found |= {metric["Name"]: (line[metric["Name"]], dimensions) for metric in directive["Metrics"]}
    return found


def test_a_request_is_measured_by_its_type_environment_and_outcome(
    bucket: FakeBucket, capsys: pytest.CaptureFixture[str]
) -> None:
    handle(bucket, "Create", ResourceProperties=make_properties(ROLENAME=None))
    found = measured(capsys)
    dimensions = {"service": "f", "request_type": "Create", "environment": "dev", "outcome": "InvalidRequest"}
    assert found["Requests"] == ([1.0], dimensions)
    assert found["Seconds"][1] == {"service": "f", "request_type": "Create"}
    assert found["Throttles"] == ([0.0], {"service": "f"})


@pytest.mark.parametrize(
    ("physical_id", "outcome", "failures"),
    [("invalid/Endpoint", "Success", 0.0), ("nowhere/x", "UnknownEnvironment", 0.0), ("dev/x", "InternalError", 1.0)],
)
def test_only_failures_that_the_operator_must_look_at_count_as_such(
    bucket: FakeBucket, capsys: pytest.CaptureFixture[str], physical_id: str, outcome: str, failures: float
) -> None:
    with mock.patch("dms_s3_endpoint.aws.sessions.enter", side_effect=ValueError("no")):
        handle(bucket, "Delete", PhysicalResourceId=physical_id)
    found = measured(capsys)
    assert (found["Requests"][1]["outcome"], found["Failures"][0]) == (outcome, [failures])


def test_what_an_event_makes_up_is_no_dimension(bucket: FakeBucket, capsys: pytest.CaptureFixture[str]) -> None:
    handle(bucket, "Boom", ResourceProperties=make_properties(ENVIRONMENT=["dev"]))
    dimensions = measured(capsys)["Requests"][1]
    assert (dimensions["request_type"], dimensions["environment"]) == ("Unknown", "unknown")


def test_metrics_that_fail_harm_no_answer(bucket: FakeBucket, caplog: pytest.LogCaptureFixture) -> None:
    logging.getLogger("dms_s3_endpoint").addHandler(caplog.handler)
    with mock.patch("dms_s3_endpoint.cloudformation.telemetry.single_metric", side_effect=ValueError("no")):
        assert handle(bucket, "Delete", PhysicalResourceId="invalid/Endpoint")["Status"] == "SUCCESS"
    logging.getLogger("dms_s3_endpoint").removeHandler(caplog.handler)
    assert "The request was not measured" in caplog.text


def test_nothing_but_the_handler_is_made_at_import() -> None:
    imported("import boto3; boto3.Session = boto3.client = None")


def imported(before: str) -> None:
    code = f"{before}\nimport dms_s3_endpoint.app"
    subprocess.run([sys.executable, "-c", code], check=True, env={"PYTHONPATH": "src"})  # noqa: S603  # our own words
