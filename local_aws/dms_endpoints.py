"""The endpoints of one DMS account in one Region: the cross-account handshake, their states, and the API's answers.

This module has no server, no IAM and no clock. The account's `Surroundings` provide them: the embedded AWS, or a test.
The README says what is known of the real DMS. Each thing that is not known is one of the `Switches`.
https://docs.aws.amazon.com/dms/latest/APIReference/
"""

from __future__ import annotations

import base64
import secrets
import uuid
from dataclasses import dataclass, field, replace
from typing import Protocol, TypeVar

from botocore.utils import ArnParser

from .dms_parameters import DmsFault, check_settings, check_tags, invalid
from .dms_settings import (
    SESSION,
    Given,
    attributes_of,
    settings_in,
    shown_attributes,
    shown_settings,
)
from .switches import FirstCreate, Switches

Member = TypeVar("Member")
SOMEBODY_ELSES_ID = "00000000-0000-4000-8000-000000000000"
# For `refused_creates`: while IAM propagates a change, the words differ from attempt to attempt.
WORDS_OF_A_REFUSAL = (
    "The IAM Role {} is not configured properly.AccessDenied",
    "The IAM Role {} is not configured properly. AccessDenied status code: 400",
    "The security token included in the request is invalid.",
)


@dataclass
class Endpoint:
    """An endpoint and its history; `created`, `active`, `deleted` and `gone` in virtual seconds."""

    arn: str
    identifier: str
    direction: str
    engine: str
    role_arn: str
    settings: Given
    attributes: dict[str, str]
    external_id: str
    tags: dict[str, str]
    created: float
    active: float
    # Those of a PostgreSQL source.
    postgres: Given = field(default_factory=dict)
    status: str = "active"
    deleted: float | None = None
    gone: float | None = None

    def status_at(self, now: float) -> str:
        """The status that DMS shows at this time."""
        if self.deleted is not None and self.deleted <= now:
            return "deleting"
        return "creating" if now < self.active else self.status

    def stands_at(self, now: float) -> bool:
        """Whether the endpoint exists at this time, in whatever status."""
        return self.created <= now and (self.gone is None or now < self.gone)


@dataclass(frozen=True)
class Source:
    """A source endpoint as its tasks see it. One that nobody made has no engine, and takes any start point."""

    engine: str = ""
    # The logical replication slot that is made by hand and named by the endpoint's settings; PostgreSQL has these.
    slot: str = ""


class Surroundings(Protocol):
    """What the endpoints of an account depend on."""

    @property
    def account_id(self) -> str:
        """The account that the endpoints are in."""

    @property
    def region(self) -> str:
        """The Region that the endpoints are in."""

    @property
    def switches(self) -> Switches:
        """How DMS behaves now."""

    def now(self) -> float:
        """The time in virtual seconds."""

    def may_assume(self, role_arn: str, external_id: str, endpoint_arn: str) -> bool:
        """Whether DMS, with this ExternalId, may assume the role now."""

    def why_not_deleted(self, endpoint_arn: str) -> str:
        """What prevents the delete of the endpoint; empty if nothing does."""


