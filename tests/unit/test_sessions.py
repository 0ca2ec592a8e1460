"""The sessions of the assumed roles, and the clients of one request."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any
from unittest import mock
from urllib.parse import quote

import boto3
import pytest
from botocore.awsrequest import AWSRequest
from botocore.exceptions import BotoCoreError, ClientError, ConnectionClosedError, ConnectTimeoutError, ReadTimeoutError

from dms_s3_endpoint.aws.deadline import OutOfTimeError
from dms_s3_endpoint.aws.sessions import (
    MOST_ATTEMPTS,
    ONLY_LOOKING,
    SECONDS_TO_CONNECT,
    SECONDS_TO_READ,
    Guard,
    assume,
    enter,
    is_changing,
    new_client,
    new_session,
    session_name,
)
from dms_s3_endpoint.model.descriptions import descriptions
from dms_s3_endpoint.model.errors import EndpointError
from dms_s3_endpoint.model.figures import Figures

from .builders import DEV, FakeClock, make_client_error

SECRET = {"aws_secret_access_key": "a key", "aws_session_token": "a token"}
ROLE_ARN = "arn:aws:iam::222222222222:role/lake"


@pytest.fixture(autouse=True)
def region(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "none")


def iam(now: float = 0.0, figures: Figures | None = None) -> Any:
    """A client whose deadline is at 20 s."""
    return client_of("iam", now=now, figures=figures)


def client_of(service: str, guard: Guard | None = None, now: float = 0.0, figures: Figures | None = None) -> Any:
    session = new_session(aws_access_key_id="an id", **SECRET)
    return new_client(session, service, FakeClock(now).deadline(20.0), figures or Figures(), guard=guard)


def test_sessions_share_what_is_said_of_the_services_and_nothing_else() -> None:
    one, other = new_session(aws_access_key_id="one", **SECRET), new_session()
    paths = list(descriptions().search_paths)
    assert one.client("iam").meta.service_model.metadata is other.client("iam").meta.service_model.metadata
    new_session()
    assert descriptions().search_paths == paths
    keys = [credentials.access_key for each in (one, other) if (credentials := each.get_credentials())]
    assert keys == ["one", "none"]
    handled: list[str] = []
    one.events.register("any-event", lambda **_given: handled.append("by one"))
    other.events.emit("any-event")
    assert handled == []
    one.events.emit("any-event")
    assert handled == ["by one"]


def test_a_session_does_with_answers_what_any_of_boto3_does() -> None:
    for session in (boto3.Session(), new_session()):
        answer: dict[str, Any] = {"PolicyVersion": {"Document": quote(ONLY_LOOKING)}}
        model = session.client("iam").meta.service_model.operation_model("GetPolicyVersion")
        session.events.emit("after-call.iam.GetPolicyVersion", parsed=answer, model=model)
        assert answer["PolicyVersion"]["Document"] == json.loads(ONLY_LOOKING)


def credentials(name: str) -> Any:
    return {"AccessKeyId": f"{name} id", "SecretAccessKey": f"{name} key", "SessionToken": f"{name} token"}


def entered(guard: Guard) -> dict[str, Any]:
    """The clients of an environment that was entered, by service."""
    clients: dict[str, Any] = {}

    def noting(session: boto3.Session, service: str, *given: Any, **more: Any) -> Any:
        clients[service] = Sts([None, None]) if service == "sts" else new_client(session, service, *given, **more)
        return clients[service]

    with mock.patch("dms_s3_endpoint.aws.sessions.new_client", noting):
        assert enter(DEV, "orders-1", FakeClock().deadline(), Figures(), guard, new_session()).region == "eu-west-1"
    return clients


def test_each_account_is_entered_by_its_own_role_and_signed_for_with_its_credentials() -> None:
    clients = entered(NotedGuard())
    for service, role_arn in (("iam", DEV.data_lake_role_arn), ("dms", DEV.dms_role_arn)):
        assert clients[service]._request_signer._credentials.access_key == f"orders-1 {role_arn} id"


def test_a_client_signs_with_the_credentials_of_its_session() -> None:
    assert signed_by(iam()) == ("an id", "a token")


def test_threads_that_share_a_client_share_its_exception_classes() -> None:
    client = iam()
    with ThreadPoolExecutor(max_workers=8) as pool:
        classes = set(pool.map(lambda _: client.exceptions.NoSuchEntityException, range(100)))
    assert len(classes) == 1
    assert client._exceptions is not None


def signed_by(client: Any) -> tuple[str, str]:
    signed: list[AWSRequest] = []

    def stop(request: AWSRequest, **_: object) -> None:
        signed.append(request)
        raise InterruptedError

    client.meta.events.register_first("before-send", stop)
    with pytest.raises(InterruptedError):
        client.get_role(RoleName="any")
    client.meta.events.unregister("before-send", stop)
    authorization, token = (_text(signed[0].headers[name]) for name in ("Authorization", "X-Amz-Security-Token"))
    return authorization.partition("Credential=")[2].partition("/")[0], token


def _text(header: str | bytes) -> str:
    return header.decode() if isinstance(header, bytes) else header


def test_no_attempt_starts_after_the_deadline_of_the_request() -> None:
    with pytest.raises(OutOfTimeError):
        iam(now=21.0).get_role(RoleName="any")


def test_each_attempt_that_is_throttled_is_counted_for_the_request() -> None:
    client = iam(figures=(figures := Figures()))
    answers = [Answered(400, "Throttling"), Answered(400, "Throttling"), Answered(404, "NoSuchEntity")]
    client.meta.events.register_first("before-send.iam", lambda **_: answers.pop(0))
    with mock.patch("time.sleep"), pytest.raises(ClientError):
        client.get_role(RoleName="any")
    assert len(figures.throttled) == 2


class Answered:
    """An HTTP response: IAM's where it has a code."""

    def __init__(self, status: int, code: str = "") -> None:
        self.status_code = status
        self.headers: dict[str, str] = {}
        error = f"<ErrorResponse><Error><Code>{code}</Code></Error></ErrorResponse>"
        self.content = error.encode() if code else b""


