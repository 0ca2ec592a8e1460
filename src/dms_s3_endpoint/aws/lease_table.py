"""The table of leases: one item for each logical resource of a stack. The only user of DynamoDB.

https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from ..model.errors import Code, EndpointError
from ..model.lives import Record
from .errors import aws_call

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class NoTableError(EndpointError):
    """The table does not exist, so nobody can hold a lease."""


@dataclass(frozen=True)
class Item:
    """The lease of a resource: who holds it, since which request, and what is known of the resource.

    `holder` is the token of a run of the function, and empty once that has stopped. `unstopped` are the tokens of
    earlier runs that may still have a call in flight. `issued` is in seconds since 1970, and 0 if it can't be told.
    `expires` is when DynamoDB may delete the item, in seconds since 1970; 0 is never.
    """

    version: int
    holder: str
    request_id: str
    issued: float
    unstopped: frozenset[str] = frozenset()
    record: Record = field(default_factory=Record)
    expires: int = 0


class LeaseTable:
    """The table, as the function's own role sees it. Each method raises EndpointError, NoTableError among them."""

    def __init__(self, client: DynamoDBClient, name: str) -> None:
        self._client = client
        self._name = name

    def read(self, resource: str) -> Item | None:
        """The item as it is now: a consistent read."""
        return self._get(resource)

    def confirm(self, resource: str) -> Item | None:
        """As `read`, without what is known of the resource."""
        return self._get(resource, ProjectionExpression="version, holder, request_id, issued, unstopped")

    def _get(self, resource: str, **more: Any) -> Item | None:
        if not self._name:
            raise _no_table(self._name)
        with aws_call("get-item lease"):
            try:
                answer = self._client.get_item(TableName=self._name, Key=_key(resource), ConsistentRead=True, **more)
            except self._client.exceptions.ResourceNotFoundException as error:
                raise _no_table(self._name) from error
        return _item(answer["Item"]) if "Item" in answer else None

    def write(self, resource: str, item: Item, over: Item | None) -> Item | None:
        """Write the item if the stored one is still `over`, by version and holder. As it was written; None if not.

        A write whose answer got lost is sent again, and then meets itself.
        """
        written = replace(item, version=over.version + 1 if over else 1)
        # Names of attributes that DynamoDB reserves, as `resource`, go by an alias.
        condition: Any = {
            "ConditionExpression": "attribute_not_exists(#resource)",
            "ExpressionAttributeNames": {"#resource": "resource"},
        }
        if over:
            condition = {
                "ConditionExpression": "version = :version AND holder = :holder",
                "ExpressionAttributeValues": {":version": {"N": str(over.version)}, ":holder": {"S": over.holder}},
            }
        with aws_call("put-item lease"):
            try:
                self._client.put_item(TableName=self._name, Item=_attributes(resource, written), **condition)
            except self._client.exceptions.ResourceNotFoundException as error:
                raise _no_table(self._name) from error
            except self._client.exceptions.ConditionalCheckFailedException:
                return written if self.read(resource) == written else None
        return written

    def note_stopped(self, resource: str, token: str) -> None:
        """Tell the holder that this earlier run has no call in flight any more."""
        with aws_call("update-item lease"):
            self._client.update_item(
                TableName=self._name,
                Key=_key(resource),
                UpdateExpression="DELETE unstopped :token",
                ConditionExpression="attribute_exists(#resource)",
                ExpressionAttributeNames={"#resource": "resource"},
                ExpressionAttributeValues={":token": {"SS": [token]}},
            )


def _no_table(name: str) -> NoTableError:
    failed = f"get-item: table {name or '(none)'} of the leases does not exist"
    return NoTableError(Code.INTERNAL_ERROR, failed, "Deploy the function's stack again, then this one")


def _key(resource: str) -> Any:
    return {"resource": {"S": resource}}


def _attributes(resource: str, item: Item) -> Any:
    """DynamoDB has no empty sets."""
    attributes: dict[str, Any] = _key(resource) | {
        "version": {"N": str(item.version)},
        "holder": {"S": item.holder},
        "request_id": {"S": item.request_id},
        "issued": {"N": f"{item.issued:.1f}"},
        "record": {"S": item.record.as_json()},
    }
    attributes |= {"unstopped": {"SS": sorted(item.unstopped)}} if item.unstopped else {}
    return attributes | ({"expires": {"N": str(item.expires)}} if item.expires else {})


def _item(stored: Mapping[str, Any]) -> Item:
    return Item(
        version=int(stored["version"]["N"]),
        holder=stored["holder"]["S"],
        request_id=stored["request_id"]["S"],
        issued=float(stored["issued"]["N"]),
        unstopped=frozenset(stored.get("unstopped", {}).get("SS", [])),
        record=Record.from_json(stored["record"]["S"]) if "record" in stored else Record(),
        expires=int(stored.get("expires", {}).get("N", 0)),
    )
