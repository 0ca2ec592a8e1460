"""Drawn policies of buckets and keys are judged as the second engine decides; see development/checks/decide.mjs.

What only the call itself tells, the engine is told in many ways: what is certain must hold in all of them.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice, product
from random import Random
from typing import Any

import pytest

from dms_s3_endpoint.model.parse import parse
from dms_s3_endpoint.model.policies import access_policy
from dms_s3_endpoint.model.resource_policies import ACTION, OBJECT, Caller, Finding, Need, judge, needs_of
from tests.system.second_engine import Case, decisions
from tests.unit.builders import DATA_LAKE, ENVIRONMENTS, make_properties

POLICIES = 1000
OTHER = "444444444444"
KEY = f"arn:aws:kms:eu-west-1:{DATA_LAKE}:key/11111111-1111-4111-8111-111111111111"
ROLE = f"arn:aws:iam::{DATA_LAKE}:role/dms-s3-endpoint/0123456789abcdef/dms-orders"
SESSIONS = [f"arn:aws:sts::{DATA_LAKE}:assumed-role/dms-orders/{name}" for name in ("one", "two")]
BUCKET = "arn:aws:s3:::data-lake-dev"
SETTINGS = {"BUCKETNAME": "data-lake-dev", "BUCKETFOLDER": "orders", "ENCRYPTIONMODE": "SSE_KMS", "SSEKMSKEYID": KEY}
ENDPOINT = parse(make_properties(S3SETTINGS=SETTINGS), ENVIRONMENTS)
ALL = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}

# What statements are drawn from: all of it near the mark.
ACTIONS = {
    "s3": [
        *("s3:PutObject", "S3:put*", "s3:DeleteObject", "s3:*", "s3:List*", "s3:?utObjectTagging", "s3:Get*", "*"),
    ],
    "kms": [
        *("kms:*", "kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:ReEncryptFrom", "kms:GenerateDataKey", "*"),
        *("kms:GenerateDataKey*", "KMS:Describe*", "kms:Get*"),
    ],
}
RESOURCES = {
    "s3": [
        *("*", BUCKET, f"{BUCKET}*", f"{BUCKET}/*", f"{BUCKET}/orders/*", f"{BUCKET}/ord?rs*", f"{BUCKET}/invoices/*"),
        *(f"{BUCKET}/orders/archive/*", f"{BUCKET}/*/archive/*", f"{BUCKET}-2/*", f"{BUCKET}/${{*}}/*"),
        *(f"{BUCKET}/${{aws:PrincipalAccount}}/*", f"{BUCKET}/${{aws:SourceVpce}}/*"),
        f"{BUCKET}/orders*/${{aws:SourceVpce}}/*",
    ],
    "kms": [
        *("*", KEY, KEY.replace("key/1", "key/2"), KEY.replace("key/1", "key/?")),
        f"arn:aws:kms:*:{DATA_LAKE}:key/*",
    ],
}
ROOT = f"arn:aws:iam::{DATA_LAKE}:root"
OURS: list[Any] = ["*", {"AWS": "*"}, {"AWS": DATA_LAKE}, {"AWS": ROOT}, {"AWS": ROLE}, {"AWS": [OTHER, ROLE]}]
THEIRS: list[Any] = [
    {"AWS": f"arn:aws:iam::{OTHER}:root", "Service": "s3.amazonaws.com"},
    {"AWS": ROLE.replace(DATA_LAKE, OTHER)},
    {"AWS": [f"{ROLE}-2", f"arn:aws:iam::{DATA_LAKE}:user/dms-orders"]},
    {"Service": "dms.amazonaws.com"},
]
PRINCIPALS = [*OURS, *OURS, *THEIRS, {"AWS": SESSIONS[0]}]
# Whoever is listed in part the second engine spares, and AWS does not.
NOT_PRINCIPALS: list[Any] = [*THEIRS, {"AWS": [DATA_LAKE, ROLE]}, {"AWS": [ROOT, ROLE, SESSIONS[0]]}]

TEXTS = ("StringEquals", "StringNotEquals", "StringEqualsIgnoreCase", "StringNotEqualsIgnoreCase")
PATTERNS = ("StringLike", "StringNotLike", *TEXTS)
ARNS = ("ArnEquals", "ArnLike", "ArnNotEquals", "ArnNotLike", *PATTERNS)
# Operators and values by key; the second engine takes a variable in an ARN apart at its colon.
CONDITIONS: Mapping[str, tuple[tuple[str, ...], list[str]]] = {
    "aws:PrincipalArn": (
        ARNS,
        [
            *(ROLE, ROLE.replace("role/d", "role/D"), f"arn:aws:iam::{DATA_LAKE}:role/*", "arn:*:iam::2*:role/*/*"),
            *(f"arn:aws:iam::{DATA_LAKE}:*/dms-orders", f"arn:aws:iam::{OTHER}:role/*", "arn:aws:iam::*:user/*"),
        ],
    ),
    "aws:principalarn": (PATTERNS, ["${aws:PrincipalArn}", "arn:*:iam::${aws:PrincipalAccount}:*/dms-orders"]),
    "aws:PrincipalAccount": (PATTERNS, [DATA_LAKE, OTHER, "2*", "${aws:PrincipalAccount}", "${*}", "????????????"]),
    "aws:SecureTransport": (("Bool",), ["true", "false", "False"]),
    "aws:PrincipalIsAWSService": (("Bool",), ["true", "false"]),
    "aws:PrincipalType": (PATTERNS, ["AssumedRole", "assumedrole", "User", "Assumed*"]),
    "aws:SourceAccount": (PATTERNS, [DATA_LAKE, OTHER]),
    "aws:SourceArn": (ARNS, [ROLE, "arn:aws:dms:*:*:*"]),
    "aws:SourceVpce": (PATTERNS, ["vpce-1", "vpce-*"]),
    "aws:PrincipalOrgID": (PATTERNS, ["o-1", "o-3"]),
    "aws:SourceIp": (("IpAddress", "NotIpAddress"), ["10.0.0.0/8", "203.0.113.0/24"]),
}
# What only the call tells: keys, objects in the folder, and which of the actions that a pattern stands for.
UNKNOWN: Mapping[str, list[str | None]] = {
    "aws:SourceVpce": [None, "vpce-1", "vpce-*", "orders", "archive"],
    "aws:PrincipalOrgID": [None, "o-1", "o-2", "o-3"],
    "aws:SourceIp": [None, "10.0.0.1", "203.0.113.1", "192.0.2.1"],
}
OBJECTS = ["public/orders/1.csv", "archive/1.csv"]
MEANT = {
    "kms:ReEncrypt*": ["kms:ReEncryptFrom", "kms:ReEncryptTo"],
    "kms:GenerateDataKey*": ["kms:GenerateDataKey", "kms:GenerateDataKeyWithoutPlaintext"],
}


@dataclass(frozen=True)
class Drawn:
    """A policy, and one need of DMS."""

    policy: Any
    need: Need
    caller: Caller
    owner: str
    must_allow: bool

    @property
    def findings(self) -> list[Finding]:
        return list(judge(self.policy, [self.need], self.caller, self.must_allow))

    @property
    def text(self) -> str:
        return json.dumps(self.policy)

    def worlds(self) -> Iterator[Case]:
        """The call, with everything that the policy asks for and nobody knows."""
        sessions = SESSIONS if SESSIONS[0] in self.text else SESSIONS[:1]
        tails = OBJECTS if self.need.resource.endswith("*") else [""]
        for session, action, tail in product(sessions, MEANT.get(self.need.action, [self.need.action]), tails):
            for context in self._contexts():
                yield self._case(session, action, self.need.resource.removesuffix("*") + tail, context)

    def _contexts(self) -> Iterator[dict[str, str]]:
        keys = [key for key in UNKNOWN if key in self.text]
        for values in product(*(UNKNOWN[key] for key in keys)):
            context = self.caller.known | dict(zip(keys, values, strict=True))
            yield {key: value for key, value in context.items() if value is not None}

    def _case(self, session: str, action: str, resource: str, context: Mapping[str, str]) -> Case:
        role, boundary = access_policy(ENDPOINT, "eu-west-1"), ALL if self.caller.has_boundary else None
        return Case([role], session, action, resource, context, boundary, self.policy, self.owner)


def drawn(random: Random, service: str, owner: str) -> Drawn:
    must_allow = service == "kms" or owner != DATA_LAKE
    statements = [_statement(random, service, must_allow) for _ in range(random.choice((1, 1, 2, 3)))]
    caller = Caller(ROLE, has_boundary=random.random() < 0.5, is_new=True)
    need = random.choice(needs_of(ENDPOINT, "eu-west-1", service))
    return Drawn({"Version": "2012-10-17", "Statement": statements}, need, caller, owner, must_allow)


def _statement(random: Random, service: str, must_allow: bool) -> dict[str, Any]:
    effect = "Allow" if must_allow and random.random() < 0.7 else "Deny"
    by_exception = effect == "Deny" and random.random() < 0.15
    principal = (
        {"NotPrincipal": random.choice(NOT_PRINCIPALS)} if by_exception else {"Principal": random.choice(PRINCIPALS)}
    )
    action, resource = (name if random.random() < 0.8 else f"Not{name}" for name in ("Action", "Resource"))
    what = {action: _one_or_two(random, ACTIONS[service]), resource: _one_or_two(random, RESOURCES[service])}
    conditions = {"Condition": dict(_conditions(random))} if random.random() < 0.7 else {}
    return {"Effect": effect, **principal, **what, **conditions}


def _conditions(random: Random) -> Iterator[tuple[str, Any]]:
    for key in random.sample(sorted(CONDITIONS), random.choice((1, 1, 2))):
        operators, values = CONDITIONS[key]
        quantifier, if_exists = (
            random.choice(["", "", "", "ForAnyValue:", "ForAllValues:"]),
            random.choice(["", "", "IfExists"]),
        )
        if random.random() < 0.1:
            yield "Null", {key: random.choice(["true", "false"])}
        else:
            yield f"{quantifier}{random.choice(operators)}{if_exists}", {key: _one_or_two(random, values)}


def _one_or_two(random: Random, given: list[str]) -> Any:
    return random.choice(given) if random.random() < 0.6 else random.sample(given, 2)


def verdict(findings: list[Finding]) -> str:
    if any(each.is_certain for each in findings):
        return "denied"
    return "not to be judged" if findings else "not denied"


def expected(case: Drawn, findings: list[Finding]) -> list[set[bool]]:
    """What the second engine may answer, in all that may be: one way only, or both, if the doubt is a real one."""
    if verdict(findings) == "denied":
        return [{False}]
    if not findings:
        return [{True}]
    depends_on = findings[0].text.partition("depending on ")[2].partition(" (")[0]
    is_the_only_doubt = len(findings) == 1 and (depends_on in (OBJECT, ACTION) or case.text.count(depends_on) == 1)
    return [{True, False}] if is_the_only_doubt else [{True}, {False}, {True, False}]


SITUATIONS = {
    "a bucket of the account": ("s3", DATA_LAKE),
    "a bucket of another account": ("s3", OTHER),
    "a key": ("kms", DATA_LAKE),
}


@pytest.mark.parametrize(("service", "owner"), SITUATIONS.values(), ids=SITUATIONS.keys())
def test_what_is_judged_is_what_the_second_engine_decides(service: str, owner: str) -> None:
    random = Random(f"{service} {owner}")  # noqa: S311  # no secret
    cases = [drawn(random, service, owner) for _ in range(POLICIES)]
    worlds = [list(case.worlds()) for case in cases]
    answers = iter(decisions([world for each in worlds for world in each]))
    decided = [set(islice(answers, len(each))) for each in worlds]
    judged = [case.findings for case in cases]
    rows = zip(cases, judged, decided, strict=True)
    wrong = [(case, findings, answer) for case, findings, answer in rows if answer not in expected(case, findings)]
    assert wrong == []
    counts = Counter(map(verdict, judged))
    assert min(counts[each] for each in ("denied", "not denied", "not to be judged")) > POLICIES / 20, counts
