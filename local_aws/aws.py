"""The embedded AWS as its users see it: starts the server, reaches it, takes it away again."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Any

import boto3
from botocore.config import Config

from .switches import Switches, changed
from .wire import Answer, Call, Decision, Fault

ROOT = Path(__file__).resolve().parent.parent
PYTHON = ROOT / ".venv-cloud" / "bin" / "python"
REGION = "eu-west-1"
SECONDS_TO_START = 60.0


class EmbeddedAws:
    """MiniStack with IAM enforced and a DMS, on a free port of the loopback; all its files are in one folder.

    A 12-digit access key id is that account's root. In it, `time_scale` virtual seconds pass in a second.
    """

    def __init__(self, time_scale: float = 100.0, *, directory: Path | None = None, keep: bool = False) -> None:
        """`keep` leaves it all standing at the end: see `how_to_reach`. `directory` must not be there yet."""
        self.time_scale = time_scale
        self.region = REGION
        self._wanted_directory = directory
        self._keep = keep
        self._token = secrets.token_hex(16)
        self._process: subprocess.Popen[bytes] | None = None
        self._clients: dict[tuple[str, str], Any] = {}
        self._clients_lock = threading.Lock()

    def __enter__(self) -> EmbeddedAws:
        self.directory = _new_directory(self._wanted_directory)
        try:
            self._start()
        except BaseException:
            self._stop()
            raise
        return self

    def _start(self) -> None:
        # The server inherits the socket: nobody can take the port before it listens.
        with socket.create_server(("127.0.0.1", 0)) as listener:
            self.port = listener.getsockname()[1]
            self._process = self._spawn(listener.fileno())
        # By address: a name would make the SDKs look for buckets under names of hosts that nobody resolves.
        self.endpoint_url = f"https://127.0.0.1:{self.port}"
        self._wait_until_up()

    def _spawn(self, listener: int) -> subprocess.Popen[bytes]:
        # With its standard input closed by our end, however that comes, the server ends too. Unless it is kept.
        with (self.directory / "server.log").open("w") as log:
            return subprocess.Popen(  # noqa: S603  # our own server
                [str(PYTHON), "-m", "local_aws.server"],
                cwd=ROOT,
                env=self._server_environ(listener),
                stdin=subprocess.DEVNULL if self._keep else subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                pass_fds=[listener],
                start_new_session=True,
            )

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self._keep or error is not None:
            self._stop()

    def _server_environ(self, listener: int) -> dict[str, str]:
        own = {
            "EMBEDDED_AWS_DIRECTORY": str(self.directory),
            "EMBEDDED_AWS_PORT": str(self.port),
            "EMBEDDED_AWS_LISTENER": str(listener),
            "EMBEDDED_AWS_REGION": self.region,
            "EMBEDDED_AWS_TIME_SCALE": str(self.time_scale),
            "EMBEDDED_AWS_TOKEN": self._token,
            "EMBEDDED_AWS_KEEP": "1" if self._keep else "",
        }
        # Nothing of the user's own AWS must reach the functions that run in there.
        return {key: value for key, value in os.environ.items() if not key.startswith("AWS_")} | own

    def _wait_until_up(self) -> None:
        ends = time.monotonic() + SECONDS_TO_START
        while time.monotonic() < ends:
            if self._process is None or self._process.poll() is not None:
                break
            with contextlib.suppress(OSError, ValueError):
                self._control("GET", "health")
                return
            time.sleep(0.05)
        log = (self.directory / "server.log").read_text()
        raise RuntimeError(f"the embedded AWS did not start:\n{log}")

    def _stop(self) -> None:
        """The server's process group: the functions' processes are in it."""
        if self._process:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.communicate()
        shutil.rmtree(self.directory)

    @property
    def certificate(self) -> Path:
        return self.directory / "certificate.pem"

    @property
    def ca_bundle(self) -> str:
        return str(self.certificate)

    @property
    def private_key(self) -> Path:
        return self.directory / "private-key.pem"

    def environ(self, account: str) -> dict[str, str]:
        """The variables with which `aws`, `sam` and boto3 act as the account's root."""
        trusted = self.ca_bundle
        nowhere = str(self.directory / "no-such-file")
        return {
            "AWS_ENDPOINT_URL": self.endpoint_url,
            "AWS_ACCESS_KEY_ID": account,
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": self.region,
            "AWS_REGION": self.region,
            "AWS_CA_BUNDLE": trusted,
            "REQUESTS_CA_BUNDLE": trusted,
            "SSL_CERT_FILE": trusted,
            "AWS_CONFIG_FILE": nowhere,
            "AWS_SHARED_CREDENTIALS_FILE": nowhere,
            "SAM_CLI_TELEMETRY": "0",
        }

    def how_to_reach(self, account: str) -> str:
        """Shell lines for a user whose cloud is kept, and how to end it."""
        names = (
            "AWS_ENDPOINT_URL",
            "AWS_CA_BUNDLE",
            "AWS_DEFAULT_REGION",
            "AWS_ACCESS_KEY_ID",
            "AWS_SECRET_ACCESS_KEY",
        )
        exports = " ".join(f"{name}={self.environ(account)[name]}" for name in names)
        group = self._process.pid if self._process else 0
        stop = f"kill -- -{group}; rm -r {self.directory}"
        return f"export {exports}\nAWS_ACCESS_KEY_ID is the account. To end it: {stop}"

    def client(self, service: str, account: str) -> Any:
        """A boto3 client as the account's root; always the same one, which threads may share."""
        with self._clients_lock:
            if (service, account) not in self._clients:
                self._clients[service, account] = self._new_client(service, account)
            return self._clients[service, account]

    def _new_client(self, service: str, account: str) -> Any:
        return boto3.client(  # type: ignore[call-overload]  # a name that is no literal
            service,
            region_name=self.region,
            endpoint_url=self.endpoint_url,
            aws_access_key_id=account,
            aws_secret_access_key="test",  # noqa: S106  # what MiniStack takes as root's
            verify=self.ca_bundle,
            config=Config(read_timeout=300, retries={"total_max_attempts": 1}, max_pool_connections=100),
        )

    def switch(self, **changes: Any) -> None:
        """Change how DMS and IAM behave. Raises TypeError or ValueError for what `Switches` does not have."""
        changed(Switches(), changes)
        self._control("POST", "switches", changes)

    def reset_switches(self) -> None:
        """All switches as they are at the start, and no faults."""
        self._control("DELETE", "switches")

    def inject(self, service: str, operation: str, fault: Fault, nth: int = 1, times: int = 1, event: str = "") -> None:
        """Let `times` calls of the operation fail, from the `nth` on that is made from now.

        With the RequestId of a CloudFormation event, only what the function does for that event fails.
        """
        planned = {"service": service, "operation": operation, "fault": fault, "nth": nth, "times": times}
        self._control("POST", "faults", planned | {"event": event})

    def calls(self, event: str = "") -> list[Call]:
        """The API calls since the last `clear_calls`, in the order in which they ended; all, or those for an event."""
        return [Call(**call) for call in self._control("GET", f"calls/{event}")]

    def clear_calls(self) -> None:
        self._control("DELETE", "calls")

    def forget(self, event: str) -> None:
        """The calls and the faults of an event that is over."""
        self._control("DELETE", f"events/{event}")

    def answers(self) -> list[Answer]:
        """What reached the ResponseURLs of MiniStack's CloudFormation."""
        return [Answer(**answer) for answer in self._control("GET", "answers")]

    def decisions(self) -> list[Decision]:
        """What IAM decided for sessions of roles since the last `clear_calls`, the latest 10,000."""
        return [Decision(**decision) for decision in self._control("GET", "decisions")]

    def log_text(self) -> str:
        """What the server has written, and what the functions wrote to their log groups."""
        functions = self._control("GET", "logs")
        return "\n".join([(self.directory / "server.log").read_text(), *functions])

    def _control(self, method: str, name: str, body: object = None) -> Any:
        request = urllib.request.Request(  # noqa: S310  # our own https address
            f"{self.endpoint_url}/_embedded/{name}",
            method=method,
            data=json.dumps(body).encode(),
            headers={"x-embedded-token": self._token},
        )
        context = ssl.create_default_context(cafile=self.ca_bundle)
        with urllib.request.urlopen(request, context=context, timeout=30) as answer:  # noqa: S310  # as above
            return json.load(answer)


def _new_directory(wanted: Path | None) -> Path:
    if wanted is None:
        return Path(tempfile.mkdtemp(prefix="embedded-aws-"))
    wanted.mkdir(mode=0o700, parents=True)
    return wanted.resolve()
