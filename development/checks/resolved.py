"""The policy documents of a template, with examples for what its intrinsic functions give when it is deployed."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from samcli.lib.cfn_language_extensions.api import process_template
from samcli.lib.cfn_language_extensions.models import PseudoParameterValues

PSEUDO_PARAMETERS = PseudoParameterValues(region="eu-west-1", account_id="111111111111", stack_name="stack")
# For parameters without a default, and for the ARNs that resources get when they are made.
EXAMPLES = {
    "Adopt": "dms-by-hand-*",
    "Artifacts": "artifacts",
    "Artifacts.Arn": "arn:aws:s3:::artifacts",
    "Boundary": "arn:aws:iam::222222222222:policy/dms-s3-endpoint-boundary",
    "Check.Arn": "arn:aws:codebuild:eu-west-1:111111111111:project/stack-check",
    "CodeSigningConfigArn": "arn:aws:lambda:eu-west-1:111111111111:code-signing-config:csc-0123456789abcdefg",
    "ConnectionArn": "arn:aws:codeconnections:eu-west-1:111111111111:connection/11111111-2222-3333-4444-555555555555",
    "DriftPipeline": "stack-drift",
    "Environment": "dev",
    "FunctionBoundary": "arn:aws:iam::111111111111:policy/boundary",
    "FunctionRoleArn": "arn:aws:iam::111111111111:role/dms-s3-endpoint-eu-west-1",
    "KmsKeyArn": "arn:aws:kms:eu-west-1:111111111111:key/11111111-2222-3333-4444-555555555555",
    "Notices": "arn:aws:sns:eu-west-1:111111111111:stack-notices",
    "PermissionsBoundary": "arn:aws:iam::222222222222:policy/boundary",
    "PipelineBucket": "artifacts",
    "Repository": "owner/name",
    "RetainedLogGroup.Arn": "arn:aws:logs:eu-west-1:111111111111:log-group:stack-RetainedLogGroup-1ABCDEFGHIJKL:*",
    "BucketPattern": "data-lake-*",
    "DataLakeAccountId": "222222222222",
    "DataLakeRoleArns": "arn:aws:iam::222222222222:role/dms-s3-endpoint-data-lake",
    "DmsRoleArns": "arn:aws:iam::333333333333:role/dms-s3-endpoint-dms",
    "Role.Arn": "arn:aws:iam::222222222222:role/dms-s3-endpoint-data-lake",
    "LeaseTable.Arn": "arn:aws:dynamodb:eu-west-1:111111111111:table/dms-s3-endpoint-LeaseTable-1ABCDEFGHIJKL",
    "NeverRan.Arn": "arn:aws:sqs:eu-west-1:111111111111:dms-s3-endpoint-never-ran",
}
ATTRIBUTE = re.compile(r"\$\{(\w+\.\w+)\}")
# A policy's own variables, such as ${aws:username}, have a colon.
UNRESOLVED = re.compile(r'"(Ref|Fn::\w+)"|\$\{(\w|AWS::)[\w.]*\}')


def documents(template: Mapping[str, Any]) -> dict[str, list[Any]]:
    """The policy documents by where they stand, one for each different result of the template's conditions.

    Raises KeyError where a document holds what has no example.
    """
    found: dict[str, list[Any]] = {}
    for where, document in _documents_in(template.get("Resources", {}), ""):
        names = sorted(name for name in template.get("Conditions", {}) if f'"{name}"' in json.dumps(document))
        for outcome in itertools.product([True, False], repeat=len(names)):
            whole = resolved(document, template.get("Parameters", {}), dict(zip(names, outcome, strict=True)))
            if whole not in found.setdefault(where, []):
                found[where].append(whole)
    return found


def _documents_in(value: Any, where: str) -> Iterator[tuple[str, Any]]:
    """A document in a list of Policies has a PolicyName; that tells more than its number."""
    if isinstance(value, Mapping) and "Statement" in value:
        yield where, value
    elif isinstance(value, Mapping):
        whole, _slash, last = where.rpartition("/")
        named = f"{whole}/{value['PolicyName']}" if "PolicyName" in value and last.isdigit() else where
        for key, member in value.items():
            hidden = key in ("Properties", "Policies", "PolicyDocument")
            yield from _documents_in(member, named if hidden else f"{named}/{key}".lstrip("/"))
    elif isinstance(value, list):
        for number, member in enumerate(value):
            yield from _documents_in(member, f"{where}/{number}")


def resolved(value: Any, parameters: Mapping[str, Any], conditions: Mapping[str, bool]) -> Any:
    """The value with its intrinsic functions resolved by SAM, the conditions being as given.

    Raises KeyError where something has neither a default nor an example.
    """
    template = {
        "Parameters": parameters,
        "Conditions": {name: {"Fn::Equals": [holds, True]} for name, holds in conditions.items()},
        "Resources": {"Holder": {"Type": "Custom::Holder", "Properties": {"Value": _with_attributes(value)}}},
    }
    processed = process_template(template, EXAMPLES, PSEUDO_PARAMETERS)["Resources"]["Holder"]["Properties"]["Value"]
    if left := UNRESOLVED.search(json.dumps(processed)):
        raise KeyError(f"{left[0]} in {processed} has no example in {__name__}")
    return processed


def _with_attributes(value: Any) -> Any:
    """With examples for attributes of resources, which SAM leaves as they are."""
    if isinstance(value, str):
        return ATTRIBUTE.sub(lambda found: EXAMPLES[found[1]], value)
    if isinstance(value, list):
        return [_with_attributes(each) for each in value]
    if not isinstance(value, Mapping):
        return value
    if "Fn::GetAtt" in value:
        name = value["Fn::GetAtt"]
        return EXAMPLES[name if isinstance(name, str) else ".".join(name)]
    return {key: _with_attributes(member) for key, member in value.items()}
