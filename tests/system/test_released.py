"""`python -m dms_s3_endpoint_cli release`: what a deleted stack retained is adopted by another as it stands."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from development.faults.inventory import Inventory, inventory_of
from dms_s3_endpoint.model.ownership import STACK_ID
from local_aws import EmbeddedAws
from local_aws.cloudformation import CloudFormation
from local_aws.organisation import DEV, ROOT, TOOLS, delete_stack, purge, update_account
from tests.by_hand import without_our_tags

from .world import create, mutations, properties, update

# A pattern of what stands under the function's own path.
ADOPT = "dms-s3-endpoint/*/dms-orders"
ADOPTING = properties(ADOPT="true")
NAMES = ("--endpoint", "orders", "--role", "dms-orders", "--policy", "dms-orders")
ACCOUNTS = {"data-lake": DEV.data_lake, "dms": DEV.dms, "tools": TOOLS}
UNTAGGING = ["UntagPolicy", "UntagRole", "RemoveTagsFromResource"]
OPERATOR = "operator"


@dataclass
class Released:
    status: int
    printed: str
    errors: str


@dataclass
class Desk:
    """An operator's, with a profile for each account."""

    aws: EmbeddedAws
    stack: str
    directory: Path
    profiles: dict[str, dict[str, str]]

    def release(self, *more: str, names: tuple[str, ...] = NAMES) -> Released:
        profiles = [word for each in ACCOUNTS for word in (f"--{each}-profile", each)]
        command = [sys.executable, "-m", "dms_s3_endpoint_cli", "release", *names, *profiles, *more]
        environ = {name: value for name, value in self.aws.environ(TOOLS).items() if "_ACCESS_KEY" not in name}
        environ |= {"AWS_SHARED_CREDENTIALS_FILE": self._credentials(), "PYTHONPATH": str(ROOT / "src")}
        self.aws.clear_calls()
        done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)  # noqa: S603  # our own
        return Released(done.returncode, done.stdout, done.stderr)

    def _credentials(self) -> str:
        """The path of a file with the profiles."""
        lines = [
            f"[{name}]\n" + "\n".join(f"{key} = {value}" for key, value in given.items())
            for name, given in self.profiles.items()
        ]
        path = self.directory / "credentials"
        path.write_text("\n".join(lines))
        return str(path)

    def deploy(self, resources: dict[str, Any], kind: str = "create") -> None:
        """The stack of these resources."""
        cloudformation = self.aws.client("cloudformation", TOOLS)
        getattr(cloudformation, f"{kind}_stack")(
            StackName=self.stack, TemplateBody=json.dumps({"Resources": resources})
        )
        cloudformation.get_waiter(f"stack_{kind}_complete").wait(StackName=self.stack, WaiterConfig={"Delay": 1})

    def inventory(self) -> Inventory:
        iam, dms = self.aws.client("iam", DEV.data_lake), self.aws.client("dms", DEV.dms)
        return inventory_of(iam, dms, lambda name: name in ("orders", "dms-orders"))


def profile(key: str, secret: str) -> dict[str, str]:
    return {"aws_access_key_id": key, "aws_secret_access_key": secret}


def endpoint(token: str) -> dict[str, Any]:
    given = {"ServiceToken": token, "ServiceTimeout": 960, **properties()}
    return {"Type": "Custom::CreateDMSS3Endpoint", "DeletionPolicy": "Retain", "Properties": given}


@pytest.fixture
def desk(aws: EmbeddedAws, cloudformation: CloudFormation, tmp_path: Path) -> Iterator[Desk]:
    """With a stack whose endpoint is to be retained."""
    profiles = {name: profile(account, "test") for name, account in ACCOUNTS.items()}
    desk = Desk(aws, f"orders-{uuid.uuid4().hex[:8]}", tmp_path, profiles)
    desk.deploy({"Endpoint": endpoint(cloudformation.token), "Other": {"Type": "AWS::SNS::Topic"}})
    yield desk
    purge(aws, [DEV])


@pytest.fixture
def retained(desk: Desk) -> Desk:
    """With what a deleted stack retained."""
    delete_stack(desk.aws, desk.stack)
    return desk


@pytest.fixture
def grants(aws: EmbeddedAws) -> Iterator[None]:
    templates = {DEV.data_lake: "data-lake.yaml", DEV.dms: "dms.yaml"}
    for account, template in templates.items():
        update_account(aws, account, template, Adopt=ADOPT)
    yield
    for account, template in templates.items():
        update_account(aws, account, template, Adopt="")


