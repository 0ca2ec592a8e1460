"""Update, through the deployed function."""

from __future__ import annotations

import json

import pytest

from local_aws import EmbeddedAws
from local_aws.cloudformation import CloudFormation
from local_aws.organisation import DEV, TEST, endpoints, policy_arns

from .world import (
    create,
    delete,
    external_ids,
    mutations,
    no_boundary_demanded,
    properties,
    refused,
    settings,
    tags_of,
    task_on,
    the_endpoint,
    trust_of,
    update,
)


def test_an_update_that_changes_no_property_changes_nothing(aws: EmbeddedAws, cloudformation: CloudFormation) -> None:
    created = create(cloudformation)
    aws.clear_calls()
    answer = update(cloudformation, properties(), properties())
    assert answer["Data"] == created["Data"]
    assert mutations(aws) == []
    delete(cloudformation)


def test_another_spelling_of_a_setting_is_no_change(aws: EmbeddedAws, cloudformation: CloudFormation) -> None:
    create(cloudformation, S3SETTINGS=settings(COMPRESSIONTYPE="GZIP", ENCRYPTIONMODE="SSE_S3"))
    aws.clear_calls()
    new = properties(S3SETTINGS={"bucketname": DEV.bucket, "BucketFolder": "orders", "DATAFORMAT": "PARQUET"})
    new["S3SETTINGS"] |= {"COMPRESSIONTTYPE": "gzip", "encryptionmode": "sse-s3"}
    assert update(cloudformation, properties(), new)["Status"] == "SUCCESS"
    assert mutations(aws) == []
    delete(cloudformation)


@pytest.mark.parametrize("form", ["keeps", "keeps_nothing", "fault_with_id", "fault_until_trusted"])
def test_a_changed_setting_recreates_the_endpoint_under_the_same_arn(
    aws: EmbeddedAws, cloudformation: CloudFormation, form: str
) -> None:
    aws.switch(first_create=form, delete_seconds=20.0)
    created = create(cloudformation)
    new = properties(S3SETTINGS=settings(DATAFORMAT="csv"))
    answer = update(cloudformation, properties(), new)
    assert answer["PhysicalResourceId"] == "dev/orders"
    assert answer["Data"]["EndpointArn"] == created["Data"]["EndpointArn"]
    assert the_endpoint(aws)["S3Settings"]["DataFormat"].lower() == "csv"
    delete(cloudformation)


def test_a_recreated_endpoint_with_another_external_id_is_trusted_by_it(
    aws: EmbeddedAws, cloudformation: CloudFormation
) -> None:
    aws.switch(external_id="per_call", identifier_reserved_seconds=10.0)
    create(cloudformation)
    update(cloudformation, properties(), properties(S3SETTINGS=settings(DATAFORMAT="csv")))
    assert external_ids(trust_of(aws, "dms-orders")) == [the_endpoint(aws)["ExternalId"]]
    delete(cloudformation)


def test_an_endpoint_in_use_is_neither_changed_nor_its_role(aws: EmbeddedAws, cloudformation: CloudFormation) -> None:
    created = create(cloudformation)
    before, trust = the_endpoint(aws), trust_of(aws, "dms-orders")
    with task_on(aws, created["Data"]["EndpointArn"]) as task:
        aws.clear_calls()
        new = properties(S3SETTINGS=settings(DATAFORMAT="csv"))
        assert task in refused(update(cloudformation, properties(), new), "EndpointInUse")
        assert mutations(aws) == []
        assert update(cloudformation, new, properties())["Status"] == "SUCCESS", "the rollback"
        assert mutations(aws) == []
    assert (the_endpoint(aws), trust_of(aws, "dms-orders")) == (before, trust)
    delete(cloudformation)


def test_a_serverless_replication_on_the_endpoint_is_found_too(
    aws: EmbeddedAws, cloudformation: CloudFormation
) -> None:
    created = create(cloudformation)
    dms = aws.client("dms", DEV.dms)
    config = dms.create_replication_config(
        ReplicationConfigIdentifier="serverless-orders",
        SourceEndpointArn=f"arn:aws:dms:{aws.region}:{DEV.dms}:endpoint:SOURCE",
        TargetEndpointArn=created["Data"]["EndpointArn"],
        ComputeConfig={"MaxCapacityUnits": 1},
        ReplicationType="full-load",
        TableMappings="{}",
    )["ReplicationConfig"]
    answer = update(cloudformation, properties(), properties(S3SETTINGS=settings(DATAFORMAT="csv")))
    assert "serverless-orders" in refused(answer, "EndpointInUse")
    dms.delete_replication_config(ReplicationConfigArn=config["ReplicationConfigArn"])
    delete(cloudformation)


