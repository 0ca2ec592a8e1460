"""The function's two aliases: through `live` it carries requests out, through `check` it only looks.

So whoever runs `check` needs no right to invoke `live`, and with the right to invoke `check` changes nothing.
"""

from __future__ import annotations

import logging

from ..model.arns import Arn
from ..model.errors import Code, EndpointError
from ..model.lives import Answer
from ..model.physical_id import is_marker, marker
from ..procedure.preview import Report
from .event import Event

logger = logging.getLogger(__name__)
CHECK = "check"


def only_looks(function: Arn) -> bool:
    """Whether it was invoked by `check`. The ARN's resource is function:<name>, and :<alias> where there is one."""
    return function.resource.split(":")[2:] == [CHECK]


def refused_check() -> Report:
    """The answer to a Check through another alias. That would say what `check` says, but is a right to much more."""
    failed = f"a Check is for the alias {CHECK} of the function"
    remedy = f"Invoke …:{CHECK}, as `python -m dms_s3_endpoint_cli check` of this release does"
    return Report(problems=[str(EndpointError(Code.INVALID_REQUEST, failed, remedy))])


def refused_request(event: Event) -> Answer:
    """The answer to a request through `check`: somebody's ServiceToken names the wrong alias.

    Without an answer that stack would wait for an hour. A Create is answered with the marker, so the Delete of its
    rollback can succeed.
    """
    if event.request_type == "Delete" and is_marker(event.physical_id):
        return Answer(event.request_id, event.physical_id)
    failed = f"{event.request_type}: the ServiceToken names the alias {CHECK}, which changes nothing"
    error = EndpointError(Code.INVALID_REQUEST, failed, "Name the alias live: it is the output ServiceToken")
    logger.error(error.reason, extra={"code": error.code})
    return Answer(event.request_id, event.physical_id or marker(event.logical_id), error.reason, error.code)
