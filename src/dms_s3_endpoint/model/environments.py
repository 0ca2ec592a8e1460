"""The environments that the function was deployed with."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from .arns import arn_of
from .errors import Code, EndpointError

ROLE_ARN = re.compile(r"arn:aws[a-z-]*:iam::[0-9]{12}:role/[\w+=,.@/-]+", re.ASCII)
NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,31}", re.ASCII)
# Physical ids that begin with it stand for no environment: see physical_id.py.
RESERVED_NAME = "invalid"


@dataclass(frozen=True)
class Environment:
    """One pair of accounts, as listed in the parameters of `template.yaml`."""

    name: str
    data_lake_role_arn: str
    dms_role_arn: str
    # Whether the trust of each role demands aws:SourceAccount.
    demands_source_account: bool = False

    @property
    def source_account(self) -> str:
        """The account whose endpoints alone DMS may use a role for; empty if its trust is not to demand one."""
        return self.dms_account if self.demands_source_account else ""

    @property
    def partition(self) -> str:
        """aws, aws-cn or aws-us-gov."""
        return arn_of(self.data_lake_role_arn).partition

    @property
    def data_lake_account(self) -> str:
        """The 12 digits of the account with the bucket."""
        return arn_of(self.data_lake_role_arn).account

    @property
    def dms_account(self) -> str:
        """The 12 digits of the account with the endpoints."""
        return arn_of(self.dms_role_arn).account


def read_environments(variables: Mapping[str, str]) -> dict[str, Environment]:
    """The environments by name, from the function's three comma-delimited lists of equal length.

    Raises EndpointError (InternalError) when the lists don't fit: the function was deployed wrongly.
    """
    names = _items(variables, "ENVIRONMENTS")
    data_lake_role_arns = _items(variables, "DATA_LAKE_ROLE_ARNS")
    dms_role_arns = _items(variables, "DMS_ROLE_ARNS")
    if not names or not len(names) == len(data_lake_role_arns) == len(dms_role_arns) == len(set(names)):
        counts = f"{len(data_lake_role_arns)} DataLakeRoleArns, {len(dms_role_arns)} DmsRoleArns"
        raise _deployed_wrongly(f"{len(names)} Environments, {counts}")
    for name in names:
        if not NAME.fullmatch(name) or name == RESERVED_NAME:
            raise _deployed_wrongly(f"environment name {name!r}")
    for arn in data_lake_role_arns + dms_role_arns:
        if not ROLE_ARN.fullmatch(arn):
            raise _deployed_wrongly(f"{arn!r}, which is not the ARN of a role")
    triples = zip(names, data_lake_role_arns, dms_role_arns, strict=True)
    demands_source_account = variables.get("DEMAND_SOURCE_ACCOUNT", "") == "true"
    return {name: Environment(name, data_lake, dms, demands_source_account) for name, data_lake, dms in triples}


def _items(variables: Mapping[str, str], variable: str) -> list[str]:
    return [item.strip() for item in variables.get(variable, "").split(",") if item.strip()]


def _deployed_wrongly(what: str) -> EndpointError:
    return EndpointError(
        Code.INTERNAL_ERROR,
        f"The function was deployed with {what}",
        "Deploy template.yaml again with three lists of equal length: unique names, ARNs of roles",
    )
