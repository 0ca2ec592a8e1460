"""The errors of the commands."""

from __future__ import annotations


class CheckError(Exception):
    """The check itself can't be made; the text says why."""


class CannotError(Exception):
    """What was asked for can't be done; the text says why."""


class RefusedError(Exception):
    """What was asked for is refused; the text says why."""
