from __future__ import annotations

import pytest
from botocore.exceptions import EndpointConnectionError

from dms_s3_endpoint.aws.deadline import OutOfTimeError
from dms_s3_endpoint.aws.errors import aws_call
from dms_s3_endpoint.model.errors import LOGGED_FAULTS, REASON_LENGTH, Code, EndpointError

from .builders import make_client_error


@pytest.mark.parametrize(
    ("aws_code", "code"),
    [
        ("AccessDenied", "AccessDenied"),
        ("AccessDeniedException", "AccessDenied"),
        ("ThrottlingException", "Throttled"),
        ("Throttling", "Throttled"),
        ("ResourceQuotaExceededFault", "LimitExceeded"),
        ("LimitExceeded", "LimitExceeded"),
        ("InvalidParameterCombinationException", "InvalidRequest"),
        ("MalformedPolicyDocument", "InvalidRequest"),
        ("KMSKeyNotAccessibleFault", "InvalidRequest"),
        ("InternalFailure", "InternalError"),
    ],
)
def test_what_aws_answers_becomes_a_code_with_the_step_and_aws_words(aws_code: str, code: str) -> None:
    with pytest.raises(EndpointError) as caught, aws_call("create-role x"):
        raise make_client_error(aws_code, "because of this")
    assert caught.value.reason.startswith(f"{code}: create-role x: {aws_code}: because of this. ")


def test_no_time_left_is_told_with_the_step() -> None:
    with (
        pytest.raises(EndpointError, match="NotStabilized: create-role x: the function's time is over"),
        aws_call("create-role x"),
    ):
        raise OutOfTimeError


def test_an_unreachable_endpoint_is_told_with_the_step() -> None:
    with (
        pytest.raises(EndpointError, match="InternalError: create-role x: Could not connect"),
        aws_call("create-role x"),
    ):
        raise EndpointConnectionError(endpoint_url="https://iam.amazonaws.com")


REMEDY = "Correct it"


def invalid(*faults: str) -> EndpointError:
    return EndpointError(Code.INVALID_REQUEST, faults[0], REMEDY, faults[1:])


def test_all_faults_are_told_when_they_fit() -> None:
    assert invalid("A is missing", "B is missing").reason == f"InvalidRequest: A is missing; B is missing. {REMEDY}"


def test_those_that_do_not_fit_are_counted_and_all_are_in_the_exception_for_the_log() -> None:
    faults = [f"PROPERTY{number} must be something else" for number in range(20)]
    error = invalid(*faults)
    told = error.reason.removeprefix("InvalidRequest: ").removesuffix(f". {REMEDY}").split("; ")
    assert told[:-1] == faults[: len(told) - 1]
    assert told[-1] == f"and {len(faults) - len(told) + 1} more, in the log"
    assert len(error.reason) <= REASON_LENGTH
    assert all(fault in str(error) for fault in faults)


def test_one_that_fits_alone_is_shortened_beside_others_and_the_remedy_stays_whole() -> None:
    reason = invalid("x" * 500, "B is missing").reason
    assert len(reason) == REASON_LENGTH
    assert reason.startswith("InvalidRequest: xxx")
    assert reason.endswith(f"x…; and 1 more, in the log. {REMEDY}")


def test_a_request_with_thousands_of_faults_can_not_fill_the_log() -> None:
    error = invalid(*(f"KEY{number} is unknown" for number in range(5000)))
    assert str(error).endswith(f"; and {5000 - LOGGED_FAULTS} more, left out. {REMEDY}")
    assert len(str(invalid("x" * 10**6))) < 2100
    assert len(str(invalid(*(f"{number}{'x' * 1000}" for number in range(100))))) < 11_000
