from __future__ import annotations

import re
from pathlib import Path

import pytest
from botocore.exceptions import EndpointConnectionError

from dms_s3_endpoint.aws.deadline import OutOfTimeError
from dms_s3_endpoint.aws.errors import aws_call
from dms_s3_endpoint.model.errors import Code, EndpointError

from .builders import make_client_error

ROOT = Path(__file__).resolve().parents[2]


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


def test_the_runbook_and_the_readme_have_every_code_and_no_other() -> None:
    headings = re.findall(r"^### (\w+)$", (ROOT / "docs" / "runbook.md").read_text(), re.MULTILINE)
    rows = re.findall(r"^\| `([A-Z]\w+)` \| .+ \| .+ \|$", (ROOT / "README.md").read_text(), re.MULTILINE)
    assert (headings, [row for row in rows if row in set(Code)]) == (list(Code), list(Code))


def test_links_within_the_docs_lead_somewhere() -> None:
    for page in [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]:
        for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text()):
            assert target.startswith("https://") or (page.parent / target).exists(), f"{page.name}: {target}"
