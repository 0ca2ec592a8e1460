"""Prints as CycloneDX what is in a built function: `python -m development.checks.sbom <the folder that SAM zips>`.

It is read from the folder itself, not from what was to be installed. The same folder gives the same bytes: without a
time and a random serial number.
"""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Sequence
from importlib.metadata import Distribution, distributions
from pathlib import Path
from typing import Any

from cyclonedx.factory.license import LicenseFactory
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output import make_outputter
from cyclonedx.schema import OutputFormat, SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packageurl import PackageURL

ROOT = Path(__file__).resolve().parents[2]
VERSION = SchemaVersion.V1_6


def bill(built: Path) -> str:
    """Raises ValueError where CycloneDX's schema does not allow it."""
    found = sorted(distributions(path=[str(built)]), key=_name)
    components = {_name(each): _library(each) for each in found}
    bom = Bom(components=components.values())
    bom.metadata.component = _function()
    bom.serial_number = bom.metadata.timestamp = None
    bom.register_dependency(bom.metadata.component, components.values())
    for each in found:
        bom.register_dependency(
            components[_name(each)], [components[name] for name in _needs(each) & components.keys()]
        )
    return _valid(make_outputter(bom, OutputFormat.JSON, VERSION).output_as_string(indent=2))


def _valid(text: str) -> str:
    if fault := JsonStrictValidator(VERSION).validate_str(text):
        raise ValueError(f"not as CycloneDX {VERSION.to_version()} demands: {fault}")
    return text


def _function() -> Any:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    given = {key: project[key] for key in ("name", "version", "description")}
    return Component(type=ComponentType.APPLICATION, bom_ref="function", **given)


def _library(found: Distribution) -> Any:
    name, version = _name(found), found.version
    purl = PackageURL("pypi", None, name, version)
    about = {"description": found.metadata["Summary"], "licenses": _licenses(found)}
    return Component(type=ComponentType.LIBRARY, bom_ref=str(purl), name=name, version=version, purl=purl, **about)


def _licenses(found: Distribution) -> Sequence[Any]:
    said = [found.metadata[key] for key in ("License-Expression", "License") if key in found.metadata]
    return [LicenseFactory().make_from_string(each) for each in said[:1]]


def _needs(found: Distribution) -> set[str]:
    """Those for extras too: what is not in the zip falls away."""
    return {_normalised(re.split(r"[^\w.-]", each, maxsplit=1)[0]) for each in found.requires or []}


def _name(found: Distribution) -> str:
    return _normalised(found.metadata["Name"])


def _normalised(name: str) -> str:
    """https://packaging.python.org/en/latest/specifications/name-normalization/"""
    return re.sub(r"[-_.]+", "-", name).lower()


if __name__ == "__main__":
    print(bill(Path(sys.argv[1])))
