"""ONUPDATE: replace. A change of settings is another generation: the names get a suffix made from what was asked for.

So a physical id is a pure function of the properties. It must never change for properties that mean the same: what
folds which value is fixed here, and not read from the SDK, whose model grows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from .endpoint import Endpoint, derived_resource_identifier
from .hashing import fingerprint
from .properties import SUFFIX_LENGTH

DIGITS = SUFFIX_LENGTH - 1
# Version 1 of what means the same. Another version needs another name, and each life to keep the one that it has.
_CASELESS = frozenset(
    {
        *("CannedAclForObjects", "CompressionType", "DataFormat", "DatePartitionDelimiter", "DatePartitionSequence"),
        *("EncodingType", "EncryptionMode", "ParquetVersion"),
    }
)
_SWITCHES = {"true": "true", "y": "true", "false": "false", "n": "false"}


def of_generation(endpoint: Endpoint, given_resource_identifier: str) -> Endpoint:
    """The endpoint with the names of its generation. An empty resource identifier is derived."""
    generation = _generation(endpoint, given_resource_identifier)
    identifier = f"{endpoint.endpoint_identifier}-{generation}"
    tail = f"{given_resource_identifier}-{generation}" if given_resource_identifier else ""
    return replace(
        endpoint,
        endpoint_identifier=identifier,
        resource_identifier=tail or derived_resource_identifier(identifier),
        role_name=f"{endpoint.role_name}-{generation}",
        policy_name=f"{endpoint.policy_name}-{generation}",
        generation=generation,
    )


def _generation(endpoint: Endpoint, given_resource_identifier: str) -> str:
    """A hash of all for which an endpoint would be created again; IAM's names and DMS's identifiers have no case."""
    names = [endpoint.environment.name, endpoint.endpoint_identifier, endpoint.role_name.lower()]
    settings = {name.upper(): _plain(name, str(value)) for name, value in _told(endpoint).items()}
    return fingerprint([*names, given_resource_identifier, settings])[:DIGITS]


def _told(endpoint: Endpoint) -> Mapping[str, object]:
    """Without the bucket's owner where it is the environment's account, as it is if nothing is told."""
    owner = {"ExpectedBucketOwner": endpoint.environment.data_lake_account}
    return {name: value for name, value in endpoint.effective_settings.items() if owner.get(name) != value}


def _plain(name: str, value: str) -> str:
    """True and y are one, 7 and 007, SSE_KMS and sse-kms.

    An attribute that the SDK does not know yet is a text, and later a boolean or number: both have one form.
    """
    if name in _CASELESS:
        return value.lower().replace("-", "").replace("_", "")
    if value.isascii() and value.isdigit():
        return str(int(value))
    return _SWITCHES.get(value.lower(), value)
