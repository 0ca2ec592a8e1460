"""The server of the embedded AWS: MiniStack and an emulated DMS, behind a middleware for faults and records.

`python -m local_aws.server` runs in `.venv-cloud` and is configured by EMBEDDED_AWS_* variables.
"""

from __future__ import annotations

import datetime
import ipaddress
import os
import socket
import subprocess
import sys
import threading
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from .clock import Clock
from .libraries import parse_yaml_in_c
from .state import State

DIRECTORY = Path(os.environ["EMBEDDED_AWS_DIRECTORY"])
# Kills the process group of its first argument and removes the folder of its second.
CLEAN_UP = "import os, shutil, sys; os.killpg(int(sys.argv[1]), 9); shutil.rmtree(sys.argv[2])"


def make_certificate() -> None:
    """Write a self-signed certificate for localhost and its key. Users trust only this certificate."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    names: list[x509.GeneralName] = [
        x509.DNSName("localhost"),
        x509.DNSName("*.localhost"),
        x509.DNSName(f"*.s3.{os.environ['EMBEDDED_AWS_REGION']}.amazonaws.com"),  # see response_url.py
        x509.IPAddress(ipaddress.ip_address("127.0.0.1")),
    ]
    now = datetime.datetime.now(datetime.UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(x509.random_serial_number()).not_valid_before(now - datetime.timedelta(days=1))
    builder = builder.not_valid_after(now + datetime.timedelta(days=30))
    builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    # Python 3.13 requires these two.
    builder = builder.add_extension(_key_usage(), critical=True)
    builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (DIRECTORY / "private-key.pem").touch(mode=0o600)
    (DIRECTORY / "private-key.pem").write_bytes(private)
    certificate = builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    (DIRECTORY / "certificate.pem").write_bytes(certificate)


def _key_usage() -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )


def configure() -> None:
    """Set the environment that MiniStack reads its configuration from, and that the functions inherit."""
    trusted = str(DIRECTORY / "certificate.pem")
    scratch = DIRECTORY / "tmp"
    scratch.mkdir()
    os.environ |= {
        "USE_SSL": "1",
        "AUTH": "true",
        "MINISTACK_HOST": "localhost",
        "MINISTACK_REGION": os.environ["EMBEDDED_AWS_REGION"],
        "MINISTACK_SSL_CERT": trusted,
        "MINISTACK_SSL_KEY": str(DIRECTORY / "private-key.pem"),
        "GATEWAY_PORT": os.environ["EMBEDDED_AWS_PORT"],
        "BIND_HOST": "127.0.0.1",
        "LOG_LEVEL": "WARNING",
        # After five idle minutes MiniStack would end functions, some of them while they start to work again.
        "LAMBDA_WARM_TTL_SECONDS": "86400",
        "TMPDIR": str(scratch),
        "S3_DATA_DIR": str(scratch / "s3"),
        "STATE_DIR": str(scratch / "state"),
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        "DOCKER_HOST": f"unix://{scratch}/no-docker.sock",
        "AWS_CA_BUNDLE": trusted,
        "SSL_CERT_FILE": trusted,
        "REQUESTS_CA_BUNDLE": trusted,
        "SAM_CLI_TELEMETRY": "0",
    }


def end_with_parent() -> None:
    """End the server when its parent ends, even if the parent is killed: then our standard input closes.

    The functions' processes are in our process group, so the whole group ends, and its files are removed.
    """

    def wait() -> None:
        # Not sys.stdin: its lock would still be held when the server ends.
        while os.read(0, 1):
            pass
        command = [sys.executable, "-c", CLEAN_UP, str(os.getpgid(0)), str(DIRECTORY)]
        subprocess.Popen(command, start_new_session=True)  # noqa: S603  # our own words

    threading.Thread(target=wait, daemon=True).start()


def main() -> None:
    """Serve until the parent ends, or until killed if the server is to be kept."""
    make_certificate()
    configure()
    token, listener = os.environ.pop("EMBEDDED_AWS_TOKEN"), os.environ.pop("EMBEDDED_AWS_LISTENER")
    if not os.environ.pop("EMBEDDED_AWS_KEEP"):
        end_with_parent()
    parse_yaml_in_c()
    # These modules read their configuration when they are imported.
    import uvicorn  # noqa: PLC0415
    from ministack.app import app  # noqa: PLC0415

    from . import middleware, ministack_patches  # noqa: PLC0415

    state = State(Clock.of_text(os.environ.pop("EMBEDDED_AWS_CLOCK")), int(os.environ["EMBEDDED_AWS_PORT"]))
    ministack_patches.install(state)
    config = uvicorn.Config(
        middleware.Middleware(app, state, token),
        http="httptools",
        loop="asyncio",
        ws="none",
        ssl_certfile=os.environ["MINISTACK_SSL_CERT"],
        ssl_keyfile=os.environ["MINISTACK_SSL_KEY"],
        # Longer than clients keep an idle connection: a call fails if we close one while a client uses it again.
        timeout_keep_alive=600,
        # MiniStack sends these itself where AWS does.
        server_header=False,
        date_header=False,
        proxy_headers=False,
        access_log=False,
        log_level="warning",
    )
    # Not by its number, which uvicorn takes for one of a Unix socket: then each answer waits for an acknowledgement.
    uvicorn.Server(config).run(sockets=[socket.socket(fileno=int(listener))])


if __name__ == "__main__":
    main()
