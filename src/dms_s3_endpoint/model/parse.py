"""From CloudFormation's properties to an Endpoint. Nothing here calls AWS.

The table in properties.py says what a single value may be; here are the rules over several values, and those that
depend on the deployment: the environments, their partition and accounts.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .arns import read_arn
from .attributes import PROPERTY as ATTRIBUTES
from .attributes import faults_of_attributes, parse_attributes
from .endpoint import Endpoint, derived_resource_identifier
from .environments import Environment
from .errors import Code, EndpointError
from .generation import of_generation
from .names import Named
from .properties import LONGEST_WHEN_REPLACED, ON_UPDATE, REPLACE, S3_SETTINGS, TAGS, properties
from .reading import Faults, fold_keys, read_members
from .s3_settings import Setting, canonical_names, same
from .values import Values, quoted

REMEDY = "Correct the properties and deploy again"


def parse(given: object, environments: Mapping[str, Environment]) -> Endpoint:
    """The endpoint that the properties ask for.

    Raises EndpointError with every fault found: UnknownEnvironment if that is the only one, else InvalidRequest.
    """
    if not isinstance(given, Mapping):
        raise _invalid(["ResourceProperties must be a map"])
    read, faults = read_members(given, properties())
    settings, attributes, more = _settings_and_attributes(read)
    faults += more + (_faults_of_replacing(read) if _is_replacing(read) else [])
    name = str(read.get("ENVIRONMENT", ""))
    if name and name not in environments:
        raise _unknown_environment(name, environments, faults)
    if name:
        faults += _faults_of_place(read, _effective(settings, attributes), environments[name])
    if faults:
        raise _invalid(faults)
    return _endpoint(read, settings, attributes, environments[name])


def _invalid(faults: Faults) -> EndpointError:
    first, *more = dict.fromkeys(faults)
    return EndpointError(Code.INVALID_REQUEST, first, REMEDY, more)


def _unknown_environment(name: str, environments: Mapping[str, Environment], faults: Faults) -> EndpointError:
    unknown = f"ENVIRONMENT {name[:64]} is not one that the function was deployed with ({', '.join(environments)})"
    if faults:
        return _invalid([unknown, *faults])
    return EndpointError(Code.UNKNOWN_ENVIRONMENT, unknown, "Use one of these, or deploy the function with it")


def _endpoint(
    read: Mapping[str, Any], settings: Mapping[str, Setting], attributes: str, environment: Environment
) -> Endpoint:
    identifier = str(read["ENDPOINTIDENTIFIER"]).lower()
    owner: dict[str, Setting] = {"ExpectedBucketOwner": environment.data_lake_account}
    endpoint = Endpoint(
        environment=environment,
        endpoint_identifier=identifier,
        resource_identifier=read.get("RESOURCEIDENTIFIER") or derived_resource_identifier(identifier),
        policy_name=read["POLICYNAME"],
        role_name=read["ROLENAME"],
        s3_settings=dict(settings) | ({} if owner.keys() & _effective(settings, attributes) else owner),
        extra_connection_attributes=attributes,
        test_replication_instance_arn=read.get("TESTREPLICATIONINSTANCEARN", ""),
        permissions_boundary=read.get("PERMISSIONSBOUNDARY", ""),
        tags={tag["Key"]: tag.get("Value", "") for tag in read.get(TAGS, [])},
        adopt=read.get("ADOPT", False),
    )
    return of_generation(endpoint, read.get("RESOURCEIDENTIFIER", "")) if _is_replacing(read) else endpoint


# Rules over several values


def _is_replacing(read: Mapping[str, Any]) -> bool:
    """Whether a change of settings is to make a new endpoint beside the old one."""
    return str(read.get(ON_UPDATE, "")).lower() == REPLACE


def _faults_of_replacing(read: Mapping[str, Any]) -> Faults:
    """The names get a suffix; and an endpoint that is imported has the name that it has."""
    faults = [
        f"{name} must have at most {longest} characters with {ON_UPDATE} {REPLACE}, as it gets a suffix"
        for name, longest in LONGEST_WHEN_REPLACED.items()
        if len(read.get(name, "")) > longest
    ]
    return faults + ([f"ADOPT and {ON_UPDATE} {REPLACE} exclude each other"] if read.get("ADOPT") else [])


def _settings_and_attributes(read: Mapping[str, Any]) -> tuple[dict[str, Setting], str, Faults]:
    """Settings by the API's names, the attributes' text (empty if it is wrong), and what is wrong with them."""
    within = read.get(S3_SETTINGS, {})
    settings, faults = _by_api_name({key: value for key, value in within.items() if key != ATTRIBUTES})
    texts = [text for text in (read.get(ATTRIBUTES, ""), within.get(ATTRIBUTES, "")) if text]
    if len(set(texts)) > 1:
        faults.append(f"{ATTRIBUTES} is given twice, with different values")
    for text in dict.fromkeys(texts):
        its_faults = faults_of_attributes(text)
        faults += its_faults or _contradicting(settings, parse_attributes(text))
    return settings, "" if faults else next(iter(texts), ""), faults


def _by_api_name(given: Mapping[str, Setting]) -> tuple[dict[str, Setting], Faults]:
    settings: dict[str, Setting] = {}
    faults = []
    for key, value in given.items():
        name = canonical_names()[key]
        if not same(name, settings.setdefault(name, value), value):
            faults.append(f"{S3_SETTINGS}.{key} contradicts another spelling of {name.upper()}")
    return settings, faults


def _contradicting(settings: Mapping[str, Setting], attributes: Mapping[str, str]) -> Faults:
    return [
        f"{name.upper()} is {quoted(str(settings[name]))} in {S3_SETTINGS} but {quoted(value)} in {ATTRIBUTES}"
        for name, value in attributes.items()
        if name in settings and not same(name, settings[name], value)
    ]


def _effective(settings: Mapping[str, Setting], attributes: str) -> dict[str, Setting]:
    return {**parse_attributes(attributes), **settings}


# Rules of the deployment


def _faults_of_place(read: Mapping[str, Any], effective: Mapping[str, Setting], environment: Environment) -> Faults:
    lake, dms = (environment.data_lake_account, "aws"), (environment.dms_account,)
    key = str(effective.get("ServerSideEncryptionKmsKeyId", ""))
    found = [
        _place_fault(f"{S3_SETTINGS}.SSEKMSKEYID", key, environment.partition, ()),
        _place_fault("PERMISSIONSBOUNDARY", read.get("PERMISSIONSBOUNDARY", ""), environment.partition, lake),
        _place_fault(
            "TESTREPLICATIONINSTANCEARN", read.get("TESTREPLICATIONINSTANCEARN", ""), environment.partition, dms
        ),
    ]
    return [fault for fault in found if fault]


def _place_fault(where: str, text: str, partition: str, accounts: tuple[str, ...]) -> str:
    """A fault if the text is an ARN of another partition, or of none of the accounts."""
    arn = read_arn(text)
    if arn is None or (arn.partition == partition and (not accounts or arn.account in accounts)):
        return ""
    account = f", account {' or '.join(accounts)}" if accounts else ""
    return f"{where} must be in partition {partition}{account}, not {quoted(text)}"


# What properties tell that may be wrong in all else


def names_in(given: object) -> Named:
    """The names that properties of any form give."""
    folded = fold_keys(given)[0] if isinstance(given, Mapping) else {}
    text = {key: value for key, value in folded.items() if isinstance(value, str)}
    return Named(frozenset({_valid(text, "ROLENAME")} - {""}), frozenset({_valid(text, "POLICYNAME")} - {""}))


def _valid(text: Mapping[str, str], name: str) -> str:
    """The text of this property if the table takes it, else an empty one."""
    values = properties().by_key()[name].kind
    value = text.get(name, "")
    return value if value and isinstance(values, Values) and not values.fault(value) else ""
