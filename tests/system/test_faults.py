"""A seeded part of `make faults`: the requests that change the most, against the deployed function."""

from __future__ import annotations

import random

import pytest

from development.faults.matrix import cells_of, runs_of, violations_of
from local_aws.cloudformation import CloudFormation

RUNS = 4


@pytest.mark.parametrize("request_kind", ["Create", "Update, settings", "Update, replacement", "Delete"])
def test_no_fault_leaves_or_wedges_anything(cloudformation: CloudFormation, request_kind: str) -> None:
    runs = [run for run in runs_of(cells_of([request_kind], cloudformation)) if not run.waits]
    for run in random.Random(request_kind).sample(runs, RUNS):  # noqa: S311  # no secret
        assert violations_of(run, cloudformation) == [], run


def test_a_function_that_is_frozen_until_its_time_ends_leaves_and_wedges_nothing(
    cloudformation: CloudFormation,
) -> None:
    runs = [run for run in runs_of(cells_of(["Create"], cloudformation)) if run.cell.fault == "timed out"]
    run = next(run for run in runs if run.cell.operation == "CreateEndpoint")
    assert violations_of(run, cloudformation) == []
