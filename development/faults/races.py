"""A search for races on the deployed function: requests for one resource overlap while the first one's calls fail.

A race is drawn from a seed. tests/unit/race_search.py draws many more, in memory and in virtual time; here functions,
threads, connections and botocore's retries are real, so what happens in a race differs a little each time.

`python -m development.faults.races --races 200 --seed 1`
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from dms_s3_endpoint.model.endpoint import Endpoint
from dms_s3_endpoint.model.environments import Environment
from dms_s3_endpoint.model.parse import parse
from local_aws.cloudformation import CloudFormation, Received
from local_aws.organisation import DEV
from local_aws.wire import Call, Fault

from . import scenarios
from .__main__ import RUNS_OF_A_SERVER, WORKING_AT_ONCE, servers
from .deployed import Deployed
from .inventory import Inventory
from .run import faults_of_standing
from .scenarios import BUCKET
from .stack import LOGICAL_ID, Answer, Event, Properties, WedgedError, faults_of

REPORT = Path("build/races.json")
OURS = "dms-s3-endpoint:"  # the tags that nobody asked for
SECONDS_BETWEEN_LOOKS, SECONDS_BETWEEN_COUNTS = 0.01, 0.1  # real ones
# A request makes 15 to 40 calls. If one of them hangs, no more come: so this is the longest wait for them.
MOST_CALLS, SECONDS_FOR_CALLS = 30, 60.0
FIRST_SERVER_ERROR = 500


# ---- What is drawn

UPDATES: dict[str, Callable[[str], Properties]] = {
    "Update, tags": scenarios.retagged,
    "Update, boundary": scenarios.bounded,
    "Update, policy name": scenarios.another_policy,
    "Update, settings": scenarios.another_folder,
    "Update, role name": scenarios.another_role,
    "Update, replacement": scenarios.another_endpoint,
    "Update, replacing": scenarios.replacing_another_folder,
}
MAKING = ("iam:CreatePolicy", "iam:CreateRole", "iam:AttachRolePolicy", "dms:CreateEndpoint")
TAGGING = ("iam:TagRole", "iam:UntagRole", "iam:TagPolicy", "dms:AddTagsToResource", "dms:RemoveTagsFromResource")
REMOVING = ("dms:DeleteEndpoint", "iam:DetachRolePolicy", "iam:DeleteRole", "iam:DeletePolicy")
# By request: the calls with which it changes something.
CHANGES = {
    "Create": (*MAKING, "iam:UpdateAssumeRolePolicy"),
    "Create, names retained": ("iam:GetPolicy", "iam:GetRole"),
    "Update, tags": (*TAGGING, "iam:UntagPolicy"),
    "Update, boundary": ("iam:PutRolePermissionsBoundary", "iam:TagRole"),
    "Update, policy name": ("iam:CreatePolicy", "iam:AttachRolePolicy", "iam:DetachRolePolicy", "iam:DeletePolicy"),
    "Update, settings": ("iam:CreatePolicyVersion", "iam:TagPolicy", "dms:DeleteEndpoint", "dms:CreateEndpoint"),
    "Update, role name": (*MAKING, *REMOVING),
    "Update, replacement": (*MAKING, "iam:UpdateAssumeRolePolicy"),
    "Update, replacing": (*MAKING, "iam:UpdateAssumeRolePolicy"),
    "Delete": REMOVING,
}
READS = ("iam:GetPolicy", "iam:GetRole", "dms:DescribeEndpoints", "dms:ListTagsForResource", "iam:ListPolicies")
LEASES = ("dynamodb:GetItem", "dynamodb:PutItem")
REPEATED = ("dms:CreateEndpoint", "dms:DescribeEndpoints", *LEASES)
WEIGHTS = {"Create": 6, "Delete": 2, "Update, settings": 3, "Update, role name": 3, "Update, replacement": 3}
CANCELLED, DELETED_THEN, DELIVERED_AGAIN, OVERTAKES, RETAINED = 0.85, 0.3, 0.25, 0.15, 0.33
# A call has ten attempts, with growing pauses: what succeeds in the last ones keeps a request busy for longest.
OFTEN = (*range(1, 13), *(8, 9) * 6)
# By name: the fault, how often it is drawn, and how many calls it may strike.
MISHAPS: dict[str, tuple[Fault, int, tuple[int, ...]]] = {
    "throttled": ("throttle", 6, OFTEN),
    "5xx": ("http500", 3, OFTEN),
    "answer lost": ("reset_after", 2, OFTEN),
    "hangs": ("hang", 1, (1, 1, 2)),
    "killed": ("kill_after", 2, (1,)),
}


@dataclass(frozen=True)
class Trouble:
    """What disturbs the calls of one operation, from the `nth` on: so many `times`."""

    call: str
    mishap: str
    nth: int
    times: int

    def __str__(self) -> str:
        return f"{self.call} {self.nth}: {self.mishap} x{self.times}"


@dataclass(frozen=True)
class Plan:
    """A race, before it is run. All seconds are virtual; None: it does not happen.

    `again`: the first request is delivered once more, so long after the first time; `cancelled`: the rollback or the
    Delete comes, so long after the request; `deleted`: then a Delete comes, so long after the rollback. They count from
    when the request before made so many `calls` to AWS, as functions are slow on a busy machine. If `calls` is 0, they
    count from its issue, and one may overtake the other.
    """

    seed: int
    request: str
    troubles: tuple[Trouble, ...]
    again: float | None
    cancelled: float | None
    deleted: float | None
    calls: int
    is_retained: bool

    @property
    def kills(self) -> bool:
        """Whether the function may be killed. Then a second delivery waits for its end, as it does in Lambda."""
        return any(trouble.mishap == "killed" for trouble in self.troubles)

    def __str__(self) -> str:
        moments = {
            "delivered again after": self.again,
            "cancelled after": self.cancelled,
            "deleted so long after that:": self.deleted,
        }
        words = [self.request, *map(str, self.troubles)]
        words += [f"{what} {seconds:.1f} s" for what, seconds in moments.items() if seconds is not None]
        words += [f"each after {self.calls} calls"]
        return "; ".join([*words, *(["a retained endpoint stands by"] if self.is_retained else [])])


def plan_of(seed: int) -> Plan:
    """The race of the seed."""
    draw = random.Random(seed)  # noqa: S311  # no secret
    request = draw.choices(list(CHANGES), [WEIGHTS.get(name, 1) for name in CHANGES])[0]
    calls = dict.fromkeys(_call(draw, request) for _ in range(draw.choice((0, 1, 2, 2, 3, 3, 3))))
    troubles = tuple(_trouble(draw, call) for call in calls)
    cancelled = _seconds(draw) if request != "Delete" and draw.random() < CANCELLED else None
    is_chain = cancelled is not None and request in UPDATES and draw.random() < DELETED_THEN
    is_repeated = cancelled is None or draw.random() < DELIVERED_AGAIN
    is_retained = request == "Create, names retained" or draw.random() < RETAINED
    again, deleted = _seconds(draw) if is_repeated else None, _seconds(draw) if is_chain else None
    made = draw.randrange(1, MOST_CALLS) if draw.random() >= OVERTAKES else 0
    return Plan(seed, request, troubles, again, cancelled, deleted, made, is_retained)


def _seconds(draw: random.Random) -> float:
    """Often few: a request that nothing disturbs lasts about five seconds."""
    return draw.uniform(0.0, draw.choice((2.0, 5.0, 15.0, 60.0)))


def _call(draw: random.Random, request: str) -> str:
    return draw.choice(draw.choices((CHANGES[request], READS, LEASES), (8, 1, 1))[0])


def _trouble(draw: random.Random, call: str) -> Trouble:
    mishap = draw.choices(list(MISHAPS), [weight for _, weight, _ in MISHAPS.values()])[0]
    nth = draw.choice((1, 1, 2, 3)) if call in REPEATED else 1
    return Trouble(call, mishap, nth, draw.choice(MISHAPS[mishap][2]))


# ---- CloudFormation, as it treats one resource


@dataclass
class Request:
    """A request, and its deliveries to the function."""

    name: str
    event: Event
    received: Received
    is_disturbed: bool
    # How many answers there were when the next request came.
    answered: int = 0
    deliveries: list[Future[None]] = field(default_factory=list)

    @property
    def answers(self) -> list[Answer]:
        """All that arrived; CloudFormation takes the first."""
        return [json.loads(body) for body in self.received.bodies]

    @property
    def answer(self) -> Answer:
        """The answer; empty if none came yet."""
        return next(iter(self.answers), {})

    @property
    def succeeded(self) -> bool:
        """Whether the answer is SUCCESS."""
        return self.answer.get("Status") == "SUCCESS"

    def is_over(self) -> bool:
        """Whether it was answered, or nothing goes on that could answer it."""
        return bool(self.received.bodies) or all(delivery.done() for delivery in self.deliveries)


@dataclass(frozen=True)
class Ended:
    """What became of a race: its story, how many calls were disturbed, and what should not be."""

    plan: Plan
    story: str
    requests: int
    disturbed: int
    violations: list[str]

    def __str__(self) -> str:
        return f"seed {self.plan.seed}: {self.plan}\n    {self.story}\n    {'; '.join(self.violations)}"


class Race:
    """One race, with names and a StackId of its own."""

    def __init__(self, plan: Plan, cloudformation: CloudFormation) -> None:
        self.plan = plan
        self.cloud = Deployed(cloudformation)
        self.stack_id = f"arn:aws:cloudformation:eu-west-1:111111111111:stack/{self.cloud.name}/1"
        self.violations: list[str] = []
        self.requests: list[Request] = []
        # What CloudFormation believes to stand, and what nobody may touch.
        self.standing: Properties | None = None
        self.kept: Inventory = {}
        self._story: list[str] = []
        self._began = self._now()

    def run(self) -> Ended:
        """Run the race. It leaves nothing but what is retained, unless a violation says so."""
        with ThreadPoolExecutor() as self._pool:
            try:
                self._stand_by()
                self._play()
                self._settle("after the race")
                if self.standing:
                    self._delete_standing()
                    self._settle("at the end")
            except WedgedError as wedged:
                self.violations.append(f"wedged: {wedged}")
        self.violations += [fault for request in self.requests for fault in _faults_of_answers(request, self.plan)]
        return Ended(self.plan, "; ".join(self._story), len(self.requests), self._disturbed(), self.violations)

    # -- What stands by, and the moves

    def _stand_by(self) -> None:
        if self.plan.is_retained:
            self._must("Create", scenarios.properties(self._retained))
        self.kept = self.cloud.inventory()
        if not self.plan.request.startswith("Create"):
            self.standing = scenarios.properties(self.cloud.name)
            self._must("Create", self.standing)
        self._began = self._now()
        self._story.clear()

    @property
    def _retained(self) -> str:
        return f"{self.cloud.name}-retained"

    def _play(self) -> None:
        match self.plan.request:
            case "Create":
                self._create(scenarios.properties(self.cloud.name))
            case "Create, names retained":
                self._create(scenarios.another_folder(self._retained))
            case "Delete":
                self._delete_disturbed()
            case update:
                self._update(UPDATES[update](self.cloud.name))

    def _create(self, wanted: Properties) -> None:
        request = self._first("Create", wanted)
        if request.succeeded and self.plan.cancelled is None:
            self.standing = wanted
            return
        invented = f"{self.cloud.name}-{LOGICAL_ID}-{self.plan.seed:012X}"
        self._delete(wanted, request.answer.get("PhysicalResourceId", invented))

    def _delete_disturbed(self) -> None:
        assert self.standing  # noqa: S101  # for mypy
        request = self._first("Delete", self.standing, PhysicalResourceId=_id_of(self.standing))
        if request.succeeded:
            self.standing = None
        else:
            self._delete_standing()

    def _update(self, new: Properties) -> None:
        assert self.standing  # noqa: S101  # for mypy
        old = self.standing
        request = self._first("Update", new, PhysicalResourceId=_id_of(old), OldResourceProperties=old)
        if not request.succeeded or self.plan.cancelled is not None:
            self._roll_back(old, new, request)
            return
        self.standing = new
        if _id_of(new) != _id_of(old):
            self._delete(old, _id_of(old))

    def _roll_back(self, old: Properties, new: Properties, update: Request) -> None:
        """CloudFormation knows a new id only if it was answered."""
        known = update.answer["PhysicalResourceId"] if update.succeeded else _id_of(old)
        rollback = self._issue("Update", old, "rollback", PhysicalResourceId=known, OldResourceProperties=new)
        is_cut = self.plan.deleted is not None and known == _id_of(old)
        self._wait(rollback, self.plan.deleted if is_cut else None)
        if rollback.answer or not is_cut:
            self._check_succeeded(rollback)
        if known != _id_of(old):
            self._delete(new, known)
        if self.plan.deleted is not None:
            self._delete_standing()

    def _delete_standing(self) -> None:
        assert self.standing  # noqa: S101  # for mypy
        gone, self.standing = self.standing, None
        self._delete(gone, _id_of(gone))

    def _delete(self, properties: Properties, physical_id: str) -> None:
        self._must("Delete", properties, PhysicalResourceId=physical_id)

    # -- Requests

    def _first(self, kind: str, wanted: Properties, **known: Any) -> Request:
        """The request that is disturbed, delivered twice or cancelled; once it is answered, or to be cancelled."""
        request = self._issue(kind, wanted, kind, self.plan.troubles, self.plan.again, **known)
        self._wait(request, self.plan.cancelled)
        must_fail = self.plan.request == "Create, names retained"
        if self.plan.cancelled is None and not request.is_disturbed and not must_fail:
            self._check_succeeded(request)
        return request

    def _must(self, kind: str, wanted: Properties, **known: Any) -> None:
        """Nothing disturbs the request, and none comes after it: it must succeed."""
        request = self._issue(kind, wanted, kind, **known)
        self._wait(request)
        self._check_succeeded(request)

    def _check_succeeded(self, request: Request) -> None:
        if not request.succeeded:
            raise WedgedError(f"{request.name}, undisturbed: {request.answer.get('Reason', 'no answer')}")

    def _issue(
        self,
        kind: str,
        wanted: Properties,
        name: str,
        troubles: Sequence[Trouble] = (),
        again: float | None = None,
        **known: Any,
    ) -> Request:
        """Send a request. The time at which it is signed, in whole seconds, tells which request was issued last."""
        self._sleep(1.0)
        for before in self.requests[-1:]:
            before.answered = len(before.received.bodies)
        event = self.cloud.cloudformation.event(kind, wanted, StackId=self.stack_id, **known)
        request_id = event["RequestId"]
        for trouble in troubles:
            service, _, operation = trouble.call.partition(":")
            self.cloud.aws.inject(
                service, operation, MISHAPS[trouble.mishap][0], trouble.nth, trouble.times, request_id
            )
        request = Request(name, event, self.cloud.cloudformation.received[request_id], bool(troubles))
        self.requests.append(request)
        self._tell(f"{name} of {known.get('PhysicalResourceId') or 'nothing'}")
        request.deliveries.append(self._pool.submit(self._deliver, request))
        if again is not None:
            request.deliveries.append(self._pool.submit(self._deliver_again, request, request.deliveries[0], again))
        return request

    def _deliver_again(self, request: Request, first: Future[None], seconds: float) -> None:
        if self.plan.kills:
            first.result()
        self._wait_for_calls(request)
        self._sleep(seconds)
        self._tell(f"{request.name} again")
        self._deliver(request)

    def _deliver(self, request: Request) -> None:
        before = len(request.received.bodies)
        try:
            ended = self.cloud.cloudformation.invoke(request.event)
        except (BotoCoreError, ClientError) as error:
            self.violations.append(f"{request.name} was not delivered: {error}")
            return
        said = [f"{answer['Status']} {answer['Reason']}"[:80].strip() for answer in request.answers[before:]]
        died = [ended["Payload"].read().decode()[:80]] if "FunctionError" in ended else []
        self._tell(f"{request.name} ends: {', '.join([*said, *died]) or 'says nothing'}")

    def _wait(self, request: Request, seconds: float | None = None) -> None:
        """Until it is answered, or for so long; None: until nothing goes on that could answer it."""
        if seconds is None:
            while not request.is_over():
                time.sleep(SECONDS_BETWEEN_LOOKS)
            return
        self._wait_for_calls(request)
        ends = self._now() + seconds
        while not request.received.bodies and self._now() < ends:
            time.sleep(SECONDS_BETWEEN_LOOKS)

    def _wait_for_calls(self, request: Request) -> None:
        ends, event = self._now() + SECONDS_FOR_CALLS, request.event["RequestId"]
        while not request.is_over() and self._now() < ends and len(self.cloud.aws.calls(event)) < self.plan.calls:
            time.sleep(SECONDS_BETWEEN_COUNTS)

    def _now(self) -> float:
        return self.cloud.aws.clock.now()

    def _sleep(self, seconds: float) -> None:
        time.sleep(seconds / self.cloud.aws.clock.scale)

    def _tell(self, what: str) -> None:
        self._story.append(f"{self._now() - self._began:.0f} s {what}")

    # -- What must be

    def _settle(self, when: str) -> None:
        """Wait until nothing is under way, late deliveries included; then look."""
        for delivery in [delivery for request in self.requests for delivery in request.deliveries]:
            delivery.result()
        inventory = self.cloud.inventory()
        changed = [f"{arn}, not ours, has changed" for arn, piece in self.kept.items() if inventory.get(arn) != piece]
        ours = {arn: piece for arn, piece in inventory.items() if arn not in self.kept}
        faults = faults_of_wanted(self.standing, ours) if self.standing else [f"{arn} is left" for arn in ours]
        self.violations += [f"{when}: {fault}" for fault in changed + faults]

    def _disturbed(self) -> int:
        """How many calls were disturbed. The server then forgets the race."""
        aws, events = self.cloud.aws, [request.event["RequestId"] for request in self.requests]
        count = sum(_is_disturbed(call) for event in events for call in aws.calls(event))
        for event in events:
            aws.forget(event)
        return count


def _endpoint_of(properties: Properties) -> Endpoint:
    """With the names that the function gives it: with ONUPDATE replace they have a suffix."""
    return parse(properties, {DEV.name: Environment(DEV.name, DEV.data_lake_role_arn, DEV.dms_role_arn)})


def _id_of(properties: Properties) -> str:
    return f"{properties['ENVIRONMENT']}/{_endpoint_of(properties).endpoint_identifier}"


def _is_disturbed(call: Call) -> bool:
    return call.status == 0 or call.status >= FIRST_SERVER_ERROR or (call.error_code or "").startswith("Throttling")


def _faults_of_answers(request: Request, plan: Plan) -> list[str]:
    """Of two deliveries at once one answers nothing; a later one repeats the answer of a request that has ended.

    One that learns of the next request first says that it failed, and one that can't read its lease can't tell.
    """
    answers, name = request.answers, request.name
    faults = [f"{name} is answered wrongly: {fault}" for each in answers for fault in faults_of(each, request.event)]
    if len(answers) > len(request.deliveries):
        faults.append(f"{name} is answered {len(answers)} times")
    late = [answer for answer in answers[max(request.answered, 1) :] if answer["Status"] == "FAILED"]
    is_lease_read = not any(trouble.call in LEASES for trouble in plan.troubles)
    if is_lease_read and any(each != answers[0] and each not in late for each in answers):
        faults.append(f"{name} is answered in two ways: {answers}")
    return faults


def faults_of_wanted(wanted: Properties, ours: Inventory) -> list[str]:
    """In what the pieces differ from what was answered as SUCCESS."""
    names, endpoint = {_name_of(arn, piece): piece for arn, piece in ours.items()}, _endpoint_of(wanted)
    expected = {endpoint.endpoint_identifier, endpoint.role_name, endpoint.policy_name}
    faults = [f"{name} is missing" for name in sorted(expected - names.keys())]
    faults += [f"{name} is left" for name in sorted(names.keys() - expected)]
    faults += [f"{name} has {what}" for name, piece in names.items() for what in _differences(piece, wanted)]
    return faults or faults_of_standing(ours, _id_of(wanted))


def _name_of(arn: str, piece: Any) -> str:
    return str(piece.get("EndpointIdentifier") or arn.rpartition("/")[2])


def _differences(piece: Any, wanted: Properties) -> Iterator[str]:
    folder = wanted["S3SETTINGS"]["BUCKETFOLDER"]
    tags = {key: value for key, value in piece["tags"].items() if not key.startswith(OURS)}
    if tags != {tag["Key"]: tag["Value"] for tag in wanted["TAGS"]}:
        yield f"the tags {tags}"
    if "S3Settings" in piece and piece["S3Settings"]["BucketFolder"] != folder:
        yield f"the folder {piece['S3Settings']['BucketFolder']}"
    if "document" in piece and f"{BUCKET}/{folder}" not in json.dumps(piece["document"]):
        yield "the document of another folder"
    if "boundary" in piece and piece["boundary"] != wanted.get("PERMISSIONSBOUNDARY", ""):
        yield f"the boundary {piece['boundary'] or 'none'}"
    if "attached" in piece and [arn.rpartition("/")[2] for arn in piece["attached"]] != [
        _endpoint_of(wanted).policy_name
    ]:
        yield f"attached {piece['attached']}"


# ---- Many races


def main(arguments: Sequence[str]) -> int:
    """Run the races. Returns 0 if there was no violation, else 1."""
    parser = argparse.ArgumentParser(prog="python -m development.faults.races", description=__doc__.split("\n")[0])
    parser.add_argument("--races", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1, help="the first one")
    given = parser.parse_args(arguments)
    console, began = Console(), time.monotonic()
    ended = run_all(range(given.seed, given.seed + given.races), console)
    return report(ended, time.monotonic() - began, console)


def run_all(seeds: Sequence[int], console: Console) -> list[Ended]:
    """Run the races of the seeds, and print those with violations."""
    columns = (TextColumn("[progress.description]{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, TimeElapsedColumn(), console=console) as progress:
        task, ended = progress.add_task("races", total=len(seeds)), list[Ended]()
        for each in _run_by_shifts(seeds):
            ended.append(each)
            progress.advance(task)
            if each.violations:
                progress.console.print(str(each), markup=False, highlight=False, soft_wrap=True)
    return ended


def _run_by_shifts(seeds: Sequence[int]) -> Iterator[Ended]:
    count = os.cpu_count() or 1
    for start in range(0, len(seeds), count * RUNS_OF_A_SERVER):
        with servers(count) as shift:
            plans = [plan_of(seed) for seed in seeds[start : start + count * RUNS_OF_A_SERVER]]
            yield from run_on(plans, shift, WORKING_AT_ONCE)


def run_on(plans: Sequence[Plan], servers: Sequence[CloudFormation], at_once: int) -> Iterator[Ended]:
    """Run the races on these servers, so many at once on each."""
    with ThreadPoolExecutor(at_once * len(servers)) as pool:
        races = [Race(plan, servers[number % len(servers)]) for number, plan in enumerate(plans)]
        yield from (done.result() for done in as_completed([pool.submit(race.run) for race in races]))


def report(ended: Sequence[Ended], seconds: float, console: Console) -> int:
    """Write the report and return the exit status."""
    failed = [each for each in ended if each.violations]
    figures: Mapping[str, Any] = {
        "races": len(ended),
        "first_seed": min(each.plan.seed for each in ended),
        "seconds": round(seconds),
        "requests": sum(each.requests for each in ended),
        "disturbed_calls": sum(each.disturbed for each in ended),
        "violations": {each.plan.seed: str(each) for each in failed},
    }
    REPORT.parent.mkdir(exist_ok=True)
    REPORT.write_text(json.dumps(figures, indent=2))
    words = (
        "{races} races from seed {first_seed} on, {requests} requests, {disturbed_calls} calls disturbed, {seconds} s"
    )
    console.print(
        f"{words.format(**figures)}, {len(failed)} races with violations; {REPORT}", highlight=False, soft_wrap=True
    )
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
