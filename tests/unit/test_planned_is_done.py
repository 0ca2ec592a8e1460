"""What was planned is done, nothing else is done, and a check prints that plan beforehand.

For every request of the fault matrix, under every variant of AWS; imports and what else the matrix lacks, under one.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any
from unittest import mock

import pytest

from development.faults.run import run
from development.faults.scenarios import BUCKET, SCENARIOS, Scenario, bounded, properties
from development.faults.stack import Answer, Event, Stack
from development.faults.variants import VARIANTS
from dms_s3_endpoint.aws.accounts import Accounts
from dms_s3_endpoint.cloudformation import event, lifecycle, removal
from dms_s3_endpoint.model.pieces import LiveEndpoint, Piece, Role
from dms_s3_endpoint.procedure import deprovision, provision
from dms_s3_endpoint.procedure.plan import Do, Plan, Step
from dms_s3_endpoint.procedure.preview import steps_of
from dms_s3_endpoint.procedure.provision import Provisioned, Work
from tests import by_hand

from .in_memory import CloudInMemory, FakeClient
from .test_adoption import ROLE_ARN, SETTINGS, adopting
from .test_procedure import INSTANCE
from .test_storage import FakeKms, FakeS3

pytestmark = pytest.mark.usefixtures("in_memory")
CHANGES = re.compile(r"(create|delete|put|update|attach|detach|tag|untag|add|remove|test)_(?!.*_now$)")
# Operation, name of the piece (of an attachment: of the policy), and the tags.
Call = tuple[str, str, str]
# The handshake, a delete and a connection test try until DMS accepts.
REPEATED = {
    *("create_endpoint", "update_assume_role_policy", "attach_role_policy"),
    *("delete_endpoint", "test_connection"),
}
OPERATIONS = {
    Do.CREATE_POLICY: "create_policy",
    Do.REPLACE_DOCUMENT: "create_policy_version",
    Do.CREATE_ROLE: "create_role",
    Do.SET_BOUNDARY: "set_boundary",
    Do.ATTACH: "attach_role_policy",
    Do.DELETE_ENDPOINT: "delete_endpoint",
    Do.CREATE_ENDPOINT: "create_endpoint",
    Do.BIND_TRUST: "update_assume_role_policy",
    Do.TEST_CONNECTION: "test_connection",
    Do.DELETE_ROLE: "delete_role",
    Do.DELETE_POLICY: "delete_policy",
}


@dataclass
class Carried:
    """A Plan that was carried out, the role and policy that were wanted, and the changing calls meanwhile."""

    plan: Plan
    role_name: str = ""
    policy_name: str = ""
    attempted: list[Call] = field(default_factory=list)
    done: Counter[Call] = field(default_factory=Counter)

    def demanded(self) -> set[Call]:
        """What the steps can't do without. A role that is made after an ExternalId was shown demands that at once."""
        calls = {call for step in self.plan.steps for call in demanded_by(step)}
        shown = self.plan.observed.live and self.plan.observed.live.external_id
        if self.plan.has(Do.CREATE_ROLE) and self.plan.has(Do.CREATE_ENDPOINT) and not shown:
            calls.add(("update_assume_role_policy", self.role_name, ""))
        return calls

    def allowed(self) -> set[Call]:
        """What the steps may need besides."""
        return {call for step in self.plan.steps for call in self._allowed_by(step)}

    def _allowed_by(self, step: Step) -> Iterator[Call]:
        if step.do is Do.CREATE_ENDPOINT:
            yield ("update_assume_role_policy", self.role_name, "")
            yield ("delete_endpoint", step.name, "")
            # While the trust is opened again, for an ExternalId that moved.
            yield ("detach_role_policy", self.policy_name, "")
            yield ("attach_role_policy", self.policy_name, "")
        if step.do is Do.DELETE_ROLE:
            yield from (("detach_role_policy", each.name, "") for each in self.plan.of(Do.DELETE_POLICY))
        if step.do in (Do.REPLACE_DOCUMENT, Do.DELETE_POLICY):
            yield ("delete_policy_version", step.name, "")

    def deviations(self) -> Iterator[str]:
        """In both directions."""
        demanded = self.demanded()
        made = set(self.done) | {call for call in self.attempted if call[0] == "detach_role_policy"}
        yield from (f"planned and not done: {call}" for call in demanded - made)
        yield from (f"done and not planned: {call}" for call in set(self.attempted) - demanded - self.allowed())
        yield from (f"done {n} times: {call}" for call, n in self.done.items() if n > 1 and call[0] not in REPEATED)


