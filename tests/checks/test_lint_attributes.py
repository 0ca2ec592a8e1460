"""E9703: an attribute that the resource has not, wherever a template may ask for one."""

from __future__ import annotations

from typing import Any

import pytest

from tests.checks.cfn_lint import ours, resource

WRONG = ["Orders", "EndpointARN"]
MESSAGE = "Orders has no attribute EndpointARN; did you mean EndpointArn?"
CONDITIONS = {"IsProd": {"Fn::Equals": [{"Ref": "AWS::Region"}, "eu-west-1"]}}
ASKED: dict[str, Any] = {
    "a list": {"Fn::GetAtt": WRONG},
    "a text": {"Fn::GetAtt": "Orders.EndpointARN"},
    "a branch": {"Fn::If": ["IsProd", "x", {"Fn::GetAtt": WRONG}]},
    "a part of a text": {"Fn::Join": ["/", ["a", {"Fn::GetAtt": WRONG}]]},
    "a substitution": {"Fn::Sub": "to ${Orders.EndpointARN}, under ${AWS::Region}"},
    "a substitution with spaces": {"Fn::Sub": "${ Orders.EndpointARN }"},
    "a substitution with a map": {"Fn::Sub": ["${Orders.EndpointARN} ${Other}", {"Other": "x"}]},
    "a substitution with a map of another attribute": {
        "Fn::Sub": ["${Orders.EndpointARN} ${Orders.Arn}", {"Orders.Arn": "x"}]
    },
    "a name of a substitution's map": {"Fn::Sub": ["${Other}", {"Other": {"Fn::GetAtt": WRONG}}]},
    "a substitution in a list of one": {"Fn::Sub": ["${Orders.EndpointARN}"]},
}


@pytest.mark.parametrize("form", ASKED)
def test_a_wrong_attribute_is_found_in_every_form(form: str) -> None:
    found = ours({"Orders": resource()}, Conditions=CONDITIONS, Outputs={"Arn": {"Value": ASKED[form]}})
    assert [each.message for each in found] == [MESSAGE]
    assert found[0].place[:3] == ["Outputs", "Arn", "Value"]


def of_parameter(**more: Any) -> dict[str, Any]:
    return {"Parameter": {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String"}} | more}


def looped(value: Any) -> dict[str, Any]:
    """An output for each of a list of one."""
    outputs = {"Fn::ForEach::Each": ["Name", ["Orders"], {"${Name}Arn": {"Value": value}}]}
    return {"Transform": "AWS::LanguageExtensions", "Outputs": outputs}


WHERE: dict[str, dict[str, Any]] = {
    "a resource's property": {"Resources": of_parameter(Properties={"Type": "String", "Value": {"Fn::GetAtt": WRONG}})},
    "a property of one of ours": {"Resources": {"Lines": resource(POLICYNAME="l", ROLENAME={"Fn::GetAtt": WRONG})}},
    "metadata": {"Resources": of_parameter(Metadata={"of": {"Fn::GetAtt": WRONG}})},
    "an output's export": {"Outputs": {"Arn": {"Value": "x", "Export": {"Name": {"Fn::GetAtt": WRONG}}}}},
    "a condition": {"Conditions": CONDITIONS | {"Odd": {"Fn::Equals": [{"Fn::GetAtt": WRONG}, "x"]}}},
    "what a loop makes": looped({"Fn::Sub": "${Orders.EndpointARN}"}),
    "what a loop names": looped({"Fn::GetAtt": [{"Ref": "Name"}, "EndpointARN"]}),
}


@pytest.mark.parametrize("where", WHERE)
def test_a_wrong_attribute_is_found_everywhere(where: str) -> None:
    given = {"Conditions": CONDITIONS} | WHERE[where]
    resources = {"Orders": resource(), **given.pop("Resources", {})}
    assert MESSAGE in [each.message for each in ours(resources, **given)]


RIGHT: dict[str, Any] = {
    "a right one": {"Fn::GetAtt": ["Orders", "EndpointArn"]},
    "a right one in a text": {"Fn::Sub": "${Orders.EndpointArn}"},
    "literal text": {"Fn::Sub": "${!Orders.EndpointARN}"},
    "a name of the substitution's own map": {"Fn::Sub": ["${Orders.EndpointARN}", {"Orders.EndpointARN": "x"}]},
    "text that is substituted by nothing": "${Orders.EndpointARN}",
    "an attribute of another resource": {"Fn::GetAtt": ["Parameter", "EndpointARN"]},
    "an attribute that only the deployment knows": {"Fn::GetAtt": ["Orders", {"Ref": "AWS::StackName"}]},
    "the id": {"Fn::Sub": "${Orders}"},
}


@pytest.mark.parametrize("form", RIGHT)
def test_what_is_no_wrong_attribute_is_not_found(form: str) -> None:
    resources = {"Orders": resource(), **of_parameter()}
    assert ours(resources, Outputs={"Arn": {"Value": RIGHT[form]}}) == []


def test_an_attribute_that_is_near_none_gets_all_there_are() -> None:
    (found,) = ours({"Orders": resource()}, Outputs={"Arn": {"Value": {"Fn::GetAtt": ["Orders", "Arn"]}}})
    assert found.message.startswith("Orders has no attribute Arn, but BucketName, EndpointArn, EndpointIdentifier, ")
