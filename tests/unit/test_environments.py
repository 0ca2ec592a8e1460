"""The function's three lists, and what it says when they don't fit."""

from __future__ import annotations

import pytest

from dms_s3_endpoint.model.environments import Environment, read_environments
from dms_s3_endpoint.model.errors import EndpointError

from .builders import DATA_LAKE, DEV, DMS

LAKE_ARN, DMS_ARN = DEV.data_lake_role_arn, DEV.dms_role_arn
REMEDY = "Deploy template.yaml again with three lists of equal length: unique names, ARNs of roles"


def read(names: str, lakes: str, dms: str) -> dict[str, Environment]:
    return read_environments({"ENVIRONMENTS": names, "DATA_LAKE_ROLE_ARNS": lakes, "DMS_ROLE_ARNS": dms})


def test_the_three_lists_are_read_in_the_same_order_without_spaces() -> None:
    found = read(" dev ,test", f"{LAKE_ARN}, {LAKE_ARN}-2", f"{DMS_ARN},{DMS_ARN}-2")
    assert found == {"dev": DEV, "test": Environment("test", f"{LAKE_ARN}-2", f"{DMS_ARN}-2")}


@pytest.mark.parametrize(("given", "account"), [("true", DMS), ("false", ""), ("", "")])
def test_roles_trust_one_account_alone_if_the_function_was_deployed_so(given: str, account: str) -> None:
    lists = {"ENVIRONMENTS": "dev", "DATA_LAKE_ROLE_ARNS": LAKE_ARN, "DMS_ROLE_ARNS": DMS_ARN}
    assert read_environments(lists | {"DEMAND_SOURCE_ACCOUNT": given})["dev"].source_account == account


def test_an_environment_knows_its_accounts_and_partition_by_its_roles() -> None:
    china = Environment("china", LAKE_ARN.replace("aws", "aws-cn"), DMS_ARN.replace("aws", "aws-cn"))
    assert (china.partition, china.data_lake_account, china.dms_account) == ("aws-cn", DATA_LAKE, DMS)


@pytest.mark.parametrize(
    ("lists", "what"),
    [
        (("", "", ""), "0 Environments, 0 DataLakeRoleArns, 0 DmsRoleArns"),
        (("dev", f"{LAKE_ARN},{LAKE_ARN}", DMS_ARN), "1 Environments, 2 DataLakeRoleArns, 1 DmsRoleArns"),
        (("dev", LAKE_ARN, ""), "1 Environments, 1 DataLakeRoleArns, 0 DmsRoleArns"),
        (
            ("dev,dev", f"{LAKE_ARN},{LAKE_ARN}", f"{DMS_ARN},{DMS_ARN}"),
            "2 Environments, 2 DataLakeRoleArns, 2 DmsRoleArns",
        ),
        (("1st", LAKE_ARN, DMS_ARN), "environment name '1st'"),
        (("invalid", LAKE_ARN, DMS_ARN), "environment name 'invalid'"),
        (("dev", "a-role", DMS_ARN), "'a-role', which is not the ARN of a role"),
        (("dev", LAKE_ARN, DMS_ARN + "?"), f"'{DMS_ARN}?', which is not the ARN of a role"),
    ],
)
def test_lists_that_do_not_fit_are_named_with_what_to_do(lists: tuple[str, str, str], what: str) -> None:
    with pytest.raises(EndpointError) as caught:
        read(*lists)
    assert caught.value.reason == f"InternalError: The function was deployed with {what}. {REMEDY}"


def test_a_function_without_its_variables_says_so() -> None:
    with pytest.raises(EndpointError, match="InternalError: The function was deployed with 0 Environments"):
        read_environments({})
