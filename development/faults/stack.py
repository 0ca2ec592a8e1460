"""One custom resource of a stack, as CloudFormation treats it: requests, rollbacks, clean-ups and retries.

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/crpg-ref-requesttypes.html
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

Properties = Mapping[str, Any]
Event = dict[str, Any]
Answer = dict[str, Any]
LOGICAL_ID = "Endpoint"


class Cloud(Protocol):
    """Accounts in which the function is deployed."""

    def deliver(self, event: Event) -> list[Answer]:
        """Run the function on the event and return its answers; none if it ended too early."""

    def inventory(self) -> dict[str, Any]:
        """What exists in the accounts; see inventory.py."""

    def wait_for_nothing(self) -> None:
        """Wait the hour that CloudFormation waits for an answer."""


class WedgedError(Exception):
    """A request failed although nothing disturbed it, so the stack is stuck."""


@dataclass
class Stack:
    """A stack with one resource. `violations` are answers that CloudFormation rejects."""

    cloud: Cloud
    stack_id: str
    physical_id: str = ""
    properties: Properties = field(default_factory=dict)
    # Called once with the next event before it is delivered, to plan a fault for it.
    disturbance: Callable[[Event], None] | None = None
    # Whether the disturbance may end the function without an answer. Then the event is delivered again, or it times out
    # and CloudFormation goes on.
    may_be_ended: bool = False
    redelivers: bool = False
    violations: list[str] = field(default_factory=list)

    def create(self, properties: Properties) -> bool:
        """Create the resource. False if it failed and was rolled back. Raises WedgedError."""
        answer = self._request("Create", properties)
        if _succeeded(answer):
            self.physical_id, self.properties = answer["PhysicalResourceId"], properties
            return True
        # CloudFormation invents an id for a Create without an answer.
        self._remove(answer.get("PhysicalResourceId") or f"stack-{LOGICAL_ID}-{uuid.uuid4().hex[:12]}", properties)
        return False

    def update(self, properties: Properties) -> bool:
        """Update, and clean up a replaced resource. False if it failed and was rolled back. Raises WedgedError."""
        old_id, old = self.physical_id, self.properties
        answer = self._ask_for_update(properties)
        if not _succeeded(answer):
            self._must("Update", old, PhysicalResourceId=old_id, OldResourceProperties=properties)
            return False
        self.physical_id, self.properties = answer["PhysicalResourceId"], properties
        if self.physical_id != old_id:
            self._remove(old_id, old)
        return True

    def update_and_roll_back(self, properties: Properties) -> bool:
        """Update, then roll back because another resource failed. Returns the update's success. Raises WedgedError."""
        old_id, old = self.physical_id, self.properties
        answer = self._ask_for_update(properties)
        new_id = answer["PhysicalResourceId"] if _succeeded(answer) else old_id
        self._must("Update", old, PhysicalResourceId=new_id, OldResourceProperties=properties)
        if new_id != old_id:
            self._remove(new_id, properties)
        return _succeeded(answer)

    def _ask_for_update(self, properties: Properties) -> Answer:
        known = {"PhysicalResourceId": self.physical_id, "OldResourceProperties": self.properties}
        return self._request("Update", properties, **known)

    def delete(self) -> bool:
        """Delete, a second time if the first fails. Returns the first one's success. Raises WedgedError."""
        succeeded = self._remove(self.physical_id, self.properties)
        self.physical_id, self.properties = "", {}
        return succeeded

    def forget(self) -> None:
        """Lose the Create's answer: CloudFormation goes on with an id that it invents."""
        self.physical_id = f"stack-{LOGICAL_ID}-{uuid.uuid4().hex[:12]}"

    def _remove(self, physical_id: str, properties: Properties) -> bool:
        if _succeeded(self._request("Delete", properties, PhysicalResourceId=physical_id)):
            return True
        self._must("Delete", properties, PhysicalResourceId=physical_id)
        return False

    def _must(self, kind: str, properties: Properties, **known: Any) -> None:
        answer = self._request(kind, properties, **known)
        if not _succeeded(answer):
            raise WedgedError(f"{kind} of {known['PhysicalResourceId']}: {answer.get('Reason', 'no answer')}")

    def _request(self, kind: str, properties: Properties, **known: Any) -> Answer:
        """The answer to a request; empty if none came."""
        event = self._event(kind, properties, **known)
        disturbance, self.disturbance = self.disturbance, None
        if disturbance:
            disturbance(event)
        answers = self._deliver(event)
        if not answers and self.redelivers:
            answers = self._deliver(event)
        if not answers:
            self.cloud.wait_for_nothing()
        if not answers and not (disturbance and self.may_be_ended):
            self.violations.append(f"{kind} was not answered")
        return answers[0] if answers else {}

    def _event(self, kind: str, properties: Properties, **known: Any) -> Event:
        return {
            "RequestType": kind,
            "RequestId": str(uuid.uuid4()),
            "StackId": self.stack_id,
            "LogicalResourceId": LOGICAL_ID,
            "ResourceType": "Custom::CreateDMSS3Endpoint",
            "ResourceProperties": dict(properties),
            **known,
        }

    def _deliver(self, event: Event) -> list[Answer]:
        answers = self.cloud.deliver(event)
        if len(answers) > 1:
            self.violations.append(f"{event['RequestType']} was answered {len(answers)} times")
        self.violations += [f"{event['RequestType']}: {fault}" for each in answers for fault in faults_of(each, event)]
        return answers


def faults_of(answer: Answer, event: Event) -> list[str]:
    """Why CloudFormation rejects the answer, or misunderstands it; empty if it accepts it.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/crpg-ref-responses.html
    """
    faults = [f"{key} is another" for key in ("StackId", "RequestId", "LogicalResourceId") if answer[key] != event[key]]
    if answer["Status"] not in ("SUCCESS", "FAILED"):
        faults.append(f"Status {answer['Status']}")
    if answer["Status"] == "FAILED" and not answer["Reason"]:
        faults.append("a failure without a reason")
    if not answer["PhysicalResourceId"]:
        faults.append("no PhysicalResourceId")
    keeps = event["RequestType"] == "Delete" or (event["RequestType"] == "Update" and answer["Status"] == "FAILED")
    if keeps and answer["PhysicalResourceId"] != event["PhysicalResourceId"]:
        faults.append(f"id {event['PhysicalResourceId']} became {answer['PhysicalResourceId']}")
    return faults


def _succeeded(answer: Answer) -> bool:
    return answer.get("Status") == "SUCCESS"
