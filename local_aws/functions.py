"""Functions, in processes that are forked from one that has loaded the SDK and described what they call.

Started from nothing, each would compute for half a second before its first call. `python -m local_aws.functions` is
that one process; in_workers/ is on its path.
"""

from __future__ import annotations

import importlib
import os
import runpy
import sys
from pathlib import Path

import boto3

from .aws import PYTHON
from .forks import serve, server
from .libraries import read_descriptions_once

# What the function calls.
SERVICES = ("cloudformation", "dms", "dynamodb", "iam", "kms", "s3", "sts")
IN_WORKERS = str(Path(__file__).with_name("in_workers"))


def function_server() -> str:
    """The socket's path: FUNCTION_SERVER, or of a server for this process, started for its first function."""
    return os.environ.get("FUNCTION_SERVER") or server(str(PYTHON), "local_aws.functions", IN_WORKERS)


def _load() -> None:
    read_descriptions_once()
    for service in SERVICES:
        boto3.Session("nobody", "nobody", region_name="eu-west-1").client(service)  # type: ignore[call-overload]  # no literal


def _run(arguments: list[str]) -> None:
    """Run the script that is the first argument, as Python starts it."""
    sys.argv = arguments
    sys.path[0] = str(Path(arguments[0]).parent)
    importlib.import_module("sitecustomize").begin()
    runpy.run_path(arguments[0], run_name="__main__")


if __name__ == "__main__":
    _load()
    serve(sys.argv[1], _run)
