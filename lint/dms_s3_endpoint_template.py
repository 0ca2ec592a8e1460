"""cfn-lint's rules over a whole template with Custom::CreateDMSS3Endpoint: names, attributes, misspelt types.

What is malformed is cfn-lint's own to tell of. Here it must not end in an exception, which would hide other findings.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from difflib import SequenceMatcher, get_close_matches
from itertools import islice, takewhile
from pathlib import Path
from typing import Any, NamedTuple

from cfnlint.conditions import UnknownSatisfisfaction
from cfnlint.helpers import FUNCTIONS, import_filename
from cfnlint.jsonschema import CfnTemplateValidator
from cfnlint.rules import CloudFormationLintRule, RuleMatch
from cfnlint.template import Template

# cfn-lint loads each file of the folder alone, as part of no package; this one takes the other as cfn-lint does.
beside = import_filename("dms_s3_endpoint", str(Path(__file__).parent))
TYPE_NAME: str = beside.TYPE_NAME
Place = list[Any]
# In the text of an Fn::Sub; ${!Name} is none.
VARIABLE = re.compile(r"\$\{([^!}][^}]*)\}")


def finding(place: Place, text: str) -> RuleMatch:
    """At this place, or the nearest one around it with a name that JSON has: cfn-lint prints places as JSON."""
    return RuleMatch(list(takewhile(lambda key: isinstance(key, (str, int, float)), place)), text)


# What two resources take

# So many values of a function are compared, and no more.
MOST_VALUES = 100
# A parameter, resource or attribute in what Python writes for a function.
REFERENCE = re.compile(r"'Ref': '([^']*)'|\$\{([^!}][^}]*)\}")


class Case(NamedTuple):
    """A value and its place, while these conditions are so and these parameters have these values."""

    value: Any
    place: Place
    conditions: dict[str, bool]
    parameters: dict[str, Any]


class Taken(NamedTuple):
    """What one resource takes for itself, and the case in which it does. The case's value is a tuple of texts."""

    logical_id: str
    what: str
    case: Case


# A value, and what makes of its text one that is the same for all that mean the same.
Part = tuple[Case, Callable[[str], str]]


def taken_twice(cfn: Template, takes: Iterable[Taken]) -> list[tuple[Taken, str]]:
    """What an earlier resource may take at the same time, once for each resource, with the earlier one's id."""
    seen: dict[tuple[str, ...], list[Taken]] = {}
    found: dict[tuple[str, str], tuple[Taken, str]] = {}
    for taken in takes:
        key = (taken.what, *taken.case.value, repr(sorted(taken.case.parameters.items())))
        for other in seen.setdefault(key, []):
            if other.logical_id != taken.logical_id and are_together(cfn, other.case, taken.case):
                found.setdefault((taken.logical_id, taken.what), (taken, other.logical_id))
                break
        seen[key].append(taken)
    return list(found.values())


def endpoints(cfn: Template) -> Iterator[tuple[Any, str, Case]]:
    """For each endpoint what resolves its functions, its logical id, and its properties by branches of Fn::If."""
    context = cfn.context.evolve(functions=list(FUNCTIONS))
    validator = CfnTemplateValidator({}).evolve(cfn=cfn, context=context)
    for logical_id, resource in cfn.get_resources([TYPE_NAME]).items():
        condition = resource.get("Condition")
        conditions = {condition: True} if isinstance(condition, str) else {}
        whole = Case(resource.get("Properties"), ["Resources", logical_id, "Properties"], conditions, {})
        yield from ((validator, str(logical_id), each) for each in branches(whole) if isinstance(each.value, dict))


def combined(validator: Any, parts: Sequence[Part], so_far: Case) -> Iterator[Case]:
    """Each tuple of texts that several values may be together."""
    if not parts:
        yield so_far
        return
    (value, fold), *others = parts
    while_so = value._replace(conditions=so_far.conditions | value.conditions, parameters=so_far.parameters)
    for text in texts(validator, while_so, fold):
        yield from combined(validator, others, text._replace(value=(*so_far.value, text.value)))


def member(case: Case, name: str) -> Case:
    """What a map has by this name, in any case; an empty text where it has none, or null."""
    key = beside.spellings(case.value).get(name, name)
    value = case.value.get(key)
    return case._replace(value="" if value is None else value, place=[*case.place, key])


def branches(case: Case) -> Iterator[Case]:
    """The value, or of an Fn::If each branch that may be."""
    match case.value:
        case {"Fn::If": [str(condition), then, otherwise], **others} if not others:
            for number, is_so, branch in ((1, True, then), (2, False, otherwise)):
                if case.conditions.get(condition, is_so) == is_so:
                    conditions = {**case.conditions, condition: is_so}
                    yield from branches(Case(branch, [*case.place, "Fn::If", number], conditions, case.parameters))
        case _:
            yield case


