"""What `check` says of each of examples/, `sam deploy` does: to make it, to change it, and to change nothing."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from local_aws import EmbeddedAws
from local_aws.organisation import DEV, FUNCTION_NAME, ROOT, TOOLS, delete_stack, endpoints, update_function
from local_aws.switches import ORGANIZATION_ID

from .checker import Checked, Checker
from .world import replication_instance

EXAMPLES = ROOT / "examples"
TOKEN = f"arn:aws:lambda:eu-west-1:{TOOLS}:function:{FUNCTION_NAME}:live"
KEY = f"arn:aws:kms:eu-west-1:{DEV.data_lake}:key/11111111-2222-3333-4444-555555555555"
SOURCE = f"arn:aws:dms:eu-west-1:{DEV.dms}:endpoint:SOURCE"


@dataclass(frozen=True)
class Example:
    """Parameters to deploy it with, others that change something, and the actions by which they do."""

    name: str
    change: dict[str, str]
    actions: list[str]
    given: dict[str, str] = field(default_factory=dict)
    account: str = TOOLS
    needs_instance: bool = False


ALL = [
    Example("one-endpoint", {"DataFormat": "csv"}, ["delete and create"]),
    Example("one-endpoint", {"EndpointIdentifier": "invoices"}, ["replace"]),
    Example("encrypted", {"BucketFolder": "secret"}, ["delete and create"], {"KeyArn": KEY}),
    Example("partitioned", {"DatePartitionSequence": "yyyymm"}, ["delete and create"]),
    Example("two-on-one-bucket", {"DataFormat": "csv"}, ["delete and create", "nothing"]),
    Example("fleet", {"BucketName": f"{DEV.bucket}-2"}, ["delete and create"] * 12),
    Example("from-another-account", {"BucketFolder": "x"}, ["delete and create"], {"ServiceToken": TOKEN}, DEV.dms),
    Example(
        "with-task",
        {"Folder": "hourly"},
        ["replace"],
        {"ServiceToken": TOKEN, "SourceEndpointArn": SOURCE},
        DEV.dms,
        needs_instance=True,
    ),
    Example(
        "with-task",
        {"Team": "platform"},
        ["change in place"],
        {"ServiceToken": TOKEN, "SourceEndpointArn": SOURCE},
        DEV.dms,
        needs_instance=True,
    ),
]


def test_no_example_is_forgotten() -> None:
    assert {f"{each.name}.yaml" for each in ALL} == {path.name for path in EXAMPLES.glob("*.yaml")}


@pytest.fixture
def shared(aws: EmbeddedAws) -> Iterator[None]:
    """The function serves the organisation."""
    update_function(aws, OrganizationId=ORGANIZATION_ID)
    yield
    update_function(aws, OrganizationId="")


@pytest.mark.usefixtures("shared")
@pytest.mark.parametrize("example", ALL, ids=lambda each: f"{each.name} {' '.join(each.change)}")
def test_what_check_says_is_what_sam_deploy_does(aws: EmbeddedAws, example: Example) -> None:
    checker = Checker(aws, f"{example.name}-{uuid.uuid4().hex[:8]}", example.account)
    template, given, instance = EXAMPLES / f"{example.name}.yaml", dict(example.given), ""
    if example.needs_instance:
        given["ReplicationInstanceArn"] = instance = replication_instance(aws)
    said = checker.check("--json", "--detailed-exitcode", template=template, **given)
    assert (set(actions(said)), said.status) == ({"create"}, 2), said
    checker.deploy(template, **given)
    assert nothing(checker.check("--json", "--detailed-exitcode", template=template, **given))

    before = identifiers(aws)
    said = checker.check("--json", "--detailed-exitcode", template=template, **given | example.change)
    assert (actions(said), said.status) == (example.actions, 2), said
    checker.deploy(template, **given | example.change)
    assert nothing(checker.check("--json", "--detailed-exitcode", template=template, **given | example.change))
    assert (before != identifiers(aws)) is ("replace" in example.actions)

    delete_stack(aws, checker.stack, example.account)
    assert identifiers(aws) == set()
    if instance:
        aws.client("dms", DEV.dms).delete_replication_instance(ReplicationInstanceArn=instance)


def actions(checked: Checked) -> list[Any]:
    assert checked.errors == "", checked
    return [row["action"] for row in checked.rows]


def nothing(checked: Checked) -> bool:
    return checked.status == 0 and set(actions(checked)) == {"nothing"}


def identifiers(aws: EmbeddedAws) -> set[str]:
    return {each["EndpointIdentifier"] for each in endpoints(aws, DEV)}
