"""Lives whose clean-up failed: a task holds the old endpoint of a replacement."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from development.faults.scenarios import another_endpoint, another_folder, properties
from development.faults.stack import LOGICAL_ID, Answer, Properties

from .builders import DMS, STACK_ID, make_url
from .in_memory import CloudInMemory

pytestmark = pytest.mark.usefixtures("in_memory")
OLD, NEW = properties("orders"), another_endpoint("orders")
OLD_ID, NEW_ID = "dev/orders", "dev/orders-2"


class Replaced:
    """A resource whose endpoint was replaced, while a task holds the old one."""

    def __init__(self) -> None:
        self.cloud = CloudInMemory()
        self.cloud.dms.tasks["nightly"] = f"arn:aws:dms:eu-west-1:{DMS}:endpoint:orders"
        self.send("Create", OLD)
        self.send("Update", NEW, OldResourceProperties=OLD, PhysicalResourceId=OLD_ID)
        self.clean_up = self.delete(OLD, OLD_ID)

    def send(self, kind: str, given: Properties, **known: Any) -> Answer:
        ids = {"RequestId": str(uuid.uuid4()), "StackId": STACK_ID, "LogicalResourceId": LOGICAL_ID}
        self.cloud.clock.now += 10.0
        event = {"RequestType": kind, "ResourceProperties": given, "ResponseURL": make_url(self.cloud.clock.now)}
        (answer,) = self.cloud.deliver(event | ids | known)
        return answer

    def update(self, old: Properties, new: Properties, physical_id: str = NEW_ID) -> Answer:
        return self.send("Update", new, OldResourceProperties=old, PhysicalResourceId=physical_id)

    def delete(self, given: Properties, physical_id: str) -> Answer:
        return self.send("Delete", given, PhysicalResourceId=physical_id)

    @property
    def endpoints(self) -> list[str]:
        return sorted(arn.rpartition(":")[2] for arn in self.cloud.inventory() if ":endpoint:" in arn)


def test_a_clean_up_that_a_task_prevents_fails_and_names_the_task() -> None:
    replaced = Replaced()
    assert replaced.clean_up["Reason"].startswith("EndpointInUse: delete-endpoint orders: used by task nightly")
    assert replaced.endpoints == ["orders", "orders-2"]


def test_as_long_as_the_task_is_there_later_requests_succeed_and_do_not_wait_for_it() -> None:
    replaced = Replaced()
    began = replaced.cloud.clock.now
    assert replaced.update(NEW, {**NEW, "TAGS": []})["Status"] == "SUCCESS"
    assert replaced.cloud.clock.now - began < 60.0
    assert replaced.endpoints == ["orders", "orders-2"]


def test_once_the_task_is_gone_the_next_request_removes_the_old_endpoint() -> None:
    replaced = Replaced()
    replaced.cloud.dms.tasks.clear()
    assert replaced.update(NEW, {**NEW, "TAGS": []})["Status"] == "SUCCESS"
    assert replaced.endpoints == ["orders-2"]
    assert len(replaced.cloud.inventory()) == 3


def test_an_update_back_takes_it_up_again() -> None:
    replaced = Replaced()
    assert replaced.update(NEW, OLD)["PhysicalResourceId"] == OLD_ID
    assert replaced.delete(NEW, NEW_ID)["Status"] == "SUCCESS"
    assert replaced.endpoints == ["orders"]
    replaced.cloud.dms.tasks.clear()
    assert replaced.update(OLD, another_folder("orders"), OLD_ID)["Status"] == "SUCCESS"
    assert replaced.delete(OLD, OLD_ID)["Status"] == "SUCCESS"
    assert replaced.cloud.inventory() == {}


def test_an_update_back_that_is_rolled_back_leaves_it_with_its_task() -> None:
    replaced = Replaced()
    assert replaced.update(NEW, OLD)["PhysicalResourceId"] == OLD_ID
    assert replaced.update(OLD, NEW, OLD_ID)["PhysicalResourceId"] == NEW_ID
    assert replaced.delete(OLD, OLD_ID)["Status"] == "SUCCESS"
    assert replaced.endpoints == ["orders", "orders-2"]
    replaced.cloud.dms.tasks.clear()
    assert replaced.delete(NEW, NEW_ID)["Status"] == "SUCCESS"
    assert replaced.cloud.inventory() == {}


def test_the_last_delete_fails_until_nothing_holds_it_and_then_leaves_nothing() -> None:
    replaced = Replaced()
    last = replaced.delete(NEW, NEW_ID)
    assert last["Reason"].startswith("EndpointInUse: delete-endpoint orders: used by task nightly")
    assert replaced.endpoints == ["orders"]
    replaced.cloud.dms.tasks.clear()
    assert replaced.delete(NEW, NEW_ID)["Status"] == "SUCCESS"
    assert replaced.cloud.inventory() == {}


def test_a_resource_whose_delete_failed_can_be_replaced_and_the_replacement_rolled_back() -> None:
    replaced = Replaced()
    newest = another_endpoint("invoices")
    assert replaced.update(NEW, OLD)["PhysicalResourceId"] == OLD_ID
    replaced.delete(NEW, NEW_ID)
    assert replaced.delete(OLD, OLD_ID)["Status"] == "FAILED"
    replaced.cloud.dms.tasks.clear()
    assert replaced.update(OLD, newest, OLD_ID)["PhysicalResourceId"] == "dev/invoices-2"
    assert replaced.update(newest, OLD, "dev/invoices-2")["PhysicalResourceId"] == OLD_ID
    assert replaced.delete(newest, "dev/invoices-2")["Status"] == "SUCCESS"
    assert replaced.endpoints == ["orders"]