def test_tags_are_changed_in_place_and_tags_of_others_stay(aws: EmbeddedAws, cloudformation: CloudFormation) -> None:
    old = properties(TAGS=[{"Key": "team", "Value": "one"}, {"Key": "cost", "Value": "1"}])
    new = properties(TAGS=[{"Key": "team", "Value": "two"}])
    arn = create(cloudformation, TAGS=old["TAGS"])["Data"]["EndpointArn"]
    aws.client("dms", DEV.dms).add_tags_to_resource(ResourceArn=arn, Tags=[{"Key": "theirs", "Value": "stays"}])
    aws.clear_calls()
    assert update(cloudformation, old, new)["Status"] == "SUCCESS"
    tags = {key: value for key, value in tags_of(aws, arn).items() if not key.startswith("dms-s3-endpoint:")}
    assert tags == {"team": "two", "theirs": "stays"}
    assert not {"CreateEndpoint", "DeleteEndpoint"} & set(mutations(aws))
    delete(cloudformation)


def test_a_policy_name_is_changed_in_place_and_the_old_policy_removed(
    aws: EmbeddedAws, cloudformation: CloudFormation
) -> None:
    create(cloudformation)
    aws.clear_calls()
    answer = update(cloudformation, properties(), properties(POLICYNAME="dms-orders-2"))
    assert answer["Data"]["PolicyArn"].endswith("/dms-orders-2")
    assert policy_arns(aws, DEV) == [answer["Data"]["PolicyArn"]]
    assert not {"CreateEndpoint", "DeleteEndpoint"} & set(mutations(aws))
    delete(cloudformation)


def test_a_role_name_given_up_is_removed_last(aws: EmbeddedAws, cloudformation: CloudFormation) -> None:
    create(cloudformation)
    aws.clear_calls()
    answer = update(cloudformation, properties(), properties(ROLENAME="dms-orders-2"))
    assert answer["Data"]["RoleName"] == "dms-orders-2"
    assert the_endpoint(aws)["S3Settings"]["ServiceAccessRoleArn"] == answer["Data"]["RoleArn"]
    assert mutations(aws)[-1] == "DeleteRole"
    delete(cloudformation)


def test_where_none_is_demanded_a_permissions_boundary_is_put_and_taken_away_in_place(
    aws: EmbeddedAws, cloudformation: CloudFormation
) -> None:
    boundary = "arn:aws:iam::aws:policy/PowerUserAccess"
    bounded = properties(PERMISSIONSBOUNDARY=boundary)
    with no_boundary_demanded(aws):
        create(cloudformation)
        assert boundary_of_role(aws) == ""
        assert update(cloudformation, properties(), bounded)["Status"] == "SUCCESS"
        assert boundary_of_role(aws) == boundary
        assert update(cloudformation, bounded, properties())["Status"] == "SUCCESS"
        assert boundary_of_role(aws) == ""
        delete(cloudformation)


def test_a_role_of_the_time_before_a_boundary_was_demanded_has_it_after_its_next_update(
    aws: EmbeddedAws, cloudformation: CloudFormation
) -> None:
    create(cloudformation)
    aws.client("iam", DEV.data_lake).delete_role_permissions_boundary(RoleName="dms-orders")
    assert update(cloudformation, properties(), properties())["Status"] == "SUCCESS"
    assert boundary_of_role(aws) == DEV.boundary_arn
    delete(cloudformation)


