"""Custom resources as CloudFormation treats them, and the virtual time of the function that serves them."""

from __future__ import annotations

import itertools
import json
import ssl
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local_aws import EmbeddedAws
from local_aws.cloudformation import CloudFormation, played
from local_aws.response_url import at_loopback, bucket_url

ACCOUNT = "111111111111"
NUMBERS = itertools.count(1)
REQUEST_ID = str(uuid.uuid4())
CODE = """
import json, threading, time, urllib.request
import boto3

def handle(event, context):
    if "Seconds" in event:
        return sleep(event["Seconds"], context)
    if "Role" in event:
        return make_role(event["Role"], f"test-{event['RequestId']}", context)
    if "Table" in event:
        return boto3.client("dynamodb").put_item(TableName=event["Table"], Item={"id": {"S": event["RequestId"]}})
    given = event["ResourceProperties"]
    where, _, query = event["ResponseURL"].partition("?")
    more = {"Signed": query.partition("X-Amz-Date=")[2].partition("&")[0], "Where": where}
    more |= {"InvokedBy": context.invoked_function_arn, "Shown": shown(event)}
    print("EVENT", json.dumps({k: v for k, v in event.items() if k != "ResponseURL"} | more))
    answer = {k: event[k] for k in ("StackId", "RequestId", "LogicalResourceId")}
    answer["PhysicalResourceId"] = given["Id"]
    answer["Status"] = "FAILED" if given.get("Fails") == event["RequestType"] else "SUCCESS"
    answer["Reason"] = given.get("Reason", "as told") if event["RequestType"] == "Create" else "as told"
    for _ in range(int(given.get("Answers", "1"))):
        request = urllib.request.Request(event["ResponseURL"], method="PUT", data=json.dumps(answer).encode())
        request.add_header("content-type", "")
        urllib.request.urlopen(request)

def shown(event):
    cloudformation = boto3.client("cloudformation")
    stack = cloudformation.describe_stacks(StackName=event["StackId"])["Stacks"][0]["StackStatus"]
    resource = cloudformation.describe_stack_resource(
        StackName=event["StackId"], LogicalResourceId=event["LogicalResourceId"]
    )["StackResourceDetail"]
    return [stack, resource["ResourceStatus"], resource.get("PhysicalResourceId")]

def make_role(name, session, context):
    arn = f"arn:aws:iam::{context.invoked_function_arn.split(':')[4]}:role/admin"
    credentials = boto3.client("sts").assume_role(RoleArn=arn, RoleSessionName=session)["Credentials"]
    keys = [credentials[key] for key in ("AccessKeyId", "SecretAccessKey", "SessionToken")]
    boto3.client("iam", "eu-west-1", None, True, None, None, *keys).create_role(
        RoleName=name, AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": []})
    )

def sleep(seconds, context):
    before = context.get_remaining_time_in_millis()
    clocks = [clock() for clock in (time.time, time.monotonic, time.perf_counter)]
    time.sleep(seconds)
    passed = [clock() - began for clock, began in zip((time.time, time.monotonic, time.perf_counter), clocks)]
    fired = threading.Event()
    threading.Timer(seconds, fired.set).start()
    fired.wait(2 * seconds)
    return {"passed": passed, "fired": fired.is_set(), "left": [before, context.get_remaining_time_in_millis()]}
"""
ASSUMED = {
    "Effect": "Allow",
    "Principal": {"Service": "lambda.amazonaws.com", "AWS": f"arn:aws:iam::{ACCOUNT}:root"},
    "Action": "sts:AssumeRole",
}
ACTIONS = ["iam:CreateRole", "sts:AssumeRole", "dynamodb:PutItem", "cloudformation:Describe*"]
ALLOWED = {"Effect": "Allow", "Action": ACTIONS, "Resource": "*"}
FUNCTION = {
    "Resources": {
        "Role": {
            "Type": "AWS::IAM::Role",
            "Properties": {
                "RoleName": "admin",
                "AssumeRolePolicyDocument": {"Statement": ASSUMED},
                "Policies": [{"PolicyName": "all", "PolicyDocument": {"Statement": ALLOWED}}],
            },
        },
        "Table": {
            "Type": "AWS::DynamoDB::Table",
            "Properties": {
                "TableName": "answered",
                "BillingMode": "PAY_PER_REQUEST",
                "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
                "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
            },
        },
        "Function": {
            "Type": "AWS::Lambda::Function",
            "Properties": {
                "FunctionName": "answers",
                "Code": {"ZipFile": CODE},
                "Handler": "index.handle",
                "Role": {"Fn::GetAtt": ["Role", "Arn"]},
                "Runtime": "python3.11",
                "Timeout": 900,
            },
        },
    }
}


