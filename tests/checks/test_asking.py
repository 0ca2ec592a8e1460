"""`check` asks the alias of the function through which that only looks, and says where there is none."""

from __future__ import annotations

import io
import json
from typing import Any

import boto3
import pytest

from dms_s3_endpoint_cli.asking import Asking, alias_of_checks
from dms_s3_endpoint_cli.errors import CheckError
from dms_s3_endpoint_cli.stack import Stack

FUNCTION = "arn:aws:lambda:eu-west-1:111111111111:function:dms-s3-endpoint"


@pytest.mark.parametrize("token", [f"{FUNCTION}:live", FUNCTION, f"{FUNCTION}:$LATEST", f"{FUNCTION}:check"])
def test_of_each_token_it_asks_that_alias_of_the_function(token: str) -> None:
    assert alias_of_checks(token) == f"{FUNCTION}:check"


class FakeLambda:
    """Of a function with the alias, or without it."""

    exceptions = boto3.client("lambda", "eu-west-1").exceptions

    def __init__(self, has_alias: bool) -> None:
        self.has_alias = has_alias
        self.asked: list[str] = []

    def invoke(self, FunctionName: str, Payload: str) -> Any:  # noqa: N803  # boto3's names
        self.asked.append(FunctionName)
        if not self.has_alias:
            error: Any = {"Code": "ResourceNotFoundException", "Message": f"Function not found: {FunctionName}"}
            raise self.exceptions.ResourceNotFoundException({"Error": error}, "Invoke")
        assert json.loads(Payload)["RequestType"] == "Check"
        return {"Payload": io.BytesIO(b'{"action": "create", "problems": []}')}


def asked(client: Any) -> Any:
    return Asking(Stack("orders"), client).of_change(
        "Endpoint", {"ServiceToken": f"{FUNCTION}:live", "ENVIRONMENT": "dev"}
    )


def test_it_asks_by_the_alias() -> None:
    client = FakeLambda(has_alias=True)
    assert asked(client).action == "create"
    assert client.asked == [f"{FUNCTION}:check"]


def test_a_release_without_the_alias_is_said_in_one_line_with_the_way_out() -> None:
    with pytest.raises(CheckError) as caught:
        asked(FakeLambda(has_alias=False))
    said = str(caught.value)
    assert said.startswith(f"Function not found: {FUNCTION}:check. ")
    assert said.endswith("no alias check yet: deploy template.yaml of this release")
    assert "\n" not in said
