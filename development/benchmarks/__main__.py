"""`make bench`: this resource, its peers and the bound, side by side; build/bench.json, and the docs' plots."""

from __future__ import annotations

import json
import os
import platform
import statistics
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from local_aws import EmbeddedAws
from local_aws.cloudformation import played
from local_aws.organisation import deploy_accounts, deploy_function

from . import cold_start, ours
from .measured import Measured
from .model import BOUNDS, LATENCY, PROPAGATION, SWITCHES, TIME_SCALE
from .model import DELETE as SECONDS_OF_A_DELETE
from .ours import Fleet
from .peers.run import Ansible, AwsCli, Peer, Plain
from .peers.run import measured as peer_measured

ROOT = Path(__file__).resolve().parents[2]
REPORT = ROOT / "build" / "bench.json"
PLOTS = ROOT / "docs" / "bench"
MEMORY_GB = 0.5
PEERS = {"aws cli": "aws commands", "ansible": "Ansible's modules", "plain": "plain crhelper function"}


def main() -> None:
    console = Console(width=110)
    with tempfile.TemporaryDirectory() as directory, EmbeddedAws(time_scale=TIME_SCALE) as aws:
        deploy_accounts(aws)
        deploy_function(aws, Path(directory))
        built = Path(directory) / "built" / "Function"
        starts, size = cold_start.measure(built), cold_start.zip_bytes(built)
        aws.switch(**SWITCHES)
        with played(aws) as cloudformation, ThreadPoolExecutor() as pool:
            peers: dict[str, Peer] = {"aws cli": AwsCli(aws), "ansible": Ansible(aws), "plain": Plain(cloudformation)}
            # It rests most of the time. The commands of the two others keep a core busy: they come after ours.
            running = {"plain": pool.submit(peer_measured, peers["plain"], aws)}
            ours.warm_up(cloudformation, max(ours.FLEETS))
            fleets, single = ours.fleets(cloudformation), ours.single(cloudformation)
            running |= {name: pool.submit(peer_measured, peers[name], aws) for name in ("aws cli", "ansible")}
            others = {name: running[name].result() for name in peers}
            gb_seconds = {name: peer.gb_seconds() for name, peer in peers.items()}
    report = _report(single, fleets, others, gb_seconds, starts, size)
    REPORT.parent.mkdir(exist_ok=True)
    REPORT.write_text(json.dumps(report, indent=2) + "\n")
    _print(report, console)
    _plot()


def _report(
    single: Sequence[Measured],
    fleets: Sequence[Fleet],
    others: Mapping[str, Sequence[Measured]],
    gb_seconds: Mapping[str, float],
    starts: Mapping[str, cold_start.ColdStart],
    size: int,
) -> dict[str, Any]:
    by_operation = {name: [each for each in single if each.operation == name] for name in BOUNDS}
    return {
        "machine": f"{os.cpu_count()} cores, Python {platform.python_version()}",
        "time_scale": TIME_SCALE,
        "model": {"latency": LATENCY, "propagation": PROPAGATION, "delete": SECONDS_OF_A_DELETE},
        "bound_seconds": {name: bound.seconds for name, bound in BOUNDS.items()},
        "ratio_to_bound": {n: statistics.mean(m.ratio for m in found) for n, found in by_operation.items()},
        "worst_ratio_to_bound": {n: max(m.ratio for m in found) for n, found in by_operation.items()},
        "calls": {n: _calls(found) for n, found in by_operation.items()},
        "calls_min": {name: bound.calls for name, bound in BOUNDS.items()},
        "gap_seconds": {"ours": statistics.mean(m.gap for m in by_operation["update"])} | _gaps(others),
        "gb_seconds": {n: statistics.mean(m.seconds for m in found) * MEMORY_GB for n, found in by_operation.items()},
        "peers": {name: _peer(found, gb_seconds[name]) for name, found in others.items()},
        "fleet": [asdict(each) | {"ratio_to_bound": each.ratio} for each in fleets],
        "cold_start": {name: asdict(start) for name, start in starts.items()},
        "cold_start_ratio": starts["ours"].milliseconds / starts["bare"].milliseconds,
        "zip_bytes": size,
        "timeline": _timeline(by_operation["create"][0]),
    }


def _calls(found: Sequence[Measured]) -> dict[str, float]:
    return {
        "made": statistics.mean(len(each.calls) for each in found),
        "waiting": statistics.mean(each.waiting for each in found),
        "further": statistics.mean(each.further for each in found),
    }


def _gaps(others: Mapping[str, Sequence[Measured]]) -> dict[str, float]:
    updates = {name: [each for each in found if each.operation == "update"] for name, found in others.items()}
    return {name: statistics.mean(each.gap for each in found) for name, found in updates.items()}


def _peer(found: Sequence[Measured], gb_seconds: float) -> dict[str, Any]:
    by_operation = {name: [each for each in found if each.operation == name] for name in BOUNDS}
    ratios = {name: statistics.mean(m.ratio for m in each) for name, each in by_operation.items()}
    calls = {name: len(each[0].calls) for name, each in by_operation.items()}
    return {"ratio_to_bound": ratios, "calls": calls, "gb_seconds_of_all": gb_seconds}


def _timeline(create: Measured) -> list[dict[str, Any]]:
    began = min(call.started for call in create.calls)
    return [
        {"call": call.operation, "began": call.started - began, "ended": call.ended - began, "error": call.error_code}
        for call in sorted(create.calls, key=lambda call: call.started)
    ]


def _print(report: Mapping[str, Any], console: Console) -> None:
    model = report["model"]
    console.print(
        f"{report['machine']}; time to scale {report['time_scale']}:1; each call {model['latency']} s, IAM's changes "
        f"reach DMS after {model['propagation']} s, a delete takes {model['delete']} s"
    )
    console.print(_times(report), _calls_table(report), _fleet_table(report), sep="\n")
    starts = report["cold_start"]
    for name, start in starts.items():
        console.print(f"cold start, {name}: {start['milliseconds']:.0f} ms, peak {start['peak_mib']:.0f} MiB")
    console.print(
        f"cold start ratio {report['cold_start_ratio']:.2f}; zip {report['zip_bytes']:,} bytes; {REPORT.name}"
    )


def _times(report: Mapping[str, Any]) -> Table:
    names = list(report["peers"])
    table = Table("", "bound", "ours", "worst of 3", *(PEERS[name] for name in names), title="Elapsed, times the bound")
    for operation, seconds in report["bound_seconds"].items():
        ratios = [report["peers"][name]["ratio_to_bound"][operation] for name in names]
        own = report["ratio_to_bound"][operation], report["worst_ratio_to_bound"][operation]
        table.add_row(operation, f"{seconds:.1f} s", *(f"{each:.2f}" for each in (*own, *ratios)))
    gaps = report["gap_seconds"]
    table.add_row("gap in an update", "", f"{gaps['ours']:.1f} s", "", *(f"{gaps[name]:.1f} s" for name in names))
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
    subprocess.run([*command, str(REPORT), str(PLOTS)], check=True)  # noqa: S603  # our own words


if __name__ == "__main__":
    main()
