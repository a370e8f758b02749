"""The ``client`` of a locustfile's user: Locust's sessions, on connections that need little CPU."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, ClassVar
from urllib.parse import unquote, urlsplit

from loadtests.generator.http.client import REDIRECTS
from loadtests.generator.session.bodies import Body, encode_pairs
from loadtests.generator.session.headers import SessionHeaders
from loadtests.generator.session.load import SessionLoad
from loadtests.generator.session.rare import Rare, prepare_rare
from loadtests.generator.session.response import UserResponse
from loadtests.generator.session.sender import Sender
from loadtests.generator.session.target import Signed, Target, basic, joined, seconds_of

TARGETS_MAX = 10_000
"""Request lines that are kept as bytes; a locustfile's paths may never repeat."""

QUERIES_MAX = 1_000
"""Targets with parameters that are kept; a locustfile's parameters may never repeat."""

PLAIN = frozenset({str, int})
"""Types of parameters that are equal only where their texts are: 1, 1.0 and True are not."""

WITH_LENGTH = frozenset({"POST", "PUT", "PATCH"})
"""Methods whose requests say their length even without a body."""


class SessionClient(Sender):
    """What ``HttpUser`` and ``FastHttpUser`` have in common; see the subclasses in ``clients``."""

    names_by_path: ClassVar[bool]
    """Whether a request without a name is called by its path and query, or as it was asked for."""
    defaults: ClassVar[Mapping[str, str]]
    """The headers of every request."""

    def __init__(self, user: Any, load: SessionLoad, base_url: str) -> None:
        super().__init__(user, load)
        parts = urlsplit(base_url)
        self._auth: str | None = None
        if parts.username and parts.password:
            self._auth = basic(unquote(parts.username), unquote(parts.password))
            base_url = base_url.replace(f"{parts.netloc}", parts.netloc.rpartition("@")[2], 1)
        self.base_url = base_url
        self._headers = SessionHeaders(
            urlsplit(load.home).netloc, {**self.defaults, **load.headers}
        )
        self.request_name: str | None = None
        self.verify: Any = True
        self.stream = self.trust_env = False
        # The two kinds of clients name requests in different ways.
        kind = base_url, self.names_by_path
        self._targets: dict[tuple[str, str], Target] = load.targets.setdefault(kind, {})
        self._queried: dict[tuple[Any, ...], Target] = load.queried.setdefault(kind, {})

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
        wire = self._wire(target, headers, body, is_json=json is not None and not data)
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
        key = key_of(target, params)
        known = None if key is None else self._queried.get(key)
        if known is not None:
            return known
        query = "&".join(filter(None, (target.query, encode_pairs(params))))
        url = target.url.partition("#")[0].partition("?")[0] + (f"?{query}" if query else "")
        made = Target(
            target.method, url, None if self.names_by_path else target.name, target.origin
        )
        if key is not None:
            if len(self._queried) >= QUERIES_MAX:
                self._queried.clear()
            self._queried[key] = made
        return made

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
        *,
        is_json: bool,
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


def key_of(target: Target, params: Any) -> tuple[Any, ...] | None:
    """Return what tells a target with parameters from others; None where they are not plain."""
    if type(params) is not dict or not all(type(value) in PLAIN for value in params.values()):
        return None
    return target.method, target.url, target.name, *params.items()
