"""What an operator sees: log lines that lead to the stack, metrics, and alarms and a dashboard on these metrics."""

from __future__ import annotations

import json
from typing import Any

import jsonschema

from local_aws import EmbeddedAws
from local_aws.cloudformation import CloudFormation
from local_aws.organisation import FUNCTION_NAME, TOOLS
from local_aws.samples import BEGIN, END, PAGE, samples_of

from .world import create, delete, properties, refused

Line = dict[str, Any]
KEYS = ("stack_id", "stack_name", "logical_resource_id", "request_id", "request_type", "environment")
NUMBER = {"type": "integer", "minimum": 0}
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html
DASHBOARD = {
    "type": "object",
    "required": ["widgets"],
    "additionalProperties": False,
    "properties": {
        "widgets": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "required": ["type", "x", "y", "width", "height", "properties"],
                "additionalProperties": False,
                "properties": {
                    "type": {"enum": ["metric", "log"]},
                    "x": NUMBER | {"maximum": 23},
                    "y": NUMBER,
                    "width": NUMBER | {"minimum": 1, "maximum": 24},
                    "height": NUMBER | {"minimum": 1, "maximum": 1000},
                    "properties": {"type": "object", "required": ["title", "region"]},
                },
                "if": {"properties": {"type": {"const": "metric"}}},
                "then": {"properties": {"properties": {"required": ["metrics", "period"]}}},
                "else": {"properties": {"properties": {"required": ["query", "view"]}}},
            },
        }
    },
}


def lines_of(aws: EmbeddedAws, request_id: str) -> list[Line]:
    """What the function logged for a request."""
    return [line for line in logged(aws) if line.get("request_id") == request_id]


def logged(aws: EmbeddedAws) -> list[Line]:
    texts = (text for text in aws.log_text().splitlines() if text.startswith("{"))
    return [json.loads(text) for text in texts]


def emitted(aws: EmbeddedAws) -> set[tuple[str, str, frozenset[str]]]:
    """Namespace, name and dimensions of each metric that the function has written."""
    directives = [each for line in logged(aws) if "_aws" in line for each in line["_aws"]["CloudWatchMetrics"]]
    return {
        (each["Namespace"], metric["Name"], frozenset(each["Dimensions"][0]))
        for each in directives
        for metric in each["Metrics"]
    }


def test_each_line_of_a_request_leads_to_its_stack(aws: EmbeddedAws, cloudformation: CloudFormation) -> None:
    answer = create(cloudformation)
    failed = cloudformation.send("Update", properties(ROLENAME=None), PhysicalResourceId="dev/orders")
    delete(cloudformation)
    for request in (answer, failed):
        lines = lines_of(aws, request["RequestId"])
        assert lines
        assert all({key: line.get(key) for key in KEYS} | {"request_type": ""} == keys_of(request) for line in lines)
    (error,) = [line for line in lines_of(aws, failed["RequestId"]) if line["level"] == "ERROR"]
    assert (error["code"], error["message"]) == ("InvalidRequest", refused(failed, "InvalidRequest"))


def keys_of(answer: Line) -> Line:
    return {
        "stack_id": answer["StackId"],
        "stack_name": "played",
        "logical_resource_id": "Endpoint",
        "request_id": answer["RequestId"],
        "request_type": "",
        "environment": "dev",
    }


def test_the_session_in_the_other_accounts_names_stack_and_request(
    aws: EmbeddedAws, cloudformation: CloudFormation
) -> None:
    answer = create(cloudformation)
    delete(cloudformation)
    callers = {
        call.caller.rpartition("/")[2] for call in aws.calls(answer["RequestId"]) if call.service in ("iam", "dms")
    }
    assert callers == {f"played-{answer['RequestId']}"}


def test_alarms_and_dashboard_watch_metrics_that_there_are(aws: EmbeddedAws, cloudformation: CloudFormation) -> None:
    create(cloudformation)
    delete(cloudformation)
    ours = emitted(aws)
    assert {name for _namespace, name, _dimensions in ours} == {
        *("Requests", "Seconds", "Failures", "Throttles", "PropagationSeconds", "LeftAsItIs", "LeftBehind"),
        "Unverified",
    }
    watched = watched_by_alarms(aws) | watched_by_dashboard(aws)
    assert {each for each in watched if not each[0].startswith("AWS/")} <= ours
    assert {name for namespace, name, _dimensions in watched if namespace == "AWS/Lambda"} == {
        *("Errors", "Duration", "Throttles", "ConcurrentExecutions")
    }


def watched_by_alarms(aws: EmbeddedAws) -> set[tuple[str, str, frozenset[str]]]:
    alarms = aws.client("cloudwatch", TOOLS).describe_alarms()["MetricAlarms"]
    assert len(alarms) == 6
    return {
        (each["Namespace"], each["MetricName"], frozenset(dimension["Name"] for dimension in each["Dimensions"]))
        for each in alarms
    }


def watched_by_dashboard(aws: EmbeddedAws) -> set[tuple[str, str, frozenset[str]]]:
    metrics = [metric for widget in widgets(aws) for metric in widget["properties"].get("metrics", [])]
    plain = [[part for part in metric if isinstance(part, str)] for metric in metrics]
    return {(namespace, name, frozenset(rest[::2])) for namespace, name, *rest in filter(None, plain)}


def widgets(aws: EmbeddedAws) -> list[Any]:
    body = aws.client("cloudwatch", TOOLS).get_dashboard(DashboardName=FUNCTION_NAME)["DashboardBody"]
    return list(json.loads(body)["widgets"])


def test_the_dashboard_is_one_that_cloudwatch_takes(aws: EmbeddedAws) -> None:
    jsonschema.validate({"widgets": widgets(aws)}, DASHBOARD)
    places = [
        (x, y) for each in widgets(aws) for x in columns(each) for y in range(each["y"], each["y"] + each["height"])
    ]
    assert len(places) == len(set(places))
    assert max(x for x, _y in places) <= 23


def columns(widget: Any) -> range:
    return range(widget["x"], widget["x"] + widget["width"])


def test_the_dashboard_searches_for_requests_by_all_their_dimensions(
    aws: EmbeddedAws, cloudformation: CloudFormation
) -> None:
    cloudformation.send("Delete", properties(), PhysicalResourceId="invalid/Endpoint")
    expression = widgets(aws)[0]["properties"]["metrics"][0][0]["expression"]
    (dimensions,) = [dimensions for _namespace, name, dimensions in emitted(aws) if name == "Requests"]
    assert set(expression.partition("{")[2].partition("}")[0].split(",")) == {"DmsS3Endpoint", *dimensions}
    assert dimensions == {"service", "request_type", "environment", "outcome"}


def test_the_samples_in_the_docs_have_the_keys_of_real_lines(aws: EmbeddedAws) -> None:
    documented = PAGE.read_text().partition(BEGIN)[2].partition(END)[0].split("```json\n")[1:]
    lines = [json.loads(block.partition("```")[0]) for block in documented]
    assert [set(line) for line in lines] == [set(line) for line in samples_of(aws).values()]
