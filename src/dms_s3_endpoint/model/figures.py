"""What one request counts while it works."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Figures:
    """The request's threads add to the lists; appending is safe between threads."""

    # The attempts of calls that AWS throttled, each by botocore's name of the event.
    throttled: list[str] = field(default_factory=list)
    # Seconds until DMS saw a role, or a trust policy, that was made or changed.
    propagation: list[float] = field(default_factory=list)
    # Why an endpoint should have been created again that tasks use.
    left_as_it_is: list[str] = field(default_factory=list)
    # Physical ids that CloudFormation has no more, and of which something still stands.
    left_behind: list[str] = field(default_factory=list)
    # Physical ids that were deleted though CloudFormation did not tell whether it asked for that.
    unverified: list[str] = field(default_factory=list)
