"""The life of a replication task or of a serverless replication: statuses, full load, and its place in the changes.

- https://docs.aws.amazon.com/dms/latest/APIReference/API_ReplicationTask.html
- https://docs.aws.amazon.com/dms/latest/userguide/CHAP_Task.CDC.html
- https://docs.aws.amazon.com/dms/latest/userguide/CHAP_Serverless.Components.html

This module has no server and no clock: `Surroundings` provide them, the embedded AWS or a test.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from .dms_endpoints import Source, Surroundings, filtered, new_arn, page
from .dms_parameters import DmsFault, ParameterFault, check_identifiers, check_tags, invalid
from .dms_settings import Given

# "AWS DMS supports this feature for the following source endpoints" (CHAP_Task.CDC); MariaDB is served as MySQL is.
TAKE_START_POINTS = ("mysql", "mariadb", "oracle", "postgres", "sqlserver")
FULL_LOAD, CDC, BOTH = "full-load", "cdc", "full-load-and-cdc"
RUNNING, STOPPING, STOPPED, FAILED, DELETING, GONE = "running", "stopping", "stopped", "failed", "deleting", ""
# The virtual clock began then. 2026-01-01T00:00:00Z
EPOCH = 1767225600.0


@dataclass(frozen=True)
class Names:
    """The statuses that tasks and serverless replications name differently: new, and on the way to it and to running.

    The names of a serverless replication: hashicorp/terraform-provider-aws, internal/service/dms/consts.go.
    """

    what: str
    creating: str
    new: str
    starting: str


@dataclass
class Run:
    """Where a replication stands. `type` is its migration type."""

    surroundings: Surroundings
    names: Names
    source: Source
    type: str
    # Each status, and since when it holds; those to come are among them.
    course: list[tuple[float, str]] = field(default_factory=list)
    # Since when the present run works, and since when the last one that began anew; None before.
    began: float | None = None
    fresh: float | None = None
    # Where the present run took up the changes.
    start_position: str = ""
    failure: str = ""

    def __post_init__(self) -> None:
        self.made = self._now()
        self._go(self.names.creating, (self._takes(), self.names.new))

    def _now(self) -> float:
        return self.surroundings.now()

    def _takes(self) -> float:
        return self.surroundings.switches.task_seconds

    def _go(self, status: str, *then: tuple[float, str]) -> None:
        """From now on this status, then the others, each so many seconds from now."""
        now = self._now()
        self.course = [(now, status), *((now + seconds, name) for seconds, name in then)]

    def _current(self) -> tuple[float, str]:
        now = self._now()
        return [each for each in self.course if each[0] <= now][-1]

    @property
    def status(self) -> str:
        """The status now; empty once it is gone."""
        return self._current()[1]

    def check_at_rest(self, wanted: str, arn: str) -> None:
        """Raise DmsFault unless nothing is under way. `wanted` is what was asked for, such as "deleted"."""
        if self.status not in (self.names.new, STOPPED, FAILED):
            message = f"{self.names.what} {arn} can't be {wanted} while it is {self.status}."
            raise DmsFault("InvalidResourceStateFault", message)

    def start(self, kind: str, position: str, arn: str) -> None:
        """Start it. `kind` is the API's start type, and `position` where the changes begin. Raises DmsFault."""
        self.check_at_rest("started", arn)
        self._check_kind(kind)
        check_start_position(position, self.type, self.source)
        reached = self.checkpoint()
        self.start_position = reached if kind == "resume-processing" else position
        takes, load = self._takes(), self.surroundings.switches.load_seconds
        self.failure = self._why_it_fails(position)
        self.began = self._now() + takes
        self.fresh = self.began if kind != "resume-processing" else self.fresh
        ends = [(takes + load, STOPPED)] if self.type == FULL_LOAD else []
        self._go(self.names.starting, *([(takes, FAILED)] if self.failure else [(takes, RUNNING), *ends]))

    def _check_kind(self, kind: str) -> None:
        """Words of hashicorp/terraform-provider-aws#24047."""
        has_run = self.began is not None
        if kind == "start-replication":
            fits = not has_run or self.type == CDC
            rule = "valid only for tasks running for the first time"
        else:
            fits = has_run and not (kind == "reload-target" and self.type == CDC)
            rule = "not valid for this task"
        if not fits:
            raise _unsuitable(f"Start Type : {kind.upper().replace('-', '_')}, {rule}")

    def _why_it_fails(self, position: str) -> str:
        """PostgreSQL keeps the changes in a slot. One that DMS made itself went with the task that it was made for."""
        if position and self.source.engine == "postgres" and not self.source.slot:
            return "The replication slot of the start position does not exist"
        return "The task failed" if self.surroundings.switches.tasks_fail else ""

    def stop(self, arn: str) -> None:
        """Stop it. Raises DmsFault unless it is running."""
        if self.status != RUNNING:
            raise DmsFault("InvalidResourceStateFault", f"{self.names.what} {arn} isn't running.")
        self._go(STOPPING, (self._takes(), STOPPED))

    def delete(self, arn: str) -> None:
        """Delete it. Raises DmsFault unless it is at rest."""
        self.check_at_rest("deleted", arn)
        self._go(DELETING, (self._takes(), GONE))

    def checkpoint(self) -> str:
        """The latest one, once it is stopped or failed. While it works, an earlier one is shown, or none yet."""
        since, status = self._current()
        lag = self.surroundings.switches.checkpoint_lag_seconds
        reached = since if status in (STOPPED, FAILED) else self._now() - lag
        changes_since = self._load_ends() if self.type == BOTH and not self.start_position else self.began
        if self.type == FULL_LOAD or self.failure or changes_since is None or reached < changes_since:
            return self.start_position
        return f"checkpoint:V1#{int(reached * 1000)}#0#0#*#0#0"

    def _load_ends(self) -> float | None:
        return None if self.began is None else self.began + self.surroundings.switches.load_seconds

    def _load_is_over(self) -> bool:
        """Whether all tables are loaded. A run that was stopped or failed before has not loaded them."""
        since, status = self._current()
        ends = self._load_ends()
        until = since if status in (STOPPED, FAILED) else self._now()
        return ends is not None and not self.failure and (bool(self.start_position) or until >= ends)

    def shown(self) -> Given:
        """The members that a description has of it, but for its status."""
        if self.began is None:
            return {}
        shown: Given = {"RecoveryCheckpoint": self.checkpoint()} if self.checkpoint() else {}
        if self.status == STOPPED:
            finished = self.type == FULL_LOAD and self._load_is_over()
            shown["StopReason"] = f"Stop Reason {'FULL_LOAD_ONLY_FINISHED' if finished else 'NORMAL'}"
        return shown

    def stats(self) -> Given:
        """The statistics of the full load."""
        if self.began is None or self.fresh is None:
            return {}
        started = {"FreshStartDate": EPOCH + self.fresh, "StartDate": EPOCH + self.began}
        errored = {"TablesErrored": self.surroundings.switches.tables_errored}
        if self.type == CDC:
            return started | errored | {"FullLoadProgressPercent": 0, "TablesLoading": 0, "TablesQueued": 0}
        if not self._load_is_over():
            return started | errored | {"FullLoadProgressPercent": 50, "TablesLoading": 1, "TablesQueued": 0}
        finished = {"FullLoadProgressPercent": 100, "TablesLoading": 0, "TablesQueued": 0, "TablesLoaded": 1}
        return started | errored | finished | {"FullLoadFinishDate": EPOCH + (self._load_ends() or 0.0)}


