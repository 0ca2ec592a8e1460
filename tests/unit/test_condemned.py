"""Lives whose clean-up failed: a task holds the old endpoint of a replacement."""

from __future__ import annotations

import pytest

from development.faults.scenarios import another_endpoint, another_folder, properties

from .test_lives_of_a_resource import Resource

pytestmark = pytest.mark.usefixtures("in_memory")
OLD, NEW = properties("orders"), another_endpoint("orders")
OLD_ID, NEW_ID = "dev/orders", "dev/orders-2"


class Replaced(Resource):
    """A resource whose endpoint was replaced, while a task holds the old one."""

    def __init__(self) -> None:
        super().__init__()
        self.put_task_on("orders")
        self.created(OLD).replaced(OLD, NEW)
        self.clean_up = self.delete(OLD)


def test_a_clean_up_that_a_task_prevents_fails_and_names_the_task() -> None:
    replaced = Replaced()
    assert replaced.clean_up["Reason"].startswith("EndpointInUse: delete-endpoint orders: used by task nightly-orders")
    assert replaced.endpoints == ["orders", "orders-2"]


def test_as_long_as_the_task_is_there_later_requests_succeed_and_do_not_wait_for_it() -> None:
    replaced = Replaced()
    assert replaced.update(NEW, {**NEW, "TAGS": []})["Status"] == "SUCCESS"
    assert replaced.seconds < 60.0
    assert replaced.endpoints == ["orders", "orders-2"]


def test_once_the_task_is_gone_the_next_request_removes_the_old_endpoint() -> None:
    replaced = Replaced()
    replaced.remove_tasks()
    assert replaced.update(NEW, {**NEW, "TAGS": []})["Status"] == "SUCCESS"
    assert replaced.endpoints == ["orders-2"]
    assert len(replaced.inventory()) == 3


def test_an_update_back_takes_it_up_again() -> None:
    replaced = Replaced()
    assert replaced.update(NEW, OLD)["PhysicalResourceId"] == OLD_ID
    assert replaced.delete(NEW)["Status"] == "SUCCESS"
    assert replaced.endpoints == ["orders"]
    replaced.remove_tasks()
    assert replaced.update(OLD, another_folder("orders"))["Status"] == "SUCCESS"
    assert replaced.delete(OLD)["Status"] == "SUCCESS"
    assert replaced.inventory() == {}


def test_an_update_back_that_is_rolled_back_leaves_it_with_its_task() -> None:
    replaced = Replaced()
    assert replaced.update(NEW, OLD)["PhysicalResourceId"] == OLD_ID
    assert replaced.update(OLD, NEW)["PhysicalResourceId"] == NEW_ID
    assert replaced.delete(OLD)["Status"] == "SUCCESS"
    assert replaced.endpoints == ["orders", "orders-2"]
    replaced.remove_tasks()
    assert replaced.delete(NEW)["Status"] == "SUCCESS"
    assert replaced.inventory() == {}


def test_the_last_delete_fails_until_nothing_holds_it_and_then_leaves_nothing() -> None:
    replaced = Replaced()
    last = replaced.delete(NEW)
    assert last["Reason"].startswith("EndpointInUse: delete-endpoint orders: used by task nightly-orders")
    assert replaced.endpoints == ["orders"]
    replaced.remove_tasks()
    assert replaced.delete(NEW)["Status"] == "SUCCESS"
    assert replaced.inventory() == {}


def test_a_resource_whose_delete_failed_can_be_replaced_and_the_replacement_rolled_back() -> None:
    replaced = Replaced()
    newest = another_endpoint("invoices")
    assert replaced.update(NEW, OLD)["PhysicalResourceId"] == OLD_ID
    replaced.delete(NEW)
    assert replaced.delete(OLD)["Status"] == "FAILED"
    replaced.remove_tasks()
    assert replaced.update(OLD, newest)["PhysicalResourceId"] == "dev/invoices-2"
    assert replaced.update(newest, OLD, "dev/invoices-2")["PhysicalResourceId"] == OLD_ID
    assert replaced.delete(newest, "dev/invoices-2")["Status"] == "SUCCESS"
    assert replaced.endpoints == ["orders"]
