"""How the errors of AWS become those that a user reads."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from botocore.exceptions import BotoCoreError, ClientError

from ..model.errors import Code, EndpointError, out_of_time
from .deadline import OutOfTimeError

FIRST_SERVER_ERROR = 500
THROTTLING = {
    "Throttling",
    "ThrottlingException",
    "ThrottledException",
    "RequestThrottled",
    "RequestLimitExceeded",
    "TooManyRequestsException",
}
DENIALS = {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"}
LIMITS = {"ResourceQuotaExceededFault", "LimitExceeded", "LimitExceededException"}
REFUSED_INPUT = {
    "ValidationError",
    "ValidationException",
    "MalformedPolicyDocument",
    "InvalidInput",
    "KMSKeyNotAccessibleFault",
    "S3AccessDeniedFault",
}


def error_code(error: ClientError) -> str:
    """AWS's own code of the error."""
    return error.response["Error"]["Code"]


def error_message(error: ClientError) -> str:
    """AWS's own text of the error; empty if there is none."""
    return error.response["Error"].get("Message", "")


def is_definite(error: ClientError) -> bool:
    """Whether AWS says that it did nothing; after a 5xx that is unknown."""
    return error.response["ResponseMetadata"].get("HTTPStatusCode", 0) < FIRST_SERVER_ERROR


def is_denial(error: ClientError) -> bool:
    """Whether IAM denied the call; a DMS AccessDeniedFault is something else: DMS can't assume the role."""
    return error_code(error) in DENIALS


@contextmanager
def aws_call(name: str) -> Iterator[None]:
    """Turn what AWS answers inside the block into an EndpointError that begins with `name`, the call and its thing."""
    try:
        yield
    except ClientError as error:
        code, remedy = _classify(error)
        raise EndpointError(code, f"{name}: {error_code(error)}: {error_message(error)}", remedy) from error
    except OutOfTimeError as error:
        raise out_of_time(f"{name}: the function's time is over") from error
    except BotoCoreError as error:
        raise EndpointError(Code.INTERNAL_ERROR, f"{name}: {error}", out_of_time("").remedy) from error


def _classify(error: ClientError) -> tuple[Code, str]:
    aws_code = error_code(error)
    if aws_code in THROTTLING:
        return Code.THROTTLED, "Deploy again, with fewer endpoints at once"
    if aws_code in DENIALS:
        remedy = "Grant the action to the role named; accounts/data-lake.yaml, accounts/dms.yaml and template.yaml do"
        return Code.ACCESS_DENIED, remedy
    if aws_code in LIMITS:
        return Code.LIMIT_EXCEEDED, "Delete what is not used, or ask AWS to raise the quota"
    if aws_code.startswith("InvalidParameter") or aws_code in REFUSED_INPUT:
        return Code.INVALID_REQUEST, "Correct the property and deploy again"
    return Code.INTERNAL_ERROR, "See the function's log for the whole error, then deploy again"
