"""The server itself: its end, its faults and its records."""

from __future__ import annotations

import io
import json
import os
import signal
import socket
import subprocess
import sys
import time
import zipfile
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ConnectionClosedError

from local_aws import EmbeddedAws, Switches
from local_aws.switches import changed

from .endpoint_pair import DMS, LAKE, Pair, refused, trust

ROOT = Path(__file__).resolve().parents[2]
NOTHING = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "*", "Resource": "*"}]})
HOLD = """
import sys, time
from local_aws import EmbeddedAws
with EmbeddedAws() as aws:
    print(aws.directory, aws.port, flush=True)
    time.sleep(600)
"""


def is_gone(directory: Path, port: int) -> bool:
    with socket.socket() as probe:
        return not directory.exists() and probe.connect_ex(("127.0.0.1", port)) != 0


def test_nothing_is_left_at_the_end(tmp_path: Path) -> None:
    with EmbeddedAws(directory=tmp_path / "aws") as aws:
        aws.client("s3", LAKE).create_bucket(
            Bucket="left", CreateBucketConfiguration={"LocationConstraint": aws.region}
        )
    assert is_gone(aws.directory, aws.port)


def test_nothing_is_left_after_an_exception(tmp_path: Path) -> None:
    aws = EmbeddedAws(directory=tmp_path / "aws", keep=True)
    with pytest.raises(KeyboardInterrupt), aws:
        raise KeyboardInterrupt
    assert is_gone(aws.directory, aws.port)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_nothing_is_left_when_its_user_is_killed(number: signal.Signals) -> None:
    command = [sys.executable, "-c", HOLD]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as user:  # noqa: S603  # our own words
        assert user.stdout
        directory, port = user.stdout.readline().split()
        os.kill(user.pid, number)
    ends = time.monotonic() + 5
    while not is_gone(Path(directory), int(port)) and time.monotonic() < ends:
        time.sleep(0.05)
    assert is_gone(Path(directory), int(port))


def test_rules_with_a_schedule_run_in_virtual_time(aws: EmbeddedAws) -> None:
    sqs, events = aws.client("sqs", DMS), aws.client("events", DMS)
    queue = sqs.create_queue(QueueName="each-minute")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    events.put_rule(Name="each-minute", ScheduleExpression="rate(1 minute)")
    events.put_targets(Rule="each-minute", Targets=[{"Id": "queue", "Arn": arn}])
    # A minute is 60 ms here; without virtual time none would come.
    assert sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=10)["Messages"]
    events.remove_targets(Rule="each-minute", Ids=["queue"])
    events.delete_rule(Name="each-minute")


def where_is_code(aws: EmbeddedAws, name: str, code: str) -> str:
    """The folder in which a new function with this code runs."""
    package = io.BytesIO()
    with zipfile.ZipFile(package, "w") as files:
        files.writestr(
            zipfile.ZipInfo("code.py"), f"import os\ndef handle(event, context): return os.path.realpath('.')  # {code}"
        )
    functions, iam = aws.client("lambda", LAKE), aws.client("iam", LAKE)
    document = trust(service="lambda.amazonaws.com")
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=document)["Role"]["Arn"]
    given: Any = {"FunctionName": name, "Role": role, "Handler": "code.handle"}
    functions.create_function(**given, Runtime="python3.13", Code={"ZipFile": package.getvalue()})
    found: str = json.loads(functions.invoke(FunctionName=name)["Payload"].read())
    functions.delete_function(FunctionName=name)
    iam.delete_role(RoleName=name)
    return found


def test_functions_with_the_same_code_share_its_files_and_others_do_not(aws: EmbeddedAws) -> None:
    one, same, other = (where_is_code(aws, *given) for given in (("a", "1"), ("b", "1"), ("c", "2")))
    assert one == same != other
    assert Path(one, "code.py").exists()


def test_throttling() -> None:
    with EmbeddedAws(time_scale=1) as aws:
        aws.switch(throttle_dms=True)
        dms = aws.client("dms", DMS)
        for _ in range(200):
            dms.describe_endpoints()
        assert refused("ThrottlingException", lambda: [dms.describe_endpoints() for _ in range(200)]) == "Rate exceeded"
        # Each account has a bucket of its own, and another one for IAM.
        aws.client("dms", LAKE).describe_endpoints()
        aws.switch(throttle_iam=True)
        iam = aws.client("iam", DMS)
        assert refused("Throttling", lambda: [iam.list_roles() for _ in range(400)]) == "Rate exceeded"
        aws.client("iam", LAKE).list_roles()


