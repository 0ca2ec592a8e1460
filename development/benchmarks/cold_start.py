"""`python -m development.benchmarks.cold_start`: the handler imported and its clients made, and a bare handler's.

In processes of their own, in turns, with the byte-code that each would find: the SDK's in Lambda's runtime; ours as
`sam build` ships it, and also where the builder had no Python of the runtime's version and shipped none.
"""

from __future__ import annotations

import io
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from local_aws.organisation import sam_build

TIMES = 15
MEASURING = """
import time
began = time.perf_counter()
{code}
import json, resource
seconds = time.perf_counter() - began
print(json.dumps([seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024]))
"""
BARE = """
import boto3
clients = [boto3.client(name) for name in ("sts", "dynamodb", "cloudformation", "iam", "dms")]
def handler(event, context): ...
"""
OURS = """
from dms_s3_endpoint import app
from dms_s3_endpoint.aws.deadline import Deadline
from dms_s3_endpoint.aws.sessions import new_client, new_session
from dms_s3_endpoint.model.figures import Figures
session = new_session()
services = ("sts", "dynamodb", "cloudformation", "iam", "dms")
clients = [new_client(session, name, Deadline(0.0), Figures()) for name in services]
"""
# The sessions and clients of one more request in the same process, as each request has its own.
CLIENTS_OF_A_REQUEST = """
{imported}
def sessions_and_clients():
    for services in (("sts", "dynamodb", "cloudformation"), ("iam",), ("dms",)):
        session = {session}
        clients = [session.client(name) for name in services]
sessions_and_clients()
began = time.perf_counter()
sessions_and_clients()
"""
SESSIONS = {
    "shared": ("from dms_s3_endpoint.aws.sessions import new_session", "new_session()"),
    "anew": ("import boto3", "boto3.Session()"),
}


@dataclass(frozen=True)
class Medians:
    """Of TIMES processes."""

    milliseconds: float
    peak_mib: float


def found_in(built: Path) -> dict[str, Any]:
    """The report's part. `built` is what `sam build` makes of the function."""
    starts = _cold_starts(built)
    codes = {name: (CLIENTS_OF_A_REQUEST.format(imported=i, session=s), built) for name, (i, s) in SESSIONS.items()}
    return {
        "cold_start": {name: asdict(start) for name, start in starts.items()},
        "cold_start_ratio": starts["ours"].milliseconds / starts["bare"].milliseconds,
        # Where sessions share the SDK's descriptions, and where each reads them anew.
        "clients_of_a_request_ms": {name: each.milliseconds for name, each in _in_turns(codes).items()},
        "zip_bytes": zip_bytes(built),
    }


def lines(report: Mapping[str, Any]) -> list[str]:
    """That part in words."""
    starts, clients = report["cold_start"], report["clients_of_a_request_ms"]
    return [
        *(
            f"cold start, {n}: {each['milliseconds']:.0f} ms, peak {each['peak_mib']:.0f} MiB"
            for n, each in starts.items()
        ),
        f"cold start ratio {report['cold_start_ratio']:.2f}",
        f"sessions and clients of a request: {clients['shared']:.0f} ms; "
        f"where each session reads the SDK's descriptions anew: {clients['anew']:.0f} ms",
        f"zip: {report['zip_bytes']:,} bytes",
    ]


def _cold_starts(built: Path) -> dict[str, Medians]:
    with tempfile.TemporaryDirectory() as directory:
        compiled, source = Path(directory, "compiled"), Path(directory, "source")
        for copy in (compiled, source):
            shutil.copytree(built, copy, ignore=shutil.ignore_patterns("__pycache__"))
        compile_all = [sys.executable, "-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash", str(compiled)]
        subprocess.run(compile_all, check=True)  # noqa: S603  # our own words
        # The interpreter's and the SDK's own byte-code is there for all three.
        return _in_turns({"bare": (BARE, source), "ours": (OURS, compiled), "ours, without byte-code": (OURS, source)})


def _in_turns(codes: Mapping[str, tuple[str, Path]]) -> dict[str, Medians]:
    """What each code takes. A machine that is slower for a while is slower for all."""
    rounds = [{name: _run(*code) for name, code in codes.items()} for _ in range(TIMES)]
    taken = {name: zip(*(each[name] for each in rounds), strict=True) for name in codes}
    return {n: Medians(statistics.median(s) * 1000, statistics.median(mib)) for n, (s, mib) in taken.items()}


def _run(code: str, path: Path) -> tuple[float, float]:
    """Seconds, and the peak of memory in MiB."""
    environ = {"PYTHONPATH": str(path), "PYTHONDONTWRITEBYTECODE": "1", "AWS_DEFAULT_REGION": "eu-west-1"}
    environ |= {"AWS_ACCESS_KEY_ID": "none", "AWS_SECRET_ACCESS_KEY": "none"}
    command = [sys.executable, "-c", MEASURING.format(code=code)]
    done = subprocess.run(command, env=environ, check=True, capture_output=True, text=True)  # noqa: S603  # as above
    seconds, peak = json.loads(done.stdout.splitlines()[-1])
    return seconds, peak


def zip_bytes(built: Path) -> int:
    """Of the function's package, as `sam deploy` uploads it."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as zipped:
        for path in sorted(built.rglob("*")):
            zipped.write(path, path.relative_to(built))
    return len(archive.getvalue())


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as directory:
        print(*lines(found_in(sam_build(Path(directory)).parent / "Function")), sep="\n")
