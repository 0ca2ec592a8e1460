"""What the policy of a bucket or key does to the endpoint's role, as far as it is known beforehand. Pure functions.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from .arns import name_in
from .conditions import Truth, all_of, any_of, condition, covers, negated, resolved
from .endpoint import Endpoint
from .policies import VERSION, Document, access_policy, listed, statements_of

# What else a statement may depend on than the keys of its conditions.
SESSION, OBJECT, ACTION = "the session's name", "the object", "the action"
NOT_PRINCIPAL, CANONICAL_USER = "NotPrincipal", "CanonicalUser"
# Only calls that a service makes in its own name have these; the last, only those of a user.
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
ABSENT = (
    *("aws:sourceaccount", "aws:sourcearn", "aws:sourceorgid", "aws:sourceorgpaths"),
    *("aws:principalservicename", "aws:principalservicenameslist", "aws:username"),
)
Named = tuple[str, Document]


@dataclass(frozen=True)
class Finding:
    """What stops DMS; if it is not certain, what may stop it."""

    text: str
    is_certain: bool


@dataclass(frozen=True)
class Need:
    """An action, and what on. An asterisk at the end stands for any that begins so."""

    action: str
    resource: str


@dataclass(frozen=True)
class Caller:
    """The role whose session DMS calls with. One that `is_new` is yet to be made: no key can have a grant for it."""

    role_arn: str
    has_boundary: bool
    is_new: bool

    @property
    def account_arn(self) -> str:
        """The ARN of all in the role's account, without its last part."""
        return self.role_arn.partition("role/")[0]

    @property
    def account_names(self) -> set[str]:
        """The account, as a policy may name it."""
        return {self.account_arn.split(":")[4], f"{self.account_arn}root"}

    @property
    def known(self) -> dict[str, str | None]:
        """What is known of the conditions' keys; see conditions.Known."""
        account = self.account_arn.split(":")[4]
        return dict.fromkeys(ABSENT) | {
            "aws:principalaccount": account,
            "aws:principalarn": self.role_arn,
            "aws:principalisawsservice": "false",
            "aws:principaltype": "AssumedRole",
            "aws:securetransport": "true",
            "kms:calleraccount": account,
        }


def needs_of(endpoint: Endpoint, region: str, service: str) -> list[Need]:
    """What the role's own policy grants on the bucket, service `s3`, or on the key, service `kms`."""
    statements = access_policy(endpoint, region)["Statement"]
    granted = [Need(action, each["Resource"]) for each in statements for action in each["Action"]]
    return [need for need in granted if need.action.startswith(f"{service}:")]


def judge(document: Document, needs: list[Need], caller: Caller, must_allow: bool) -> Iterator[Finding]:
    """What the policy denies of the needs, and if it `must_allow` them, what it does not allow.

    A text goes on from "the policy of …". Within an account the role's own policy allows what is on a bucket; what is
    on a key, the key's policy must allow, too: the role, or its account.
    """
    named = _named_statements(document)
    for name, statement in named:
        if statement.get("Effect") == "Deny":
            yield from _denials(name, _by_truth(statement, needs, caller))
    if must_allow:
        yield from _not_allowed([each for each in named if each[1].get("Effect") == "Allow"], needs, caller)


def _named_statements(document: Document) -> list[Named]:
    """By Sid or number. In a document of before 2012 there are no variables: ${ stands for itself."""
    if document.get("Version") != VERSION:
        document = json.loads(json.dumps(document).replace("${", "${$}{"))
    return [(each.get("Sid") or f"number {number}", each) for number, each in enumerate(statements_of(document), 1)]


def _denials(name: str, by_truth: Mapping[Truth, list[str]]) -> Iterator[Finding]:
    for truth, actions in by_truth.items():
        if truth is True:
            yield Finding(f"denies {', '.join(actions)} (statement {name})", is_certain=True)
        elif truth:
            yield _doubt("deny", actions, truth, name)


