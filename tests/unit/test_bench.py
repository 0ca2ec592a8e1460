"""The bound of `make bench`: the calls that it counts are made, and those beyond them are known one by one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest

from development.benchmarks.measured import Measured
from development.benchmarks.model import BOUNDS, LATENCY, USUAL, draws
from development.faults.scenarios import another_folder, properties
from development.faults.stack import Stack
from dms_s3_endpoint.aws.sessions import is_changing
from local_aws.wire import Call

from .builders import STACK_ID
from .in_memory import CloudInMemory

pytestmark = pytest.mark.usefixtures("in_memory")
OPERATIONS: dict[str, Callable[[Stack], bool]] = {
    "create": lambda stack: stack.create(properties("orders")),
    "update": lambda stack: stack.update(another_folder("orders")),
    "delete": lambda stack: stack.delete(),
}
# What each is for stands beside the code that makes it.
FURTHER = {
    # Names and the demanded boundary are looked for before anything is changed; what was made is waited for until IAM
    # shows it.
    "create": [
        *("GetPolicy", "GetRole", "GetRole", "DescribeEndpoints", "DescribeEndpoints"),
        *("GetPolicy", "GetPolicyVersion", "GetRole"),
    ],
    # What is attached, which boundary is demanded, and names that were given up.
    "update": ["ListAttachedRolePolicies", "GetRole", "ListRoles", "ListRoleTags", "ListPolicies", "ListPolicyTags"],
    "delete": [],
}
# It is read and taken, what is known is written before the first change, and in the end the answer.
OF_THE_LEASE = ["GetItem", "PutItem", "PutItem", "PutItem"]


@pytest.mark.parametrize("operation", OPERATIONS)
def test_the_calls_are_those_of_the_bound_and_these(operation: str) -> None:
    cloud = CloudInMemory()
    stack, made = Stack(cloud, STACK_ID), Counter[str]()
    assert operation == "create" or OPERATIONS["create"](stack)
    cloud.on_end = lambda _event, calls, _answers: made.update(_as_aws_says(calls))
    assert OPERATIONS[operation](stack)
    bound = Counter(BOUNDS[operation].chain + BOUNDS[operation].beside)
    del bound["AssumeRole"]  # made before the accounts in memory are entered
    changes = sum(count for name, count in made.items() if is_changing(name) and name != "PutItem")
    delivered = ["PutItem"] if operation == "create" else []  # a Create notes that it was heard
    of_the_lease = Counter([*OF_THE_LEASE, *delivered, *["GetItem"] * changes])
    assert made - bound == Counter(FURTHER[operation]) + of_the_lease
    assert not bound - made


def _as_aws_says(calls: list[str]) -> list[str]:
    return ["".join(word.capitalize() for word in call.split("_")) for call in calls]


def test_a_measured_update_tells_ratio_gap_and_calls() -> None:
    made = [*BOUNDS["update"].chain, *BOUNDS["update"].beside, "DescribeEndpoints", "GetRole"]
    calls = [_call(name, number) for number, name in enumerate(made)]
    update = Measured("update", BOUNDS["update"].seconds() * 2, calls, USUAL)
    assert (update.ratio, update.waiting, update.further, update.throttled) == (2.0, 1, 1, 0)
    assert update.gap == pytest.approx(made.index("CreateEndpoint") - made.index("DeleteEndpoint") - 30.0)


def _call(operation: str, ended: float) -> Call:
    return Call("dms", operation, "", "", "", ended - LATENCY, ended, 200, None, "")


def test_each_run_of_the_bench_draws_the_same_times() -> None:
    assert draws(5) == draws(5)
    assert len(set(draws(5))) == 5
    assert all(13.0 <= each.propagation <= 23.0 and 20.0 <= each.delete <= 45.0 for each in draws(5))
