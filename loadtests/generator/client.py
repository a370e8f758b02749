"""A lean HTTP client for Locust users, with the common calls of Locust's ``FastHttpUser``."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from time import monotonic, time
from typing import Any

import gevent
from locust.env import Environment

from loadtests.generator.connection import ConnectFailed, StaleConnection
from loadtests.generator.head import replica_of
from loadtests.generator.load import Load
from loadtests.generator.outcome import Outcome
from loadtests.generator.pool import Origin
from loadtests.generator.request import Request, prepare
from loadtests.generator.response import JudgedResponse, Response

READY_MAX = 1_000
"""Plain requests kept ready for each user: bounded where a scenario's paths never repeat."""

PAUSE_AFTER_NO_CONNECTION_S = 0.01
"""Before a user goes on after a connection failed, so that a dead server is not hammered."""

FIRST_ERROR_STATUS = 400

NO_CONNECTION = frozenset({Outcome.REFUSED, Outcome.UNREACHABLE})


@dataclass(frozen=True, kw_only=True, slots=True)
class Ready:
    """A request that only has to be sent: to where, and under which index it is recorded."""

    request: Request
    wire: bytes
    origin: Origin
    only_head: bool
    name: int
    timeout_s: float


class HttpClient:
    """Asks servers over connections that all users share; see ``Load``.

    Redirects are answers like others and are not followed; cookies are not kept.
    """

    def __init__(self, *, base_url: str, environment: Environment, load: Load) -> None:
        self.base_url = base_url
        self._environment = environment
        self._load = load
        self._admit = load.gate.admit
        self._recorder = load.recorder
        self._ready: dict[tuple[str, str], Ready] = {}
        self._group: str | None = None
        self._stats: Any = environment.stats  # it says int for milliseconds, and takes float
        self._event: Any = environment.events.request  # Locust leaves its events untyped
        self._listeners: list[Callable[..., None]] = self._event._handlers  # noqa: SLF001 - see below
        # Firing the event costs as much as the rest of a request. As long as Locust's own
        # statistics are the only listener, they are called directly.
        self._own_listeners = sum(
            handler.__module__.startswith(("locust.", "loadtests.generator."))
            for handler in self._listeners
        )

    def get(self, url: str, **options: Any) -> Response:
        """Send a GET request; see ``request``."""
        return self.request("GET", url, **options)

    def head(self, url: str, **options: Any) -> Response:
        """Send a HEAD request; see ``request``."""
        return self.request("HEAD", url, **options)

    def options(self, url: str, **options: Any) -> Response:
        """Send an OPTIONS request; see ``request``."""
        return self.request("OPTIONS", url, **options)

    def delete(self, url: str, **options: Any) -> Response:
        """Send a DELETE request; see ``request``."""
        return self.request("DELETE", url, **options)

    def post(self, url: str, data: Any = None, json: Any = None, **options: Any) -> Response:
        """Send a POST request; see ``request``."""
        return self.request("POST", url, data=data, json=json, **options)

    def put(self, url: str, data: Any = None, **options: Any) -> Response:
        """Send a PUT request; see ``request``."""
        return self.request("PUT", url, data=data, **options)

    def patch(self, url: str, data: Any = None, **options: Any) -> Response:
        """Send a PATCH request; see ``request``."""
        return self.request("PATCH", url, data=data, **options)

    def request(
        self,
        method: str,
        url: str,
        *,
        catch_response: bool = False,
        timeout: float | None = None,
        context: dict[str, Any] | None = None,
        **options: Any,
    ) -> Response:
        """Send a request and return the whole answer; a failure is a response too, not an error.

        ``name`` groups requests in the statistics; ``params``, ``data``, ``json``, ``headers`` and
        ``auth`` are as in ``request.prepare``; ``timeout`` is in seconds. With ``catch_response``
        the response is a ``with`` block, which may judge it by ``success()`` or ``failure(why)``.
        Raises Locust's ``StopUser`` when the trial is over.
        """
        if options or timeout is not None or self._group is not None:
            options.setdefault("name", self._group)
            ready = self._prepare(method, url, timeout, options)
        else:
            found = self._ready.get((method, url))
            ready = found if found is not None else self._keep_ready(method, url)
        return self._ask(ready, context, judged=catch_response)

    @contextmanager
    def rename_request(self, name: str) -> Iterator[None]:
        """Count all requests inside the ``with`` block under ``name``."""
        self._group = name
        try:
            yield
        finally:
            self._group = None

    def _keep_ready(self, method: str, url: str) -> Ready:
        ready = self._prepare(method, url, None, {})
        if len(self._ready) < READY_MAX:
            self._ready[method, url] = ready
        return ready

    def _prepare(
        self, method: str, url: str, timeout_s: float | None, options: dict[str, Any]
    ) -> Ready:
        request = prepare(method, url, base_url=self.base_url, **options)
        return Ready(
            request=request,
            wire=request.wire,
            origin=self._load.pool.origin(request.base),
            only_head=method == "HEAD",
            name=self._recorder.name_index(request.name) if self._recorder else 0,
            timeout_s=self._load.timeout_s if timeout_s is None else timeout_s,
        )

    def _ask(self, ready: Ready, context: dict[str, Any] | None, *, judged: bool) -> Response:
        due = self._admit()
        sent = monotonic()
        try:
            response, done = self._exchange(ready, sent)
        except ConnectFailed as failure:
            response, done = Response(ready.request.url, failure.outcome), monotonic()
        except BaseException:  # the user is ended at the limit for draining
            self._record(ready, due, sent, monotonic(), Response("", Outcome.UNDRAINED))
            raise
        if judged:
            judge = JudgedResponse.of(response)
            judge.on_exit = lambda: self._count(ready, due, sent, done, judge, context)
            return judge
        self._count(ready, due, sent, done, response, context)
        if not response.status_code and response.outcome in NO_CONNECTION:
            gevent.sleep(PAUSE_AFTER_NO_CONNECTION_S)
        return response

    def _exchange(self, ready: Ready, sent: float) -> tuple[Response, float]:
        origin = ready.origin
        while True:
            connection = origin.take(ready.timeout_s)
            try:
                outcome = connection.exchange(
                    ready.wire, sent + ready.timeout_s, only_head=ready.only_head
                )
            except StaleConnection:
                continue
            finally:
                origin.give(connection)
            status = connection.status
            if outcome is Outcome.OK and status >= FIRST_ERROR_STATUS:
                outcome = Outcome.STATUS
            done = connection.done
            response = Response(
                ready.request.url,
                outcome,
                status,
                connection.raw,
                connection.body(),
                done - sent,
            )
            return response, done

    def _count(
        self,
        ready: Ready,
        due: float,
        sent: float,
        done: float,
        response: Response,
        context: dict[str, Any] | None,
    ) -> None:
        """Record an ended request, and tell Locust's statistics and listeners."""
        if self._recorder is not None:
            self._record(ready, due, sent, done, response)
        request = ready.request
        elapsed_ms = (done - sent) * 1000
        if len(self._listeners) > self._own_listeners:
            self._event.fire(
                request_type=request.method,
                name=request.name,
                response_time=elapsed_ms,
                response_length=len(response.content),
                response=response,
                context=context or {},
                exception=response.error,
                start_time=time() - (monotonic() - sent),
                url=request.url,
            )
            return
        self._stats.log_request(request.method, request.name, elapsed_ms, len(response.content))
        if response.outcome is not Outcome.OK:
            self._stats.log_error(request.method, request.name, response.error)

    def _record(
        self, ready: Ready, due: float, sent: float, done: float, response: Response
    ) -> None:
        if self._recorder is not None:
            self._recorder.add(
                due,
                sent,
                done,
                response.status_code,
                response.outcome,
                self._recorder.replica_index(replica_of(response.raw)),
                ready.name,
            )
