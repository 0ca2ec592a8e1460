"""Sessions of the SDK. boto3 is one of botocore's users, and not needed for what is done here."""

from __future__ import annotations

from functools import cache
from typing import Any

from botocore.session import Session


def new_session() -> Session:
    """One that shares the APIs' models with all others: to read them takes longest of what a session does."""
    session = Session()
    session.register_component("data_loader", _loader())
    return session


@cache
def _loader() -> Any:
    return Session().get_component("data_loader")
