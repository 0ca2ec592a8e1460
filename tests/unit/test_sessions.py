"""The sessions of the assumed roles, and the clients of one request."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any
from unittest import mock

import boto3
import pytest
from botocore.awsrequest import AWSRequest
from botocore.exceptions import ClientError

from dms_s3_endpoint.aws.deadline import OutOfTimeError
from dms_s3_endpoint.aws.sessions import assume, enter, new_client, session_name
from dms_s3_endpoint.model.errors import EndpointError
from dms_s3_endpoint.model.figures import Figures

from .builders import DEV, FakeClock, make_client_error

ROLE_ARN = "arn:aws:iam::222222222222:role/lake"


@pytest.fixture(autouse=True)
def region(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "none")


def iam(now: float = 0.0, figures: Figures | None = None) -> Any:
    """A client whose deadline is at 20 s."""
    session = boto3.Session("an id", "a key", "a token")
    return new_client(session, "iam", FakeClock(now).deadline(20.0), figures or Figures())


def credentials(name: str) -> Any:
    return {"AccessKeyId": f"{name} id", "SecretAccessKey": f"{name} key", "SessionToken": f"{name} token"}


def test_each_account_is_entered_by_its_own_role_and_signed_for_with_its_credentials() -> None:
    clients: dict[str, Any] = {}

    def noting(session: boto3.Session, service: str, *given: Any) -> Any:
        clients[service] = Sts([None, None]) if service == "sts" else new_client(session, service, *given)
        return clients[service]

    with mock.patch("dms_s3_endpoint.aws.sessions.new_client", noting):
        accounts = enter(DEV, "orders-1", FakeClock().deadline(), Figures())
    assert accounts.region == "eu-west-1"
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
        return {"Credentials": credentials(f"{given['RoleSessionName']} {given['RoleArn']}")}


def assumed(*answers: ClientError | None) -> Any:
    sts: Any = Sts(list(answers))
    given = assume(sts, "request", FakeClock().deadline(), ROLE_ARN).get_credentials()
    return given and given.access_key


def test_a_trust_that_sts_does_not_see_yet_is_waited_for() -> None:
    assert assumed(make_client_error("AccessDenied"), None) == f"request {ROLE_ARN} id"


def test_a_role_that_may_not_be_assumed_is_named() -> None:
    with pytest.raises(EndpointError, match=f"AssumeRoleDenied: assume-role {ROLE_ARN}: No"):
        assumed(*[make_client_error("AccessDenied", "No")] * 1000)


def test_what_no_wait_mends_is_told_at_once() -> None:
    with pytest.raises(EndpointError, match=f"InternalError: assume-role {ROLE_ARN}: RegionDisabledException"):
        assumed(make_client_error("RegionDisabledException"))
