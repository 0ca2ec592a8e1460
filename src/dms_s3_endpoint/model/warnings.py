"""What DMS documents of a combination of settings, and does not refuse: a warning in the log, in `check`, in cfn-lint.

https://docs.aws.amazon.com/dms/latest/userguide/CHAP_Target.S3.html
https://docs.aws.amazon.com/dms/latest/APIReference/API_S3Settings.html
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from .s3_settings import Setting, canonical_names, default_of, members, same
from .values import SHOWN

# Attributes that DMS documents for an S3 target and that are no member of S3Settings.
OTHER_ATTRIBUTES = ("detachTargetOnLobLookupFailureParquet",)
# A replication slot of PostgreSQL grows as long as a batch is not written. Longer than this is seldom meant.
LONG_BATCH_SECONDS = 3600


@dataclass(frozen=True)
class Condition:
    """What a setting must be: one of the four that are not None. `above` is not that number, but more."""

    setting: str
    value: Setting | None = None
    other_than: Setting | None = None
    is_given: bool | None = None
    above: int | None = None

    def holds(self, settings: Mapping[str, Setting]) -> bool:
        """Of settings by the API's names; what is not given is DMS's default."""
        given = settings.get(self.setting)
        if self.is_given is not None:
            return (given is not None) is self.is_given
        effective = default_of(self.setting) if given is None else given
        if self.above is not None:
            return int(effective) > self.above
        if self.other_than is not None:
            return not same(self.setting, effective, self.other_than)
        return same(self.setting, effective, self.value)


@dataclass(frozen=True)
class Warning:
    """A sentence for those settings of which all conditions hold."""

    text: str
    conditions: tuple[Condition, ...]


def warnings_of(settings: Mapping[str, Setting]) -> list[str]:
    """What to say of effective settings, attributes among them."""
    known = {name: value for name, value in settings.items() if name in members()}
    unknown = [name for name in settings if name not in members() and name not in OTHER_ATTRIBUTES]
    return [each.text for each in known_warnings() if all(condition.holds(known) for condition in each.conditions)] + [
        f"attribute {name[:SHOWN]} is not known, and passed on as it is{_nearest(name)}" for name in unknown
    ]


def _nearest(name: str) -> str:
    known = {each.upper(): each for each in (*canonical_names().values(), *OTHER_ATTRIBUTES)}
    close = difflib.get_close_matches(name.upper(), known, n=1, cutoff=0.6)
    if not close:
        return ""
    nearest = known[close[0]]
    return f" (did you mean {nearest[0].lower()}{nearest[1:]}?)"


def _on(setting: str) -> Condition:
    """A switch that is on, or a text that is given."""
    is_switch = isinstance(default_of(setting), bool)
    return Condition(setting, value=True) if is_switch else Condition(setting, is_given=True)


def _exclusive(one: str, other: str) -> Warning:
    return Warning(f"{one.upper()} and {other.upper()} exclude each other", (_on(one), _on(other)))


def _needs(one: Condition, other: str) -> Warning:
    value = f" {one.value}" if one.value is not None and not isinstance(one.value, bool) else ""
    off = Condition(other, is_given=False)
    return Warning(f"{one.setting.upper()}{value} needs {other.upper()}", (one, off))


def _without_effect(setting: str, why: str, when: Condition) -> Warning:
    return Warning(f"{setting.upper()} has no effect {why}", (_on(setting), when))


_IS_PARQUET = Condition("DataFormat", value="parquet")
_OF_CSV = ("AddColumnName", "CsvDelimiter", "CsvNoSupValue", "CsvNullValue", "CsvRowDelimiter", "UseCsvNoSupValue")
_OF_PARTITIONS = ("DatePartitionDelimiter", "DatePartitionSequence", "DatePartitionTimezone")


@cache
def known_warnings() -> tuple[Warning, ...]:
    """All that is documented, in the order in which it is said."""
    return (
        _exclusive("CdcInsertsOnly", "CdcInsertsAndUpdates"),
        *(
            _exclusive(one, other)
            for one in ("PreserveTransactions", "CdcPath")
            for other in ("DatePartitionEnabled", "AddColumnName", "GlueCatalogGeneration")
        ),
        _needs(_on("PreserveTransactions"), "CdcPath"),
        _needs(Condition("EncryptionMode", value="sse-kms"), "ServerSideEncryptionKmsKeyId"),
        Warning(
            "SERVERSIDEENCRYPTIONKMSKEYID has no effect without ENCRYPTIONMODE sse-kms",
            (
                Condition("ServerSideEncryptionKmsKeyId", is_given=True),
                Condition("EncryptionMode", other_than="sse-kms"),
            ),
        ),
        Warning("PRESERVETRANSACTIONS writes CSV, not Parquet", (_on("PreserveTransactions"), _IS_PARQUET)),
        Warning(
            "GLUECATALOGGENERATION with DATAFORMAT csv needs INCLUDEOPFORFULLLOAD for a full load",
            (
                _on("GlueCatalogGeneration"),
                Condition("DataFormat", value="csv"),
                Condition("IncludeOpForFullLoad", value=False),
            ),
        ),
        *(
            _without_effect(name, "without DATEPARTITIONENABLED", Condition("DatePartitionEnabled", value=False))
            for name in _OF_PARTITIONS
        ),
        *(_without_effect(name, "with DATAFORMAT parquet", _IS_PARQUET) for name in _OF_CSV),
        Warning(
            "Parquet timestamps are in microseconds, which Athena and Glue read in part: PARQUETTIMESTAMPINMILLISECOND",
            (_IS_PARQUET, Condition("ParquetTimestampInMillisecond", is_given=False)),
        ),
        Warning(
            "with a CDCMAXBATCHINTERVAL above an hour a replication slot of PostgreSQL may grow large",
            (Condition("CdcMaxBatchInterval", above=LONG_BATCH_SECONDS),),
        ),
        Warning(
            "CANNEDACLFOROBJECTS is refused by a bucket that enforces the ownership of its owner, as new buckets do",
            (Condition("CannedAclForObjects", other_than="none"),),
        ),
    )
