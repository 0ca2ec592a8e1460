"""Is a request CloudFormation's? What it must look like, and what becomes of one that somebody made up."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import Any

import pytest

from development.faults.scenarios import another_folder, properties
from development.faults.stack import Stack
from dms_s3_endpoint.aws.stacks import Stacks
from dms_s3_endpoint.cloudformation.event import Event
from dms_s3_endpoint.cloudformation.origin import (
    SECONDS_OF_LAG,
    ForeignUrlError,
    Origin,
    UntoldError,
    ensure_answerable,
    ensure_asked_for,
    read_accounts,
)
from dms_s3_endpoint.model.arns import arn_of
from dms_s3_endpoint.model.errors import Code, EndpointError
from dms_s3_endpoint.model.figures import Figures

from .builders import BUCKET_URL, FUNCTION_ARN, STACK_ID, TOOLS, URL, make_event
from .in_memory import CloudInMemory, FakeClient, FakeCloudFormation, lose_answer, refuse
from .wire import Happening

pytestmark = pytest.mark.usefixtures("in_memory")
BUCKET = "cloudformation-custom-resource-response"
CONSUMER = "888888888888"


# Where the answer goes


def ensure(url: str, partition: str = "aws") -> None:
    function = arn_of(FUNCTION_ARN.replace("arn:aws:", f"arn:{partition}:"))
    ensure_answerable(url, Event.read(make_event("Create")), function)


@pytest.mark.parametrize(
    ("partition", "host"),
    [
        ("aws", f"{BUCKET}-useast1.s3.amazonaws.com"),
        ("aws", f"{BUCKET}-euwest1.s3-eu-west-1.amazonaws.com"),
        ("aws", f"{BUCKET}-euwest1.s3.eu-west-1.amazonaws.com"),
        ("aws", f"{BUCKET}-euwest1.s3.dualstack.eu-west-1.amazonaws.com"),
        ("aws", f"{BUCKET}-EUWest1.S3.amazonaws.com"),
        ("aws-us-gov", f"{BUCKET}-usgovwest1.s3-us-gov-west-1.amazonaws.com"),
        ("aws-cn", f"{BUCKET}-cnnorth1.s3.cn-north-1.amazonaws.com.cn"),
        ("aws-eusc", f"{BUCKET}-euscdeeast1.s3.eusc-de-east-1.amazonaws.eu"),
        ("aws-iso", f"{BUCKET}-usisoeast1.s3.us-iso-east-1.c2s.ic.gov"),
    ],
)
def test_cloudformations_bucket_is_answered_in_each_partition(partition: str, host: str) -> None:
    ensure(f"https://{host}/arn?X-Amz-Signature=c0ffee", partition)


FOREIGN = [
    "",
    "None",
    "no url",
    "https://",
    "https://[bucket/",
    f"http://{BUCKET}-euwest1.s3.amazonaws.com/",
    "https://example.com/",
    f"https://{BUCKET}-euwest1.s3.amazonaws.com.example.com/",
    f"https://example.com/{BUCKET}-euwest1.s3.amazonaws.com/",
    f"https://{BUCKET}-euwest1.s3.amazonaws.com@example.com/",
    f"https://example.com\\@{BUCKET}-euwest1.s3.amazonaws.com/",
    f"https://user:word@{BUCKET}-euwest1.s3.amazonaws.com/",
    f"https://{BUCKET}-euwest1.s3.amazonaws.com:8443/",
    f"https://{BUCKET}-euwest1.s3.amazonaws.com.cn/",
    f"https://{BUCKET}-euwest1.0123456789ab.eu-west-1.rds.amazonaws.com/",
    f"https://another-{BUCKET}-euwest1.s3.amazonaws.com/",
    f"https://{BUCKET}-euwest1.s3xamazonaws.com/",
    "https://169.254.169.254/",
]


@pytest.mark.parametrize("url", FOREIGN)
def test_nobody_else_is_answered(url: str) -> None:
    with pytest.raises(ForeignUrlError):
        ensure(url)


def test_a_partition_that_the_sdk_does_not_know_has_no_bucket() -> None:
    with pytest.raises(ForeignUrlError):
        ensure(f"https://{BUCKET}-nowhere1.s3.nowhere-1.amazonaws.com/", "aws-nowhere")


@pytest.mark.parametrize("host", ["example.com", "x" * 10**6 + ".example.com"])
def test_the_error_names_the_host_alone_and_in_short(host: str) -> None:
    with pytest.raises(ForeignUrlError) as caught:
        ensure(f"https://me:mine@{host}/path?X-Amz-Signature=c0ffee")
    assert host[:200] in str(caught.value)
    assert len(str(caught.value)) < 400
    assert not [secret for secret in ("mine", "path", "c0ffee") if secret in str(caught.value)]


def test_a_path_of_another_form_is_no_more_than_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    ensure(URL)
    assert caplog.text == ""
    ensure(f"{BUCKET_URL}/answer?X-Amz-Signature=c0ffee")
    assert "unknown form" in caplog.text
    assert "c0ffee" not in caplog.text


# Whether it is asked for


@dataclass
class Asked:
    """One request, and what CloudFormation shows meanwhile."""

    cloudformation: FakeCloudFormation = field(default_factory=FakeCloudFormation)
    cloud: CloudInMemory = field(default_factory=CloudInMemory)
    figures: Figures = field(default_factory=Figures)
    calls: list[str] = field(default_factory=list)

    def shows(self, stack: str = "", resource: str = "", physical_id: str = "") -> Asked:
        if stack:
            self.cloudformation.statuses[STACK_ID] = stack
        if resource:
            found = {"ResourceStatus": resource} | ({"PhysicalResourceId": physical_id} if physical_id else {})
            self.cloudformation.resources[STACK_ID, "Endpoint"] = found
        return self

    def ask(self, request_type: str, origin: Origin | None = None, **changes: Any) -> None:
        request = Event.read(make_event(request_type, **changes))
        ensure_asked_for(request, origin or self.origin(), self.cloud.deployment(request).lease, self.figures)

    def origin(self, **given: Any) -> Origin:
        client: Any = FakeClient(self.cloudformation, self._noted)
        return Origin(arn_of(FUNCTION_ARN), stacks=Stacks(client), **given)

    def _noted(self, name: str, effect: Any) -> Any:
        self.calls.append(name)
        return effect()


@pytest.mark.parametrize(
    ("request_type", "status"),
    [("Create", "CREATE_IN_PROGRESS"), ("Update", "UPDATE_IN_PROGRESS"), ("Delete", "DELETE_IN_PROGRESS")],
)
def test_a_resource_in_progress_is_asked_for_once(request_type: str, status: str) -> None:
    asked = Asked().shows("UPDATE_IN_PROGRESS", status, "dev/orders")
    asked.ask(request_type, PhysicalResourceId="dev/orders")
    assert asked.calls == ["describe_stack_resource"]


def test_a_create_is_asked_for_where_its_resource_is_not_listed_yet() -> None:
    asked = Asked().shows("CREATE_IN_PROGRESS")
    asked.ask("Create")
    assert asked.calls == ["describe_stack_resource", "describe_stacks"]


@pytest.mark.parametrize(
    ("stack", "current", "deleted"),
    [
        ("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "dev/new", "dev/orders"),
        ("UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS", "dev/orders", "dev/new"),
    ],
)
def test_a_clean_up_deletes_the_id_that_the_resource_has_no_more(stack: str, current: str, deleted: str) -> None:
    Asked().shows(stack, "UPDATE_COMPLETE", current).ask("Delete", PhysicalResourceId=deleted)


REFUSED: dict[str, tuple[str, str, str]] = {
    "no such stack": ("", "", ""),
    "a stack that rests": ("UPDATE_COMPLETE", "CREATE_COMPLETE", "dev/orders"),
    "a stack that rests, without the resource": ("UPDATE_COMPLETE", "", ""),
    "a stack that has a change set alone": ("REVIEW_IN_PROGRESS", "", ""),
    "a stack that is gone": ("DELETE_COMPLETE", "DELETE_COMPLETE", "dev/orders"),
    "a stack that is busy elsewhere": ("UPDATE_IN_PROGRESS", "UPDATE_COMPLETE", "dev/orders"),
    "a stack that cleans up elsewhere": ("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "UPDATE_COMPLETE", "dev/orders"),
}


@pytest.mark.parametrize("request_type", ["Create", "Update", "Delete"])
@pytest.mark.parametrize("shown", REFUSED.values(), ids=REFUSED)
def test_nothing_is_asked_for_of_this(request_type: str, shown: tuple[str, str, str]) -> None:
    asked = Asked().shows(*shown)
    with pytest.raises(EndpointError, match="CloudFormation did not send it") as caught:
        asked.ask(request_type, PhysicalResourceId="dev/orders")
    assert (caught.value.code, asked.figures.unverified) == (Code.ACCESS_DENIED, [])
    assert asked.cloud.clock.now == pytest.approx(SECONDS_OF_LAG, abs=0.1)


def test_an_update_of_an_old_id_is_not_asked_for_while_the_stack_cleans_up() -> None:
    asked = Asked().shows("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "UPDATE_COMPLETE", "dev/new")
    with pytest.raises(EndpointError, match="CloudFormation did not send it"):
        asked.ask("Update", PhysicalResourceId="dev/orders")


def test_what_cloudformation_does_not_tell_fails_an_update_and_lets_a_delete_go_on() -> None:
    asked = Asked().shows("UPDATE_IN_PROGRESS")
    with pytest.raises(UntoldError, match="NotStabilized: Update of Endpoint: its stack does not list it"):
        asked.ask("Update", PhysicalResourceId="dev/orders")
    assert asked.figures.unverified == []
    asked.ask("Delete", PhysicalResourceId="dev/orders")
    assert asked.figures.unverified == ["dev/orders"]


NO_STACKS = ["", "orders", "arn:aws:cloudformation:eu-west-1", STACK_ID.replace(":stack/", ":changeSet/")]
NO_STACKS += [STACK_ID.replace("eu-west-1", "eu-west-2"), STACK_ID.replace("arn:aws:", "arn:aws-cn:")]
NO_STACKS += [STACK_ID.replace(":cloudformation:", ":iam:")]


@pytest.mark.parametrize("stack_id", NO_STACKS)
def test_a_stack_of_another_region_or_none_at_all_is_refused_without_a_call(stack_id: str) -> None:
    asked = Asked()
    with pytest.raises(EndpointError, match="is no stack of this region"):
        asked.ask("Delete", StackId=stack_id)
    assert (asked.calls, asked.figures.unverified) == ([], [])


def test_stacks_of_other_accounts_are_those_of_the_list_and_are_not_asked_for() -> None:
    asked, theirs = Asked(), STACK_ID.replace(TOOLS, CONSUMER)
    with pytest.raises(EndpointError, match=f"AccessDenied: .* account {CONSUMER} may not use .*StackAccounts"):
        asked.ask("Delete", StackId=theirs)
    asked.ask("Delete", asked.origin(accounts=frozenset({CONSUMER})), StackId=theirs)
    asked.ask("Delete", asked.origin(accounts=None), StackId=theirs)
    assert asked.calls == []


def test_the_accounts_are_a_list_and_any_with_an_organisation() -> None:
    assert read_accounts({}) == read_accounts({"STACK_ACCOUNTS": "", "ORGANIZATION_ID": ""}) == frozenset()
    assert read_accounts({"STACK_ACCOUNTS": f"{CONSUMER}, {TOOLS}"}) == frozenset({CONSUMER, TOOLS})
    assert read_accounts({"STACK_ACCOUNTS": CONSUMER, "ORGANIZATION_ID": "o-aaaaaaaaaa"}) is None


# What becomes of it


@dataclass
class World:
    """A stack with an endpoint, and whoever sends events in its name."""

    cloudformation: FakeCloudFormation = field(default_factory=FakeCloudFormation)
    calls: list[str] = field(default_factory=list)
    unverified: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.cloud = CloudInMemory(cloudformation=self.cloudformation, on_end=self._ended)
        self.stack = Stack(self.cloud, STACK_ID)
        assert self.stack.create(properties("orders"))
        self.rest()

    def _ended(self, _event: Any, calls: list[str], _answers: Any) -> None:
        self.calls = calls

    def rest(self) -> None:
        """The stack's operation is over. From now on, events are made up."""
        self.cloudformation.sends = False
        self.cloudformation.statuses[STACK_ID] = "CREATE_COMPLETE"
        self.cloudformation.resources[STACK_ID, "Endpoint"] = {
            "ResourceStatus": "CREATE_COMPLETE",
            "PhysicalResourceId": "dev/orders",
        }

    def send(self, request_type: str, **changes: Any) -> dict[str, Any]:
        given = {"ResourceProperties": properties("orders"), "RequestId": "made-up", **changes}
        given |= {} if request_type == "Create" else {"PhysicalResourceId": "dev/orders"}
        (answer,) = self.cloud.deliver(make_event(request_type, **given))
        return answer

    def everything(self) -> tuple[Any, Any]:
        return self.cloud.inventory(), self.cloud.dynamodb.items


