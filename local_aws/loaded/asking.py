"""How the process that has loaded SAM is asked; see local_aws/sam.py. Imports nothing that takes long."""

from __future__ import annotations

import json
import socket
from collections.abc import Mapping, Sequence
from typing import Any

# One byte carries the caller's input, output and errors; a line of JSON follows, and the answer is the exit status.
STREAMS = (0, 1, 2)
CARRIER = b"-"


def ask(address: str, arguments: Sequence[str], environ: Mapping[str, str], cwd: str, files: Sequence[int]) -> int:
    """The exit status of `sam` with these arguments. `files` are its input, output and errors."""
    request = {"arguments": list(arguments), "environ": dict(environ), "cwd": cwd}
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(address)
        socket.send_fds(connection, [CARRIER], files)
        connection.sendall(json.dumps(request).encode() + b"\n")
        return int(connection.makefile().readline())


def take(connection: socket.socket) -> tuple[dict[str, Any], list[int]]:
    """What was asked, and the files."""
    _carrier, files, _flags, _address = socket.recv_fds(connection, len(CARRIER), len(STREAMS))
    request: dict[str, Any] = json.loads(connection.makefile().readline())
    return request, files
