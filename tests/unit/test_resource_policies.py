"""What the policy of a bucket or key does to the endpoint's role: each rule by itself.

tests/checks/test_resource_policies.py compares thousands of policies with another engine.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from dms_s3_endpoint.model.parse import parse
from dms_s3_endpoint.model.resource_policies import Caller, Need, judge, needs_of

from .builders import DATA_LAKE, ENVIRONMENTS, make_properties

OTHER = "444444444444"
ROLE = f"arn:aws:iam::{DATA_LAKE}:role/dms-s3-endpoint/0123456789abcdef/dms-orders"
ROOT = f"arn:aws:iam::{DATA_LAKE}:root"
SESSION = f"arn:aws:sts::{DATA_LAKE}:assumed-role/dms-orders/session"
CALLER = Caller(ROLE, has_boundary=False, is_new=True)
BOUNDED = replace(CALLER, has_boundary=True)
BUCKET = "arn:aws:s3:::data-lake-dev"
PUT = Need("s3:PutObject", f"{BUCKET}/orders/*")
LIST = Need("s3:ListBucket", BUCKET)
YES, NO = "yes", "no"


def statement(effect: str = "Deny", **elements: Any) -> dict[str, Any]:
    """For everybody, everything, everywhere, but for the elements that are given; without those that are None."""
    instead = {name for name in ("Principal", "Action", "Resource") if f"Not{name}" in elements}
    whole = {"Principal": "*", "Action": "*", "Resource": "*"} | elements
    return {"Effect": effect} | {name: each for name, each in whole.items() if name not in instead and each is not None}


def document(*statements: dict[str, Any], version: str = "2012-10-17") -> dict[str, Any]:
    return {"Version": version, "Statement": list(statements)}


def said(*statements: dict[str, Any], caller: Caller = CALLER, must_allow: bool = False) -> list[tuple[str, bool]]:
    """As (text, whether it is certain), of PUT and LIST."""
    found = judge(document(*statements), [PUT, LIST], caller, must_allow)
    return [(each.text, each.is_certain) for each in found]


def denies(need: Need = PUT, caller: Caller = CALLER, version: str = "2012-10-17", **elements: Any) -> str:
    """Whether such a Deny is one of the need: yes, no, or what that depends on."""
    found = list(judge(document(statement(**elements), version=version), [need], caller, must_allow=False))
    if not found:
        return NO
    (finding,) = found
    return (
        YES if finding.is_certain else finding.text.partition("depending on ")[2].removesuffix(" (statement number 1)")
    )


def test_what_it_denies_is_named_with_the_statement() -> None:
    assert said(statement(Sid="Frozen")) == [("denies s3:PutObject, s3:ListBucket (statement Frozen)", True)]
    others = statement(Action="s3:DeleteBucket")
    assert said(others, statement(Action="s3:List*")) == [("denies s3:ListBucket (statement number 2)", True)]


def test_one_statement_is_as_good_as_a_list_of_one() -> None:
    (finding,) = judge({"Version": "2012-10-17", "Statement": statement()}, [PUT], CALLER, must_allow=False)
    assert finding.text == "denies s3:PutObject (statement number 1)"


def test_what_may_be_denied_is_named_with_what_that_depends_on() -> None:
    condition = {"StringNotEquals": {"aws:SourceVpce": "vpce-1"}, "Bool": {"aws:MultiFactorAuthPresent": "false"}}
    assert said(statement(Sid="Net", Action="s3:Put*", Condition=condition)) == [
        ("may deny s3:PutObject, depending on aws:MultiFactorAuthPresent, aws:SourceVpce (statement Net)", False)
    ]


def test_what_is_false_already_depends_on_nothing() -> None:
    unknown = {"StringEquals": {"aws:SourceVpce": "vpce-1"}}
    assert denies(Condition=unknown | {"Bool": {"aws:SecureTransport": "false"}}) == NO
    assert denies(Condition=unknown, Action="s3:Get*") == NO
    assert denies(Condition={"StringEquals": {"aws:PrincipalArn": [ROLE, "${aws:userid}"]}}) == YES


def test_within_the_account_a_bucket_need_not_allow_anything() -> None:
    assert said() == []
    assert said(statement("Allow", Principal={"AWS": OTHER})) == []


def test_where_it_must_allow_what_it_does_not_allow_is_said() -> None:
    assert said(must_allow=True) == [("does not allow s3:PutObject, s3:ListBucket", True)]
    assert said(statement("Allow", Action="s3:List*"), must_allow=True) == [("does not allow s3:PutObject", True)]
    assert said(statement("Allow"), must_allow=True) == []


def test_where_it_must_allow_a_denial_is_said_too() -> None:
    denied = ("denies s3:PutObject, s3:ListBucket (statement No)", True)
    assert said(statement("Allow"), statement(Sid="No"), must_allow=True) == [denied]
    assert said(statement(Sid="No"), must_allow=True) == [denied, ("does not allow s3:PutObject, s3:ListBucket", True)]


def test_what_may_not_be_allowed_is_named_with_each_statement_that_may_allow_it() -> None:
    network, organisation = ({"StringEquals": {key: "x"}} for key in ("aws:SourceVpce", "aws:PrincipalOrgID"))
    maybe = [statement("Allow", Action="s3:Put*", Condition=each) for each in (network, organisation)]
    listing = statement("Allow", Action="s3:List*")
    assert said(*maybe, listing, must_allow=True) == [
        ("may not allow s3:PutObject, depending on aws:SourceVpce (statement number 1)", False),
        ("may not allow s3:PutObject, depending on aws:PrincipalOrgID (statement number 2)", False),
    ]
    assert said(*maybe, statement("Allow"), must_allow=True) == []


def test_a_role_that_stands_may_have_a_grant_of_the_key() -> None:
    standing = replace(CALLER, is_new=False)
    assert said(caller=standing, must_allow=True) == [
        ("does not allow s3:PutObject, s3:ListBucket, unless a grant does", False)
    ]


PRINCIPALS: dict[str, tuple[Any, str]] = {
    "everybody": ("*", YES),
    "everybody of AWS": ({"AWS": "*"}, YES),
    "the account": ({"AWS": DATA_LAKE}, YES),
    "the account's root": ({"AWS": [OTHER, ROOT]}, YES),
    "the role": ({"AWS": ROLE}, YES),
    "the role under another path": ({"AWS": f"arn:aws:iam::{DATA_LAKE}:role/team/dms-orders"}, YES),
    "the role in capital letters": ({"AWS": f"arn:aws:iam::{DATA_LAKE}:role/DMS-Orders"}, YES),
    "a session of the role": ({"AWS": SESSION}, "the session's name"),
    "a session of another role": ({"AWS": SESSION.replace("orders", "orders-2")}, NO),
    "another role": ({"AWS": f"{ROLE}-2"}, NO),
    "a role whose name ends as ours": ({"AWS": ROLE.replace("dms-orders", "x-dms-orders")}, NO),
    "the role of another account": ({"AWS": ROLE.replace(DATA_LAKE, OTHER)}, NO),
    "the role of another partition": ({"AWS": ROLE.replace("arn:aws", "arn:aws-cn")}, NO),
    "a user of the name": ({"AWS": f"arn:aws:iam::{DATA_LAKE}:user/dms-orders"}, NO),
    "another account": ({"AWS": f"arn:aws:iam::{OTHER}:root"}, NO),
    "a role that is gone": ({"AWS": "AROAEXAMPLEEXAMPLEEX"}, NO),
    "a service": ({"Service": "dms.amazonaws.com"}, NO),
    "an account as S3 names it": ({"CanonicalUser": "0" * 64}, "CanonicalUser"),
    "nobody": (None, NO),
}


@pytest.mark.parametrize(("principal", "expected"), PRINCIPALS.values(), ids=PRINCIPALS.keys())
def test_principal(principal: Any, expected: str) -> None:
    assert denies(Principal=principal) == expected


NOT_PRINCIPALS: dict[str, tuple[list[str], str]] = {
    "another account": ([OTHER], YES),
    "the role without its account": ([ROLE], YES),
    "the account without the role": ([ROOT], YES),
    "the role and its session": ([ROLE, SESSION], YES),
    "the role and its account": ([ROLE, ROOT], "the session's name"),
    "role, account and session": ([ROLE, DATA_LAKE, SESSION], "the session's name"),
    "everybody": (["*"], NO),
}


@pytest.mark.parametrize(("names", "expected"), NOT_PRINCIPALS.values(), ids=NOT_PRINCIPALS.keys())
def test_not_principal(names: list[str], expected: str) -> None:
    assert denies(NotPrincipal={"AWS": names}) == expected


def test_not_principal_denies_every_role_with_a_boundary() -> None:
    assert denies(NotPrincipal={"AWS": [ROLE, ROOT, SESSION]}, caller=BOUNDED) == YES
    assert denies(Principal={"AWS": OTHER}, caller=BOUNDED) == NO


def test_an_allow_for_all_but_somebody_is_not_judged() -> None:
    assert said(statement("Allow", NotPrincipal={"AWS": OTHER}), must_allow=True) == [
        ("may not allow s3:PutObject, s3:ListBucket, depending on NotPrincipal (statement number 1)", False)
    ]


ACTIONS = {"s3:PutObject": YES, "S3:putobject": YES, "s3:Put*": YES, "s3:?utObject": YES, "*": YES, "s3:*": YES}
ACTIONS |= {"s3:PutObjectTagging": NO, "s3:Put": NO, "s3:PutObject?": NO, "kms:*": NO, "s3:[P]utObject": NO}


@pytest.mark.parametrize(("action", "expected"), ACTIONS.items())
def test_action_and_not_action(action: str, expected: str) -> None:
    assert denies(Action=action) == denies(Action=["s3:Get*", action]) == expected
    assert denies(NotAction=action) == {YES: NO, NO: YES}[expected]


MANY = Need("kms:GenerateDataKey*", "arn:aws:kms:eu-west-1:222222222222:key/1")
PATTERNS_OF_MANY = {"kms:GenerateDataKey*": YES, "kms:Generate*": YES, "kms:*Key*": YES, "kms:Decrypt": NO}
PATTERNS_OF_MANY |= {"kms:GenerateDataKey": "the action", "kms:GenerateDataKeyPair*": "the action"}


@pytest.mark.parametrize(("action", "expected"), PATTERNS_OF_MANY.items())
def test_of_many_actions_some_may_be_denied(action: str, expected: str) -> None:
    assert denies(MANY, Action=action) == expected


OBJECTS = {
    **dict.fromkeys(["*", f"{BUCKET}/*", f"{BUCKET}/orders/*", f"{BUCKET}/ord?rs*", f"{BUCKET}*", f"{BUCKET}/**"], YES),
    **dict.fromkeys([f"{BUCKET}/${{aws:PrincipalAccount}}/*", f"{BUCKET}/Orders/*", f"{BUCKET}/orders-2/*"], NO),
    **dict.fromkeys([f"{BUCKET}/invoices/*", f"{BUCKET}-2/*", BUCKET, f"{BUCKET}/${{*}}", f"{BUCKET}/orders"], NO),
    **dict.fromkeys([f"{BUCKET}/orders/archive/*", f"{BUCKET}/*.csv", f"{BUCKET}/orders/${{*}}*"], "the object"),
    f"{BUCKET}/${{aws:userid}}/*": "aws:userid",
    f"{BUCKET}/invoices/${{aws:userid}}/*": NO,
    f"{BUCKET}/${{aws:username, 'orders'}}/*": YES,
    f"{BUCKET}/${{aws:username}}/*": "aws:username",
}


@pytest.mark.parametrize(("resource", "expected"), OBJECTS.items())
def test_resource(resource: str, expected: str) -> None:
    assert denies(Resource=resource) == denies(Resource=[BUCKET, resource]) == expected


def test_not_resource() -> None:
    assert denies(NotResource=[BUCKET, f"{BUCKET}/orders/*"]) == NO
    assert denies(NotResource=f"{BUCKET}/invoices/*") == YES
    assert denies(NotResource=f"{BUCKET}/orders/archive/*") == "the object"
    assert denies(NotResource=f"{BUCKET}/invoices/${{aws:userid}}") == "aws:userid"


def test_a_bucket_is_no_object() -> None:
    resources = (BUCKET, f"{BUCKET}*", f"{BUCKET}***", f"{BUCKET}/*")
    assert [denies(LIST, Resource=each) for each in resources] == [YES, YES, YES, NO]


def test_a_statement_without_action_or_resource_applies_to_nothing() -> None:
    assert denies(Resource=None) == denies(Action=None) == NO


def holds(operator: str, key: str, given: Any) -> str:
    """Whether the condition of a Deny holds: yes, no, or what that depends on."""
    return denies(Condition={operator: {key: given}})


HOLD: list[tuple[str, str, Any]] = [
    ("StringEquals", "aws:PrincipalAccount", DATA_LAKE),
    ("StringEquals", "AWS:principalaccount", [OTHER, DATA_LAKE]),
    ("StringEquals", "aws:PrincipalAccount", int(DATA_LAKE)),
    ("StringEquals", "aws:PrincipalArn", ROLE),
    ("StringEquals", "aws:PrincipalType", "AssumedRole"),
    ("StringEqualsIgnoreCase", "aws:PrincipalType", "assumedROLE"),
    ("StringNotEquals", "aws:PrincipalType", "assumedROLE"),
    ("StringLike", "aws:PrincipalAccount", "2*2"),
    ("StringLike", "aws:PrincipalAccount", "?" * 12),
    ("StringNotEquals", "aws:PrincipalAccount", OTHER),
    ("StringNotLike", "aws:PrincipalAccount", "4*"),
    ("StringNotEquals", "aws:PrincipalAccount", "2*"),
    ("StringNotEqualsIgnoreCase", "aws:PrincipalType", "User"),
    ("ArnEquals", "aws:PrincipalArn", ROLE),
    ("ArnEquals", "aws:PrincipalArn", f"arn:aws:iam::{DATA_LAKE}:role/*/dms-orders"),
    ("ArnLike", "aws:PrincipalArn", "arn:*:iam::2*:role/dms-s3-endpoint/*"),
    ("ArnLike", "aws:PrincipalArn", "arn:aws:iam::${aws:PrincipalAccount}:role/*"),
    ("ArnNotEquals", "aws:PrincipalArn", f"{ROLE}-2"),
    ("ArnNotLike", "aws:PrincipalArn", "arn:aws:iam::*:user/*"),
    ("Bool", "aws:SecureTransport", "true"),
    ("Bool", "aws:SecureTransport", True),
    ("Bool", "aws:SecureTransport", "True"),
    ("Bool", "aws:PrincipalIsAWSService", "false"),
    ("StringEquals", "kms:CallerAccount", DATA_LAKE),
    ("StringEqualsIfExists", "aws:SourceAccount", OTHER),
    ("StringNotEquals", "aws:SourceAccount", OTHER),
    ("ForAllValues:StringEquals", "aws:SourceOrgID", "o-1"),
    ("ForAllValues:StringEquals", "aws:PrincipalAccount", [OTHER, DATA_LAKE]),
    ("ForAnyValue:StringLike", "aws:PrincipalAccount", "2*"),
    ("ForAnyValue:StringNotEquals", "aws:PrincipalAccount", OTHER),
    ("Null", "aws:SourceArn", "true"),
    ("Null", "aws:SourceArn", True),
    ("Null", "aws:SourceArn", "True"),
    ("Null", "aws:PrincipalArn", "false"),
    ("StringEquals", "aws:PrincipalArn", "${aws:PrincipalArn}"),
    ("StringEquals", "aws:PrincipalAccount", f"${{aws:username, '{DATA_LAKE}'}}"),
    ("StringNotEquals", "aws:PrincipalAccount", "${*}"),
]
HOLD_NOT: list[tuple[str, str, Any]] = [
    ("StringEquals", "aws:PrincipalAccount", OTHER),
    ("StringEquals", "aws:PrincipalAccount", "2*"),
    ("StringEquals", "aws:PrincipalType", "assumedrole"),
    ("StringEquals", "aws:PrincipalAccount", []),
    ("StringLike", "aws:PrincipalArn", "arn:aws:iam::${*}:role/*"),
    ("StringNotEquals", "aws:PrincipalAccount", [OTHER, DATA_LAKE]),
    ("StringNotEqualsIgnoreCase", "aws:PrincipalType", "assumedrole"),
    ("StringNotLike", "aws:PrincipalAccount", ["4*", "2*"]),
    ("ArnEquals", "aws:PrincipalArn", f"arn:aws:iam::{OTHER}:role/*"),
    ("ArnLike", "aws:PrincipalArn", "arn:aws:iam:*:dms-s3-endpoint:*"),
    ("ArnNotEquals", "aws:PrincipalArn", ["arn:aws:iam::*:user/*", ROLE]),
    ("Bool", "aws:SecureTransport", "false"),
    ("Bool", "aws:SecureTransport", False),
    ("BoolIfExists", "aws:PrincipalIsAWSService", "true"),
    ("StringEquals", "aws:SourceAccount", DATA_LAKE),
    ("StringEquals", "aws:username", "somebody"),
    ("ArnLike", "aws:SourceArn", "arn:aws:dms:*:*:*"),
    ("ForAnyValue:StringEquals", "aws:PrincipalServiceNamesList", "dms.amazonaws.com"),
    ("ForAnyValue:StringNotEquals", "aws:PrincipalServiceName", "dms.amazonaws.com"),
    ("ForAnyValue:StringEqualsIfExists", "aws:SourceOrgPaths", "o-1/*"),
    ("ForAllValues:StringEquals", "aws:PrincipalAccount", OTHER),
    ("Null", "aws:PrincipalArn", "true"),
    ("Null", "aws:SourceAccount", ["false"]),
]
DEPENDING: list[tuple[str, str, Any, str]] = [
    ("StringEquals", "aws:PrincipalOrgID", "o-1", "aws:PrincipalOrgID"),
    ("StringNotEqualsIfExists", "aws:PrincipalOrgID", "o-1", "aws:PrincipalOrgID"),
    ("StringNotEquals", "s3:x-amz-server-side-encryption", "aws:kms", "s3:x-amz-server-side-encryption"),
    ("Null", "aws:SourceVpce", "true", "aws:SourceVpce"),
    ("NumericLessThan", "s3:TlsVersion", "1.2", "s3:TlsVersion"),
    ("DateGreaterThan", "aws:PrincipalAccount", "2030-01-01", "aws:PrincipalAccount"),
    ("NotIpAddress", "aws:SourceArn", "192.0.2.0/24", "aws:SourceArn"),
    ("Some:Thing", "aws:PrincipalAccount", "1", "aws:PrincipalAccount"),
    ("StringEquals", "aws:PrincipalAccount", "${aws:PrincipalTag/lake}", "aws:PrincipalTag/lake"),
    ("StringEquals", "aws:PrincipalAccount", "${aws:PrincipalTag/lake, '222222222222'}", "aws:PrincipalTag/lake"),
    ("StringNotEquals", "aws:PrincipalAccount", "${aws:SourceAccount}", "aws:SourceAccount"),
    ("StringLike", "aws:PrincipalArn", "${aws:b}${aws:a}${aws:b}", "aws:a, aws:b"),
    ("ArnLike", "aws:PrincipalArn", "*", "what is no ARN"),
    ("ArnNotLike", "aws:PrincipalAccount", ROLE, "what is no ARN"),
]


@pytest.mark.parametrize(("operator", "key", "given"), HOLD)
def test_a_condition_that_holds(operator: str, key: str, given: Any) -> None:
    assert holds(operator, key, given) == YES


@pytest.mark.parametrize(("operator", "key", "given"), HOLD_NOT)
def test_a_condition_that_does_not_hold(operator: str, key: str, given: Any) -> None:
    assert holds(operator, key, given) == NO


@pytest.mark.parametrize(("operator", "key", "given", "depending_on"), DEPENDING)
def test_a_condition_that_only_the_call_can_tell(operator: str, key: str, given: Any, depending_on: str) -> None:
    assert holds(operator, key, given) == depending_on


def test_all_conditions_must_hold() -> None:
    fits, fits_not = {"aws:PrincipalAccount": DATA_LAKE}, {"aws:PrincipalType": "User"}
    assert denies(Condition={"StringEquals": fits}) == YES
    assert denies(Condition={"StringEquals": fits | fits_not}) == NO
    assert denies(Condition={"StringEquals": fits, "StringLike": fits_not}) == NO


@pytest.mark.parametrize("version", ["2008-10-17", ""])
def test_before_2012_a_variable_stands_for_itself(version: str) -> None:
    given = {"StringEquals": {"aws:PrincipalAccount": "${aws:PrincipalAccount}"}}
    assert denies(Condition=given, version=version) == NO
    assert denies(Resource=f"{BUCKET}/${{aws:userid}}/*", version=version) == NO
    assert denies(Resource=f"{BUCKET}/orders/*", version=version) == YES


def test_a_pattern_of_many_wildcards_is_judged_in_the_end() -> None:
    """A regular expression made of it would not be."""
    assert denies(Resource=f"{BUCKET}/orders/{'?*' * 50}!") == "the object"


def needs(service: str, **settings: str) -> list[tuple[str, str]]:
    given = parse(make_properties(S3SETTINGS={"BUCKETNAME": "data-lake-dev", **settings}), ENVIRONMENTS)
    return [(each.action, each.resource) for each in needs_of(given, "eu-west-1", service)]


def test_needed_is_what_the_role_is_granted_on_the_bucket() -> None:
    assert needs("s3", BUCKETFOLDER="orders") == [
        ("s3:PutObject", f"{BUCKET}/orders/*"),
        ("s3:DeleteObject", f"{BUCKET}/orders/*"),
        ("s3:PutObjectTagging", f"{BUCKET}/orders/*"),
        ("s3:ListBucket", BUCKET),
    ]
    assert ("s3:GetObject", f"{BUCKET}/*") in needs("s3", GLUECATALOGGENERATION="true")


def test_needed_is_what_the_role_is_granted_on_the_key() -> None:
    key = f"arn:aws:kms:eu-west-1:{DATA_LAKE}:key/11111111-1111-4111-8111-111111111111"
    assert needs("kms", SSEKMSKEYID=key) == []
    found = needs("kms", SSEKMSKEYID=key, ENCRYPTIONMODE="SSE_KMS")
    actions = ("Encrypt", "Decrypt", "ReEncrypt*", "GenerateDataKey*", "DescribeKey")
    assert found == [(f"kms:{action}", key) for action in actions]
