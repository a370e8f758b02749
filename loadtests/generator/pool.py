"""The open connections of a generator: kept by address from trial to trial, and watched."""

from __future__ import annotations

import socket
from time import monotonic
from urllib.parse import urlsplit

import gevent

from loadtests.generator.connection import ConnectFailed, Connection
from loadtests.generator.outcome import Outcome

WATCH_INTERVAL_S = 0.02
"""How often overdue requests are looked for: an answer's time limit is that exact, at no cost for
each request."""


class UnusableUrl(ValueError):
    """A URL that this client cannot ask: the message says why."""


class Origin:
    """Where connections go: one host and port, and the idle connections to it."""

    def __init__(self, url: str) -> None:
        """Take the scheme, host and port of ``url``; raises ``UnusableUrl``."""
        parts = urlsplit(url)
        try:
            port = parts.port or 80
        except ValueError as error:
            raise UnusableUrl(f"{url!r}: {error}") from None
        if parts.scheme != "http" or not parts.hostname:
            raise UnusableUrl(
                f"{url!r} is not an http:// URL with a host; "
                "for https, write the scenario for Locust's FastHttpUser"
            )
        self.host = parts.hostname
        self.port = port
        self.open: set[Connection] = set()
        self._idle: list[Connection] = []
        self._addresses: list[tuple[int, tuple[str, int]]] = []

    def take(self, timeout_s: float) -> Connection:
        """Return the connection that was used last, or a new one; raises ``ConnectFailed``."""
        idle = self._idle
        while idle:
            connection = idle.pop()
            if connection.usable:
                return connection
            self.open.discard(connection)
        return self._connect(timeout_s)

    def give(self, connection: Connection) -> None:
        """Take ``connection`` back after use."""
        if connection.usable:
            self._idle.append(connection)
        else:
            self.open.discard(connection)

    def _connect(self, timeout_s: float) -> Connection:
        if not self._addresses:
            self._addresses = resolve(self.host, self.port)
        failure = ConnectFailed(Outcome.UNREACHABLE, f"{self.host} has no address")
        for family, address in self._addresses:
            try:
                connection = Connection(family, address, timeout_s)
            except ConnectFailed as error:
                failure = error
            else:
                self.open.add(connection)
                return connection
        self._addresses = []
        raise failure


class Pool:
    """All origins, and the watch over the time limits of the requests in flight."""

    def __init__(self) -> None:
        self._origins: dict[tuple[str, int], Origin] = {}
        self._watch = gevent.spawn(self._watch_deadlines)

    def origin(self, url: str) -> Origin:
        """Return the origin of ``url``; raises ``UnusableUrl``."""
        origin = Origin(url)
        return self._origins.setdefault((origin.host, origin.port), origin)

    def _watch_deadlines(self) -> None:
        while True:
            gevent.sleep(WATCH_INTERVAL_S)
            now = monotonic()
            for origin in self._origins.values():
                for connection in tuple(origin.open):
                    if connection.deadline < now:
                        connection.fail(Outcome.TIMEOUT)


def resolve(host: str, port: int) -> list[tuple[int, tuple[str, int]]]:
    """Return family and address for each address of ``host``; raises ``ConnectFailed``."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise ConnectFailed(Outcome.UNREACHABLE, f"{host}: {error}") from None
    return [(family, address) for family, _, _, _, address in found]  # type: ignore[misc]
