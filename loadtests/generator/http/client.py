"""An HTTP client for Locust users that needs little CPU, with the API of ``FastHttpUser``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from time import monotonic
from typing import Any, NoReturn

import gevent

from loadtests.generator.http.connection import ConnectFailed
from loadtests.generator.http.cookies import Cookies
from loadtests.generator.http.exchange import Ready, exchange, send
from loadtests.generator.http.head import cookie_lines, replica_of
from loadtests.generator.http.outcome import Outcome
from loadtests.generator.http.reporter import Reporter
from loadtests.generator.http.request import (
    MalformedLocation,
    absolute,
    destination,
    is_same_origin,
    prepare,
)
from loadtests.generator.http.response import JudgedResponse, Response
from loadtests.generator.load import Load
from loadtests.generator.recorder import Recorder
from loadtests.generator.session.names import without_secrets

READY_MAX = 1_000
"""Cached plain requests per user; a bound, because a locustfile's paths may never repeat."""

PAUSE_AFTER_NO_CONNECTION_S = 0.01
"""Pause of a user after a failed connection, so that it does not hammer a dead server."""

NO_CONNECTION = frozenset({Outcome.REFUSED, Outcome.UNREACHABLE})

REDIRECTS = frozenset({301, 302, 303, 307, 308})
AS_GET = frozenset({301, 302, 303})
"""Redirects that turn a POST into a GET, as in browsers (RFC 9110, 15.4)."""
REDIRECTS_MAX = 30
"""The same limit as in Locust's ``FastHttpUser``."""