def boundary_of_role(aws: EmbeddedAws) -> str:
    """Its ARN; empty for none."""
    role = aws.client("iam", DEV.data_lake).get_role(RoleName="dms-orders")["Role"]
    return str(role.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn", ""))


def test_a_replacement_in_the_same_account_needs_other_names(aws: EmbeddedAws, cloudformation: CloudFormation) -> None:
    create(cloudformation)
    aws.clear_calls()
    answer = update(cloudformation, properties(), properties(ENDPOINTIDENTIFIER="orders-2"))
    refused(answer, "InvalidRequest")
    assert answer["PhysicalResourceId"] == "dev/orders"
    assert mutations(aws) == []
    delete(cloudformation)


def test_a_replacement_answers_with_the_new_id_and_keeps_the_old_until_it_is_deleted(
    aws: EmbeddedAws, cloudformation: CloudFormation
) -> None:
    create(cloudformation)
    new = properties(ENDPOINTIDENTIFIER="orders-2", ROLENAME="dms-orders-2", POLICYNAME="dms-orders-2")
    answer = update(cloudformation, properties(), new)
    assert answer["PhysicalResourceId"] == "dev/orders-2"
    assert sorted(str(e["EndpointIdentifier"]) for e in endpoints(aws, DEV)) == ["orders", "orders-2"]
    delete(cloudformation)
    assert the_endpoint(aws)["EndpointIdentifier"] == "orders-2"
    delete(cloudformation, "dev/orders-2")


def test_a_replacement_that_fails_takes_away_what_it_made(aws: EmbeddedAws, cloudformation: CloudFormation) -> None:
    create(cloudformation)
    aws.switch(quota=1)
    new = properties(ENDPOINTIDENTIFIER="orders-2", ROLENAME="dms-orders-2", POLICYNAME="dms-orders-2")
    answer = update(cloudformation, properties(), new)
    refused(answer, "LimitExceeded")
    assert answer["PhysicalResourceId"] == "dev/orders"
    roles = aws.client("iam", DEV.data_lake).list_roles(PathPrefix="/dms-s3-endpoint/")["Roles"]
    assert [role["RoleName"] for role in roles] == ["dms-orders"]
    delete(cloudformation)


def test_a_replacement_in_another_environment_may_keep_all_names(
    aws: EmbeddedAws, cloudformation: CloudFormation
) -> None:
    create(cloudformation)
    new = properties(ENVIRONMENT="test", S3SETTINGS=settings(BUCKETNAME=TEST.bucket))
    assert update(cloudformation, properties(), new)["PhysicalResourceId"] == "test/orders"
    delete(cloudformation)
    assert the_endpoint(aws, TEST)["EndpointIdentifier"] == "orders"
    delete(cloudformation, "test/orders")


def test_an_update_whose_create_failed_is_rolled_back_to_an_endpoint_that_works(
    aws: EmbeddedAws, cloudformation: CloudFormation
) -> None:
    create(cloudformation)
    aws.inject("dms", "CreateEndpoint", "access_denied")
    new = properties(S3SETTINGS=settings(DATAFORMAT="csv"))
    refused(update(cloudformation, properties(), new), "AccessDenied")
    assert endpoints(aws, DEV) == []
    assert update(cloudformation, new, properties())["Status"] == "SUCCESS"
    assert the_endpoint(aws)["S3Settings"]["DataFormat"].lower() == "parquet"
    delete(cloudformation)


def test_old_properties_that_nobody_could_parse_do_not_matter(aws: EmbeddedAws, cloudformation: CloudFormation) -> None:
    create(cloudformation)
    answer = update(cloudformation, {"endpoint": "orders", "TAGS": "none"}, properties())
    assert answer["Status"] == "SUCCESS"
    delete(cloudformation)


def test_a_trust_that_somebody_emptied_is_mended_in_place_and_their_statements_stay(
    aws: EmbeddedAws, cloudformation: CloudFormation
) -> None:
    create(cloudformation)
    theirs = {
        "Sid": "Theirs",
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{DEV.data_lake}:root"},
        "Action": "sts:AssumeRole",
    }
    document = json.dumps({"Version": "2012-10-17", "Statement": [theirs]})
    aws.client("iam", DEV.data_lake).update_assume_role_policy(RoleName="dms-orders", PolicyDocument=document)
    aws.clear_calls()
    assert update(cloudformation, properties(), properties())["Status"] == "SUCCESS"
    trust = trust_of(aws, "dms-orders")
    assert theirs in trust["Statement"]
    assert external_ids(trust) == [the_endpoint(aws)["ExternalId"]]
    assert mutations(aws) == ["UpdateAssumeRolePolicy"]
    delete(cloudformation)
