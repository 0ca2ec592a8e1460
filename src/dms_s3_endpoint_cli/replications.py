"""What replicates through an endpoint, as DMS shows it and takes it: tasks, and serverless replication configs.

https://docs.aws.amazon.com/dms/latest/APIReference/
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from dms_s3_endpoint.aws.deadline import Deadline
from dms_s3_endpoint.aws.tags import tags_in
from dms_s3_endpoint.model.ownership import PHYSICAL_ID, tag_value

from .errors import CannotError, RefusedError

if TYPE_CHECKING:
    from mypy_boto3_dms import DatabaseMigrationServiceClient

FULL_LOAD, CDC, BOTH = "full-load", "cdc", "full-load-and-cdc"
RUNNING, STOPPED, FAILED, DELETING = "running", "stopped", "failed", "deleting"
# What passes, and does not lead to running. The ways of a serverless replication to running are many.
NOT_BEFORE_RUNNING = ("creating", "modifying", "moving", "testing", "stopping", DELETING, "deprovisioning")
# MoveReplicationTask leaves this status, in which nothing else is documented to work.
STUCK = "failed-move"


@dataclass(frozen=True)
class Kind:
    """Tasks, or serverless replication configs: DMS's names of what both have, and how they differ."""

    name: str
    identifier: str
    arn: str
    type: str
    settings: str
    made: str
    # The operation that makes one, and its parameters but for tags, the ARN's tail, and where changes begin and end.
    create: str
    members: tuple[str, ...]
    # The status of one that was never started.
    new: str
    # How long a change of its status may take.
    seconds: float


ENDS = ("SourceEndpointArn", "TargetEndpointArn")
TASK = Kind(
    name="task",
    identifier="ReplicationTaskIdentifier",
    arn="ReplicationTaskArn",
    type="MigrationType",
    settings="ReplicationTaskSettings",
    made="ReplicationTaskCreationDate",
    create="CreateReplicationTask",
    members=(
        *("ReplicationTaskIdentifier", *ENDS, "ReplicationInstanceArn", "MigrationType"),
        *("TableMappings", "ReplicationTaskSettings", "TaskData"),
    ),
    new="ready",
    # As botocore's waiters: 60 looks, 15 s apart.
    seconds=900.0,
)
CONFIG = Kind(
    name="replication config",
    identifier="ReplicationConfigIdentifier",
    arn="ReplicationConfigArn",
    type="ReplicationType",
    settings="ReplicationSettings",
    made="ReplicationConfigCreateTime",
    create="CreateReplicationConfig",
    members=(
        *("ReplicationConfigIdentifier", *ENDS, "ComputeConfig", "ReplicationType"),
        *("TableMappings", "ReplicationSettings", "SupplementalSettings"),
    ),
    new="created",
    # It provisions its capacity first: hashicorp/terraform-provider-aws, internal/service/dms/replication_config.go.
    seconds=3600.0,
)
KINDS = {kind.name: kind for kind in (TASK, CONFIG)}


@dataclass(frozen=True)
class Endpoint:
    """An endpoint that stands. `slot`: the replication slot that a PostgreSQL source is told to use."""

    arn: str
    identifier: str
    status: str
    engine: str = ""
    slot: str = ""


@dataclass(frozen=True)
class Live:
    """A task or a serverless replication config that stands. `made` is when, so that it tells two of one name apart."""

    kind: Kind
    arn: str
    made: str
    status: str
    definition: Mapping[str, Any]
    start_position: str = ""
    stop_position: str = ""
    checkpoint: str = ""
    has_started: bool = False
    load_is_over: bool = False
    errored: int = 0
    failure: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def identifier(self) -> str:
        """Its name in DMS."""
        return str(self.definition[self.kind.identifier])

    @property
    def type(self) -> str:
        """Its migration type."""
        return str(self.definition[self.kind.type])

    @property
    def runs(self) -> bool:
        """Whether somebody wants it to run: it does, or is about to."""
        return not self.is_at_rest and self.status not in NOT_BEFORE_RUNNING

    @property
    def is_at_rest(self) -> bool:
        """Whether nothing of it is under way."""
        return self.status in (self.kind.new, STOPPED, FAILED, STUCK)

    def __str__(self) -> str:
        """As "task nightly"."""
        return f"{self.kind.name} {self.identifier}"


