"""cfn-lint's rules for Custom::CreateDMSS3Endpoint, by the schema beside this file. In a `.cfnlintrc`:

    append_rules: [path/to/lint]

Keys are read without regard to case, as the function does. (`--registry-schemas` silently does nothing since 1.43.)
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from cfnlint.jsonschema import CfnTemplateValidator, ValidationError
from cfnlint.rules.jsonschema.CfnLintJsonSchema import CfnLintJsonSchema

TYPE_NAME = "Custom::CreateDMSS3Endpoint"
SCHEMA: dict[str, Any] = json.loads(Path(__file__).with_name("schema.json").read_text())
READ_ONLY = {name.rpartition("/")[2] for name in SCHEMA["readOnlyProperties"]}
# The properties that have the settings, and the attributes that may say the same.
MAP, ATTRIBUTES = SCHEMA["settingsWith"]
# Known only when it is deployed.
DYNAMIC_REFERENCE = re.compile(r"\{\{\s*resolve:")
# What cfn-lint itself does with JSON schema's keywords.
STANDARD = CfnTemplateValidator({}).validators
Errors = Iterator[ValidationError]


class Properties(CfnLintJsonSchema):
    """The properties. What several values say together is checked where they are literal."""

    id = "E9701"
    shortdesc = f"Properties of {TYPE_NAME}"
    description = "Names, types and values by the table from which the function's own check is made"
    tags = ("resources", "dms")

    def __init__(self) -> None:
        super().__init__(keywords=[f"Resources/{TYPE_NAME}/Properties"], all_matches=True)
        writable = {name: schema for name, schema in SCHEMA["properties"].items() if name not in READ_ONLY}
        self._schema, self._use_schema_arg = {**SCHEMA, "type": "object", "properties": writable}, False
        self.validators = KEYWORDS

    def validate(self, validator: Any, keywords: Any, instance: Any, schema: Any) -> Errors:
        """As its class does, but with functions resolved, as those of AWS's own resources are."""
        of_values = validator.function_filter.evolve(validate_dynamic_references=False, add_cfn_lint_keyword=False)
        extended = self.extend_validator(validator.evolve(function_filter=of_values), self._schema, validator.context)
        yield from self._iter_errors(extended, instance)


# Keys: the schema's, as the template spells them


def fold(key: Any) -> str:
    """A key without its case; a letter that only looks like an ASCII one stays."""
    text = str(key)
    return text.upper() if text.isascii() else text


def spellings(instance: Mapping[Any, Any]) -> dict[str, Any]:
    """The keys as they are spelled, by the keys without case."""
    return {fold(key): key for key in instance}


def properties(validator: Any, properties: Any, instance: Any, schema: Any) -> Errors:
    """A key may come in one spelling only."""
    if not isinstance(instance, dict):
        return
    spelled = spellings(instance)
    for key in instance:
        if spelled[fold(key)] != key:
            yield ValidationError(f"{key!r} is given twice, in two spellings", path=[key])
    renamed = {spelled.get(fold(name), name): each for name, each in properties.items()}
    yield from STANDARD["properties"](validator, renamed, instance, schema)


def required(validator: Any, required: Any, instance: Any, schema: Any) -> Errors:
    """A missing key is named in its canonical spelling. A macro, as AWS::Include, may bring any."""
    if isinstance(instance, dict) and "Fn::Transform" not in instance:
        there = spellings(instance)
        missing = [name for name in required if fold(name) not in there]
        yield from STANDARD["required"](validator, missing, instance, schema)


def additional_properties(validator: Any, allowed: Any, instance: Any, schema: Any) -> Errors:
    """An unknown key is named with the nearest known one, a refused one with the reason. Not all keys are text."""
    if not isinstance(instance, dict):
        return
    texts = {key if isinstance(key, str) else str(key): value for key, value in instance.items()}
    properties = schema.get("properties", {})
    known = set(map(fold, properties))
    spelled = {**properties, **{key: {} for key in texts if fold(key) in known}}
    standard = STANDARD["additionalProperties"]
    for error in standard(validator, allowed, texts, {**schema, "properties": spelled}):
        key = error.path[0]
        if key not in instance:
            error.path.clear()
        if reason := schema.get("refused", {}).get(fold(key)):
            error.message = f"{key!r} {reason}"
        yield error


# Single values


def sent(value: Any) -> str | None:
    """The text that CloudFormation sends for a scalar; None for what is not given or is not known yet."""
    if value is None or isinstance(value, (dict, list)):
        return None
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return None if DYNAMIC_REFERENCE.search(text) else text


def pattern(_validator: Any, pattern: Any, instance: Any, schema: Any) -> Errors:
    """Python's own patterns, as the function has them."""
    text = sent(instance)
    if text is not None and not re.search(pattern, text):
        yield ValidationError(f"{text!r} does not fit: {schema['errorMessage']}{hint(text, schema)}")


def hint(text: str, schema: Mapping[str, Any]) -> str:
    """What may have happened to a text that does not fit, in brackets: the first hint that is found."""
    for pattern, said in schema.get("hints", ()):
        if found := dict.fromkeys(each.group() for each in re.finditer(pattern, text)):
            return f" ({said.format(found=' '.join(found))})"
    return ""


