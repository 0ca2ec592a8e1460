"""E9702: two endpoints of one environment with the same name, where both can be in one stack."""

from __future__ import annotations

from typing import Any

import pytest

from tests.checks.cfn_lint import Finding, ours, resource

Map = dict[str, Any]
PARAMETERS: Map = {
    "Stage": {"Type": "String", "AllowedValues": ["dev", "prod"]},
    "Other": {"Type": "String", "AllowedValues": ["dev", "prod"]},
    "One": {"Type": "String", "Default": "dms-orders"},
    "Two": {"Type": "String", "Default": "dms-orders"},
    "Path": {"Type": "AWS::SSM::Parameter::Value<String>", "Default": "dms-orders"},
    "Free": {"Type": "String"},
}
STAGE = {"Ref": "Stage"}
CONDITIONS: Map = {
    "IsProd": {"Fn::Equals": [STAGE, "prod"]},
    "IsDev": {"Fn::Equals": ["dev", STAGE]},
    "IsNotProd": {"Fn::Not": [{"Condition": "IsProd"}]},
    "IsProdToo": {"Fn::And": [{"Condition": "IsProd"}, {"Fn::Equals": [{"Ref": "Free"}, "x"]}]},
    "IsFree": {"Fn::Equals": [{"Ref": "Free"}, "y"]},
    "IsNever": {"Fn::Equals": ["a", "b"]},
    # cfn-lint reads no such condition.
    "IsOdd": {"Fn::Equals": ["a"]},
}
MAPPINGS: Map = {
    "Names": {
        "dev": {"Orders": "dms-orders-dev", "Lines": "dms-lines-dev", "Copied": "DMS-orders-dev"},
        "prod": {"Orders": "dms-orders", "Lines": "dms-lines", "Copied": "dms-lines"},
    },
    "Environments": {"dev": {"A": "dev", "B": "dev"}, "prod": {"A": "prod", "B": "test"}},
}


# Names alone are the same.
FOLDER: Map = {"S3SETTINGS": {"BUCKETNAME": "lake", "BUCKETFOLDER": "lines"}}


def name_of(stage: Any, key: str) -> Map:
    return {"Fn::FindInMap": ["Names", stage, key]}


def found(one: Map, other: Map) -> list[Finding]:
    """What is said of two resources, each with a `Condition` or without."""
    both = {logical_id: dict(given) for logical_id, given in {"A": one, "B": other}.items()}
    conditions = {key: {"Condition": given.pop("Condition")} for key, given in both.items() if "Condition" in given}
    own = {"ENDPOINTIDENTIFIER": "lines", "POLICYNAME": "dms-lines-policy", **FOLDER}
    resources = {
        "A": resource(**both["A"]) | conditions.get("A", {}),
        "B": resource(**own | both["B"]) | conditions.get("B", {}),
    }
    return ours(resources, Parameters=PARAMETERS, Conditions=CONDITIONS, Mappings=MAPPINGS)


def role(value: Any, **more: Any) -> Map:
    return {"ROLENAME": value, **more}


def when(condition: str, then: Any, otherwise: Any) -> Map:
    return {"Fn::If": [condition, then, otherwise]}


