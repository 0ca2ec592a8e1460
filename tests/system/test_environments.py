"""An environment is added, and renamed, while its endpoints stand."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from local_aws import EmbeddedAws
from local_aws.cloudformation import CloudFormation
from local_aws.organisation import DEV, PAIRS, Pair, deploy_function, endpoints

from .world import create, delete, mutations, properties, refused, the_endpoint, update

DEVELOPMENT = Pair("development", DEV.data_lake, DEV.dms)


@contextmanager
def deployed_with(aws: EmbeddedAws, built: Path, *pairs: Pair) -> Iterator[None]:
    deploy_function(aws, built, pairs)
    try:
        yield
    finally:
        deploy_function(aws, built, PAIRS)


def test_a_new_environment_leaves_the_endpoints_of_the_others_as_they_are(
    aws: EmbeddedAws, cloudformation: CloudFormation, built: Path
) -> None:
    create(cloudformation)
    aws.clear_calls()
    with deployed_with(aws, built, *PAIRS, DEVELOPMENT):
        assert update(cloudformation, properties(), properties())["Status"] == "SUCCESS"
    assert mutations(aws) == []
    delete(cloudformation)


def test_an_environment_is_renamed_by_another_name_beside_it_and_new_endpoints_before_the_old_go(
    aws: EmbeddedAws, cloudformation: CloudFormation, built: Path
) -> None:
    create(cloudformation)
    renamed = properties(
        ENVIRONMENT="development", ENDPOINTIDENTIFIER="orders-2", POLICYNAME="dms-orders-2", ROLENAME="dms-orders-2"
    )
    with deployed_with(aws, built, *PAIRS, DEVELOPMENT):
        assert update(cloudformation, properties(), renamed)["PhysicalResourceId"] == "development/orders-2"
        assert {each["EndpointIdentifier"] for each in endpoints(aws, DEV)} == {"orders", "orders-2"}
        delete(cloudformation)
        assert the_endpoint(aws)["EndpointIdentifier"] == "orders-2"
        delete(cloudformation, "development/orders-2")


def test_the_delete_of_an_endpoint_whose_environment_was_taken_out_too_early_waits_for_its_return(
    aws: EmbeddedAws, cloudformation: CloudFormation, built: Path
) -> None:
    create(cloudformation)
    with deployed_with(aws, built, DEVELOPMENT):
        answer = cloudformation.send("Delete", properties(), PhysicalResourceId="dev/orders")
        assert "Deploy it with that environment again" in refused(answer, "UnknownEnvironment")
    delete(cloudformation)
