"""template.yaml: the names that fit everywhere, and the table and the log that stay when their stack goes."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from botocore.session import get_session
from samcli.yamlhelper import yaml_parse

from local_aws import EmbeddedAws
from local_aws.organisation import DEV, ROOT, TOOLS, delete_stack, lease_table, sam_deploy, update_function

LEASE = {"resource": {"S": "arn:aws:cloudformation:eu-west-1:111111111111:stack/orders/1/Endpoint"}}
LONGEST_NAME_OF_A_ROLE = 64


def test_the_longest_name_of_a_function_fits_a_role_in_each_region() -> None:
    pattern = re.compile(
        yaml_parse((ROOT / "template.yaml").read_text())["Parameters"]["FunctionName"]["AllowedPattern"]
    )
    longest = max(length for length in range(100) if pattern.fullmatch("f" * length))
    names = [f"{'f' * longest}-{region}" for region in regions()]
    assert max(map(len, names)) == LONGEST_NAME_OF_A_ROLE


def regions() -> list[str]:
    """Of all partitions, those among them that few have seen."""
    partitions = get_session().get_component("data_loader").load_data("endpoints")["partitions"]
    return [region for partition in partitions for region in partition["regions"]]


def test_the_function_has_the_table_of_its_stack_and_an_update_keeps_it(aws: EmbeddedAws) -> None:
    table = lease_table(aws)
    assert table_of_the_function(aws, "dms-s3-endpoint") == table
    items(aws).put_item(TableName=table, Item=LEASE)
    for level in ("INFO", "DEBUG"):
        update_function(aws, LogLevel=level)
        assert lease_table(aws) == table_of_the_function(aws, "dms-s3-endpoint") == table
    assert items(aws).get_item(TableName=table, Key=LEASE, ConsistentRead=True)["Item"] == LEASE
    items(aws).delete_item(TableName=table, Key=LEASE)


def test_the_table_and_a_log_that_is_retained_outlive_their_stack_which_can_be_made_again(
    aws: EmbeddedAws, built: Path
) -> None:
    first, log = deployed_again(aws, built), log_of("dms-s3-endpoint-again", aws)
    items(aws).put_item(TableName=first, Item=LEASE)
    delete_stack(aws, "again")
    assert items(aws).get_item(TableName=first, Key=LEASE, ConsistentRead=True)["Item"] == LEASE
    second = deployed_again(aws, built)
    logs = {log, log_of("dms-s3-endpoint-again", aws)}
    delete_stack(aws, "again")
    assert {each["logGroupName"] for each in of_logs(aws).describe_log_groups()["logGroups"]} >= logs
    assert len(logs) == 2
    for name in logs:
        of_logs(aws).delete_log_group(logGroupName=name)
    assert items(aws).scan(TableName=second)["Items"] == []
    for table in (first, second):
        with pytest.raises(items(aws).exceptions.ClientError, match="protected against deletion"):
            items(aws).delete_table(TableName=table)


def deployed_again(aws: EmbeddedAws, built: Path) -> str:
    """The table of one more function."""
    given = {"Environments": "dev", "DataLakeRoleArns": DEV.data_lake_role_arn, "DmsRoleArns": DEV.dms_role_arn}
    sam_deploy(aws, built, "again", given | {"FunctionName": "dms-s3-endpoint-again", "RetainLog": "true"})
    table = lease_table(aws, "again")
    assert table_of_the_function(aws, "dms-s3-endpoint-again") == table
    return table


def table_of_the_function(aws: EmbeddedAws, name: str) -> str:
    found = aws.client("lambda", TOOLS).get_function_configuration(FunctionName=name)
    return str(found["Environment"]["Variables"]["LEASE_TABLE"])


def log_of(function: str, aws: EmbeddedAws) -> str:
    """The log group that the function writes to."""
    found = aws.client("lambda", TOOLS).get_function_configuration(FunctionName=function)
    return str(found["LoggingConfig"]["LogGroup"])


def of_logs(aws: EmbeddedAws) -> Any:
    return aws.client("logs", TOOLS)


def items(aws: EmbeddedAws) -> Any:
    return aws.client("dynamodb", TOOLS)