@pytest.fixture
def world() -> World:
    return World()


@pytest.mark.parametrize("request_type", ["Create", "Update", "Delete"])
def test_an_event_that_somebody_made_up_changes_nothing_and_takes_no_lease(world: World, request_type: str) -> None:
    before = repr(world.everything())
    answer = world.send(request_type, ResourceProperties=another_folder("orders"))
    assert answer["Status"] == "FAILED"
    assert answer["Reason"].startswith(f"AccessDenied: {request_type} of Endpoint: CloudFormation did not send it")
    assert set(world.calls) == {"describe_stack_resource", "describe_stacks", "get_item"}
    assert repr(world.everything()) == before


def test_a_create_that_is_refused_has_an_id_whose_delete_looks_for_what_another_delivery_made() -> None:
    cloud = CloudInMemory(cloudformation=FakeCloudFormation(sends=False))
    event = make_event("Create")
    (answer,) = cloud.deliver(event)
    assert answer["PhysicalResourceId"] == f"Endpoint-{event['RequestId']}"


def test_an_event_that_is_delivered_again_when_nobody_waits_is_answered_as_it_was(world: World) -> None:
    world.cloudformation.sends = True
    first = world.send("Update", RequestId="once")
    world.rest()
    before = repr(world.everything())
    assert world.send("Update", RequestId="once") == first
    assert repr(world.everything()) == before