@pytest.mark.usefixtures("grants")
def test_what_a_deleted_stack_retained_is_adopted_by_another_exactly_as_it_stands(
    retained: Desk, cloudformation: CloudFormation
) -> None:
    before = retained.inventory()
    assert len(before) == 3
    assert "NameTaken" in cloudformation.send("Create", ADOPTING)["Reason"]
    released = retained.release("--yes")
    assert (released.status, released.errors) == (0, "")
    assert mutations(retained.aws) == UNTAGGING
    assert retained.inventory() == without_our_tags(before)
    create(cloudformation, ADOPT="true")
    assert without_our_tags(retained.inventory()) == without_our_tags(before)
    assert {piece["tags"][STACK_ID] for piece in retained.inventory().values()} == {cloudformation.stack_id}


@pytest.mark.usefixtures("grants")
def test_what_was_adopted_then_is_given_back_or_kept_like_all_that_was_imported(
    retained: Desk, cloudformation: CloudFormation
) -> None:
    retained.release("--yes")
    free = retained.inventory()
    create(cloudformation, ADOPT="true")
    assert update(cloudformation, ADOPTING, properties())["Status"] == "SUCCESS"
    assert update(cloudformation, properties(), ADOPTING)["Status"] == "SUCCESS"
    assert cloudformation.send("Delete", ADOPTING, PhysicalResourceId="dev/orders")["Status"] == "SUCCESS"
    assert retained.inventory() == free


def test_while_the_stack_has_it_nothing_is_released_and_once_it_is_taken_out_it_is(desk: Desk) -> None:
    before = desk.inventory()
    refused = desk.release("--yes")
    assert refused.status == 1
    assert refused.errors.startswith(f"Refused: stack {desk.stack} still has Endpoint, dev/orders. Take it out")
    assert mutations(desk.aws) == []
    desk.deploy({"Other": {"Type": "AWS::SNS::Topic"}}, "update")
    assert desk.release("--yes").status == 0
    assert desk.inventory() == without_our_tags(before)
    delete_stack(desk.aws, desk.stack)


# What the operator needs


def documented() -> dict[str, list[str]]:
    """By account, the actions in the table of docs/adoption.md."""
    text = (ROOT / "docs" / "adoption.md").read_text().partition("## What a stack retained")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| (data-lake|dms|tools) \| (.+?) \|", text, re.MULTILINE)
    return {account: re.findall(r"`(\w+:\w+)`", actions) for account, actions in rows}


def operate(desk: Desk, without: str = "") -> None:
    """All profiles are those of operators who may do what is documented, but for one action."""
    for name, account in ACCOUNTS.items():
        statement = {"Effect": "Allow", "Action": [a for a in documented()[name] if a != without], "Resource": "*"}
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        desk.aws.client("iam", account).put_role_policy(RoleName=OPERATOR, PolicyName="release", PolicyDocument=policy)


@pytest.fixture
def operators(retained: Desk) -> Iterator[Desk]:
    for name, account in ACCOUNTS.items():
        iam, sts = retained.aws.client("iam", account), retained.aws.client("sts", account)
        trust = {"Effect": "Allow", "Principal": {"AWS": account}, "Action": "sts:AssumeRole"}
        role = iam.create_role(RoleName=OPERATOR, AssumeRolePolicyDocument=json.dumps({"Statement": [trust]}))["Role"]
        session = sts.assume_role(RoleArn=role["Arn"], RoleSessionName="desk")["Credentials"]
        made = profile(session["AccessKeyId"], session["SecretAccessKey"])
        retained.profiles[name] = made | {"aws_session_token": session["SessionToken"]}
    yield retained
    for account in ACCOUNTS.values():
        iam = retained.aws.client("iam", account)
        iam.delete_role_policy(RoleName=OPERATOR, PolicyName="release")
        iam.delete_role(RoleName=OPERATOR)


def test_an_operator_needs_each_permission_of_the_docs_and_no_other(operators: Desk) -> None:
    """The changing ones last, in their order: what a denial interrupts, the next run goes on with."""
    actions = [action for account in documented().values() for action in account]
    changing = [next(action for action in actions if action.endswith(f":{each}")) for each in UNTAGGING]
    for action in [*(each for each in actions if each not in changing), *changing]:
        operate(operators, without=action)
        released = operators.release("--yes")
        assert released.status in (1, 2), action
        assert action in released.errors
    operate(operators)
    assert operators.release("--yes").status == 0
    assert operators.inventory() == without_our_tags(operators.inventory())
