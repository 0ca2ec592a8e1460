"""Programs in processes that are forked from one that has loaded what they import, so that they start at once.

That process runs a module of this package, listens at a socket, and ends with the process that started it.
"""

from __future__ import annotations

import atexit
import gc
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import traceback
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import NoReturn

from .loaded.asking import NUMBER, STREAMS, take

Program = Callable[[list[str]], None]

_starting = threading.Lock()


def server(python: str, module: str, path: str = "") -> str:
    """The socket's path of the process that runs the module. All threads share it; it imports from `path` too."""
    with _starting:
        return _started(python, module, path)


@cache
def _started(python: str, module: str, path: str) -> str:
    directory = tempfile.mkdtemp()
    address = str(Path(directory) / "socket")
    process = subprocess.Popen(  # noqa: S603  # our own
        [python, "-m", module, address],
        cwd=Path(__file__).resolve().parents[1],
        env=without_aws_settings() | {"PYTHONPATH": path},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    atexit.register(_end, process, directory)
    for _listens in process.stdout or ():
        break
    return address


def without_aws_settings() -> dict[str, str]:
    """The environment, but for the user's own AWS settings, which nothing that is embedded may see."""
    return {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}


def _end(process: subprocess.Popen[bytes], directory: str) -> None:
    """It ends with its standard input; so it does if this process is killed."""
    process.communicate()
    shutil.rmtree(directory)


def serve(address: str, program: Program) -> None:
    """Fork for each request, until the standard input ends."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for them
    # Forks share what they don't touch, and the garbage collector would touch all.
    gc.collect()
    gc.freeze()
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(address)
        listener.listen(64)
        print("ready", flush=True)
        while sys.stdin not in select.select([listener, sys.stdin], [], [])[0]:
            connection, _ = listener.accept()
            if os.fork() == 0:
                listener.close()
                _answer(connection, program)
            connection.close()


def _answer(connection: socket.socket, program: Program) -> NoReturn:
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    request, files = take(connection)
    # The other end closes when the process ends, however it does.
    ended, held = os.pipe()
    process_id = os.fork()
    if process_id == 0:
        connection.close()
        _run(program, files, **request)
    for file in (held, *files):
        os.close(file)
    connection.sendall(NUMBER.pack(process_id))
    if ended not in select.select([connection.fileno(), ended], [], [])[0]:
        os.kill(process_id, signal.SIGKILL)  # who asked has gone
    _, status = os.waitpid(process_id, 0)
    with suppress(BrokenPipeError):  # who asked has gone by now
        connection.sendall(NUMBER.pack(os.waitstatus_to_exitcode(status)))
    os._exit(0)


def _run(
    program: Program, files: Sequence[int], arguments: list[str], environ: Mapping[str, str], cwd: str
) -> NoReturn:
    """Run the program with these arguments. `files` are its input, output and errors."""
    for file, stream in zip(files, STREAMS, strict=True):
        os.dup2(file, stream)
    # Python's own were made of what may be of another kind: a file, where this is a pipe.
    sys.stdin, sys.stdout = os.fdopen(0, closefd=False), os.fdopen(1, "w", closefd=False)
    sys.stderr = os.fdopen(2, "w", buffering=1, closefd=False)
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(environ)
    os._exit(_status(program, arguments))


def _status(program: Program, arguments: list[str]) -> int:
    """The exit status, as Python gives it."""
    status = 0
    try:
        program(arguments)
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else 1
    except BaseException:  # Python prints each of them too
        traceback.print_exc()
        status = 1
    sys.stdout.flush()
    sys.stderr.flush()
    return status
