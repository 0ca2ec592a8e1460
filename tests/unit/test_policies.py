"""IAM documents, whole."""

from __future__ import annotations

from typing import Any

import pytest

from dms_s3_endpoint.model import policies
from dms_s3_endpoint.model.environments import Environment
from dms_s3_endpoint.model.parse import parse

from .builders import DATA_LAKE, DEV, make_properties

KEY = "11111111-2222-3333-4444-555555555555"


def statements(environment: Environment = DEV, **settings: Any) -> dict[str, dict[str, Any]]:
    given = make_properties(S3SETTINGS={"BUCKETNAME": "lake", **settings})
    document = policies.access_policy(parse(given, {"dev": environment}), "eu-west-1")
    return {statement["Sid"]: statement for statement in document["Statement"]}


def test_the_bucket_alone_is_listed_and_its_objects_are_written() -> None:
    assert statements() == {
        "WriteObjects": {
            "Sid": "WriteObjects",
            "Effect": "Allow",
            "Action": ["s3:PutObject", "s3:DeleteObject", "s3:PutObjectTagging"],
            "Resource": "arn:aws:s3:::lake/*",
        },
        "ListBucket": {
            "Sid": "ListBucket",
            "Effect": "Allow",
            "Action": ["s3:ListBucket"],
            "Resource": "arn:aws:s3:::lake",
        },
    }


@pytest.mark.parametrize("folder", ["orders", "orders/"])
def test_with_a_folder_only_its_objects_are_written(folder: str) -> None:
    assert statements(BUCKETFOLDER=folder)["WriteObjects"]["Resource"] == "arn:aws:s3:::lake/orders/*"


def test_a_folder_given_as_attribute_counts_too() -> None:
    given = statements(EXTRACONNECTIONATTRIBUTES="bucketFolder=orders")
    assert given["WriteObjects"]["Resource"] == "arn:aws:s3:::lake/orders/*"


@pytest.mark.parametrize(("acl", "granted"), [("NONE", False), ("BUCKET_OWNER_FULL_CONTROL", True)])
def test_the_acl_may_be_set_only_where_one_is_wanted(acl: str, granted: bool) -> None:
    assert ("s3:PutObjectAcl" in statements(CANNEDACLFOROBJECTS=acl)["WriteObjects"]["Action"]) is granted


@pytest.mark.parametrize("key", [KEY, f"arn:aws:kms:eu-west-1:{DATA_LAKE}:key/{KEY}"])
def test_with_sse_kms_that_key_may_be_used(key: str) -> None:
    granted = statements(ENCRYPTIONMODE="SSE_KMS", SSEKMSKEYID=key)["UseKey"]
    assert granted["Resource"] == f"arn:aws:kms:eu-west-1:{DATA_LAKE}:key/{KEY}"
    assert "kms:GenerateDataKey*" in granted["Action"]


def test_without_sse_kms_no_key_may_be_used() -> None:
    assert "UseKey" not in statements(ENCRYPTIONMODE="SSE_S3", SSEKMSKEYID=KEY)


def test_a_glue_catalog_needs_what_dms_documents_for_it() -> None:
    assert {"WriteCatalog", "QueryCatalog"} <= set(statements(GLUECATALOGGENERATION="true"))
    assert "WriteCatalog" not in statements(GLUECATALOGGENERATION="false")


@pytest.mark.parametrize("partition", ["aws-cn", "aws-us-gov"])
def test_arns_are_of_the_partition(partition: str) -> None:
    elsewhere = Environment(
        "dev", DEV.data_lake_role_arn.replace("aws", partition), DEV.dms_role_arn.replace("aws", partition)
    )
    given = statements(elsewhere, ENCRYPTIONMODE="SSE_KMS", SSEKMSKEYID=KEY, GLUECATALOGGENERATION="true")
    assert f"arn:{partition}:" in str(given)
    assert "arn:aws:" not in str(given)


def test_trust_is_for_dms_with_the_external_id() -> None:
    assert policies.trust_policy(["one"]) == {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "DmsS3Endpoint",
                "Effect": "Allow",
                "Principal": {"Service": "dms.amazonaws.com"},
                "Action": "sts:AssumeRole",
                "Condition": {"StringEquals": {"sts:ExternalId": "one"}},
            }
        ],
    }


@pytest.mark.parametrize("ids", [set(), {"one"}, {"one", "two"}])
def test_the_external_ids_of_a_trust_policy_are_read_back(ids: set[str]) -> None:
    assert policies.trusted_external_ids(policies.trust_policy(ids)) == ids


def test_a_trust_without_our_statement_is_not_one_that_demands_nothing() -> None:
    assert policies.trusted_external_ids({"Statement": {"Sid": "Theirs"}}) is None


def test_statements_of_others_are_kept() -> None:
    theirs = {"Sid": "Theirs", "Effect": "Deny"}
    trust = policies.trust_policy(["one"], [theirs])
    assert policies.trust_policy(["two"], policies.other_statements(trust))["Statement"][0] == theirs
