"""Reports every ended request to the trial's recorder and to Locust's statistics."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic, time
from typing import Any

from locust.env import Environment

from loadtests.generator.http.head import replica_of
from loadtests.generator.http.outcome import Outcome
from loadtests.generator.http.request import Request
from loadtests.generator.http.response import Response
from loadtests.generator.recorder import NO_REPLICA, Recorder

Context = Callable[[], dict[str, Any]]


class Reporter:
    """Reports the requests of one user. Moments are those of the monotonic clock."""

    def __init__(
        self, environment: Environment, recorder: Recorder | None, user_context: Context
    ) -> None:
        self._recorder = recorder
        self._user_context = user_context
        self._stats: Any = environment.stats  # it says int for milliseconds, and takes float
        self._event: Any = environment.events.request  # Locust leaves its events untyped
        # Firing the event costs as much as the rest of a request. If Locust's own statistics are
        # the only listener, they are called directly; only the event's list of handlers shows that.
        self._listeners: list[Callable[..., None]] = self._event._handlers  # noqa: SLF001
        self._own_listeners = sum(
            handler.__module__.startswith(("locust.", "loadtests.generator."))
            for handler in self._listeners
        )

    @property
    def only_recorder(self) -> Recorder | None:
        """The recorder, if nobody but Locust's own statistics hears of requests besides."""
        return None if len(self._listeners) > self._own_listeners else self._recorder

    def name_index(self, name: str) -> int:
        """Return the index under which requests called ``name`` are recorded."""
        return 0 if self._recorder is None else self._recorder.name_index(name)

    def ended(
        self,
        request: Request,
        name: int,
        due: float,
        sent: float,
        done: float,
        response: Response,
        context: dict[str, Any] | None,
    ) -> None:
        """Report an ended request. Positional, for speed: it runs once per request."""
        recorder, outcome = self._recorder, response.outcome
        length = len(response.content)
        if recorder is not None:
            replica = recorder.replica_index(replica_of(response.raw))
            status = response.status_code
            recorder.add(due, sent, done, status, outcome, replica, name, length)
            examples = recorder.examples
            if outcome is not Outcome.OK or name not in examples.shown:
                examples.show(name, outcome, status, replica, response.raw, response.content)
        elapsed_ms = (done - sent) * 1000
        if len(self._listeners) > self._own_listeners:
            self._event.fire(
                request_type=request.method,
                name=request.name,
                response_time=elapsed_ms,
                response_length=length,
                response=response,
                context=self._user_context() | (context or {}),
                exception=response.error,
                start_time=time() - (monotonic() - sent),
                url=request.url,
            )
            return
        self._stats.log_request(request.method, request.name, elapsed_ms, length)
        if outcome is not Outcome.OK:
            self._stats.log_error(request.method, request.name, response.error)

    def undrained(self, name: int, due: float, sent: float) -> None:
        """Record a request whose user was killed before the answer came."""
        if self._recorder is not None:
            self._recorder.add(due, sent, monotonic(), 0, Outcome.UNDRAINED, NO_REPLICA, name)
