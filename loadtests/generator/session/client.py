"""The ``client`` of a locustfile's user: Locust's sessions, on connections that need little CPU."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from time import monotonic, time
from typing import Any, ClassVar
from urllib.parse import unquote, urljoin, urlsplit

import gevent

from loadtests.generator.http.client import (
    NO_CONNECTION,
    PAUSE_AFTER_NO_CONNECTION_S,
    REDIRECTS,
    REDIRECTS_MAX,
)
from loadtests.generator.http.connection import ConnectFailed
from loadtests.generator.http.exchange import send
from loadtests.generator.http.head import cookie_lines, replica_of
from loadtests.generator.http.outcome import Outcome
from loadtests.generator.recorder import NO_REPLICA
from loadtests.generator.session.bodies import Body, encode_pairs, target_of
from loadtests.generator.session.headers import SessionHeaders
from loadtests.generator.session.jar import Jar
from loadtests.generator.session.load import SessionLoad
from loadtests.generator.session.rare import Rare, prepare_rare
from loadtests.generator.session.response import UserResponse

TARGETS_MAX = 10_000
"""Request lines that are kept as bytes; a locustfile's paths may never repeat."""

WITH_LENGTH = frozenset({"POST", "PUT", "PATCH"})
"""Methods whose requests say their length even without a body."""

UNJUDGED = (
    "{asked} is sent with catch_response=True, but not used in a with block. Locust would not count"
    " it; here it counts by its status."
)

BODY_HEADERS = ("content-length", "content-type", "transfer-encoding")


class Target:
    """A method and a URL of the target, with the bytes of the request line."""

    __slots__ = ("line", "method", "name", "only_head", "origin", "path", "query", "url")

    def __init__(self, method: str, url: str, name: str | None, origin: Any) -> None:
        target = target_of(url)
        self.method = method
        self.url = url
        self.name = name or target
        self.path, _, self.query = target.partition("?")
        self.line = f"{method} {target} HTTP/1.1\r\n".encode("latin-1", "replace")
        self.only_head = method == "HEAD"
        self.origin = origin