SAME: dict[str, tuple[Map, Map]] = {
    "two texts": (role("dms-orders"), role("dms-orders")),
    "two texts that differ by case": (role("dms-orders"), role("DMS-Orders")),
    "a number and its text": (role(4711), role("4711")),
    "a key in another case": (role("dms-orders"), {"ROLENAME": None, "RoleName": "dms-orders"}),
    "a condition and none": (role("r", Condition="IsProd"), role("r")),
    "two conditions that may both hold": (role("r", Condition="IsProd"), role("r", Condition="IsFree")),
    "a condition that implies the other": (role("r", Condition="IsProdToo"), role("r", Condition="IsProd")),
    "a condition that cfn-lint can't read": (role("r", Condition="IsOdd"), role("r", Condition="IsProd")),
    "a branch and a text": (role(when("IsProd", "r", "x")), role("r")),
    "branches of one condition": (role(when("IsProd", "r", "x")), role(when("IsProd", "r", "y"))),
    "a branch of a branch": (role(when("IsProd", when("IsFree", "r", "x"), "z")), role("r")),
    "a branch of a function": (role({"Fn::Join": ["-", ["r", when("IsProd", "p", "d")]]}), role("r-p")),
    "one parameter": (role({"Ref": "Free"}), role({"Ref": "Free"})),
    "a stack's name": (role({"Fn::Sub": "${AWS::StackName}-r"}), role({"Fn::Sub": "${AWS::StackName}-r"})),
    "a dynamic reference": (role("{{resolve:ssm:/r}}"), role("{{resolve:ssm:/r}}")),
    "a substitution of nothing": (role({"Fn::Sub": "dms-orders"}), role("dms-orders")),
    "a name that is put together": (role({"Fn::Join": ["-", ["dms", "orders"]]}), role("dms-orders")),
    "a key of a mapping": (role(name_of("prod", "Orders")), role("dms-orders")),
    "two keys of a mapping": (role(name_of("prod", "Lines")), role(name_of("prod", "Copied"))),
    "two keys of a mapping in one stage": (role(name_of(STAGE, "Lines")), role(name_of(STAGE, "Copied"))),
    "one function in two spellings": (
        role({"Fn::Sub": "dms-${Stage}"}),
        role({"Fn::Join": ["-", ["dms", {"Ref": "Stage"}]]}),
    ),
    "one environment, unknown": (role("r", ENVIRONMENT=STAGE), role("r", ENVIRONMENT=STAGE)),
    "an environment in a branch": (role("r", ENVIRONMENT=when("IsProd", "prod", "dev")), role("r", ENVIRONMENT="prod")),
    "environments by one condition": (
        role("r", ENVIRONMENT=when("IsProd", "prod", "dev")),
        role("r", ENVIRONMENT=when("IsProd", "prod", "dev")),
    ),
}


@pytest.mark.parametrize("what", SAME)
def test_the_same_name_of_two_that_can_be_together_is_found(what: str) -> None:
    assert [each.message for each in found(*SAME[what])] == [
        "ROLENAME of B is that of A too; each endpoint needs its own"
    ]


