"""The plots of the docs. Arguments: their folder, build/bench.json, build/scale.json. Runs in .venv-bench."""

import json
import sys
from pathlib import Path

import matplotlib as mpl
from matplotlib import pyplot

mpl.use("svg")
# The same figures give the same file.
mpl.rcParams.update({"svg.hashsalt": "bench", "svg.fonttype": "none", "font.size": 9})
WITHOUT_DATE = {"Date": None}
LATE = "#b5483a"
DONE = "#2f6f8f"


def timeline(calls, to):
    figure, axes = pyplot.subplots(figsize=(9, 0.24 * len(calls) + 1))
    for row, call in enumerate(calls):
        axes.barh(row, call["ended"] - call["began"], left=call["began"], color=LATE if call["error"] else DONE)
        label = call["call"] + (f": {call['error']}" if call["error"] else "")
        right = call["began"] > calls[-1]["ended"] / 2
        place = call["began"] - 0.3 if right else call["ended"] + 0.3
        axes.text(place, row, label, va="center", ha="right" if right else "left", fontsize=7)
    axes.invert_yaxis()
    axes.set_yticks([])
    axes.set_xlabel("seconds")
    axes.set_title("One create, call by call (red: refused, until IAM's change has reached DMS)")
    figure.tight_layout()
    figure.savefig(to, metadata=WITHOUT_DATE)


def fleet(runs, to):
    figure, axes = pyplot.subplots(figsize=(6, 3.4))
    for operation in ("create", "delete"):
        points = [(run["endpoints"], run["ratio_to_bound"]) for run in runs if run["operation"] == operation]
        axes.plot(*zip(*points, strict=True), marker="o", label=operation)
    axes.axhline(1.3, linestyle=":", color="grey", label="1.3 times the bound")
    axes.axhline(1.0, color="grey", linewidth=0.8, label="the bound")
    axes.set_xticks([1, 12, 36])
    axes.set_ylim(0.9)
    axes.set_xlabel("endpoints at once")
    axes.set_ylabel("elapsed, times the bound of one")
    axes.legend()
    figure.tight_layout()
    figure.savefig(to, metadata=WITHOUT_DATE)


def scale(runs, to):
    figure, axes = pyplot.subplots(figsize=(6, 3.4))
    for operation, color in (("create", DONE), ("delete", LATE)):
        own = [run for run in runs if run["operation"] == operation]
        counts = [run["endpoints"] for run in own]
        axes.plot(counts, [run["seconds"] for run in own], color=color, label=operation)
        axes.plot(counts, [run["bound"] for run in own], linestyle=":", color=color, label=f"the bound of {operation}")
        for run in own:
            axes.plot(run["endpoints"], run["seconds"], "o", color=color, mfc="white" if run["failures"] else color)
    seconds = (30, 60, 120, 240, 480)
    axes.set(xscale="log", yscale="log", xlabel="endpoints at once", ylabel="seconds")
    axes.set_xticks(counts, counts)
    axes.set_yticks(seconds, seconds)
    axes.minorticks_off()
    axes.set_title("Hollow: some requests failed with Throttled")
    axes.legend()
    figure.tight_layout()
    figure.savefig(to, metadata=WITHOUT_DATE)


if __name__ == "__main__":
    folder, *reports = map(Path, sys.argv[1:])
    for report in reports:
        found = json.loads(report.read_text())
        if isinstance(found, list):
            scale(found, folder / "scale.svg")
        else:
            timeline(found["timeline"], folder / "timeline.svg")
            fleet(found["fleet"], folder / "fleet.svg")