def demanded_by(step: Step) -> Iterator[Call]:
    """A step that only changes tags demands exactly these tags."""
    if step.do in OPERATIONS:
        is_delete = step.do is Do.DELETE_ENDPOINT
        yield (OPERATIONS[step.do], name_of(step.piece) if is_delete else step.name, "")
    elif step.do is Do.DETACH:
        yield ("detach_role_policy", name_of(step.piece), "")
    elif step.added:
        yield (f"tag {kind_of(step.piece)}", name_of(step.piece), str(sorted(step.added.items())))
    if step.removed:
        yield (f"untag {kind_of(step.piece)}", name_of(step.piece), str(sorted(step.removed)))


def kind_of(piece: Piece | None) -> str:
    return "endpoint" if isinstance(piece, LiveEndpoint) else "role" if isinstance(piece, Role) else "policy"


def name_of(piece: Piece | None) -> str:
    assert piece is not None
    return piece.arn.rpartition(":")[2] if isinstance(piece, LiveEndpoint) else piece.name


TAGGING = {
    "tag_role": "tag role",
    "tag_policy": "tag policy",
    "add_tags_to_resource": "tag endpoint",
    "untag_role": "untag role",
    "untag_policy": "untag policy",
    "remove_tags_from_resource": "untag endpoint",
}
BOUNDARY_CALLS = ("put_role_permissions_boundary", "delete_role_permissions_boundary")


def call_of(operation: str, given: dict[str, Any]) -> Call:
    named = ("PolicyName", "PolicyArn", "RoleName", "EndpointIdentifier", "EndpointArn", "ResourceArn")
    name = re.split("[:/]", next(given[key] for key in named if key in given))[-1]
    if operation in BOUNDARY_CALLS:
        return ("set_boundary", name, "")
    if operation not in TAGGING:
        return (operation, name, "")
    tags = [(tag["Key"], tag["Value"]) for tag in given.get("Tags", [])]
    return (TAGGING[operation], name, str(sorted(tags or given["TagKeys"])))


@dataclass
class Recorded:
    """Each event of a run: the Plans that were carried out, and what was called beside them."""

    cloud: CloudInMemory
    carried: list[Carried] = field(default_factory=list)
    beside: list[Call] = field(default_factory=list)
    deviations: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._now: Carried | None = None
        self.cloud.on_end = self.compare
        for fake in (self.cloud.iam, self.cloud.dms):
            for operation in filter(CHANGES.match, dir(type(fake))):
                setattr(fake, operation, self._noting(operation, getattr(fake, operation)))

    def _noting(self, operation: str, serve: Callable[..., Any]) -> Callable[..., Any]:
        def noting(**given: Any) -> Any:
            call = call_of(operation, given)
            (self._now.attempted if self._now else self.beside).append(call)
            answer = serve(**given)
            if self._now:
                self._now.done[call] += 1
            return answer

        return noting

    def provision(self, work: Work) -> Provisioned:
        with self._carrying(Carried(work.plan, work.wanted.role_name, work.wanted.policy_name)):
            return PROVISION(work)

    def deprovision(self, plan: Plan, *given: Any) -> None:
        with self._carrying(Carried(plan)):
            DEPROVISION(plan, *given)

    def _carrying(self, carried: Carried) -> ExitStack:
        self._now = carried
        self.carried.append(carried)
        stack = ExitStack()
        stack.callback(setattr, self, "_now", None)
        return stack

    def compare(self, sent: Event, _calls: list[str], answers: list[Answer]) -> None:
        kind = sent["RequestType"]
        found = [deviation for each in self.carried for deviation in each.deviations()]
        found += [f"beside the Plan: {call}" for call in self.beside]
        found += [str(answer["Reason"]) for answer in answers if answer["Status"] != "SUCCESS"]
        self.deviations += [f"{kind}: {each}" for each in found]
        self.carried, self.beside = [], []


PROVISION, DEPROVISION = provision.provision, deprovision.deprovision


def recorded(cloud: CloudInMemory, scenario: Scenario) -> Recorded:
    """The run without a disturbance, of which each request succeeds."""
    record = Recorded(cloud)
    with ExitStack() as patched:
        patched.enter_context(mock.patch.object(lifecycle, "provision", record.provision))
        for module in (removal, deprovision):
            patched.enter_context(mock.patch.object(module, "deprovision", record.deprovision))
        assert run(cloud, scenario, "orders", lambda _event: None).survived
    return record


