"""The procedure, step by step: what is called, what is said when it fails, and what was once found to go wrong."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest

from development.faults.run import differences, faults_of_standing
from development.faults.scenarios import (
    BUCKET,
    another_endpoint,
    another_folder,
    another_policy,
    another_role,
    bounded,
    properties,
    retagged,
    same,
)
from development.faults.stack import Answer, Event, Properties, Stack
from dms_s3_endpoint.cloudformation.event import Event as Request
from dms_s3_endpoint.model.names import Named
from dms_s3_endpoint.model.ownership import LIFE, Owner
from dms_s3_endpoint.procedure.observe import find_life

from .builders import DATA_LAKE, DMS, LEASE_CALLS, STACK_ID, make_event
from .in_memory import CloudInMemory, kill_after, kill_before, lose_answer, refuse
from .wire import READS, Happening, Happenings

OURS = properties("orders")
KEY = f"arn:aws:kms:eu-west-1:{DATA_LAKE}:key/11111111-1111-4111-8111-111111111111"
INSTANCE = f"arn:aws:dms:eu-west-1:{DMS}:rep:TESTS"
ENDPOINT_ARN = f"arn:aws:dms:eu-west-1:{DMS}:endpoint:orders"
ROLE_ARN = f"arn:aws:iam::{DATA_LAKE}:role/dms-s3-endpoint/8576eaa280f23e11/orders-role"
pytestmark = pytest.mark.usefixtures("in_memory")


class World:
    """A stack's resource; of each event what was answered and called: all, and without the calls of the lease."""

    def __init__(self, **switches: Any) -> None:
        self.calls: list[list[str]] = []
        self.all_calls: list[list[str]] = []
        self.answers: list[Answer] = []
        self.cloud = CloudInMemory(on_end=self.note)
        self.cloud.switch(**switches)
        self.stack = Stack(self.cloud, STACK_ID)

    def note(self, _event: Event, calls: list[str], answers: list[Answer]) -> None:
        self.calls.append([call for call in calls if call not in LEASE_CALLS])
        self.all_calls.append(calls)
        self.answers += answers

    def once(self, call: str, happening: Happening, nth: int = 1) -> None:
        """At the nth call of that name in the next event."""

        def disturb(_event: Event) -> None:
            self.cloud.happenings = {(call, nth): happening}

        self.stack.disturbance = disturb

    def always(self, call: str, happening: Happening) -> None:
        """At each call of that name in the next event."""
        self.stack.disturbance = lambda _event: self.cloud.happenings.update(
            {(call, nth): happening for nth in range(1, 1000)}
        )

    def created(self) -> World:
        assert self.stack.create(OURS), self.answers
        return self

    @property
    def reason(self) -> str:
        """Of the last failure."""
        return str(next(answer["Reason"] for answer in reversed(self.answers) if answer["Reason"]))

    def is_as_believed(self) -> bool:
        return faults_of_standing(self.cloud.inventory(), self.stack.physical_id) == []

    def role(self, name: str = "orders-role") -> dict[str, Any]:
        return self.cloud.iam.roles[name]


def settings(**more: Any) -> Properties:
    return properties("orders", S3SETTINGS={"BUCKETNAME": BUCKET, **more})


# What is called


def test_a_create_makes_these_calls_in_the_order_of_the_steps() -> None:
    assert World().created().calls == [
        [
            *("get_policy", "get_role", "describe_endpoints", "get_role"),
            *("create_policy", "create_role", "create_endpoint"),
            *("update_assume_role_policy", "attach_role_policy", "describe_endpoints"),
            *("create_endpoint", "describe_endpoints", "get_policy", "get_policy_version", "get_role"),
        ]
    ]


LOOKS = [
    *("get_policy", "get_policy_version", "get_role", "list_attached_role_policies"),
    *("describe_endpoints", "list_tags_for_resource", "get_role"),
    *("list_roles", "list_role_tags", "list_policies", "list_policy_tags"),
]


