"""The IAM documents in the data-lake account: what the role may do, and who may assume it. Pure functions.

https://docs.aws.amazon.com/dms/latest/userguide/CHAP_Target.S3.html#CHAP_Target.S3.Prerequisites
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from .endpoint import Endpoint
from .s3_settings import same

Document = dict[str, Any]
VERSION = "2012-10-17"
SID = "DmsS3Endpoint"
DMS = "dms.amazonaws.com"
EXTERNAL_ID = "sts:ExternalId"


def access_policy(endpoint: Endpoint, region: str) -> Document:
    """What DMS documents for an S3 target, on this bucket and folder only. `region` is the endpoint's."""
    effective = endpoint.effective_settings
    statements = [_objects(endpoint, effective), _bucket(endpoint, effective)]
    if uses_kms(effective) and "ServerSideEncryptionKmsKeyId" in effective:
        statements.append(_key(endpoint, str(effective["ServerSideEncryptionKmsKeyId"]), region))
    if generates_catalog(effective):
        statements += _catalog(endpoint, region)
    return {"Version": VERSION, "Statement": statements}


def uses_kms(effective: Mapping[str, object]) -> bool:
    """Whether DMS encrypts with a KMS key."""
    return same("EncryptionMode", effective.get("EncryptionMode", ""), "SSE_KMS")


def generates_catalog(effective: Mapping[str, object]) -> bool:
    """Whether DMS writes to the Glue catalog."""
    return str(effective.get("GlueCatalogGeneration", "")).lower() == "true"


def _objects(endpoint: Endpoint, effective: Mapping[str, object]) -> Document:
    actions = ["s3:PutObject", "s3:DeleteObject", "s3:PutObjectTagging"]
    if not same("CannedAclForObjects", effective.get("CannedAclForObjects", "none"), "none"):
        actions.append("s3:PutObjectAcl")
    if generates_catalog(effective):
        actions += ["s3:GetObject", "s3:ListMultipartUploadParts", "s3:AbortMultipartUpload"]
    folder = str(effective.get("BucketFolder", "")).rstrip("/")
    resource = f"{_bucket_arn(endpoint)}/{folder}/*" if folder else f"{_bucket_arn(endpoint)}/*"
    return _allow("WriteObjects", actions, resource)


def _bucket(endpoint: Endpoint, effective: Mapping[str, object]) -> Document:
    actions = ["s3:ListBucket"]
    if generates_catalog(effective):
        actions += ["s3:GetBucketLocation", "s3:ListBucketMultipartUploads"]
    return _allow("ListBucket", actions, _bucket_arn(endpoint))


def _bucket_arn(endpoint: Endpoint) -> str:
    return f"arn:{endpoint.environment.partition}:s3:::{endpoint.bucket_name}"


def _key(endpoint: Endpoint, key: str, region: str) -> Document:
    """A bare key id is a key of the data-lake account, in the function's region, where DMS wants the bucket."""
    account = f"arn:{endpoint.environment.partition}:kms:{region}:{endpoint.environment.data_lake_account}"
    actions = ["kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:DescribeKey"]
    return _allow("UseKey", actions, key if key.startswith("arn:") else f"{account}:key/{key}")


def _catalog(endpoint: Endpoint, region: str) -> list[Document]:
    """https://docs.aws.amazon.com/dms/latest/userguide/CHAP_Target.S3.html#CHAP_Target.S3.GlueCatalog"""
    partition, account = endpoint.environment.partition, endpoint.environment.data_lake_account
    glue = f"arn:{partition}:glue:{region}:{account}"
    athena = f"arn:{partition}:athena:{region}:{account}"
    return [
        _allow("WriteCatalog", _GLUE_ACTIONS, [f"{glue}:catalog", f"{glue}:database/*", f"{glue}:table/*"]),
        _allow("QueryCatalog", _ATHENA_ACTIONS, f"{athena}:workgroup/glue_catalog_generation_for_task_*"),
    ]


_GLUE_ACTIONS = [
    "glue:CreateDatabase",
    "glue:GetDatabase",
    "glue:CreateTable",
    "glue:DeleteTable",
    "glue:UpdateTable",
    "glue:GetTable",
    "glue:BatchCreatePartition",
    "glue:CreatePartition",
    "glue:UpdatePartition",
    "glue:GetPartition",
    "glue:GetPartitions",
    "glue:BatchGetPartition",
]
_ATHENA_ACTIONS = ["athena:StartQueryExecution", "athena:GetQueryExecution", "athena:CreateWorkGroup"]


