"""The server of the embedded AWS: MiniStack, a DMS, and between them and the network a place for faults and records.

Runs in an environment of its own (`.venv-cloud`): `python -m local_aws.server`, told by EMBEDDED_AWS_* variables.
"""

from __future__ import annotations

import asyncio
import datetime
import ipaddress
import os
import subprocess
import sys
import threading
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from .state import State

DIRECTORY = Path(os.environ["EMBEDDED_AWS_DIRECTORY"])
# Kills the group of its first argument, and clears the folder of its second.
UNDERTAKER = "import os, shutil, sys; os.killpg(int(sys.argv[1]), 9); shutil.rmtree(sys.argv[2])"


def make_certificate() -> None:
    """For localhost, with a key of its own; users trust just this."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    names: list[x509.GeneralName] = [
        x509.DNSName("localhost"),
        x509.DNSName("*.localhost"),
        x509.IPAddress(ipaddress.ip_address("127.0.0.1")),
    ]
    now = datetime.datetime.now(datetime.UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(x509.random_serial_number()).not_valid_before(now - datetime.timedelta(days=1))
    builder = builder.not_valid_after(now + datetime.timedelta(days=30))
    builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    # Python 3.13 asks for these two.
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
    """MiniStack reads its configuration from the environment, and hands it on to the functions."""
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
        # Of functions that rested for five minutes MiniStack ends some, also such as just begin to work again.
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
    """Whoever started us holds the other end of our standard input, and lets go of it even when killed.

    The functions' processes are in our group, so the group must end, and its files with it.
    """

    def wait() -> None:
        # Not by sys.stdin, whose lock would be held at our own end.
        while os.read(0, 1):
            pass
        command = [sys.executable, "-c", UNDERTAKER, str(os.getpgid(0)), str(DIRECTORY)]
        subprocess.Popen(command, start_new_session=True)  # noqa: S603  # our own words

    threading.Thread(target=wait, daemon=True).start()


def main() -> None:
    make_certificate()
    configure()
    token, listener = os.environ.pop("EMBEDDED_AWS_TOKEN"), os.environ.pop("EMBEDDED_AWS_LISTENER")
    if not os.environ.pop("EMBEDDED_AWS_KEEP"):
        end_with_parent()
    # What reads its configuration at import comes after `configure`.
    from hypercorn.asyncio import serve  # noqa: PLC0415
    from hypercorn.config import Config  # noqa: PLC0415
    from ministack.app import app  # noqa: PLC0415

    from . import gate, ministack_repairs  # noqa: PLC0415

    state = State(float(os.environ["EMBEDDED_AWS_TIME_SCALE"]))
    ministack_repairs.install(state)
    gate.allow_resets()
    # After our own start: only the functions' processes live in virtual time.
    os.environ["PYTHONPATH"] = str(Path(__file__).with_name("worker_time"))
    config = Config()
    config.bind = [f"fd://{listener}"]
    config.certfile, config.keyfile = os.environ["MINISTACK_SSL_CERT"], os.environ["MINISTACK_SSL_KEY"]
    config.alpn_protocols = ["http/1.1"]
    # Longer than a client lets a connection rest: one that we close is a lost answer to whoever takes it up again.
    config.keep_alive_timeout = 600
    config.accesslog = None
    config.loglevel = "WARNING"
    asyncio.run(serve(gate.Gate(app, state, token), config))


if __name__ == "__main__":
    main()
