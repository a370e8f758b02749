"""Sends one request over a connection of the pool, and returns its response."""

from __future__ import annotations

from dataclasses import dataclass

from loadtests.generator.http.connection import StaleConnection
from loadtests.generator.http.outcome import Outcome
from loadtests.generator.http.pool import Origin
from loadtests.generator.http.request import Request
from loadtests.generator.http.response import Response

FIRST_ERROR_STATUS = 400


@dataclass(frozen=True, kw_only=True, slots=True)
class Ready:
    """A request ready to be sent: its bytes, its origin and the index of its name."""

    request: Request
    wire: bytes
    origin: Origin
    only_head: bool
    name: int
    timeout_s: float
    follow: bool


def exchange(ready: Ready, deadline: float) -> tuple[Response, float]:
    """Send the request; return the response and the moment when it was complete.

    Raises ``ConnectFailed`` if no connection can be made.
    """
    outcome, status, raw, body, done = send(
        ready.origin, ready.wire, deadline, ready.timeout_s, only_head=ready.only_head
    )
    return Response(ready.request.url, outcome, status, raw, body), done


def send(
    origin: Origin, wire: bytes, deadline: float, timeout_s: float, *, only_head: bool
) -> tuple[Outcome, int, bytes, bytes, float]:
    """Send ``wire``; return outcome, status, header, body and the moment of completion.

    If the server closed the connection earlier, the request is sent over another one. Raises
    ``ConnectFailed`` if no connection can be made in ``timeout_s``.
    """
    while True:
        connection = origin.take(timeout_s)
        try:
            outcome = connection.exchange(wire, deadline, only_head=only_head)
        except StaleConnection:
            continue
        finally:
            origin.give(connection)
        status = connection.status
        if outcome is Outcome.OK and status >= FIRST_ERROR_STATUS:
            outcome = Outcome.STATUS
        return outcome, status, connection.raw, connection.body(), connection.done