@pytest.mark.parametrize(
    ("fault", "iam_code", "dms_code"),
    [
        ("throttle", "Throttling", "ThrottlingException"),
        ("http500", "InternalFailure", "InternalFailure"),
        ("access_denied", "AccessDenied", "AccessDeniedException"),
        ("ExpiredToken", "ExpiredToken", "ExpiredTokenException"),
        ("ConcurrentModification", "ConcurrentModification", "ConcurrentModificationException"),
    ],
)
def test_faults(aws: EmbeddedAws, pair: Pair, fault: str, iam_code: str, dms_code: str) -> None:
    aws.inject("iam", "ListRoles", fault, nth=2)  # type: ignore[arg-type]  # one of them
    aws.inject("dms", "DescribeEndpoints", fault)  # type: ignore[arg-type]  # one of them
    pair.iam.list_roles()
    refused(iam_code, pair.iam.list_roles)
    pair.iam.list_roles()
    refused(dms_code, pair.dms.describe_endpoints)
    assert [call.error_code for call in aws.calls()] == [None, iam_code, None, dms_code]


def test_lost_requests_and_lost_answers(aws: EmbeddedAws, pair: Pair) -> None:
    aws.inject("iam", "CreateRole", "reset_before")
    with pytest.raises(ConnectionClosedError):
        pair.make_role()
    aws.inject("iam", "CreateRole", "reset_after")
    with pytest.raises(ConnectionClosedError):
        pair.make_role()
    refused("EntityAlreadyExists", pair.make_role)


def test_a_hanging_call(aws: EmbeddedAws, pair: Pair) -> None:
    aws.inject("dms", "DescribeEndpoints", "hang")
    with pytest.raises(ConnectionClosedError):
        pair.dms.describe_endpoints()
    (call,) = aws.calls()
    assert (call.operation, call.status) == ("DescribeEndpoints", 0)


def test_records(aws: EmbeddedAws, pair: Pair) -> None:
    refused("ResourceNotFoundFault", pair.found)
    aws.client("s3", LAKE).list_buckets()
    first, second = aws.calls()
    assert (first.service, first.operation, first.account) == ("dms", "DescribeEndpoints", DMS)
    assert (first.caller, first.resource) == (f"arn:aws:iam::{DMS}:root", pair.identifier)
    assert (first.status, first.error_code) == (400, "ResourceNotFoundFault")
    assert (second.service, second.operation, second.error_code) == ("s3", "ListBuckets", None)
    assert 0 < first.started < first.ended <= second.started


def test_what_stands_is_what_the_lists_show(aws: EmbeddedAws, pair: Pair) -> None:
    endpoint, before = pair.made()["EndpointArn"], set(aws.standing())
    policy = pair.iam.create_policy(PolicyName=pair.identifier, PolicyDocument=NOTHING)["Policy"]["Arn"]
    assert set(aws.standing()) - before == {policy}
    assert {pair.role_arn, endpoint} <= before
    pair.dms.delete_endpoint(EndpointArn=endpoint)
    pair.dms.get_waiter("endpoint_deleted").wait(Filters=[{"Name": "endpoint-arn", "Values": [endpoint]}])
    pair.iam.delete_policy(PolicyArn=policy)
    pair.iam.delete_role(RoleName=pair.identifier)
    assert before - set(aws.standing()) == {pair.role_arn, endpoint}


def test_latency(aws: EmbeddedAws, pair: Pair) -> None:
    aws.switch(latency_seconds=50.0)
    pair.iam.list_roles()
    (call,) = aws.calls()
    assert call.ended - call.started > 50.0


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"no_such_switch": 1}, TypeError),
        ({"first_create": "never"}, ValueError),
        ({"delete_seconds": "30"}, ValueError),
        ({"delete_seconds": -1}, ValueError),
        ({"describe_tells_external_id": 1}, ValueError),
        ({"quota": True}, ValueError),
        ({"drops_on_create": ("CdcPath", 1)}, ValueError),
    ],
)
def test_switches_that_cannot_be(changes: dict[str, object], error: type[Exception]) -> None:
    with pytest.raises(error, match=next(iter(changes))):
        changed(Switches(), changes)


def test_switches_as_they_arrive_by_json() -> None:
    assert changed(Switches(), {"drops_on_create": ["CdcPath"], "quota": 3}) == Switches(
        drops_on_create=("CdcPath",), quota=3
    )


def test_the_controls_ask_for_the_token(aws: EmbeddedAws) -> None:
    stranger = EmbeddedAws()
    stranger.endpoint_url, stranger.directory = aws.endpoint_url, aws.directory
    with pytest.raises(RuntimeError, match="403"):
        stranger.calls()
