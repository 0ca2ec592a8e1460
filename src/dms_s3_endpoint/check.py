"""What a deployment would do with a resource, without doing it: the function's answer to a Check; see __main__.py."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from enum import StrEnum

from . import adoption
from .endpoint import Accounts, Found, in_place_changes, look, must_be_renewed
from .errors import Code, EndpointError
from .lifecycle import Deployment
from .ownership import is_nobodys
from .request import Endpoint, Event, parse
from .settings import differences
from .storage import Storage


class Action(StrEnum):
    """What the next deployment would do."""

    CREATE = "create"
    NOTHING = "nothing"
    CHANGE = "change in place"
    RECREATE = "delete and create"
    REPLACE = "replace"
    ADOPT = "adopt"
    ADOPT_ANEW = "adopt: delete and create"
    NONE = "fail"


@dataclass
class Report:
    """`changes` are what would differ, `problems` what would fail the deployment or the endpoint's use."""

    action: Action = Action.NONE
    changes: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def check(event: Event, deployment: Deployment) -> dict[str, object]:
    """A Report as plain values. Changes nothing: no call but to describe, get and list."""
    report = Report()
    with _noting_problems(report):
        endpoint = parse(event.properties, deployment.environments)
        accounts = deployment.enter(endpoint.environment)
        with _noting_problems(report):
            _look_at_names(event, endpoint, accounts, report)
        with _noting_problems(report):
            report.problems += _storage(accounts).problems(endpoint)
    return asdict(report)


@contextmanager
def _noting_problems(report: Report) -> Iterator[None]:
    try:
        yield
    except EndpointError as error:
        report.problems.append(str(error))


def _storage(accounts: Accounts) -> Storage:
    return Storage(accounts.client_in_data_lake("s3"), accounts.client_in_data_lake("kms"), accounts.region)


def _look_at_names(event: Event, endpoint: Endpoint, accounts: Accounts, report: Report) -> None:
    found = look(endpoint, event.owner(endpoint.physical_id), accounts)
    report.action, report.changes = _plan(endpoint, found, accounts)
    if event.physical_id not in (None, endpoint.physical_id):
        report.action = Action.REPLACE
        report.changes = [f"{event.physical_id} becomes {endpoint.physical_id}"]
    is_deleted = report.action in (Action.RECREATE, Action.ADOPT_ANEW)
    if found.live and is_deleted and (users := accounts.dms.users_of(found.live)):
        report.problems.append(f"{Code.ENDPOINT_IN_USE}: used by {', '.join(users)}. Delete these first")


def _plan(endpoint: Endpoint, found: Found, accounts: Accounts) -> tuple[Action, list[str]]:
    if found.live is None:
        return Action.CREATE, []
    if is_nobodys(found.live.tags):
        differing = adoption.differing(endpoint, found)
        return (Action.ADOPT_ANEW, differing) if differing else (Action.ADOPT, [])
    if must_be_renewed(found, endpoint):
        names = [name.upper() for name in differences(endpoint.effective_settings, found.live.settings)]
        return Action.RECREATE, names or ["its role or its state"]
    changes = in_place_changes(endpoint, found, accounts)
    return (Action.CHANGE, changes) if changes else (Action.NOTHING, [])