def test_an_update_that_changes_nothing_only_reads() -> None:
    world = World().created()
    assert world.stack.update(same("orders"))
    assert world.calls[-1] == LOOKS


def test_an_update_of_the_settings_asks_who_uses_the_endpoint_before_it_changes_anything() -> None:
    world = World().created()
    assert world.stack.update(another_folder("orders"))
    assert world.calls[-1] == [
        *(*LOOKS, "describe_replication_tasks", "describe_replication_configs"),
        *("create_policy_version", "delete_endpoint", "describe_endpoints"),
        *("create_endpoint", "describe_endpoints", "tag_policy"),
    ]


@pytest.mark.parametrize("wanted", [same, retagged, bounded, another_policy, another_folder, another_role])
def test_the_lease_is_confirmed_right_before_each_change(wanted: Callable[[str], Properties]) -> None:
    world = World().created()
    assert world.stack.update(wanted("orders"))
    unconfirmed = [
        call
        for before, call in pairwise(world.all_calls[-1])
        if not call.startswith(READS) and call not in LEASE_CALLS and before != "get_item"
    ]
    assert unconfirmed == []


def test_a_delete_makes_these_calls() -> None:
    world = World().created()
    assert world.stack.delete()
    assert world.calls[-1] == [
        *("describe_endpoints", "list_tags_for_resource"),
        *("list_roles", "list_role_tags", "list_policies", "list_policy_tags"),
        *("delete_endpoint", "describe_endpoints", "detach_role_policy", "delete_role", "delete_policy"),
    ]


@pytest.mark.parametrize(
    ("wanted", "changes"),
    [
        (retagged, ["untag_policy", "tag_policy", "untag_role", "tag_role"]),
        (bounded, ["put_role_permissions_boundary", "tag_role"]),
        (another_policy, ["create_policy", "attach_role_policy", "detach_role_policy", "delete_policy"]),
    ],
)
def test_what_can_be_changed_in_place_is(wanted: Callable[[str], Properties], changes: list[str]) -> None:
    world = World().created()
    assert world.stack.update(wanted("orders"))
    assert not {"create_endpoint", "delete_endpoint"} & set(world.calls[-1])
    assert [call for call in dict.fromkeys(world.calls[-1]) if call in changes] == changes


def test_a_policy_keeps_its_last_five_versions() -> None:
    world = World().created()
    for folder in "abcdefg":
        assert world.stack.update(settings(BUCKETFOLDER=folder))
    (policy,) = world.cloud.iam.policies.values()
    assert list(policy["versions"]) == ["v4", "v5", "v6", "v7", "v8"]


def test_the_trust_keeps_the_statements_of_others() -> None:
    world = World().created()
    theirs = {"Sid": "Theirs", "Effect": "Allow", "Principal": {"AWS": DATA_LAKE}, "Action": "sts:AssumeRole"}
    world.role()["AssumeRolePolicyDocument"]["Statement"].append(theirs)
    world.role()["AssumeRolePolicyDocument"]["Statement"][0].pop("Condition")
    assert world.stack.update(retagged("orders"))
    statements = {each["Sid"]: each for each in world.role()["AssumeRolePolicyDocument"]["Statement"]}
    assert statements.pop("Theirs") == theirs
    assert list(statements.pop("DmsS3Endpoint")["Condition"]["StringEquals"]) == ["sts:ExternalId"]


def test_settings_that_dms_drops_are_given_as_attributes_too() -> None:
    world = World(drops_on_create=("ServerSideEncryptionKmsKeyId",))
    assert world.stack.create(settings(ENCRYPTIONMODE="SSE_KMS", SSEKMSKEYID=KEY))
    (live,) = world.cloud.dms.endpoints.standing()
    assert live.settings["ServerSideEncryptionKmsKeyId"] == KEY


