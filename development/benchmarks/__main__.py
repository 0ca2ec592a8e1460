"""`make bench`: this resource, its peers and the bound, side by side; build/bench.json, and the docs' plots."""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from local_aws import EmbeddedAws
from local_aws.cloudformation import CloudFormation, played
from local_aws.organisation import deploy_accounts, deploy_function, sam_build

from . import cold_start, ours
from .measured import Measured
from .model import BOUNDS, DELETES, LATENCY, PROPAGATIONS, TIME_SCALE, TIME_SCALE_OF_PLAIN, Draw, draws
from .ours import Fleet
from .peers.run import Ansible, AwsCli, Peer, Plain
from .peers.run import measured as peer_measured
from .scale import REPORT as SCALE

ROOT = Path(__file__).resolve().parents[2]
REPORT = ROOT / "build" / "bench.json"
PLOTS = ROOT / "docs" / "bench"
MEMORY_GB = 0.5
ROUNDS = 5
PEERS = {"aws cli": "aws commands", "ansible": "Ansible's modules", "plain": "plain crhelper function"}
# What each does without.
WITHOUT = {
    "aws cli": "owners, tasks, ids that move, going on after a failure, rollback",
    "ansible": "owners, tasks, ids that move, going on after a failure, rollback",
    "plain": "owners, tasks, ids that move, going on after a failure",
}


@dataclass
class Found:
    """What was measured: ours, and by name the peers'."""

    single: list[Measured] = field(default_factory=list)
    fleets: list[Fleet] = field(default_factory=list)
    peers: dict[str, list[Measured]] = field(default_factory=dict)
    gb_seconds: dict[str, float] = field(default_factory=dict)


def main(arguments: Sequence[str]) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m development.benchmarks", description=__doc__)
    parser.add_argument(
        "--rounds", type=int, default=ROUNDS, help=f"with times drawn anew for each; {ROUNDS} by default"
    )
    rounds, console = draws(parser.parse_args(arguments).rounds), Console(width=110)
    with tempfile.TemporaryDirectory() as directory, deployed(Path(directory)) as cloudformation, beside() as plain:
        built = Path(directory) / "built" / "Function"
        console.print("cold starts …")
        starts = cold_start.found_in(built)
        found = measured(cloudformation, plain, rounds, console)
    report = _report(found, rounds) | starts
    REPORT.parent.mkdir(exist_ok=True)
    REPORT.write_text(json.dumps(report, indent=2) + "\n")
    _print(report, console)
    _plot()


@contextmanager
def deployed(directory: Path) -> Iterator[CloudFormation]:
    """An embedded AWS with the function."""
    with EmbeddedAws(time_scale=TIME_SCALE) as aws:
        deploy_accounts(aws)
        deploy_function(aws, sam_build(directory))
        with played(aws) as cloudformation:
            yield cloudformation


@contextmanager
def beside() -> Iterator[CloudFormation]:
    """Another one for the plain function, which rests most of the time."""
    with EmbeddedAws(time_scale=TIME_SCALE_OF_PLAIN) as aws, played(aws) as cloudformation:
        yield cloudformation


def measured(cloudformation: CloudFormation, plain: CloudFormation, rounds: Sequence[Draw], console: Console) -> Found:
    """The plain function's rounds run beside ours. The commands of the two others keep a core busy: they come after."""
    found = Found()
    peers: dict[str, Peer] = {
        "aws cli": AwsCli(cloudformation.aws),
        "ansible": Ansible(cloudformation.aws),
        "plain": Plain(plain),
    }
    with ThreadPoolExecutor() as pool:
        of_plain = pool.submit(_all_rounds, {"plain": peers["plain"]}, plain.aws, rounds, console)
        console.print("this resource, fleets …")
        ours.warm_up(cloudformation, max(ours.FLEETS))
        found.fleets = ours.fleets(cloudformation)
        for number, draw in enumerate(rounds, 1):
            console.print(f"this resource, round {number} of {len(rounds)} …")
            found.single += ours.single(cloudformation, draw)
        after = {name: peers[name] for name in ("aws cli", "ansible")}
        found.peers = _all_rounds(after, cloudformation.aws, rounds, console) | of_plain.result()
    found.gb_seconds = {name: peer.gb_seconds() for name, peer in peers.items()}
    return found


def _all_rounds(
    peers: Mapping[str, Peer], aws: EmbeddedAws, rounds: Sequence[Draw], console: Console
) -> dict[str, list[Measured]]:
    """What was measured of each; in a round they work at once."""
    found: dict[str, list[Measured]] = {name: [] for name in peers}
    with ThreadPoolExecutor() as pool:
        for number, draw in enumerate(rounds, 1):
            console.print(f"{' and '.join(PEERS[name] for name in peers)}, round {number} of {len(rounds)} …")
            aws.switch(**draw.switches())
            running = {n: pool.submit(peer_measured, peer, aws, draw, f"orders-{number}") for n, peer in peers.items()}
            for name, each in running.items():
                found[name] += each.result()
    return found


