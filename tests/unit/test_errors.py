from __future__ import annotations

import pytest
from botocore.exceptions import EndpointConnectionError

from dms_s3_endpoint.aws.deadline import OutOfTimeError
from dms_s3_endpoint.aws.errors import aws_call
from dms_s3_endpoint.model.errors import EndpointError

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