def test_an_inline_policy_goes_with_its_role() -> None:
    world = World().created()
    world.role()["inline"] = {"theirs"}
    assert world.stack.delete()
    assert world.cloud.inventory() == {}


def test_the_connection_is_tested_after_a_create_and_not_again_for_a_tag() -> None:
    world = World()
    tested = {**OURS, "TESTREPLICATIONINSTANCEARN": INSTANCE}
    assert world.stack.create(tested)
    assert world.stack.update({**tested, "TAGS": []})
    assert ["test_connection" in calls for calls in world.calls] == [True, False]
    assert world.cloud.dms.tested == [{"ReplicationInstanceArn": INSTANCE, "EndpointArn": ENDPOINT_ARN}]


def test_the_connection_is_tested_again_when_a_create_comes_once_more() -> None:
    world = World()
    world.once("test_connection", kill_after)
    world.stack.may_be_ended = world.stack.redelivers = True
    assert world.stack.create({**OURS, "TESTREPLICATIONINSTANCEARN": INSTANCE})
    assert len(world.cloud.dms.tested) == 2


def test_a_create_that_comes_once_more_waits_for_the_endpoint_that_dms_is_making() -> None:
    world = World(create_seconds=600.0, first_create="keeps")
    world.once("describe_endpoints", kill_before, nth=2)
    world.stack.may_be_ended = world.stack.redelivers = True
    assert world.stack.create(OURS)
    assert "create_endpoint" not in world.calls[-1]


def test_a_role_that_is_made_for_an_endpoint_that_stands_demands_its_external_id_at_once() -> None:
    world = World().created()
    world.cloud.iam.roles.clear()
    assert world.stack.update(same("orders"))
    assert "create_role" in world.calls[-1]
    assert "update_assume_role_policy" not in world.calls[-1]
    assert world.is_as_believed()


def test_the_policy_for_a_catalog_is_for_the_region_of_the_endpoint() -> None:
    world = World()
    assert world.stack.create(settings(GLUECATALOGGENERATION="true"))
    (policy,) = world.cloud.iam.policies.values()
    assert f"arn:aws:glue:eu-west-1:{DATA_LAKE}:catalog" in json.dumps(policy["versions"])


def test_a_connection_that_fails_at_first_is_tested_again() -> None:
    world = World()
    world.cloud.dms.test_messages = ["Access Denied", "testing", ""]
    assert world.stack.create({**OURS, "TESTREPLICATIONINSTANCEARN": INSTANCE})
    assert world.calls[0].count("test_connection") == 2


def test_a_test_that_is_under_way_serves() -> None:
    world = World()
    world.once("test_connection", refuse("InvalidResourceStateFault", "The connection is already being tested."))
    assert world.stack.create({**OURS, "TESTREPLICATIONINSTANCEARN": INSTANCE})


def test_contradicting_settings_are_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        World().stack.create(settings(CDCINSERTSONLY="true", CDCINSERTSANDUPDATES="true"))
    assert "CDCINSERTSONLY and CDCINSERTSANDUPDATES exclude each other" in caplog.text


def test_an_update_that_keeps_the_endpoint_tells_its_external_id_from_the_trust_where_dms_does_not() -> None:
    world = World(describe_tells_external_id=False).created()
    assert world.stack.update(retagged("orders"))
    assert world.answers[-1]["Data"] == world.answers[0]["Data"]


# What is said


def no_endpoint_of(world: World) -> None:
    assert not world.stack.create(OURS)
    assert world.cloud.inventory() == {}


