"""What libraries do again and again, done fast or once: in processes that serve many commands, requests or tests."""

from __future__ import annotations

from functools import cache
from typing import Any

import yaml
from botocore.loaders import JSONFileLoader


def parse_yaml_in_c() -> None:
    """Let what is imported from now on parse YAML by libyaml. In Python that is half the time of `sam deploy`."""
    # PyYAML that was built without libyaml has no such loader.
    yaml.SafeLoader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # type: ignore[misc]  # it takes the same constructors


def read_descriptions_once() -> None:
    """Let sessions of botocore share what it reads of AWS's services: most of the time that a new client takes."""
    read = cache(JSONFileLoader().load_file)

    def load_file(_self: JSONFileLoader, file_path: str) -> Any:
        return read(file_path)

    JSONFileLoader.load_file = load_file  # type: ignore[method-assign, assignment]  # botocore has no such setting
