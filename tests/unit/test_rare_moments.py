"""What AWS may answer between two steps when something else is at work, by a script instead of a world."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from dms_s3_endpoint.aws.accounts import Accounts
from dms_s3_endpoint.aws.dms import CreateAnswer
from dms_s3_endpoint.model.errors import EndpointError
from dms_s3_endpoint.model.figures import Figures
from dms_s3_endpoint.model.names import Named
from dms_s3_endpoint.model.ownership import ADOPTED, Owner, Scope
from dms_s3_endpoint.model.parse import parse
from dms_s3_endpoint.model.pieces import LiveEndpoint, Policy, Role
from dms_s3_endpoint.model.policies import access_policy, trusted_external_ids
from dms_s3_endpoint.procedure.deprovision import SECONDS_TO_NAME_USERS, delete_endpoint
from dms_s3_endpoint.procedure.handshake import Handshake
from dms_s3_endpoint.procedure.observe import observe_roles_and_policies
from dms_s3_endpoint.procedure.plan import Do, Plan, Step
from dms_s3_endpoint.procedure.provision import Work, provision
from dms_s3_endpoint.procedure.trust import Trust

from .builders import DATA_LAKE, DMS, ENVIRONMENTS, STACK_ID, FakeClock, make_properties

WANTED = parse(make_properties(), ENVIRONMENTS)
OWNER = Owner(STACK_ID, "Endpoint", "dev/orders")
OURS = OWNER.tags(WANTED.fingerprint)
THEIRS = Owner("arn:aws:cloudformation:eu-west-1:1:stack/theirs/2", "Other", "dev/orders").tags("f")
ROLE = Role("dms-orders", f"arn:aws:iam::{DATA_LAKE}:role/x/dms-orders", {}, "", OWNER.tags("f"))
POLICY = Policy("dms-orders", f"arn:aws:iam::{DATA_LAKE}:policy/x/dms-orders", {}, OWNER.tags("f"))
LIVE = LiveEndpoint(
    f"arn:aws:dms:eu-west-1:{DMS}:endpoint:orders", "orders", "active", ROLE.arn, "one", WANTED.s3_settings, OURS
)
UNFIT = replace(LIVE, external_id="old", settings={"BucketName": "another"}, tags=OWNER.tags("another"))
ACCEPTED, TOLD = CreateAnswer(True, ""), CreateAnswer(True, "one")
EXISTS = CreateAnswer(False, "", "it exists", exists=True)
REJECTED = CreateAnswer(False, "", "not authorized to assume role")


class Scripted:
    """IAM and DMS in one. Of what they answer to the same call, the last is the answer from there on."""

    def __init__(self, answers: Sequence[CreateAnswer], seen: Sequence[LiveEndpoint | None], ends: float) -> None:
        self.clock = FakeClock()
        self.answers, self.seen = list(answers), list(seen)
        self.deleted: list[LiveEndpoint] = []
        self.looked_for: list[tuple[str, object]] = []
        self.trusts: list[set[str] | None] = []
        self.accounts = accounts(self, self.clock, ends)

    def create_endpoint(self, *_: object) -> CreateAnswer:
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]

    def find_endpoint(self, identifier: str, tags: object) -> LiveEndpoint | None:
        self.looked_for.append((identifier, tags))
        return self.seen.pop(0) if len(self.seen) > 1 else self.seen[0]

    def once_created(self, live: LiveEndpoint) -> LiveEndpoint:
        return live

    def attach(self, _role: Role, _policy: Policy) -> None:
        """Nobody asks what is attached."""

    def detach(self, _role_name: str, _policy: Policy) -> None:
        self.trusts.append(None)

    def request_delete(self, live: LiveEndpoint) -> str:
        self.deleted.append(live)
        return ""

    def wait_until_gone(self, _live: LiveEndpoint) -> str:
        return ""

    def set_trust(self, _role: Role, document: Any) -> None:
        self.trusts.append(trusted_external_ids(document))


def accounts(aws: Any, clock: FakeClock, ends: float = 870.0) -> Accounts:
    return Accounts(aws, aws, aws, "eu-west-1", clock.deadline(ends), Figures())


def shake_hands(
    answers: Sequence[CreateAnswer], seen: Sequence[LiveEndpoint | None], ends: float = 870.0
) -> tuple[Scripted, LiveEndpoint | str]:
    """What was called, and the endpoint or the reason why there is none."""
    aws = Scripted(answers, seen, ends)
    handshake = Handshake(WANTED, OWNER, Trust(ROLE, POLICY, True, aws.accounts), aws.accounts)
    try:
        return aws, handshake.run()
    except EndpointError as error:
        return aws, error.reason


# Steps 4 to 7


def test_an_accepted_endpoint_is_found_at_once_and_the_trust_demands_its_id() -> None:
    aws, live = shake_hands([ACCEPTED], [LIVE])
    assert (live, aws.trusts, aws.deleted) == (LIVE, [{"one"}], [])
    assert (aws.looked_for, sum(aws.clock.slept)) == ([("orders", OURS)], 0.0)


def test_an_unfit_endpoint_in_the_way_is_deleted_and_the_next_is_taken() -> None:
    aws, live = shake_hands([EXISTS, ACCEPTED], [UNFIT, LIVE])
    assert (live, aws.deleted, aws.trusts) == (LIVE, [UNFIT], [{"one"}])
    assert aws.looked_for == [("orders", None), ("orders", OURS)]


def test_one_that_failed_is_deleted_and_the_id_that_it_shows_is_admitted() -> None:
    failed = replace(UNFIT, status="failed")
    aws, live = shake_hands([EXISTS, ACCEPTED], [failed, LIVE])
    assert (live, aws.deleted) == (LIVE, [failed])
    assert aws.trusts == [{"old"}, {"one"}]


def test_one_that_another_stack_made_meanwhile_is_named_and_stays() -> None:
    aws, reason = shake_hands([EXISTS], [replace(LIVE, tags=THEIRS)])
    assert reason == (
        "NameTaken: endpoint orders exists and is Other of stack theirs/2. Choose another name, or if that stack "
        "retained it, `python -m dms_s3_endpoint_cli release` it first (docs/adoption.md)"
    )
    assert aws.deleted == []


def test_one_that_shows_no_id_is_created_anew_only_if_its_answer_was_lost() -> None:
    silent = replace(LIVE, external_id="")
    aws, reason = shake_hands([ACCEPTED], [silent])
    assert "NoExternalId: create-endpoint orders: DMS tells no ExternalId" in str(reason)
    assert aws.deleted == []
    aws, live = shake_hands([EXISTS, CreateAnswer(True, "two")], [silent])
    assert (live, aws.deleted) == (replace(silent, external_id="two"), [silent])


@pytest.mark.parametrize(
    ("answer", "ends", "expected"),
    [
        (REJECTED, 100.0, "NotStabilized: create-endpoint orders: not authorized to assume role. "),
        (ACCEPTED, 100.0, "NotStabilized: create-endpoint orders: not active yet. "),
        (ACCEPTED, 870.0, "NoExternalId: create-endpoint orders: "),
        (TOLD, 870.0, f"RoleNotAssumable: create-endpoint orders: DMS can't assume {ROLE.arn}: it tells an ExternalId"),
        (EXISTS, 870.0, "NameTaken: create-endpoint orders: resource identifier orders is taken (it exists). "),
        (REJECTED, 870.0, f"RoleNotAssumable: create-endpoint orders: DMS can't assume {ROLE.arn}: not authorized"),
    ],
)
def test_an_endpoint_that_never_shows_ends_with_what_dms_said_last(
    answer: CreateAnswer, ends: float, expected: str
) -> None:
    assert str(shake_hands([answer], [None], ends)[1]).startswith(expected)


def test_one_whose_id_is_told_at_the_very_end_is_given_up_without_blaming_the_role() -> None:
    reason = str(shake_hands([*[REJECTED] * 95, TOLD], [None])[1])
    assert reason.startswith("NotStabilized: create-endpoint orders: not active yet. ")


# Removal


def test_an_endpoint_that_can_not_be_deleted_leaves_the_time_to_name_its_users() -> None:
    clock = FakeClock()
    aws = SimpleNamespace(request_delete=lambda _live: "it is used", users_of=lambda _live: ("task a", "task b"))
    working = accounts(aws, clock)
    with pytest.raises(EndpointError, match="EndpointInUse: delete-endpoint orders: used by task a, task b"):
        delete_endpoint(LIVE, working)
    assert working.deadline.left() == pytest.approx(SECONDS_TO_NAME_USERS)
    aws.users_of = lambda _live: ()
    with pytest.raises(EndpointError, match="NotStabilized: delete-endpoint orders: it is used"):
        delete_endpoint(LIVE, working)


# A policy that is made meanwhile


@pytest.mark.parametrize(
    ("tags", "owner"), [(THEIRS, "Other of stack theirs/2"), (None, "owned by no stack, by its tags")]
)
def test_a_policy_that_others_made_meanwhile_is_taken(tags: Any, owner: str) -> None:
    found = None if tags is None else Policy("dms-orders", "arn", {}, tags)
    with pytest.raises(EndpointError, match=f"NameTaken: policy dms-orders exists and is {owner}"):
        make_policy(found)


def test_a_policy_that_an_earlier_attempt_made_is_ours() -> None:
    found = Policy("dms-orders", "arn", access_policy(WANTED, "eu-west-1"), OWNER.tags("f"))
    with pytest.raises(EndpointError, match="role dms-orders is neither there nor planned"):
        make_policy(found)


def make_policy(found: Policy | None) -> None:
    """Step 2 where create-policy says that the name is taken; step 3 is in no plan."""
    aws = SimpleNamespace(
        create_policy=lambda *_: None,
        policy_once_seen=lambda *_: found,
        wait_until_seen=lambda: None,
    )
    working = accounts(aws, FakeClock())
    plan = Plan(steps=(Step(Do.CREATE_POLICY, "dms-orders"),))
    provision(Work(plan, WANTED, OWNER, working))


# What a removal finds under another path


@pytest.mark.parametrize(
    ("role_tags", "read"),
    [
        (OURS | {ADOPTED: "true"}, ["arn"]),
        (OURS, []),
        (THEIRS | {ADOPTED: "true"}, []),
    ],
)
def test_a_policy_without_visible_tags_is_read_only_if_its_role_was_imported_here(
    role_tags: dict[str, str], read: list[str]
) -> None:
    asked: list[str] = []
    shown = Policy("p", "arn", {}, OURS | {ADOPTED: "true"})

    def policy_at(arn: str) -> Policy:
        asked.append(arn)
        return shown

    iam: Any = SimpleNamespace(
        roles_of=lambda *_, **__: [],
        policies_of=lambda *_, **__: [],
        find_role=lambda _name: replace(ROLE, tags=role_tags),
        find_policy=lambda *_: None,
        policy_elsewhere=lambda *_: replace(shown, tags={}),
        policy_at=policy_at,
    )
    named = Named(frozenset({"dms-orders"}), frozenset({"p"}))
    _, policies = observe_roles_and_policies(Scope(OWNER), named, iam)
    assert (asked, policies) == (read, (shown,) if read else ())


def test_a_policy_whose_tags_show_is_not_read_again() -> None:
    shown = Policy("p", "arn", {}, OURS)
    iam: Any = SimpleNamespace(
        roles_of=lambda *_, **__: [replace(ROLE, tags=OURS | {ADOPTED: "true"})],
        policies_of=lambda *_, **__: [],
        find_role=lambda _name: None,
        find_policy=lambda *_: None,
        policy_elsewhere=lambda *_: shown,
    )
    _, policies = observe_roles_and_policies(Scope(OWNER), Named(policies=frozenset({"p"})), iam)
    assert policies == (shown,)
