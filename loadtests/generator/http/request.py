"""Converts requests to bytes, and tells where redirects lead."""

from __future__ import annotations

import base64
import json as json_format
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode, urljoin, urlsplit

SAFE = "!#$%&'()*+,/:;=?@[]~"
"""Characters of a URL that are not encoded; % is one, so nothing is encoded twice."""

WITH_HOST = frozenset({"http", "https"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """A request as bytes (``wire``), and the name that groups it in the statistics."""

    method: str
    url: str
    name: str
    wire: bytes


def prepare(
    method: str,
    url: str,
    *,
    name: str | None = None,
    params: Mapping[str, Any] | None = None,
    data: Any = None,
    json: Any = None,
    headers: Mapping[str, str] | None = None,
    auth: tuple[str, str] | None = None,
) -> Request:
    """Return the request for ``method`` and the absolute ``url``.

    ``data`` is bytes, text, or a mapping that is sent as a form; ``json`` is any JSON value.
    """
    parts = urlsplit(url)
    query = "&".join(filter(None, (parts.query, urlencode(params or {}, doseq=True))))
    target = quote(parts.path or "/", safe=SAFE) + (f"?{quote(query, safe=SAFE)}" if query else "")
    body, content_type = encode_body(data, json)
    fields = {
        "Host": parts.netloc.rpartition("@")[2],
        "User-Agent": "twofold",
        "Accept": "*/*",
        **({"Content-Type": content_type} if content_type else {}),
        **(
            {"Content-Length": str(len(body))} if body or method in {"POST", "PUT", "PATCH"} else {}
        ),
    }
    if auth:
        secret = base64.b64encode(":".join(auth).encode()).decode()
        fields["Authorization"] = f"Basic {secret}"
    given = {key.lower() for key in headers or {}}
    fields = {key: value for key, value in fields.items() if key.lower() not in given}
    lines = [f"{method} {target} HTTP/1.1"]
    lines += [f"{key}: {value}" for key, value in (fields | dict(headers or {})).items()]
    return Request(
        method=method,
        url=url,
        name=name or url,
        wire="\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body,
    )


def absolute(url: str, base_url: str) -> str:
    """Return ``url`` if it is absolute, else ``base_url`` with the path ``url``."""
    return url if url.startswith(("http://", "https://")) else base_url.rstrip("/") + url


def encode_body(data: Any, json: Any) -> tuple[bytes, str | None]:
    """Return the body and its content type; ``json`` is used only without ``data``."""
    if isinstance(data, Mapping):
        return urlencode(data, doseq=True).encode(), "application/x-www-form-urlencoded"
    if data:
        return (data.encode() if isinstance(data, str) else bytes(data)), None
    if json is not None:
        return json_format.dumps(json).encode(), "application/json"
    return b"", None


class MalformedLocation(ValueError):
    """The header ``Location`` of an answer is no URL (RFC 9110, 10.2.2)."""


def destination(url: str, location: str) -> str:
    """Return the URL that ``location`` in an answer from ``url`` means.

    Raises ``MalformedLocation``. The text is anybody's, and the standard library raises for some.
    """
    try:
        target = urljoin(url, location)
        parts = urlsplit(target)
        lacks_host = parts.scheme in WITH_HOST and not parts.hostname
        _ = parts.port  # it is checked when it is read
    except ValueError as error:
        raise MalformedLocation(f"Location {location[:100]!r}: {error}") from None
    if lacks_host:
        raise MalformedLocation(f"Location {location[:100]!r} has no host")
    return target


def is_same_origin(one: str, other: str) -> bool:
    """Return whether two URLs have the same scheme, host and port (RFC 6454, 4)."""
    return origin_of(one) == origin_of(other)


def origin_of(url: str) -> tuple[str, str | None, int]:
    """Return scheme, host and port; 80 or 443 where the URL names none."""
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or (443 if parts.scheme == "https" else 80)
