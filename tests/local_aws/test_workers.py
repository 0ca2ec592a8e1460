"""What the clients of a function share in the embedded AWS, and what each has of its own."""

from __future__ import annotations

import json
import os

from local_aws.aws import PYTHON
from local_aws.functions import IN_WORKERS
from local_aws.organisation import run

# Run as a function is: by the embedded AWS's Python, with what it puts before the function's code. Sessions read the
# descriptions of services by one loader, as the function's do.
SCRIPT = """
import json
import boto3
import botocore.session
from botocore.loaders import create_loader

loader = create_loader()

def made(name, service="iam"):
    of_botocore = botocore.session.Session()
    of_botocore.register_component("data_loader", loader)
    credentials = {"aws_access_key_id": name, "aws_secret_access_key": "a key"}
    return boto3.Session(botocore_session=of_botocore, region_name="eu-west-1", **credentials).client(service)

one, other, dms = made("one"), made("other"), made("one", "dms")
one.meta.events.register("any-event", lambda **_given: "handled")
print(json.dumps({
    "class": type(one) is type(other),
    "description": one.meta.service_model is other.meta.service_model,
    "rules": one._ruleset_resolver._provider is other._ruleset_resolver._provider,
    "connections": one._endpoint.http_session is other._endpoint.http_session,
    "credentials": [each._request_signer._credentials.access_key for each in (one, other)] != ["one", "other"],
    "handlers": bool(other.meta.events.emit("any-event")),
    "exceptions": one.exceptions is other.exceptions,
    "anything of another service": type(one) is type(dms)
        or one._ruleset_resolver._provider is dms._ruleset_resolver._provider,
}))
"""
SHARED = {"class", "description", "rules", "connections"}


def test_clients_of_a_service_share_what_is_alike_in_them_and_nothing_else() -> None:
    environ = os.environ | {"PYTHONPATH": IN_WORKERS}
    told = json.loads(run([str(PYTHON), "-c", SCRIPT], environ))
    assert {part for part, is_shared in told.items() if is_shared} == SHARED
