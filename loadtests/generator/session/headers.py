"""The headers that a session sends with every request, and those of one request, as bytes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from requests.exceptions import InvalidHeader
from requests.structures import CaseInsensitiveDict

CACHED_MAX = 64
"""Combinations of a request's headers that are kept as bytes for each user."""

Lines = tuple[bytes, frozenset[str]]
"""Header lines as bytes, and the lower-case names that are among them."""


class SessionHeaders(CaseInsensitiveDict[Any]):
    """The headers of one session; names are case-insensitive.

    ``Host`` is that of the session unless a request or the session names another.
    """

    def __init__(self, host: str, headers: Mapping[str, Any]) -> None:
        self._host = host
        self._cached: dict[Any, Lines] = {}
        super().__init__(headers)

    def __setitem__(self, name: str, value: Any) -> None:
        super().__setitem__(name, value)
        self._cached.clear()

    def __delitem__(self, name: str) -> None:
        super().__delitem__(name)
        self._cached.clear()

    def lines(self, more: Mapping[str, Any] | None) -> Lines:
        """Return the session's headers with those of one request, ``more``."""
        try:
            key = tuple(more.items()) if more else None
            cached = self._cached.get(key)
        except TypeError:  # a value that cannot be a key is refused below
            key, cached = None, None
        if cached is not None:
            return cached
        made = self._made(more or {})
        if len(self._cached) >= CACHED_MAX:
            self._cached.clear()
        self._cached[key] = made
        return made

    def _made(self, more: Mapping[str, Any]) -> Lines:
        fields: dict[str, tuple[str, Any]] = {"host": ("Host", self._host)}
        for name, value in (*self.items(), *more.items()):
            key = text_of(name).lower()
            if value is None:
                fields.pop(key, None)
            else:
                fields[key] = (text_of(name), value)
        rendered = "".join(f"{name}: {line_of(name, value)}\r\n" for name, value in fields.values())
        return rendered.encode("latin-1", "replace"), frozenset(fields)


def text_of(value: Any) -> str:
    """Return ``value`` as text; bytes are Latin-1."""
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


def line_of(name: str, value: Any) -> str:
    """Return a header's value; raises ``InvalidHeader`` for one that is not a single line."""
    text = text_of(value)
    if "\n" in text or "\r" in text:
        raise InvalidHeader(f"The header {name!r} has a line break in its value {text!r}.")
    return text.strip()


def fields_of(lines: bytes) -> Iterator[tuple[str, str]]:
    """Yield names and values of header ``lines``."""
    for line in lines.decode("latin-1").splitlines():
        name, _, value = line.partition(": ")
        yield name, value


class RequestView:
    """The request that was sent, as far as locustfiles look at it."""

    __slots__ = ("body", "headers", "method", "path_url", "url")

    def __init__(self, method: str, url: str, wire: bytes) -> None:
        head, _, body = wire.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        self.method = method
        self.url = url
        self.body = body or None
        self.path_url = lines[0].partition(" ")[2].rpartition(" ")[0]
        self.headers: CaseInsensitiveDict[str] = CaseInsensitiveDict()
        for line in lines[1:]:
            name, colon, value = line.partition(": ")
            if colon:
                self.headers[name] = value
