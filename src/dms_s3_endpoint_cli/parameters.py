"""Values from outside a template: its parameters, and SSM parameters that it names."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError
from click import BadParameter
from samcli.cli.types import CfnParameterOverridesType

from .errors import CheckError

if TYPE_CHECKING:
    from mypy_boto3_ssm.client import SSMClient

# What DescribeStacks says instead of the value of a parameter with NoEcho.
NOT_TOLD = "****"
# As Fn::Sub leaves what it does not know: unknown_in finds it.
UNKNOWN = "${NoEcho}"
# Name and version. Those of ssm-secure and secretsmanager CloudFormation does not let a custom resource have.
OF_SSM = re.compile(r"\{\{resolve:ssm:([A-Za-z0-9_./-]+(?::[0-9]+)?)\}\}")


@dataclass
class SsmParameters:
    """SSM parameters, each read once."""

    ssm: SSMClient
    _read: dict[str, str] = field(default_factory=dict)

    def value(self, name: str) -> str:
        """The value of the parameter of this name, or name:version. Raises CheckError."""
        if name not in self._read:
            try:
                self._read[name] = self.ssm.get_parameter(Name=name)["Parameter"]["Value"]
            except ClientError as error:
                raise CheckError(f"SSM parameter {name}: {error.response['Error']['Code']}") from error
        return self._read[name]

    def resolved(self, value: Any) -> Any:
        """The value with those of its dynamic references to SSM parameters."""
        if isinstance(value, Mapping):
            return {key: self.resolved(each) for key, each in value.items()}
        if isinstance(value, list):
            return [self.resolved(each) for each in value]
        return OF_SSM.sub(lambda found: self.value(found[1]), value) if isinstance(value, str) else value


def read_overrides(given: Sequence[str]) -> dict[str, str]:
    """The values of --parameter-overrides, as `sam deploy` reads them. Raises CheckError."""
    try:
        overrides: dict[str, str] = CfnParameterOverridesType().convert(tuple(given), None, None) if given else {}
    except BadParameter as error:
        raise CheckError(f"--parameter-overrides: {error.message}") from error
    return overrides


def values_of(
    template: Mapping[str, Any], overrides: Mapping[str, str], live: Mapping[str, str], ssm: SsmParameters
) -> dict[str, str]:
    """What `sam deploy` gives each parameter: the override, else what the live stack has, else the default.

    Where a parameter names an SSM parameter, the value of that one. Raises CheckError.
    """
    declared = template.get("Parameters", {})
    values = {name: str(each["Default"]) for name, each in declared.items() if "Default" in each}
    values |= {name: value for name, value in live.items() if name in declared} | dict(overrides)
    if missing := sorted(set(declared) - set(values)):
        raise CheckError(f"parameter {missing[0]} has no value: --parameter-overrides {missing[0]}=…")
    if unknown := sorted(set(values) - set(declared)):
        raise CheckError(f"the template has no parameter {unknown[0]}")
    return {name: _value(declared[name], value, ssm) for name, value in values.items()}


def _value(declared: Mapping[str, Any], value: str, ssm: SsmParameters) -> str:
    if declared.get("NoEcho") in (True, "true") and value == NOT_TOLD:
        return UNKNOWN
    return ssm.value(value) if str(declared["Type"]).startswith("AWS::SSM::Parameter::Value") else value
