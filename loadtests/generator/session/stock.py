"""Locust's own sessions behind the generator's gate, and the record of what they send."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic
from typing import TYPE_CHECKING, Any

import gevent
from locust import User
from locust.clients import HttpSession
from locust.contrib.fasthttp import FastHttpSession, LocustBadStatusCode, LocustUserAgent
from locust.env import Environment
from requests import RequestException

from loadtests.generator.clock import now_s
from loadtests.generator.http.head import REPLICA_NAME
from loadtests.generator.http.other_clients import outcome_of
from loadtests.generator.http.outcome import Outcome, counted_status
from loadtests.generator.http.request import MalformedLocation, destination
from loadtests.generator.session.response import UserResponse

if TYPE_CHECKING:
    from loadtests.generator.session.load import SessionLoad


class Gated:
    """What both sessions need: the gate before a request, and no other address."""

    def gate_by(self, user: Any, load: SessionLoad, *, starting: bool) -> None:
        """Wait at the gate of ``load`` from now on."""
        self.in_flight = 0
        self.sent = 0
        self.starting = starting
        self._load = load
        self._user = user
        self._admit: Callable[[], float] = load.held if starting else load.gate.admit
        self._is_admitted = False

    def begin(self) -> None:
        """Wait at the gate: the user's first task begins."""
        self.starting = False
        self._admit = self._load.gate.admit

    def renew(self) -> None:
        """Close the connections that are kept; the session goes on with new ones."""
        raise NotImplementedError

    def hold_redirect(self) -> None:
        """Wait for the most requests a second, but for the first request after the gate."""
        if not self._is_admitted:
            self._load.held()
        self._is_admitted = False

    @contextmanager
    def passing(self, url: str) -> Iterator[None]:
        """Wait until a request to ``url`` may be sent; it is in flight in the block."""
        if not self._load.is_home(url):
            raise self._load.refuse(url)
        self._admit()
        self._is_admitted = True
        self.in_flight += 1
        self.sent += 1
        try:
            yield
        finally:
            self.in_flight -= 1


class MalformedRedirect(RequestException):
    """A redirect to no URL, as ``requests`` reports failures: Locust counts it as one."""


class MalformedFastRedirect(LocustBadStatusCode):
    """The same for ``FastHttpUser``; ``response`` is what Locust then shows."""

    response: Any


class NotFollowed(Exception):
    """A redirect leads to another address; ``response`` is the answer."""

    def __init__(self, response: Any) -> None:
        super().__init__()
        self.response = response


class GatedSession(HttpSession, Gated):
    """The session of ``requests`` that ``HttpUser`` has."""

    def __init__(self, user: Any, load: SessionLoad, base_url: str, *, starting: bool) -> None:
        super().__init__(base_url, user.environment.events.request, user)
        self.trust_env = False
        self.gate_by(user, load, starting=starting)
        self.headers.update(load.headers)

    def request(self, method: Any, url: Any, *options: Any, **more: Any) -> Any:
        """Send a request when the gate lets it pass."""
        more["timeout"] = more.get("timeout") or self._load.timeout_s
        with self.passing(self._build_url(url)):
            return super().request(method, url, *options, **more)

    def renew(self) -> None:
        """Close the connections that are kept."""
        self.close()  # it clears the pools, and they can be used again

    def send(self, request: Any, **options: Any) -> Any:
        """Send what is prepared; ``requests`` does so for each redirect that it follows, too."""
        self.hold_redirect()
        return super().send(request, **options)

    def get_redirect_target(self, resp: Any) -> str | None:
        """Return where a redirect leads; None where it is not followed."""
        try:
            location = super().get_redirect_target(resp)
            url = None if location is None else destination(resp.url, location)
        except ValueError as error:  # no URL, or bytes that are no UTF-8
            raise MalformedRedirect(str(error), response=resp) from None
        if url is None or self._load.is_home(url):
            return location
        self._load.note_redirect(url)
        return None


