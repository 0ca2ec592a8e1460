"""The SAM CLI, in processes that are forked from one that has loaded it: a start from nothing takes two seconds.

`python -m local_aws.sam` is that one process.
"""

from __future__ import annotations

import importlib
import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import boto3

from .forks import serve, server
from .libraries import parse_yaml_in_c, read_descriptions_once
from .loaded.asking import ask

# What the script loads only once it runs a command.
LOADED = (
    "samcli.cli.main",
    "samcli.commands.deploy.command",
    "samcli.commands.deploy.deploy_context",
    "samcli.commands.package.package_context",
)
SERVICES = ("cloudformation", "s3", "sts")
# The folder of a `sam` that asks the server.
ON_PATH = Path(__file__).with_name("loaded")


def sam(arguments: Sequence[str], environ: Mapping[str, str], cwd: Path) -> tuple[int, str]:
    """The exit status of `sam` with these arguments, and what it printed."""
    with tempfile.TemporaryFile("w+") as output, open(os.devnull) as nothing:
        files = [nothing.fileno(), output.fileno(), output.fileno()]
        status = ask(sam_server(), arguments, environ, str(cwd), files)
        output.seek(0)
        return status, output.read()


def sam_server() -> str:
    """The socket's path: SAM_SERVER, or of a server for this process that is started when the first command comes."""
    return os.environ.get("SAM_SERVER") or server(sys.executable, "local_aws.sam")


def _load() -> None:
    parse_yaml_in_c()
    read_descriptions_once()
    # Before the modules of SAM: they let botocore log.
    for service in SERVICES:
        boto3.Session().client(service, region_name="eu-west-1")  # type: ignore[call-overload]  # no literal
    for module in LOADED:
        importlib.import_module(module)


def _run(arguments: list[str]) -> None:
    """`sam`, as its own script starts it."""
    sys.argv = ["sam", *arguments]
    importlib.import_module("samcli.cli.main").cli(prog_name="sam")


if __name__ == "__main__":
    _load()
    serve(sys.argv[1], _run)
