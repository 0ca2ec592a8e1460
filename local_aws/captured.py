"""`python -m local_aws.captured` renews the outputs of commands in the docs, with an embedded AWS.

In a page, `<!-- $ command -->` stands above the block with the output. The commands run in the project's folder as the
tools account, which has the function and a stack `orders`. A replication task uses the stack's endpoint.
"""

from __future__ import annotations

import re
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .aws import EmbeddedAws
from .organisation import DEV, ROOT, TOOLS, deploy_accounts, deploy_function, sam_build, sam_deploy, sam_environ

PAGES = tuple(ROOT / "docs" / name for name in ("development.md", "linting.md", "check.md", "performance.md"))
SHOWN = re.compile(r"(?P<head><!-- \$ (?P<command>.+?) -->\n+```text\n)(?P<output>.*?)(?P<tail>```\n)", re.DOTALL)
# What differs in each run: times, and values derived from a stack's id.
VARIES = re.compile(r"\d+(\.\d+)? s\b|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|(?<=dms-s3-endpoint/)[0-9a-f]{16}")


def main() -> None:
    """Renew all pages."""
    with tempfile.TemporaryDirectory() as directory, world(sam_build(Path(directory))) as aws:
        for page in PAGES:
            page.write_text(SHOWN.sub(lambda shown: shown_anew(shown, aws), page.read_text()))


def shown_anew(shown: re.Match[str], aws: EmbeddedAws) -> str:
    """The block with the command's current output."""
    return shown["head"] + printed(shown["command"], aws) + shown["tail"]


@contextmanager
def world(built: Path) -> Iterator[EmbeddedAws]:
    """An embedded AWS with the function, the stack and the replication task."""
    with EmbeddedAws() as aws:
        deploy_accounts(aws, [DEV])
        deploy_function(aws, built, [DEV])
        sam_deploy(aws, ROOT / "examples" / "one-endpoint.yaml", "orders", {"BucketName": DEV.bucket})
        dms = aws.client("dms", DEV.dms)
        instance = dms.create_replication_instance(
            ReplicationInstanceIdentifier="nightly", ReplicationInstanceClass="dms.t3.micro"
        )["ReplicationInstance"]
        dms.create_replication_task(
            ReplicationTaskIdentifier="nightly",
            SourceEndpointArn=f"arn:aws:dms:{aws.region}:{DEV.dms}:endpoint:SOURCE",
            TargetEndpointArn=dms.describe_endpoints()["Endpoints"][0]["EndpointArn"],
            ReplicationInstanceArn=instance["ReplicationInstanceArn"],
            MigrationType="full-load",
            TableMappings='{"rules": []}',
        )
        yield aws


def printed(command: str, aws: EmbeddedAws) -> str:
    """The output of the command, also if it fails: some commands are in the docs because they fail."""
    environ = sam_environ(aws, TOOLS) | {"PYTHONPATH": "src"}
    done = subprocess.run(["bash", "-c", command], cwd=ROOT, env=environ, capture_output=True, text=True, check=False)  # noqa: S603, S607  # the docs are the project's own
    return done.stdout + done.stderr


if __name__ == "__main__":
    main()
