"""What is found of a bucket and a key. The rules by which their policies are judged: test_resource_policies.py."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dms_s3_endpoint.aws.storage import Storage
from dms_s3_endpoint.model.errors import EndpointError
from dms_s3_endpoint.model.parse import parse
from dms_s3_endpoint.model.resource_policies import Caller, Finding

from .builders import DATA_LAKE, ENVIRONMENTS, make_client_error, make_properties
from .in_memory import FakeClient

OTHER = "444444444444"
KEY = f"arn:aws:kms:eu-west-1:{DATA_LAKE}:key/11111111-1111-4111-8111-111111111111"
CALLER = Caller(f"arn:aws:iam::{DATA_LAKE}:role/dms-s3-endpoint/0/dms-orders", has_boundary=False, is_new=True)


class FakeS3:
    """A bucket with a policy, a document or none; `refused` are AWS's codes by operation."""

    service = "s3"

    def __init__(self, location: str | None = "eu-west-1", policy: Any = None, **refused: str) -> None:
        self.location, self.policy, self.refused = location, policy, refused
        self.asked: list[tuple[str, str]] = []

    def get_bucket_location(self, Bucket: str, ExpectedBucketOwner: str) -> Any:  # noqa: N803  # boto3's names
        self.asked.append((Bucket, ExpectedBucketOwner))
        _refuse(self.refused, "get_bucket_location")
        return {"LocationConstraint": self.location}

    def get_bucket_policy(self, Bucket: str, ExpectedBucketOwner: str) -> Any:  # noqa: N803  # boto3's names
        self.asked.append((Bucket, ExpectedBucketOwner))
        _refuse(self.refused, "get_bucket_policy")
        if self.policy is None:
            raise make_client_error("NoSuchBucketPolicy")
        return {"Policy": json.dumps(self.policy)}


class FakeKms:
    """A key; by default the account's own policies decide who may use it."""

    service = "kms"

    def __init__(self, state: str = "Enabled", policy: Any = None, **refused: str) -> None:
        self.state, self.refused = state, refused
        self.policy = policy or document("Allow", Principal={"AWS": f"arn:aws:iam::{DATA_LAKE}:root"})

    def describe_key(self, KeyId: str) -> Any:  # noqa: N803  # boto3's name
        assert KeyId == KEY
        _refuse(self.refused, "describe_key")
        return {"KeyMetadata": {"KeyState": self.state}}

    def get_key_policy(self, KeyId: str, PolicyName: str) -> Any:  # noqa: N803  # boto3's names
        assert (KeyId, PolicyName) == (KEY, "default")
        _refuse(self.refused, "get_key_policy")
        return {"Policy": json.dumps(self.policy)}


def _refuse(refused: dict[str, str], operation: str) -> None:
    if code := refused.get(operation):
        raise make_client_error(code, "says AWS")


def document(effect: str, **elements: Any) -> dict[str, Any]:
    """A policy of one statement: for everybody, everything, everywhere, but for the elements given; None leaves out."""
    statement = {"Effect": effect, "Principal": "*", "Action": "*", "Resource": "*", **elements}
    return {"Version": "2012-10-17", "Statement": [{key: each for key, each in statement.items() if each is not None}]}


def found(s3: FakeS3 | None = None, kms: FakeKms | None = None, key: str = "", **settings: str) -> list[Finding]:
    encrypted = {"ENCRYPTIONMODE": "SSE_KMS", "SSEKMSKEYID": key} if key else {}
    given = make_properties(S3SETTINGS={"BUCKETNAME": "data-lake-dev", **encrypted, **settings})
    clients = {"s3": FakeClient(s3 or FakeS3()), "kms": FakeClient(kms or FakeKms())}
    return Storage(clients.__getitem__, "eu-west-1").findings(parse(given, ENVIRONMENTS), CALLER)


def certain(text: str) -> list[Finding]:
    return [Finding(text, is_certain=True)]


def doubt(text: str) -> list[Finding]:
    return [Finding(text, is_certain=False)]


NETWORK = {"StringNotEquals": {"aws:SourceVpce": "vpce-1"}}
GRANT = "Grant the action to the role named; accounts/data-lake.yaml, accounts/dms.yaml and template.yaml do"
BUCKETS: dict[str, tuple[FakeS3, list[Finding]]] = {
    "one that fits": (FakeS3(), []),
    "one that has its region's old name": (FakeS3(location="EU"), []),
    "one with a policy that denies nothing": (FakeS3(policy=document("Allow")), []),
    "one that does not exist": (
        FakeS3(get_bucket_location="NoSuchBucket"),
        certain("bucket data-lake-dev does not exist"),
    ),
    "one of somebody else": (
        FakeS3(get_bucket_location="AccessDenied"),
        doubt(f"bucket data-lake-dev belongs to another account than {DATA_LAKE}, or may not be looked at: says AWS"),
    ),
    "one of another region": (
        FakeS3(location="eu-central-1"),
        certain("bucket data-lake-dev is in eu-central-1, and DMS wants it in eu-west-1"),
    ),
    "one of the first region": (
        FakeS3(location=None),
        certain("bucket data-lake-dev is in us-east-1, and DMS wants it in eu-west-1"),
    ),
    "one whose policy denies what is needed": (
        FakeS3(policy=document("Deny", Sid="No", Action="s3:Put*")),
        certain("the policy of bucket data-lake-dev denies s3:PutObject, s3:PutObjectTagging (statement No)"),
    ),
    "one whose policy may deny what is needed": (
        FakeS3(policy=document("Deny", Sid="Net", Action="s3:List*", Condition=NETWORK)),
        doubt("the policy of bucket data-lake-dev may deny s3:ListBucket, depending on aws:SourceVpce (statement Net)"),
    ),
    "one whose policy may not be read": (
        FakeS3(get_bucket_policy="AccessDenied"),
        doubt(f"AccessDenied: get-bucket-policy data-lake-dev: AccessDenied: says AWS. {GRANT}"),
    ),
}


