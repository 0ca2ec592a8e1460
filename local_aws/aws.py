"""The embedded AWS for its users: start the server, control it, and stop it."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Mapping
from functools import cached_property
from http import HTTPStatus
from pathlib import Path
from types import TracebackType
from typing import Any

import boto3
import urllib3
from botocore.config import Config

from .clock import Clock
from .forks import without_aws_settings
from .switches import Switches, changed
from .wire import Answer, Call, Decision, Fault

ROOT = Path(__file__).resolve().parent.parent
PYTHON = ROOT / ".venv-cloud" / "bin" / "python"
REGION = "eu-west-1"
SECONDS_TO_START = 60.0


class EmbeddedAws:
    """MiniStack with IAM enforced and a DMS, on a free port of the loopback. All its files are in one folder.

    A 12-digit access key id is the root of that account. `time_scale` virtual seconds pass in each second.
    """

    def __init__(self, time_scale: float = 100.0, *, directory: Path | None = None, keep: bool = False) -> None:
        """`keep`: the server goes on after the end, see `how_to_reach`. `directory` must not exist yet."""
        self.clock = Clock(time_scale)
        self.region = REGION
        self._wanted_directory = directory
        self._keep = keep
        self._token = secrets.token_hex(16)
        self._process: subprocess.Popen[bytes] | None = None
        self._clients: dict[tuple[str, str], Any] = {}
        self._clients_lock = threading.Lock()

    @property
    def time_scale(self) -> float:
        """The virtual seconds of one second."""
        return self.clock.scale

    def __enter__(self) -> EmbeddedAws:
        self.directory = _new_directory(self._wanted_directory)
        try:
            self._start()
        except BaseException:
            self._stop()
            raise
        return self

    def _start(self) -> None:
        # The server inherits the socket, so no other process can take the port.
        with socket.create_server(("127.0.0.1", 0)) as listener:
            self.port = listener.getsockname()[1]
            self._process = self._spawn(listener.fileno())
        # An IP address: with a host name, SDKs would put the bucket into the host name, which does not resolve.
        self.endpoint_url = f"https://127.0.0.1:{self.port}"
        self._wait_until_up()

    def _spawn(self, listener: int) -> subprocess.Popen[bytes]:
        # When this process ends, the server's standard input closes, and it ends too, unless it is kept.
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
            "EMBEDDED_AWS_CLOCK": self.clock.text(),
            "EMBEDDED_AWS_TIME_SCALE": str(self.clock.scale),
            "EMBEDDED_AWS_TOKEN": self._token,
            "EMBEDDED_AWS_KEEP": "1" if self._keep else "",
        }
        return without_aws_settings() | own

    def _wait_until_up(self) -> None:
        ends = time.monotonic() + SECONDS_TO_START
        while time.monotonic() < ends:
            if self._process is None or self._process.poll() is not None:
                break
            with contextlib.suppress(urllib3.exceptions.HTTPError, ValueError):
                self._control("GET", "health")
                return
            time.sleep(0.05)
        log = (self.directory / "server.log").read_text()
        raise RuntimeError(f"the embedded AWS did not start:\n{log}")

    def _stop(self) -> None:
        """End the server's process group, which includes the functions, and remove its files."""
        if self._process:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.communicate()
        shutil.rmtree(self.directory)

    @property
    def certificate(self) -> Path:
        """The server's certificate, in PEM."""
        return self.directory / "certificate.pem"

    @property
    def ca_bundle(self) -> str:
        """The path of the certificate authorities that a client needs: the server's own certificate."""
        return str(self.certificate)

    @property
    def private_key(self) -> Path:
        """The key of the certificate, in PEM."""
        return self.directory / "private-key.pem"

    def environ(self, account: str) -> dict[str, str]:
        """The environment variables with which `aws`, `sam` and boto3 act as the account's root."""
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
        """Shell lines that reach a kept server as the account's root, and the command that ends it."""
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
        reach = f"To reach it as account {account} (AWS_ACCESS_KEY_ID is the account):\n  export {exports}"
        return f"{reach}\nTo end it:\n  {stop}"

    def client(self, service: str, account: str) -> Any:
        """A boto3 client as the account's root. Each call returns the same one; threads may share it."""
        with self._clients_lock:
            if (service, account) not in self._clients:
                self._clients[service, account] = self._new_client(service, account)
            return self._clients[service, account]

    def _new_client(self, service: str, account: str) -> Any:
        return boto3.client(  # type: ignore[call-overload]  # the service's name is no literal
            service,
            region_name=self.region,
            endpoint_url=self.endpoint_url,
            aws_access_key_id=account,
            aws_secret_access_key="test",  # noqa: S106  # MiniStack's secret for root
            verify=self.ca_bundle,
            config=Config(read_timeout=300, retries={"total_max_attempts": 1}, max_pool_connections=100),
        )

    def switch(self, **changes: Any) -> None:
        """Change how DMS and IAM behave. Raises TypeError for an unknown switch, ValueError for a wrong value."""
        changed(Switches(), changes)
        self._control("POST", "switches", changes)

    def reset_switches(self) -> None:
        """Reset all switches to their defaults and remove all planned faults."""
        self._control("DELETE", "switches")

    def inject(self, service: str, operation: str, fault: Fault, nth: int = 1, times: int = 1, event: str = "") -> None:
        """Let `times` calls of the operation fail, beginning with the `nth` from now.

        With the RequestId of a CloudFormation event, only calls of the function for that event are counted and fail.
        """
        planned = {"service": service, "operation": operation, "fault": fault, "nth": nth, "times": times}
        self._control("POST", "faults", planned | {"event": event})

    def show_stack(self, stack_id: str, status: str, resources: Mapping[str, Mapping[str, str] | None]) -> None:
        """Let CloudFormation show a stack that is none of MiniStack's, with these resources beside those before.

        Of a resource by its logical id `status` and `physical_id`, which is empty as long as it has none; None where it
        does not list the resource.
        """
        self._control("POST", "stacks", {"stack_id": stack_id, "status": status, "resources": resources})

    def calls(self, event: str = "") -> list[Call]:
        """The API calls since the last `clear_calls` in the order in which they ended: all, or those for an event."""
        return [Call(**call) for call in self._control("GET", f"calls/{event}")]

    def clear_calls(self) -> None:
        """Forget the calls and decisions so far."""
        self._control("DELETE", "calls")

    def forget(self, event: str) -> None:
        """Remove the calls and the planned faults of an event."""
        self._control("DELETE", f"events/{event}")

    def answers(self) -> list[Answer]:
        """The answers that reached the ResponseURLs of MiniStack's CloudFormation."""
        return [Answer(**answer) for answer in self._control("GET", "answers")]

    def refusals(self) -> list[str]:
        """The parameters that DMS refused to sessions of roles since the server began, as `operation: why`.

        A function that checks its input well meets none.
        """
        refusals: list[str] = self._control("GET", "refusals")
        return refusals

    def standing(self) -> list[str]:
        """The ARNs of the roles, policies and DMS endpoints of all accounts: what their lists show, in one call."""
        arns: list[str] = self._control("GET", "standing")
        return arns

    def decisions(self) -> list[Decision]:
        """The latest 10,000 decisions of IAM for sessions of roles since the last `clear_calls`."""
        return [Decision(**decision) for decision in self._control("GET", "decisions")]

    def log_text(self) -> str:
        """The server's log, and the lines in the functions' log groups."""
        functions = self._control("GET", "logs")
        return "\n".join([(self.directory / "server.log").read_text(), *functions])

    @cached_property
    def _connections(self) -> urllib3.PoolManager:
        return urllib3.PoolManager(ca_certs=self.ca_bundle)

    def _control(self, method: str, name: str, body: object = None) -> Any:
        url, told = f"{self.endpoint_url}/_embedded/{name}", {"x-embedded-token": self._token}
        answer = self._connections.request(method, url, body=json.dumps(body), headers=told, timeout=30, retries=False)
        if answer.status != HTTPStatus.OK:
            raise RuntimeError(f"{method} {name}: {answer.status} {answer.data.decode()}")
        return answer.json()


def _new_directory(wanted: Path | None) -> Path:
    if wanted is None:
        return Path(tempfile.mkdtemp(prefix="embedded-aws-"))
    wanted.mkdir(mode=0o700, parents=True)
    return wanted.resolve()
