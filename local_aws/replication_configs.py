"""Serverless replications: a config, and the one replication of it.

- https://docs.aws.amazon.com/dms/latest/APIReference/API_ReplicationConfig.html
- https://docs.aws.amazon.com/dms/latest/userguide/CHAP_Serverless.Limitations.html
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from .dms_endpoints import Source
from .dms_parameters import DmsFault, invalid
from .dms_settings import Given
from .replication_tasks import check_settings, shown_settings
from .task_states import EPOCH, Kept, Names, Replications, Run

WHAT = "Replication config"
NAMES = Names(WHAT, "created", "created", "initializing")
FILTERS = {
    "replication-config-arn": ("ReplicationConfigArn",),
    "replication-config-id": ("ReplicationConfigIdentifier",),
}
MODIFIABLE = ("ReplicationType", "TableMappings", "ReplicationSettings", "SupplementalSettings", "ComputeConfig")
ENDS = ("SourceEndpointArn", "TargetEndpointArn")


@dataclass
class ReplicationConfigs(Replications):
    """The public methods are operations of DMS. They take the API's parameters, return its answer or raise DmsFault.

    `source_of` tells the source endpoint of an ARN.
    """

    source_of: Callable[[str], Source] = lambda _arn: Source()

    def create_replication_config(self, given: Given) -> Given:
        """CreateReplicationConfig. Nobody starts it."""
        check_settings(given.get("ReplicationSettings", "{}"))
        if given["ComputeConfig"].get("MultiAZ") and "AvailabilityZone" in given["ComputeConfig"]:
            raise invalid("AvailabilityZone can't be set if MultiAZ is true")
        given = given | {"ReplicationConfigIdentifier": self.free("ReplicationConfigIdentifier", given, WHAT)}
        run = Run(self.surroundings, NAMES, self.source_of(given["SourceEndpointArn"]), given["ReplicationType"])
        return {"ReplicationConfig": self._config(self.keep("replication-config", given, run))}

    def _config(self, kept: Kept) -> Given:
        settings = kept.definition.get("ReplicationSettings", "{}")
        return {
            **kept.definition,
            "ReplicationConfigArn": kept.arn,
            "ReplicationSettings": shown_settings(settings, kept.arn, has_run=kept.run.began is not None),
            "ReplicationConfigCreateTime": EPOCH + kept.run.made,
        }

    def _replication(self, kept: Kept) -> Given:
        members = ("ReplicationConfigIdentifier", "ReplicationType", *ENDS)
        shown = {
            **{member: kept.definition[member] for member in members},
            **kept.run.shown(),
            **({"CdcStartPosition": kept.run.start_position} if kept.run.start_position else {}),
            "ReplicationConfigArn": kept.arn,
            "Status": kept.run.status,
            "ReplicationStats": kept.run.stats(),
        }
        return shown | ({"FailureMessages": [kept.run.failure]} if kept.run.failure else {})

    def describe_replication_configs(self, given: Given) -> Given:
        """DescribeReplicationConfigs."""
        found = [self._config(each) for each in self.standing()]
        return self.page_of("ReplicationConfigs", found, given, FILTERS)

    def describe_replications(self, given: Given) -> Given:
        """DescribeReplications."""
        found = [self._replication(each) for each in self.standing()]
        return self.page_of("Replications", found, given, FILTERS)

    def start_replication(self, given: Given) -> Given:
        """StartReplication. The config itself has no start position."""
        kept = self._find(given)
        kept.run.start(given["StartReplicationType"], given.get("CdcStartPosition", ""), kept.arn)
        return {"Replication": self._replication(kept)}

    def stop_replication(self, given: Given) -> Given:
        """StopReplication."""
        kept = self._find(given)
        kept.run.stop(kept.arn)
        return {"Replication": self._replication(kept)}

    def modify_replication_config(self, given: Given) -> Given:
        """ModifyReplicationConfig, which is refused once it was started."""
        kept = self._find(given)
        if kept.run.began is not None:
            raise DmsFault("InvalidResourceStateFault", f"{WHAT} {kept.arn} can't be modified: it was started.")
        kept.definition |= {key: given[key] for key in (*MODIFIABLE, *ENDS) if key in given}
        kept.run.type = kept.definition["ReplicationType"]
        return {"ReplicationConfig": self._config(kept)}

    def delete_replication_config(self, given: Given) -> Given:
        """DeleteReplicationConfig."""
        kept = self._find(given)
        shown = self._config(kept)
        kept.run.delete(kept.arn)
        return {"ReplicationConfig": shown}

    def _find(self, given: Given) -> Kept:
        return self.find(given["ReplicationConfigArn"], WHAT)