OTHERS: dict[str, tuple[Map, Map]] = {
    "two texts": (role("dms-orders"), role("dms-lines")),
    "two environments": (role("r"), role("r", ENVIRONMENT="prod")),
    "two environments that differ by case": (role("r"), role("r", ENVIRONMENT="Dev")),
    "environments of which one is unknown": (role("r"), role("r", ENVIRONMENT={"Ref": "Free"})),
    "opposite conditions": (role("r", Condition="IsProd"), role("r", Condition="IsNotProd")),
    "one parameter with two values": (role("r", Condition="IsProd"), role("r", Condition="IsDev")),
    "a condition that implies the opposite": (role("r", Condition="IsProdToo"), role("r", Condition="IsNotProd")),
    "a condition that never holds": (role("r", Condition="IsNever"), role("r")),
    "two branches": (role(when("IsProd", "r", "x")), role(when("IsProd", "y", "r"))),
    "branches of opposite conditions": (role(when("IsProd", "r", "x")), role(when("IsNotProd", "r", "y"))),
    "a branch that the resource never takes": (role(when("IsProd", "r", "x"), Condition="IsDev"), role("r")),
    "a branch of a branch that is never taken": (role(when("IsProd", when("IsProd", "x", "r"), "y")), role("r")),
    "environments by opposite branches": (
        role("r", ENVIRONMENT=when("IsProd", "prod", "dev")),
        role("r", ENVIRONMENT=when("IsProd", "dev", "prod")),
    ),
    "an environment and a name in two branches": (
        role(when("IsProd", "r", "x"), ENVIRONMENT=when("IsProd", "prod", "dev")),
        role("r", ENVIRONMENT="dev"),
    ),
    "two parameters": (role({"Ref": "Free"}), role({"Ref": "One"})),
    "two parameters with one default": (role({"Ref": "One"}), role({"Ref": "Two"})),
    "a default and a text": (role({"Ref": "One"}), role("dms-orders")),
    "two parameters with the same choices": (role(STAGE), role({"Ref": "Other"})),
    "one of the choices and a text": (role(STAGE), role("prod")),
    "a path of an SSM parameter and a text": (role({"Ref": "Path"}), role("dms-orders")),
    "parameters that differ by case": (role({"Ref": "Free"}), role({"Ref": "FREE"})),
    "a stack's name and what cfn-lint takes for it": (role({"Ref": "AWS::StackName"}), role("teststack")),
    "a region and what cfn-lint takes for it": (role({"Fn::Sub": "r-${AWS::Region}"}), role("r-us-east-1")),
    "a name of its own map": (role({"Fn::Sub": ["${R}", {"R": {"Ref": "One"}}]}), role("dms-orders")),
    "dynamic references that differ by case": (role("{{resolve:ssm:/r}}"), role("{{resolve:ssm:/R}}")),
    "two keys of a mapping": (role(name_of("dev", "Orders")), role(name_of("dev", "Lines"))),
    "keys of a mapping that are the same in another stage": (
        role(name_of(STAGE, "Lines"), Condition="IsDev"),
        role(name_of(STAGE, "Copied")),
    ),
    "an environment in one stage and a name in the other": (
        role(name_of(STAGE, "Lines"), ENVIRONMENT={"Fn::FindInMap": ["Environments", STAGE, "A"]}),
        role(name_of(STAGE, "Copied"), ENVIRONMENT={"Fn::FindInMap": ["Environments", STAGE, "B"]}),
    ),
    "two that have none": (role(None), role(None)),
    "two that are empty": (role(""), role("")),
    "two that are left out": (role({"Ref": "AWS::NoValue"}), role({"Ref": "AWS::NoValue"})),
}


@pytest.mark.parametrize("what", OTHERS)
def test_what_may_be_two_names_is_not(what: str) -> None:
    assert [each for each in found(*OTHERS[what]) if each.rule == "E9702"] == []


def test_each_of_the_three_names_is_found_once_where_it_is_given() -> None:
    lakes = {key: {"BUCKETNAME": "lake", "BUCKETFOLDER": key} for key in "ABC"}
    resources = {key: resource(ROLENAME=f"r-{key}", S3SETTINGS=lakes[key]) for key in lakes}
    places = [each.place for each in ours(resources)]
    given = ["ENDPOINTIDENTIFIER", "POLICYNAME"]
    assert sorted(places) == [["Resources", key, "Properties", name] for key in "BC" for name in given]


def test_properties_that_come_by_a_condition_are_looked_into() -> None:
    one, other = (resource(ENDPOINTIDENTIFIER=name, POLICYNAME=name)["Properties"] for name in ("one", "two"))
    chosen = {"Type": "Custom::CreateDMSS3Endpoint", "Properties": when("IsProd", one, other)}
    resources = {"A": resource(ENDPOINTIDENTIFIER="x", POLICYNAME="x", **FOLDER), "B": chosen}
    (finding,) = ours(resources, Parameters=PARAMETERS, Conditions=CONDITIONS)
    assert finding.place == ["Resources", "B", "Properties", "Fn::If", 1, "ROLENAME"]


def test_a_resource_is_no_other_than_itself() -> None:
    doubled = {"Role": {"Type": "String", "AllowedValues": ["r", "r"]}}
    assert ours({"A": resource(ROLENAME={"Ref": "Role"})}, Parameters=doubled) == []