class Replications:
    """Those of an account and Region. Each method raises what botocore raises; `once` CannotError, too.

    `waiting` has the clock by which they are looked at again and again.
    """

    def __init__(self, client: DatabaseMigrationServiceClient, waiting: Deadline) -> None:
        self._client: Any = client
        self._waiting = waiting

    def endpoint(self, named: str) -> Endpoint:
        """The endpoint of this physical id, or of this identifier, which DMS keeps in lower case.

        Raises CannotError if there is none, RefusedError if its tags name another environment.
        """
        environment, _, identifier = named.rpartition("/")
        identifier = identifier.lower()
        endpoint = self._endpoint("endpoint-id", identifier)
        if endpoint is None:
            raise CannotError(f"endpoint {identifier} does not exist. Look at the name, the profile and the region")
        owner = self.tags_of(endpoint.arn).get(PHYSICAL_ID, "")
        if environment and owner and owner != tag_value(f"{environment}/{identifier}"):
            raise RefusedError(f"endpoint {identifier} is {owner} by its tags, not {named}. Look at the profile")
        return endpoint

    def endpoint_at(self, arn: str) -> Endpoint | None:
        """The endpoint of this ARN."""
        return self._endpoint("endpoint-arn", arn)

    def _endpoint(self, name: str, value: str) -> Endpoint | None:
        for found in self._all(self._client.describe_endpoints, "Endpoints", name, value):
            slot = found.get("PostgreSQLSettings", {}).get("SlotName") or _slot_in(found)
            return Endpoint(
                found["EndpointArn"], found["EndpointIdentifier"], found["Status"], found["EngineName"].lower(), slot
            )
        return None

    def instance_status(self, arn: str) -> str:
        """The status of the replication instance; empty if there is none."""
        describe = self._client.describe_replication_instances
        found = self._all(describe, "ReplicationInstances", "replication-instance-arn", arn)
        return str(found[0]["ReplicationInstanceStatus"]) if found else ""

    def _all(self, describe: Callable[..., Any], member: str, name: str = "", value: str = "") -> list[Any]:
        """All pages. An empty match is a ResourceNotFoundFault or an empty list; boto3 has no paginator for some."""
        given: dict[str, Any] = {"Filters": [{"Name": name, "Values": [value]}]} if name else {}
        found: list[Any] = []
        with suppress(self._client.exceptions.ResourceNotFoundFault):
            while True:
                page = describe(**given)
                found += page[member]
                given["Marker"] = page.get("Marker")
                if not given["Marker"]:
                    break
        return found

    def on(self, endpoint_arn: str) -> list[Live]:
        """Those on the endpoint, without their tags. DescribeReplicationConfigs has no filter for endpoints."""
        configs = self._all(self._client.describe_replication_configs, "ReplicationConfigs")
        on_it = [self._config(each) for each in configs if endpoint_arn in [each[end] for end in ENDS]]
        return [*self._tasks("endpoint-arn", endpoint_arn), *on_it]

    def find(self, kind: Kind, identifier: str) -> Live | None:
        """The one of this kind and identifier, without its tags."""
        if kind is TASK:
            found = self._tasks("replication-task-id", identifier)
        else:
            describe = self._client.describe_replication_configs
            configs = self._all(describe, "ReplicationConfigs", "replication-config-id", identifier)
            found = [self._config(each) for each in configs]
        return found[0] if found else None

    def _tasks(self, name: str, value: str) -> list[Live]:
        described = self._all(self._client.describe_replication_tasks, "ReplicationTasks", name, value)
        return [_live(TASK, each, each, each.get("ReplicationTaskStats", {})) for each in described]

    def _config(self, config: Mapping[str, Any]) -> Live:
        """The replication of a config has its status and its place in the changes."""
        describe, arn = self._client.describe_replications, config["ReplicationConfigArn"]
        found = self._all(describe, "Replications", "replication-config-arn", arn)
        replication: Mapping[str, Any] = found[0] if found else {"Status": CONFIG.new}
        return _live(CONFIG, config, replication, replication.get("ReplicationStats", {}))

    def tags_of(self, arn: str) -> dict[str, str]:
        """The tags of what has this ARN."""
        return tags_in(self._client.list_tags_for_resource(ResourceArn=arn)["TagList"])

    def stop(self, live: Live) -> None:
        """Ask DMS to stop it."""
        stop = self._client.stop_replication_task if live.kind is TASK else self._client.stop_replication
        stop(**{live.kind.arn: live.arn})

    def delete(self, live: Live) -> None:
        """Ask DMS to delete it."""
        is_task = live.kind is TASK
        delete = self._client.delete_replication_task if is_task else self._client.delete_replication_config
        delete(**{live.kind.arn: live.arn})

    def create(self, kind: Kind, parameters: Mapping[str, Any]) -> None:
        """Ask DMS to make one with these parameters."""
        is_task = kind is TASK
        create = self._client.create_replication_task if is_task else self._client.create_replication_config
        create(**parameters)

    def start(self, live: Live, start_position: str, stop_position: str) -> None:
        """Ask DMS to start one for the first time.

        "To start from a specific position, you must use start-replication and also specify the start position", says
        https://docs.aws.amazon.com/dms/latest/APIReference/API_StartReplicationTask.html, so a task is told again.
        """
        given = {live.kind.arn: live.arn} | ({"CdcStartPosition": start_position} if start_position else {})
        if live.kind is TASK:
            self._client.start_replication_task(**given, StartReplicationTaskType="start-replication")
        else:
            until = {"CdcStopPosition": stop_position} if stop_position else {}
            self._client.start_replication(**given, **until, StartReplicationType="start-replication")

    def once(self, kind: Kind, identifier: str, holds: Callable[[Live | None], bool], until: str) -> Live | None:
        """What stands under this name, once `holds` does of it. Raises CannotError; `until` is what it waited for."""
        live = None
        for _waited in self._waiting.attempts(at_most=kind.seconds, first=1.0, longest=15.0):
            live = self.find(kind, identifier)
            if holds(live):
                return live
        status = live.status if live else "not there"
        minutes = f"{kind.seconds / 60:.0f} minutes"
        raise CannotError(f"{kind.name} {identifier} is {status}, and was not {until} within {minutes}. Run this again")


