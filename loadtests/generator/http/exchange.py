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

    If the server closed the connection earlier, the request is sent over another one. Raises
    ``ConnectFailed`` if no connection can be made.
    """
    origin = ready.origin
    while True:
        connection = origin.take(ready.timeout_s)
        try:
            outcome = connection.exchange(ready.wire, deadline, only_head=ready.only_head)
        except StaleConnection:
            continue
        finally:
            origin.give(connection)
        status = connection.status
        if outcome is Outcome.OK and status >= FIRST_ERROR_STATUS:
            outcome = Outcome.STATUS
        body, done = connection.body(), connection.done
        return Response(ready.request.url, outcome, status, connection.raw, body), done
