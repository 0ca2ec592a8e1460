"""The deployed function in the embedded AWS. The runs share its accounts, and each run has its own names."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from local_aws import EmbeddedAws
from local_aws.cloudformation import CloudFormation, played
from local_aws.organisation import DEV, deploy_accounts, deploy_function

from .inventory import Inventory, inventory_of
from .scenarios import properties
from .stack import Answer, Event, Stack

# Virtual seconds per second. The 12 virtual seconds that the function keeps for its answer are 1.2 real ones, which
# is enough on a busy machine.
TIME_SCALE = 10
BYSTANDER = "bystander"
DMS_TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "dms.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}
SOME_ACCESS = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "s3:ListBucket", "Resource": f"arn:aws:s3:::{DEV.bucket}"}],
}
NUMBERS = itertools.count(1)


@dataclass
class Deployed:
    """The cloud of one run. Its inventory has the resources with the run's own names, and the bystanders."""

    cloudformation: CloudFormation
    name: str = field(default_factory=lambda: f"run{next(NUMBERS)}-orders")
    # Lambda's error for each time that the function failed.
    errors: list[str] = field(default_factory=list)

    @property
    def aws(self) -> EmbeddedAws:
        """The embedded AWS."""
        return self.cloudformation.aws

    def deliver(self, event: Event) -> list[Answer]:
        """Run the function on the event and return its answers; see `Cloud`."""
        addressed = self.cloudformation.addressed(event)
        bodies = self.cloudformation.received[event["RequestId"]].bodies
        before = len(bodies)
        ended = self.cloudformation.invoke(addressed)
        if "FunctionError" in ended:
            self.errors.append(ended["Payload"].read().decode()[:200])
        return [json.loads(body) for body in bodies[before:]]

    def wait_for_nothing(self) -> None:
        """Do not wait: a request that comes at once is harder than one that comes an hour later."""

    def inventory(self) -> Inventory:
        """The run's resources and the bystanders."""
        iam, dms = self.aws.client("iam", DEV.data_lake), self.aws.client("dms", DEV.dms)
        return inventory_of(iam, dms, lambda name: name.startswith((f"{self.name}", BYSTANDER)))


@contextmanager
def deployed(built: Path) -> Iterator[CloudFormation]:
    """Accounts with the function, and with bystanders that no run may touch."""
    with EmbeddedAws(time_scale=TIME_SCALE) as aws:
        deploy_accounts(aws, [DEV], PermissionsBoundary="none")  # as scenarios give their own
        deploy_function(aws, built, [DEV])
        with played(aws) as cloudformation:
            make_bystanders(cloudformation)
            yield cloudformation


def make_bystanders(cloudformation: CloudFormation) -> None:
    """Create an unowned role, policy and endpoint, and those of another stack."""
    aws = cloudformation.aws
    iam, dms = aws.client("iam", DEV.data_lake), aws.client("dms", DEV.dms)
    role = iam.create_role(RoleName=BYSTANDER, AssumeRolePolicyDocument=json.dumps(DMS_TRUST))["Role"]
    policy = iam.create_policy(PolicyName=BYSTANDER, PolicyDocument=json.dumps(SOME_ACCESS))["Policy"]
    iam.attach_role_policy(RoleName=BYSTANDER, PolicyArn=policy["Arn"])
    aws.switch(first_create="keeps")
    dms.create_endpoint(
        EndpointIdentifier=BYSTANDER,
        EndpointType="target",
        EngineName="s3",
        S3Settings={"BucketName": DEV.bucket, "ServiceAccessRoleArn": role["Arn"]},
    )
    aws.reset_switches()
    name = f"{BYSTANDER}-orders"
    stack = Stack(Deployed(cloudformation, name), stack_id=f"{cloudformation.stack_id}-{BYSTANDER}")
    if not stack.create(properties(name)):
        raise RuntimeError("the bystanders' endpoint was not created")
