"""Parts of botocore's clients that are alike are made once in a process: most of what each further client takes.

A function makes its clients anew for each request. Each keeps its own credentials, handlers of events, quota of retries
and classes of exceptions.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partialmethod
from typing import Any

from botocore import client, endpoint, hooks, httpsession, regions

Make = Callable[..., Any]


def once(make: Make, key: Callable[..., object]) -> Make:
    """`make`, which is asked once for each key of what it is given."""
    made: dict[object, Any] = {}

    def made_once(*given: Any, **more: Any) -> Any:
        what = key(*given, **more)
        if what not in made:
            # What it was given is kept too, as a key may be the id of it.
            made[what] = make(*given, **more), given, more
        return made[what][0]

    return made_once


def make_once() -> None:
    """Let clients share descriptions of services, classes, rules for endpoints, names of events, and connections."""
    creator: Any = client.ClientCreator
    creator._load_service_model = once(creator._load_service_model, lambda _self, *service: service)
    creator._create_client_class = once(creator._create_client_class, lambda _self, service, _model: service)
    found: Any = regions
    found.EndpointProvider = once(found.EndpointProvider, lambda ruleset_data, **_: id(ruleset_data))
    aliaser: Any = hooks.EventAliaser
    aliaser._alias_event_name = aliaser(hooks.HierarchicalEmitter())._alias_event_name
    connected: Any = endpoint.EndpointCreator
    http_session = once(httpsession.URLLib3Session, lambda **given: repr(given))
    connected.create_endpoint = partialmethod(connected.create_endpoint, http_session_cls=http_session)