def _not_allowed(allowing: list[Named], needs: list[Need], caller: Caller) -> Iterator[Finding]:
    truths = {need: any_of(_applies(each, need, caller) for _name, each in allowing) for need in needs}
    doubtful = [need for need, truth in truths.items() if isinstance(truth, str)]
    for name, statement in allowing:
        for truth, actions in _by_truth(statement, doubtful, caller).items():
            if isinstance(truth, str):
                yield _doubt("not allow", actions, truth, name)
    if never := [need.action for need, truth in truths.items() if truth is False]:
        text = f"does not allow {', '.join(never)}"
        yield Finding(text if caller.is_new else f"{text}, unless a grant does", is_certain=caller.is_new)


def _doubt(does: str, actions: list[str], depending_on: str, name: str) -> Finding:
    return Finding(f"may {does} {', '.join(actions)}, depending on {depending_on} (statement {name})", is_certain=False)


def _by_truth(statement: Document, needs: Iterable[Need], caller: Caller) -> dict[Truth, list[str]]:
    """The actions of the needs, by whether the statement applies to them."""
    found: dict[Truth, list[str]] = {}
    for need in needs:
        found.setdefault(_applies(statement, need, caller), []).append(need.action)
    return found


def _applies(statement: Document, need: Need, caller: Caller) -> Truth:
    conditions = [(how, *each) for how, keys in statement.get("Condition", {}).items() for each in keys.items()]
    return all_of(
        [
            _principal(statement, caller),
            _element(statement, "Action", lambda pattern: covers(pattern.lower(), need.action.lower(), ACTION)),
            _element(statement, "Resource", lambda pattern: _resource(pattern, need, caller, "Resource" in statement)),
            *(condition(how, key, given, caller.known) for how, key, given in conditions),
        ]
    )


def _element(statement: Document, name: str, matches: Callable[[str], Truth]) -> Truth:
    """Action or NotAction, Resource or NotResource; a statement with neither applies to nothing."""
    if name in statement:
        return any_of(map(matches, listed(statement[name])))
    return f"Not{name}" in statement and negated(any_of(map(matches, listed(statement[f"Not{name}"]))))


def _resource(pattern: str, need: Need, caller: Caller, is_positive: bool) -> Truth:
    """With a variable that has no value a statement may apply to nothing: so what does not match excepts nothing."""
    text, unknown = resolved(pattern, caller.known)
    found = covers(text, need.resource, OBJECT)
    return unknown if unknown and (found or not is_positive) else found


def _principal(statement: Document, caller: Caller) -> Truth:
    if "Principal" in statement:
        return any_of(_is_caller(name, caller) for name in _names(statement["Principal"]))
    names = _names(statement.get("NotPrincipal", "*"))
    if "*" in names:
        return False
    if statement["Effect"] == "Allow":
        # AWS does not support it.
        return NOT_PRINCIPAL
    # It denies whoever has a boundary, whatever it lists; of the others those that it does not list together with their
    # account, and sometimes with their session.
    # https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_notprincipal.html
    is_listed = caller.account_names & set(names) and any(_is_role(name, caller) for name in names)
    return SESSION if is_listed and not caller.has_boundary else True


def _names(principal: str | Mapping[str, Any]) -> list[str]:
    """DMS calls as a role, so that services and federated users are others. Ids of S3 are known to S3 alone."""
    if isinstance(principal, str):
        return [principal]
    return [*listed(principal.get("AWS", [])), *(CANONICAL_USER for _ in listed(principal.get(CANONICAL_USER, [])))]


def _is_caller(name: str, caller: Caller) -> Truth:
    session = f"{caller.account_arn.replace(':iam:', ':sts:')}assumed-role/{name_in(caller.role_arn)}/"
    if name.lower().startswith(session.lower()):
        return SESSION
    if name == CANONICAL_USER:
        return CANONICAL_USER
    return name == "*" or name in caller.account_names or _is_role(name, caller)


def _is_role(name: str, caller: Caller) -> bool:
    """Under whatever path: to IAM names that differ in path or case alone are the same."""
    is_of_account = name.startswith(f"{caller.account_arn}role/")
    return is_of_account and name_in(name).lower() == name_in(caller.role_arn).lower()
