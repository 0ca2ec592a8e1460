"""The parameters of the templates: an ARN has no wildcard, and each account of the list gets its two permissions."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from samcli.yamlhelper import yaml_parse

ROOT = Path(__file__).resolve().parents[2]
TEMPLATES = [ROOT / "template.yaml", *(ROOT / "accounts").glob("*.yaml"), *(ROOT / "pipelines").glob("*.yaml")]
ACCOUNTS = [f"{number:012}" for number in range(1, 12)]


def parameters(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = yaml_parse(path.read_text())["Parameters"]
    return found


def takes(parameter: dict[str, Any], value: str) -> bool:
    return re.fullmatch(parameter["AllowedPattern"], value) is not None


ARNS = [(path, name) for path in TEMPLATES for name in parameters(path) if name.endswith(("Arn", "Arns"))]


@pytest.mark.parametrize(("path", "name"), ARNS, ids=[f"{path.name}-{name}" for path, name in ARNS])
def test_an_arn_has_no_wildcard(path: Path, name: str) -> None:
    parameter = parameters(path)[name]
    services = ("iam::111111111111:role/", "iam::111111111111:policy/", "sns:eu-west-1:111111111111:", "x:")
    for wild in ("*", "a*", "a?", "*/a"):
        assert not any(takes(parameter, f"arn:aws:{service}{wild}") for service in services)
    assert not takes(parameter, "*")


def test_roles_of_each_partition_are_taken() -> None:
    for name in ("DataLakeRoleArns", "DmsRoleArns"):
        parameter = parameters(ROOT / "template.yaml")[name]
        assert all(takes(parameter, f"arn:{each}:iam::111111111111:role/a/b-c") for each in ("aws", "aws-us-gov"))
        assert not takes(parameter, "arn:aws:iam::111111111111:user/a")


def test_the_accounts_are_ten_at_most() -> None:
    accounts = parameters(ROOT / "template.yaml")["StackAccounts"]
    assert takes(accounts, "")
    assert takes(accounts, ",".join(ACCOUNTS[:10]))
    assert not takes(accounts, ",".join(ACCOUNTS))
    assert not any(takes(accounts, each) for each in ("*", "1", "111111111111,", "111111111111, 222222222222"))


def test_requests_are_limited_if_a_number_is_given() -> None:
    """The embedded AWS's CloudFormation leaves this property out."""
    limit = parameters(ROOT / "template.yaml")["ReservedConcurrency"]
    assert all(takes(limit, each) for each in ("", "1", "1000"))
    assert not any(takes(limit, each) for each in ("0", "-1", "10000", "all"))
    function = yaml_parse((ROOT / "template.yaml").read_text())["Resources"]["Function"]["Properties"]
    given, otherwise = {"Ref": "ReservedConcurrency"}, {"Ref": "AWS::NoValue"}
    assert function["ReservedConcurrentExecutions"] == {"Fn::If": ["Reserves", given, otherwise]}


@pytest.mark.parametrize("count", [0, 1, 10])
def test_each_of_them_may_invoke_both_aliases_and_nobody_else(count: int) -> None:
    template = yaml_parse((ROOT / "template.yaml").read_text())
    values = {"StackAccounts": ",".join(ACCOUNTS[:count])}
    holds = {
        name: resolved(each["Fn::Not"][0]["Fn::Equals"][0], values) != ""
        for name, each in template["Conditions"].items()
        if name.startswith("HasAccount")
    }
    permissions = [
        each["Properties"]
        for each in template["Resources"].values()
        if each["Type"] == "AWS::Lambda::Permission" and holds.get(each["Condition"])
    ]
    given = [(resolved(each["Principal"], values), each["FunctionName"]["Ref"]) for each in permissions]
    aliases = ("FunctionAliaslive", "FunctionAliascheck")
    assert sorted(given) == sorted((account, alias) for account in ACCOUNTS[:count] for alias in aliases)
    assert {each["Action"] for each in permissions} <= {"lambda:InvokeFunction"}


def resolved(value: Any, values: dict[str, str]) -> Any:
    """As CloudFormation resolves the functions that are used here."""
    if not isinstance(value, dict):
        return [resolved(each, values) for each in value] if isinstance(value, list) else value
    ((function, given),) = value.items()
    if function in ("Ref", "Fn::Sub"):
        return values[given] if function == "Ref" else given.replace("${StackAccounts}", values["StackAccounts"])
    first, second = resolved(given, values)
    return {
        "Fn::Select": lambda: second[first],
        "Fn::Split": lambda: second.split(first),
        "Fn::Join": lambda: first.join(second),
    }[function]()
