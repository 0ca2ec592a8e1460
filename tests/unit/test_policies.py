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
    assert statements(ENCRYPTIONMODE="SSE_KMS", SSEKMSKEYID=key)["UseKey"] == {
        "Sid": "UseKey",
        "Effect": "Allow",
        "Action": ["kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:DescribeKey"],
        "Resource": f"arn:aws:kms:eu-west-1:{DATA_LAKE}:key/{KEY}",
    }


def test_without_sse_kms_no_key_may_be_used() -> None:
    assert "UseKey" not in statements(ENCRYPTIONMODE="SSE_S3", SSEKMSKEYID=KEY)


def test_a_glue_catalog_needs_what_dms_documents_for_it() -> None:
    granted = statements(GLUECATALOGGENERATION="true")
    glue, athena = (f"arn:aws:{service}:eu-west-1:{DATA_LAKE}" for service in ("glue", "athena"))
    assert granted["WriteCatalog"]["Resource"] == [f"{glue}:catalog", f"{glue}:database/*", f"{glue}:table/*"]
    assert {"glue:CreateTable", "glue:BatchCreatePartition"} <= set(granted["WriteCatalog"]["Action"])
    assert all(action.startswith("glue:") for action in granted["WriteCatalog"]["Action"])
    assert granted["QueryCatalog"] == {
        "Sid": "QueryCatalog",
        "Effect": "Allow",
        "Action": ["athena:StartQueryExecution", "athena:GetQueryExecution", "athena:CreateWorkGroup"],
        "Resource": f"{athena}:workgroup/glue_catalog_generation_for_task_*",
    }
    more = ["s3:GetObject", "s3:ListMultipartUploadParts", "s3:AbortMultipartUpload"]
    assert granted["WriteObjects"]["Action"] == [*statements()["WriteObjects"]["Action"], *more]
    assert granted["ListBucket"]["Action"] == ["s3:ListBucket", "s3:GetBucketLocation", "s3:ListBucketMultipartUploads"]
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


def trusting(principal: Any, external_id: str = "", effect: str = "Allow") -> dict[str, Any]:
    condition = {"Condition": {"StringEquals": {"sts:ExternalId": external_id}}} if external_id else {}
    statement = {"Effect": effect, "Principal": principal, "Action": "sts:AssumeRole", **condition}
    return {"Version": "2012-10-17", "Statement": [statement]}


@pytest.mark.parametrize(
    ("principal", "is_for_dms"),
    [
        ({"Service": "dms.amazonaws.com"}, True),
        ({"Service": ["dms.amazonaws.com", "dms.eu-west-1.amazonaws.com"]}, True),
        ({"Service": "dms.cn-north-1.amazonaws.com.cn"}, True),
        ({"Service": ["dms.amazonaws.com", "ec2.amazonaws.com"]}, False),
        ({"Service": "dms.amazonaws.com", "AWS": DATA_LAKE}, False),
        ({"Service": []}, False),
        ({"AWS": DATA_LAKE}, False),
        ("*", False),
        (None, False),
    ],
)
def test_a_role_is_for_dms_alone_if_its_trust_names_no_other(principal: Any, is_for_dms: bool) -> None:
    assert policies.is_for_dms_alone(trusting(principal)) is is_for_dms
    assert policies.admits_dms(trusting(principal), "one") is is_for_dms
    assert policies.is_for_dms_alone(trusting(principal, effect="Deny"))


@pytest.mark.parametrize(("demanded", "admitted"), [("", True), ("one", True), ("other", False)])
def test_a_trust_admits_dms_with_the_external_id_or_with_any(demanded: str, admitted: bool) -> None:
    assert policies.admits_dms(trusting({"Service": "dms.amazonaws.com"}, demanded), "one") is admitted


def test_a_single_statement_counts_as_a_list_of_one() -> None:
    trust = trusting({"Service": "dms.amazonaws.com"}, "one")
    trust["Statement"] = trust["Statement"][0]
    assert policies.external_ids_for_dms(trust) == {"one"}
