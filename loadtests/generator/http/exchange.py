"""One request and what comes of it, over a connection of the pool."""

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
    """A request that only has to be sent: to where, and under which index it is recorded."""

    request: Request
    wire: bytes
    origin: Origin
    only_head: bool
    name: int
    timeout_s: float
    follow: bool


def exchange(ready: Ready, deadline: float) -> tuple[Response, float]:
    """Send the request; returns what came, and the moment at which it was whole.

    A connection that the server had closed before is replaced: nothing was lost by it. Raises
    ``ConnectFailed`` where there is no connection.
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
