"""Patches for MiniStack's DynamoDB: reads that are not consistent, and tables as CloudFormation makes them.

What MiniStack does as AWS documents it, conditions, sets, reserved words and deletion protection among it, is
shown by tests/local_aws/test_dynamodb.py.
"""

from __future__ import annotations

import json
import math
import secrets
import zlib
from collections.abc import Callable
from copy import deepcopy
from typing import Any

from ministack.core.responses import get_account_id
from ministack.services import dynamodb
from ministack.services.cloudformation import provisioners

from .iam_history import Handler
from .state import State

WRITES = ("PutItem", "UpdateItem", "DeleteItem")
Item = dict[str, Any] | None


def install(state: State, handlers: dict[str, Handler]) -> None:
    """Patch MiniStack's DynamoDB, and its CloudFormation's tables."""
    history = ItemHistory(state.now, lambda: state.switches.table_lag_seconds)
    handlers["dynamodb"] = history.watching(handlers["dynamodb"])
    of_tables = provisioners._RESOURCE_HANDLERS["AWS::DynamoDB::Table"]
    of_tables["create"] = _with_a_name_of_its_own(of_tables["create"])
    of_tables["update"] = _under_its_name(of_tables["update"])
    of_tables["delete"] = _unless_protected(of_tables["delete"])


class ItemHistory:
    """The items of tables with their times in virtual seconds; None while there was no item."""

    def __init__(self, now: Callable[[], float], lag_seconds: Callable[[], float]) -> None:
        self._now = now
        self._lag_seconds = lag_seconds
        self._versions: dict[tuple[str, str, str], list[tuple[float, Item]]] = {}

    def watching(self, handler: Handler) -> Handler:
        """The handler, wrapped so that reads see what is older, unless they are consistent.

        https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.ReadConsistency.html
        """

        async def handle(method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any]) -> Any:
            operation = headers.get("x-amz-target", "").rpartition(".")[2]
            given = json.loads(body or b"{}")
            key = _key_of(given) if operation in (*WRITES, "GetItem") else None
            if key and operation in WRITES:
                versions = self._versions.setdefault(key, [(-math.inf, _item_at(key))])
                answer = await handler(method, path, headers, body, query)
                versions.append((self._now(), _item_at(key)))
                return answer
            if key and self._lag_seconds() and not given.get("ConsistentRead"):
                return _shown(self._seen(key))
            return await handler(method, path, headers, body, query)

        return handle

    def _seen(self, key: tuple[str, str, str]) -> Item:
        versions = self._versions.get(key, [(-math.inf, _item_at(key))])
        return [item for since, item in versions if since <= self._now() - self._lag_seconds()][-1]


def _key_of(given: dict[str, Any]) -> tuple[str, str, str] | None:
    """Account, table and hash key of the item; None where the request has none that is valid. No table has a range."""
    name = dynamodb._normalize_table_name(given.get("TableName"))
    table = dynamodb._tables.get(name)
    attributes = given.get("Key") or given.get("Item") or {}
    if not table or table["pk_name"] not in attributes:
        return None
    return get_account_id(), name, str(dynamodb._extract_key_val(attributes[table["pk_name"]]))


def _item_at(key: tuple[str, str, str]) -> Item:
    _account, name, value = key
    by_range = dynamodb._tables[name]["items"].get(value, {})
    return deepcopy(next(iter(by_range.values()), None))


def _shown(item: Item) -> tuple[int, dict[str, str], bytes]:
    body = json.dumps({"Item": item} if item else {}).encode()
    headers = {"Content-Type": "application/x-amz-json-1.0", "x-amz-crc32": str(zlib.crc32(body))}
    return 200, headers, body


def _with_a_name_of_its_own(original: Callable[..., Any]) -> Callable[..., Any]:
    """A table gets a new name each time it is made, so that one which was retained stays beside it.

    MiniStack would take the same name again, and lose what the first one holds.
    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-dynamodb-table.html
    """

    def create(logical_id: str, props: dict[str, Any], stack_name: str) -> Any:
        name = props.get("TableName") or f"{stack_name}-{logical_id}-{secrets.token_hex(6).upper()}"
        made = original(logical_id, {**props, "TableName": name}, stack_name)
        _set_up(name, props)
        return made

    return create


def _under_its_name(original: Callable[..., Any]) -> Callable[..., Any]:
    def update(physical_id: str, old: dict[str, Any], new: dict[str, Any], *rest: Any, **more: Any) -> Any:
        named = [{"TableName": physical_id, **props} for props in (old, new)]
        updated = original(physical_id, *named, *rest, **more)
        _set_up(updated[0], new)
        return updated

    return update


def _set_up(name: str, props: dict[str, Any]) -> None:
    """What MiniStack's CloudFormation leaves out, but its API has: expiry, backups and the key."""
    given = props.get("SSESpecification", {})
    key = {"Enabled": given.get("SSEEnabled"), "KMSMasterKeyId": given.get("KMSMasterKeyId")}
    dynamodb._tables[name]["SSEDescription"] = dynamodb._sse_description_from_spec(key) if given else None
    for setting, apply in (
        ("TimeToLiveSpecification", dynamodb._update_ttl),
        ("PointInTimeRecoverySpecification", dynamodb._update_continuous_backups),
    ):
        if setting in props:
            apply({"TableName": name, setting: props[setting]})


def _unless_protected(original: Callable[..., Any]) -> Callable[..., Any]:
    """As DynamoDB does for everybody, CloudFormation among them.

    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/WorkingWithTables.Basics.html
    """

    def delete(physical_id: str, *rest: Any, **more: Any) -> Any:
        if dynamodb._tables.get(physical_id, {}).get("DeletionProtectionEnabled"):
            raise ValueError("Resource cannot be deleted as it is currently protected against deletion.")
        return original(physical_id, *rest, **more)

    return delete