@pytest.mark.parametrize(
    ("switches", "reason"),
    [
        (
            {"not_allow_listed": "AccessDeniedFault"},
            f"NotAllowListed: create-endpoint orders: Cross-account pass role is not allowed. (DMS account {DMS}, "
            f"data-lake account {DATA_LAKE}). Ask AWS Support to allow this pair of accounts for cross-account DMS "
            "endpoints",
        ),
        (
            {"first_create": "no_external_id"},
            "NoExternalId: create-endpoint orders: DMS tells no ExternalId, so the role's trust can't be bound to the "
            "endpoint. Check that the role is in another account than DMS, then ask AWS Support",
        ),
        (
            {"propagation_seconds": 5000.0},
            f"RoleNotAssumable: create-endpoint orders: DMS can't assume {ROLE_ARN}: The IAM Role {ROLE_ARN} is not "
            "configured properly.AccessDenied. Check service control policies and that AWS Support has allowed the "
            "pair of accounts",
        ),
        (
            {"create_seconds": 5000.0},
            "NotStabilized: create-endpoint orders: it is still being created. Deploy again; it continues from what "
            "stands",
        ),
        (
            {"first_create": "fault_with_id", "external_id": "never_settles"},
            "NoExternalId: update-assume-role-policy orders-role: DMS told 5 ExternalIds, none twice. Deploy again; if "
            "it stays, ask AWS Support",
        ),
        (
            {"quota": 0},
            "LimitExceeded: create-endpoint orders: ResourceQuotaExceededFault: The quota for this resource quota has "
            "been exceeded. Delete what is not used, or ask AWS to raise the quota",
        ),
    ],
)
def test_a_create_that_dms_refuses_says_why_and_what_to_do(switches: dict[str, Any], reason: str) -> None:
    world = World(**switches)
    no_endpoint_of(world)
    assert world.reason == reason


# How often DMS is asked


def times_of(world: World, call: str) -> list[float]:
    """When each call of that name is made from now on."""
    fake: Any = world.cloud.dms if hasattr(world.cloud.dms, call) else world.cloud.iam
    made, serve = list[float](), getattr(fake, call)

    def noting(**given: Any) -> Any:
        made.append(world.cloud.clock.now)
        return serve(**given)

    setattr(fake, call, noting)
    return made


def test_the_second_wait_for_iam_learns_from_the_first() -> None:
    world = World(propagation_seconds=15.0)
    tries, trusted = times_of(world, "create_endpoint"), times_of(world, "update_assume_role_policy")
    assert world.created().is_as_believed()
    since = [tried - trusted[0] for tried in tries if tried > trusted[0]]
    assert len(since) <= 3
    assert 0.85 * 15.0 <= since[0] < 15.0 <= since[-1] < 16.6


def test_a_second_wait_that_is_shorter_is_not_slept_through() -> None:
    world = World(propagation_seconds=60.0)
    tries, trusted = times_of(world, "create_endpoint"), times_of(world, "update_assume_role_policy")
    assert world.created().is_as_believed()
    since = sorted(tried - trusted[0] for tried in tries if tried > trusted[0])
    assert max(later - sooner for sooner, later in pairwise(since)) < 21.0


def test_a_create_that_is_refused_looks_less_and_less_often_for_what_the_refusal_left() -> None:
    world = World(propagation_seconds=100.0, first_create="keeps")
    assert world.created().calls[0].count("create_endpoint") > 30
    # Once before, after 1 and 10 rejections, and once it is accepted.
    assert world.calls[0].count("describe_endpoints") == 4


def test_the_tags_of_an_endpoint_that_is_on_its_way_out_are_not_asked_for() -> None:
    world = World(delete_seconds=60.0).created()
    assert world.stack.delete()
    assert world.calls[-1].count("describe_endpoints") > 10
    assert world.calls[-1].count("list_tags_for_resource") == 1


def test_an_endpoint_that_fails_for_ever_is_out_of_time() -> None:
    world = World(first_create="status_failed", describe_tells_external_id=False, refused_creates=10_000)
    world.cloud.timeout = 200.0
    no_endpoint_of(world)
    assert world.reason.startswith("NotStabilized: create-endpoint orders: ")


