"""``HttpUser`` and ``FastHttpUser`` for users' locustfiles, in the place of Locust's own.

They are subclasses of those that they stand for, so that a locustfile cannot tell the difference.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import locust
from locust import User
from locust.contrib import fasthttp
from locust.user import users

from loadtests.generator.session.client import SessionClient
from loadtests.generator.session.clients import FastClient, RequestsClient
from loadtests.generator.session.load import SessionLoad


def base_url_of(user: User) -> str:
    """Return the target's URL with the path of the host that the locustfile names."""
    load: SessionLoad = user.environment.load
    own = type(user).host
    path = path_of(own) if own and not own.startswith(load.home) else ""
    return load.base_url.rstrip("/") + path


def path_of(host: str) -> str:
    """Return the path of a host that a locustfile names, if it has one.

    A slash alone is none: ``/search`` would become ``//search``. Nor is the port of
    ``localhost:5000``, which has no scheme.
    """
    path = urlsplit(host).path if "://" in host else ""
    return "" if path == "/" else path


def host_for(own: str | None, base_url: str) -> str:
    """Return what ``self.host`` is for a user with a client of the file's own.

    It has the target's address in the form of the file's ``own`` host: ``ws://…/chat`` stays a
    WebSocket's, and ``localhost:50051`` has no scheme.
    """
    if not own:
        return base_url
    scheme, colon, _ = own.partition("://")
    netloc = urlsplit(base_url).netloc
    if not colon:
        return netloc
    if scheme.lower() in {"http", "https"}:
        return base_url.rstrip("/") + path_of(own)
    return f"{WITHOUT_TLS.get(scheme.lower(), scheme)}://{netloc}{path_of(own)}"


WITHOUT_TLS = {"wss": "ws"}
"""Schemes by those that speak the same over TLS, which the target does not."""


class LeanUser(User):
    """What both classes have in common."""

    abstract = True
    client_class: type[SessionClient]

    def __init__(self, *options: Any, **more: Any) -> None:
        User.__init__(self, *options, **more)
        self.host = base_url_of(self)
        self.client: Any = self.client_class(self, self.environment.load, self.host)


class HttpUser(LeanUser, users.HttpUser):
    """Locust's ``HttpUser`` on the generator's client."""

    abstract = True
    client_class = RequestsClient


class FastHttpUser(LeanUser, fasthttp.FastHttpUser):
    """Locust's ``FastHttpUser`` on the generator's client."""

    abstract = True
    client_class = FastClient

    def __init__(self, *options: Any, **more: Any) -> None:
        super().__init__(*options, **more)
        self.client.headers.update(self.default_headers or {})


PLACES = (
    (locust, "HttpUser", HttpUser),
    (locust.user, "HttpUser", HttpUser),
    (users, "HttpUser", HttpUser),
    (locust, "FastHttpUser", FastHttpUser),
    (fasthttp, "FastHttpUser", FastHttpUser),
)
"""Where a locustfile can import the classes from."""


@contextmanager
def in_place_of_stock() -> Iterator[None]:
    """Let imports inside the block find these classes in the place of Locust's."""
    before = [getattr(module, name) for module, name, _ in PLACES]
    for module, name, cls in PLACES:
        setattr(module, name, cls)
    try:
        yield
    finally:
        for (module, name, _), stock in zip(PLACES, before, strict=True):
            setattr(module, name, stock)
