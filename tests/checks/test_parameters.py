"""What `sam deploy` gives the parameters of a template, and what SSM parameters are worth."""

from __future__ import annotations

from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from dms_s3_endpoint_cli.errors import CheckError
from dms_s3_endpoint_cli.parameters import SsmParameters, read_overrides, values_of

TEMPLATE: dict[str, Any] = {
    "Parameters": {
        "Environment": {"Type": "String"},
        "Format": {"Type": "String", "Default": "parquet"},
        "Password": {"Type": "String", "NoEcho": True, "Default": "x"},
    }
}


def ssm(fault: str = "", **values: str) -> SsmParameters:
    """With these values, each of which is read once, or with this fault."""
    client = boto3.client("ssm", region_name="eu-west-1", aws_access_key_id="a", aws_secret_access_key="b")  # noqa: S106
    stubber = Stubber(client)
    for name, value in values.items():
        stubber.add_response("get_parameter", {"Parameter": {"Value": value}}, {"Name": name})
    if fault:
        stubber.add_client_error("get_parameter", fault)
    stubber.activate()
    return SsmParameters(client)


def values(overrides: dict[str, str], live: dict[str, str], **declared: Any) -> dict[str, str]:
    template = {"Parameters": {**TEMPLATE["Parameters"], **declared}}
    return values_of(template, overrides, live, ssm(**{"/token": "arn"}))


def test_an_override_comes_before_what_the_stack_has_and_that_before_the_default() -> None:
    assert values({"Environment": "dev"}, {})["Format"] == "parquet"
    assert values({"Environment": "dev"}, {"Format": "csv"})["Format"] == "csv"
    assert values({"Environment": "dev", "Format": "parquet"}, {"Format": "csv"})["Format"] == "parquet"


def test_a_value_of_the_stack_need_not_be_given_again() -> None:
    assert values({}, {"Environment": "dev"})["Environment"] == "dev"


def test_what_the_stack_has_and_the_template_no_longer_is_left_out() -> None:
    assert "Old" not in values({"Environment": "dev"}, {"Old": "x"})


def test_a_value_that_the_stack_does_not_tell_is_unknown() -> None:
    assert values({"Environment": "dev"}, {"Password": "****"})["Password"] == "${NoEcho}"  # noqa: S105
    assert values({"Environment": "dev", "Password": "y"}, {"Password": "****"})["Password"] == "y"  # noqa: S105


def test_a_missing_and_an_unknown_parameter_are_named() -> None:
    with pytest.raises(CheckError, match="parameter Environment has no value: --parameter-overrides Environment=…"):
        values({}, {})
    with pytest.raises(CheckError, match="the template has no parameter Enviroment"):
        values({"Environment": "dev", "Enviroment": "dev"}, {})


def test_of_an_ssm_parameter_it_is_the_value() -> None:
    address = {"Type": "AWS::SSM::Parameter::Value<String>", "Default": "/token"}
    assert values({"Environment": "dev"}, {}, Address=address)["Address"] == "arn"


def test_dynamic_references_to_ssm_are_resolved_and_others_are_left() -> None:
    given = {"A": ["x{{resolve:ssm:/a}}y", 1, True], "B": "{{resolve:ssm:/b:3}}{{resolve:ssm:/a}}"}
    found = ssm(**{"/a": "one", "/b:3": "two"}).resolved(given)
    assert found == {"A": ["xoney", 1, True], "B": "twoone"}
    secrets = {"A": "{{resolve:ssm-secure:/a}}", "B": "{{resolve:secretsmanager:a}}", "C": "{{resolve:ssm:/${A}}}"}
    assert ssm().resolved(secrets) == secrets


def test_an_ssm_parameter_that_is_not_there_is_named() -> None:
    with pytest.raises(CheckError, match="SSM parameter /a: ParameterNotFound"):
        ssm(fault="ParameterNotFound").value("/a")


FORMS = {
    "a word each": ["Environment=dev", "Format=csv"],
    "in one text": ["Environment=dev Format=csv"],
    "the long form": ["ParameterKey=Environment,ParameterValue=dev", "ParameterKey=Format,ParameterValue=csv"],
    "in quotes": ['Environment="dev" Format="csv"'],
}


@pytest.mark.parametrize("given", FORMS.values(), ids=FORMS.keys())
def test_overrides_are_read_as_sam_deploy_reads_them(given: list[str]) -> None:
    assert read_overrides(given) == {"Environment": "dev", "Format": "csv"}


def test_no_overrides_are_none() -> None:
    assert read_overrides([]) == {}


def test_an_override_that_is_none_is_quoted() -> None:
    with pytest.raises(CheckError, match="--parameter-overrides: nonsense is not a valid format"):
        read_overrides(["nonsense"])