def _make_by_hand(stack: Stack, _name: str) -> None:
    cloud: Any = stack.cloud
    by_hand.make_role_and_policy(FakeClient(cloud.iam), BUCKET, "orders-role", "orders-policy")
    by_hand.make_endpoint(FakeClient(cloud.iam), FakeClient(cloud.dms), ROLE_ARN, cloud.wait_for_nothing, **SETTINGS)
    cloud.wait_for_nothing()
    cloud.on_end({"RequestType": "by hand"}, [], [])


def _imported(stack: Stack, name: str) -> None:
    _make_by_hand(stack, name)
    assert stack.create(adopting())


def _bounded(stack: Stack, name: str) -> None:
    assert stack.create(bounded(name))


def _opened(stack: Stack, name: str) -> None:
    assert stack.create(properties(name))
    cloud: Any = stack.cloud
    cloud.iam.roles[f"{name}-role"]["AssumeRolePolicyDocument"]["Statement"][0].pop("Condition")


MORE: dict[str, Scenario] = {
    "Create, tested": Scenario(
        lambda _stack, _name: None,
        lambda stack, name: stack.create(properties(name, TESTREPLICATIONINSTANCEARN=INSTANCE)),
    ),
    "Create, import": Scenario(_make_by_hand, lambda stack, _name: stack.create(adopting())),
    "Update, ADOPT taken out": Scenario(_imported, lambda stack, name: stack.update(properties(name))),
    "Delete, imported": Scenario(_imported, lambda stack, _name: stack.delete(), goes_back="never"),
    "Update, boundary taken off": Scenario(_bounded, lambda stack, name: stack.update(properties(name))),
    "Update, trust opened by hand": Scenario(_opened, lambda stack, name: stack.update(properties(name))),
}
RUNS = [(kind, variant) for kind in SCENARIOS for variant in VARIANTS] + [(kind, "usual") for kind in MORE]
# Those that `_make_by_hand` calls, not the function.
BY_HAND = "by hand: "


@pytest.mark.parametrize(("kind", "variant"), RUNS)
def test_what_was_done_is_what_was_planned(kind: str, variant: str) -> None:
    cloud = CloudInMemory()
    cloud.switch(**VARIANTS[variant])
    record = recorded(cloud, (SCENARIOS | MORE)[kind])
    assert [each for each in record.deviations if not each.startswith(BY_HAND)] == []


class Checked(CloudInMemory):
    """Sends a Check before each Create and Update. `printed` are its steps, `planned` those that were carried out."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.storage_clients = {"s3": FakeClient(FakeS3()), "kms": FakeClient(FakeKms())}
        self.printed: list[Any] = []
        self.planned: list[Any] = []
        # Of Deletes: of what is replaced, too, a check prints what is removed.
        self.printed_of_deletes: list[Any] = []
        self.removed: list[Any] = []

    def deliver(self, sent: Event) -> list[Answer]:
        is_delete = sent["RequestType"] == "Delete"
        without = {"ResourceProperties": None} if is_delete else {}
        request = event.Event.read(sent | {"RequestType": "Check"} | without)
        report = lifecycle.check(request, self.deployment(request))
        assert report.problems == []
        (self.printed_of_deletes if is_delete else self.printed).append(report.as_json()["steps"])
        return super().deliver(sent)


@pytest.mark.parametrize(("kind", "variant"), RUNS)
def test_a_check_just_before_prints_the_steps_that_are_carried_out(kind: str, variant: str) -> None:
    cloud = Checked()
    cloud.switch(**VARIANTS[variant])

    def noting(work: Work) -> Provisioned:
        cloud.planned.append(steps_of(work.plan))
        return PROVISION(work)

    def noting_removal(plan: Plan, accounts: Accounts) -> None:
        cloud.removed.append(steps_of(plan))
        DEPROVISION(plan, accounts)

    with (
        mock.patch.object(lifecycle, "provision", noting),
        mock.patch.object(removal, "deprovision", noting_removal),
    ):
        assert run(cloud, (SCENARIOS | MORE)[kind], "orders", lambda _event: None).survived
    for printed, planned in zip(cloud.printed, cloud.planned, strict=True):
        assert printed[: len(planned)] == planned
        assert printed[len(planned) :] in ([], *cloud.removed)
    assert all(printed in cloud.removed for printed in filter(None, cloud.printed_of_deletes))
    assert any(cloud.printed)
    assert any(cloud.printed_of_deletes) or kind == "Delete, cancelled Create"


def test_a_check_of_a_replacement_prints_what_is_removed_after_it() -> None:
    cloud = Checked()
    assert run(cloud, SCENARIOS["Update, replacement"], "orders", lambda _event: None).survived
    assert [step["do"] for step in cloud.printed[-1][-3:]] == ["delete endpoint", "delete role", "delete policy"]
