"""Prints the templates that are named, as CloudFormation gets them: in JSON, and without SAM's transform.

Runs in .venv, for its SAM; what judges them runs in .venv-checks.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

from samcli.yamlhelper import yaml_parse
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator

SOME_ROLE = "arn:aws:iam::222222222222:role/one"
# The transform wants values for parameters without a default, and code that is uploaded.
PARAMETERS = {"Environments": "dev", "DataLakeRoleArns": SOME_ROLE, "DmsRoleArns": SOME_ROLE}
CODE_URI = "s3://bucket/key"


def plain(template: Path) -> dict[str, Any]:
    parsed: dict[str, Any] = yaml_parse(template.read_text())
    if "Transform" not in parsed:
        return parsed
    parsed["Resources"]["Function"]["Properties"]["CodeUri"] = CODE_URI
    return dict(Translator({}, Parser()).translate(parsed, PARAMETERS)) | {"Transform": None}


if __name__ == "__main__":
    os.environ.setdefault("AWS_DEFAULT_REGION", "eu-west-1")
    print(json.dumps({name: plain(Path(name)) for name in sys.argv[1:]}, default=str))
