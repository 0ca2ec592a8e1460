"""The SAM CLI, in processes that are forked from one that has loaded it: a start from nothing takes two seconds.

`python -m local_aws.sam` is that one process. It listens at a socket, and ends with the process that started it.
"""

from __future__ import annotations

import atexit
import importlib
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import NoReturn

import boto3

from .libraries import parse_yaml_in_c, read_descriptions_once
from .loaded.asking import STREAMS, ask, take

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


@cache
def sam_server() -> str:
    """The socket's path: SAM_SERVER, or of a server for this process that is started when the first command comes."""
    if "SAM_SERVER" in os.environ:
        return os.environ["SAM_SERVER"]
    directory = tempfile.mkdtemp()
    address = str(Path(directory) / "sam")
    process = subprocess.Popen(  # noqa: S603  # our own
        [sys.executable, "-m", "local_aws.sam", address],
        cwd=Path(__file__).resolve().parents[1],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    atexit.register(_end, process, directory)
    for _listens in process.stdout or ():
        break
    return address


def _end(process: subprocess.Popen[bytes], directory: str) -> None:
    """It ends with its standard input; so it does if this process is killed."""
    process.communicate()
    shutil.rmtree(directory)


def serve(address: str) -> None:
    """Answer requests until the standard input ends, each in a process of its own."""
    _load()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for them
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(address)
        listener.listen(64)
        print("ready", flush=True)
        while sys.stdin not in select.select([listener, sys.stdin], [], [])[0]:
            connection, _ = listener.accept()
            if os.fork() == 0:
                listener.close()
                _answer(connection)
            connection.close()


def _load() -> None:
    parse_yaml_in_c()
    read_descriptions_once()
    # Before the modules of SAM: they let botocore log.
    for service in SERVICES:
        boto3.Session().client(service, region_name="eu-west-1")  # type: ignore[call-overload]  # no literal
    for module in LOADED:
        importlib.import_module(module)


def _answer(connection: socket.socket) -> NoReturn:
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    request, files = take(connection)
    child = os.fork()
    if child == 0:
        _run(files, **request)
    _, status = os.waitpid(child, 0)
    connection.sendall(f"{os.waitstatus_to_exitcode(status)}\n".encode())
    os._exit(0)


def _run(files: Sequence[int], arguments: Sequence[str], environ: Mapping[str, str], cwd: str) -> NoReturn:
    """`sam`, as its own script starts it. `files` are its input, output and errors."""
    for file, stream in zip(files, STREAMS, strict=True):
        os.dup2(file, stream)
    # Python's own were made of what may be of another kind: a file, where this is a pipe.
    sys.stdout, sys.stderr = (os.fdopen(stream, "w", closefd=False) for stream in STREAMS[1:])
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(environ)
    sys.argv = ["sam", *arguments]
    try:
        importlib.import_module("samcli.cli.main").cli(prog_name="sam")
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else 1
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


if __name__ == "__main__":
    serve(sys.argv[1])
