"""What lives and lease once got wrong, each by its name: undo, clean-up, cancelled Creates, drift, imports."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import Any
from unittest import mock

import pytest
from botocore.model import Shape, StringShape

from development.faults.inventory import Inventory
from development.faults.run import faults_of_standing
from development.faults.scenarios import another_folder, properties, retagged
from development.faults.stack import LOGICAL_ID, Answer, Event, Properties
from dms_s3_endpoint.cloudformation.event import Event as Request
from dms_s3_endpoint.model import lives, s3_settings
from dms_s3_endpoint.model.comparison import changed, changed_by_hand, made_with, snapshot
from dms_s3_endpoint.model.lives import EARLIER_LIVES_KEPT, UNRECORDED, Life, Record, State
from dms_s3_endpoint.model.ownership import ADOPTED, LIFE, Owner
from dms_s3_endpoint.model.parse import parse
from dms_s3_endpoint.model.pieces import LiveEndpoint
from dms_s3_endpoint.procedure.lease import Lease
from dms_s3_endpoint.procedure.observe import find_endpoint

from . import version_1
from .builders import DMS, ENVIRONMENTS, LEASE_CALLS, STACK_ID, make_client_error, make_event, make_url
from .in_memory import CloudInMemory, kill_after, kill_before, refuse
from .test_adoption import ByHand, adopting
from .wire import READS, Happening

pytestmark = pytest.mark.usefixtures("in_memory")
A, B, C = properties("orders"), properties("orders-2"), properties("orders-3")
INVENTED, INSTANCE = "orders-Endpoint-1A2B3C4D5E6F", f"arn:aws:dms:eu-west-1:{DMS}:rep:TESTS"
RETAGGED, OTHER_FOLDER = retagged("orders"), another_folder("orders")
# Less than the shortest ServiceTimeout that is reasonable, and more than the wait for a request that was killed.
SOON = 90.0


class Resource:
    """One resource of a stack: CloudFormation's requests for it, and what stands of it."""

    def __init__(self, cloud: CloudInMemory | None = None, logical_id: str = LOGICAL_ID, stack_id: str = STACK_ID):
        self.cloud = cloud or CloudInMemory()
        self.cloud.on_end = self._note
        self.calls: list[str] = []
        # How long the last request took.
        self.seconds = 0.0
        self._ids = {"StackId": stack_id, "LogicalResourceId": logical_id}

    def _note(self, _event: Event, calls: list[str], _answers: list[Answer]) -> None:
        self.calls = [call for call in calls if call not in LEASE_CALLS]

    def send(self, kind: str, given: Properties, **known: Any) -> Answer:
        """The answer; empty if there is none."""
        self.cloud.clock.now += 10.0
        began = self.cloud.clock.now
        event = {"RequestType": kind, "ResourceProperties": given, "ResponseURL": make_url(began)}
        answers = self.cloud.deliver(event | {"RequestId": str(uuid.uuid4())} | self._ids | known)
        self.seconds = self.cloud.clock.now - began
        return next(iter(answers), {})

    def create(self, given: Properties) -> Answer:
        return self.send("Create", given)

    def update(self, old: Properties, new: Properties, physical_id: str = "") -> Answer:
        return self.send("Update", new, OldResourceProperties=old, PhysicalResourceId=physical_id or id_of(old))

    def delete(self, given: Properties, physical_id: str = "") -> Answer:
        return self.send("Delete", given, PhysicalResourceId=physical_id or id_of(given))

    def created(self, given: Properties) -> Resource:
        assert succeeded(self.create(given))
        return self

    def replaced(self, old: Properties, new: Properties) -> Resource:
        """Without the clean-up, which deletes the old one."""
        assert succeeded(self.update(old, new))
        return self

    def kill(self, call: str, nth: int = 1, how: Happening = kill_after) -> None:
        """The function at this call of the next request."""
        self.cloud.happenings = {(call, nth): how}

    def lose_answer(self) -> None:
        """Of the next request: CloudFormation's bucket does not take it."""
        self.cloud.takes_answer = False

    def put_task_on(self, identifier: str) -> None:
        self.cloud.dms.tasks[f"nightly-{identifier}"] = f"arn:aws:dms:eu-west-1:{DMS}:endpoint:{identifier}"

    def remove_tasks(self) -> None:
        self.cloud.dms.tasks.clear()

    def live(self, identifier: str = "orders") -> Any:
        """The endpoint, as DMS keeps it."""
        (found,) = [each for each in self.cloud.dms.endpoints.standing() if each.identifier == identifier]
        return found

    def inventory(self) -> Inventory:
        return self.cloud.inventory()

    @property
    def endpoints(self) -> list[str]:
        return sorted(each.identifier for each in self.cloud.dms.endpoints.standing())

    @property
    def changes(self) -> list[str]:
        """The changing calls of the last request."""
        return [call for call in self.calls if not call.startswith(READS)]

    @property
    def stored(self) -> str:
        """What the item tells of its lives."""
        (item,) = (self.cloud.dynamodb.items or {}).values()
        return str(item["record"]["S"])


