"""A policy linter over each policy document, of the templates and of the function's making."""

from __future__ import annotations

import json
import os
from typing import Any

from dms_s3_endpoint.policies import access_policy
from dms_s3_endpoint.request import parse
from local_aws import EmbeddedAws
from local_aws.organisation import DEV, ROOT, TOOLS, run
from tests.unit.builders import ENVIRONMENTS, make_properties

from .test_attempts import bounded
from .test_second_engine import policies_of

# By role, or `boundary`, and rule.
ACCEPTED = {
    ("function", "CREDENTIALS_EXPOSURE"): "to assume the listed roles is what it is for",
    ("data-lake", "PERMISSIONS_MANAGEMENT_ACTIONS"): "to make roles and policies is what it is for",
    (
        "data-lake",
        "PRIVILEGE_ESCALATION",
    ): "its own policy is inline, and those that it may change are under another path",
    ("dms", "PERMISSIONS_MANAGEMENT_ACTIONS"): "DMS must be passed the roles made, and nobody else may be",
    ("dms", "RESOURCE_MISMATCH"): "TestConnection is asked for on endpoint and instance; ours is the endpoint alone",
    ("boundary", "PERMISSIONS_MANAGEMENT_ACTIONS"): "PutObjectAcl is what CANNEDACLFOROBJECTS needs",
}


def objections(documents: dict[str, Any]) -> dict[str, list[str]]:
    command = [str(ROOT / ".venv-checks" / "bin" / "python"), "-m", "checks.policies"]
    found: dict[str, list[str]] = json.loads(run(command, os.environ, given=json.dumps(documents)))
    return {name: texts for name, texts in found.items() if texts}


def documents_of(aws: EmbeddedAws) -> dict[str, Any]:
    roles = {
        "function": (TOOLS, f"dms-s3-endpoint-{aws.region}"),
        "data-lake": (DEV.data_lake, "dms-s3-endpoint-data-lake"),
        "dms": (DEV.dms, "dms-s3-endpoint-dms"),
    }
    return {
        f"{name} {number}": document
        for name, role in roles.items()
        for number, document in enumerate(policies_of(aws, *role))
    }


def generated() -> dict[str, Any]:
    """What the function makes of settings, one for each kind of statement."""
    key = "11111111-2222-3333-4444-555555555555"
    of_key = {"ENCRYPTIONMODE": "SSE_KMS", "SSEKMSKEYID": key}
    kinds: dict[str, dict[str, str]] = {
        "plain": {},
        "folder": {"BUCKETFOLDER": "orders"},
        "key by id": of_key,
        "key by ARN": of_key | {"SSEKMSKEYID": f"arn:aws:kms:eu-west-1:{DEV.data_lake}:key/{key}"},
        "catalog": {"GLUECATALOGGENERATION": "true"},
    }
    given = {name: make_properties(S3SETTINGS={"BUCKETNAME": "lake", **more}) for name, more in kinds.items()}
    return {name: access_policy(parse(each, ENVIRONMENTS), "eu-west-1") for name, each in given.items()}


def test_the_linter_finds_what_is_bad() -> None:
    bad = {"unknown": "dms:MakeEndpoint", "too much": "iam:PassRole"}
    statements = {name: {"Effect": "Allow", "Action": action, "Resource": "*"} for name, action in bad.items()}
    found = objections({name: {"Version": "2012-10-17", "Statement": [each]} for name, each in statements.items()})
    assert found["unknown"] == ["UNKNOWN_ACTION: Unknown action dms:MakeEndpoint"]
    assert found["too much"][0].startswith("PERMISSIONS_MANAGEMENT_ACTIONS: ")


def test_the_linter_objects_to_no_policy_that_the_function_makes() -> None:
    assert objections(generated()) == {}


def test_the_linter_objects_in_the_templates_to_what_is_accepted_with_its_reason_and_no_more(aws: EmbeddedAws) -> None:
    documents = documents_of(aws)
    with bounded(aws) as arn:
        documents |= {f"{name}, bounded": document for name, document in documents_of(aws).items()}
        version = aws.client("iam", DEV.data_lake).get_policy_version(PolicyArn=arn, VersionId="v1")
    found = objections(documents | {"boundary": version["PolicyVersion"]["Document"]})
    rules = {(name.split()[0], text.partition(":")[0]) for name, texts in found.items() for text in texts}
    assert rules == ACCEPTED.keys()