def test_a_status_that_lags_is_waited_for(world: World) -> None:
    shown = [False, False, False, True]

    def late(effect: Any) -> Any:
        if shown.pop(0):
            world.cloudformation.sends = True
            world.cloudformation.begin(make_event("Update", PhysicalResourceId="dev/orders"))
        return effect()

    world.cloud.happenings = {("describe_stack_resource", nth): late for nth in range(1, 5)}
    assert world.send("Update")["Status"] == "SUCCESS"


CAN_NOT_TELL = {
    "throttled": (refuse("Throttling"), "Throttled: describe-stack-resource Endpoint: "),
    "denied": (refuse("AccessDenied"), "AccessDenied: describe-stack-resource Endpoint: "),
    "5xx": (refuse("InternalFailure"), "InternalError: describe-stack-resource Endpoint: "),
    "unreachable": (lose_answer, "InternalError: describe-stack-resource Endpoint: "),
}


@pytest.fixture(params=CAN_NOT_TELL.values(), ids=list(CAN_NOT_TELL))
def untold(world: World, request: pytest.FixtureRequest) -> str:
    """How the reason begins."""
    happening: Happening = request.param[0]
    world.cloud.happenings = {("describe_stack_resource", nth): happening for nth in range(1, 1000)}
    return str(request.param[1])


@pytest.mark.parametrize("request_type", ["Create", "Update"])
def test_where_cloudformation_can_not_be_asked_a_request_fails(world: World, untold: str, request_type: str) -> None:
    before = repr(world.everything())
    assert world.send(request_type)["Reason"].startswith(untold)
    assert repr(world.everything()) == before


@pytest.mark.usefixtures("untold")
def test_and_a_delete_takes_away_what_is_its_own_and_says_so(world: World, caplog: pytest.LogCaptureFixture) -> None:
    logging.getLogger("dms_s3_endpoint").addHandler(caplog.handler)
    answer = world.send("Delete")
    logging.getLogger("dms_s3_endpoint").removeHandler(caplog.handler)
    assert (answer["Status"], world.cloud.inventory()) == ("SUCCESS", {})
    assert "Deleting without a word of CloudFormation" in caplog.text
