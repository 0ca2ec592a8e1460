"""The policy documents of a template, with examples for what its intrinsic functions give when it is deployed."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

PSEUDO = {
    "AWS::Partition": "aws",
    "AWS::Region": "eu-west-1",
    "AWS::AccountId": "111111111111",
    "AWS::URLSuffix": "amazonaws.com",
    "AWS::StackName": "stack",
}
# For parameters without a default, and for the ARNs that resources get when they are made.
EXAMPLES = {
    "Adopt": "dms-by-hand-*",
    "Boundary": "arn:aws:iam::222222222222:policy/dms-s3-endpoint-boundary",
    "FunctionRoleArn": "arn:aws:iam::111111111111:role/dms-s3-endpoint-eu-west-1",
    "PermissionsBoundary": "arn:aws:iam::222222222222:policy/boundary",
    "DataLakeAccountId": "222222222222",
    "DataLakeRoleArns": "arn:aws:iam::222222222222:role/dms-s3-endpoint-data-lake",
    "DmsRoleArns": "arn:aws:iam::333333333333:role/dms-s3-endpoint-dms",
    "Role.Arn": "arn:aws:iam::222222222222:role/dms-s3-endpoint-data-lake",
    "NeverRan.Arn": "arn:aws:sqs:eu-west-1:111111111111:dms-s3-endpoint-never-ran",
}
NO_VALUE = object()


def documents(template: Mapping[str, Any]) -> dict[str, list[Any]]:
    """The policy documents by where they stand, each of them as often as the conditions make it another one."""
    names = sorted(template.get("Conditions", {}))
    found: dict[str, list[Any]] = {}
    for outcome in itertools.product([True, False], repeat=len(names)):
        resolver = Resolver(template.get("Parameters", {}), dict(zip(names, outcome, strict=True)))
        for where, document in _documents_in(template.get("Resources", {}), ""):
            resolved = resolver.resolved(document)
            if resolved not in found.setdefault(where, []):
                found[where].append(resolved)
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


@dataclass(frozen=True)
class Resolver:
    """CloudFormation's intrinsic functions, as far as policy documents use them; KeyError for others."""

    parameters: Mapping[str, Any]
    conditions: Mapping[str, bool]

    def resolved(self, value: Any) -> Any:
        if isinstance(value, list):
            return [each for each in map(self.resolved, value) if each is not NO_VALUE]
        if not isinstance(value, Mapping):
            return value
        if len(value) == 1 and ((name := next(iter(value))) == "Ref" or name.startswith("Fn::")):
            return _FUNCTIONS[name](self, value[name])
        members = {key: self.resolved(member) for key, member in value.items()}
        return {key: member for key, member in members.items() if member is not NO_VALUE}

    def ref(self, name: str) -> Any:
        if name == "AWS::NoValue":
            return NO_VALUE
        known = {**PSEUDO, **self._defaults(), **EXAMPLES}
        if name not in known:
            raise KeyError(f"{name} has no example in {__name__}")
        listed = self.parameters.get(name, {}).get("Type") == "CommaDelimitedList"
        return known[name].split(",") if listed else known[name]

    def _defaults(self) -> dict[str, str]:
        return {name: str(each["Default"]) for name, each in self.parameters.items() if "Default" in each}

    def attribute(self, given: str | list[str]) -> Any:
        return self.ref(given if isinstance(given, str) else ".".join(given))

    def substituted(self, given: Any) -> str:
        text, own = (given, {}) if isinstance(given, str) else (given[0], self.resolved(given[1]))
        filled = re.sub(r"\$\{([^!}]+)\}", lambda found: str(own.get(found[1]) or self.ref(found[1])), text)
        return filled.replace("${!", "${")

    def chosen(self, given: list[Any]) -> Any:
        condition, when_true, otherwise = given
        return self.resolved(when_true if self.conditions[condition] else otherwise)

    def joined(self, given: list[Any]) -> str:
        return str(given[0]).join(self.resolved(given[1]))

    def split(self, given: list[Any]) -> list[str]:
        return str(self.resolved(given[1])).split(given[0])

    def selected(self, given: list[Any]) -> Any:
        return self.resolved(given[1])[int(given[0])]


_FUNCTIONS: Mapping[str, Any] = {
    "Ref": Resolver.ref,
    "Fn::GetAtt": Resolver.attribute,
    "Fn::Sub": Resolver.substituted,
    "Fn::If": Resolver.chosen,
    "Fn::Join": Resolver.joined,
    "Fn::Split": Resolver.split,
    "Fn::Select": Resolver.selected,
}
