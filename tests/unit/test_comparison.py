"""When a live endpoint must be created anew: wanted now against before, and live now against live then."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import Any
from unittest import mock

import pytest
from botocore.model import Shape, StringShape

from dms_s3_endpoint.model import s3_settings
from dms_s3_endpoint.model.comparison import changed, changed_by_hand, hash_of, made_with, snapshot
from dms_s3_endpoint.model.endpoint import Endpoint
from dms_s3_endpoint.model.lives import Life, Record
from dms_s3_endpoint.model.parse import parse
from dms_s3_endpoint.model.pieces import LiveEndpoint

from .builders import ENVIRONMENTS, make_properties


def wanted(settings: Mapping[str, Any] | None = None, **changes: Any) -> Endpoint:
    given = {"BUCKETNAME": "data-lake-dev", "EXPECTEDBUCKETOWNER": "222222222222"}
    return parse(make_properties(S3SETTINGS=given | dict(settings or {}), **changes), ENVIRONMENTS)


def differing(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """The settings of two requests that differ, once the earlier one was stored and read."""
    return changed(stored(made_with(wanted(before))), wanted(now))


def stored(value: Mapping[str, Any]) -> Any:
    life = Life("1", "dev/orders", made_with=value)
    return Record.from_json(Record((life,)).as_json()).lives[0].made_with


# Wanted now against wanted before


@pytest.mark.parametrize(
    ("before", "now", "names"),
    [
        ({"MAXFILESIZE": "7"}, {"MAXFILESIZE": "8"}, ["MAXFILESIZE"]),
        ({}, {"MAXFILESIZE": "8"}, ["MAXFILESIZE"]),
        ({"MAXFILESIZE": "7"}, {}, ["MAXFILESIZE"]),
        # Also where the default is what was given: it may be another one by now.
        ({"COMPRESSIONTYPE": "none"}, {}, ["COMPRESSIONTYPE"]),
        ({}, {"CSVNULLVALUE": ""}, ["CSVNULLVALUE"]),
        ({"CSVNULLVALUE": ""}, {}, ["CSVNULLVALUE"]),
        ({"CSVNULLVALUE": "NULL"}, {"CSVNULLVALUE": "null"}, ["CSVNULLVALUE"]),
        ({"BUCKETFOLDER": "a", "CDCPATH": "b"}, {"BUCKETFOLDER": "A"}, ["BUCKETFOLDER", "CDCPATH"]),
    ],
)
def test_what_is_given_otherwise_than_before_is_a_change_and_so_is_what_is_taken_out(
    before: dict[str, str], now: dict[str, str], names: list[str]
) -> None:
    assert differing(before, now) == names


@pytest.mark.parametrize(
    ("before", "now"),
    [
        ({"COMPRESSIONTYPE": "GZIP"}, {"COMPRESSIONTYPE": "gzip"}),
        ({"ENCRYPTIONMODE": "SSE_KMS"}, {"ENCRYPTIONMODE": "sse-kms"}),
        ({"MAXFILESIZE": "07"}, {"MAXFILESIZE": "7"}),
        ({"RFC4180": "y"}, {"RFC4180": "TRUE"}),
        ({"CSVNULLVALUE": ""}, {"CSVNULLVALUE": ""}),
    ],
)
def test_what_means_the_same_is_no_change(before: dict[str, str], now: dict[str, str]) -> None:
    assert differing(before, now) == []


def test_a_setting_that_moves_to_the_connection_attributes_is_no_change() -> None:
    before = stored(made_with(wanted({"CDCPATH": "changes"})))
    assert changed(before, wanted(EXTRACONNECTIONATTRIBUTES="cdcPath=changes")) == []
    assert changed(before, wanted(EXTRACONNECTIONATTRIBUTES="cdcPath=changes;unknown=1")) == ["UNKNOWN"]


def test_role_and_resource_identifier_are_changes_but_the_case_of_the_role_is_none() -> None:
    before = stored(made_with(wanted()))
    assert changed(before, wanted(ROLENAME="another", RESOURCEIDENTIFIER="another")) == [
        "ROLENAME",
        "RESOURCEIDENTIFIER",
    ]
    assert changed(before, wanted(ROLENAME="DMS-Orders")) == []
    assert changed(before, wanted(RESOURCEIDENTIFIER="orders")) == []


@pytest.mark.parametrize(
    "other", [{"TAGS": [{"Key": "team", "Value": "x"}]}, {"POLICYNAME": "another"}, {"PERMISSIONSBOUNDARY": ""}]
)
def test_what_create_endpoint_is_not_given_is_no_change(other: dict[str, Any]) -> None:
    assert changed(stored(made_with(wanted())), wanted(**other)) == []


# A newer SDK


@contextmanager
def with_members(**changes: Shape | None) -> Iterator[None]:
    """With the SDK as it was or will be; None is a member that it does not know."""
    known = {**s3_settings.members(), **changes}
    found = {name: shape for name, shape in known.items() if shape is not None}
    with ExitStack() as patched:
        for reader in ("s3_settings", "comparison", "endpoint"):
            patched.enter_context(mock.patch(f"dms_s3_endpoint.model.{reader}.members", return_value=found))
        yield


ENUMERATION = StringShape("CdcPath", {"type": "string", "enum": ["one", "TWO"]})


@pytest.mark.parametrize("given", ["one", "TWO", "Two", "three"])
def test_an_sdk_that_turns_a_text_into_an_enumeration_recreates_nothing(given: str) -> None:
    before, shown = stored(made_with(wanted({"CDCPATH": given}))), stored(snapshot(live(CdcPath=given)))
    now = wanted({"CDCPATH": given})
    with with_members(CdcPath=ENUMERATION):
        assert s3_settings.values_of("CdcPath")
        assert changed(before, now) == []
        assert changed_by_hand(shown, live(CdcPath=given)) == []


def test_a_new_release_that_spells_a_default_out_recreates_only_where_the_template_says_so() -> None:
    """What was given is kept as it was given, and no default is filled in on either side."""
    assert "MaxFileSize" not in made_with(wanted())["settings"]


# Live now against live then


def test_a_role_that_was_changed_by_hand_is_found() -> None:
    then = stored(snapshot(live(ServiceAccessRoleArn="role")))
    found = [changed_by_hand(then, live(ServiceAccessRoleArn=role)) for role in ("role", "another", "")]
    assert found == [[], ["SERVICEACCESSROLEARN"], ["SERVICEACCESSROLEARN"]]


def live(**settings: Any) -> LiveEndpoint:
    shown = {"BucketName": "data-lake-dev", "CompressionType": "none", **settings}
    return LiveEndpoint("arn", "orders", "active", "role", "one", shown, {})


def by_hand(now: LiveEndpoint, **then: Any) -> list[str]:
    return changed_by_hand(stored(snapshot(live(**then))), now)


def test_what_modify_endpoint_changed_added_or_took_away_is_a_change_by_hand() -> None:
    assert by_hand(live(CompressionType="gzip")) == ["COMPRESSIONTYPE"]
    assert by_hand(live(MaxFileSize=7)) == ["MAXFILESIZE"]
    assert by_hand(live(), MaxFileSize=7) == ["MAXFILESIZE"]
    assert by_hand(live(CsvNullValue="")) == by_hand(live(), CsvNullValue="") == ["CSVNULLVALUE"]


def test_what_dms_spells_in_its_own_way_is_no_change_as_the_snapshot_is_spelled_so_too() -> None:
    assert by_hand(live(CompressionType="NONE", CdcPath="dms/own"), CdcPath="dms/own") == []


def test_an_attribute_that_the_sdk_does_not_know_is_compared_too() -> None:
    assert by_hand(live(unknown="2"), unknown="1") == ["UNKNOWN"]
    assert by_hand(live(unknown="1")) == ["UNKNOWN"]


def test_a_setting_that_only_a_newer_sdk_shows_is_no_change_by_hand() -> None:
    with with_members(MaxFileSize=None):
        then = stored(snapshot(live()))
    assert changed_by_hand(then, live(MaxFileSize=7)) == []
    assert changed_by_hand(then, live(MaxFileSize=7, CompressionType="gzip")) == ["COMPRESSIONTYPE"]


def test_a_setting_that_the_snapshot_showed_is_compared_though_its_sdk_did_not_know_it() -> None:
    """As a connection attribute."""
    with with_members(MaxFileSize=None):
        then = stored(snapshot(live(MaxFileSize="7")))
    assert changed_by_hand(then, live(MaxFileSize=7)) == []


# The whole


@pytest.mark.parametrize(
    "change",
    [
        {"tags": {"team": "x"}},
        {"policy_name": "another"},
        {"permissions_boundary": "arn"},
        {"test_replication_instance_arn": "arn"},
        {"environment": replace(ENVIRONMENTS["dev"], name="test")},
        {"s3_settings": {"BucketName": "another"}},
    ],
)
def test_a_rollback_is_told_by_all_that_a_stack_asks_for(change: dict[str, Any]) -> None:
    assert hash_of(wanted()) == hash_of(wanted())
    assert hash_of(replace(wanted(), **change)) != hash_of(wanted())