def of_a_newer_dms() -> Resource:
    """Where DMS takes attributes that neither its documentation nor an SDK has."""
    cloud = CloudInMemory()
    cloud.switch(unknown_attributes="accepted")
    return Resource(cloud)


def id_of(given: Properties) -> str:
    return f"{given['ENVIRONMENT']}/{given['ENDPOINTIDENTIFIER']}"


def succeeded(answer: Answer) -> bool:
    return answer.get("Status") == "SUCCESS"


def all_succeeded(*answers: Answer) -> bool:
    return all(succeeded(answer) for answer in answers)


# The current endpoint: its Delete is never an undo


def test_the_last_delete_removes_the_endpoint_that_a_rollback_went_back_to_though_its_clean_up_was_killed() -> None:
    resource = Resource().created(A).replaced(A, B).replaced(B, A)
    resource.kill("get_item", how=kill_before)
    assert resource.delete(B) == {}
    assert succeeded(resource.delete(A))
    assert resource.endpoints == ["orders-2"]


def test_the_last_delete_removes_an_endpoint_that_was_retained_and_taken_up_again() -> None:
    resource = Resource().created(A).replaced(A, B).replaced(B, A)
    assert succeeded(resource.delete(A))
    assert resource.endpoints == ["orders-2"]


def test_the_undo_of_a_replacement_still_leaves_what_was_retained_before() -> None:
    resource = Resource().created(A).replaced(A, B).replaced(B, A)
    before = resource.inventory()
    resource.replaced(A, B)
    assert succeeded(resource.delete(A))
    assert resource.inventory() == before


def test_once_the_clean_up_came_what_was_taken_up_is_deleted_by_the_next_one() -> None:
    resource = Resource().created(A).replaced(A, B).replaced(B, C).replaced(C, A)
    assert succeeded(resource.delete(C))
    resource.replaced(A, B)
    assert succeeded(resource.delete(A))
    assert resource.endpoints == ["orders-2"]


# Condemned lives: a Delete failed or was skipped, as a task holds the endpoint


def condemned() -> Resource:
    """Only A, without its task from now on if that is removed."""
    resource = Resource().created(A)
    resource.put_task_on("orders")
    reason = resource.delete(A)["Reason"]
    assert reason.startswith("EndpointInUse: delete-endpoint orders: used by task ")
    assert reason.endswith("Delete these first (stopping them is not enough), then delete again")
    return resource


def condemned_beside_b() -> Resource:
    resource = Resource().created(A).replaced(A, B)
    resource.put_task_on("orders")
    assert resource.delete(A)["Reason"].startswith("EndpointInUse: ")
    return resource


def test_it_does_not_wedge_the_undo_of_the_next_create() -> None:
    resource = condemned()
    before = resource.inventory()
    resource.kill("create_endpoint", 2)
    assert resource.create(B) == {}
    assert succeeded(resource.delete(B, INVENTED))
    assert (resource.inventory(), resource.seconds < SOON) == (before, True)


def test_no_request_beside_it_waits_for_its_task() -> None:
    resource = condemned()
    assert succeeded(resource.create(B))
    created_in = resource.seconds
    assert succeeded(resource.update(B, {**B, "TAGS": []}))
    assert max(created_in, resource.seconds) < SOON


def test_a_rollback_beside_it_does_not_wait_for_its_task() -> None:
    resource, refused = condemned_beside_b(), {**OTHER_FOLDER, **{key: B[key] for key in B if key != "S3SETTINGS"}}
    resource.cloud.happenings = {("create_policy_version", 1): refuse("AccessDenied")}
    assert not succeeded(resource.update(B, refused))
    assert succeeded(resource.update(refused, B))
    assert resource.seconds < SOON


