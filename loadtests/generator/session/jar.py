"""The cookies of one user of a locustfile, with the rules that browsers follow (RFC 6265)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, MutableMapping
from contextlib import suppress
from email.utils import parsedate_to_datetime
from typing import Any

from requests.cookies import RequestsCookieJar

from loadtests.generator.clock import now_s
from loadtests.generator.http.cookies import split_cookie

NEVER = float("inf")

COOKIES_MAX = 180
"""Cookies of one user: as many as Chromium keeps for a domain; the oldest one goes."""

NO_DATE = (ValueError, OverflowError, TypeError, IndexError, OSError)
"""What the standard library raises for dates and ages that somebody made up."""


class Cookie:
    """One cookie; ``expires`` is in seconds since the epoch."""

    __slots__ = ("domain", "expires", "name", "path", "secure", "value")

    def __init__(self, name: str, value: str, *, domain: str = "", path: str = "/") -> None:
        self.name = name
        self.value = value
        self.domain = domain
        self.path = path
        self.secure = False
        self.expires = NEVER

    def matches(self, path: str) -> bool:
        """Return whether the cookie is for ``path``."""
        own = self.path
        return path == own or path.startswith(own if own.endswith("/") else own + "/")


class Jar(MutableMapping[str, str]):
    """The cookies by name, as a mapping of their values.

    ``secure_too`` sends cookies marked ``Secure`` over http as well. ``kept_back`` has the reasons
    for cookies that are not sent, by name.
    """

    def __init__(self, host: str = "", *, secure_too: bool = False) -> None:
        self.kept_back: dict[str, str] = {}
        self._host = host
        self._secure_too = secure_too
        self._cookies: dict[tuple[str, str], Cookie] = {}
        self._line: bytes | None = b""
        """The header for every path; None where it must be made for each request."""
        self._changed = False

    def line(self, path: str) -> bytes:
        """Return the header ``Cookie`` for ``path`` with its end of line; empty without cookies."""
        if self._changed:
            self._renew()
        if self._line is not None:
            return self._line
        now = now_s()
        return header_line(
            cookie
            for cookie in self._cookies.values()
            if cookie.expires > now and cookie.matches(path)
        )

    def keep(self, line: str, path: str) -> str | None:
        """Store or delete the cookie of a header ``Set-Cookie`` from ``path``; return its name.

        Returns None for a header that has none.
        """
        parts = split_cookie(line)
        if parts is None:
            return None
        name, value, rest = parts
        cookie = Cookie(name, value, domain=self._host)
        cookie.path = path[: path.rfind("/")] or "/"
        reason = self._read(cookie, rest) if rest else None
        key = (name, cookie.path)
        if cookie.expires <= now_s():
            self._cookies.pop(key, None)
        elif reason is not None:
            if len(self.kept_back) < COOKIES_MAX:
                self.kept_back[name] = reason
        else:
            if key not in self._cookies and len(self._cookies) >= COOKIES_MAX:
                del self._cookies[next(iter(self._cookies))]
            self._cookies[key] = cookie
        self._changed = True
        return name

    def _read(self, cookie: Cookie, attributes: str) -> str | None:
        """Read the attributes into ``cookie``; return why it must not be sent, or None."""
        reason = None
        by_age = False
        for attribute in attributes.split(";"):
            name, _, value = attribute.partition("=")
            key, value = name.strip().lower(), value.strip()
            if key == "path" and value.startswith("/"):
                cookie.path = value
            elif key == "max-age":
                with suppress(*NO_DATE):
                    cookie.expires = now_s() + int(value)
                    by_age = True
            elif key == "expires" and not by_age:
                with suppress(*NO_DATE):
                    cookie.expires = parsedate_to_datetime(value).timestamp()
            elif key == "secure":
                cookie.secure = True
                if not self._secure_too:
                    reason = "secure"
            elif key == "domain" and value:
                domain = value.lstrip(".").lower()
                if self._host != domain and not self._host.endswith("." + domain):
                    reason = f"domain {domain}"
        return reason

    def _renew(self) -> None:
        self._changed = False
        cookies = self._cookies.values()
        simple = all(cookie.path == "/" and cookie.expires == NEVER for cookie in cookies)
        self._line = header_line(cookies) if simple else None

    # -- a mapping, as locustfiles use it -----------------------------------------------------

    def __getitem__(self, name: str) -> str:
        for cookie in self._cookies.values():
            if cookie.name == name:
                return cookie.value
        raise KeyError(name)

    def __setitem__(self, name: str, value: str) -> None:
        self.set(name, value)

    def __delitem__(self, name: str) -> None:
        if name not in self:
            raise KeyError(name)
        self._cookies = {key: kept for key, kept in self._cookies.items() if kept.name != name}
        self._changed = True

    def __iter__(self) -> Iterator[Any]:
        """Iterate over the cookies, as a jar does; ``keys()`` are the names."""
        return iter(tuple(self._cookies.values()))

    def __len__(self) -> int:
        return len(self._cookies)

    def __contains__(self, name: object) -> bool:
        return any(cookie.name == name for cookie in self._cookies.values())

    def keys(self) -> list[str]:  # type: ignore[override]  # as a jar of requests gives them
        """Return the names."""
        return [cookie.name for cookie in self._cookies.values()]

    def values(self) -> list[str]:  # type: ignore[override]  # likewise
        """Return the values."""
        return [cookie.value for cookie in self._cookies.values()]

    def items(self) -> list[tuple[str, str]]:  # type: ignore[override]  # likewise
        """Return names and values."""
        return [(cookie.name, cookie.value) for cookie in self._cookies.values()]

    def get(self, name: str, default: Any = None, domain: Any = None, path: Any = None) -> Any:  # noqa: ARG002 - the API
        """Return the value of the cookie ``name``, or ``default``."""
        try:
            return self[name]
        except KeyError:
            return default

    def set(self, name: str, value: str | None, **attributes: Any) -> None:
        """Store a cookie of the locustfile's own; None deletes it."""
        if value is None:
            if name in self:
                del self[name]
            return
        path = attributes.get("path") or "/"
        self._cookies[name, path] = Cookie(name, value, domain=self._host, path=path)
        self._changed = True

    def set_cookie(self, cookie: Any) -> None:
        """Store a cookie object of another jar."""
        self.set(cookie.name, cookie.value, path=cookie.path)

    def update(self, other: Any = (), /, **more: Any) -> None:
        """Store the cookies of a mapping, or of another jar."""
        entries = other.items() if hasattr(other, "items") else other
        for name, value in (*entries, *more.items()):
            self.set(name, value)

    def get_dict(self, domain: Any = None, path: Any = None) -> dict[str, str]:  # noqa: ARG002 - the API
        """Return the values by name."""
        return dict(self.items())

    def clear(self, domain: Any = None, path: Any = None, name: str | None = None) -> None:  # noqa: ARG002 - the API
        """Delete all cookies, or those called ``name``."""
        self._cookies = {
            key: kept
            for key, kept in self._cookies.items()
            if name is not None and kept.name != name
        }
        self._changed = True

    clear_session_cookies = clear


def jar_of(lines: Iterable[str]) -> RequestsCookieJar:
    """Return the cookies of the headers ``Set-Cookie`` of an answer, as ``requests`` has them."""
    jar = RequestsCookieJar()
    for line in lines:
        name, _, value = line.partition(";")[0].partition("=")
        jar[name.strip()] = value.strip()
    return jar


def header_line(cookies: Iterable[Cookie]) -> bytes:
    """Return the header that carries ``cookies``, the longest paths first; empty for none."""
    chosen = sorted(cookies, key=lambda cookie: -len(cookie.path))
    pairs = "; ".join(f"{cookie.name}={cookie.value}" for cookie in chosen)
    return f"Cookie: {pairs}\r\n".encode("latin-1", "replace") if pairs else b""
