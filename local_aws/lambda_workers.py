"""The processes that run functions: which one runs which event, who of them makes a call, and where their code is."""

from __future__ import annotations

import hashlib
import os
import secrets
import select
import signal
import subprocess
import threading
import types
import zipfile
from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from ministack.core import lambda_runtime
from ministack.services import sts

from .functions import function_server
from .loaded.asking import begin, status_of
from .state import State

_spawned: ContextVar[Any] = ContextVar("spawned", default=None)
_unpacking = threading.Lock()


def install(state: State) -> None:
    """Patch MiniStack's Lambda."""
    lambda_runtime.Worker.invoke = _recording(lambda_runtime.Worker.invoke, state)
    lambda_runtime.Worker._spawn = _telling_who(lambda_runtime.Worker._spawn)
    lambda_runtime.execution_credentials = _of_its_own(lambda_runtime.execution_credentials, state)
    lambda_runtime.kill_workers = _only_idle(lambda_runtime.kill_workers)
    lambda_runtime.subprocess = types.SimpleNamespace(**vars(subprocess) | {"Popen": Forked})
    lambda_runtime.zipfile = types.SimpleNamespace(**vars(zipfile) | {"ZipFile": UnpackedOnce})


def _recording(original: Callable[..., Any], state: State) -> Callable[..., Any]:
    """The faults that end a function need to know its worker, those of one event the event that a worker runs."""

    def invoke(self: Any, event: Any, *rest: Any, **more: Any) -> Any:
        self.event = str(event.get("RequestId", "")) if isinstance(event, dict) else ""
        if self.event:
            state.workers[self.event] = self
        return original(self, event, *rest, **more)

    return invoke


def _telling_who(original: Callable[..., Any]) -> Callable[..., Any]:
    def spawn(self: Any) -> Any:
        _spawned.set(self)
        try:
            return original(self)
        finally:
            _spawned.set(None)

    return spawn


def _of_its_own(original: Callable[..., dict[str, str]], state: State) -> Callable[..., dict[str, str]]:
    """Each worker has a session of its own, as in Lambda; MiniStack's share one.

    So a call by the function's own role, whose session is not named after an event, leads to the event too.
    """

    def credentials(config: dict[str, Any]) -> dict[str, str]:
        given = original(config)
        access_key = f"ASIA{secrets.token_hex(8).upper()}"
        sts.register_session(access_key, dict(sts._sessions[given["AWS_ACCESS_KEY_ID"]]))
        state.sessions[access_key] = _spawned.get()
        return given | {"AWS_ACCESS_KEY_ID": access_key}

    return credentials


def _only_idle(original: Callable[[list[Any]], None]) -> Callable[[list[Any]], None]:
    """If one worker of a function fails, MiniStack ends all of them. Lambda ends only the one that failed."""

    def kill(workers: list[Any]) -> None:
        original([worker for worker in workers if worker is not None and not worker.in_use])

    return kill


class Forked:
    """What MiniStack uses of subprocess.Popen, of a process that runs a function; see functions.py."""

    def __init__(self, command: Sequence[str], *, cwd: str, env: Mapping[str, str], **_streams: object) -> None:
        """The command is Python and its arguments. The streams are pipes of text."""
        given, stdin = os.pipe()
        stdout, told = os.pipe()
        stderr, logged = os.pipe()
        own = (given, told, logged)
        self._connection, self._process_id = begin(function_server(), command[1:], env, cwd, own)
        for file in own:
            os.close(file)
        self.stdin = os.fdopen(stdin, "w", buffering=1)
        self.stdout, self.stderr = os.fdopen(stdout), os.fdopen(stderr)

    def poll(self) -> int | None:
        """The exit status, if it has ended."""
        return status_of(self._connection) if select.select([self._connection], [], [], 0)[0] else None

    def wait(self, timeout: float) -> int:
        """The exit status. Raises TimeoutError after these seconds."""
        if not select.select([self._connection], [], [], timeout)[0]:
            raise TimeoutError
        return status_of(self._connection)

    def send_signal(self, number: int) -> None:
        """Send it a signal, unless it has ended."""
        if self.poll() is None:
            os.kill(self._process_id, number)

    def terminate(self) -> None:
        """Ask it to end."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it."""
        self.send_signal(signal.SIGKILL)


class UnpackedOnce(zipfile.ZipFile):
    """A package that is unpacked once for all workers, as functions only read theirs: /var/task can't be written.

    MiniStack unpacks it for each, and then each compiles it anew, which takes longer than all else in a cold start.
    """

    def extractall(self, path: Any = None, members: Any = None, pwd: bytes | None = None) -> None:
        """Let `path`, an empty folder, lead to the files."""
        package = Path(str(self.filename)).read_bytes()
        unpacked = Path(os.environ["TMPDIR"], "unpacked", hashlib.sha256(package).hexdigest())
        with _unpacking:
            if not unpacked.exists():
                partial = unpacked.with_suffix(".partial")
                super().extractall(partial, members, pwd)
                partial.rename(unpacked)
        Path(path).rmdir()
        Path(path).symlink_to(unpacked, target_is_directory=True)
