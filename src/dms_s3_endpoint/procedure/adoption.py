"""ADOPT: import an endpoint, role and policy that were made by hand, exactly as they are.

Hand-made pieces are recognised by missing ownership tags. An import writes these tags and a mark, and changes nothing
else; everything must agree before. While the mark stands, a Delete takes the tags off again. Taking ADOPT out of the
properties removes the mark; from then on a Delete deletes. Pure functions.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..model.endpoint import Endpoint
from ..model.ownership import is_adopted, is_unowned
from ..model.pieces import LiveEndpoint, Observed, Role
from ..model.policies import admits_dms, is_for_dms_alone
from ..model.s3_settings import differences


def is_import(wanted: Endpoint, observed: Observed) -> bool:
    """Whether the request imports, or keeps what an earlier request imported, as the endpoint's mark shows.

    If no endpoint has the mark, our pieces are repaired as those of any other resource: a rollback must succeed.
    """
    if not wanted.adopt:
        return False
    return not observed.pieces or is_imported(observed) or any(is_unowned(each.tags) for each in observed.pieces)


def is_imported(observed: Observed) -> bool:
    """Whether the endpoint that stands was imported, and ADOPT was not taken out since."""
    return observed.live is not None and is_adopted(observed.live.tags)


def objections(wanted: Endpoint, observed: Observed) -> list[str]:
    """Everything in which the pieces disagree with the properties, or that makes them unfit for an import."""
    return [
        *_missing(wanted, observed),
        *(["TAGS can be given once ADOPT is taken out"] if wanted.tags else ()),
        *(_objections_to_endpoint(wanted, observed.live, observed) if observed.live else ()),
        *(_objections_to_role(wanted, observed.role, observed) if observed.role else ()),
        *_objections_to_policy(wanted, observed),
    ]


def _missing(wanted: Endpoint, observed: Observed) -> Iterator[str]:
    if observed.live is None:
        yield f"endpoint {wanted.endpoint_identifier} does not exist"
    if observed.role is None:
        yield f"role {wanted.role_name} does not exist"
    if observed.policy is None:
        yield f"policy {wanted.policy_name} does not exist, or is not attached to the role"


def _objections_to_endpoint(wanted: Endpoint, live: LiveEndpoint, observed: Observed) -> Iterator[str]:
    name, bucket = f"endpoint {live.identifier}", str(live.settings.get("BucketName", ""))
    if live.kind != "target of s3":
        yield f"{name} is a {live.kind}, not a target of s3"
    if bucket != wanted.bucket_name:
        yield f"{name} has bucket {bucket or '(none)'}, not {wanted.bucket_name}"
    if observed.role is None or observed.role.arn != live.role_arn:
        account = wanted.environment.data_lake_account
        yield f"{name} has role {live.role_arn or '(none)'}, not {wanted.role_name} of account {account}"
    for setting in differing_settings(wanted, live):
        if setting != "BUCKETNAME":
            yield f"{name} differs in {setting}"


def differing_settings(wanted: Endpoint, live: LiveEndpoint) -> list[str]:
    """The settings in which an endpoint differs; DMS's defaults and a bucket owner not given by hand don't count."""
    settings: dict[str, object] = dict(wanted.effective_settings)
    if not live.settings.get("ExpectedBucketOwner"):
        settings.pop("ExpectedBucketOwner", None)
    return [name.upper() for name in differences(settings, live.settings)]


def _objections_to_role(wanted: Endpoint, role: Role, observed: Observed) -> Iterator[str]:
    if not is_for_dms_alone(role.trust_policy):
        yield f"role {role.name} may be assumed by others than DMS"
    if observed.live and not admits_dms(role.trust_policy, observed.external_id):
        yield f"role {role.name} does not admit DMS with the endpoint's ExternalId"
    if wanted.permissions_boundary and role.permissions_boundary != wanted.permissions_boundary:
        yield f"role {role.name} has boundary {role.permissions_boundary or '(none)'}, not PERMISSIONSBOUNDARY"
    for identifier in observed.endpoints_of_role:
        if identifier != wanted.endpoint_identifier:
            yield f"role {role.name} is also that of endpoint {identifier}"


def _objections_to_policy(wanted: Endpoint, observed: Observed) -> Iterator[str]:
    policy, role = observed.policy, observed.role
    if policy and role and policy.arn not in observed.attached_policy_arns:
        yield f"policy {policy.name} is not attached to role {role.name}"
    for name in observed.policy_attached_to:
        if policy and name != wanted.role_name:
            yield f"policy {policy.name} is also attached to {name}"