@dataclass
class Endpoints:
    """The public methods are operations of DMS. They take the API's parameters, return its answer or raise DmsFault."""

    surroundings: Surroundings
    kept: list[Endpoint] = field(default_factory=list)
    # By identifier: the number of creates, for an ExternalId that changes; and of refusals, for `refused_creates`.
    creates: dict[str, int] = field(default_factory=dict)
    refusals: dict[str, int] = field(default_factory=dict)

    @property
    def _switches(self) -> Switches:
        return self.surroundings.switches

    def create_endpoint(self, given: Given) -> Given:
        """CreateEndpoint. Like the real DMS, it tries to assume the role last."""
        role_arn = given.get("S3Settings", {}).get("ServiceAccessRoleArn", "")
        self._refuse(remote=bool(role_arn) and account_of(role_arn) != self.surroundings.account_id)
        wanted = self._wanted(given, role_arn)
        self._refuse_duplicates(wanted)
        kept = self._handshake(wanted) if wanted.role_arn else self._keep(wanted)
        return {"Endpoint": self._shown(kept, self.surroundings.now(), tells_external_id=True)}

    def _refuse(self, remote: bool) -> None:
        if len(self.standing()) >= self._switches.quota:
            raise DmsFault("ResourceQuotaExceededFault", "The quota for this resource quota has been exceeded.")
        if self._switches.not_allow_listed and remote:
            raise DmsFault(self._switches.not_allow_listed, "Cross-account pass role is not allowed.")
        if self._switches.create_fault:
            raise DmsFault(self._switches.create_fault, "The endpoint can't be created.")

    def _wanted(self, given: Given, role_arn: str) -> Endpoint:
        now, identifier = self.surroundings.now(), given["EndpointIdentifier"].lower()
        self.creates[identifier] = self.creates.get(identifier, 0) + 1
        attributes = attributes_of(given.get("ExtraConnectionAttributes", ""))
        dropped = self._switches.drops_on_create
        settings = {name: value for name, value in given.get("S3Settings", {}).items() if name not in dropped}
        remote = role_arn and account_of(role_arn) != self.surroundings.account_id
        return Endpoint(
            arn=new_arn("endpoint", given, self.surroundings),
            identifier=identifier,
            direction=given["EndpointType"],
            engine=given["EngineName"],
            role_arn=role_arn,
            settings=settings_in(attributes) | settings,
            attributes=attributes,
            external_id=self._external_id(identifier) if remote else "",
            tags=_tags(given.get("Tags", [])),
            created=now,
            active=now + self._switches.create_seconds,
            postgres=given.get("PostgreSQLSettings", {}),
        )

    def _external_id(self, identifier: str) -> str:
        creates = self.creates[identifier]
        generation = {"per_endpoint": 0, "per_call": min(creates, 2), "never_settles": creates}
        name = f"{self.surroundings.account_id}/{identifier}/{generation[self._switches.external_id]}"
        return str(uuid.uuid5(uuid.NAMESPACE_URL, name))

    def _refuse_duplicates(self, wanted: Endpoint) -> None:
        reserved = self._switches.identifier_reserved_seconds
        for each in self.kept:
            if each.gone is not None and self.surroundings.now() >= each.gone + reserved:
                continue
            replaced = self._switches.first_create == "fault_until_trusted" and each.status != "active"
            if not replaced and (each.identifier == wanted.identifier or each.arn == wanted.arn):
                code = self._switches.identifier_reserved_fault if each.deleted else "ResourceAlreadyExistsFault"
                raise DmsFault(code, f"Endpoint {wanted.identifier} already exists.")

    def _handshake(self, wanted: Endpoint) -> Endpoint:
        """The endpoint of the answer, whether DMS keeps it or not. Raises DmsFault if DMS can't assume the role."""
        assumable = self.surroundings.may_assume(wanted.role_arn, wanted.external_id, wanted.arn)
        demanded = assumable and not self.surroundings.may_assume(wanted.role_arn, SOMEBODY_ELSES_ID, wanted.arn)
        # A role of the same account needs no ExternalId.
        form = self._switches.first_create if wanted.external_id else "keeps"
        if not demanded:
            self._refuse_untrusted(form, wanted)
        if not assumable:
            raise _not_assumable(wanted)
        if form == "no_external_id":
            wanted = replace(wanted, external_id="")
        if form == "status_failed" and not demanded:
            wanted = replace(wanted, status=self._switches.failed_status)
        if form == "keeps_nothing" and not demanded:
            return wanted
        self._refuse_for_a_while(wanted)
        return self._keep(wanted)

    def _refuse_untrusted(self, form: FirstCreate, wanted: Endpoint) -> None:
        """The variants of DMS that reject a create until the trust policy demands the ExternalId."""
        if form == "fault_with_id":
            raise _not_assumable(wanted, self._id_in_fault(wanted.external_id))
        if form == "fault_until_trusted":
            visible_since = [each.created for each in self.standing() if each.identifier == wanted.identifier]
            failed = replace(wanted, status=self._switches.failed_status)
            self._keep(replace(failed, created=visible_since[0]) if visible_since else failed)
            raise _not_assumable(wanted)

    def _id_in_fault(self, external_id: str) -> str:
        if self._switches.fault_text == "lone_id":
            return f" ({external_id})"
        return f" Its trust policy must demand the external id {external_id}."

    def _refuse_for_a_while(self, wanted: Endpoint) -> None:
        refusals = self.refusals.get(wanted.identifier, 0)
        if refusals < self._switches.refused_creates:
            self.refusals[wanted.identifier] = refusals + 1
            words = WORDS_OF_A_REFUSAL[refusals % len(WORDS_OF_A_REFUSAL)]
            raise DmsFault("AccessDeniedFault", words.format(wanted.role_arn))
        self.refusals.pop(wanted.identifier, None)

    def _keep(self, endpoint: Endpoint) -> Endpoint:
        self.kept = [*(each for each in self.kept if each.identifier != endpoint.identifier), endpoint]
        return endpoint

    def standing(self) -> list[Endpoint]:
        """The endpoints that exist now."""
        return [each for each in self.kept if each.stands_at(self.surroundings.now())]

    def find(self, arn: str) -> Endpoint:
        """The endpoint that exists now under this ARN. Raises DmsFault."""
        for each in self.standing():
            if each.arn == arn:
                return each
        raise DmsFault("ResourceNotFoundFault", f"Endpoint {arn} not found.")

    def source_of(self, arn: str) -> Source:
        """What the tasks on the source endpoint of this ARN depend on."""
        found = [each for each in self.standing() if each.arn == arn]
        if not found:
            return Source()
        attributes = {name.lower(): value for name, value in found[0].attributes.items()}
        return Source(found[0].engine, found[0].postgres.get("SlotName") or attributes.get("slotname", ""))

    def describe_endpoints(self, given: Given) -> Given:
        """DescribeEndpoints."""
        then = self.surroundings.now() - self._switches.describe_lag_seconds
        found = [each for each in self.kept if each.stands_at(then)]
        for each in given.get("Filters", []):
            found = [endpoint for endpoint in found if _matches(endpoint, each)]
        if not found and given.get("Filters") and self._switches.describe_empty == "fault":
            raise DmsFault("ResourceNotFoundFault", "No Endpoints found matching provided filters")
        tells = self._switches.describe_tells_external_id
        shown = [self._shown(each, then, tells_external_id=tells) for each in found]
        return page("Endpoints", shown, given, self._switches.page_size)

    def _shown(self, endpoint: Endpoint, at: float, *, tells_external_id: bool) -> Given:
        shown: Given = {
            "EndpointIdentifier": endpoint.identifier,
            "EndpointType": endpoint.direction.upper(),
            "EngineName": endpoint.engine,
            "EngineDisplayName": "Amazon S3" if endpoint.engine == "s3" else endpoint.engine,
            "ExtraConnectionAttributes": _attributes_of(endpoint),
            "Status": endpoint.status_at(at),
            "EndpointArn": endpoint.arn,
            "SslMode": "none",
        }
        if endpoint.role_arn:
            shown["ServiceAccessRoleArn"] = endpoint.role_arn
            shown["S3Settings"] = shown_settings(endpoint.settings)
        if endpoint.external_id and tells_external_id:
            shown["ExternalId"] = endpoint.external_id
        return shown | ({"PostgreSQLSettings": endpoint.postgres} if endpoint.postgres else {})

    def modify_endpoint(self, given: Given) -> Given:
        """ModifyEndpoint."""
        endpoint = self.find(given["EndpointArn"])
        if self._switches.modify == "refused":
            raise DmsFault("AccessDeniedFault", f"The IAM Role {endpoint.role_arn} is not configured properly.")
        check_settings(given.get("S3Settings", {}))
        endpoint.settings |= given.get("S3Settings", {})
        return {"Endpoint": self._shown(endpoint, self.surroundings.now(), tells_external_id=True)}

    def delete_endpoint(self, given: Given) -> Given:
        """DeleteEndpoint. The endpoint is `deleting` until it is gone."""
        endpoint = self.find(given["EndpointArn"])
        if endpoint.deleted is not None:
            raise DmsFault("InvalidResourceStateFault", f"Endpoint {endpoint.arn} is being deleted.")
        if held := self.surroundings.why_not_deleted(endpoint.arn):
            raise DmsFault("InvalidResourceStateFault", f"Endpoint {endpoint.arn} {held}.")
        endpoint.deleted = self.surroundings.now()
        endpoint.gone = endpoint.deleted + self._switches.delete_seconds
        shown = self._shown(endpoint, self.surroundings.now(), tells_external_id=True)
        return {"Endpoint": shown | {"Status": self._switches.delete_answers}}

    def add_tags_to_resource(self, given: Given) -> Given:
        """AddTagsToResource."""
        tags = self.find(given["ResourceArn"]).tags
        check_tags(given["Tags"], tags, self._switches.most_tags)
        tags.update(_tags(given["Tags"]))
        return {}

    def remove_tags_from_resource(self, given: Given) -> Given:
        """RemoveTagsFromResource."""
        tags = self.find(given["ResourceArn"]).tags
        for key in given["TagKeys"]:
            tags.pop(key, None)
        return {}

    def list_tags_for_resource(self, given: Given) -> Given:
        """ListTagsForResource, for one ARN or several."""
        arns = [given["ResourceArn"]] if given.get("ResourceArn") else given.get("ResourceArnList", [])
        if not arns:
            raise invalid("The parameter ResourceArn must be provided")
        found = [(arn, self.find(arn).tags) for arn in arns]
        return {"TagList": [{"Key": k, "Value": v, "ResourceArn": arn} for arn, tags in found for k, v in tags.items()]}


