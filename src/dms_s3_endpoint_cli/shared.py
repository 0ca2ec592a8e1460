"""What two endpoints of one template have in common and should not."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from dms_s3_endpoint.model.attributes import PROPERTY as ATTRIBUTES
from dms_s3_endpoint.model.attributes import parse_attributes
from dms_s3_endpoint.model.properties import S3_SETTINGS
from dms_s3_endpoint.model.reading import fold_keys

from .template import Properties, unknown_in


def shared_folders(declared: Mapping[str, Properties]) -> dict[str, str]:
    """For each of the endpoints that write to the bucket and folder of another one, a warning by logical id."""
    by_folder = defaultdict[tuple[str, ...], list[str]](list)
    for name, properties in declared.items():
        if folder := _folder(properties):
            by_folder[folder].append(name)
    return {
        name: f"{', '.join(each for each in names if each != name)} writes to the same bucket and folder"
        for names in by_folder.values()
        if len(names) > 1
        for name in names
    }


def _folder(properties: Properties) -> tuple[str, ...]:
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
