"""Any sequence of a stack's operations, faults in them, changes by hand and moods of AWS, against a small model."""

from __future__ import annotations

from typing import Any

import hypothesis.strategies as st
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from development.faults.run import faults_of_standing
from development.faults.scenarios import BOUNDARY, BUCKET
from development.faults.stack import LOGICAL_ID, Stack
from development.faults.variants import VARIANTS
from dms_s3_endpoint.model.ownership import Owner

from .builders import DATA_LAKE, DMS, STACK_ID
from .in_memory import FAULTS, CloudInMemory, deployed_in_memory

VARIANT = st.sampled_from(list(VARIANTS.values()))
TAGS = st.lists(st.sampled_from(["team", "stage", "cost"]), unique=True)
# At which call, what, and whether the event is delivered once more.
DISTURBANCE = st.none() | st.tuples(st.integers(0, 30), st.sampled_from(list(FAULTS)), st.booleans())


@st.composite
def wanted(draw: st.DrawFn) -> dict[str, Any]:
    """Names that begin with the identifier: a replacement needs others."""
    name = draw(st.sampled_from(["orders", "invoices"]))
    return {
        "ENVIRONMENT": "dev",
        "ENDPOINTIDENTIFIER": name,
        "POLICYNAME": f"{name}-{draw(st.sampled_from('ab'))}",
        "ROLENAME": f"{name}-{draw(st.sampled_from('ab'))}",
        "S3SETTINGS": {"BUCKETNAME": BUCKET, "BUCKETFOLDER": draw(st.sampled_from(["raw", "clean"]))},
        "PERMISSIONSBOUNDARY": draw(st.sampled_from(["", BOUNDARY])),
        "TAGS": [{"Key": key, "Value": draw(st.sampled_from("xy"))} for key in draw(TAGS)],
    }


class AStack(RuleBasedStateMachine):
    """The model is what the stack's properties say: these three pieces, so, and nothing else."""

    @initialize(variant=VARIANT)
    def begin(self, variant: dict[str, Any]) -> None:
        self.deployment = deployed_in_memory()
        self.deployment.__enter__()
        self.cloud = CloudInMemory()
        self.cloud.switch(**variant)
        self.stack = Stack(self.cloud, STACK_ID)
        self.damaged = False

    def disturb(self, disturbance: tuple[int, str, bool] | None) -> None:
        if disturbance:
            number, fault, self.stack.redelivers = disturbance
            self.stack.may_be_ended = fault.startswith("killed")
            self.stack.disturbance = lambda _event: self.cloud.happenings.update({number: FAULTS[fault]})

    def there(self) -> bool:
        return bool(self.stack.physical_id)

    @rule(variant=VARIANT)
    def aws_changes_its_mood(self, variant: dict[str, Any]) -> None:
        self.cloud.clock.now += 60.0
        self.cloud.switch(**variant)

    @precondition(lambda self: not self.there())
    @rule(properties=wanted(), disturbance=DISTURBANCE)
    def create(self, properties: dict[str, Any], disturbance: Any) -> None:
        self.disturb(disturbance)
        self.stack.create(properties)

    @precondition(there)
    @rule(properties=wanted(), disturbance=DISTURBANCE)
    def update(self, properties: dict[str, Any], disturbance: Any) -> None:
        self.disturb(disturbance)
        self.stack.update(properties)
        self.damaged = False

    @precondition(there)
    @rule(properties=wanted(), disturbance=DISTURBANCE)
    def update_and_roll_back(self, properties: dict[str, Any], disturbance: Any) -> None:
        self.disturb(disturbance)
        self.stack.update_and_roll_back(properties)
        self.damaged = False

    @precondition(there)
    @rule(disturbance=DISTURBANCE)
    def delete(self, disturbance: Any) -> None:
        self.disturb(disturbance)
        self.stack.delete()
        self.damaged = False

    @precondition(there)
    @rule()
    def somebody_deletes_the_endpoint(self) -> None:
        for each in self.cloud.dms.endpoints.standing():
            each.deleted = each.gone = self.cloud.clock.now
        self.cloud.clock.now += 600.0
        self.damaged = True

    @precondition(there)
    @rule()
    def somebody_detaches_the_policy(self) -> None:
        for role in self.cloud.iam.roles.values():
            role["attached"].clear()
        self.damaged = True

    @precondition(there)
    @rule()
    def somebody_deletes_role_and_policy(self) -> None:
        self.cloud.iam.roles.clear()
        self.cloud.iam.policies.clear()
        self.damaged = True

    @precondition(there)
    @rule()
    def somebody_opens_the_trust(self) -> None:
        for role in self.cloud.iam.roles.values():
            role["AssumeRolePolicyDocument"]["Statement"][0].pop("Condition", None)
        self.damaged = True

    @invariant()
    def every_answer_is_valid(self) -> None:
        assert not hasattr(self, "stack") or self.stack.violations == []

    @precondition(lambda self: hasattr(self, "stack") and not self.damaged)
    @invariant()
    def the_accounts_are_as_the_stack_believes(self) -> None:
        inventory = self.cloud.inventory()
        if not self.there():
            assert inventory == {}
            return
        assert faults_of_standing(inventory, self.stack.physical_id) == []
        assert set(inventory) == self.expected_arns()
        tags = {tag["Key"]: tag["Value"] for tag in self.stack.properties["TAGS"]}
        for piece in inventory.values():
            assert {key: value for key, value in piece["tags"].items() if ":" not in key} == tags
        (endpoint,) = [piece for piece in inventory.values() if "EndpointArn" in piece]
        assert endpoint["S3Settings"]["BucketFolder"] == self.stack.properties["S3SETTINGS"]["BUCKETFOLDER"]

    def expected_arns(self) -> set[str]:
        given, path = self.stack.properties, Owner(STACK_ID, LOGICAL_ID, "").path
        return {
            f"arn:aws:dms:eu-west-1:{DMS}:endpoint:{given['ENDPOINTIDENTIFIER']}",
            f"arn:aws:iam::{DATA_LAKE}:role{path}{given['ROLENAME']}",
            f"arn:aws:iam::{DATA_LAKE}:policy{path}{given['POLICYNAME']}",
        }

    def teardown(self) -> None:
        try:
            if self.there():
                self.stack.delete()
            assert self.cloud.inventory() == {}
        finally:
            self.deployment.__exit__(None, None, None)


TestAnySequence = AStack.TestCase
TestAnySequence.settings = settings(max_examples=60, stateful_step_count=8, deadline=None, derandomize=True)
