"""cfn-lint's warnings of Custom::CreateDMSS3Endpoint: what DMS documents of settings and does not refuse.

They are the function's own, by the schema beside this file. What is known only when it is deployed is not judged.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any, NamedTuple

from cfnlint.helpers import import_filename
from cfnlint.jsonschema import ValidationError
from cfnlint.rules.jsonschema.CfnLintJsonSchema import CfnLintJsonSchema

# cfn-lint loads each file of the folder alone, as part of no package; this one takes the other as cfn-lint does.
beside = import_filename("dms_s3_endpoint", str(Path(__file__).parent))
SCHEMA: dict[str, Any] = beside.SCHEMA
SETTINGS: dict[str, Any] = SCHEMA["properties"][beside.MAP]
Errors = Iterator[ValidationError]


class Warnings(CfnLintJsonSchema):
    """The settings, attributes among them."""

    id = "W9701"
    shortdesc = f"Settings of {beside.TYPE_NAME} that DMS takes, and that may not be meant"
    description = "Settings that exclude each other or are without effect, and attributes that nobody knows"
    tags = ("resources", "dms")

    def __init__(self) -> None:
        super().__init__(keywords=[f"Resources/{beside.TYPE_NAME}/Properties"], all_matches=True)
        self._schema, self._use_schema_arg = {"warnings": SCHEMA["warnings"]}, False
        self.validators = {"warnings": warnings}


class Told(NamedTuple):
    """Values by the settings' names in upper case; and the names that have a value which no template tells."""

    values: Mapping[str, str]
    unknown: set[str]
    # As they are written.
    attributes: list[str]


def warnings(_validator: Any, warnings: Any, instance: Any, _schema: Any) -> Errors:
    """Those of which all conditions hold, and attributes that are not known."""
    told = told_by(instance)
    if told is None:
        return
    for warning in warnings:
        if all(holds(condition, told) for condition in warning["conditions"]):
            yield ValidationError(warning["text"], path=[])
    for written in told.attributes:
        # Of one that is refused E9701 tells.
        if beside.fold(written) not in {*known(), *SETTINGS["refused"]}:
            yield ValidationError(f"attribute {written} is not known, and passed on as it is{nearest(written)}")


def told_by(instance: Any) -> Told | None:
    """None where the settings or the attributes as a whole are known only when they are deployed."""
    given = {beside.fold(key): value for key, value in instance.items()} if isinstance(instance, dict) else {}
    inside = given.get(beside.MAP)
    if not isinstance(inside, dict) or any(key.startswith("Fn::") or key == "Ref" for key in map(str, inside)):
        return None
    settings = {beside.fold(key): value for key, value in inside.items()}
    texts = [each for each in (given.get(beside.ATTRIBUTES), settings.pop(beside.ATTRIBUTES, None)) if each is not None]
    if any(beside.sent(text) is None for text in texts):
        return None
    attributes = [pair for text in texts for pair in beside.pairs(beside.sent(text)) if pair[1] is not None]
    unknown = {canonical(key) for key, value in settings.items() if value is not None and beside.sent(value) is None}
    pairs = [*((beside.fold(key), value) for key, value in attributes), *beside.literals(inside).items()]
    values = {canonical(key): value for key, value in pairs if beside.is_given(SETTINGS, key, value)}
    return Told(values, unknown, list(dict.fromkeys(key for key, _value in attributes)))


def canonical(key: str) -> str:
    """The name of the setting of which the key may be another spelling."""
    return str(SETTINGS["properties"].get(key, {}).get("aliasOf", key))


def holds(condition: Mapping[str, Any], told: Told) -> bool:
    """Whether the condition holds; not where it is not known."""
    name = condition["setting"]
    if name in told.unknown:
        return False
    if "isGiven" in condition:
        return (name in told.values) is condition["isGiven"]
    value = told.values.get(name, condition["default"])
    if "above" in condition:
        return value.isdigit() and int(value) > condition["above"]
    asked = condition.get("is", condition.get("isNot"))
    same: bool = form(name, value) == form(name, asked)
    return same if "is" in condition else not same


def form(name: str, value: Any) -> Any:
    """The same for all that mean the same."""
    return beside.comparable(SETTINGS, name, beside.sent(value))


def known() -> dict[str, str]:
    """The attributes' names, by their keys without case."""
    return {beside.fold(name): name for name in (*SETTINGS["properties"], *SCHEMA["otherAttributes"])}


def nearest(written: str) -> str:
    """' (did you mean X?)' or nothing."""
    close = get_close_matches(beside.fold(written), known(), n=1, cutoff=0.6)
    return f" (did you mean {known()[close[0]]}?)" if close else ""
