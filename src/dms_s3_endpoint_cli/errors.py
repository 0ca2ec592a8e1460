"""The error of a command."""

from __future__ import annotations


class CheckError(Exception):
    """The check itself can't be made; the text says why."""