def test_an_endpoint_that_fails_while_a_second_delivery_waits_for_it_is_made_anew() -> None:
    world = World(create_seconds=100.0, first_create="keeps")
    world.once("describe_endpoints", kill_before, nth=2)
    world.stack.may_be_ended = world.stack.redelivers = True
    world.cloud.on_end = let_endpoints_fail_once(world)
    assert world.created().is_as_believed()
    assert [call for call in world.calls[-1] if call.endswith("_endpoint")] == ["delete_endpoint", "create_endpoint"]


def let_endpoints_fail_once(world: World) -> Callable[[Event, list[str], list[Answer]], None]:
    def fail(event: Event, calls: list[str], answers: list[Answer]) -> None:
        world.cloud.on_end = world.note
        world.note(event, calls, answers)
        for each in world.cloud.dms.endpoints.kept:
            each.status = "failed"

    return fail


def test_settings_that_dms_drops_whatever_one_does_are_named() -> None:
    world = World(drops_on_create=("CdcPath", "ServerSideEncryptionKmsKeyId"))
    endpoints: Any = world.cloud.dms.endpoints
    endpoints.create_endpoint = without_attributes(endpoints.create_endpoint)
    assert not world.stack.create(settings(CDCPATH="changes", SSEKMSKEYID=KEY))
    assert world.reason == (
        "InternalError: create-endpoint orders: DMS dropped CdcPath, ServerSideEncryptionKmsKeyId. Leave these "
        "settings out, or report it: DMS has changed"
    )


def without_attributes(create: Callable[[dict[str, Any]], Any]) -> Callable[[dict[str, Any]], Any]:
    return lambda given: create({key: value for key, value in given.items() if key != "ExtraConnectionAttributes"})


def test_a_resource_identifier_that_somebody_has_is_named() -> None:
    world = World(first_create="keeps")
    theirs = Stack(world.cloud, f"{STACK_ID}-theirs")
    assert theirs.create({**properties("theirs"), "RESOURCEIDENTIFIER": "orders"})
    assert not world.stack.create(OURS)
    assert world.reason == (
        "NameTaken: create-endpoint orders: resource identifier orders is taken (Endpoint orders already exists.). "
        "Choose another RESOURCEIDENTIFIER"
    )


@pytest.mark.parametrize(
    ("taken", "thing"),
    [
        ({"ENDPOINTIDENTIFIER": "orders"}, "endpoint orders"),
        ({"ROLENAME": "orders-role"}, "role orders-role"),
        ({"POLICYNAME": "orders-policy"}, "policy orders-policy"),
    ],
)
def test_a_name_that_another_stack_has_is_named_with_its_owner(taken: dict[str, str], thing: str) -> None:
    world = World()
    theirs = Stack(world.cloud, STACK_ID.replace("stack/orders", "stack/theirs"))
    assert theirs.create(properties("theirs", **taken))
    before = world.cloud.inventory()
    assert not world.stack.create(OURS)
    stack = STACK_ID.rpartition("/")[2]
    assert world.reason == (
        f"NameTaken: {thing} exists and is Endpoint of stack theirs/{stack}. Choose another name, or if that stack "
        "retained it, `python -m dms_s3_endpoint_cli release` it first (docs/adoption.md)"
    )
    assert world.cloud.inventory() == before


@pytest.mark.parametrize(
    ("call", "thing"), [("create_role", "role orders-role"), ("create_policy", "policy orders-policy")]
)
def test_a_name_that_somebody_takes_between_our_look_and_our_create_is_theirs(call: str, thing: str) -> None:
    world = World()
    document = {"create_role": "AssumeRolePolicyDocument", "create_policy": "PolicyDocument"}[call]

    def happen(effect: Callable[[], Any]) -> Any:
        names = {"create_role": {"RoleName": "orders-role"}, "create_policy": {"PolicyName": "orders-policy"}}
        getattr(world.cloud.iam, call)(**names[call], Path="/theirs/", **{document: "{}"}, Tags=[])
        return effect()

    world.once(call, happen)
    assert not world.stack.create(OURS)
    assert world.reason == (
        f"NameTaken: {thing} exists and is owned by no stack, by its tags. Choose another name, or import endpoint, "
        "role and policy as they are with ADOPT (docs/adoption.md)"
    )
    assert [arn for arn in world.cloud.inventory() if "/theirs/" not in arn] == []


