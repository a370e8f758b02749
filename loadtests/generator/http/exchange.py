"""Sends one request over a connection of the pool, and returns its response."""

from __future__ import annotations

from dataclasses import dataclass

from loadtests.generator.http.connection import StaleConnection
from loadtests.generator.http.outcome import FIRST_ERROR_STATUS, Outcome
from loadtests.generator.http.pool import Origin
from loadtests.generator.http.request import Request
from loadtests.generator.http.response import Response

SAFE = (b"GET ", b"HEAD ", b"OPTIONS ")
"""How requests begin that change nothing, so that they may be sent again (RFC 9110, 9.2.1)."""


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

    A request is sent again, over a new connection, where the server had closed the used one before
    it came (RFC 9112, 9.3.1). A server that read it and then closed has failed. Whether it was read
    is certain, except after a reset: then only a safe request is sent again, and only to a server
    that has not kept a connection yet, such as uWSGI's, which closes each without saying so. Raises
    ``ConnectFailed`` if no connection can be made in ``timeout_s``.
    """
    # What may not be sent twice goes where it will be read.
    take, give = (
        (origin.take, origin.give)
        if origin.keeps or wire.startswith(SAFE)
        else (origin.take_rested, origin.give_rested)
    )
    while True:
        connection = take(timeout_s)
        answered = connection.done
        try:
            outcome = connection.exchange(wire, deadline, only_head=only_head)
        except StaleConnection:
            origin.closes(answered)
            take = origin.connect
            continue
        finally:
            give(connection)
        if not origin.keeps and answered:
            if outcome is Outcome.RESET and not connection.raw and wire.startswith(SAFE):
                origin.closes(answered)
                take = origin.connect
                continue
            if outcome is Outcome.OK:
                origin.keeps = True
        status = connection.status
        if outcome is Outcome.OK and status >= FIRST_ERROR_STATUS:
            outcome = Outcome.STATUS
        return outcome, status, connection.raw, connection.body(), connection.done