def max_length(_validator: Any, longest: Any, instance: Any, schema: Any) -> Errors:
    """Of the text that is sent."""
    text = sent(instance)
    if text is not None and len(text) > longest:
        yield ValidationError(f"{text!r} does not fit: {schema['errorMessage']}")


def unique_member(_validator: Any, member: Any, instance: Any, _schema: Any) -> Errors:
    """No two maps of the list have the same."""
    seen: set[str] = set()
    for number, each in enumerate(instance if isinstance(instance, list) else []):
        key = literals(each).get(fold(member), "").casefold()
        if key and key in seen:
            yield ValidationError(f"{key!r} is given twice; case makes no difference", path=[number])
        seen.add(key)


def literals(instance: Any) -> dict[str, str]:
    """The literal values of a map, by their keys without case."""
    pairs = ((fold(key), sent(value)) for key, value in instance.items()) if isinstance(instance, dict) else ()
    return {key: text for key, text in pairs if text is not None}


# Connection attributes, and what they say beside the settings


def attributes_of(validator: Any, map_name: Any, instance: Any, _schema: Any) -> Errors:
    """Known ones are checked as their setting is."""
    text, settings = sent(instance), SCHEMA["properties"][map_name]
    if text is None:
        return
    said: dict[str, str] = {}
    for written, value in pairs(text):
        key = fold(written)
        if value is None:
            yield ValidationError(f"{written!r} is a part without 'name='")
        elif key in settings["refused"]:
            yield ValidationError(f"attribute {written}: {settings['refused'][key]}")
        elif is_given(settings, key, value):
            yield from of_attribute(validator, settings["properties"].get(key, {}), written, value)
            name, form = comparable(settings, key, value)
            if said.setdefault(name, form) != form:
                yield ValidationError(f"attribute {written} is given twice, with different values")


def of_attribute(validator: Any, schema: Any, written: str, value: str) -> Errors:
    """The errors of one attribute."""
    for error in validator.descend(value, schema):
        error.message = f"attribute {written}: {error.message}"
        yield error


def pairs(text: str) -> Iterator[tuple[str, str | None]]:
    """Names and values; no value for a part that is no attribute. White space around them is no part of them."""
    for part in filter(str.strip, text.split(";")):
        name, equals, value = part.partition("=")
        yield (name.strip(), value.strip()) if equals and name.strip() else (part.strip(), None)


def settings_with(_validator: Any, names: Any, instance: Any, schema: Any) -> Errors:
    """What is said twice, as a setting, as another spelling of it or as an attribute, must be the same."""
    map_name, attributes_name = names
    given = {fold(key): value for key, value in instance.items()} if isinstance(instance, dict) else {}
    inside, settings = literals(given.get(map_name)), schema["properties"][map_name]
    texts = [text for text in (literals(given).get(attributes_name), inside.pop(attributes_name, None)) if text]
    if len(set(texts)) > 1:
        yield ValidationError(f"{attributes_name} is given twice, with different values")
    said: dict[str, str] = {}
    for key, value in [*inside.items(), *attribute_values(texts, settings)]:
        if not is_given(settings, key, value):
            continue
        name, form = comparable(settings, key, value)
        if said.setdefault(name, form) != form:
            yield ValidationError(f"{name} is given twice, with different values")


def attribute_values(texts: list[str], settings: Any) -> Iterator[tuple[str, str]]:
    """Those of known settings, the last one of each name: attributes_of tells of two that differ."""
    known = {fold(name): value for text in texts for name, value in pairs(text) if value is not None}
    yield from ((name, value) for name, value in known.items() if name in settings["properties"])


def is_given(settings: Any, key: str, value: str) -> bool:
    """Whether a value says anything: an empty one of a known setting doesn't."""
    return bool(value) or key not in settings["properties"] or "emptyIsGiven" in settings["properties"][key]


def comparable(settings: Any, key: str, value: str) -> tuple[str, str]:
    """The setting's name, and a form of the value that is the same for all that mean the same."""
    schema = settings["properties"].get(key)
    folded = value.lower().replace("-", "").replace("_", "")
    if schema is None:
        return key, folded
    name = schema.get("aliasOf", key)
    if "boolean" in schema["type"]:
        return name, str(folded in ("true", "y"))
    if "integer" in schema["type"]:
        return name, value.lstrip("0")
    return name, folded if "examples" in schema else value


def when_replaced(_validator: Any, rule: Any, instance: Any, _schema: Any) -> Errors:
    """With one value of a property the names get a suffix, and what is imported keeps its own."""
    given, switch = literals(instance), f"{rule['property']} {rule['value']}"
    if given.get(rule["property"], "").lower() != rule["value"]:
        return
    for name, longest in rule["longest"].items():
        if len(given.get(name, "")) > longest:
            yield ValidationError(f"{name} has at most {longest} characters with {switch}, as it gets a suffix")
    for name in rule["excludes"]:
        if given.get(name, "").lower() in ("true", "y"):
            yield ValidationError(f"{name} and {switch} exclude each other")


KEYWORDS = {
    "properties": properties,
    "required": required,
    "additionalProperties": additional_properties,
    "pattern": pattern,
    "maxLength": max_length,
    "uniqueMember": unique_member,
    "attributesOf": attributes_of,
    "settingsWith": settings_with,
    "whenReplaced": when_replaced,
    # Of these cfn-lint knows the types alone, and takes no number where text is asked for.
    "fn_getatt": None,
    "fn_getstackoutput": None,
}
