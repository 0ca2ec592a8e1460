"""The controls of the embedded AWS: what `EmbeddedAws` reads from the server and changes in it."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from ministack.services import cloudwatch_logs, iam

from .state import PlannedFault, State
from .switches import Switches, changed


def control(state: State, method: str, path: str, given: dict[str, Any]) -> object:
    """The answer, in JSON's types. `path` is the name of a control, and may end with `/` and a RequestId."""
    name, _, event = path.partition("/")
    if method == "GET":
        return _read(state, name, event)
    _change(state, method, name, event, given)
    return {}


def _read(state: State, name: str, event: str) -> object:
    answer: object = {}
    match name:
        case "calls":
            answer = [asdict(each) for each in state.calls if event in ("", each.event)]
        case "answers":
            answer = [asdict(each) for each in state.answers]
        case "refusals":
            answer = state.refusals
        case "decisions":
            answer = [asdict(each) for each in state.decisions]
        case "logs":
            answer = _function_logs()
        case "standing":
            answer = [*_roles_and_policies(), *state.endpoint_arns()]
    return answer


def _change(state: State, method: str, name: str, event: str, given: dict[str, Any]) -> None:
    match method, name:
        case "POST", "switches":
            state.switches = changed(state.switches, given)
        case "DELETE", "switches":
            state.switches, state.faults = Switches(), []
        case "POST", "stacks":
            state.show(**given)
        case "POST", "faults":
            state.faults.append(PlannedFault(**given))
        case "DELETE", "calls":
            state.calls = []
            state.decisions.clear()
        case "DELETE", "events":
            state.calls = [call for call in state.calls if call.event != event]
            state.faults = [fault for fault in state.faults if fault.event != event]


def _roles_and_policies() -> list[str]:
    return [each["Arn"] for found in (iam._roles, iam._policies) for each in list(found._data.values())]


def _function_logs() -> list[str]:
    """The lines that the functions of all accounts wrote. Only CloudWatch Logs has them."""
    groups = list(cloudwatch_logs._log_groups._data.values())
    streams = [stream for group in groups for stream in group["streams"].values()]
    return [event["message"] for stream in streams for event in stream["events"]]