def _slot_in(endpoint: Mapping[str, Any]) -> str:
    """The slot that the extra connection attributes name, as `slotName=…`, in any case."""
    parts: Sequence[tuple[str, str, str]] = [
        part.partition("=") for part in endpoint.get("ExtraConnectionAttributes", "").split(";")
    ]
    return next((value.strip() for name, _, value in parts if name.strip().lower() == "slotname"), "")


def _live(kind: Kind, described: Mapping[str, Any], state: Mapping[str, Any], stats: Mapping[str, Any]) -> Live:
    """`state` is what a task itself, or the replication of a config, says of its status."""
    status, checkpoint = str(state["Status"]), str(state.get("RecoveryCheckpoint") or "")
    went_on = status in (RUNNING, "starting", "stopping", STOPPED, FAILED)
    return Live(
        kind=kind,
        arn=described[kind.arn],
        made=_moment(described.get(kind.made, "")),
        status=status,
        definition={name: described[name] for name in kind.members if described.get(name) is not None},
        start_position=str(state.get("CdcStartPosition") or ""),
        stop_position=str(state.get("CdcStopPosition") or ""),
        checkpoint=checkpoint,
        has_started=went_on or bool(checkpoint or stats.get("StartDate")),
        load_is_over=_load_is_over(stats),
        errored=int(stats.get("TablesErrored") or 0),
        failure=str(state.get("LastFailureMessage") or " ".join(state.get("FailureMessages") or [])),
    )


def _moment(made: Any) -> str:
    """The same text on each machine, though botocore reads times in the zone of the machine."""
    return made.astimezone(UTC).isoformat() if isinstance(made, datetime) else str(made)


def _load_is_over(stats: Mapping[str, Any]) -> bool:
    """Whether the last full load ended, and no table is being loaded again."""
    finished, fresh = stats.get("FullLoadFinishDate"), stats.get("FreshStartDate")
    is_loading = bool(stats.get("TablesLoading") or stats.get("TablesQueued"))
    return finished is not None and (fresh is None or finished >= fresh) and not is_loading
