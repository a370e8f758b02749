"""Keeps the generator's connections open from trial to trial, and enforces time limits."""

from __future__ import annotations

import socket
from time import monotonic
from urllib.parse import urlsplit

import gevent

from loadtests.generator.http.connection import ConnectFailed, Connection
from loadtests.generator.http.outcome import Outcome

WATCH_INTERVAL_S = 0.02
"""How often overdue requests are looked for.

Time limits are exact to this interval, and cost nothing per request."""

REST_S = 0.2
"""A server that closes after each answer has done so by then. Between the two, a replica with a
small CPU budget may stand still for most of the kernel's period of 100 ms."""


class UnusableUrl(ValueError):
    """This client cannot request the URL; the message says why."""


class Origin:
    """One host and port, with the connections to it.

    ``keeps`` tells whether the server answers more than once on a connection; None until that is
    known. A server may close each and not say so, as uWSGI does: then each request gets a new one.
    """

    def __init__(self, host: str, port: int) -> None:
        """Remember the address; connections are made on demand."""
        self.host = host
        self.port = port
        self.keeps: bool | None = None
        self.open: set[Connection] = set()
        self._idle: list[Connection] = []
        self._addresses: list[tuple[int, tuple[str, int]]] = []

    def take(self, timeout_s: float) -> Connection:
        """Return the most recently used idle connection, or a new one; raises ``ConnectFailed``."""
        idle = self._idle
        while idle:
            connection = idle.pop()
            if connection.usable:
                return connection
            self.open.discard(connection)
        return self.connect(timeout_s)

    def take_rested(self, timeout_s: float) -> Connection:
        """Return a connection that the server has left open for a while, or a new one.

        It is for requests that may not be sent twice, until ``keeps`` is known. Raises
        ``ConnectFailed``.
        """
        idle = self._idle
        while idle and not idle[0].usable:
            self.open.discard(idle.pop(0))
        if idle and monotonic() - idle[0].done > REST_S:
            return idle.pop(0)
        return self.connect(timeout_s)

    def give(self, connection: Connection) -> None:
        """Return ``connection`` to the pool after use."""
        if connection.usable and self.keeps is not False:
            self._idle.append(connection)
        else:
            self.open.discard(connection)
            connection.close()

    def give_rested(self, connection: Connection) -> None:
        """Return a connection of ``take_rested``; one idle is enough to see whether it is kept."""
        if self._idle and not self.keeps:
            connection.usable = False
        self.give(connection)

    def closes(self, answered: float) -> None:
        """Note that a connection was found closed, whose last answer came at ``answered``.

        Long after its answer, that may be the server's time for idle ones.
        """
        if self.keeps is None and monotonic() - answered < REST_S:
            self.keeps = False

    def renew(self) -> None:
        """Close the idle connections, and those in flight after their answers.

        Another server may be there by now.
        """
        self.keeps = None
        for connection in self._idle:
            self.open.discard(connection)
            connection.close()
        self._idle.clear()
        for connection in self.open:
            connection.usable = False

    def fail_overdue(self, now: float) -> None:
        """End the requests whose time limit has passed."""
        if len(self._idle) == len(self.open):
            return  # nothing is in flight
        for connection in tuple(self.open):
            if connection.deadline < now:
                connection.fail(Outcome.TIMEOUT)

    def connect(self, timeout_s: float) -> Connection:
        """Return a new connection; raises ``ConnectFailed``."""
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
        self.keeps = None  # another server may come up there
        raise failure


class Pool:
    """All origins, and the greenlet that enforces the time limits of requests in flight."""

    def __init__(self) -> None:
        self._origins: dict[tuple[str, int], Origin] = {}
        self._watch = gevent.spawn(self._watch_deadlines)

    def origin(self, url: str) -> Origin:
        """Return the origin of ``url``; raises ``UnusableUrl``."""
        address = host_and_port(url)
        if address not in self._origins:
            self._origins[address] = Origin(*address)
        return self._origins[address]

    def renew(self) -> None:
        """Let all requests from now on go over new connections."""
        for origin in self._origins.values():
            origin.renew()

    def _watch_deadlines(self) -> None:
        while True:
            gevent.sleep(WATCH_INTERVAL_S)
            now = monotonic()
            for origin in self._origins.values():
                origin.fail_overdue(now)


def host_and_port(url: str) -> tuple[str, int]:
    """Return where connections for ``url`` go; raises ``UnusableUrl``."""
    parts = urlsplit(url)
    try:
        port = parts.port or 80
    except ValueError as error:
        raise UnusableUrl(f"{url!r}: {error}") from None
    if parts.scheme != "http" or not parts.hostname:
        raise UnusableUrl(
            f"{url!r} is not an http:// URL with a host; "
            "for https, write the locustfile with Locust's FastHttpUser"
        )
    return parts.hostname, port


def resolve(host: str, port: int) -> list[tuple[int, tuple[str, int]]]:
    """Return family and address for each address of ``host``; raises ``ConnectFailed``."""
    try:
        entries = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise ConnectFailed(Outcome.UNREACHABLE, f"{host}: {error}") from None
    return [(family, address) for family, _, _, _, address in entries]  # type: ignore[misc]