def _unsuitable(message: str) -> ParameterFault:
    return ParameterFault("InvalidParameterCombinationException", message)


def check_start_position(position: str, type_: str, source: Source) -> None:
    """Check where a replication is to take up the changes. Raises ParameterFault. The words are ours."""
    if not position:
        return
    if type_ != CDC:
        raise _unsuitable(f"A CDC start position is for tasks of type cdc, not {type_}")
    if source.engine and source.engine not in TAKE_START_POINTS:
        raise _unsuitable(f"A CDC start position is not supported for the source engine {source.engine}")


@dataclass
class Kept:
    """A replication that was made: what it was made with, where it stands, and its tags."""

    arn: str
    definition: Given
    run: Run
    tags: dict[str, str]


@dataclass
class Replications:
    """The tasks, or the serverless replications, of an account. Its public methods with `given` are operations."""

    surroundings: Surroundings
    kept: dict[str, Kept] = field(default_factory=dict)

    def standing(self) -> list[Kept]:
        """Those that are not gone."""
        return [each for each in self.kept.values() if each.run.status != GONE]

    def find(self, arn: str, what: str) -> Kept:
        """The one of this ARN. Raises DmsFault."""
        for each in self.standing():
            if each.arn == arn:
                return each
        raise DmsFault("ResourceNotFoundFault", f"{what} {arn} not found.")

    def keep(self, kind: str, given: Given, run: Run) -> Kept:
        """Make one, of this kind in ARNs. Raises DmsFault."""
        check_identifiers(given)
        check_tags(given.get("Tags", []), (), self.surroundings.switches.most_tags)
        arn = new_arn(kind, given, self.surroundings)
        if arn in [each.arn for each in self.standing()]:
            raise DmsFault("ResourceAlreadyExistsFault", f"{arn} already exists.")
        definition = {key: value for key, value in given.items() if key not in ("ResourceIdentifier", "Tags")}
        self.kept[arn] = Kept(arn, definition, run, {tag["Key"]: tag.get("Value", "") for tag in given.get("Tags", [])})
        return self.kept[arn]

    def free(self, name: str, given: Given, what: str) -> str:
        """The identifier under `name`, in lower case. Raises DmsFault if it is taken."""
        identifier = str(given[name]).lower()
        if identifier in [each.definition[name] for each in self.standing()]:
            raise DmsFault("ResourceAlreadyExistsFault", f"{what} {identifier} already exists.")
        return identifier

    def page_of(self, name: str, found: list[Given], given: Given, filters: Mapping[str, tuple[str, ...]]) -> Given:
        """The page, under `name`, of those that the filters leave. Raises DmsFault for an empty match."""
        for by in given.get("Filters", []):
            members = filtered(by, dict(filters))
            found = [each for each in found if any(each[member] in by["Values"] for member in members)]
        if not found and given.get("Filters") and self.surroundings.switches.describe_empty == "fault":
            raise DmsFault("ResourceNotFoundFault", f"No {name} found matching provided filters")
        return page(name, found, given, self.surroundings.switches.page_size)

    def are_on(self, endpoint_arn: str) -> bool:
        """Whether one of them uses the endpoint."""
        ends = ("SourceEndpointArn", "TargetEndpointArn")
        return any(endpoint_arn in [each.definition[end] for end in ends] for each in self.standing())

    def add_tags_to_resource(self, given: Given) -> Given:
        """AddTagsToResource."""
        tags = self.find(given["ResourceArn"], "Resource").tags
        check_tags(given["Tags"], tags, self.surroundings.switches.most_tags)
        tags.update({tag["Key"]: tag.get("Value", "") for tag in given["Tags"]})
        return {}

    def remove_tags_from_resource(self, given: Given) -> Given:
        """RemoveTagsFromResource."""
        tags = self.find(given["ResourceArn"], "Resource").tags
        for key in given["TagKeys"]:
            tags.pop(key, None)
        return {}

    def list_tags_for_resource(self, given: Given) -> Given:
        """ListTagsForResource, for one ARN."""
        if not given.get("ResourceArn"):
            raise invalid("The parameter ResourceArn must be provided")
        tags = self.find(given["ResourceArn"], "Resource").tags
        return {"TagList": [{"Key": key, "Value": value} for key, value in tags.items()]}