class HttpClient:
    """Sends requests over connections that all users share; see ``Load``."""

    def __init__(self, *, base_url: str, load: Load, reporter: Reporter) -> None:
        self.base_url = base_url
        self._load = load
        self._reporter = reporter
        self._admit = load.gate.admit
        self._ready: dict[tuple[str, str, bool], Ready] = {}
        self._cookies = Cookies()
        self._group: str | None = None

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
        allow_redirects: bool = True,
        context: dict[str, Any] | None = None,
        **options: Any,
    ) -> Response:
        """Send a request and return the whole answer; a failure is returned too, never raised.

        ``name`` groups requests in the statistics. ``params``, ``data``, ``json``, ``headers`` and
        ``auth`` are those of ``request.prepare``; ``timeout`` is in seconds. Redirects to the same
        scheme, host and port are followed unless ``allow_redirects`` is False, and count as one
        request with their target. One to elsewhere is the answer; one to no URL is malformed.
        With ``catch_response``, use the response in a ``with`` block, and judge it there by
        ``success()`` or ``failure(reason)``. Raises Locust's ``StopUser`` when the trial is over.
        """
        if options or self._group is not None:
            ready = self._prepare(method, url, follow=allow_redirects, **options)
        else:
            key = (method, url, allow_redirects)
            cached = self._ready.get(key)
            ready = cached if cached is not None else self._keep_ready(*key)
        return self._ask(ready, options, context, judged=catch_response)

    def repeat(self, requests: Sequence[tuple[str, str]]) -> NoReturn:
        """Send ``requests`` (method and URL) in turn, for ever; raises ``StopUser`` as ``request``.

        Nobody gets the answers, redirects are not followed, and Locust's own statistics have
        nothing of it. So it costs less than ``request``, to which it goes over where Locust's
        statistics are the only ones, or a listener waits for requests.
        """
        recorder = self._reporter.only_recorder
        if recorder is None:
            while True:
                for method, url in requests:
                    self.request(method, url, allow_redirects=False)
        admit, known = self._admit, self._ready
        keys = [(method, url, False) for method, url in requests]
        while True:
            for key in keys:
                ready = known.get(key) or self._keep_ready(*key)
                due = admit()
                self._send_unseen(ready, due, recorder)

    def _send_unseen(self, ready: Ready, due: float, recorder: Recorder) -> None:
        """Send one request and count it."""
        sent = monotonic()
        limit_s = ready.timeout_s
        try:
            outcome, status, raw, body, done = send(
                ready.origin, ready.wire, sent + limit_s, limit_s, only_head=ready.only_head
            )
        except ConnectFailed as failure:
            outcome, status, raw, body, done = failure.outcome, 0, b"", b"", monotonic()
        except gevent.GreenletExit:  # draining has reached its limit, so the user is killed
            self._reporter.undrained(ready.name, due, sent)
            raise
        if b"ookie" in raw:
            self._keep_cookies(ready.request.url, raw)
        name = ready.name
        replica = recorder.replica_index(replica_of(raw))
        recorder.add(due, sent, done, status, outcome, replica, name, len(body))
        if outcome is not Outcome.OK:
            recorder.examples.show(name, outcome, status, replica, raw, body)
            if outcome in NO_CONNECTION:
                gevent.sleep(PAUSE_AFTER_NO_CONNECTION_S)
        elif name not in recorder.examples.shown:
            recorder.examples.show(name, outcome, status, replica, raw, body)

    @contextmanager
    def rename_request(self, name: str) -> Iterator[None]:
        """Group all requests inside the ``with`` block under ``name``."""
        self._group = name
        try:
            yield
        finally:
            self._group = None

    def _keep_ready(self, method: str, url: str, follow: bool) -> Ready:  # noqa: FBT001 - a key
        ready = self._prepare(method, url, follow=follow)
        if len(self._ready) < READY_MAX:
            self._ready[method, url, follow] = ready
        return ready

    def _prepare(
        self,
        method: str,
        url: str,
        *,
        follow: bool,
        timeout: float | None = None,
        stream: bool = False,  # noqa: ARG002 - accepted: the body is always read, as a user would
        headers: dict[str, str] | None = None,
        name: str | None = None,
        **options: Any,
    ) -> Ready:
        whole = absolute(url, self.base_url)
        cookie = self._cookies.header(whole)
        request = prepare(
            method,
            whole,
            name=without_secrets(name or self._group or url),
            headers=({"Cookie": cookie} if cookie else {}) | (headers or {}),
            **options,
        )
        return Ready(
            request=request,
            wire=request.wire,
            origin=self._load.pool.origin(whole),
            only_head=method == "HEAD",
            name=self._reporter.name_index(request.name),
            timeout_s=self._load.timeout_s if timeout is None else timeout,
            follow=follow,
        )

    def _ask(
        self, ready: Ready, options: dict[str, Any], context: dict[str, Any] | None, *, judged: bool
    ) -> Response:
        due = self._admit()
        sent = monotonic()
        try:
            response, done = exchange(ready, sent + ready.timeout_s)
            if b"ookie" in response.raw:
                self._keep_cookies(response.url, response.raw)
            if ready.follow and response.status_code in REDIRECTS:
                response, done = self._follow(ready, options, response, done, sent)
        except ConnectFailed as failure:
            response, done = Response(ready.request.url, failure.outcome), monotonic()
        except gevent.GreenletExit:  # draining has reached its limit, so the user is killed
            self._reporter.undrained(ready.name, due, sent)
            raise
        response.elapsed_s = done - sent
        if response.outcome in NO_CONNECTION:
            gevent.sleep(PAUSE_AFTER_NO_CONNECTION_S)
        if judged:
            judge = JudgedResponse(response)
            judge.at_exit = lambda: self._reporter.ended(
                ready.request, ready.name, due, sent, done, judge, context
            )
            return judge
        self._reporter.ended(ready.request, ready.name, due, sent, done, response, context)
        return response

    def _follow(
        self, ready: Ready, options: dict[str, Any], response: Response, done: float, sent: float
    ) -> tuple[Response, float]:
        """Follow the redirect ``response`` and those after it; return the last response."""
        method, options = ready.request.method, dict(options)
        for _ in range(REDIRECTS_MAX):
            location = response.headers.get("location")
            if response.status_code not in REDIRECTS or not location:
                break
            try:
                url = destination(response.url, location)
            except MalformedLocation:
                response.outcome = Outcome.MALFORMED
                break
            if not is_same_origin(url, response.url):
                break  # load and credentials are for this host alone: the redirect is the answer
            options.pop("params", None)
            if response.status_code in AS_GET and method != "HEAD":
                method = "GET"
                options.pop("data", None)
                options.pop("json", None)
            options["name"] = ready.request.name
            step = self._prepare(method, url, follow=True, **options)
            response, done = exchange(step, sent + ready.timeout_s)
            if b"ookie" in response.raw:
                self._keep_cookies(response.url, response.raw)
        return response, done

    def _keep_cookies(self, url: str, raw: bytes) -> None:
        lines = cookie_lines(raw)
        if lines:
            self._cookies.keep(url, lines)
            self._ready.clear()