@pytest.mark.parametrize(
    ("kept", "thing"),
    [({"ROLENAME": "orders-role"}, "role orders-role"), ({"POLICYNAME": "orders-policy"}, "policy orders-policy")],
)
def test_a_replacement_that_keeps_a_name_is_refused(kept: dict[str, str], thing: str) -> None:
    world = World().created()
    assert not world.stack.update(properties("orders-2", **kept))
    assert world.reason == (
        f"InvalidRequest: {thing} belongs to the endpoint that this update replaces. Change ROLENAME, "
        "POLICYNAME and ENDPOINTIDENTIFIER together in an account"
    )
    assert world.is_as_believed()


def test_an_endpoint_in_use_is_not_recreated_and_its_users_are_named() -> None:
    world = World().created()
    before = world.cloud.inventory()
    world.cloud.dms.tasks = {"nightly": ENDPOINT_ARN, "weekly": ENDPOINT_ARN, "other": "arn:of:another"}
    world.cloud.dms.configs = [
        {"ReplicationConfigIdentifier": name, "SourceEndpointArn": "arn:of:a:source", "TargetEndpointArn": arn}
        for name, arn in (("other", "arn:of:another"), ("serverless", ENDPOINT_ARN))
    ]
    assert not world.stack.update(another_folder("orders"))
    assert world.reason == (
        "EndpointInUse: delete-endpoint orders: used by task nightly, task weekly, replication config serverless. "
        "Delete these first (stopping them is not enough), deploy again, then create them anew: "
        "`python -m dms_s3_endpoint_cli tasks` does both (docs/tasks.md)"
    )
    assert world.cloud.inventory() == before


def test_a_delete_waits_for_the_tasks_and_names_those_that_stay() -> None:
    world = World().created()
    world.cloud.dms.tasks = {"nightly": ENDPOINT_ARN}
    began = world.cloud.clock.now
    answer = world.cloud.deliver(world.stack._event("Delete", OURS, PhysicalResourceId="dev/orders"))[0]
    assert answer["Reason"].startswith("EndpointInUse: delete-endpoint orders: used by task nightly. ")
    assert answer["Reason"].endswith("(stopping them is not enough), then delete again")
    assert world.cloud.clock.now - began > 800.0
    world.cloud.dms.tasks = {}
    assert world.stack.delete()


def test_an_endpoint_that_does_not_go_away_is_out_of_time() -> None:
    world = World().created()
    world.cloud.switch(delete_seconds=2000.0)
    answer = world.cloud.deliver(world.stack._event("Delete", OURS, PhysicalResourceId="dev/orders"))[0]
    assert answer["Reason"] == (
        "NotStabilized: delete-endpoint orders: it is still being deleted. Deploy again; it continues from what stands"
    )


def test_a_policy_that_somebody_attached_stays_and_is_named_with_whom() -> None:
    world = World().created()
    arn = next(iter(world.cloud.iam.policies))
    world.cloud.iam.roles["theirs"] = world.role() | {"RoleName": "theirs", "Path": "/", "attached": {arn}}
    answer = world.cloud.deliver(world.stack._event("Delete", OURS, PhysicalResourceId="dev/orders"))[0]
    assert answer["Reason"] == (
        "NameTaken: delete-policy orders-policy: somebody attached it to theirs. Detach it there and deploy again"
    )
    assert list(world.cloud.iam.policies) == [arn]


