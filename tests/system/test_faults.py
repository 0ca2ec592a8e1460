"""A seeded part of `make faults`, against the deployed function: of the matrix, and of the races."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest

from development.faults.deployed import deployed
from development.faults.matrix import cells_of, runs_of, violations_of
from development.faults.races import Plan, Race, plan_of, run_on
from local_aws.cloudformation import CloudFormation
from local_aws.organisation import purge

RUNS = 4
# Short ones: a Delete, an update and a Create delivered twice, a Create and an update cancelled, a chain of three.
RACES = (22, 225, 45, 160, 26, 197)


@pytest.mark.parametrize("request_kind", ["Create", "Update, settings", "Update, replacement", "Delete"])
def test_no_fault_leaves_or_wedges_anything(cloudformation: CloudFormation, request_kind: str) -> None:
    runs = [run for run in runs_of(cells_of([request_kind], cloudformation)) if not run.waits]
    for run in random.Random(request_kind).sample(runs, RUNS):  # noqa: S311  # no secret
        violations = violations_of(run, cloudformation)
        assert violations == [], f"{run}: {violations}"


def test_a_function_that_is_frozen_until_its_time_ends_leaves_and_wedges_nothing(
    cloudformation: CloudFormation,
) -> None:
    runs = [run for run in runs_of(cells_of(["Create"], cloudformation)) if run.cell.fault == "timed out"]
    run = next(run for run in runs if run.cell.operation == "CreateEndpoint")
    assert violations_of(run, cloudformation) == []


def test_no_race_ends_otherwise_than_cloudformation_believes(built: Path) -> None:
    with deployed(built) as cloudformation:
        ended = list(run_on([plan_of(seed) for seed in RACES], [cloudformation], at_once=len(RACES)))
    assert [str(race) for race in ended if race.violations] == []
    assert sum(race.disturbed for race in ended) > len(RACES)


class Liar(CloudFormation):
    """A function that answers SUCCESS to what is not a Create, and does nothing."""

    def invoke(self, event: Any, qualifier: str = "live") -> dict[str, Any]:
        if event["RequestType"] == "Create":
            return super().invoke(event, qualifier)
        ids = ("StackId", "RequestId", "LogicalResourceId", "PhysicalResourceId")
        answer = {"Status": "SUCCESS", "Reason": "", **{key: event[key] for key in ids}}
        self.received[event["RequestId"]].bodies.append(json.dumps(answer).encode())
        return {}


@pytest.mark.parametrize(
    ("request_kind", "violations"),
    [
        ("Update, settings", ["has the folder orders", "the document of another folder", "is left"]),
        ("Delete", ["is left"]),
    ],
)
def test_a_race_finds_out_a_function_that_answers_without_doing(
    cloudformation: CloudFormation, request_kind: str, violations: list[str]
) -> None:
    liar = Liar(**vars(cloudformation))
    plan = Plan(1, request_kind, troubles=(), again=0.0, cancelled=None, deleted=None, calls=0, is_retained=False)
    found = "; ".join(Race(plan, liar).run().violations)
    assert [words for words in violations if words not in found] == [], found
    purge(cloudformation.aws)