@pytest.mark.parametrize(("s3", "expected"), BUCKETS.values(), ids=BUCKETS.keys())
def test_of_a_bucket(s3: FakeS3, expected: list[Finding]) -> None:
    assert found(s3) == expected
    assert set(s3.asked) == {("data-lake-dev", DATA_LAKE)}


def test_of_a_bucket_of_another_account_it_says_what_its_policy_must_allow() -> None:
    s3 = FakeS3(policy=document("Deny"))
    assert found(s3, EXPECTEDBUCKETOWNER=OTHER) == doubt(
        f"bucket data-lake-dev is of account {OTHER}, and its policy must allow the role "
        "s3:PutObject, s3:DeleteObject, s3:PutObjectTagging, s3:ListBucket"
    )
    assert s3.asked == [("data-lake-dev", OTHER)]


KEYS: dict[str, tuple[FakeKms, list[Finding]]] = {
    "one that fits": (FakeKms(), []),
    "one that is not enabled": (FakeKms(state="PendingDeletion"), certain(f"key {KEY} is PendingDeletion")),
    "one that does not exist": (FakeKms(describe_key="NotFoundException"), certain(f"key {KEY} does not exist")),
    "one that may not be looked at": (
        FakeKms(describe_key="AccessDeniedException"),
        doubt(f"AccessDenied: describe-key {KEY}: AccessDeniedException: says AWS. {GRANT}"),
    ),
    "one whose policy may not be read": (
        FakeKms(get_key_policy="AccessDeniedException"),
        doubt(f"AccessDenied: get-key-policy {KEY}: AccessDeniedException: says AWS. {GRANT}"),
    ),
    "one that lets its account do little": (
        FakeKms(policy=document("Allow", Principal={"AWS": DATA_LAKE}, Action="kms:Describe*")),
        certain(
            f"the policy of key {KEY} does not allow kms:Encrypt, kms:Decrypt, kms:ReEncrypt*, kms:GenerateDataKey*"
        ),
    ),
    "one whose policy denies what is needed": (
        FakeKms(
            policy={
                "Statement": [
                    *document("Allow")["Statement"],
                    *document("Deny", Action=["kms:Encrypt", "kms:Decrypt"])["Statement"],
                ]
            }
        ),
        certain(f"the policy of key {KEY} denies kms:Encrypt, kms:Decrypt (statement number 2)"),
    ),
}


@pytest.mark.parametrize(("kms", "expected"), KEYS.values(), ids=KEYS.keys())
def test_of_a_key(kms: FakeKms, expected: list[Finding]) -> None:
    assert found(kms=kms, key=KEY) == expected


def test_a_key_that_is_not_used_is_not_looked_at() -> None:
    assert found(kms=FakeKms(describe_key="KMSInternalException"), SSEKMSKEYID=KEY) == []


def test_of_a_key_of_another_account_it_says_what_its_policy_must_allow() -> None:
    key = KEY.replace(DATA_LAKE, OTHER)
    assert found(kms=FakeKms(describe_key="KMSInternalException"), key=key) == doubt(
        f"key {key} is of account {OTHER}, and its policy must allow the role "
        "kms:Encrypt, kms:Decrypt, kms:ReEncrypt*, kms:GenerateDataKey*, kms:DescribeKey"
    )


def test_what_is_wrong_with_the_bucket_hides_nothing_of_the_key() -> None:
    missing, disabled = FakeS3(get_bucket_location="NoSuchBucket"), FakeKms(state="Disabled")
    assert [each.text for each in found(missing, disabled, KEY)] == [
        "bucket data-lake-dev does not exist",
        f"key {KEY} is Disabled",
    ]


@pytest.mark.parametrize("operation", ["get_bucket_location", "get_bucket_policy", "describe_key", "get_key_policy"])
def test_any_other_answer_of_aws_is_an_error(operation: str) -> None:
    refused = {operation: "InternalFailure"}
    with pytest.raises(EndpointError, match=r"^InternalError: .*: InternalFailure: says AWS"):
        found(FakeS3(**refused), FakeKms(**refused), KEY)
