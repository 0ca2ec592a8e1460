"""Is a request CloudFormation's? Whoever may invoke the function can send it an event that looks like one.

An event has no signature. So its answer may go to CloudFormation's bucket alone, and CloudFormation is asked whether it
waits for one. What remains is in docs/security.md.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import SplitResult, unquote, urlsplit

from ..aws.stacks import StackResource, Stacks
from ..model.arns import Arn, read_arn
from ..model.errors import Code, EndpointError, one_line, shortened
from ..model.figures import Figures
from ..model.partitions import dns_suffix
from ..procedure.lease import AnsweredError, Lease
from .event import Event

logger = logging.getLogger(__name__)

# The bucket is named after its region, without dashes. Seen before the suffix: .s3, .s3-<region>, .s3.<region>
# https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/vpc-interface-endpoints.html
BUCKET = r"cloudformation-custom-resource-response-[a-z0-9-]+\.s3([.-][a-z0-9-]+)*\."
LONGEST_HOST = 253
# CloudFormation's answers lag behind what it does: so it is asked again before a request is refused.
SECONDS_OF_LAG = 20.0
IN_PROGRESS = "_IN_PROGRESS"
# The status of a stack that has no more than a change set yet: CloudFormation does nothing for it.
IN_REVIEW = "REVIEW_IN_PROGRESS"
REMEDY = "Deploy the stack again; if it did not send this, docs/security.md says who can"


class ForeignUrlError(Exception):
    """The answer would not go to CloudFormation: nothing was done, and nobody was answered."""


class UntoldError(EndpointError):
    """CloudFormation does not tell whether it sent the request."""


@dataclass(frozen=True)
class Origin:
    """Whose requests are carried out. `function` is the ARN by which it was invoked.

    `accounts` are those that may have stacks with it beside its own; None is any. `stacks` are those of its own account
    and region; None if CloudFormation is not to be asked.
    """

    function: Arn
    accounts: frozenset[str] | None = frozenset()
    stacks: Stacks | None = None


def read_accounts(variables: Mapping[str, str]) -> frozenset[str] | None:
    """The accounts that the function was deployed for; None, which is any, with an OrganizationId."""
    if variables.get("ORGANIZATION_ID"):
        return None
    return frozenset(each.strip() for each in variables.get("STACK_ACCOUNTS", "").split(",") if each.strip())


def ensure_answerable(response_url: str, event: Event, function: Arn) -> None:
    """Raise ForeignUrlError unless the ResponseURL leads to CloudFormation's bucket.

    A path of a form that we don't know is no reason: refused by mistake, a stack waits for an hour.
    """
    parts, bucket = _parts_of(response_url), BUCKET + re.escape(dns_suffix(function.partition))
    if parts.scheme != "https" or not re.fullmatch(bucket, parts.netloc.lower()):
        # The host alone: the rest is a secret, if it is genuine.
        host = shortened(one_line(parts.netloc.rpartition("@")[2]), LONGEST_HOST)
        raise ForeignUrlError(f"The ResponseURL leads to {host or 'nowhere'}, by {parts.scheme[:9] or 'no scheme'}")
    if unquote(parts.path) != f"/{event.stack_id}|{event.logical_id}|{event.request_id}":
        logger.warning("The path of the ResponseURL has an unknown form")


def _parts_of(url: str) -> SplitResult:
    try:
        return urlsplit(url)
    except ValueError:
        return urlsplit("")


def ensure_asked_for(event: Event, origin: Origin, lease: Lease, figures: Figures) -> None:
    """Raise EndpointError unless CloudFormation waits for an answer to the request.

    It is asked before the lease is taken: an event that somebody made up writes nothing. Where it does not tell, a
    Delete goes on, as it takes away only what has its own stack's tags: else the stack could not be deleted.
    Raises AnsweredError if the request has ended: Lambda may deliver it again when nobody waits any more.
    """
    try:
        _ensure_stack_may(event, origin)
        if origin.stacks and _account_of(event) == origin.function.account:
            _ensure_in_progress(event, origin.stacks, lease)
    except EndpointError as error:
        if isinstance(error, UntoldError) and event.request_type == "Delete":
            logger.warning("Deleting without a word of CloudFormation", extra={"cause": error.reason})
            figures.unverified.append(event.physical_id)
            return
        _raise_if_answered(event, lease)
        raise


def _raise_if_answered(event: Event, lease: Lease) -> None:
    # Else the refusal stands.
    with suppress(EndpointError):
        lease.look()
    if answer := lease.record.answer_to(event.request_id):
        raise AnsweredError(answer)


def _stack(event: Event) -> Arn | None:
    """The stack; None if the StackId is no stack's."""
    arn = read_arn(event.stack_id)
    is_stack = arn and arn.service == "cloudformation" and arn.resource.startswith("stack/")
    return arn if is_stack else None


