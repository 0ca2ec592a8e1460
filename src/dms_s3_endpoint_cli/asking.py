"""The questions to the functions that the resources of a stack name, and the rows of their answers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from dms_s3_endpoint.cloudformation.aliases import CHECK

from .errors import CheckError
from .report import Row
from .stack import Stack
from .template import Properties, as_sent, unknown_in

if TYPE_CHECKING:
    from mypy_boto3_lambda.client import LambdaClient

# Of the function's answer. Its release may be an older or a newer one: 1.0.0 has neither steps nor warnings.
REPORTED = ("action", "steps", "warnings", "problems")
RETAINS = ("Retain", "RetainExceptOnCreate")
WITHOUT_ALIAS = f"If the function is there, its release has no alias {CHECK} yet: deploy template.yaml of this release"


@dataclass(frozen=True)
class Asking:
    """The questions to the functions that the stack's resources name."""

    stack: Stack
    client: LambdaClient

    def of_change(self, name: str, properties: Properties) -> Row:
        """What an update or create to these properties would do."""
        upper = {key.upper(): value for key, value in properties.items()}
        endpoint = f"{upper.get('ENVIRONMENT', '?')}/{upper.get('ENDPOINTIDENTIFIER', '?')}"
        if unknown := list(unknown_in(properties)):
            warnings = [f"{each} is known only when it is deployed" for each in unknown]
            return Row(name, endpoint, action="unknown", warnings=warnings)
        answer = self._ask(upper.get("SERVICETOKEN"), name, {"ResourceProperties": as_sent(properties)})
        return Row(name, endpoint, **{part: answer[part] for part in REPORTED if part in answer})

    def of_deletion(self, name: str, resource: Mapping[str, Any]) -> Row:
        """What the deletion of a resource of the deployed template would do."""
        row = Row(name, self.stack.physical_ids[name], action="delete")
        if resource.get("DeletionPolicy") in RETAINS:
            return replace(row, action="retain", warnings=["its DeletionPolicy retains it: no stack will have it"])
        token = resource.get("Properties", {}).get("ServiceToken")
        if not row.endpoint or not isinstance(token, str) or list(unknown_in(token)):
            return row
        answer = self._ask(token, name, {})
        if answer["action"] != row.action:
            return replace(row, warnings=["tasks on it are not looked for: the function is of an older release"])
        return replace(row, steps=answer["steps"], warnings=answer["warnings"], problems=answer["problems"])

    def _ask(self, service_token: object, name: str, given: Mapping[str, Any]) -> dict[str, Any]:
        """What the function answers to a Check, in the shape of CloudFormation's events. Raises CheckError."""
        if not isinstance(service_token, str) or not service_token:
            raise CheckError(f"{name} has no ServiceToken")
        event = {
            "RequestType": "Check",
            "RequestId": "check",
            "StackId": self.stack.stack_id,
            "LogicalResourceId": name,
            "PhysicalResourceId": self.stack.physical_ids.get(name, ""),
            **given,
        }
        function = alias_of_checks(service_token)
        try:
            answer = self.client.invoke(FunctionName=function, Payload=json.dumps(event))
        except self.client.exceptions.ResourceNotFoundException as error:
            raise CheckError(f"{error.response['Error']['Message']}. {WITHOUT_ALIAS}") from error
        payload: dict[str, Any] = json.loads(answer["Payload"].read())
        if "FunctionError" in answer:
            raise CheckError(f"{function} failed: {payload.get('errorMessage', payload)}")
        return payload


def alias_of_checks(service_token: str) -> str:
    """The ARN by which the function of this ServiceToken only looks: arn:…:function:<name>:<alias> has seven colons."""
    return ":".join([*service_token.split(":")[:7], CHECK])