@pytest.mark.parametrize(
    ("call", "named"),
    [
        ("get_policy", "get-policy orders-policy"),
        ("get_role", "get-role orders-role"),
        ("describe_endpoints", "describe-endpoints orders"),
        ("create_policy", "create-policy orders-policy"),
        ("create_role", "create-role orders-role"),
        ("attach_role_policy", "attach-role-policy orders-role orders-policy"),
        ("create_endpoint", "create-endpoint orders"),
        ("update_assume_role_policy", "update-assume-role-policy orders-role"),
    ],
)
def test_a_create_that_is_denied_names_the_call(call: str, named: str) -> None:
    world = World()
    world.always(call, refuse("AccessDeniedException"))
    no_endpoint_of(world)
    assert world.reason.startswith(f"AccessDenied: {named}: AccessDeniedException: ")


@pytest.mark.parametrize(
    ("wanted", "call", "named"),
    [
        (another_folder, "describe_replication_tasks", "describe-replication-tasks"),
        (another_folder, "describe_replication_configs", "describe-replication-configs"),
        (another_folder, "create_policy_version", "create-policy-version orders-policy"),
        (another_folder, "delete_endpoint", "delete-endpoint orders"),
        (bounded, "put_role_permissions_boundary", "put-role-permissions-boundary orders-role"),
        (retagged, "tag_role", "tag-role orders-role"),
        (retagged, "untag_policy", "tag-policy orders-policy"),
        (retagged, "add_tags_to_resource", "add-tags-to-resource orders"),
        (another_policy, "list_roles", "list-roles /dms-s3-endpoint/8576eaa280f23e11/"),
        (another_policy, "list_policies", "list-policies /dms-s3-endpoint/8576eaa280f23e11/"),
        (another_policy, "detach_role_policy", "detach-role-policy orders-role orders-policy"),
        (retagged, "list_attached_role_policies", "list-attached-role-policies orders-role"),
        (another_policy, "delete_policy", "delete-policy orders-policy"),
        (another_role, "delete_role", "delete-role orders-role"),
    ],
)
def test_an_update_that_is_denied_names_the_call(wanted: Callable[[str], Properties], call: str, named: str) -> None:
    world = World().created()
    before = world.cloud.inventory()
    world.always(call, refuse("AccessDeniedException"))
    if world.stack.update(wanted("orders")):
        pytest.fail(f"{call} was not made: {world.calls[-1]}")
    assert world.reason.startswith(f"AccessDenied: {named}: AccessDeniedException: ")
    assert differences("gone back", before, world.cloud.inventory()) == []


# What was once found to go wrong


def test_a_rollback_restores_the_policy_of_an_update_that_died_right_after_changing_it() -> None:
    world = World().created()
    before = world.cloud.inventory()
    world.once("create_policy_version", kill_after)
    world.stack.may_be_ended = True
    assert not world.stack.update(another_folder("orders"))
    assert differences("gone back", before, world.cloud.inventory()) == []


@pytest.mark.parametrize("call", ["create_role", "attach_role_policy"])
def test_a_create_that_fails_within_iams_lag_is_answered_once_its_delete_can_see_the_pieces(call: str) -> None:
    world = World(iam_lag_seconds=20.0)
    world.once(call, refuse("LimitExceeded"))
    no_endpoint_of(world)


def test_what_was_made_a_moment_ago_may_be_denied_until_its_tags_are_seen() -> None:
    world = World()
    world.once("attach_role_policy", refuse("AccessDenied"))
    world.created()


def test_a_failure_that_can_not_be_seen_to_show_is_answered_with_its_own_reason(
    caplog: pytest.LogCaptureFixture,
) -> None:
    world = World()
    denied: Happenings = {("get_role", nth): refuse("AccessDenied") for nth in range(3, 9)}
    world.stack.disturbance = lambda _event: world.cloud.happenings.update(
        denied | {("attach_role_policy", 1): refuse("LimitExceeded")}
    )
    with caplog.at_level(logging.WARNING):
        no_endpoint_of(world)
    assert world.reason.startswith("LimitExceeded: attach-role-policy orders-role orders-policy: ")
    (record,) = [each for each in caplog.records if each.message == "Not known to be seen"]
    assert vars(record)["cause"].startswith("AccessDenied: get-role orders-role: ")


