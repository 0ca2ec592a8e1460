"""Two engines decide alike on each call that the function makes, and on each that it must not be let make."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from local_aws import EmbeddedAws
from local_aws.cloudformation import CloudFormation
from local_aws.organisation import DEV

from .attempts import ON_BUCKETS, attempts_with, pieces_of_others, taken_over
from .second_engine import assert_refused_by_both, disagreements
from .test_permissions import CREATE, GRANTS, NEEDED, TAKE_AWAY, TRIED_ALONE, UNBIND, Situation
from .world import no_boundary_demanded, properties

TAGGING = ("iam:TagRole", "iam:TagPolicy", "dms:AddTagsToResource")


def test_each_call_of_each_request_is_allowed_by_both(aws: EmbeddedAws, cloudformation: CloudFormation) -> None:
    for situation in TRIED_ALONE:
        _run(situation, cloudformation)
    first = [each for each in aws.decisions() if each.resource != "*" or each.allowed]
    assert {each.action for each in first if each.allowed} >= {action for _role_arn, _sid, action in GRANTS}
    assert disagreements(aws, first) == []


def test_each_call_is_allowed_by_both_where_no_boundary_is_demanded(
    aws: EmbeddedAws, cloudformation: CloudFormation
) -> None:
    with no_boundary_demanded(aws):
        _run(UNBIND, cloudformation)
        first = [each for each in aws.decisions() if each.allowed]
        assert TAKE_AWAY[1] in {each.action for each in first}
        assert disagreements(aws, first) == []


def _run(situation: Situation, cloudformation: CloudFormation) -> None:
    situation.before(cloudformation)
    answer = situation.request(cloudformation)
    situation.after(cloudformation)
    cloudformation.send("Delete", properties(), PhysicalResourceId=answer["PhysicalResourceId"])


def test_a_create_is_allowed_too_if_the_tags_of_the_new_piece_count_as_the_resources(
    aws: EmbeddedAws, cloudformation: CloudFormation
) -> None:
    """They may: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html."""
    _run(CREATE, cloudformation)
    creates = [each for each in aws.decisions() if each.action in TAGGING]
    shown = [replace(each, context=_with_tags_on_the_resource(each.context)) for each in creates]
    assert {each.action for each in shown if each.allowed} == set(TAGGING)
    assert disagreements(aws, shown) == []


def _with_tags_on_the_resource(context: dict[str, Any]) -> dict[str, Any]:
    asked = "aws:requesttag/"
    tags = {key: value for key, value in context.items() if key.lower().startswith(asked)}
    return context | {f"aws:ResourceTag/{key[len(asked) :]}": value for key, value in tags.items()}


@pytest.mark.parametrize("role_arn", NEEDED)
def test_each_attempt_beyond_is_refused_by_both(aws: EmbeddedAws, role_arn: str) -> None:
    with pieces_of_others(aws), taken_over(aws, role_arn) as client:
        assert_refused_by_both(aws, client, attempts_with(aws, role_arn))


def test_each_attempt_on_buckets_is_refused_by_both(aws: EmbeddedAws) -> None:
    with pieces_of_others(aws), taken_over(aws, DEV.data_lake_role_arn, "s3") as client:
        assert_refused_by_both(aws, client, ON_BUCKETS)