class HomeAgent(LocustUserAgent):
    """What sends the requests of ``FastHttpUser``, and follows redirects; see ``load``."""

    load: SessionLoad
    session: Gated

    def _urlopen(self, request: Any) -> Any:
        self.session.hold_redirect()
        response: Any = super()._urlopen(request)  # type: ignore[no-untyped-call]  # Locust's
        location = response.headers.get("location")
        redirects = response.status_code in self.redirect_response_codes
        if not redirects or not isinstance(location, str):
            return response
        try:
            url = destination(request.url, location)
        except MalformedLocation as error:
            malformed = MalformedFastRedirect(request.url, str(error), code=response.status_code)
            malformed.response = response
            raise malformed from None
        if self.load.is_home(url):
            return response
        self.load.note_redirect(url)
        if self.cookiejar is not None:
            self.cookiejar.extract_cookies(response, request)
        raise NotFollowed(response)


class GatedFastSession(FastHttpSession, Gated):
    """The session that ``FastHttpUser`` has."""

    def __init__(self, user: Any, load: SessionLoad, base_url: str, *, starting: bool) -> None:
        super().__init__(
            base_url,
            user.environment.events.request,
            user,
            network_timeout=load.timeout_s,
            headers={**(getattr(user, "default_headers", None) or {}), **load.headers},
        )
        agent: Any = self.client
        agent.__class__ = HomeAgent  # Locust's session makes its agent itself
        agent.load, agent.session = load, self
        self.gate_by(user, load, starting=starting)

    def request(self, method: str, url: str, *options: Any, **more: Any) -> Any:
        """Send a request when the gate lets it pass."""
        with self.passing(self._build_url(url)):
            return super().request(method, url, *options, **more)

    def renew(self) -> None:
        """Close the connections that are kept."""
        agent: Any = self.client
        agent.clientpool.close()  # likewise

    def _send_request_safe_mode(self, method: str, url: str, **options: Any) -> Any:
        try:
            return super()._send_request_safe_mode(method, url, **options)
        except NotFollowed as ended:
            return ended.response


def record_other_clients(environment: Environment, load_of: Callable[[], SessionLoad]) -> None:
    """Record the requests of all clients except the generator's own, from now on."""

    def on_request(
        request_type: str,
        name: str,
        response_time: float | None,
        response: Any = None,
        exception: Any = None,
        start_time: float | None = None,
        response_length: int | None = None,
        **_others: Any,
    ) -> None:
        if isinstance(response, UserResponse):
            return
        load = load_of()
        recorder = load.recorder
        elapsed_s = (response_time or 0.0) / 1000
        sent = monotonic() - (elapsed_s if start_time is None else now_s() - start_time)
        status = getattr(response, "status_code", None) or 0
        history = getattr(response, "history", None) or ()
        for redirect in history:
            recorder.add_redirect(replica_of(redirect))
        malformed = isinstance(exception, MalformedRedirect | MalformedFastRedirect)
        outcome = Outcome.MALFORMED if malformed else outcome_of(status, exception)
        recorder.add(
            sent,
            sent,
            sent + elapsed_s,
            counted_status(outcome, status, history),
            outcome,
            recorder.replica_index(replica_of(response)),
            load.names.index(request_type, name),
            response_length or 0,
        )
        user = running_user()
        if getattr(getattr(user, "client", None), "starting", False):
            load.count_start(outcome)
        if load.observe is not None:
            url = str(getattr(response, "url", None) or name)
            seen = UserResponse(url, outcome, status)
            seen.described(request_type, name, exception)
            load.observe(user, seen)
        # Not a user's: it may be an argument of a greenlet that a task has started.
        if isinstance(user, User) and has_own_client(user):
            user.pace.count_own()  # type: ignore[attr-defined]  # each user has one

    events: Any = environment.events  # Locust leaves them untyped
    events.request.add_listener(on_request)


def has_own_client(user: User) -> bool:
    """Return whether a user asks by a client of the locustfile's own, which nothing counts."""
    return not hasattr(getattr(user, "client", None), "in_flight")


def running_user() -> Any:
    """Return the user whose greenlet runs; None if it is no user's."""
    arguments = getattr(gevent.getcurrent(), "args", ())
    return arguments[0] if arguments else None


def replica_of(response: Any) -> bytes | None:
    """Return the replica that a response of another client names."""
    replica = (getattr(response, "headers", None) or {}).get(REPLICA_NAME)
    return replica.encode("latin-1") if replica else None
