"""Sends the requests of one user of a locustfile, follows redirects, and counts what ends."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from time import monotonic
from typing import Any

import gevent

from loadtests.generator.clock import now_s
from loadtests.generator.http.client import (
    NO_CONNECTION,
    PAUSE_AFTER_NO_CONNECTION_S,
    REDIRECTS,
    REDIRECTS_MAX,
)
from loadtests.generator.http.connection import ConnectFailed
from loadtests.generator.http.exchange import send
from loadtests.generator.http.head import cookie_lines, replica_of
from loadtests.generator.http.outcome import Outcome, counted_status
from loadtests.generator.http.request import MalformedLocation, destination
from loadtests.generator.recorder import NO_REPLICA
from loadtests.generator.session.bodies import Body
from loadtests.generator.session.jar import Jar
from loadtests.generator.session.load import SessionLoad
from loadtests.generator.session.names import without_secrets
from loadtests.generator.session.response import UserResponse
from loadtests.generator.session.target import Target, without_body

UNJUDGED = (
    "{asked} is sent with catch_response=True, but not used in a with block. Locust would not count"
    " it; here it counts by its status."
)


class Sender:
    """Sends prepared requests for ``user``; ``starting`` is True until the user's first task.

    Until then requests wait for the most requests a second, but for no trial, and are counted
    apart. ``in_flight`` and ``sent`` are numbers of requests.
    """

    def __init__(self, user: Any, load: SessionLoad) -> None:
        self._load = load
        self._admit: Callable[[], float] = load.held
        self._jar = Jar(load.host, secure_too=load.secure_too)
        self.user = user
        self.request_event: Any = user.environment.events.request
        self.starting = True
        self.in_flight = 0
        self.sent = 0
        self._handlers: list[Any] = self.request_event._handlers  # noqa: SLF001 - only they show
        self._stats: Any = user.environment.stats

    def begin(self) -> None:
        """Wait at the gate from now on: the user's first task begins."""
        self.starting = False
        self._admit = self._load.gate.admit

    def redirect_method(self, status: int, method: str) -> str:
        """Return the method with which the redirect ``status`` is followed."""
        raise NotImplementedError

    def _wire(
        self, target: Target, headers: Mapping[str, Any] | None, body: Body, *, is_json: bool
    ) -> bytes:
        raise NotImplementedError

    def _ask(self, target: Target, wire: bytes, limit_s: float, name: str) -> UserResponse:
        due = self._admit()
        self.in_flight += 1
        self.sent += 1
        sent = monotonic()
        try:
            response, done = self._exchange(target, wire, sent + limit_s, limit_s)
        except ConnectFailed as failure:
            response, done = UserResponse(target.url, failure.outcome), monotonic()
        except gevent.GreenletExit:  # draining has reached its limit, so the user is killed
            self._undrained(target.method, name, due, sent)
            raise
        finally:
            self.in_flight -= 1
        response.due, response.sent_at, response.elapsed_s = due, sent, done - sent
        response.name, response._sent = name, (target.method, wire)  # noqa: SLF001 - one unit
        if response.outcome in NO_CONNECTION:
            gevent.sleep(PAUSE_AFTER_NO_CONNECTION_S)
        return response

    def _exchange(
        self, target: Target, wire: bytes, deadline: float, limit_s: float
    ) -> tuple[UserResponse, float]:
        exchanger = self._load.exchanger
        if exchanger is None:
            answer = send(target.origin, wire, deadline, limit_s, only_head=target.only_head)
        else:
            answer = exchanger.send(target, wire, deadline, limit_s)
        outcome, status, raw, body, done = answer
        if b"ookie" in raw:
            for line in cookie_lines(raw):
                self._jar.keep(line, target.path)
        return UserResponse(target.url, outcome, status, raw, body), done

    def _follow(
        self,
        first: UserResponse,
        target: Target,
        headers: Mapping[str, Any] | None,
        body: Body,
        limit_s: float,
    ) -> UserResponse:
        """Follow the redirect ``first`` and those after it; return the last response."""
        response, history, load = first, [], self._load
        deadline = first.sent_at + limit_s
        for _ in range(REDIRECTS_MAX):
            location = response.headers.get("location")
            if response.status_code not in REDIRECTS or not location:
                break
            try:
                url = destination(response.url, location)
            except MalformedLocation:
                response.outcome = Outcome.MALFORMED
                break
            if not load.is_home(url):
                load.note_redirect(url)
                break
            method = self.redirect_method(response.status_code, target.method)
            if method != target.method or not body[0]:
                body = (b"", None)
                headers = without_body(headers)
            target = Target(method, url, first.name, target.origin)
            wire = self._wire(target, headers, body, is_json=False)
            load.recorder.add_redirect(replica_of(response.raw))
            history.append(response)
            response, deadline = self._ask_on(first, target, wire, deadline, limit_s)
        response.history = history
        return response

    def _ask_on(
        self, first: UserResponse, target: Target, wire: bytes, deadline: float, limit_s: float
    ) -> tuple[UserResponse, float]:
        """Send the request that a redirect leads to; it counts as one with the first.

        Return the answer and the deadline, which a wait for the most requests a second puts off.
        """
        self.in_flight += 1
        try:
            asked = monotonic()
            deadline += self._load.held() - asked
            response, done = self._exchange(target, wire, deadline, limit_s)
        except ConnectFailed as failure:
            response, done = UserResponse(target.url, failure.outcome), monotonic()
        except gevent.GreenletExit:
            self._undrained(first.method, first.name, first.due, first.sent_at)
            raise
        finally:
            self.in_flight -= 1
        response.due, response.sent_at = first.due, first.sent_at
        response.elapsed_s = done - first.sent_at
        response.name, response._sent = first.name, first._sent  # noqa: SLF001 - one unit
        return response, deadline

    def _undrained(self, method: str, name: str, due: float, sent: float) -> None:
        """Record a request whose user is killed before the last answer to it."""
        index = self._load.names.index(method, name)
        self._load.recorder.add(due, sent, monotonic(), 0, Outcome.UNDRAINED, NO_REPLICA, index)

    def _counted(
        self, response: UserResponse, context: Mapping[str, Any] | None, *, judged: bool
    ) -> None:
        """Count the request now, or leave that to the ``with`` block of a judged one."""
        if judged:
            response.judged_by_task(lambda ended: self._count(ended, context))
        else:
            self._count(response, context)

    def _count(self, response: UserResponse, context: Mapping[str, Any] | None) -> None:
        load, sent = self._load, response.sent_at
        meta = response.changed_meta
        name = response.name if meta is None else meta["name"]
        method, outcome = response._sent[0], response.outcome  # noqa: SLF001 - one unit
        recorder, raw = load.recorder, response.raw
        status = counted_status(outcome, response.status_code, response.history)
        index, replica = load.names.index(method, name), recorder.replica_index(replica_of(raw))
        done = sent + response.elapsed_s
        recorder.add(response.due, sent, done, status, outcome, replica, index, response.wire_bytes)
        if outcome is not Outcome.OK or index not in recorder.examples.shown:
            recorder.examples.show(index, outcome, status, replica, raw, response.content or b"")
        if self.starting:
            load.count_start(outcome)
        if load.observe is not None:
            load.observe(self.user, response)
            if response.was_left:
                asked = f"{method} {without_secrets(name, load.names.secrets)}"
                load.note(UNJUDGED.format(asked=asked))
        if len(self._handlers) > load.own_handlers:
            self._fire(response, method, name, context)
        else:
            self._stats.log_request(method, name, response.elapsed_s * 1000, response.wire_bytes)
            if outcome is not Outcome.OK:
                self._stats.log_error(method, name, response.error)

    def _fire(
        self, response: UserResponse, method: str, name: str, context: Mapping[str, Any] | None
    ) -> None:
        """Tell the locustfile's own listeners of an ended request."""
        meta = response.changed_meta or {}
        self.request_event.fire(
            request_type=method,
            name=name,
            response_time=meta.get("response_time", response.elapsed_s * 1000),
            response_length=len(response.content or b""),
            response=response,
            context={**self.user.context(), **(context or {}), **meta.get("context", {})},
            exception=response.error,
            start_time=now_s() - (monotonic() - response.sent_at),
            url=response.url,
        )