@pytest.fixture(scope="module")
def token(server: EmbeddedAws) -> str:
    cloudformation = server.client("cloudformation", ACCOUNT)
    cloudformation.create_stack(
        StackName="answers", TemplateBody=json.dumps(FUNCTION), Capabilities=["CAPABILITY_NAMED_IAM"]
    )
    assert ends(server, "answers") == "CREATE_COMPLETE"
    return f"arn:aws:lambda:{server.region}:{ACCOUNT}:function:answers"


def ends(aws: EmbeddedAws, stack: str, account: str = ACCOUNT) -> str:
    """The status in which the stack comes to rest."""
    while True:
        found = aws.client("cloudformation", account).describe_stacks(StackName=stack)["Stacks"][0]
        if not found["StackStatus"].endswith("_IN_PROGRESS"):
            return str(found["StackStatus"])
        time.sleep(0.05)


def template(token: str, **properties: str) -> str:
    resource = {"Type": "Custom::Thing", "Properties": {"ServiceToken": token, **properties}}
    return json.dumps({"Resources": {"Thing": resource}})


def create(aws: EmbeddedAws, token: str, **properties: str) -> str:
    stack = f"things-{next(NUMBERS)}"
    aws.client("cloudformation", ACCOUNT).create_stack(StackName=stack, TemplateBody=template(token, **properties))
    return stack


def events(aws: EmbeddedAws, stack: str) -> list[dict[str, Any]]:
    lines = [line.partition("EVENT ")[2] for line in aws.log_text().splitlines() if "EVENT " in line]
    return [event for event in map(json.loads, lines) if f":stack/{stack}/" in event["StackId"]]


def told(event: dict[str, Any]) -> tuple[str, str | None, str]:
    return event["RequestType"], event.get("PhysicalResourceId"), event["ResourceProperties"]["Id"]


def test_a_failed_create_is_followed_by_a_delete_of_what_it_answered(aws: EmbeddedAws, token: str) -> None:
    stack = create(aws, token, Id="thing-1", Fails="Create")
    assert ends(aws, stack) == "ROLLBACK_COMPLETE"
    assert [told(event) for event in events(aws, stack)] == [
        ("Create", None, "thing-1"),
        ("Delete", "thing-1", "thing-1"),
    ]


def test_a_replacement_ends_with_a_delete_of_the_old_by_its_old_properties(aws: EmbeddedAws, token: str) -> None:
    stack = create(aws, token, Id="thing-1")
    ends(aws, stack)
    aws.client("cloudformation", ACCOUNT).update_stack(StackName=stack, TemplateBody=template(token, Id="thing-2"))
    assert ends(aws, stack) == "UPDATE_COMPLETE"
    assert [told(event) for event in events(aws, stack)] == [
        ("Create", None, "thing-1"),
        ("Update", "thing-1", "thing-2"),
        ("Delete", "thing-1", "thing-1"),
    ]


