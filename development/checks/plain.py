"""Prints, as JSON, what checks.__main__ judges: templates as CloudFormation gets them, and policies as IAM gets them.

Runs in .venv, for SAM's transform and the function's own code; what judges runs in .venv-checks.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from samcli.lib.cfn_language_extensions.api import process_template
from samcli.yamlhelper import yaml_parse
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator

from dms_s3_endpoint.model.environments import Environment
from dms_s3_endpoint.model.parse import parse
from dms_s3_endpoint.model.policies import access_policy, trust_policy

from .resolved import documents

DATA_LAKE_ROLE = "arn:aws:iam::222222222222:role/dms-s3-endpoint-data-lake"
DMS_ROLE = "arn:aws:iam::333333333333:role/dms-s3-endpoint-dms"
# The transform wants values for parameters without a default, and code that is uploaded.
PARAMETERS = {"Environments": "dev", "DataLakeRoleArns": DATA_LAKE_ROLE, "DmsRoleArns": DMS_ROLE}
CODE_URI = "s3://bucket/key"

REGION = "eu-west-1"
KEY = "11111111-2222-3333-4444-555555555555"
SETTINGS: dict[str, dict[str, str]] = {
    "plain": {},
    "folder": {"BUCKETFOLDER": "orders"},
    "KMS ARN": {"ENCRYPTIONMODE": "SSE_KMS", "SSEKMSKEYID": f"arn:aws:kms:{REGION}:222222222222:key/{KEY}"},
    "KMS id": {"ENCRYPTIONMODE": "SSE_KMS", "SSEKMSKEYID": KEY},
    "canned ACL": {"CANNEDACLFOROBJECTS": "BUCKET_OWNER_FULL_CONTROL"},
    "Glue catalog": {"GLUECATALOGGENERATION": "true"},
}


def plain(template: Path) -> dict[str, Any]:
    parsed: dict[str, Any] = yaml_parse(template.read_text())
    transform = parsed.pop("Transform", None)
    if transform == "AWS::LanguageExtensions":
        return dict(process_template(parsed))
    if transform is None:
        return parsed
    for resource in parsed["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            resource["Properties"]["CodeUri"] = CODE_URI
    return dict(Translator({}, Parser()).translate(parsed, PARAMETERS))


def generated() -> Iterator[tuple[str, Any]]:
    """What the function itself writes: each document that settings can lead to, and the trust before and after."""
    for name, settings in SETTINGS.items():
        yield f"access_policy {name}", access_policy(parse(_properties(settings), _ENVIRONMENTS), REGION)
    yield "trust_policy without ExternalId", trust_policy([])
    yield "trust_policy with ExternalId", trust_policy(["11111111-2222-3333-4444-555555555555"])


_ENVIRONMENTS = {"dev": Environment("dev", DATA_LAKE_ROLE, DMS_ROLE)}


def _properties(settings: Mapping[str, str]) -> dict[str, Any]:
    names = {"ENDPOINTIDENTIFIER": "orders", "POLICYNAME": "dms-orders", "ROLENAME": "dms-orders"}
    return {"ENVIRONMENT": "dev", **names, "S3SETTINGS": {"BUCKETNAME": "data-lake-dev", **settings}}


def main(names: list[str]) -> None:
    os.environ.setdefault("AWS_DEFAULT_REGION", REGION)
    templates = {name: plain(Path(name)) for name in names}
    policies = [
        (f"{name} {where}", each)
        for name in names
        for where, all_of in documents(templates[name]).items()
        for each in all_of
    ]
    print(json.dumps({"templates": templates, "policies": [*policies, *generated()]}, default=str))


if __name__ == "__main__":
    main(sys.argv[1:])