def partition_of(region: str) -> str:
    """The partition of a Region, such as `aws` or `aws-cn`."""
    return SESSION.get_partition_for_region(region)


def account_of(arn: str) -> str:
    """The account in an ARN. Raises ValueError if the text is no ARN."""
    return str(ArnParser().parse_arn(arn)["account"])


def new_arn(kind: str, given: Given, surroundings: Surroundings) -> str:
    """The ARN of what is created. Its last part is the ResourceIdentifier, else one that DMS draws."""
    region, account_id = surroundings.region, surroundings.account_id
    tail = given.get("ResourceIdentifier") or base64.b32encode(secrets.token_bytes(25)).decode()[:39]
    return f"arn:{partition_of(region)}:dms:{region}:{account_id}:{kind}:{tail}"


def filtered(by: Given, names: dict[str, Member]) -> Member:
    """What a filter selects by; `names` maps filters to members. Raises DmsFault."""
    if by["Name"] not in names or not by["Values"]:
        raise invalid(f"Invalid filter {by['Name']}")
    return names[by["Name"]]


def _matches(endpoint: Endpoint, by: Given) -> bool:
    members = ("identifier", "arn", "direction", "engine")
    names = dict(zip(("endpoint-id", "endpoint-arn", "endpoint-type", "engine-name"), members, strict=True))
    return getattr(endpoint, filtered(by, names)) in by["Values"]


def _tags(tags: list[Given]) -> dict[str, str]:
    return {tag["Key"]: tag.get("Value", "") for tag in tags}


def _not_assumable(endpoint: Endpoint, more: str = "") -> DmsFault:
    return DmsFault("AccessDeniedFault", WORDS_OF_A_REFUSAL[0].format(endpoint.role_arn) + more)


def _attributes_of(endpoint: Endpoint) -> str:
    return shown_attributes(endpoint.settings if endpoint.role_arn else None, endpoint.attributes)


def page(name: str, items: list[Given], given: Given, most: int = 100) -> Given:
    """The page of items that MaxRecords and Marker ask for, under `name`; at most `most` items."""
    size, start = min(int(given.get("MaxRecords") or most), most), int(given.get("Marker") or 0)
    answer: Given = {name: items[start : start + size]}
    return answer | ({"Marker": str(start + size)} if start + size < len(items) else {})
