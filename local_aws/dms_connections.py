"""Connection tests of the embedded DMS: a replication instance writes to an endpoint's bucket with its role."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from ministack.core.iam_evaluator import (
    EvalContext,
    _gather_role_policies,
    _permissions_boundary,
    combine_resource_policy,
    evaluate,
)
from ministack.core.responses import get_account_id, get_region
from ministack.services import iam, s3
from moto.dms.models import dms_backends

from .dms_endpoints import Endpoint, Surroundings, account_of, filtered, page, partition_of
from .dms_parameters import DmsFault
from .dms_settings import Given


@dataclass
class Connections:
    """The connections of one account, by the ARNs of endpoint and replication instance."""

    surroundings: Surroundings
    pairs: dict[tuple[str, str], Given] = field(default_factory=dict)
    # The endpoints whose first test was refused, for the switch `busy_first`.
    refused: set[str] = field(default_factory=set)

    def test_connection(self, endpoint: Endpoint, instance: str) -> Given:
        """TestConnection. Raises DmsFault."""
        self.check_instance(instance)
        pair = (endpoint.arn, instance)
        running = self._is_running(self.pairs.get(pair, {}))
        if not running:
            self.pairs[pair] = self._new_test(endpoint, instance)
        if running or self._is_busy(endpoint):
            raise DmsFault("InvalidResourceStateFault", "The connection is already being tested.")
        return {"Connection": self._shown(self.pairs[pair]) | {"Status": "testing"}}

    def is_tested(self, endpoint_arn: str) -> bool:
        """Whether a test of the endpoint is running."""
        return any(arn == endpoint_arn and self._is_running(test) for (arn, _), test in self.pairs.items())

    def _is_running(self, test: Given) -> bool:
        return bool(test.get("ends", 0.0) > self.surroundings.now())

    def check_instance(self, arn: str) -> None:
        """Raise DmsFault unless there is a replication instance of this ARN, and it is available."""
        instance = dms_backends[get_account_id()][get_region()].replication_instances.get(arn)
        if instance is None:
            raise DmsFault("ResourceNotFoundFault", f"Replication instance {arn} not found.")
        if instance.status != "available" or not self.surroundings.switches.instance_available:
            raise DmsFault("InvalidResourceStateFault", f"Replication instance {arn} is not available.")

    def _new_test(self, endpoint: Endpoint, instance: str) -> Given:
        return {
            "ReplicationInstanceArn": instance,
            "ReplicationInstanceIdentifier": instance.rpartition(":")[2],
            "EndpointArn": endpoint.arn,
            "EndpointIdentifier": endpoint.identifier,
            "ends": self.surroundings.now() + self.surroundings.switches.connection_test_seconds,
            "failure": self._failure(endpoint),
        }

    def _is_busy(self, endpoint: Endpoint) -> bool:
        """Whether to report a test that somebody else started: once for each endpoint."""
        busy = self.surroundings.switches.connection_test == "busy_first" and endpoint.arn not in self.refused
        self.refused.add(endpoint.arn)
        return busy

    def _failure(self, endpoint: Endpoint) -> str:
        """The failure that the test ends with; empty if it succeeds."""
        if self.surroundings.switches.connection_test == "fails":
            return _test_failure("Failed to connect to the bucket")
        if not self.surroundings.may_assume(endpoint.role_arn, endpoint.external_id, endpoint.arn):
            return _test_failure(f"Failed to assume role {endpoint.role_arn}")
        return _bucket_failure(endpoint)

    def describe_connections(self, given: Given) -> Given:
        """DescribeConnections. Raises DmsFault."""
        found = [self._shown(each) for each in self.pairs.values()]
        names = {"endpoint-arn": "EndpointArn", "replication-instance-arn": "ReplicationInstanceArn"}
        for by in given.get("Filters", []):
            found = [each for each in found if each[filtered(by, names)] in by["Values"]]
        if not found and given.get("Filters"):
            raise DmsFault("ResourceNotFoundFault", "No Connections found matching provided filters")
        return page("Connections", found, given)

    def delete_connection(self, given: Given) -> Given:
        """DeleteConnection. Raises DmsFault."""
        pair = (given["EndpointArn"], given["ReplicationInstanceArn"])
        if pair not in self.pairs:
            raise DmsFault("ResourceNotFoundFault", "Connection not found.")
        return {"Connection": self._shown(self.pairs.pop(pair)) | {"Status": "deleting"}}

    def forget(self, endpoint_arn: str) -> None:
        """Remove the connections of an endpoint that was deleted."""
        self.pairs = {pair: test for pair, test in self.pairs.items() if pair[0] != endpoint_arn}

    def _shown(self, test: Given) -> Given:
        shown = {key: value for key, value in test.items() if key not in ("ends", "failure")}
        if self._is_running(test):
            return shown | {"Status": "testing"}
        if test["failure"]:
            return shown | {"Status": "failed", "LastFailureMessage": test["failure"]}
        return shown | {"Status": "successful"}


def _bucket_failure(endpoint: Endpoint) -> str:
    name = endpoint.settings["BucketName"]
    owner = s3._bucket_owner_account(name)
    if owner is None:
        return _test_failure(f"Failed to list bucket {name}: NoSuchBucket")
    if endpoint.settings.get("ExpectedBucketOwner", owner) != owner:
        # S3 does not tell the reason.
        return _test_failure("Failed to list bucket: Access Denied")
    denied = [action for action, arn in _needed(endpoint) if not _role_may(endpoint.role_arn, action, arn)]
    return _test_failure(f"Access Denied: {', '.join(denied)}") if denied else ""


def _test_failure(detail: str) -> str:
    return (
        "Test Endpoint failed: Application-Status: 1020912, Application-Message: Failed to connect to S3, "
        f"Application-Detailed-Message: {detail}"
    )


def _needed(endpoint: Endpoint) -> Iterable[tuple[str, str]]:
    """The actions and ARNs that DMS needs, with the role, on the bucket and the key."""
    settings, partition = endpoint.settings, partition_of(get_region())
    bucket = f"arn:{partition}:s3:::{settings['BucketName']}"
    folder = settings.get("BucketFolder", "").strip("/")
    yield "s3:ListBucket", bucket
    yield "s3:PutObject", f"{bucket}/{folder}/test" if folder else f"{bucket}/test"
    key = settings.get("ServerSideEncryptionKmsKeyId", "")
    if key and "kms" in settings.get("EncryptionMode", "").lower():
        of_account = f"arn:{partition}:kms:{get_region()}:{account_of(endpoint.role_arn)}:key/{key}"
        yield "kms:GenerateDataKey", key if key.startswith("arn:") else of_account


def bucket_owner(arn: str) -> str | None:
    """The account of the bucket that the ARN names, or that has the object; None if there is no such bucket."""
    return s3._bucket_owner_account(_bucket_in(arn)) if ":s3:::" in arn else None


def _bucket_in(arn: str) -> str:
    return arn.partition(":s3:::")[2].partition("/")[0]


def _role_may(role_arn: str, action: str, resource_arn: str) -> bool:
    """Whether the role's policies, its boundary and the bucket's policy allow it. Key policies are not asked."""
    account, name = account_of(role_arn), role_arn.rpartition("/")[2]
    context = EvalContext(
        principal_arn=role_arn,
        principal_type="AssumedRole",
        principal_account=account,
        action=action,
        resource_arn=resource_arn,
        region=get_region(),
    )
    limits = _permissions_boundary(iam._roles, name, account)
    decision = evaluate(context, _gather_role_policies(name, account), *limits)
    if owner := bucket_owner(resource_arn):
        policy = s3._bucket_policies.get_scoped(owner, None, _bucket_in(resource_arn))
        decision = combine_resource_policy(decision, context, policy, owner, limits=limits)
    return bool(decision.decision == "Allow")
