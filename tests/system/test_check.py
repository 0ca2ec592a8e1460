"""`python -m dms_s3_endpoint_cli check`: says what `sam deploy` would do, with IAM enforced, and changes nothing."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from local_aws import EmbeddedAws
from local_aws.organisation import DEV, ROOT, TOOLS, delete_stack
from tests import by_hand

from .checker import Checker, Row, changed
from .test_permissions import Policy, listed, traced_in
from .world import adoptable, task_on, the_endpoint

NO_FUNCTION = f"arn:aws:lambda:eu-west-1:{TOOLS}:function:none"


def steps(row: Row) -> list[str]:
    """As they are printed."""
    return [f"{each['do']} {each['name']}: {each['reason']}" for each in row["steps"]]


@pytest.fixture
def checker(aws: EmbeddedAws) -> Checker:
    return Checker(aws, f"orders-{uuid.uuid4().hex[:8]}")


@pytest.fixture
def standing(checker: Checker) -> Iterator[Checker]:
    """With a stack that is deployed."""
    checker.deploy()
    yield checker
    delete_stack(checker.aws, checker.stack)


def test_of_a_stack_that_is_yet_to_be_made_it_says_create(checker: Checker) -> None:
    row = checker.row()
    assert row.pop("steps") == [
        {"do": "create policy", "name": "dms-orders", "reason": "it does not exist"},
        {"do": "create role", "name": "dms-orders", "reason": "it does not exist"},
        {"do": "create endpoint", "name": "orders", "reason": "it does not exist"},
        {"do": "attach policy", "name": "dms-orders", "reason": "role dms-orders does not have it"},
    ]
    assert row == {
        "resource": "Endpoint",
        "endpoint": "dev/orders",
        "action": "create",
        "warnings": [],
        "problems": [],
    }


def test_of_a_stack_that_stands_it_says_what_the_update_would_do(standing: Checker) -> None:
    unchanged = standing.row()
    assert (unchanged["action"], unchanged["steps"]) == ("nothing", [])
    recreated = standing.row(DataFormat="csv")
    assert (recreated["action"], recreated["problems"]) == ("delete and create", [])
    assert steps(recreated) == [
        "delete endpoint orders: DATAFORMAT differs",
        "create endpoint orders: as deleted",
    ]
    replaced = standing.row(EndpointIdentifier="invoices")
    assert (replaced["action"], replaced["endpoint"]) == ("replace", "dev/invoices")
    assert "create endpoint invoices: it does not exist" in steps(replaced)


def test_a_change_in_place_names_what_changes(standing: Checker, tmp_path: Path) -> None:
    row = standing.row(template=changed(tmp_path, ("Value: data-lake}", "Value: platform}")))
    assert row["action"] == "change in place"
    assert steps(row) == [
        f"retag {piece}: differs in team" for piece in ("policy dms-orders", "role dms-orders", "endpoint orders")
    ]


def test_an_endpoint_that_is_no_longer_declared_would_be_deleted(standing: Checker, tmp_path: Path) -> None:
    renamed = changed(tmp_path, ("  Endpoint:\n", "  Another:\n"), ("!GetAtt Endpoint.", "!GetAtt Another."))
    rows = standing.check("--json", template=renamed, EndpointIdentifier="another").rows
    assert [(row["resource"], row["action"]) for row in rows] == [("Another", "create"), ("Endpoint", "delete")]


def test_tasks_that_would_block_the_update_are_named_and_fail_the_pipeline(standing: Checker) -> None:
    with task_on(standing.aws, the_endpoint(standing.aws)["EndpointArn"]):
        checked = standing.check(DataFormat="csv")
        assert standing.check().status == 0
    assert checked.status == 1
    (problem,) = [line for line in checked.printed.splitlines() if line.startswith("    problem: ")]
    assert "EndpointInUse: " in problem
    assert "used by task nightly. Delete these first" in problem


def test_a_name_that_another_stack_has_is_said(standing: Checker) -> None:
    other = Checker(standing.aws, "another")
    assert other.row()["action"] == "fail"
    assert {problem.split(":")[0] for problem in other.row()["problems"]} == {"NameTaken"}


def test_what_hinders_an_import_is_said(checker: Checker, tmp_path: Path) -> None:
    adopting = changed(tmp_path, ("      TAGS:\n", "      ADOPT: true\n      TAGS:\n"))
    checker.aws.switch(propagation_seconds=0.0)
    iam, dms = checker.aws.client("iam", DEV.data_lake), checker.aws.client("dms", DEV.dms)
    role_arn = by_hand.make_role_and_policy(iam, DEV.bucket, "dms-orders", "dms-other")
    live = {"BucketName": DEV.bucket, "BucketFolder": "orders", "DataFormat": "csv"}
    by_hand.make_endpoint(iam, dms, role_arn, lambda: None, **live)
    with adoptable(checker.aws, "dms-o*"):
        row = checker.row(template=adopting)
    assert (row["action"], row["steps"]) == ("fail", [])
    (problem,) = row["problems"]
    assert problem.startswith("InvalidRequest: ADOPT: ")
    for setting in ("DATAFORMAT", "INCLUDEOPFORFULLLOAD", "TIMESTAMPCOLUMNNAME"):
        assert f"endpoint orders differs in {setting}" in problem


def test_wrong_properties_are_said_as_the_deployment_would(checker: Checker) -> None:
    (problem,) = checker.row(EndpointIdentifier="-orders")["problems"]
    assert problem.startswith("InvalidRequest: ENDPOINTIDENTIFIER must begin with a letter")


def test_a_fleet_is_asked_for_at_once(checker: Checker) -> None:
    rows = checker.check("--json", template=ROOT / "examples" / "fleet.yaml").rows
    assert [row["action"] for row in rows] == ["create"] * 12


def test_a_role_that_may_not_be_assumed_is_said(checker: Checker) -> None:
    iam, name = checker.aws.client("iam", DEV.dms), DEV.dms_role_arn.rpartition("/")[2]
    trust = iam.get_role(RoleName=name)["Role"]["AssumeRolePolicyDocument"]
    nobody = json.dumps(trust).replace("dms-s3-endpoint-eu-west-1", "another")
    iam.update_assume_role_policy(RoleName=name, PolicyDocument=nobody)
    row = checker.row()
    iam.update_assume_role_policy(RoleName=name, PolicyDocument=json.dumps(trust))
    assert row["problems"][0].startswith(f"AssumeRoleDenied: assume-role {DEV.dms_role_arn}")


def test_a_bucket_that_is_not_there_is_said_and_fails_no_deployment(checker: Checker) -> None:
    checked = checker.check("--json", BucketName="data-lake-x")
    assert (checked.row["warnings"], checked.status) == (["bucket data-lake-x does not exist"], 0)


def test_a_bucket_that_is_not_there_fails_a_deployment_that_tests_the_connection(
    checker: Checker, tmp_path: Path
) -> None:
    instance = f"arn:aws:dms:eu-west-1:{DEV.dms}:rep:ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    tested = changed(tmp_path, ("      TAGS:\n", f"      TESTREPLICATIONINSTANCEARN: {instance}\n      TAGS:\n"))
    checked = checker.check("--json", template=tested, BucketName="data-lake-x")
    assert (checked.row["problems"], checked.status) == (["bucket data-lake-x does not exist"], 1)


def test_a_bucket_that_is_none_of_the_data_lake_is_not_looked_at(checker: Checker) -> None:
    (warning,) = checker.row(BucketName="nobodys-lake")["warnings"]
    assert "nobodys-lake" in warning
    assert "s3:GetBucketLocation" in warning


def test_a_bucket_whose_policy_denies_what_is_needed_is_said(checker: Checker) -> None:
    s3 = checker.aws.client("s3", DEV.data_lake)
    resources = [f"arn:aws:s3:::{DEV.bucket}", f"arn:aws:s3:::{DEV.bucket}/*"]
    denial = {"Sid": "Frozen", "Effect": "Deny", "Principal": "*", "Action": "s3:Put*", "Resource": resources}
    network = {"StringNotEquals": {"aws:SourceVpce": "vpce-0123456789abcdef0"}}
    maybe = denial | {"Sid": "Inside", "Action": "s3:List*", "Condition": network}
    s3.put_bucket_policy(Bucket=DEV.bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": [denial, maybe]}))
    row = checker.row()
    s3.delete_bucket_policy(Bucket=DEV.bucket)
    assert row["warnings"] == [
        f"the policy of bucket {DEV.bucket} denies s3:PutObject, s3:PutObjectTagging (statement Frozen)",
        f"the policy of bucket {DEV.bucket} may deny s3:ListBucket, depending on aws:SourceVpce (statement Inside)",
    ]


def test_a_key_that_is_disabled_is_said(checker: Checker) -> None:
    kms = checker.aws.client("kms", DEV.data_lake)
    key = kms.create_key()["KeyMetadata"]
    template = ROOT / "examples" / "encrypted.yaml"
    assert checker.row(template=template, KeyArn=key["Arn"])["warnings"] == []
    kms.disable_key(KeyId=key["KeyId"])
    assert checker.row(template=template, KeyArn=key["Arn"])["warnings"] == [f"key {key['Arn']} is Disabled"]


def test_a_key_whose_policy_lets_its_account_look_alone_is_said(checker: Checker) -> None:
    account, actions = {"AWS": f"arn:aws:iam::{DEV.data_lake}:root"}, ["kms:Describe*", "kms:Get*", "kms:Put*"]
    looking = {"Effect": "Allow", "Principal": account, "Action": actions, "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [looking]})
    key = checker.aws.client("kms", DEV.data_lake).create_key(Policy=policy)["KeyMetadata"]["Arn"]
    row = checker.row(template=ROOT / "examples" / "encrypted.yaml", KeyArn=key)
    assert row["warnings"] == [
        f"the policy of key {key} does not allow kms:Encrypt, kms:Decrypt, kms:ReEncrypt*, kms:GenerateDataKey*"
    ]


NEEDED = {
    ("LookAtBuckets", "s3:GetBucketLocation"),
    ("LookAtBuckets", "s3:GetBucketPolicy"),
    ("LookAtKeys", "kms:DescribeKey"),
    ("LookAtKeys", "kms:GetKeyPolicy"),
}


def test_its_grants_are_these_and_are_traced_in_the_docs(aws: EmbeddedAws) -> None:
    statements = Policy.of(aws, DEV.data_lake_role_arn, "checks").document["Statement"]
    assert {(each["Sid"], action) for each in statements for action in listed(each["Action"])} == NEEDED
    assert traced_in("check.md") == sorted(NEEDED)


@pytest.mark.parametrize(("sid", "action"), sorted(NEEDED))
def test_without_the_grant_it_says_what_it_may_not_look_at(checker: Checker, sid: str, action: str) -> None:
    key = checker.aws.client("kms", DEV.data_lake).create_key()["KeyMetadata"]["Arn"]
    with Policy.of(checker.aws, DEV.data_lake_role_arn, "checks").without(sid, action):
        row = checker.row(template=ROOT / "examples" / "encrypted.yaml", KeyArn=key)
    assert action in " ".join(row["warnings"])
    assert row["problems"] == []


EXAMPLES = ROOT / "examples"
CAN_NOT: Mapping[str, tuple[dict[str, Any], str]] = {
    "a parameter without a value": ({"template": EXAMPLES / "encrypted.yaml"}, "parameter KeyArn has no value"),
    "an unknown parameter": ({"Enviroment": "dev"}, "the template has no parameter Enviroment"),
    "no template": ({"template": Path("nowhere.yaml")}, "nowhere.yaml"),
    "a function that does not exist": (
        {"template": EXAMPLES / "from-another-account.yaml", "ServiceToken": NO_FUNCTION},
        "Function not found",
    ),
}


@pytest.mark.parametrize(("given", "said"), CAN_NOT.values(), ids=CAN_NOT.keys())
def test_what_can_not_be_checked_is_another_status(checker: Checker, given: dict[str, Any], said: str) -> None:
    checked = checker.check(**given)
    assert (checked.status, checked.printed) == (2, "")
    assert said in checked.errors


def test_what_only_the_deployment_knows_is_no_problem(checker: Checker, tmp_path: Path) -> None:
    template = changed(tmp_path, ("BUCKETFOLDER: !Ref EndpointIdentifier", "BUCKETFOLDER: !ImportValue folder"))
    row = checker.row(template=template)
    assert (row["action"], row["problems"]) == ("unknown", [])
    assert row["warnings"] == ["S3SETTINGS.BUCKETFOLDER is known only when it is deployed"]


def test_a_person_gets_a_table_with_the_steps_of_each_endpoint(checker: Checker) -> None:
    checked = checker.check()
    assert (checked.status, checked.printed.splitlines()) == (
        0,
        [
            "RESOURCE  ENDPOINT    ACTION",
            "Endpoint  dev/orders  create",
            "    create policy dms-orders: it does not exist",
            "    create role dms-orders: it does not exist",
            "    create endpoint orders: it does not exist",
            "    attach policy dms-orders: role dms-orders does not have it",
            "Nothing would fail.",
        ],
    )