def test_its_names_are_taken_while_the_task_is_there_and_nothing_is_lost_by_trying() -> None:
    resource = condemned()
    before = resource.inventory()
    refused = resource.create(A)
    assert refused["Reason"].startswith("NameTaken: ")
    assert succeeded(resource.delete(A, refused["PhysicalResourceId"]))
    assert resource.inventory() == before


def test_once_the_task_is_gone_its_names_are_free_for_a_create() -> None:
    resource = condemned()
    resource.remove_tasks()
    assert succeeded(resource.create(A))
    assert faults_of_standing(resource.inventory(), "dev/orders") == []


def test_once_the_task_is_gone_its_names_are_free_for_the_update_that_wants_them() -> None:
    resource = condemned_beside_b()
    resource.remove_tasks()
    assert succeeded(resource.update(B, {**B, "ROLENAME": A["ROLENAME"], "POLICYNAME": A["POLICYNAME"]}))
    assert sorted(resource.cloud.iam.roles) == ["orders-role"]
    assert resource.endpoints == ["orders-2"]


def test_the_last_delete_fails_if_it_can_not_remove_it_though_another_one_is_retained() -> None:
    resource = Resource().created(A).replaced(A, B).replaced(B, C)
    resource.put_task_on("orders-2")
    assert not succeeded(resource.delete(B))
    assert resource.delete(C)["Reason"].startswith("EndpointInUse: delete-endpoint orders-2: ")
    resource.remove_tasks()
    assert succeeded(resource.delete(C))
    assert resource.endpoints == ["orders"]


# A replacement whose answer was lost


def replaced_unheard() -> Resource:
    resource = Resource().created(A)
    resource.lose_answer()
    return resource.replaced(A, B)


def test_it_is_undone_though_it_stood_when_the_update_was_tried_again() -> None:
    resource = replaced_unheard().replaced(A, B).replaced(B, A)
    assert succeeded(resource.delete(B))
    assert resource.endpoints == ["orders"]
    assert succeeded(resource.delete(A))
    assert resource.inventory() == {}


def test_it_goes_with_the_next_update_that_names_the_old_endpoint() -> None:
    resource = replaced_unheard()
    assert succeeded(resource.update(A, RETAGGED))
    assert resource.endpoints == ["orders"]
    assert len(resource.inventory()) == 3


def test_without_such_an_update_it_stays_and_the_delete_of_the_old_endpoint_removes_that_alone() -> None:
    """Out of reach, as docs/guarantees.md says."""
    resource = replaced_unheard()
    assert succeeded(resource.delete(A))
    assert resource.endpoints == ["orders-2"]


# A rollback needs nothing that only the given-up replacement needs


def deny_roles(resource: Resource, _monkeypatch: pytest.MonkeyPatch) -> None:
    resource.cloud.unreachable = {"prod"}


