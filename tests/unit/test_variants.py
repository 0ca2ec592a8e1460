"""Each request under each variant of AWS when nothing else goes wrong; and what no Create survives."""

from __future__ import annotations

from typing import Any

import pytest

from development.faults.run import Ended, run
from development.faults.scenarios import SCENARIOS
from development.faults.variants import VARIANTS

from .in_memory import CloudInMemory

pytestmark = pytest.mark.usefixtures("in_memory")


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("request_kind", SCENARIOS)
def test_each_request_succeeds(request_kind: str, variant: str) -> None:
    cloud = CloudInMemory()
    cloud.switch(**VARIANTS[variant])
    ended = run(cloud, SCENARIOS[request_kind], "orders", lambda _event: None)
    assert ended == Ended(survived=True, violations=[])


@pytest.mark.parametrize(
    ("switches", "code"),
    [
        ({"not_allow_listed": "AccessDeniedException"}, "NotAllowListed"),
        ({"quota": 0}, "LimitExceeded"),
        ({"create_fault": "S3AccessDeniedFault"}, "InvalidRequest"),
        ({"create_fault": "KMSKeyNotAccessibleFault"}, "InvalidRequest"),
        ({"create_fault": "InvalidParameterValueException"}, "InvalidRequest"),
        ({"create_fault": "ResourceNotFoundFault"}, "InternalError"),
        ({"external_id": "never_settles"}, "RoleNotAssumable"),
        ({"first_create": "no_external_id"}, "NoExternalId"),
        ({"refused_creates": 1000}, "RoleNotAssumable"),
        ({"propagation_seconds": 1000.0}, "RoleNotAssumable"),
        ({"create_seconds": 1000.0}, "NotStabilized"),
    ],
)
def test_what_no_create_survives_has_its_code_and_leaves_nothing(switches: dict[str, Any], code: str) -> None:
    reasons: list[str] = []
    cloud = CloudInMemory(on_end=lambda _event, _calls, answers: reasons.extend(each["Reason"] for each in answers))
    cloud.switch(**switches)
    ended = run(cloud, SCENARIOS["Create"], "orders", lambda _event: None)
    assert ended.violations == ["the second try failed too"]
    assert {reason.partition(":")[0] for reason in reasons if reason} == {code}
