"""A search for races, in memory and in virtual time; see race_search.py.

`python -m pytest tests/unit/test_race_search.py --races=100000 --first-seed=7`
"""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator
from typing import Any

import pytest

from .in_memory import CloudInMemory
from .race_search import tell_the_story_of, violations_of

pytestmark = pytest.mark.usefixtures("in_memory", "no_log")
MOST_SHOWN = 20


@pytest.fixture(autouse=True)
def without_a_log() -> Iterator[None]:
    """Each race logs some hundred lines."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


def test_no_race_ends_otherwise_than_cloudformation_believes(seeds: range) -> None:
    found = {seed: violations for seed in seeds if (violations := violations_of(seed))}
    shown = [f"seed {seed}: {'; '.join(violations)}" for seed, violations in list(found.items())[:MOST_SHOWN]]
    more = [f"... and {len(found) - MOST_SHOWN} more: {[*found][MOST_SHOWN:]}"] if len(found) > MOST_SHOWN else []
    story = "What happened: python -m tests.unit.race_search <seed>"
    assert not found, "\n".join([f"{len(found)} of {len(seeds)} races", *shown, *more, story])


def test_a_seed_tells_the_same_story_each_time() -> None:
    for seed in range(20):
        stories = [io.StringIO(), io.StringIO()]
        for story in stories:
            tell_the_story_of(seed, story)
        first, second = (story.getvalue() for story in stories)
        assert first == second
        assert f"Seed {seed}. AWS: " in first


def answering_without_doing(function: Any, kind: str) -> Any:
    """The function, but for requests of this kind, to which it says SUCCESS and no more."""

    def deliver(cloud: CloudInMemory, event: dict[str, Any]) -> Any:
        if event["RequestType"] != kind or cloud.clock.now < 3500.0:
            return function(cloud, event)
        ids = {key: event[key] for key in ("StackId", "RequestId", "LogicalResourceId")}
        physical_id = (
            event.get("PhysicalResourceId") or f"dev/{event['ResourceProperties']['ENDPOINTIDENTIFIER']}".lower()
        )
        return [ids | {"Status": "SUCCESS", "Reason": "", "PhysicalResourceId": physical_id, "Data": {}}]

    return deliver


@pytest.mark.parametrize("kind", ["Create", "Update", "Delete"])
def test_a_function_that_answers_without_doing_is_found_out(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(CloudInMemory, "deliver", answering_without_doing(CloudInMemory.deliver, kind))
    found = [seed for seed in range(120) if violations_of(seed)]
    assert len(found) > 3, found
