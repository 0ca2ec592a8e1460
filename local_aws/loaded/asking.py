"""How a process is asked to fork, and its fork to run a program; see local_aws/forks.py. Imports little."""

from __future__ import annotations

import json
import socket
import struct
from collections.abc import Mapping, Sequence
from typing import Any

# One byte carries the caller's input, output and errors; a line of JSON follows. The answers are two numbers: the
# process's id when it begins, and its exit status when it has ended.
STREAMS = (0, 1, 2)
CARRIER = b"-"
NUMBER = struct.Struct("!i")


def begin(
    address: str, arguments: Sequence[str], environ: Mapping[str, str], cwd: str, files: Sequence[int]
) -> tuple[socket.socket, int]:
    """Begin a process: its connection, and its id. It is killed when the connection is closed.

    `files` are its input, output and errors.
    """
    request = {"arguments": list(arguments), "environ": dict(environ), "cwd": cwd}
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(address)
    socket.send_fds(connection, [CARRIER], files)
    connection.sendall(json.dumps(request).encode() + b"\n")
    (process_id,) = NUMBER.unpack(connection.recv(NUMBER.size))
    return connection, process_id


def ask(address: str, arguments: Sequence[str], environ: Mapping[str, str], cwd: str, files: Sequence[int]) -> int:
    """The exit status of the program with these arguments."""
    connection, _process_id = begin(address, arguments, environ, cwd, files)
    with connection:
        return status_of(connection)


def status_of(connection: socket.socket) -> int:
    """The exit status, as soon as the process has ended. It can be asked for again."""
    (status,) = NUMBER.unpack(connection.recv(NUMBER.size, socket.MSG_PEEK))
    return int(status)


def take(connection: socket.socket) -> tuple[dict[str, Any], list[int]]:
    """What was asked, and the files."""
    _carrier, files, _flags, _address = socket.recv_fds(connection, len(CARRIER), len(STREAMS))
    request: dict[str, Any] = json.loads(connection.makefile().readline())
    return request, files