def undeploy(_resource: Resource, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(ENVIRONMENTS, "prod")


def put_task_on_replacement(resource: Resource, _monkeypatch: pytest.MonkeyPatch) -> None:
    resource.put_task_on("orders-2")


@pytest.mark.parametrize("prevent", [deny_roles, undeploy, put_task_on_replacement])
def test_a_rollback_succeeds_though_what_the_killed_replacement_left_can_not_be_removed(
    prevent: Callable[[Resource, pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(ENVIRONMENTS, "prod", replace(ENVIRONMENTS["dev"], name="prod"))
    resource, in_prod = Resource().created(A), {**B, "ENVIRONMENT": "prod"}
    resource.kill("create_endpoint", 2)
    assert resource.update(A, in_prod) == {}
    prevent(resource, monkeypatch)
    assert succeeded(resource.update(in_prod, A, id_of(A)))
    assert (resource.endpoints, resource.seconds < SOON) == (["orders", "orders-2"], True)
    # Later it can be.
    monkeypatch.setitem(ENVIRONMENTS, "prod", replace(ENVIRONMENTS["dev"], name="prod"))
    resource.cloud.unreachable = set()
    resource.remove_tasks()
    assert succeeded(resource.update(A, RETAGGED))
    assert resource.endpoints == ["orders"]


def test_the_rollback_of_an_update_that_succeeded_tests_no_connection_from_an_instance_that_is_gone() -> None:
    """Another resource of the stack failed."""
    old = {**A, "TESTREPLICATIONINSTANCEARN": INSTANCE}
    new = {**OTHER_FOLDER, "TESTREPLICATIONINSTANCEARN": f"{INSTANCE}2"}
    resource = Resource().created(old)
    assert succeeded(resource.update(old, new))
    assert "test_connection" in resource.calls
    for _attempt in ("the rollback", "the rollback once more"):
        resource.cloud.happenings = {("test_connection", 1): refuse("ResourceNotFoundFault")}
        assert succeeded(resource.update(new, old))
        assert "test_connection" not in resource.calls
    assert resource.live().settings["BucketFolder"] == "orders"


# A Create whose answer was lost, or that was killed, and a Create after it (--disable-rollback)


def test_the_delete_of_a_create_that_another_one_overtook_does_not_mean_that_one() -> None:
    resource = Resource()
    resource.kill("create_endpoint")
    resource.create(A)
    assert succeeded(resource.create(A))
    before = resource.inventory()
    assert succeeded(resource.delete(A, INVENTED))
    assert resource.inventory() == before
    assert succeeded(resource.delete(A))
    assert resource.inventory() == {}


def test_once_each_overtaken_create_had_its_delete_the_next_one_means_the_last_create() -> None:
    resource = Resource()
    resource.kill("create_endpoint")
    resource.create(A)
    resource.lose_answer()
    resource.created(A)
    assert all_succeeded(resource.delete(A, INVENTED), resource.delete(A, INVENTED))
    assert resource.inventory() == {}


def test_a_second_create_leaves_what_the_first_made_if_its_answer_was_delivered() -> None:
    """It counts as retained, as docs/guarantees.md says: the names are taken, and no Delete takes it for its own."""
    resource = Resource().created(A)
    before = resource.inventory()
    assert resource.create(A)["Reason"].startswith("NameTaken: ")
    assert succeeded(resource.delete(A, INVENTED))
    assert resource.inventory() == before


# The item has 400 KB


def long(name: str) -> dict[str, Any]:
    """Properties with as much text as they may have."""
    tags = [{"Key": f"key-{number:02}-{'x' * 120}", "Value": "v" * 250} for number in range(44)]
    attributes = ";".join(f"attribute{number}={'y' * 200}" for number in range(40))
    settings = {"BUCKETNAME": "data-lake-dev", "BUCKETFOLDER": "f" * 500, "CSVNULLVALUE": "n" * 2000}
    return properties(name, TAGS=tags, EXTRACONNECTIONATTRIBUTES=attributes, S3SETTINGS=settings)


def test_it_does_not_grow_with_the_creates_whose_endpoints_were_retained() -> None:
    resource = of_a_newer_dms().created(long("orders-0"))
    size = len(resource.stored)
    for number in range(1, 14):
        resource.created(long(f"orders-{number}"))
    assert len(resource.stored) < size + 5_000


def test_it_does_not_grow_without_end_with_the_replacements_whose_endpoints_were_retained() -> None:
    resource = of_a_newer_dms().created(long("orders-0"))
    for number in range(1, 14):
        resource.replaced(long(f"orders-{number - 1}"), long(f"orders-{number}"))
    assert len(Record.from_json(resource.stored).lives) == 1 + EARLIER_LIVES_KEPT
    assert len(resource.stored) < 250_000


# Drift: what is no reason to create an endpoint anew, with and without a task on it


def keeps_endpoint(resource: Resource, has_task: bool) -> bool:
    """Whether an update of the tags and its rollback keep the endpoint."""
    kept = resource.live()
    if has_task:
        resource.put_task_on("orders")
    assert all_succeeded(resource.update(A, RETAGGED), resource.update(RETAGGED, A))
    return resource.live() is kept


@pytest.mark.parametrize("status", ["failed", "inactive", "testing", "upgrading", "deleting"])
def test_no_status_of_an_endpoint_with_a_task_wedges_an_update_of_the_tags_or_its_rollback(status: str) -> None:
    resource = Resource().created(A)
    resource.live().status = status
    assert keeps_endpoint(resource, has_task=True)


@pytest.mark.parametrize("status", ["testing", "upgrading", "modifying"])
def test_a_passing_status_is_no_reason_without_a_task_either(status: str) -> None:
    resource = Resource().created(A)
    resource.live().status = status
    assert keeps_endpoint(resource, has_task=False)


@pytest.mark.parametrize("is_deleted", [True, False])
def test_an_external_id_that_nothing_shows_any_more_wedges_no_update_of_an_endpoint_with_a_task(
    is_deleted: bool,
) -> None:
    resource = Resource()
    resource.cloud.switch(describe_tells_external_id=False)
    resource.created(A)
    if is_deleted:
        del resource.cloud.iam.roles["orders-role"]
    else:
        resource.cloud.iam.roles["orders-role"]["AssumeRolePolicyDocument"] = {"Statement": []}
    assert keeps_endpoint(resource, has_task=True)


@contextmanager
def another_sdk(**changes: Shape | None) -> Iterator[None]:
    """One that knows these settings, or not: None."""
    found = {name: shape for name, shape in {**s3_settings.members(), **changes}.items() if shape is not None}
    names = {name.upper(): name for name in found} | s3_settings.ALIASES
    with ExitStack() as patched:
        for reader in ("s3_settings", "comparison", "endpoint", "attributes"):
            patched.enter_context(mock.patch(f"dms_s3_endpoint.model.{reader}.members", return_value=found))
        for reader in ("s3_settings", "comparison", "attributes", "parse"):
            patched.enter_context(mock.patch(f"dms_s3_endpoint.model.{reader}.canonical_names", return_value=names))
        yield


TEXT = StringShape("NewOne", {"type": "string"})


@pytest.mark.parametrize("has_task", [True, False])
def test_an_sdk_that_learns_a_setting_that_was_an_unknown_attribute_is_no_reason(has_task: bool) -> None:
    given = {**A, "EXTRACONNECTIONATTRIBUTES": "newOne=abc"}
    resource, new = of_a_newer_dms().created(given), {**given, "TAGS": []}
    kept = resource.live()
    if has_task:
        resource.put_task_on("orders")
    with another_sdk(NewOne=TEXT):
        assert all_succeeded(resource.update(given, new), resource.update(new, given))
    assert resource.live() is kept


@pytest.mark.parametrize(
    ("name", "default"), [("MaxFileSize", 1_048_576), ("CdcMaxBatchInterval", 60), ("GlueCatalogGeneration", False)]
)
def test_a_default_that_dms_did_not_show_before_is_no_reason(name: str, default: Any) -> None:
    resource = Resource().created(A)
    resource.live().settings = {**resource.live().settings, name: default}
    assert keeps_endpoint(resource, has_task=False)


def test_an_older_sdk_that_shows_a_setting_less_is_no_reason() -> None:
    """The function's release was rolled back."""
    resource = Resource().created(A)
    kept = resource.live()
    kept.settings = {**kept.settings, "NewOne": "shown"}
    # So that the next request takes what it finds as the baseline.
    resource.cloud.dynamodb.items = {}
    with another_sdk(NewOne=TEXT):
        assert succeeded(resource.update(A, RETAGGED))
    assert "NewOne" in resource.stored
    kept.settings = {name: value for name, value in kept.settings.items() if name != "NewOne"}
    assert succeeded(resource.update(RETAGGED, A))
    assert resource.live() is kept


@pytest.mark.parametrize("has_task", [True, False])
def test_an_older_sdk_that_no_longer_knows_what_is_given_as_an_attribute_is_no_reason(has_task: bool) -> None:
    given = {**A, "EXTRACONNECTIONATTRIBUTES": "newOne=abc"}
    resource, new = of_a_newer_dms(), {**given, "TAGS": []}
    with another_sdk(NewOne=TEXT):
        resource.created(given)
    kept = resource.live()
    if has_task:
        resource.put_task_on("orders")
    assert all_succeeded(resource.update(given, new), resource.update(new, given))
    assert resource.live() is kept


def test_what_somebody_made_his_own_is_not_taken_for_ours_by_its_arn() -> None:
    dms, owner = mock.Mock(), Owner(STACK_ID, LOGICAL_ID, "dev/orders", "create")
    dms.find_endpoint.return_value = None
    dms.endpoint_at.return_value = ours = replace(live(), tags=owner.tags("fingerprint"))
    assert find_endpoint("orders", owner, "arn", dms) == ours
    dms.endpoint_at.return_value = replace(ours, tags={**ours.tags, LIFE: "of another"})
    assert find_endpoint("orders", owner, "arn", dms) is None


def modify_by_hand(resource: Resource) -> None:
    resource.live().settings = {**resource.live().settings, "BucketFolder": "by-hand"}


@pytest.mark.parametrize("happens", [refuse("AccessDenied"), kill_before])
def test_drift_is_mended_by_the_rollback_of_an_update_that_failed_before_it_touched_the_endpoint(
    happens: Happening,
) -> None:
    resource = Resource().created(A)
    modify_by_hand(resource)
    resource.kill("create_policy_version", how=happens)
    assert not succeeded(resource.update(A, OTHER_FOLDER))
    assert succeeded(resource.update(OTHER_FOLDER, A))
    assert resource.live().settings["BucketFolder"] == "orders"


def test_an_endpoint_whose_identifier_was_changed_by_hand_gets_it_back() -> None:
    resource = Resource().created(A)
    resource.live().identifier = "by-hand"
    assert all_succeeded(resource.update(A, RETAGGED), resource.update(RETAGGED, A))
    assert resource.endpoints == ["orders"]


def test_with_a_task_on_it_it_keeps_the_identifier_that_was_changed_by_hand() -> None:
    resource = Resource().created(A)
    resource.live().identifier = "by-hand"
    resource.put_task_on("orders")
    assert all_succeeded(resource.update(A, RETAGGED), resource.update(RETAGGED, A))
    assert resource.endpoints == ["by-hand"]


def test_an_endpoint_whose_identifier_was_changed_by_hand_is_deleted() -> None:
    resource = Resource().created(A)
    resource.live().identifier = "by-hand"
    assert succeeded(resource.delete(A))
    assert resource.inventory() == {}


def test_an_endpoint_that_lost_its_life_by_hand_is_nobodys() -> None:
    """Out of reach, as docs/guarantees.md says: nothing of it is changed, and a Delete leaves it."""
    resource = Resource().created(A)
    del resource.live().tags[LIFE]
    before = resource.inventory()
    assert resource.update(A, RETAGGED)["Reason"].startswith("NameTaken: endpoint orders ")
    assert resource.inventory() == before
    assert succeeded(resource.delete(A))
    assert resource.endpoints == ["orders"]


def test_properties_that_are_refused_by_now_change_nothing_and_are_deleted_all_the_same() -> None:
    resource, refused = Resource().created(A), {**A, "S3SETTINGS": {**A["S3SETTINGS"], "DATAFORMAT": "orc"}}
    before = resource.inventory()
    assert resource.update(refused, {**refused, "TAGS": []}, id_of(A))["Reason"].startswith("InvalidRequest: ")
    assert (resource.changes, resource.inventory()) == ([], before)
    assert succeeded(resource.delete(refused))
    assert resource.inventory() == {}


# Imports


def marked(inventory: Inventory) -> int:
    return sum(ADOPTED in piece["tags"] for piece in inventory.values())


def takes_adopt_out_and_rolls_back(resource: Resource, given: Mapping[str, Any]) -> Inventory:
    """What stands then, after it was as it is without ADOPT."""
    out = {key: value for key, value in given.items() if key != "ADOPT"}
    assert succeeded(resource.update(given, out))
    assert marked(resource.inventory()) == 0
    assert succeeded(resource.update(out, given))
    return resource.inventory()


def test_an_import_whose_item_was_lost_is_given_back_after_adopt_was_taken_out_and_rolled_back() -> None:
    world, given = ByHand(), adopting()
    resource = Resource(world.cloud).created(given)
    resource.cloud.dynamodb.items = {}
    assert marked(takes_adopt_out_and_rolls_back(resource, given)) == 3
    assert succeeded(resource.delete(given))
    assert world.is_as_made()


@pytest.mark.parametrize("name", ["adopted", "adopted_with_tags"])
@pytest.mark.parametrize("is_updated_before", [True, False])
def test_so_is_what_version_1_0_0_imported(name: str, is_updated_before: bool) -> None:
    made, cloud = version_1.Record.read(name), CloudInMemory()
    made.put_into(cloud)
    resource, given = Resource(cloud, made.logical_id, made.stack_id), made.properties
    arns = set(resource.inventory())
    if is_updated_before:
        assert succeeded(resource.update(given, given))
    assert marked(takes_adopt_out_and_rolls_back(resource, given)) == 3
    assert succeeded(resource.delete(given))
    assert (set(resource.inventory()), marked(resource.inventory())) == (arns, 0)


# That an answer was delivered


class Delivery:
    """A Create of a new resource that has ended, and what the table has of it."""

    def __init__(self) -> None:
        self.cloud = CloudInMemory()
        self.lease = self.new_lease("first")
        self.lease.acquire(is_create=True)
        self.lease.end(lives.Answer("first", "dev/orders"))

    def new_lease(self, request_id: str) -> Lease:
        event = make_event("Create", RequestId=request_id, ResponseURL=make_url(self.cloud.clock.now))
        return self.cloud.deployment(Request.read(event)).lease

    @property
    def stored(self) -> Record:
        (item,) = (self.cloud.dynamodb.items or {}).values()
        return Record.from_json(item["record"]["S"])


def test_it_is_noted_of_a_create_and_the_record_of_its_end_stays() -> None:
    delivery = Delivery()
    assert delivery.stored.open_create == "first"
    ended = delivery.lease.record
    delivery.lease.note_delivered()
    assert delivery.stored.open_create == ""
    assert delivery.lease.record == delivery.stored == replace(ended, open_create="")


def test_it_is_not_noted_of_a_create_that_another_one_overtook() -> None:
    delivery = Delivery()
    delivery.new_lease("second").acquire(is_create=True)
    delivery.lease.note_delivered()
    assert delivery.stored.open_create == "second"


@pytest.mark.parametrize("code", ["ThrottlingException", "AccessDeniedException"])
def test_if_it_can_not_be_noted_nothing_fails(code: str, caplog: pytest.LogCaptureFixture) -> None:
    delivery = Delivery()
    with mock.patch.object(delivery.cloud.dynamodb, "put_item", side_effect=make_client_error(code)):
        delivery.lease.note_delivered()
    assert delivery.stored.open_create == "first"
    assert "That the answer was delivered is not recorded" in caplog.text


def test_nothing_is_written_where_there_is_nothing_to_note() -> None:
    delivery = Delivery()
    delivery.lease.note_delivered()
    with mock.patch.object(delivery.cloud.dynamodb, "put_item", side_effect=AssertionError):
        delivery.lease.note_delivered()


def test_without_a_lease_there_is_nothing_to_note() -> None:
    cloud = CloudInMemory()
    cloud.deployment(Request.read(make_event("Create"))).lease.note_delivered()
    assert cloud.dynamodb.items == {}


def test_an_update_that_names_a_life_has_heard_of_its_create() -> None:
    resource = Resource()
    resource.lose_answer()
    resource.created(A)
    assert succeeded(resource.update(A, RETAGGED))
    assert Record.from_json(resource.stored).open_create == ""


# The rules alone

CREATED = Life("create", "dev/orders", State.STANDS, of_create=True, issued=1000.0, succeeded_with=("its properties",))
BEGUN = Life("update", "dev/new", State.BEGUN)
CONDEMNED = Life("old", "dev/old", State.CONDEMNED)
KNOWN = [Life(str(number), f"dev/{number}", State.STANDS, is_known=True) for number in range(EARLIER_LIVES_KEPT + 2)]


def test_what_succeeded_is_the_current_life_and_stands_last() -> None:
    record = lives.succeeded(Record((CREATED, BEGUN)), CREATED)
    assert (record.current, record.lives) == ("dev/orders", (BEGUN, CREATED))


def test_of_the_known_lives_beside_it_only_the_last_are_kept() -> None:
    *earlier, last = KNOWN
    assert lives.succeeded(Record(tuple(earlier)), last).lives == (*earlier[-EARLIER_LIVES_KEPT:], last)
    few = tuple(earlier[-EARLIER_LIVES_KEPT:])
    assert lives.succeeded(Record(few), last).lives == (*few, last)


def test_no_life_that_is_to_be_removed_is_forgotten_for_that() -> None:
    """What is begun or condemned, and what no event has named."""
    owed = (BEGUN, CONDEMNED, replace(CREATED, id="unheard"))
    record = lives.succeeded(Record((*owed, *KNOWN)), CREATED)
    assert record.lives[: len(owed)] == owed
    assert len(record.lives) == len(owed) + EARLIER_LIVES_KEPT + 1


def test_a_create_lets_go_what_the_last_one_made_if_nobody_knows_whether_that_was_heard_of() -> None:
    record = lives.let_go(Record((CREATED,), open_create="create"), "another")
    assert (record.lives, record.overtaken_creates) == ((), 1)


def test_a_create_that_is_delivered_again_overtakes_nothing() -> None:
    record = lives.let_go(Record((CREATED,), open_create="create"), "create")
    assert (record.lives, record.open_create, record.overtaken_creates) == ((CREATED,), "create", 0)


def test_each_create_that_was_not_heard_of_is_counted() -> None:
    record = Record()
    for request_id in ("first", "second", "third"):
        record = lives.let_go(record, request_id)
    assert (record.open_create, record.overtaken_creates) == ("third", 2)
    assert lives.let_go(lives.heard(record), "fourth").overtaken_creates == 2


def test_a_request_that_shows_that_the_create_was_heard_of_changes_nothing_else() -> None:
    record = Record((CREATED,), open_create="create", overtaken_creates=2, current="dev/orders")
    assert lives.heard(record) == replace(record, open_create="")


def test_while_a_create_is_overtaken_an_invented_id_means_no_create_that_succeeded() -> None:
    assert lives.cancelled(Record((CREATED,), overtaken_creates=1), "its properties", 1100.0) == []
    assert lives.cancelled(Record((CREATED,)), "its properties", 1100.0) == [CREATED]


def test_of_a_create_of_which_nobody_knows_that_it_means_what_is_unfinished_alone() -> None:
    """The Delete is that of the Create before, and the last one may have been answered."""
    record = Record((CREATED, BEGUN), open_create="create", overtaken_creates=1)
    assert lives.cancelled(record, "its properties", 1100.0) == [BEGUN]


def test_each_delete_of_an_invented_id_is_that_of_one_overtaken_create() -> None:
    record = Record((CREATED,), open_create="create", overtaken_creates=2)
    after = lives.delete_came(record)
    assert after == replace(record, open_create="", overtaken_creates=1)
    assert lives.delete_came(lives.delete_came(after)).overtaken_creates == 0


def test_a_replacement_that_comes_to_a_life_that_no_event_named_is_not_undone_by_leaving_it() -> None:
    assert lives.taken_up(replace(CREATED, is_known=False)).stood_before == ""
    assert lives.taken_up(replace(CREATED, is_known=True)).stood_before == State.STANDS


def test_a_condemned_life_was_known_by_its_delete() -> None:
    assert lives.taken_up(replace(CONDEMNED, is_known=False)).stood_before == State.CONDEMNED


def live(**settings: Any) -> LiveEndpoint:
    return LiveEndpoint("arn", "orders", "active", "role", "one", {"BucketName": "data-lake-dev", **settings}, {})


def test_what_an_older_sdk_does_not_know_any_more_is_no_change_by_hand_and_all_else_is() -> None:
    then = snapshot(live(MaxFileSize=7, CdcPath="one"))
    with another_sdk(MaxFileSize=None):
        assert changed_by_hand(then, live(CdcPath="one")) == []
        assert changed_by_hand(then, live(CdcPath="another")) == ["CDCPATH"]


@pytest.mark.parametrize("shown", ["MaxFileSize", "maxFileSize"])
def test_an_older_sdk_may_still_show_it_as_a_connection_attribute(shown: str) -> None:
    then = snapshot(live(MaxFileSize=7))
    with another_sdk(MaxFileSize=None):
        assert changed_by_hand(then, live(**{shown: "7"})) == []


def test_what_an_older_sdk_is_given_as_an_attribute_that_it_does_not_know_is_no_change() -> None:
    before = made_with(parse({**A, "EXTRACONNECTIONATTRIBUTES": "maxFileSize=7"}, ENVIRONMENTS))
    with another_sdk(MaxFileSize=None):
        assert changed(before, parse({**A, "EXTRACONNECTIONATTRIBUTES": "maxFileSize=7"}, ENVIRONMENTS)) == []
        assert changed(before, parse({**A, "EXTRACONNECTIONATTRIBUTES": "maxFileSize=8"}, ENVIRONMENTS)) == [
            "MAXFILESIZE"
        ]


def test_a_life_that_its_pieces_tell_of_is_taken_up_as_one_that_was_known() -> None:
    found = Life(UNRECORDED, "dev/orders", State.STANDS, is_known=True)
    assert lives.taken_up(found).stood_before == State.STANDS
