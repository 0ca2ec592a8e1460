"""DynamoDB, as far as a table of leases needs it: conditions, consistent reads, sets, grants, and CloudFormation."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ConnectionClosedError
from samcli.yamlhelper import yaml_parse

from local_aws import EmbeddedAws
from local_aws.organisation import ROOT, TOOLS
from local_aws.wire import Fault
from tests.assumed import assumed

from .endpoint_pair import refused

NUMBERS = itertools.count(1)
KEY = {"resource": {"S": "stack/Endpoint"}}
TABLE: dict[str, Any] = {
    "BillingMode": "PAY_PER_REQUEST",
    "AttributeDefinitions": [{"AttributeName": "resource", "AttributeType": "S"}],
    "KeySchema": [{"AttributeName": "resource", "KeyType": "HASH"}],
}
# `resource` is a reserved word, so an expression can't have it as it is.
NOBODY: dict[str, Any] = {
    "ConditionExpression": "attribute_not_exists(#key)",
    "ExpressionAttributeNames": {"#key": "resource"},
}


@pytest.fixture
def client(aws: EmbeddedAws) -> Any:
    return aws.client("dynamodb", TOOLS)


@pytest.fixture
def table(client: Any) -> str:
    name = f"leases-{next(NUMBERS)}"
    client.create_table(TableName=name, **TABLE)
    return name


def put(client: Any, table: str, version: int, **more: Any) -> None:
    """Version 1 over nothing, each later one over the one before."""
    item = KEY | {"version": {"N": str(version)}}
    over: dict[str, Any] = {"ConditionExpression": "version = :v"}
    over["ExpressionAttributeValues"] = {":v": {"N": str(version - 1)}}
    client.put_item(TableName=table, Item=item | more, **(over if version > 1 else NOBODY))


def read(client: Any, table: str, consistent: bool = True) -> Any:
    return client.get_item(TableName=table, Key=KEY, ConsistentRead=consistent).get("Item")


def test_one_item_is_written_over_nothing(client: Any, table: str) -> None:
    assert read(client, table) is None
    put(client, table, 1)
    refused("ConditionalCheckFailedException", put, client, table, 1)
    assert read(client, table) == KEY | {"version": {"N": "1"}}


def test_each_version_is_written_over_the_one_before(client: Any, table: str) -> None:
    refused("ConditionalCheckFailedException", put, client, table, 2)
    for version in (1, 2, 3):
        put(client, table, version)
    for version in (2, 3, 5):
        refused("ConditionalCheckFailedException", put, client, table, version)
    assert read(client, table)["version"] == {"N": "3"}


def test_a_reserved_word_is_no_name_in_an_expression(client: Any, table: str) -> None:
    plainly = {"ConditionExpression": "attribute_not_exists(resource)"}
    message = refused("ValidationException", client.put_item, TableName=table, Item=KEY, **plainly)
    assert "reserved keyword: resource" in message


def test_tokens_are_taken_out_of_a_set(client: Any, table: str) -> None:
    put(client, table, 1, unstopped={"SS": ["a", "b"]})
    for token, left in (("a", ["b"]), ("never there", ["b"]), ("b", None), ("b", None)):
        client.update_item(TableName=table, Key=KEY, **stopped(token))
        assert read(client, table).get("unstopped") == (left and {"SS": left})
    assert read(client, table)["version"] == {"N": "1"}


def stopped(token: str) -> dict[str, Any]:
    values = {":token": {"SS": [token]}}
    return {"UpdateExpression": "DELETE unstopped :token", "ExpressionAttributeValues": values}


def test_no_item_is_made_by_an_update_that_demands_one(client: Any, table: str) -> None:
    there = {"ConditionExpression": "attribute_exists(#key)", "ExpressionAttributeNames": {"#key": "resource"}}
    refused("ConditionalCheckFailedException", client.update_item, TableName=table, Key=KEY, **stopped("a"), **there)
    assert read(client, table) is None


def test_no_set_is_empty(client: Any, table: str) -> None:
    refused("ValidationException", put, client, table, 1, unstopped={"SS": []})


def test_an_item_has_400_kilobytes_at_most(client: Any, table: str) -> None:
    refused("ValidationException", put, client, table, 1, record={"S": "x" * 410_000})


def test_only_a_consistent_read_shows_what_was_written_last(aws: EmbeddedAws, client: Any, table: str) -> None:
    aws.switch(table_lag_seconds=1000.0)
    put(client, table, 1)
    assert read(client, table, consistent=False) is None
    assert read(client, table)["version"] == {"N": "1"}
    time.sleep(1.1)
    put(client, table, 2, unstopped={"SS": ["a"]})
    client.update_item(TableName=table, Key=KEY, **stopped("a"))
    assert read(client, table, consistent=False) == KEY | {"version": {"N": "1"}}
    aws.reset_switches()
    assert read(client, table, consistent=False) == KEY | {"version": {"N": "2"}}


def test_without_a_table(client: Any) -> None:
    refused("ResourceNotFoundException", read, client, "no-such-table")
    refused("ResourceNotFoundException", put, client, "no-such-table", 1)


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ("throttle", "ThrottlingException"),
        ("http500", "InternalFailure"),
        ("access_denied", "AccessDeniedException"),
        ("ResourceNotFound", "ResourceNotFoundException"),
    ],
)
def test_faults_and_records(aws: EmbeddedAws, client: Any, table: str, fault: Fault, code: str) -> None:
    aws.inject("dynamodb", "PutItem", fault, nth=2)
    aws.clear_calls()
    client.put_item(TableName=table, Item=KEY)
    read(client, table)
    refused(code, client.put_item, TableName=table, Item=KEY)
    client.put_item(TableName=table, Item=KEY)
    assert {(call.service, call.account, call.resource) for call in aws.calls()} == {("dynamodb", TOOLS, table)}
    told = [(call.operation, call.error_code) for call in aws.calls()]
    assert told == [("PutItem", None), ("GetItem", None), ("PutItem", code), ("PutItem", None)]


def test_a_lost_answer(aws: EmbeddedAws, client: Any, table: str) -> None:
    aws.inject("dynamodb", "PutItem", "reset_after")
    with pytest.raises(ConnectionClosedError):
        put(client, table, 1)
    assert read(client, table)["version"] == {"N": "1"}


def test_latency(aws: EmbeddedAws, client: Any, table: str) -> None:
    aws.switch(table_latency_seconds=50.0)
    aws.clear_calls()
    read(client, table)
    assert [call.ended - call.started > 50.0 for call in aws.calls()] == [True]
    aws.switch(table_latency_seconds=0.0, latency_seconds=500.0)
    read(client, table)
    last = aws.calls()[-1]
    assert last.ended - last.started < 500.0


Caller = Callable[..., Any]


@pytest.fixture
def caller(aws: EmbeddedAws) -> Caller:
    """A client of a new role of an account, which is granted the actions on the resource."""

    def of_new_role(actions: list[str], resource: str, account: str = TOOLS) -> Any:
        iam, name = aws.client("iam", account), f"holder-{next(NUMBERS)}"
        trusted = {"Effect": "Allow", "Principal": {"AWS": account}, "Action": "sts:AssumeRole"}
        role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps({"Statement": [trusted]}))["Role"]
        granted = {"Statement": [{"Effect": "Allow", "Action": actions, "Resource": resource}]}
        iam.put_role_policy(RoleName=name, PolicyName="leases", PolicyDocument=json.dumps(granted))
        return assumed(aws, account, role["Arn"], "dynamodb")

    return of_new_role


def arn_of(table: str) -> str:
    return f"arn:aws:dynamodb:eu-west-1:{TOOLS}:table/{table}"


@pytest.mark.parametrize("missing", ["GetItem", "PutItem", "UpdateItem"])
def test_each_call_needs_its_grant(caller: Caller, table: str, missing: str) -> None:
    calls: dict[str, Caller] = {
        "GetItem": lambda client: read(client, table),
        "PutItem": lambda client: client.put_item(TableName=table, Item=KEY),
        "UpdateItem": lambda client: client.update_item(TableName=table, Key=KEY, **stopped("a")),
    }
    role = caller([f"dynamodb:{name}" for name in calls if name != missing], arn_of(table))
    for name in calls.keys() - {missing}:
        calls[name](role)
    message = refused("AccessDeniedException", calls[missing], role)
    assert f"is not authorized to perform: dynamodb:{missing} on resource: {arn_of(table)}" in message


def test_a_grant_is_for_its_table_alone(caller: Caller, client: Any, table: str) -> None:
    client.create_table(TableName=f"{table}-of-another", **TABLE)
    role = caller(["dynamodb:*"], arn_of(table))
    assert read(role, table) is None
    for name in (f"{table}-of-another", arn_of(f"{table}-of-another")):
        refused("AccessDeniedException", read, role, name)


def test_a_table_is_its_account_s(caller: Caller, table: str) -> None:
    elsewhere = caller(["dynamodb:*"], "*", "222222222222")
    refused("ResourceNotFoundException", read, elsewhere, table)


# As template.yaml has it.


def leases() -> dict[str, Any]:
    return dict(yaml_parse((ROOT / "template.yaml").read_text())["Resources"]["LeaseTable"])


def template(resource: dict[str, Any]) -> str:
    return json.dumps({"Resources": {"LeaseTable": resource}, "Outputs": {"Name": {"Value": {"Ref": "LeaseTable"}}}})


@pytest.fixture
def stack(aws: EmbeddedAws) -> str:
    name = f"leases-{next(NUMBERS)}"
    deploy(aws, name, "create", leases())
    return name


def deploy(aws: EmbeddedAws, name: str, how: str, resource: dict[str, Any]) -> None:
    cloudformation = aws.client("cloudformation", TOOLS)
    getattr(cloudformation, f"{how}_stack")(StackName=name, TemplateBody=template(resource))
    cloudformation.get_waiter(f"stack_{how}_complete").wait(StackName=name, WaiterConfig={"Delay": 0.1})


def delete(aws: EmbeddedAws, name: str) -> None:
    cloudformation = aws.client("cloudformation", TOOLS)
    cloudformation.delete_stack(StackName=name)
    cloudformation.get_waiter("stack_delete_complete").wait(StackName=name, WaiterConfig={"Delay": 0.1})


def table_of(aws: EmbeddedAws, stack: str) -> str:
    (found,) = aws.client("cloudformation", TOOLS).describe_stacks(StackName=stack)["Stacks"]
    return str(found["Outputs"][0]["OutputValue"])


def test_the_table_is_made_as_the_template_says(aws: EmbeddedAws, client: Any, stack: str) -> None:
    name = table_of(aws, stack)
    made = client.describe_table(TableName=name)["Table"]
    assert made["KeySchema"] == TABLE["KeySchema"]
    assert made["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"
    assert made["DeletionProtectionEnabled"] is True
    assert (made["SSEDescription"]["Status"], made["SSEDescription"]["SSEType"]) == ("ENABLED", "KMS")
    expiry = client.describe_time_to_live(TableName=name)["TimeToLiveDescription"]
    assert expiry == {"TimeToLiveStatus": "ENABLED", "AttributeName": "expires"}
    backups = client.describe_continuous_backups(TableName=name)["ContinuousBackupsDescription"]
    assert backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"] == "ENABLED"


def test_the_table_and_its_items_outlive_an_update_and_the_stack(aws: EmbeddedAws, client: Any, stack: str) -> None:
    name = table_of(aws, stack)
    put(client, name, 1)
    changed = leases()
    changed["Properties"] |= {"PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": False}}
    deploy(aws, stack, "update", changed)
    assert table_of(aws, stack) == name
    backups = client.describe_continuous_backups(TableName=name)["ContinuousBackupsDescription"]
    assert backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"] == "DISABLED"
    delete(aws, stack)
    assert read(client, name)["version"] == {"N": "1"}
    refused("ValidationException", client.delete_table, TableName=name)


def test_the_stack_can_be_made_again_beside_the_table_of_the_first(aws: EmbeddedAws, client: Any, stack: str) -> None:
    first = table_of(aws, stack)
    put(client, first, 1)
    delete(aws, stack)
    deploy(aws, stack, "create", leases())
    second = table_of(aws, stack)
    assert second != first
    assert read(client, second) is None
    assert read(client, first)["version"] == {"N": "1"}


def test_a_table_that_is_not_retained_is_protected(aws: EmbeddedAws, client: Any) -> None:
    name = f"leases-{next(NUMBERS)}"
    deploy(aws, name, "create", {key: value for key, value in leases().items() if key != "DeletionPolicy"})
    cloudformation = aws.client("cloudformation", TOOLS)
    cloudformation.delete_stack(StackName=name)
    while (status := cloudformation.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"]) != "DELETE_FAILED":
        assert status.endswith("_IN_PROGRESS"), status
        time.sleep(0.05)
    assert client.describe_table(TableName=table_of(aws, name))