# The guard: what the lease stands behind


@dataclass
class NotedGuard:
    """Lets through so many attempts, and notes in `noted` what it is asked and told, and of which operations."""

    lets_through: int = 1000
    noted: list[str] = field(default_factory=list)
    operations: set[str] = field(default_factory=set)

    def ensure_held(self, operation: str) -> None:
        self.noted.append("asked")
        self.operations.add(operation)
        if self.noted.count("asked") > self.lets_through:
            raise PermissionError

    def note_unanswered(self, operation: str) -> None:
        self.noted.append("unanswered")
        self.operations.add(operation)


Call = Callable[[Any], object]
CHANGES: dict[str, tuple[str, Call]] = {
    "create policy": ("iam", lambda client: client.create_policy(PolicyName="p", PolicyDocument="{}")),
    "trust": ("iam", lambda client: client.update_assume_role_policy(RoleName="r", PolicyDocument="{}")),
    "tag": ("iam", lambda client: client.tag_role(RoleName="r", Tags=[])),
    "delete": ("dms", lambda client: client.delete_endpoint(EndpointArn="arn")),
    "add tags": ("dms", lambda client: client.add_tags_to_resource(ResourceArn="arn", Tags=[])),
    "test": ("dms", lambda client: client.test_connection(EndpointArn="arn", ReplicationInstanceArn="arn")),
}
READS: dict[str, tuple[str, Call]] = {
    "role": ("iam", lambda client: client.get_role(RoleName="r")),
    "roles": ("iam", lambda client: client.list_roles()),
    "endpoints": ("dms", lambda client: client.describe_endpoints()),
    "tags": ("dms", lambda client: client.list_tags_for_resource(ResourceArn="arn")),
}


def attempts(client: Any, call: Call, noted: list[str], *answers: Any) -> list[str]:
    """What is noted of a call, `sent` for each attempt that is really sent; `answers` are a status or an exception."""
    left = list(answers)

    def send(**_: object) -> Answered:
        noted.append("sent")
        answer = left.pop(0) if len(left) > 1 else left[0]
        if isinstance(answer, Exception):
            raise answer
        return Answered(answer, "" if answer >= 500 else "Refused")

    client.meta.events.register_last("before-send", send)
    with mock.patch("time.sleep"), pytest.raises((ClientError, BotoCoreError, PermissionError, OutOfTimeError)):
        call(client)
    return noted


@pytest.mark.parametrize(("service", "call"), CHANGES.values(), ids=CHANGES)
def test_the_guard_is_asked_before_each_attempt_of_a_change_retries_included(service: str, call: Call) -> None:
    guard = NotedGuard()
    assert attempts(client_of(service, guard), call, guard.noted, 500) == ["asked", "sent"] * MOST_ATTEMPTS


@pytest.mark.parametrize(("service", "call"), CHANGES.values(), ids=CHANGES)
def test_nothing_is_sent_that_the_guard_refuses_and_nothing_after_it(service: str, call: Call) -> None:
    guard = NotedGuard(lets_through=2)
    noted = attempts(client_of(service, guard), call, guard.noted, 500)
    assert noted == [*["asked", "sent"] * 2, "asked"]


def test_no_attempt_starts_after_the_deadline_however_long_the_guard_took() -> None:
    class Slow(NotedGuard):
        def ensure_held(self, operation: str) -> None:
            super().ensure_held(operation)
            clock.now += 21.0

    (service, call), clock, guard = CHANGES["delete"], FakeClock(), Slow()
    client = new_client(boto3.Session("an id", "a key"), service, clock.deadline(20.0), Figures(), guard=guard)
    assert attempts(client, call, guard.noted, 403) == ["asked"]


