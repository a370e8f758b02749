"""The two clients of locustfiles: that of ``HttpUser`` and that of ``FastHttpUser``.

Each can go over to Locust's own session, for what only that one can do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, ClassVar

from locust.contrib.fasthttp import FastHttpSession

from loadtests.generator.session.bodies import Body, encode_like_fasthttp, encode_like_requests
from loadtests.generator.session.client import SessionClient
from loadtests.generator.session.jar import Jar
from loadtests.generator.session.response import UserResponse
from loadtests.generator.session.stock import GatedFastSession, GatedSession
from loadtests.generator.session.target import basic

VERBS = ("get", "options", "head", "post", "put", "patch", "delete", "request", "rename_request")

ONLY_STOCK = (
    "hooks",
    "params",
    "proxies",
    "cert",
    "adapters",
    "mount",
    "get_adapter",
    "send",
    "prepare_request",
    "max_redirects",
    "resolve_redirects",
    "merge_environment_settings",
)
"""What only the session of ``requests`` has; looking at it goes over to that session."""


class RequestsClient(SessionClient):
    """The client of ``HttpUser``: behaves like a session of ``requests``."""

    names_by_path: ClassVar[bool] = True
    defaults: ClassVar[Mapping[str, str]] = {
        "User-Agent": "twofold",
        "Accept-Encoding": "gzip, deflate, br",
        "Accept": "*/*",
    }

    @property
    def auth(self) -> Any:
        """The session's authentication: a name with a password, or an object of ``requests``."""
        return self._auth

    @auth.setter
    def auth(self, auth: Any) -> None:
        if callable(auth) or "session" in self.__dict__:
            self.on_stock_session().auth = auth
        else:
            self._auth = basic(*auth) if auth else None

    def head(self, url: str, **options: Any) -> UserResponse:
        """Send a HEAD request; redirects are not followed unless ``allow_redirects`` is True."""
        options.setdefault("allow_redirects", False)
        return self.request("HEAD", url, **options)

    def encode(self, data: Any, json: Any) -> Body:
        """Return the bytes of a body and its content type."""
        return encode_like_requests(data, json)

    def redirect_method(self, status: int, method: str) -> str:
        """Return the method with which the redirect ``status`` is followed."""
        if method == "HEAD" or status in {307, 308}:
            return method
        return method if status == 301 and method != "POST" else "GET"

    def on_stock_session(self) -> Any:
        """Go over to the session of ``requests``, with headers and cookies; return it."""
        if "session" in self.__dict__:
            return self.__dict__["session"]
        session = GatedSession(self.user, self._load, self.base_url, starting=self.starting)
        session.headers.update(dict(self.headers))
        for name, value in self.cookies.items():
            session.cookies.set(name, value)
        if self._auth is not None:
            session.headers["Authorization"] = self._auth
        hand_over(self, session, "requests")
        return session

    def __getattr__(self, name: str) -> Any:
        if name in ONLY_STOCK:
            return getattr(self.on_stock_session(), name)
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")


def only_stock(name: str) -> property:
    """Return a property that goes over to the session of ``requests`` when it is set."""

    def read(client: RequestsClient) -> Any:
        return getattr(client.on_stock_session(), name)

    def write(client: RequestsClient, value: Any) -> None:
        setattr(client.on_stock_session(), name, value)

    return property(read, write)


for _name in ("hooks", "params", "proxies", "cert", "adapters", "max_redirects"):
    setattr(RequestsClient, _name, only_stock(_name))


class FastClient(SessionClient):
    """The client of ``FastHttpUser``."""

    names_by_path: ClassVar[bool] = False
    defaults: ClassVar[Mapping[str, str]] = {
        "User-Agent": "twofold",
        "Accept-Encoding": "gzip, deflate, br",
    }

    @property
    def cookiejar(self) -> Jar:
        """The cookies, by the name that Locust's session has for them."""
        return self._jar

    def encode(self, data: Any, json: Any) -> Body:
        """Return the bytes of a body and its content type."""
        return encode_like_fasthttp(data, json)

    def with_json(self, names: frozenset[str]) -> bytes:
        """Return the header ``Accept`` that Locust's session adds to a body of JSON."""
        return b"" if "accept" in names else b"Accept: application/json\r\n"

    def redirect_method(self, status: int, method: str) -> str:
        """Return the method with which the redirect ``status`` is followed."""
        return method if method == "HEAD" or status in {307, 308} else "GET"

    def iter_lines(self, url: str, method: str = "GET", **options: Any) -> Iterator[str]:
        """Send a request, and yield the lines of its answer."""
        response = self.request(method, url, **options)
        response.raise_for_status()
        yield from response.text.splitlines()

    def on_stock_session(self) -> Any:
        """Go over to Locust's own session; return it."""
        if "session" in self.__dict__:
            return self.__dict__["session"]
        session = GatedFastSession(self.user, self._load, self.base_url, starting=self.starting)
        session.auth_header = self._auth
        hand_over(self, session, "FastHttpUser's own session")
        return session

    def __getattr__(self, name: str) -> Any:
        if name in {"client", "auth_header"} or hasattr(FastHttpSession, name):
            return getattr(self.on_stock_session(), name)
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")


def hand_over(client: SessionClient, session: Any, what: str) -> None:
    """Let ``session`` send the requests of ``client`` from now on, and note it."""
    load, user = client._load, client.user  # noqa: SLF001 - both classes are its own
    kind = type(user).__name__
    load.note(
        f"{kind} runs on {what}, which costs several times the CPU: it uses what only that has"
        f" ({load.place()})."
    )
    own: dict[str, Callable[..., Any]] = {verb: getattr(session, verb) for verb in VERBS}
    client.__dict__.update(own, session=session)
    if user.__dict__.get("client") is client:
        user.client = session