def texts(validator: Any, case: Case, fold: Callable[[str], str]) -> Iterator[Case]:
    """The texts that a value may be, an empty one for what is not given or is malformed.

    What only the deployment knows is the same as itself, and as nothing else.
    """
    for each in branches(case):
        found = list(literals(validator, each))
        if is_of_deployment(each.value) or not found:
            yield each._replace(value=repr(each.value) if is_of_deployment(each.value) else "")
        yield from (literal._replace(value=fold(literal.value)) for literal in found)


def is_of_deployment(value: Any) -> bool:
    """Whether it is a function or a dynamic reference; AWS::NoValue is as if nothing was there."""
    is_function = isinstance(value, dict) and value != {"Ref": "AWS::NoValue"}
    return is_function or (isinstance(value, str) and beside.sent(value) is None)


def literals(validator: Any, case: Case) -> Iterator[Case]:
    """The texts that cfn-lint finds for a value, where it tells of which parameters they come."""
    refs = {one or other for one, other in REFERENCE.findall(repr(case.value))}
    for value, context in resolved(validator, case.value):
        text, conditions = beside.sent(value), context.conditions.status
        parameters = {name: context.ref_values[name] for name in refs if name in context.ref_values}
        is_possible = agree(case.parameters, parameters) and agree(case.conditions, conditions)
        if text and len(parameters) == len(refs) and is_possible:
            yield Case(text, case.place, {**case.conditions, **conditions}, {**case.parameters, **parameters})


def resolved(validator: Any, value: Any) -> list[tuple[Any, Any]]:
    """What cfn-lint makes of a function, each with the context in which it is so; of a malformed one nothing."""
    try:
        return [(each, found.context) for each, found, _ in islice(validator.resolve_value(value), MOST_VALUES)]
    except (AttributeError, KeyError, TypeError, ValueError):  # it expects that its other rules saw the form before
        return []


def are_together(cfn: Template, one: Case, other: Case) -> bool:
    """Whether both can be in one stack. Conditions that cfn-lint can't read may be so or not."""
    if not agree(one.conditions, other.conditions):
        return False
    both = {**one.conditions, **other.conditions}
    conditions = {name: is_so for name, is_so in both.items() if cfn.conditions.get(name) is not None}
    if conditions and not any(cfn.conditions.build_scenarios({name: {is_so} for name, is_so in conditions.items()})):
        return False
    try:
        return bool(cfn.conditions.satisfiable(conditions, {name: str(each) for name, each in one.parameters.items()}))
    except UnknownSatisfisfaction:
        return True


def agree(some: Mapping[str, Any], others: Mapping[str, Any]) -> bool:
    """Whether nothing is said to be two things."""
    return all(some.get(name, value) == value for name, value in others.items())


# Names

UNIQUE = ("ENDPOINTIDENTIFIER", "POLICYNAME", "ROLENAME")


class Names(CloudFormationLintRule):
    """What must be another one for each endpoint."""

    id = "E9702"
    shortdesc = f"Names of two {TYPE_NAME} are the same"
    description = "Each endpoint needs an identifier, a role and a policy of its own; case makes no difference"
    tags = ("resources", "dms")

    def match(self, cfn: Template) -> list[RuleMatch]:
        """A finding for each name that an earlier resource of the same environment may have at the same time."""
        return [
            finding(case.place, f"{name} of {logical_id} is that of {other} too; each endpoint needs its own")
            for (logical_id, name, case), other in taken_twice(cfn, names(cfn))
        ]


def names(cfn: Template) -> Iterator[Taken]:
    """Each name that a resource may have, with its environment."""
    for validator, logical_id, given in endpoints(cfn):
        for name in UNIQUE:
            parts = [(member(given, "ENVIRONMENT"), str), (member(given, name), str.casefold)]
            for case in combined(validator, parts, given._replace(value=())):
                # Of a name that is missing E9701 tells.
                if all(case.value):
                    yield Taken(logical_id, name, case)


# Folders


class Folders(CloudFormationLintRule):
    """DMS takes it, and the endpoints overwrite each other's files."""

    id = "W9702"
    shortdesc = f"Two {TYPE_NAME} write to the same bucket and folder"
    description = "Tables of the same schema and name overwrite each other"
    tags = ("resources", "dms")

    def match(self, cfn: Template) -> list[RuleMatch]:
        """A finding for each endpoint that may write where an earlier one may write at the same time."""
        return [
            finding(case.place, f"{logical_id} and {other} write to the same bucket and folder")
            for (logical_id, _what, case), other in taken_twice(cfn, folders(cfn))
        ]