def test_while_a_function_is_at_work_its_stack_and_resource_are_in_progress(aws: EmbeddedAws, token: str) -> None:
    stack = create(aws, token, Id="thing-1")
    ends(aws, stack)
    client = aws.client("cloudformation", ACCOUNT)
    for changed in ({"Id": "thing-1", "More": "x"}, {"Id": "thing-2"}):
        client.update_stack(StackName=stack, TemplateBody=template(token, **changed))
        ends(aws, stack)
    client.delete_stack(StackName=stack)
    while len(told := events(aws, stack)) < 5:
        time.sleep(0.05)
    assert [event["Shown"] for event in told] == [
        ["CREATE_IN_PROGRESS", "CREATE_IN_PROGRESS", None],
        ["UPDATE_IN_PROGRESS", "UPDATE_IN_PROGRESS", "thing-1"],
        ["UPDATE_IN_PROGRESS", "UPDATE_IN_PROGRESS", "thing-1"],
        # Of the old one: the resource has its new id already.
        ["UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "UPDATE_COMPLETE", "thing-2"],
        ["DELETE_IN_PROGRESS", "DELETE_IN_PROGRESS", "thing-2"],
    ]


def test_a_function_is_invoked_by_its_token_and_answers_at_a_url_that_names_the_request(
    aws: EmbeddedAws, token: str
) -> None:
    stack = create(aws, token, Id="thing-1")
    ends(aws, stack)
    (event,) = events(aws, stack)
    assert (event["InvokedBy"], event["ServiceToken"]) == (token, token)
    ids = [event[name] for name in ("StackId", "LogicalResourceId", "RequestId")]
    assert event["Where"] == bucket_url(aws.port, *ids)
    assert f"%3A{ACCOUNT}%3Astack/{stack}/" in event["Where"]


def test_an_answer_that_is_too_long_fails_the_resource(aws: EmbeddedAws, token: str) -> None:
    before = len(aws.answers())
    stack = create(aws, token, Id="thing-1", Reason="x" * 4096)
    assert ends(aws, stack) == "ROLLBACK_COMPLETE"
    answer = aws.answers()[before]
    assert answer.size > 4096
    assert answer.fault == "Response object is too long"
    failed = aws.client("cloudformation", ACCOUNT).describe_stack_events(StackName=stack)["StackEvents"]
    assert any("Response object is too long" in event.get("ResourceStatusReason", "") for event in failed)


def test_an_answer_with_a_content_type_is_rejected_by_its_signature(aws: EmbeddedAws) -> None:
    before = len(aws.answers())
    url = at_loopback(bucket_url(aws.port, f"arn:aws:cloudformation:{aws.region}:{ACCOUNT}:stack/x/1", "Thing", "1"))
    headers = {"content-type": "application/json"}
    put = urllib.request.Request(url, json.dumps({"Status": "SUCCESS"}).encode(), headers, method="PUT")  # noqa: S310  # our own address
    with pytest.raises(urllib.error.HTTPError, match="403"):
        urllib.request.urlopen(put, context=ssl.create_default_context(cafile=aws.ca_bundle))  # noqa: S310  # as above
    (answer,) = aws.answers()[before:]
    assert answer.content_type == "application/json"
    assert "the URL is signed for an empty content type" in str(answer.fault)


def test_a_second_answer_is_recorded(aws: EmbeddedAws, token: str) -> None:
    before = len(aws.answers())
    assert ends(aws, create(aws, token, Id="thing-1", Answers="2")) == "CREATE_COMPLETE"
    first, second = aws.answers()[before:]
    assert first == second
    assert (first.body["Status"], first.content_type, first.fault) == ("SUCCESS", "", None)


def test_a_response_url_tells_when_it_was_signed(aws: EmbeddedAws, token: str) -> None:
    stack = create(aws, token, Id="thing-1")
    ends(aws, stack)
    time.sleep(0.01)
    aws.client("cloudformation", ACCOUNT).delete_stack(StackName=stack)
    while len(told := events(aws, stack)) < 2:
        time.sleep(0.05)
    created, deleted = (signed(event["Signed"]) for event in told)
    assert timedelta(seconds=10) <= deleted - created < timedelta(days=1)


def signed(date: str) -> datetime:
    return datetime.strptime(date, "%Y%m%dT%H%M%SZ")


@pytest.fixture
def cloudformation(aws: EmbeddedAws) -> Iterator[CloudFormation]:
    with played(aws) as cloudformation:
        yield cloudformation


def test_a_stack_that_is_played_is_in_progress_until_it_rests(cloudformation: CloudFormation) -> None:
    client, ids = cloudformation.aws.client("cloudformation", ACCOUNT), {"StackName": cloudformation.stack_id}
    made_up = {"RequestType": "Delete", "RequestId": "1", "StackId": cloudformation.stack_id, "LogicalResourceId": "A"}
    cloudformation.made_up(made_up)
    with pytest.raises(ClientError, match="does not exist"):
        client.describe_stacks(**ids)

    cloudformation.event("Update", {}, PhysicalResourceId="thing-1")
    with pytest.raises(ClientError, match="Resource A does not exist for stack played"):
        client.describe_stack_resource(**ids, LogicalResourceId="A")
    found = client.describe_stack_resource(**ids, LogicalResourceId="Endpoint")["StackResourceDetail"]
    assert (found["ResourceStatus"], found["PhysicalResourceId"]) == ("UPDATE_IN_PROGRESS", "thing-1")

    cloudformation.rest("thing-1")
    found = client.describe_stack_resource(**ids, LogicalResourceId="Endpoint")["StackResourceDetail"]
    assert (found["ResourceStatus"], found["PhysicalResourceId"]) == ("UPDATE_COMPLETE", "thing-1")
    assert client.describe_stacks(**ids)["Stacks"][0]["StackStatus"] == "UPDATE_COMPLETE"


def test_what_is_issued_later_is_signed_later(cloudformation: CloudFormation) -> None:
    first = cloudformation.event("Create", {})
    time.sleep(0.01)
    second = cloudformation.event("Delete", {})
    dates = [signed(each["ResponseURL"].partition("X-Amz-Date=")[2][:16]) for each in (first, second)]
    assert timedelta(seconds=10) <= dates[1] - dates[0] < timedelta(hours=1)
    assert "&X-Amz-Signature=" in first["ResponseURL"].partition("X-Amz-Date=")[2]


def test_a_request_that_is_delivered_again_has_the_same_url(cloudformation: CloudFormation) -> None:
    event = cloudformation.event("Create", {})
    time.sleep(0.01)
    assert cloudformation.addressed(event) == event


@pytest.mark.parametrize(("status", "delivered"), [(200, 1), (204, 1), (304, 0), (307, 0), (403, 0), (503, 0)])
def test_only_2xx_takes_an_answer(cloudformation: CloudFormation, status: int, delivered: int) -> None:
    event = cloudformation.event("Create", {})
    received = cloudformation.received[event["RequestId"]]
    received.statuses.append(status)
    assert put(cloudformation.aws, event["ResponseURL"]) == status
    assert len(received.bodies) == delivered
    assert put(cloudformation.aws, event["ResponseURL"]) == 200
    assert len(received.bodies) == delivered + 1


def put(aws: EmbeddedAws, url: str) -> int:
    """The status of the answer to an answer. A redirect is not followed, as there is no other place."""
    request = urllib.request.Request(at_loopback(url), b"{}", {"content-type": ""}, method="PUT")  # noqa: S310  # our own address
    try:
        context = ssl.create_default_context(cafile=aws.ca_bundle)
        return int(urllib.request.urlopen(request, context=context).status)  # noqa: S310  # as above
    except urllib.error.HTTPError as error:
        return error.code


def test_the_function_lives_in_virtual_time(aws: EmbeddedAws, token: str) -> None:
    function = aws.client("lambda", ACCOUNT)
    began = time.monotonic()
    answer = json.load(function.invoke(FunctionName=token, Payload=json.dumps({"Seconds": 100}))["Payload"])
    assert time.monotonic() - began < 5.0
    assert all(100 <= passed < 300 for passed in answer["passed"])
    assert answer["fired"]
    before, after = answer["left"]
    assert 800_000 < before <= 900_000
    assert before - after >= 200_000


def test_the_function_is_ended_at_its_virtual_timeout(aws: EmbeddedAws, token: str) -> None:
    began = time.monotonic()
    answer = aws.client("lambda", ACCOUNT).invoke(FunctionName=token, Payload=json.dumps({"Seconds": 5000}))
    assert answer["FunctionError"]
    assert "Task timed out after 900.00 seconds" in answer["Payload"].read().decode()
    assert 0.8 < time.monotonic() - began < 4.0


@pytest.mark.parametrize(
    ("fault", "cause"),
    [("kill_before", "Worker process died"), ("kill_after", "died"), ("freeze_after", "Task timed out")],
)
def test_a_fault_may_end_the_function(aws: EmbeddedAws, token: str, fault: Any, cause: str) -> None:
    aws.inject("iam", "CreateRole", fault, event=REQUEST_ID)
    answer = aws.client("lambda", ACCOUNT).invoke(
        FunctionName=token, Payload=json.dumps({"RequestId": REQUEST_ID, "Role": fault})
    )
    assert cause in answer["Payload"].read().decode()
    roles = [role["RoleName"] for role in aws.client("iam", ACCOUNT).list_roles()["Roles"]]
    assert (fault in roles) == fault.endswith("_after")


def test_a_fault_for_one_event_leaves_all_others_alone(aws: EmbeddedAws, token: str) -> None:
    aws.inject("iam", "CreateRole", "throttle", event=str(uuid.uuid4()))
    aws.client("lambda", ACCOUNT).invoke(
        FunctionName=token, Payload=json.dumps({"RequestId": REQUEST_ID, "Role": "another"})
    )
    operations = [(call.operation, call.error_code) for call in aws.calls(REQUEST_ID)]
    assert operations == [("AssumeRole", None), ("CreateRole", None)]
    aws.forget(REQUEST_ID)
    assert aws.calls(REQUEST_ID) == []


def test_a_call_by_the_function_s_own_role_belongs_to_the_event_too(aws: EmbeddedAws, token: str) -> None:
    first, second, killed = (str(uuid.uuid4()) for _ in range(3))
    aws.inject("dynamodb", "PutItem", "throttle", event=second)
    aws.inject("dynamodb", "PutItem", "kill_after", event=killed)
    given = [
        {"FunctionName": token, "Payload": json.dumps({"RequestId": request_id, "Table": "answered"})}
        for request_id in (first, second, killed)
    ]
    with ThreadPoolExecutor() as pool:
        ended = list(pool.map(lambda each: aws.client("lambda", ACCOUNT).invoke(**each), given))
    assert ["FunctionError" in each for each in ended] == [False, False, True]
    calls = [[call.error_code for call in aws.calls(request_id)] for request_id in (first, second, killed)]
    assert calls == [[None], ["ThrottlingException", None], [None]]
    items = aws.client("dynamodb", ACCOUNT).scan(TableName="answered")["Items"]
    assert {item["id"]["S"] for item in items} == {first, second, killed}


def test_no_log_has_what_is_secret(aws: EmbeddedAws, token: str) -> None:
    ends(aws, create(aws, token, Id="thing-1", Answers="2"))
    text = aws.log_text()
    assert "EVENT " in text
    assert not [word for word in ("cfn-response", "Credential=", "SecretAccessKey", "x-embedded-token") if word in text]
