"""Clients that are kept while the function is warm: each request brings its credentials and its deadline."""

from __future__ import annotations

from typing import Any
from unittest import mock

import pytest
from botocore.awsrequest import AWSRequest
from botocore.exceptions import ClientError

from dms_s3_endpoint.clients import Clients, assume, session_name
from dms_s3_endpoint.errors import EndpointError, OutOfTimeError
from dms_s3_endpoint.metrics import Figures

from .builders import FakeClock, make_client_error

ROLE_ARN = "arn:aws:iam::222222222222:role/lake"


@pytest.fixture
def clients(monkeypatch: pytest.MonkeyPatch) -> Clients:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    clients = Clients()
    clients.patience, clients.figures = FakeClock().patience(20.0), Figures()
    return clients


def session(name: str) -> Any:
    return {"AccessKeyId": f"{name} id", "SecretAccessKey": f"{name} key", "SessionToken": f"{name} token"}


def test_a_client_is_made_once_for_a_service_and_a_role(clients: Clients) -> None:
    clients.prepare(("iam", ROLE_ARN), ("dms", ROLE_ARN))
    first = clients.of_role("iam", ROLE_ARN, session("first"))
    assert clients.of_role("iam", ROLE_ARN, session("second")) is first
    assert clients.of_role("iam", f"{ROLE_ARN}-2", session("third")) is not first
    assert clients.of_function("sts") is clients.of_function("sts")


def test_it_signs_with_the_credentials_of_the_request(clients: Clients) -> None:
    for name in ("first", "second"):
        client = clients.of_role("iam", ROLE_ARN, session(name))
        assert signed_by(client) == (f"{name} id", f"{name} token")


def test_the_clients_of_two_roles_sign_each_with_its_own(clients: Clients) -> None:
    one, other = (clients.of_role("iam", f"{ROLE_ARN}-{name}", session(name)) for name in ("one", "other"))
    assert (signed_by(one)[0], signed_by(other)[0]) == ("one id", "other id")


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


def test_no_attempt_starts_after_the_deadline_of_the_request(clients: Clients) -> None:
    client = clients.of_role("iam", ROLE_ARN, session("first"))
    clients.patience = FakeClock(now=21.0).patience(20.0)
    with pytest.raises(OutOfTimeError):
        client.get_role(RoleName="any")


def test_each_attempt_that_is_throttled_is_counted_for_the_request(clients: Clients) -> None:
    client = clients.of_role("iam", ROLE_ARN, session("first"))
    answers = [Answered(400, "Throttling"), Answered(400, "Throttling"), Answered(404, "NoSuchEntity")]
    client.meta.events.register_first("before-send.iam", lambda **_: answers.pop(0))
    with mock.patch("time.sleep"), pytest.raises(ClientError):
        client.get_role(RoleName="any")
    assert len(clients.figures.throttled) == 2


class Answered:
    """An HTTP response of IAM's."""

    def __init__(self, status: int, code: str) -> None:
        self.status_code = status
        self.headers: dict[str, str] = {}
        self.content = f"<ErrorResponse><Error><Code>{code}</Code></Error></ErrorResponse>".encode()


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
        return {"Credentials": session(given["RoleSessionName"])}


def assumed(*answers: ClientError | None) -> Any:
    sts: Any = Sts(list(answers))
    return assume(sts, "request", FakeClock().patience(), ROLE_ARN)


def test_a_trust_that_sts_does_not_see_yet_is_waited_for() -> None:
    assert assumed(make_client_error("AccessDenied"), None) == session("request")


def test_a_role_that_may_not_be_assumed_is_named() -> None:
    with pytest.raises(EndpointError, match=f"AssumeRoleDenied: assume-role {ROLE_ARN}: No"):
        assumed(*[make_client_error("AccessDenied", "No")] * 1000)


def test_what_no_wait_mends_is_told_at_once() -> None:
    with pytest.raises(EndpointError, match=f"InternalError: assume-role {ROLE_ARN}: RegionDisabledException"):
        assumed(make_client_error("RegionDisabledException"))