def _account_of(event: Event) -> str:
    stack = _stack(event)
    return stack.account if stack else ""


def _ensure_stack_may(event: Event, origin: Origin) -> None:
    """CloudFormation invokes functions of the stack's own region alone."""
    stack, own = _stack(event), origin.function
    if stack is None or (stack.partition, stack.region) != (own.partition, own.region):
        raise _refusal(event, f"{event.stack_id or 'an empty StackId'} is no stack of this region")
    if stack.account != own.account and origin.accounts is not None and stack.account not in origin.accounts:
        remedy = "Name the account in StackAccounts of the function's template.yaml, if its stacks may use it"
        raise _refusal(event, f"account {stack.account} may not use this function", remedy)


def _ensure_in_progress(event: Event, stacks: Stacks, lease: Lease) -> None:
    """Raises UntoldError if CloudFormation does not tell."""
    refusal = None
    for _waited in lease.deadline.attempts(at_most=SECONDS_OF_LAG):
        refusal = _why_not_asked_for(event, stacks)
        if refusal is None:
            return
    if refusal:
        raise refusal


def _why_not_asked_for(event: Event, stacks: Stacks) -> EndpointError | None:
    try:
        return _look(event, stacks)
    except EndpointError as error:
        untold = UntoldError(error.code, error.failed, error.remedy)
        untold.__cause__ = error.__cause__
        return untold


def _look(event: Event, stacks: Stacks) -> EndpointError | None:
    """Why the request is refused; None if it is not.

    One call as a rule. DescribeStacks comes second: it is throttled at some five calls a second, and deployments poll
    with it (https://github.com/aws/aws-sam-cli/issues/2671).
    """
    resource = stacks.resource(event.stack_id, event.logical_id)
    if resource and resource.status.endswith(IN_PROGRESS):
        return None
    status = stacks.status(event.stack_id)
    if status.endswith(IN_PROGRESS) and status != IN_REVIEW:
        if resource is None and event.request_type != "Create":
            return UntoldError(Code.NOT_STABILIZED, f"{_named(event)}: its stack does not list it", REMEDY)
        # A new resource is listed late.
        if resource is None or _is_no_longer_current(event, resource):
            return None
    found = resource.status if resource else "unknown"
    return _refusal(event, f"its stack is {status or 'unknown'}, and it is {found}")


def _is_no_longer_current(event: Event, resource: StackResource) -> bool:
    """Whether this is the Delete of what was replaced, or of a replacement that is undone.

    That comes while the stack cleans up, when its resource is already complete under the id that it keeps:
    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/crpg-ref-requesttypes-delete.html
    """
    return event.request_type == "Delete" and event.physical_id != resource.physical_id


def _refusal(event: Event, why: str, remedy: str = REMEDY) -> EndpointError:
    return EndpointError(Code.ACCESS_DENIED, f"{_named(event)}: CloudFormation did not send it: {why}", remedy)


def _named(event: Event) -> str:
    return f"{event.request_type} of {event.logical_id}"