def folders(cfn: Template) -> Iterator[Taken]:
    """Where a resource may write: environment, bucket and folder."""
    for validator, logical_id, given in endpoints(cfn):
        for settings in branches(member(given, beside.MAP)):
            if isinstance(settings.value, dict):
                environment, bucket = member(given, "ENVIRONMENT"), member(settings, "BUCKETNAME")
                parts = [(folder_of(given, settings), without_slashes), (environment, str), (bucket, str)]
                for case in combined(validator, parts, settings._replace(value=())):
                    if all(case.value[1:]):
                        yield Taken(logical_id, "folder", case)


def folder_of(given: Case, settings: Case) -> Case:
    """The setting, or what literal attributes say. Attributes that are not known may say any: a folder of its own."""
    folder = member(settings, "BUCKETFOLDER")
    if folder.value:
        return folder
    for attributes in (member(given, beside.ATTRIBUTES), member(settings, beside.ATTRIBUTES)):
        text = beside.sent(attributes.value)
        if text is None:
            return attributes
        told = {beside.fold(written): value for written, value in beside.pairs(text)}
        if told.get("BUCKETFOLDER"):
            return folder._replace(value=told["BUCKETFOLDER"])
    return folder


def without_slashes(folder: str) -> str:
    """DMS writes to the same keys with and without a slash at the end."""
    return folder.strip("/")


# Attributes


class Attributes(CloudFormationLintRule):
    """cfn-lint takes any attribute of a custom resource."""

    id = "E9703"
    shortdesc = f"Fn::GetAtt or Fn::Sub of an attribute that {TYPE_NAME} has not"
    description = "Only the attributes of the schema's readOnlyProperties are there"
    tags = ("resources", "dms")

    def match(self, cfn: Template) -> list[RuleMatch]:
        """A finding for each attribute that is none."""
        ours = cfn.get_resources([TYPE_NAME])
        return [
            finding(place, f"{logical_id} has no attribute {attribute}{hint(attribute)}")
            for place, logical_id, attribute in asked(cfn)
            if logical_id in ours and attribute not in beside.READ_ONLY
        ]


def asked(cfn: Template) -> Iterator[tuple[Place, str, str]]:
    """Each attribute that is asked for, and of which logical id, as far as both are text."""
    for *place, value in cfn.search_deep_keys("Fn::GetAtt"):
        match value.split(".", 1) if isinstance(value, str) else value:
            case [str(logical_id), str(attribute)]:
                yield place, logical_id, attribute
    for *place, value in cfn.search_deep_keys("Fn::Sub"):
        for name in variables(value):
            yield place, *name.split(".", 1)


def hint(attribute: str) -> str:
    """The attribute that is nearly this one, or all that there are."""
    known = {name.lower(): name for name in sorted(beside.READ_ONLY)}
    close = get_close_matches(attribute.lower(), known, n=1, cutoff=0.8)
    return f"; did you mean {known[close[0]]}?" if close else f", but {', '.join(known.values())}"


def variables(value: Any) -> Iterator[str]:
    """The attributes in the text of an Fn::Sub; what its own map has is none."""
    match value:
        case str(text) | [str(text)]:
            own: Any = {}
        case [str(text), dict(own)]:
            pass
        case _:
            return
    yield from (name for name in map(str.strip, VARIABLE.findall(text)) if "." in name and name not in own)


# Types

# Of difflib. DMSS3Endpoint has 0.86; so have types of others, which have no settings of S3.
NEAR = 0.75


class Types(CloudFormationLintRule):
    """CloudFormation takes any type that begins with Custom::."""

    id = "W9704"
    shortdesc = f"A type that is nearly {TYPE_NAME}"
    description = "The function would answer, but of another type cfn-lint and `check` see nothing"
    tags = ("resources", "dms")

    def match(self, cfn: Template) -> list[RuleMatch]:
        """A finding for each resource that is meant to be one of ours."""
        misspelt = {key: resource["Type"] for key, resource in cfn.get_resources().items() if is_misspelt(resource)}
        return [
            finding(["Resources", key, "Type"], f"{written!r} is checked by nothing; did you mean {TYPE_NAME}?")
            for key, written in misspelt.items()
        ]


def is_misspelt(resource: Mapping[str, Any]) -> bool:
    """Whether the type is ours but for case and punctuation, or is near it and has settings of S3."""
    if not isinstance(resource["Type"], str) or resource["Type"] == TYPE_NAME:
        return False
    written, right = bare(resource["Type"]), bare(TYPE_NAME)
    given = resource.get("Properties")
    has_settings = isinstance(given, dict) and "S3SETTINGS" in beside.spellings(given)
    return written == right or (has_settings and SequenceMatcher(a=written, b=right).ratio() > NEAR)


def bare(type_name: str) -> str:
    """Letters and digits alone, without case."""
    return re.sub("[^a-z0-9]", "", type_name.lower())
