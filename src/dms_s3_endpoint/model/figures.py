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
    # Settings of the live endpoint that somebody changed, and that can't be mended as tasks use it.
    left_as_changed_by_hand: list[str] = field(default_factory=list)
