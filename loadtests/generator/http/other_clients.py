"""Records requests that a locustfile sends with Locust's own clients, by Locust's event."""

from __future__ import annotations

from time import monotonic, time
from typing import Any

from gevent import Timeout
from geventhttpclient._parser import HTTPParseError
from geventhttpclient.response import HTTPConnectionClosed
from locust.env import Environment
from locust.exception import CatchResponseError
from requests.exceptions import Timeout as RequestsTimeout

from loadtests.generator.http.head import REPLICA_NAME
from loadtests.generator.http.outcome import FIRST_ERROR_STATUS, Outcome
from loadtests.generator.http.response import Response

OUTCOME_OF_ERROR: tuple[tuple[type[BaseException], Outcome], ...] = (
    (CatchResponseError, Outcome.REJECTED),
    (TimeoutError, Outcome.TIMEOUT),
    (Timeout, Outcome.TIMEOUT),
    (RequestsTimeout, Outcome.TIMEOUT),
    (ConnectionRefusedError, Outcome.REFUSED),
    (ConnectionResetError, Outcome.RESET),
    (BrokenPipeError, Outcome.RESET),
    (HTTPConnectionClosed, Outcome.CLOSED_EARLY),
    (HTTPParseError, Outcome.MALFORMED),
)
"""Outcomes by the exceptions of ``HttpUser`` and ``FastHttpUser``; the first match counts."""


def record_other_clients(environment: Environment) -> None:
    """Record the requests of all clients except the generator's own, from now on."""

    def on_request(
        name: str,
        response_time: float | None,
        response: Any = None,
        exception: Any = None,
        start_time: float | None = None,
        **_others: Any,
    ) -> None:
        recorder = environment.load.recorder  # type: ignore[attr-defined]  # set by the trial
        if isinstance(response, Response) or recorder is None:
            return
        now = monotonic()
        elapsed_s = (response_time or 0.0) / 1000
        sent = now - elapsed_s if start_time is None else now - (time() - start_time)
        status = getattr(response, "status_code", None) or 0
        replica = (getattr(response, "headers", None) or {}).get(REPLICA_NAME)
        recorder.add(
            sent,
            sent,
            sent + elapsed_s,
            status,
            outcome_of(status, exception),
            recorder.replica_index(replica.encode("latin-1") if replica else None),
            recorder.name_index(name),
        )

    events: Any = environment.events  # Locust leaves them untyped
    events.request.add_listener(on_request)


def outcome_of(status: int, error: BaseException | None) -> Outcome:
    """Return the outcome of a request with ``status`` (0 without one) and ``error``."""
    if error is None:
        return Outcome.OK
    for kind, outcome in OUTCOME_OF_ERROR:
        if isinstance(error, kind):
            return outcome
    return Outcome.STATUS if status >= FIRST_ERROR_STATUS else Outcome.OTHER