@pytest.mark.parametrize(("service", "call"), READS.values(), ids=READS)
def test_the_guard_is_not_asked_for_what_changes_nothing(service: str, call: Call) -> None:
    guard = NotedGuard(lets_through=0)
    assert attempts(client_of(service, guard), call, guard.noted, 500) == ["sent"] * MOST_ATTEMPTS


@pytest.mark.parametrize("name", ["trust", "delete"])
def test_both_clients_of_an_environment_have_the_guard(name: str) -> None:
    (service, call), guard = CHANGES[name], NotedGuard(lets_through=0)
    assert attempts(entered(guard)[service], call, guard.noted, 500) == ["asked"]


NOWHERE = {"endpoint_url": "https://nowhere.example.invalid"}


@pytest.mark.parametrize(
    ("answer", "noted"),
    [
        (ReadTimeoutError(**NOWHERE), ["unanswered"]),
        (ConnectionClosedError(**NOWHERE), ["unanswered"]),
        (ConnectTimeoutError(**NOWHERE), []),  # nothing was sent
        (500, []),
    ],
)
def test_an_attempt_that_was_sent_and_not_answered_is_noted(answer: Any, noted: list[str]) -> None:
    for service, call in (CHANGES["trust"], CHANGES["delete"]):
        guard = NotedGuard()
        told = attempts(client_of(service, guard), call, guard.noted, answer, 403)
        assert told == ["asked", "sent", *noted, "asked", "sent"]
        assert guard.operations == {"UpdateAssumeRolePolicy" if service == "iam" else "DeleteEndpoint"}


def test_a_read_that_was_not_answered_is_not_noted() -> None:
    guard = NotedGuard()
    service, call = READS["endpoints"]
    attempts(client_of(service, guard), call, guard.noted, ReadTimeoutError(**NOWHERE), 403)
    assert guard.noted == ["sent", "sent"]


def test_each_client_has_the_timeouts_that_the_lease_counts_with() -> None:
    for client in (client_of("iam"), client_of("dms")):
        timeouts = (client.meta.config.connect_timeout, client.meta.config.read_timeout)
        assert timeouts == (SECONDS_TO_CONNECT, SECONDS_TO_READ)


REQUEST_ID = "11111111-2222-3333-4444-555555555555"


@pytest.mark.parametrize(
    ("stack_id", "name"),
    [
        ("arn:aws:cloudformation:eu-west-1:111111111111:stack/orders/1", f"orders-{REQUEST_ID}"),
        ("arn:aws:cloudformation:eu-west-1:111111111111:stack/a-name-of-more-than-27-characters/1", ""),
        ("no stack's", f"Endpoint-{REQUEST_ID}"),
    ],
)
def test_the_name_of_the_session_leads_to_stack_and_request(stack_id: str, name: str) -> None:
    assert session_name(stack_id, "Endpoint", REQUEST_ID) == (name or f"a-name-of-more-than-27-char-{REQUEST_ID}")


class Sts:
    def __init__(self, answers: list[ClientError | None]) -> None:
        self.answers = answers

    def assume_role(self, **given: Any) -> Any:
        answer = self.answers.pop(0)
        if answer:
            raise answer
        return {"Credentials": credentials(f"{given['RoleSessionName']} {given['RoleArn']}")}


def assumed(*answers: ClientError | None) -> Any:
    sts: Any = Sts(list(answers))
    given = assume(sts, "request", FakeClock().deadline(), ROLE_ARN).get_credentials()
    return given and given.access_key


class NotedSts(Sts):
    def assume_role(self, **given: Any) -> Any:
        self.given = given
        return super().assume_role(**given)


@pytest.mark.parametrize("policy", ["", ONLY_LOOKING])
def test_a_session_is_narrowed_by_the_policy_that_it_is_given(policy: str) -> None:
    sts: Any = NotedSts([None])
    assume(sts, "request", FakeClock().deadline(), ROLE_ARN, policy)
    assert sts.given.get("Policy", "") == policy


def test_a_session_that_only_looks_is_allowed_no_operation_that_changes_anything() -> None:
    (statement,) = json.loads(ONLY_LOOKING)["Statement"]
    operations = [action.partition(":")[2] for action in statement["Action"]]
    assert [each for each in operations if is_changing(each)] == []
    # STS takes no longer one.
    assert len(ONLY_LOOKING) <= 2048


def test_a_trust_that_sts_does_not_see_yet_is_waited_for() -> None:
    assert assumed(make_client_error("AccessDenied"), None) == f"request {ROLE_ARN} id"


def test_a_role_that_may_not_be_assumed_is_named() -> None:
    with pytest.raises(EndpointError, match=f"AssumeRoleDenied: assume-role {ROLE_ARN}: No"):
        assumed(*[make_client_error("AccessDenied", "No")] * 1000)


def test_what_no_wait_mends_is_told_at_once() -> None:
    with pytest.raises(EndpointError, match=f"InternalError: assume-role {ROLE_ARN}: RegionDisabledException"):
        assumed(make_client_error("RegionDisabledException"))
