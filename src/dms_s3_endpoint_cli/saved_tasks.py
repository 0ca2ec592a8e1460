"""The file of saved tasks: what it holds, how it is checked, and what DMS is asked for to make them again."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from botocore.session import get_session
from botocore.validate import ParamValidator

from dms_s3_endpoint.aws.tags import tag_list
from dms_s3_endpoint.model.properties import LONGEST_RESOURCE_IDENTIFIER, identifier_values

from .coming_back import ComesBack
from .errors import CannotError
from .replications import BOTH, CDC, ENDS, FULL_LOAD, KINDS, TASK, Kind, Live

VERSION = 1
ONLY_ITS_OWNER = 0o600
# DMS answers with these, and refuses them at a create: hashicorp/terraform-provider-aws#21512.
NOT_AT_CREATE = ("CloudWatchLogGroup", "CloudWatchLogStream")
# Nobody may give a resource tags with these keys.
RESERVED_FOR_TAGS = ("aws:", "dms:")
Json = dict[str, Any]


@dataclass(frozen=True)
class Entry:
    """A task or config as it was. `comes_back` is None until it was looked at after its stop."""

    kind: Kind
    arn: str
    made: str
    ran: bool
    definition: Mapping[str, Any]
    tags: Mapping[str, str]
    comes_back: ComesBack | None = None

    @property
    def identifier(self) -> str:
        """Its name in DMS."""
        return str(self.definition[self.kind.identifier])

    def is_of(self, live: Live) -> bool:
        """Whether it is of this very one, not of another of its name that was made later."""
        return (self.arn, self.made) == (live.arn, live.made)

    @property
    def tail(self) -> str:
        """The last part of its ARN."""
        return self.arn.rpartition(":")[2]

    @property
    def keeps_arn(self) -> bool:
        """Whether DMS can make it again under its ARN: the tails that DMS draws itself are mostly too long for that."""
        return not identifier_values(LONGEST_RESOURCE_IDENTIFIER).fault(self.tail)

    def __str__(self) -> str:
        """As "task nightly"."""
        return f"{self.kind.name} {self.identifier}"


@dataclass(frozen=True)
class Saved:
    """The tasks and configs of an endpoint."""

    endpoint: str
    endpoint_arn: str
    entries: tuple[Entry, ...]

    def of(self, live: Live) -> Entry | None:
        """The entry of this kind and name."""
        same = (each for each in self.entries if (each.kind, each.identifier) == (live.kind, live.identifier))
        return next(same, None)

    def without_stops(self) -> list[Entry]:
        """Those that no run has seen stopped."""
        return [each for each in self.entries if each.comes_back is None]


def entry_of(live: Live, *, ran: bool) -> Entry:
    """What is known of it before its stop."""
    tags = {key: value for key, value in live.tags.items() if not key.lower().startswith(RESERVED_FOR_TAGS)}
    return Entry(live.kind, live.arn, live.made, ran, live.definition, tags)


def on_endpoint(saved: Saved, arn: str) -> Saved:
    """The same on another endpoint."""

    def moved(entry: Entry) -> Entry:
        definition = {key: arn if value == saved.endpoint_arn else value for key, value in entry.definition.items()}
        return replace(entry, definition=definition)

    return replace(saved, endpoint_arn=arn, entries=tuple(map(moved, saved.entries)))


# What DMS is asked for


def create_parameters(entry: Entry) -> Json:
    """Those of the create that makes it again as it comes back."""
    kind, back = entry.kind, entry.comes_back or ComesBack(str(entry.definition[entry.kind.type]))
    given: Json = {**entry.definition, kind.type: back.type}
    if kind.settings in given:
        given[kind.settings] = _creatable(given[kind.settings])
    if given.get("ComputeConfig", {}).get("MultiAZ"):
        given["ComputeConfig"] = {
            key: each for key, each in given["ComputeConfig"].items() if key != "AvailabilityZone"
        }
    if kind is TASK:
        positions = {"CdcStartPosition": back.start_position, "CdcStopPosition": back.stop_position}
        given |= {key: position for key, position in positions.items() if position}
    given |= {"ResourceIdentifier": entry.tail} if entry.keeps_arn else {}
    return given | ({"Tags": tag_list(entry.tags)} if entry.tags else {})


def _creatable(settings: str) -> str:
    parsed = json.loads(settings)
    logging = parsed.get("Logging")
    if isinstance(logging, dict):
        parsed["Logging"] = {key: value for key, value in logging.items() if key not in NOT_AT_CREATE}
    return json.dumps(parsed)


def differences(entry: Entry, live: Live) -> list[str]:
    """The members in which what stands is not what the entry comes back as. DMS may have added to settings."""
    wanted = create_parameters(entry)
    differing = [name for name in entry.kind.members if not _agree(wanted.get(name), live.definition.get(name))]
    return differing + (["CdcStartPosition"] if _begins_elsewhere(entry, live) else [])


def _begins_elsewhere(entry: Entry, live: Live) -> bool:
    """One that somebody else made may have the same definition, and have missed changes. Configs begin when started."""
    back = entry.comes_back
    tells = back is not None and back.type == CDC and (entry.kind is TASK or (back.start and live.has_started))
    return back is not None and tells and live.start_position != back.start_position


def _agree(wanted: Any, live: Any) -> bool:
    wanted, live = _parsed(wanted), _parsed(live)
    if isinstance(wanted, dict) and isinstance(live, dict):
        return all(each is None or _agree(each, live.get(key)) for key, each in wanted.items())
    return bool(wanted == live)


def _parsed(value: Any) -> Any:
    """The API has settings and mappings as JSON in a text."""
    if isinstance(value, str) and value.lstrip().startswith(("{", "[")):
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value


# The file


def write(path: Path, saved: Saved) -> None:
    """Write the file, only for its owner, as a whole or not at all, and read it again. Raises CannotError, OSError."""
    beside = path.with_name(f"{path.name}.part")
    beside.unlink(missing_ok=True)
    written = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, ONLY_ITS_OWNER)
    with os.fdopen(written, "w", encoding="utf-8") as file:
        file.write(_text(saved))
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
    _keep_name(path.parent)
    if read(path) != saved:
        raise CannotError(f"{path} does not hold what was written to it. Nothing was deleted")


def _keep_name(folder: Path) -> None:
    """A renamed file has its name for good only once its folder is written, too."""
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def _text(saved: Saved) -> str:
    entries = [asdict(each) | {"kind": each.kind.name} for each in saved.entries]
    whole = {"version": VERSION, "endpoint": saved.endpoint, "endpoint_arn": saved.endpoint_arn, "entries": entries}
    return json.dumps(whole, indent=2) + "\n"


def read(path: Path) -> Saved | None:
    """What the file holds; None if there is none. Raises CannotError for what `write` did not write."""
    try:
        held = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise CannotError(f"{path} is no file of saved tasks: {error}") from None
    try:
        return _saved(held)
    except ValueError as error:
        raise CannotError(f"{path} is no file of saved tasks that can be used: {error}") from None


def _saved(held: Any) -> Saved:
    version = held.get("version") if isinstance(held, dict) else None
    if version is None:
        raise ValueError("it has no version")
    if version != VERSION:
        raise ValueError(f"it has version {version}, and this release knows {VERSION}. Take the release that wrote it")
    given = _members(held, "it", {"version": int, "endpoint": str, "endpoint_arn": str, "entries": list})
    entries = tuple(_entry(each, f"entry {number}") for number, each in enumerate(given["entries"], 1))
    if len({(each.kind.name, each.identifier) for each in entries}) < len(entries):
        raise ValueError("it has two entries of one name")
    return Saved(given["endpoint"], given["endpoint_arn"], entries)


def _entry(held: Any, where: str) -> Entry:
    types: Mapping[str, Any] = {
        **dict.fromkeys(("kind", "arn", "made"), str),
        **dict.fromkeys(("definition", "tags"), dict),
        "ran": bool,
        "comes_back": (dict, type(None)),
    }
    given = _members(held, where, types)
    if given["kind"] not in KINDS:
        raise ValueError(f"{where} is of an unknown kind, {given['kind']!r}")
    if not all(isinstance(each, str) for each in given["tags"].values()):
        raise ValueError(f"{where} has a tag that is no text")
    back = given["comes_back"] and _comes_back(given["comes_back"], f"comes_back of {where}")
    entry = Entry(**given | {"kind": KINDS[given["kind"]], "comes_back": back})
    if lacking := [name for name in (entry.kind.identifier, entry.kind.type, *ENDS) if name not in entry.definition]:
        raise ValueError(f"the definition of {where} lacks {', '.join(lacking)}")
    _check_create(entry, where)
    return entry


def _comes_back(held: Any, where: str) -> ComesBack:
    types = {"type": str, "start_position": str, "stop_position": str, "start": bool}
    back = ComesBack(**_members(held, where, types))
    if back.type not in (FULL_LOAD, CDC, BOTH):
        raise ValueError(f"{where} has an unknown type, {back.type!r}")
    if back.start_position and back.type != CDC:
        raise ValueError(f"{where} has a start position, which is for the type {CDC} alone")
    return back


def _members(held: Any, where: str, types: Mapping[str, Any]) -> Json:
    """The map, whose members have these types, no more and no less. Raises ValueError."""
    if not isinstance(held, dict):
        raise ValueError(f"{where} is no map")
    if odd := sorted(held.keys() ^ types.keys()):
        raise ValueError(f"{where} lacks, or has too much: {', '.join(odd)}")
    if wrong := [name for name, wanted in types.items() if not isinstance(held[name], wanted)]:
        raise ValueError(f"{where} has a wrong value of {', '.join(wrong)}")
    return dict(held)


def _check_create(entry: Entry, where: str) -> None:
    """Raises ValueError for a definition that the API's model has no place for."""
    try:
        parameters = create_parameters(entry)
    except (TypeError, AttributeError, ValueError) as error:
        raise ValueError(f"the definition of {where} is not DMS's: {error}") from None
    report = ParamValidator().validate(parameters, _input_shape(entry.kind.create))
    if report.has_errors():
        raise ValueError(f"the definition of {where} is not DMS's: {report.generate_report()}")


@cache
def _input_shape(operation: str) -> Any:
    return get_session().get_service_model("dms").operation_model(operation).input_shape
