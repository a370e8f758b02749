"""What a request of a locustfile is made of: its URL, time limit, authentication and headers."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

from loadtests.generator.session.bodies import target_of

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