def test_an_answer_does_not_wait_for_ever_for_what_may_never_show() -> None:
    world = World()
    world.once("create_endpoint", lose_answer)
    no_endpoint_of(world)
    assert 30.0 < world.cloud.clock.now < 40.0


def test_a_create_that_iam_refuses_outright_is_answered_at_once() -> None:
    world = World()
    world.once("create_policy", refuse("AccessDenied"))
    no_endpoint_of(world)
    assert world.cloud.clock.now < 5.0


@pytest.mark.parametrize("call", ["create_policy", "create_role"])
def test_what_exists_and_does_not_show_yet_is_waited_for(call: str) -> None:
    world = World(iam_lag_seconds=20.0)
    world.once(call, lambda effect: (effect(), effect())[1])
    assert world.stack.create(OURS)
    assert world.is_as_believed()


def test_an_endpoint_that_an_answer_lost_and_describe_does_not_show_yet_is_not_left() -> None:
    world = World(first_create="keeps", describe_lag_seconds=20.0)
    world.once("create_endpoint", lose_answer)
    no_endpoint_of(world)


def test_an_external_id_that_nothing_tells_any_more_is_had_by_another_create() -> None:
    world = World().created()
    world.cloud.iam.roles.clear()
    world.cloud.iam.policies.clear()
    world.cloud.switch(describe_tells_external_id=False)
    assert world.stack.update(same("orders"))
    world.cloud.switch(describe_tells_external_id=True)
    assert world.is_as_believed()


def test_an_external_id_that_was_in_a_lost_answer_alone_is_had_by_another_create() -> None:
    world = World(describe_tells_external_id=False, external_id="per_call").created()
    world.once("create_endpoint", lambda effect: (effect(), effect())[1])
    assert world.stack.update(another_folder("orders"))
    world.cloud.switch(describe_tells_external_id=True)
    assert world.is_as_believed()


def test_a_role_that_iam_does_not_know_and_then_shows_is_deleted() -> None:
    world = World().created()
    world.once("delete_role", refuse("NoSuchEntity"))
    assert world.stack.delete()
    assert world.cloud.inventory() == {}


def test_the_rollback_of_a_replacement_goes_on_until_nothing_of_it_appears() -> None:
    world = World().created()
    world.once("create_endpoint", kill_after)
    world.stack.may_be_ended = True
    assert not world.stack.update(another_endpoint("orders"))
    assert world.is_as_believed()
    assert not [arn for arn in world.cloud.inventory() if "orders-2" in arn]


def test_the_attributes_are_those_of_what_stands() -> None:
    world = World().created()
    (endpoint,) = [each for each in world.cloud.inventory().values() if "EndpointArn" in each]
    assert world.answers[-1]["Data"] == {
        "EndpointArn": ENDPOINT_ARN,
        "EndpointIdentifier": "orders",
        "ExternalId": endpoint["ExternalId"],
        "RoleArn": ROLE_ARN,
        "RoleName": "orders-role",
        "PolicyArn": ROLE_ARN.replace(":role/", ":policy/").replace("-role", "-policy"),
        "BucketName": BUCKET,
        "Environment": "dev",
        "Generation": "",
    }
    assert json.dumps(world.answers[-1])


def test_a_life_that_only_its_endpoint_names_is_found() -> None:
    world = World().created()
    world.cloud.iam.roles.clear()
    world.cloud.iam.policies.clear()
    (endpoint,) = world.cloud.inventory().values()
    accounts = world.cloud.deployment(Request.read(make_event("Update"))).accounts
    owner, nobody = Owner(STACK_ID, "Endpoint", "dev/orders"), Owner(STACK_ID, "Endpoint", "dev/another")
    assert find_life(owner, "orders", Named(), accounts) == endpoint["tags"][LIFE]
    assert find_life(nobody, "orders", Named(), accounts) is None