def _allow(sid: str, actions: list[str], resource: str | list[str]) -> Document:
    return {"Sid": sid, "Effect": "Allow", "Action": actions, "Resource": resource}


def trust_policy(
    external_ids: Iterable[str], other_statements: Iterable[Document] = (), source_account: str = ""
) -> Document:
    """A trust policy for DMS with these ExternalIds; without any, for DMS whatever the ExternalId.

    Before the first create-endpoint no ExternalId is known, and DMS may already have to assume the role. An empty
    `source_account` is not demanded.
    """
    statement: Document = {
        "Sid": SID,
        "Effect": "Allow",
        "Principal": {"Service": DMS},
        "Action": "sts:AssumeRole",
    }
    demanded: dict[str, Any] = {"aws:SourceAccount": source_account} if source_account else {}
    if ids := sorted(external_ids):
        demanded[EXTERNAL_ID] = ids[0] if len(ids) == 1 else ids
    if demanded:
        statement["Condition"] = {"StringEquals": demanded}
    return {"Version": VERSION, "Statement": [*other_statements, statement]}


def other_statements(trust: Mapping[str, Any]) -> list[Document]:
    """The statements of a trust policy that are not ours; a patch keeps them."""
    return [statement for statement in statements_of(trust) if statement.get("Sid") != SID]


def trusted_external_ids(trust: Mapping[str, Any]) -> set[str] | None:
    """The ExternalIds that our statement demands: empty if it demands none, None if there is no such statement."""
    return _external_ids(ours) if (ours := _our_statement(trust)) else None


def demanded_source_account(trust: Mapping[str, Any]) -> str:
    """The aws:SourceAccount that our statement demands; empty if it demands none."""
    return "".join(_demanded("aws:SourceAccount", _our_statement(trust) or {}))


def _our_statement(trust: Mapping[str, Any]) -> Document | None:
    ours = (each for each in statements_of(trust) if each.get("Sid") == SID)
    return next((each for each in ours if each.get("Principal") == {"Service": DMS}), None)


def external_ids_for_dms(trust: Mapping[str, Any]) -> set[str]:
    """The ExternalIds that any statement for DMS demands, including those written by hand."""
    for_dms = [statement for statement in statements_of(trust) if _is_for_dms_alone(statement)]
    return set().union(*map(_external_ids, for_dms))


def _external_ids(statement: Mapping[str, Any]) -> set[str]:
    return set(_demanded(EXTERNAL_ID, statement))


def _demanded(key: str, statement: Mapping[str, Any]) -> list[str]:
    return listed(statement.get("Condition", {}).get("StringEquals", {}).get(key, []))


def is_for_dms_alone(trust: Mapping[str, Any]) -> bool:
    """Whether only DMS may assume the role."""
    allowing = [statement for statement in statements_of(trust) if statement.get("Effect") == "Allow"]
    return all(_is_for_dms_alone(statement) for statement in allowing)


def _is_for_dms_alone(statement: Mapping[str, Any]) -> bool:
    """A principal may be a text or a list, and may name a Region: dms.<region>.amazonaws.com."""
    principal = statement.get("Principal")
    services = principal.get("Service", []) if isinstance(principal, dict) and set(principal) == {"Service"} else []
    names = listed(services)
    return bool(names) and all(re.fullmatch(r"dms\.([a-z0-9-]+\.)?amazonaws\.com(\.cn)?", name) for name in names)


def admits_dms(trust: Mapping[str, Any], external_id: str) -> bool:
    """Whether a statement lets DMS assume the role, with this ExternalId or with any."""
    return any(_external_ids(each) <= {external_id} for each in _admitting_dms(trust))


def admits_any_external_id(trust: Mapping[str, Any]) -> bool:
    """Whether a statement lets DMS assume the role without demanding an ExternalId."""
    return any(not _external_ids(each) for each in _admitting_dms(trust))


def _admitting_dms(trust: Mapping[str, Any]) -> list[Document]:
    return [each for each in statements_of(trust) if each.get("Effect") == "Allow" and _is_for_dms_alone(each)]


def listed(given: str | Iterable[str]) -> list[str]:
    """The texts of an element of a policy; IAM takes a single text for a list of one."""
    return [given] if isinstance(given, str) else list(given)


def statements_of(document: Mapping[str, Any]) -> list[Document]:
    """The statements of a policy document; IAM takes a single statement for a list of one."""
    statements = document.get("Statement", [])
    return [statements] if isinstance(statements, dict) else list(statements)
