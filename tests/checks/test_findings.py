"""What fails `make lint`: a finding without a reason, a reason without a finding, a tool that finds nothing."""

from __future__ import annotations

from development.checks.findings import Finding, complaints

BAD = "bad-on-purpose"
IN_BAD = Finding("checkov", "CKV_AWS_27", f"{BAD} Queue")
NEW = Finding("guard", "sqs_dlq_check", "template.yaml Queue", "no RedrivePolicy")
MUST_FIND = {("checkov", "CKV_AWS_27")}


def test_nothing_is_said_of_what_is_bad_on_purpose() -> None:
    assert complaints([IN_BAD], {}, {BAD}, MUST_FIND) == []


def test_a_new_finding_fails() -> None:
    assert complaints([IN_BAD, NEW], {}, {BAD}, MUST_FIND) == [
        "template.yaml Queue: guard sqs_dlq_check: no RedrivePolicy"
    ]


def test_a_finding_with_a_reason_passes() -> None:
    accepted = {("guard", "sqs_dlq_check", "template.yaml Q*"): "reason"}
    assert complaints([IN_BAD, NEW], accepted, {BAD}, MUST_FIND) == []


def test_a_reason_is_for_its_rule_and_place_only() -> None:
    accepted = {("guard", "sqs_dlq_check", "template.yaml Queue"): "reason"}
    found = [IN_BAD, NEW, NEW._replace(rule="another"), NEW._replace(place="template.yaml Other")]
    assert complaints(found, accepted, {BAD}, MUST_FIND) == [
        "template.yaml Other: guard sqs_dlq_check: no RedrivePolicy",
        "template.yaml Queue: guard another: no RedrivePolicy",
    ]


def test_a_reason_for_what_is_not_found_any_more_fails() -> None:
    accepted = {("checkov", "CKV_AWS_27", "*"): "found in what is bad on purpose only"}
    assert complaints([IN_BAD], accepted, {BAD}, MUST_FIND) == [
        "*: checkov CKV_AWS_27: accepted, but not found any more"
    ]


def test_a_tool_that_misses_what_is_bad_on_purpose_fails() -> None:
    elsewhere = IN_BAD._replace(place="template.yaml Queue")
    accepted = {("checkov", "CKV_AWS_27", "template.yaml Queue"): "reason"}
    assert complaints([elsewhere], accepted, {BAD}, MUST_FIND) == ["checkov misses CKV_AWS_27 where it is on purpose"]
