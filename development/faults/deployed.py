"""The function as SAM deploys it, in the embedded AWS: the runs share its accounts, each with names of its own."""

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

from .pieces import Pieces, pieces_of
from .scenarios import properties
from .stack import Answer, Event, Stack

# Virtual seconds to the second: the 12 that a watchdog keeps for its answer are 1.2 real ones on a busy machine.
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
    """A cloud for one run: its pieces are those with the run's own names, and the bystanders."""

    cloudformation: CloudFormation
    name: str = field(default_factory=lambda: f"run{next(NUMBERS)}-orders")
    # How Lambda says that the function failed, one for each time.
    errors: list[str] = field(default_factory=list)

    @property
    def aws(self) -> EmbeddedAws:
        return self.cloudformation.aws

    def deliver(self, event: Event) -> list[Answer]:
        addressed = self.cloudformation.addressed(event)
        bodies = self.cloudformation.received[event["RequestId"]].bodies
        before = len(bodies)
        ended = self.cloudformation.invoke(addressed)
        if "FunctionError" in ended:
            self.errors.append(ended["Payload"].read().decode()[:200])
        return [json.loads(body) for body in bodies[before:]]

    def wait_for_nothing(self) -> None:
        """The next request comes at once, which is harder than an hour later."""

    def pieces(self) -> Pieces:
        iam, dms = self.aws.client("iam", DEV.data_lake), self.aws.client("dms", DEV.dms)
        return pieces_of(iam, dms, lambda name: name.startswith((f"{self.name}", BYSTANDER)))


@contextmanager
def deployed(build_dir: Path) -> Iterator[CloudFormation]:
    """The accounts with the function, and with bystanders that no run may touch."""
    with EmbeddedAws(time_scale=TIME_SCALE) as aws:
        deploy_accounts(aws, [DEV])
        deploy_function(aws, build_dir, [DEV])
        with played(aws) as cloudformation:
            make_bystanders(cloudformation)
            yield cloudformation


def make_bystanders(cloudformation: CloudFormation) -> None:
    """A role, a policy and an endpoint of nobody's, and those of another stack."""
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
