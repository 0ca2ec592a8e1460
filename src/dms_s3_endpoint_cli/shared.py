"""What two endpoints of one template have in common and should not."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from dms_s3_endpoint.model.attributes import PROPERTY as ATTRIBUTES
from dms_s3_endpoint.model.attributes import parse_attributes
from dms_s3_endpoint.model.properties import ON_UPDATE, REPLACE, S3_SETTINGS
from dms_s3_endpoint.model.reading import fold_keys

from .template import Properties, unknown_in

# What each endpoint needs for itself. DMS and IAM make no difference of case in them.
UNIQUE = ("ENDPOINTIDENTIFIER", "POLICYNAME", "ROLENAME")
Key = tuple[str, ...]


def shared_names(declared: Mapping[str, Properties]) -> dict[str, list[str]]:
    """For each of the endpoints that have a name of another one, the problems by logical id."""
    problems = defaultdict[str, list[str]](list)
    names = ((logical_id, key) for logical_id, properties in declared.items() for key in _names(properties))
    for logical_id, (name, *_), others in _shared(names):
        problems[logical_id].append(f"NameTaken: {name} is that of {others} too. Give each endpoint its own")
    return dict(problems)


def shared_folders(declared: Mapping[str, Properties]) -> dict[str, str]:
    """For each of the endpoints that write to the bucket and folder of another one, a warning by logical id."""
    folders = ((logical_id, _folder(properties)) for logical_id, properties in declared.items())
    return {
        logical_id: f"{others} writes to the same bucket and folder" for logical_id, _key, others in _shared(folders)
    }


def _shared(keys: Iterable[tuple[str, Key]]) -> Iterator[tuple[str, Key, str]]:
    """Each logical id whose key, if not empty, is that of others too; with the key and the others."""
    by_key = defaultdict[Key, list[str]](list)
    for logical_id, key in keys:
        by_key[key].append(logical_id)
    for key, ids in by_key.items():
        for logical_id in ids if key and len(ids) > 1 else ():
            yield logical_id, key, ", ".join(each for each in ids if each != logical_id)


def _names(properties: Properties) -> Iterator[Key]:
    """The names that are known, with the environment. Where they get a suffix, they are none yet."""
    given = fold_keys(properties)[0]
    if str(given.get(ON_UPDATE, "")).lower() == REPLACE:
        return
    for name in UNIQUE:
        told = (given.get("ENVIRONMENT"), given.get(name))
        if all(told) and not list(unknown_in(told)):
            yield name, str(told[0]), str(told[1]).casefold()


def _folder(properties: Properties) -> Key:
    """Environment, bucket and folder; empty where one of them is not known or not well-formed."""
    given = fold_keys(properties)[0]
    within = given.get(S3_SETTINGS)
    settings = fold_keys(within)[0] if isinstance(within, Mapping) else {}
    texts = [each for each in (given.get(ATTRIBUTES), settings.get(ATTRIBUTES)) if each]
    told = (given.get("ENVIRONMENT"), settings.get("BUCKETNAME"), settings.get("BUCKETFOLDER") or _in(texts))
    if list(unknown_in([told, texts])) or not told[1]:
        return ()
    return (str(told[0]), str(told[1]), str(told[2]).strip("/"))


def _in(texts: list[Any]) -> str:
    """The folder that attributes tell."""
    try:
        return "".join(parse_attributes(str(text)).get("BucketFolder", "") for text in texts[:1])
    except ValueError:
        return ""