class SessionClient:
    """What ``HttpUser`` and ``FastHttpUser`` have in common; see the subclasses in ``clients``.

    ``starting`` is True until the user's first task. Until then requests need not wait for a trial,
    and are counted apart. ``in_flight`` and ``sent`` are numbers of requests.
    """

    names_by_path: ClassVar[bool]
    """Whether a request without a name is called by its path and query, or as it was asked for."""
    defaults: ClassVar[Mapping[str, str]]
    """The headers of every request."""

    def __init__(self, user: Any, load: SessionLoad, base_url: str) -> None:
        parts = urlsplit(base_url)
        self._load = load
        self._admit: Callable[[], float] = monotonic
        self._auth: str | None = None
        if parts.username and parts.password:
            self._auth = basic(unquote(parts.username), unquote(parts.password))
            base_url = base_url.replace(f"{parts.netloc}", parts.netloc.rpartition("@")[2], 1)
        self.user = user
        self.base_url = base_url
        self._headers = SessionHeaders(
            urlsplit(load.home).netloc, {**self.defaults, **load.headers}
        )
        self._jar = Jar(load.host, secure_too=load.secure_too)
        self.request_name: str | None = None
        self.request_event: Any = user.environment.events.request
        self.verify: Any = True
        self.stream = self.trust_env = False
        self.starting = True
        self.in_flight = 0
        self.sent = 0
        self._targets: dict[tuple[str, str], Target] = load.targets.setdefault(base_url, {})
        self._handlers: list[Any] = self.request_event._handlers  # noqa: SLF001 - only they show
        self._stats: Any = user.environment.stats

    def begin(self) -> None:
        """Wait at the gate from now on: the user's first task begins."""
        self.starting = False
        self._admit = self._load.gate.admit

    @property
    def headers(self) -> Any:
        """The headers of every request."""
        session = self.__dict__.get("session")
        return self._headers if session is None else session.headers

    @headers.setter
    def headers(self, headers: Mapping[str, Any]) -> None:
        netloc = urlsplit(self._load.home).netloc
        self._headers = SessionHeaders(netloc, {**headers, **self._load.headers})

    @property
    def cookies(self) -> Any:
        """The user's cookies."""
        session = self.__dict__.get("session")
        return self._jar if session is None else session.cookies

    @cookies.setter
    def cookies(self, cookies: Any) -> None:
        self._jar.clear()
        self._jar.update(cookies)

    # -- the API of both sessions ---------------------------------------------------------------

    def get(self, url: str, **options: Any) -> UserResponse:
        """Send a GET request; see ``request``."""
        return self.request("GET", url, **options)

    def options(self, url: str, **options: Any) -> UserResponse:
        """Send an OPTIONS request; see ``request``."""
        return self.request("OPTIONS", url, **options)

    def head(self, url: str, **options: Any) -> UserResponse:
        """Send a HEAD request; see ``request``."""
        return self.request("HEAD", url, **options)

    def post(self, url: str, data: Any = None, json: Any = None, **options: Any) -> UserResponse:
        """Send a POST request; see ``request``."""
        return self.request("POST", url, data=data, json=json, **options)

    def put(self, url: str, data: Any = None, **options: Any) -> UserResponse:
        """Send a PUT request; see ``request``."""
        return self.request("PUT", url, data=data, **options)

    def patch(self, url: str, data: Any = None, **options: Any) -> UserResponse:
        """Send a PATCH request; see ``request``."""
        return self.request("PATCH", url, data=data, **options)

    def delete(self, url: str, **options: Any) -> UserResponse:
        """Send a DELETE request; see ``request``."""
        return self.request("DELETE", url, **options)

    @contextmanager
    def rename_request(self, name: str) -> Iterator[None]:
        """Group all requests inside the ``with`` block under ``name``."""
        self.request_name = name
        try:
            yield
        finally:
            self.request_name = None

    def close(self) -> None:
        """Do nothing: the connections belong to all users."""

    def request(
        self,
        method: str,
        url: str,
        name: str | None = None,
        catch_response: bool = False,  # noqa: FBT001, FBT002 - Locust's own signature
        context: Mapping[str, Any] | None = None,
        *,
        params: Any = None,
        data: Any = None,
        json: Any = None,
        headers: Mapping[str, Any] | None = None,
        allow_redirects: bool = True,
        timeout: Any = None,
        **rare: Any,
    ) -> UserResponse:
        """Send a request as Locust's clients do; a failure is returned, never raised.

        Raises ``Elsewhere`` for a URL that is not the target's.
        """
        target = self._targets.get((method, url)) or self._new_target(method, url)
        if params:
            target = self._with_query(target, params)
        if rare and (special := {key: rare[key] for key in rare if rare[key] is not None}):
            made = self._made_rarely(target, data, json, headers, special)
            if made is None:
                return self.on_stock_session().request(  # type: ignore[no-any-return]
                    *(method, url, name, catch_response, context or {}),
                    params=params,
                    data=data,
                    json=json,
                    headers=headers,
                    allow_redirects=allow_redirects,
                    timeout=timeout,
                    **special,
                )
            target, headers, body = made
        else:
            body = self.encode(data, json) if data or json is not None else (b"", None)
        wire = self._wire(target, headers, body, json is not None and not data)
        limit_s = self._load.timeout_s if timeout is None else seconds_of(timeout)
        response = self._ask(target, wire, limit_s, name or self.request_name or target.name)
        if allow_redirects and response.status_code in REDIRECTS:
            response = self._follow(response, target, headers, body, limit_s)
        self._counted(response, context, judged=catch_response)
        return response

    def encode(self, data: Any, json: Any) -> Body:
        """Return the bytes of a body and its content type."""
        raise NotImplementedError

    def on_stock_session(self) -> Any:
        """Go over to Locust's own session, and return it."""
        raise NotImplementedError

    def redirect_method(self, status: int, method: str) -> str:
        """Return the method with which the redirect ``status`` is followed."""
        raise NotImplementedError

    # -- making requests ------------------------------------------------------------------------

    def _new_target(self, method: str, url: Any) -> Target:
        text = url.decode() if isinstance(url, bytes) else str(url)
        whole = text if text[:7].lower() in {"http://", "https:/"} else joined(self.base_url, text)
        load = self._load
        if not load.is_home(whole):
            raise load.refuse(whole)
        target = Target(
            method.upper(), whole, None if self.names_by_path else text, load.pool.origin(load.home)
        )
        if len(self._targets) >= TARGETS_MAX:
            self._targets.clear()
        self._targets[method, url] = target
        return target

    def _with_query(self, target: Target, params: Any) -> Target:
        query = "&".join(filter(None, (target.query, encode_pairs(params))))
        url = target.url.partition("#")[0].partition("?")[0] + (f"?{query}" if query else "")
        return Target(
            target.method, url, None if self.names_by_path else target.name, target.origin
        )

    def _made_rarely(
        self, target: Target, data: Any, json: Any, headers: Any, rare: dict[str, Any]
    ) -> tuple[Target, Mapping[str, Any], Body] | None:
        """Return what a request with options like ``files`` sends; None if only stock can."""
        made = prepare_rare(
            Rare(method=target.method, url=target.url, data=data, json=json, headers=headers),
            rare,
            cookies=self._jar.get_dict(),
        )
        if made is None:
            return None
        url, headers, body = made
        if url != target.url:
            if not self._load.is_home(url):
                raise self._load.refuse(url)
            target = Target(target.method, url, None, target.origin)
        return target, Signed(headers) if rare.get("auth") else headers, (body, None)

    def _wire(
        self,
        target: Target,
        headers: Mapping[str, Any] | None,
        body: Body,
        is_json: bool,  # noqa: FBT001 - positional for speed
    ) -> bytes:
        if self._auth is not None and not isinstance(headers, Signed):
            headers = {**(headers or {}), "Authorization": self._auth}
        lines, names = self._headers.lines(headers)
        content, kind = body
        more = b""
        if content or target.method in WITH_LENGTH:
            if "content-length" not in names:
                more = b"Content-Length: %d\r\n" % len(content)
            if kind is not None and "content-type" not in names:
                more += f"Content-Type: {kind}\r\n".encode()
        if is_json:
            more += self.with_json(names)
        cookie = b"" if "cookie" in names else self._jar.line(target.path)
        return b"".join((target.line, lines, more, cookie, b"\r\n", content))

    def with_json(self, names: frozenset[str]) -> bytes:  # noqa: ARG002 - one session adds some
        """Return further header lines of a request whose body is JSON."""
        return b""

    # -- sending and counting -------------------------------------------------------------------

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
            index = self._load.names.index(target.method, name)
            self._load.recorder.add(due, sent, monotonic(), 0, Outcome.UNDRAINED, NO_REPLICA, index)
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
        for _ in range(REDIRECTS_MAX):
            location = response.headers.get("location")
            if response.status_code not in REDIRECTS or not location:
                break
            url = urljoin(response.url, location)
            if not load.is_home(url):
                load.note(f"A redirect to {url.partition('?')[0]} was not followed.")
                break
            method = self.redirect_method(response.status_code, target.method)
            if method != target.method or not body[0]:
                body = (b"", None)
                headers = without_body(headers)
            target = Target(method, url, first.name, target.origin)
            wire = self._wire(target, headers, body, is_json=False)
            load.recorder.add_redirect(replica_of(response.raw))
            history.append(response)
            response = self._ask_on(first, target, wire, limit_s)
        response.history = history
        return response

    def _ask_on(
        self, first: UserResponse, target: Target, wire: bytes, limit_s: float
    ) -> UserResponse:
        """Send the request that a redirect leads to; it counts as one with the first."""
        self.in_flight += 1
        try:
            response, done = self._exchange(target, wire, first.sent_at + limit_s, limit_s)
        except ConnectFailed as failure:
            response, done = UserResponse(target.url, failure.outcome), monotonic()
        finally:
            self.in_flight -= 1
        response.due, response.sent_at = first.due, first.sent_at
        response.elapsed_s = done - first.sent_at
        response.name, response._sent = first.name, first._sent  # noqa: SLF001 - one unit
        return response

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
        recorder, raw, status = load.recorder, response.raw, response.status_code
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
                load.note(UNJUDGED.format(asked=f"{method} {name}"))
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
            start_time=time() - (monotonic() - response.sent_at),
            url=response.url,
        )


def joined(base_url: str, url: str) -> str:
    """Return ``base_url`` with ``url`` behind it, as Locust does.

    A missing slash is added behind a host, which would else become another host.
    """
    if url[:1] not in {"/", "?", "#", ""} and base_url.count("/") == 2:
        return f"{base_url}/{url}"
    return base_url + url


def seconds_of(timeout: Any) -> float:
    """Return a time limit in seconds; of (connect, read) the second."""
    if isinstance(timeout, tuple):
        timeout = timeout[-1]
    return float(timeout) if timeout else float("inf")


def basic(user: Any, password: Any) -> str:
    """Return the header for basic authentication."""
    parts = (part if isinstance(part, bytes) else str(part).encode() for part in (user, password))
    return f"Basic {base64.b64encode(b':'.join(parts)).decode()}"


class Signed(dict[str, Any]):
    """The headers of a request that has an authentication of its own."""


def without_body(headers: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    """Return ``headers`` without those that describe a body."""
    if not headers:
        return headers
    kept = {key: value for key, value in headers.items() if str(key).lower() not in BODY_HEADERS}
    return Signed(kept) if isinstance(headers, Signed) else kept
