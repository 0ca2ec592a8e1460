"""Events that the function works on side by side: orders drawn from a seed, under each variant of AWS."""

from __future__ import annotations

import random
import uuid
from collections.abc import Callable
from typing import Any

import pytest

from development.faults.inventory import Inventory
from development.faults.run import differences, faults_of_standing
from development.faults.scenarios import another_endpoint, another_folder, another_policy, another_role, properties
from development.faults.stack import LOGICAL_ID, Answer, Event, Properties
from development.faults.variants import VARIANTS

from .builders import STACK_ID, make_url
from .in_memory import CloudInMemory
from .races import RacingClock

pytestmark = [pytest.mark.usefixtures("in_memory"), pytest.mark.parametrize("variant", VARIANTS)]
ORDERS = range(2)
OURS = properties("orders")


class World:
    """A cloud in which the next to go on is drawn."""

    def __init__(self, variant: str, order: int) -> None:
        self.draw = random.Random(f"{variant} {order}")  # noqa: S311  # no secret
        self.clock = RacingClock(choose=self.draw.randrange)
        self.cloud = CloudInMemory(self.clock)
        self.cloud.switch(**VARIANTS[variant])

    def send(self, event: Event) -> Answer:
        (answer,) = self.cloud.deliver(self.issued(event, 0.0))
        self.clock.now += 100.0
        return answer

    def race(self, first: Event, second: Event, delays: tuple[float, ...] = (0.0, 0.3, 1.0, 5.0, 20.0, 60.0)) -> Any:
        """The answers; the second event comes a drawn delay after the first."""
        delay = self.draw.choice(delays)
        first, second = self.issued(first, 0.0), self.issued(second, 1.0 + delay)
        works: list[tuple[float, Callable[[], Any]]] = [
            (0.0, lambda: self.answer(first)),
            (delay, lambda: self.answer(second)),
        ]
        answers = self.clock.race(*works)
        self.clock.now += 100.0
        return answers

    def issued(self, event: Event, seconds: float) -> Event:
        """The event with a ResponseURL that is signed so many seconds from now; one that has a URL keeps it."""
        return {"ResponseURL": make_url(self.clock.now + seconds)} | event

    def answer(self, event: Event) -> Answer:
        """Empty where another delivery of the event answers."""
        return next(iter(self.cloud.deliver(event)), {})

    def inventory(self) -> Inventory:
        return self.cloud.inventory()


def event(kind: str, given: Properties = OURS, stack_id: str = STACK_ID, **known: Any) -> Event:
    ids = {"RequestId": str(uuid.uuid4()), "StackId": stack_id, "LogicalResourceId": LOGICAL_ID}
    return {"RequestType": kind, "ResourceProperties": given, **ids, **known}


def update(old: Properties, new: Properties) -> Event:
    return event("Update", new, OldResourceProperties=old, PhysicalResourceId="dev/orders")


def delete(physical_id: str = "dev/orders", **more: Any) -> Event:
    return event("Delete", PhysicalResourceId=physical_id, **more)


def statuses(answers: list[Answer]) -> list[str]:
    return [answer["Status"] for answer in answers if answer]


@pytest.mark.parametrize("order", ORDERS)
def test_a_create_that_was_cancelled_leaves_nothing_beside_its_delete(variant: str, order: int) -> None:
    world = World(variant, order)
    _, deleted = world.race(event("Create"), delete("stack-Endpoint-1A2B3C"))
    assert (deleted["Status"], world.inventory()) == ("SUCCESS", {}), deleted


@pytest.mark.parametrize("order", ORDERS)
def test_an_event_that_is_delivered_twice_is_one(variant: str, order: int) -> None:
    world = World(variant, order)
    for kind in (event("Create"), update(OURS, another_folder("orders"))):
        answers = world.race(kind, kind)
        assert set(statuses(answers)) == {"SUCCESS"}, answers
        assert faults_of_standing(world.inventory(), "dev/orders") == []
    gone = delete()
    assert set(statuses(world.race(gone, gone))) == {"SUCCESS"}
    assert world.inventory() == {}


@pytest.mark.parametrize("order", ORDERS)
def test_of_two_stacks_that_want_one_name_one_gets_it(variant: str, order: int) -> None:
    world = World(variant, order)
    stacks = [STACK_ID, f"{STACK_ID}-2"]
    answers = world.race(event("Create", stack_id=stacks[0]), event("Create", stack_id=stacks[1]))
    assert sorted(statuses(answers)) == ["FAILED", "SUCCESS"], answers
    loser = statuses(answers).index("FAILED")
    assert answers[loser]["Reason"].startswith("NameTaken: ")
    assert world.send(delete(stack_id=stacks[loser]))["Status"] == "SUCCESS"
    assert faults_of_standing(world.inventory(), "dev/orders") == []
    assert world.send(delete(stack_id=stacks[1 - loser]))["Status"] == "SUCCESS"
    assert world.inventory() == {}


@pytest.mark.parametrize("wanted", [another_folder, another_role, another_policy, another_endpoint])
@pytest.mark.parametrize("order", ORDERS)
def test_the_rollback_of_an_update_that_still_runs_wins(
    variant: str, order: int, wanted: Callable[[str], Properties]
) -> None:
    world = World(variant, order)
    world.send(event("Create"))
    stood, new = world.inventory(), wanted("orders")
    _, back = world.race(update(OURS, new), update(new, OURS), delays=(3.0, 8.0, 15.0, 30.0, 60.0))
    assert back["Status"] == "SUCCESS", back
    assert differences("gone back", stood, world.inventory()) == []


def test_a_create_that_comes_late_and_was_issued_in_the_second_of_its_delete_does_nothing(variant: str) -> None:
    world = World(variant, 0)
    create = world.issued(event("Create"), 0.0)
    assert world.send(world.issued(delete("stack-Endpoint-1A2B3C"), 0.0))["Status"] == "SUCCESS"
    assert world.send(create)["Status"] == "FAILED"
    assert world.inventory() == {}
