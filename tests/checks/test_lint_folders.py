"""W9702: two endpoints that write to one bucket and folder, where both can be in one stack."""

from __future__ import annotations

from typing import Any

import pytest

from tests.checks.cfn_lint import Finding, ours, resource

Map = dict[str, Any]
OWN = {"ENDPOINTIDENTIFIER": "lines", "POLICYNAME": "dms-lines-policy", "ROLENAME": "dms-lines"}
LAKE: Map = {"BUCKETNAME": "lake"}
SECTIONS: Map = {
    "Parameters": {"Folder": {"Type": "String"}, "Stage": {"Type": "String", "AllowedValues": ["dev", "prod"]}},
    "Conditions": {
        "IsProd": {"Fn::Equals": [{"Ref": "Stage"}, "prod"]},
        "IsNotProd": {"Fn::Not": [{"Condition": "IsProd"}]},
    },
    "Mappings": {"Folders": {"dev": {"A": "a", "B": "b"}, "prod": {"A": "a", "B": "a"}}},
}


def lake(folder: Any = None, attributes: Any = None, **more: Any) -> Map:
    settings = LAKE | ({} if folder is None else {"BUCKETFOLDER": folder})
    return {"S3SETTINGS": settings, "EXTRACONNECTIONATTRIBUTES": attributes, **more}


def found(one: Map, other: Map) -> list[Finding]:
    """What is said of two resources, each with a `Condition` or without."""
    given = {"A": dict(one), "B": OWN | other}
    conditions = {key: {"Condition": each.pop("Condition")} for key, each in given.items() if "Condition" in each}
    resources = {key: resource(**each) | conditions.get(key, {}) for key, each in given.items()}
    return ours(resources, **SECTIONS)


FREE, STAGE = {"Ref": "Folder"}, {"Ref": "Stage"}
SAME: dict[str, tuple[Map, Map]] = {
    "no folder": (lake(), lake()),
    "one folder": (lake("orders"), lake("orders")),
    "a folder with a slash": (lake("orders/"), lake("orders")),
    "an empty folder and none": (lake(""), lake()),
    "null and none": ({"S3SETTINGS": LAKE | {"BUCKETFOLDER": {"Ref": "AWS::NoValue"}}}, lake()),
    "a parameter": (lake(FREE), lake(FREE)),
    "a setting and an attribute": (lake("orders"), lake(attributes="dataFormat=csv; bucketFolder=orders")),
    "attributes that are the same function": (
        lake(attributes={"Fn::Sub": "bucketFolder=${Folder}"}),
        lake(attributes={"Fn::Sub": "bucketFolder=${Folder}"}),
    ),
    "an attribute within the settings": (
        lake("orders"),
        {"S3SETTINGS": {"bucketname": "lake", "extraConnectionAttributes": "BUCKETFOLDER=orders"}},
    ),
    "settings in a branch": (
        {"S3SETTINGS": {"Fn::If": ["IsProd", LAKE, {"BUCKETNAME": "other"}]}},
        lake(),
    ),
    "a folder in a branch": (lake({"Fn::If": ["IsProd", "orders", {"Ref": "AWS::NoValue"}]}), lake()),
    "rows of a mapping": (
        lake({"Fn::FindInMap": ["Folders", STAGE, "A"]}),
        lake({"Fn::FindInMap": ["Folders", STAGE, "B"]}),
    ),
}


@pytest.mark.parametrize("what", SAME)
def test_one_folder_of_two_that_can_be_together_is_found(what: str) -> None:
    assert [(each.rule, each.message) for each in found(*SAME[what])] == [
        ("W9702", "B and A write to the same bucket and folder")
    ]


OTHERS: dict[str, tuple[Map, Map]] = {
    "two folders": (lake("orders"), lake("lines")),
    "a folder and none": (lake("orders"), lake()),
    "two buckets": (lake("orders"), {"S3SETTINGS": {"BUCKETNAME": "other", "BUCKETFOLDER": "orders"}}),
    "folders that differ by case": (lake("orders"), lake("Orders")),
    "two environments": (lake(), lake(ENVIRONMENT="prod")),
    "opposite conditions": (lake(Condition="IsProd"), lake(Condition="IsNotProd")),
    "opposite branches": (
        lake({"Fn::If": ["IsProd", "orders", "lines"]}),
        lake({"Fn::If": ["IsProd", "lines", "orders"]}),
    ),
    "a parameter and a text": (lake(FREE), lake("orders")),
    "attributes that nobody knows": (lake(attributes=FREE), lake()),
    "attributes with another folder": (lake(attributes="bucketFolder=a"), lake(attributes="bucketFolder=b")),
    "settings that nobody knows": ({"S3SETTINGS": {"Ref": "AWS::NoValue"}}, lake()),
}


@pytest.mark.parametrize("what", OTHERS)
def test_of_others_nothing_is_said(what: str) -> None:
    assert [each for each in found(*OTHERS[what]) if each.rule == "W9702"] == []


def test_the_bucket_is_the_place_and_each_endpoint_is_named_once() -> None:
    found = ours({name: resource(**{**OWN, "S3SETTINGS": LAKE, "ENVIRONMENT": name}) for name in ("a", "b")})
    assert found == []
    three = {
        name: resource(S3SETTINGS=LAKE, ENDPOINTIDENTIFIER=f"e-{name}", ROLENAME=f"r-{name}", POLICYNAME=f"p-{name}")
        for name in ("A", "B", "C")
    }
    assert [(each.message, each.place) for each in ours(three)] == [
        (
            f"{name} and A write to the same bucket and folder",
            ["Resources", name, "Properties", "S3SETTINGS", "BUCKETNAME"],
        )
        for name in ("B", "C")
    ]
