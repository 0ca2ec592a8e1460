"""`release` takes our tags off what a stack retained, if CloudFormation knows it no more, and changes nothing else."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from botocore.exceptions import EndpointConnectionError, NoCredentialsError, NoRegionError, ProfileNotFound

from development.faults.scenarios import another_folder
from development.faults.stack import Stack, WedgedError
from dms_s3_endpoint.model.ownership import DEMANDED_BOUNDARY, PREFIX, STACK_ID, Owner, tag_value
from dms_s3_endpoint_cli.known import Said, objection
from dms_s3_endpoint_cli.release import SECONDS_BETWEEN_LOOKS, main
from tests.by_hand import without_our_tags

from .builders import DATA_LAKE, FUNCTION_ARN, TOOLS, make_client_error
from .builders import STACK_ID as A_STACK
from .in_memory import FakeClient, FakeIam
from .test_adoption import ByHand, adopting, of_ours
from .test_procedure import ENDPOINT_ARN, ROLE_ARN, World

pytestmark = pytest.mark.usefixtures("in_memory")
ANOTHER_STACK = A_STACK.replace("stack/orders/", "stack/others/")
POLICY_ARN = ROLE_ARN.replace(":role/", ":policy/").replace("orders-role", "orders-policy")
NAMES = ("--endpoint", "orders", "--role", "orders-role", "--policy", "orders-policy")
PROFILES = ("--data-lake-profile", "lake", "--dms-profile", "dms", "--tools-profile", "tools", "--region", "eu-west-1")
UNTAGGING = ("untag_policy", "untag_role", "remove_tags_from_resource")
# A stack's status, and of its resource the status and the physical id.
Known = tuple[str, tuple[str, str] | None]


@dataclass
class FakeCloudFormation:
    """It has stacks of one resource. Methods are boto3's, as far as they are used."""

    service: str = "cloudformation"
    stacks: dict[str, Known] = field(default_factory=dict)
    error: Exception | None = None

    def describe_stacks(self, StackName: str) -> Any:  # noqa: N803  # boto3's names, here and below
        if self.error:
            raise self.error
        if StackName not in self.stacks:
            raise make_client_error("ValidationError", f"Stack with id {StackName} does not exist")
        return {"Stacks": [{"StackStatus": self.stacks[StackName][0]}]}

    def describe_stack_resource(self, StackName: str, LogicalResourceId: str) -> Any:  # noqa: N803
        _status, resource = self.stacks[StackName]
        if resource is None:
            raise make_client_error("ValidationError", f"Resource {LogicalResourceId} does not exist for stack orders")
        return {"StackResourceDetail": {"ResourceStatus": resource[0], "PhysicalResourceId": resource[1]}}


class Desk:
    """An operator's desk, with a profile for each of the three accounts, and what the command said last."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self.world = World()
        self.cloudformation = FakeCloudFormation()
        self.account_of_tools = TOOLS
        self.regions: set[tuple[str, str | None]] = set()
        self.printed: list[str] = []
        self.errors: list[str] = []
        self._capsys = capsys

    def retaining(self, world: World | None = None) -> Desk:
        """With a stack that retained its endpoint and is deleted."""
        self.world = world or World().created()
        self.cloudformation.stacks = {A_STACK: ("DELETE_COMPLETE", ("DELETE_SKIPPED", "dev/orders"))}
        self.before = self.world.cloud.inventory()
        return self

    def session(self, profile_name: str | None) -> Any:
        """Instead of boto3's."""
        sts = SimpleNamespace(service="sts", get_caller_identity=lambda: {"Account": self.account_of_tools})
        fakes: dict[str | None, dict[str, Any]] = {
            "lake": {"iam": self.world.cloud.iam},
            "dms": {"dms": self.world.cloud.dms},
            "tools": {"sts": sts, "cloudformation": self.cloudformation},
        }

        def client(service: str, region_name: str | None = None) -> FakeClient:
            self.regions.add((service, region_name))
            return FakeClient(fakes[profile_name][service])

        return SimpleNamespace(client=client)

    def release(self, *more: str, names: Sequence[str] = NAMES) -> int:
        self._capsys.readouterr()
        status = main([*names, *PROFILES, *more])
        said = self._capsys.readouterr()
        self.printed, self.errors = said.out.splitlines(), said.err.splitlines()
        return status

    @property
    def error(self) -> str:
        """The one line."""
        (line,) = self.errors
        return line

    def inventory(self) -> Any:
        return self.world.cloud.inventory()

    def is_untouched(self) -> bool:
        return bool(self.inventory() == self.before)

    def is_released(self) -> bool:
        """All else is as it was."""
        now = self.inventory()
        return of_ours(now) == [] and now == without_our_tags(self.before)