def _report(found: Found, rounds: Sequence[Draw]) -> dict[str, Any]:
    by_operation = {name: [each for each in found.single if each.operation == name] for name in BOUNDS}
    return {
        "machine": f"{os.cpu_count()} cores, Python {platform.python_version()}",
        "time_scale": TIME_SCALE,
        "model": {"latency": LATENCY, "propagations": PROPAGATIONS, "deletes": DELETES},
        "rounds": [asdict(draw) for draw in rounds],
        "bound_seconds": {name: [bound.seconds(draw) for draw in rounds] for name, bound in BOUNDS.items()},
        "ratio_to_bound": {n: statistics.median(m.ratio for m in of) for n, of in by_operation.items()},
        "worst_ratio_to_bound": {n: max(m.ratio for m in of) for n, of in by_operation.items()},
        "calls": {n: _calls(of) for n, of in by_operation.items()},
        "calls_min": {name: bound.calls for name, bound in BOUNDS.items()},
        "gap_seconds": {"ours": _gap(found.single)} | {name: _gap(of) for name, of in found.peers.items()},
        "gb_seconds": {n: statistics.mean(m.seconds for m in of) * MEMORY_GB for n, of in by_operation.items()},
        "peers": {name: _peer(of, found.gb_seconds[name]) for name, of in found.peers.items()},
        "fleet": [asdict(each) | {"ratio_to_bound": each.ratio} for each in found.fleets],
        "timeline": _timeline(by_operation["create"][0]),
    }


def _gap(found: Sequence[Measured]) -> float:
    return statistics.median(each.gap for each in found if each.operation == "update")


def _calls(found: Sequence[Measured]) -> dict[str, float]:
    return {
        "made": statistics.mean(len(each.calls) for each in found),
        "waiting": statistics.mean(each.waiting for each in found),
        "further": statistics.mean(each.further for each in found),
    }


def _peer(found: Sequence[Measured], gb_seconds: float) -> dict[str, Any]:
    by_operation = {name: [each for each in found if each.operation == name] for name in BOUNDS}
    ratios = {name: statistics.median(m.ratio for m in each) for name, each in by_operation.items()}
    calls = {name: len(each[0].calls) for name, each in by_operation.items()}
    return {"ratio_to_bound": ratios, "calls": calls, "gb_seconds_of_all": gb_seconds}


def _timeline(create: Measured) -> list[dict[str, Any]]:
    began = min(call.started for call in create.calls)
    return [
        {"call": call.operation, "began": call.started - began, "ended": call.ended - began, "error": call.error_code}
        for call in sorted(create.calls, key=lambda call: call.started)
    ]


def _print(report: Mapping[str, Any], console: Console) -> None:
    console.print(
        f"{report['machine']}; time to scale {report['time_scale']}:1, for the plain function {TIME_SCALE_OF_PLAIN}:1; "
        f"each call {report['model']['latency']} s"
    )
    for number, draw in enumerate(report["rounds"], 1):
        console.print(f"round {number}: propagation {draw['propagation']:.1f} s, delete {draw['delete']:.1f} s")
    console.print(_times(report), _calls_table(report), _fleet_table(report), sep="\n")
    console.print(*cold_start.lines(report), REPORT.name, sep="\n")


def _times(report: Mapping[str, Any]) -> Table:
    names, title = list(report["peers"]), f"Elapsed, times the bound: median of {len(report['rounds'])} rounds"
    table = Table("", "bound", "ours", "worst", *(PEERS[name] for name in names), title=title)
    for operation, seconds in report["bound_seconds"].items():
        ratios = [report["peers"][name]["ratio_to_bound"][operation] for name in names]
        own = report["ratio_to_bound"][operation], report["worst_ratio_to_bound"][operation]
        table.add_row(
            operation, f"{min(seconds):.0f} to {max(seconds):.0f} s", *(f"{each:.2f}" for each in (*own, *ratios))
        )
    gaps = report["gap_seconds"]
    table.add_row("gap in an update", "", f"{gaps['ours']:.1f} s", "", *(f"{gaps[name]:.1f} s" for name in names))
    table.add_row("does without", "", "", "", *(WITHOUT[name] for name in names))
    return table


def _calls_table(report: Mapping[str, Any]) -> Table:
    table = Table("", "fewest", "ours", "of them waiting", "further", "GB-seconds", title="AWS calls")
    for operation, fewest in report["calls_min"].items():
        calls = report["calls"][operation]
        figures = (calls["made"], calls["waiting"], calls["further"], report["gb_seconds"][operation])
        table.add_row(operation, str(fewest), *(f"{each:.1f}" for each in figures))
    return table


def _fleet_table(report: Mapping[str, Any]) -> Table:
    table = Table("at once", "operation", "times the bound", "calls", "throttled", "failures", title="Fleets")
    for each in report["fleet"]:
        row = (each["calls"], each["throttled"], len(each["failures"]))
        table.add_row(str(each["endpoints"]), each["operation"], f"{each['ratio_to_bound']:.2f}", *map(str, row))
    return table


def _plot() -> None:
    PLOTS.mkdir(parents=True, exist_ok=True)
    command = [str(ROOT / ".venv-bench" / "bin" / "python"), str(Path(__file__).with_name("plot.py"))]
    reports = [str(each) for each in (REPORT, SCALE) if each.exists()]  # the second is scale.py's
    subprocess.run([*command, str(PLOTS), *reports], check=True)  # noqa: S603  # our own words


if __name__ == "__main__":
    main(sys.argv[1:])