@pytest.fixture
def desk(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Desk:
    desk = Desk(capsys)
    monkeypatch.setattr(boto3, "Session", desk.session)
    monkeypatch.setattr(time, "sleep", lambda _seconds: None)
    return desk


# What it releases


def test_what_a_deleted_stack_retained_loses_our_tags_and_nothing_else(desk: Desk) -> None:
    assert desk.retaining().release("--yes") == 0
    assert desk.is_released()
    assert desk.world.cloud.iam.roles["orders-role"]["Tags"] == {"team": "data-lake"}


def test_it_shows_whose_each_is_and_what_it_did(desk: Desk) -> None:
    owner = f"    Endpoint, dev/orders, of stack orders, {A_STACK}"
    desk.retaining().release("--yes")
    assert desk.printed == [
        *(f"policy orders-policy, {POLICY_ARN}", owner),
        *(f"role orders-role, {ROLE_ARN}", owner),
        *(f"endpoint orders, {ENDPOINT_ARN}", owner),
        "CloudFormation no longer knows them.",
        "policy orders-policy: tags taken off",
        "role orders-role: tags taken off",
        "endpoint orders: tags taken off",
        "Free now: policy orders-policy, role orders-role, endpoint orders.",
    ]
    assert desk.errors == []


def test_what_was_imported_is_as_it_was_before_the_import(desk: Desk) -> None:
    world = ByHand().imported()
    assert desk.retaining(world).release("--yes") == 0
    assert [line.endswith(", imported by ADOPT") for line in desk.printed[1:6:2]] == [True, True, True]
    assert world.is_as_made()


KNOWN_NO_MORE: dict[str, Known | None] = {
    "a stack of which nothing is known after 90 days": None,
    "a stack that has it no more": ("UPDATE_COMPLETE", None),
    "a stack that skipped it": ("ROLLBACK_COMPLETE", ("DELETE_SKIPPED", "dev/orders")),
    "a stack that deleted it": ("UPDATE_COMPLETE", ("DELETE_COMPLETE", "dev/orders")),
    "a stack that replaced it": ("UPDATE_COMPLETE", ("UPDATE_COMPLETE", "dev/orders-2")),
}


@pytest.mark.parametrize("known", KNOWN_NO_MORE.values(), ids=KNOWN_NO_MORE.keys())
def test_what_cloudformation_knows_no_more_is_released(desk: Desk, known: Known | None) -> None:
    desk.retaining().cloudformation.stacks = {A_STACK: known} if known else {}
    assert desk.release("--yes") == 0
    assert desk.is_released()


def test_cloudformation_is_asked_in_the_stack_s_own_region_and_dms_in_the_given_one(desk: Desk) -> None:
    there = A_STACK.replace("eu-west-1", "us-east-1")
    desk.world.stack = Stack(desk.world.cloud, there)
    desk.world.cloud.function_arn = FUNCTION_ARN.replace("eu-west-1", "us-east-1")
    desk.retaining(desk.world.created()).release("--yes")
    assert desk.is_released()
    assert desk.regions == {("iam", None), ("dms", "eu-west-1"), ("sts", "us-east-1"), ("cloudformation", "us-east-1")}


def test_what_does_not_exist_is_said_and_the_others_are_released(desk: Desk) -> None:
    desk.retaining()
    assert desk.release("--yes", names=(*NAMES[:2], "--role", "no-role", *NAMES[4:])) == 0
    assert "role no-role does not exist" in desk.printed
    assert of_ours(desk.inventory()) == [ROLE_ARN]


@pytest.mark.parametrize("kept", range(3))
def test_what_is_free_already_is_said_and_the_others_are_released(desk: Desk, kept: int) -> None:
    names = NAMES[2 * kept : 2 * kept + 2]
    desk.retaining().release("--yes", names=names)
    assert desk.release("--yes") == 0
    assert desk.printed.count("    no stack's: it is free already") == 1
    assert desk.is_released()


def test_where_all_are_free_nothing_is_asked_and_nothing_is_done(desk: Desk) -> None:
    world = ByHand()
    desk.retaining(world).cloudformation.error = make_client_error("AccessDenied")
    assert desk.release() == 0
    assert desk.printed[-1] == "Nothing to do."
    assert world.is_as_made()


def test_the_keys_of_a_role_have_no_case_and_those_of_others_stay(desk: Desk) -> None:
    desk.retaining()
    tags = desk.world.cloud.iam.roles["orders-role"]["Tags"]
    theirs = {"team": "data-lake", "dms-s3-endpoint": "1", "my-dms-s3-endpoint:life": "2"}
    ours = {key.upper(): value for key, value in tags.items() if key.startswith(PREFIX)}
    desk.world.cloud.iam.roles["orders-role"]["Tags"] = ours | theirs
    assert desk.release("--yes") == 0
    assert desk.world.cloud.iam.roles["orders-role"]["Tags"] == theirs


def test_a_policy_s_key_in_another_case_is_somebody_else_s(desk: Desk) -> None:
    desk.retaining()
    desk.world.cloud.iam.policies[POLICY_ARN]["Tags"][STACK_ID.upper()] = "theirs"
    assert desk.release("--yes") == 0
    assert desk.world.cloud.iam.policies[POLICY_ARN]["Tags"] == {"team": "data-lake", STACK_ID.upper(): "theirs"}


def test_the_mark_by_which_an_account_demands_a_boundary_is_no_owner_s(desk: Desk) -> None:
    desk.retaining()
    desk.world.cloud.iam.roles["orders-role"]["Tags"] = {DEMANDED_BOUNDARY: "arn"}
    assert desk.release("--yes") == 0
    assert desk.world.cloud.iam.roles["orders-role"]["Tags"] == {DEMANDED_BOUNDARY: "arn"}


def test_a_policy_is_found_on_a_later_page(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def one_on_a_page(iam: FakeIam, Scope: str, Marker: str = "0") -> Any:  # noqa: N803
        assert Scope == "Local"
        at, listed = int(Marker), iam._listed(iam.policies, "/")
        return {"Policies": listed[at : at + 1]} | ({"Marker": str(at + 1)} if at + 1 < len(listed) else {})

    monkeypatch.setattr(FakeIam, "list_policies", one_on_a_page)
    desk.world.cloud.iam.create_policy(PolicyName="another", Path="/", PolicyDocument="{}", Tags=[])
    assert desk.retaining(desk.world.created()).release("--yes", names=("--policy", "orders-policy")) == 0
    assert of_ours(desk.inventory()) == sorted([ENDPOINT_ARN, ROLE_ARN])


def test_an_identifier_is_that_of_dms_whatever_its_case(desk: Desk) -> None:
    assert desk.retaining().release("--yes", names=("--endpoint", "Orders")) == 0
    assert of_ours(desk.inventory()) == sorted([POLICY_ARN, ROLE_ARN])


# What it refuses


def failing(error: Exception) -> Callable[[Desk], object]:
    return lambda desk: vars(desk.cloudformation).update(error=error)


def stack(*given: Any) -> Callable[[Desk], object]:
    return lambda desk: desk.cloudformation.stacks.update({A_STACK: given})


def of_no_stack(desk: Desk) -> None:
    cloud = desk.world.cloud
    for tags in (cloud.iam.policies[POLICY_ARN]["Tags"], cloud.iam.roles["orders-role"]["Tags"]):
        tags[STACK_ID] = "me"
    cloud.dms.endpoints.kept[0].tags[STACK_ID] = "me"


SKIPPED = ("DELETE_SKIPPED", "dev/orders")
KNOWN_STILL: dict[str, tuple[Callable[[Desk], object], str]] = {
    "a stack that has it": (
        stack("UPDATE_COMPLETE", ("CREATE_COMPLETE", "dev/orders")),
        "stack orders still has Endpoint, dev/orders. Take it out of the stack with DeletionPolicy: Retain first",
    ),
    "a stack whose delete of it failed": (
        stack("UPDATE_COMPLETE", ("DELETE_FAILED", "dev/orders")),
        "stack orders still has Endpoint",
    ),
    "a stack at work": (stack("DELETE_IN_PROGRESS", SKIPPED), "stack orders is DELETE_IN_PROGRESS"),
    "a stack that cleans up": (
        stack("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", ("UPDATE_COMPLETE", "dev/orders-2")),
        "stack orders is UPDATE_COMPLETE_CLEANUP_IN_PROGRESS",
    ),
    "a stack that could go on with its rollback": (
        stack("UPDATE_ROLLBACK_FAILED", ("UPDATE_COMPLETE", "dev/orders-2")),
        "stack orders is UPDATE_ROLLBACK_FAILED, and may come back to them. Run this again once it has ended",
    ),
    "access denied": (
        failing(make_client_error("AccessDenied", "not you")),
        f"it can't be told whether CloudFormation still knows {A_STACK}: An error occurred (AccessDenied)",
    ),
    "no credentials": (failing(NoCredentialsError()), f"still knows {A_STACK}: Unable to locate credentials"),
    "another account": (
        lambda desk: vars(desk).update(account_of_tools=DATA_LAKE),
        f"it is of account {TOOLS}, and --tools-profile of {DATA_LAKE}",
    ),
    "no id of a stack": (of_no_stack, "still knows me: that is no id of a stack"),
}


@pytest.mark.parametrize(("situation", "said"), KNOWN_STILL.values(), ids=KNOWN_STILL.keys())
def test_what_cloudformation_may_know_is_released_by_force_alone(
    desk: Desk, situation: Callable[[Desk], object], said: str
) -> None:
    situation(desk.retaining())
    desk.before = desk.inventory()
    assert desk.release("--yes") == 1
    assert desk.error.startswith("Refused: ")
    assert said in desk.error
    assert desk.is_untouched()
    assert desk.release("--yes", "--force") == 0
    (forced,) = [line for line in desk.printed if line.startswith("Forced, though ")]
    assert said in forced
    assert forced.endswith(
        "Beware: if the stack still has them, its next Delete leaves them standing, and its next update fails with "
        "NameTaken, its rollback too."
    )
    assert desk.is_released()


def test_different_owners_are_named_and_nothing_is_changed_by_force_either(desk: Desk) -> None:
    desk.retaining()
    desk.world.cloud.iam.roles["orders-role"]["Tags"][STACK_ID] = ANOTHER_STACK
    desk.before = desk.inventory()
    assert desk.release("--yes", "--force") == 1
    assert desk.error == (
        "Refused: they have different owners. Name those of one owner alone. "
        f"policy orders-policy is Endpoint, dev/orders, of stack orders, {A_STACK}; "
        f"role orders-role is Endpoint, dev/orders, of stack others, {ANOTHER_STACK}; "
        f"endpoint orders is Endpoint, dev/orders, of stack orders, {A_STACK}"
    )
    assert desk.is_untouched()


@pytest.mark.parametrize("key", [f"{PREFIX}logical-id", f"{PREFIX}physical-id"])
def test_another_resource_of_the_same_stack_is_another_owner(desk: Desk, key: str) -> None:
    desk.retaining().world.cloud.dms.endpoints.kept[0].tags[key] = "another"
    assert desk.release("--yes") == 1
    assert desk.error.startswith("Refused: they have different owners")


def test_a_physical_id_that_is_too_long_for_a_tag_is_recognised() -> None:
    long = "dev/" + "o" * 255
    owner = Owner(A_STACK, "Endpoint", tag_value(long))
    assert objection(owner, Said("UPDATE_COMPLETE", "CREATE_COMPLETE", long)).startswith("stack orders still has")


# What it asks


@pytest.mark.parametrize(("answer", "status"), [("y", 0), ("YES", 0), ("", 2), ("n", 2)])
def test_a_person_is_asked_first(desk: Desk, monkeypatch: pytest.MonkeyPatch, answer: str, status: int) -> None:
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(isatty=lambda: True))
    monkeypatch.setattr("builtins.input", lambda _question: answer)
    assert desk.retaining().release() == status
    assert desk.is_untouched() == (status != 0)


@pytest.mark.parametrize("interruption", [EOFError, KeyboardInterrupt])
def test_a_person_who_does_not_answer_has_not_confirmed(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, interruption: type[BaseException]
) -> None:
    def interrupted(_question: str) -> str:
        raise interruption

    monkeypatch.setattr(sys, "stdin", SimpleNamespace(isatty=lambda: True))
    monkeypatch.setattr("builtins.input", interrupted)
    assert desk.retaining().release() == 2
    assert desk.is_untouched()


def test_without_a_terminal_nothing_is_done_that_is_not_confirmed(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(isatty=lambda: False))
    assert desk.retaining().release() == 2
    assert desk.error == ("The release can't be made: it is not confirmed. --yes confirms it where nobody is asked")
    assert desk.is_untouched()


def test_at_least_one_name_is_needed(desk: Desk) -> None:
    with pytest.raises(SystemExit, match="2"):
        desk.release(names=())


# What can't be done


@pytest.mark.parametrize("empty", ["fault", "empty"])
def test_where_none_exists_the_names_or_the_profiles_are_wrong(desk: Desk, empty: str) -> None:
    desk.world.cloud.switch(describe_empty=empty)
    assert desk.release("--yes") == 2
    assert desk.error.endswith("none of them exists. Look at the names, the profiles and the region")


ERRORS = {
    "no credentials": NoCredentialsError(),
    "no such profile": ProfileNotFound(profile="lake"),
    "no region": NoRegionError(),
    "no connection": EndpointConnectionError(endpoint_url="https://nowhere.example.invalid"),
    "access denied": make_client_error("AccessDenied", "not you,\nnot here"),
}


@pytest.mark.parametrize("error", ERRORS.values(), ids=ERRORS.keys())
def test_an_error_is_one_line(desk: Desk, monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def session(profile_name: str | None) -> Any:
        raise error

    monkeypatch.setattr(boto3, "Session", session)
    assert desk.retaining().release("--yes") == 2
    assert desk.error.startswith("The release can't be made: ")


@pytest.mark.parametrize("call", UNTAGGING)
def test_a_run_that_was_interrupted_is_run_again_and_the_endpoint_is_the_last_to_lose_its_owner(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    def denied(**_given: Any) -> None:
        raise make_client_error("AccessDenied")

    cloud = desk.retaining().world.cloud
    with monkeypatch.context() as patched:
        patched.setattr(cloud.dms if call.startswith("remove") else cloud.iam, call, denied, raising=True)
        assert desk.release("--yes") == 2
    assert desk.error.startswith("The release can't be made: An error occurred (AccessDenied)")
    assert of_ours(desk.inventory()) == sorted([POLICY_ARN, ROLE_ARN, ENDPOINT_ARN][UNTAGGING.index(call) :])
    assert desk.release("--yes") == 0
    assert desk.is_released()


@pytest.mark.parametrize("looks", [1, len(SECONDS_BETWEEN_LOOKS), len(SECONDS_BETWEEN_LOOKS) + 1])
def test_it_looks_again_until_aws_shows_what_was_changed(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, looks: int
) -> None:
    cloud, waited = desk.retaining().world.cloud, list[int]()
    untag = cloud.iam.untag_role

    def show(seconds: int) -> None:
        waited.append(seconds)
        if len(waited) == looks:
            untag(RoleName="orders-role", TagKeys=[key for key in tags if key.startswith(PREFIX)])

    tags = cloud.iam.roles["orders-role"]["Tags"]
    monkeypatch.setattr(cloud.iam, "untag_role", lambda **_given: None)
    monkeypatch.setattr(time, "sleep", show)
    is_shown = looks <= len(SECONDS_BETWEEN_LOOKS)
    assert desk.release("--yes") == (0 if is_shown else 2)
    assert tuple(waited) == SECONDS_BETWEEN_LOOKS[:looks]
    assert is_shown or "role orders-role still shows an owner, or has one again. Run this again" in desk.error


# What comes after it


@pytest.mark.parametrize("stack_id", [A_STACK, ANOTHER_STACK], ids=["the same stack", "another stack"])
def test_what_was_released_can_be_adopted_as_it_stands(desk: Desk, stack_id: str) -> None:
    desk.retaining().release("--yes")
    released = desk.inventory()
    assert Stack(desk.world.cloud, stack_id).create(adopting()), desk.world.reason
    assert without_our_tags(desk.inventory()) == released
    assert len(of_ours(desk.inventory())) == 3


def test_a_late_delete_of_the_old_stack_changes_nothing_of_what_was_released(desk: Desk) -> None:
    desk.retaining().release("--yes")
    released = desk.inventory()
    assert desk.world.stack.delete()
    assert desk.inventory() == released


def test_a_late_request_of_the_old_stack_changes_nothing_of_what_another_stack_adopted(desk: Desk) -> None:
    desk.retaining().release("--yes")
    assert Stack(desk.world.cloud, ANOTHER_STACK).create(adopting())
    adopted = desk.inventory()
    with pytest.raises(WedgedError, match="NameTaken"):
        desk.world.stack.update(another_folder("orders"))
    assert desk.inventory() == adopted
    assert desk.world.stack.delete()
    assert desk.inventory() == adopted


def test_the_new_owner_s_delete_gives_back_what_was_released(desk: Desk) -> None:
    desk.retaining().release("--yes")
    released, theirs = desk.inventory(), Stack(desk.world.cloud, ANOTHER_STACK)
    assert theirs.create(adopting())
    assert theirs.delete()
    assert desk.inventory() == released
