"""Requests with options that few locustfiles use: uploads, own cookies, authentication objects.

``requests`` itself makes their bytes, so that they are those that a locustfile expects.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from requests import Request

NOT_NEEDED = frozenset({"stream", "verify", "max_redirects"})
"""Options without effect here: the whole body is read, and there is no TLS."""

PREPARED = frozenset({"files", "auth", "cookies"})
"""Options that change the request alone, so that the generator's client can send it."""

OWN = frozenset({"host", "content-length", "content-type"})


@dataclass(frozen=True, kw_only=True)
class Rare:
    """The ordinary options of such a request; ``url`` has its query."""

    method: str
    url: str
    data: Any
    json: Any
    headers: Mapping[str, Any] | None


def prepare_rare(
    request: Rare, options: Mapping[str, Any], *, cookies: dict[str, str]
) -> tuple[str, Mapping[str, Any], bytes] | None:
    """Return URL, headers and body of a request with rare ``options``.

    Returns None for options that need the session of ``requests``. ``cookies`` are the user's.
    """
    needed = {name: value for name, value in options.items() if name not in NOT_NEEDED}
    if not needed.keys() <= PREPARED:
        return None
    own = needed.get("cookies")
    prepared = Request(
        method=request.method,
        url=request.url,
        data=request.data,
        json=request.json,
        headers=dict(request.headers or {}),
        files=needed.get("files"),
        auth=needed.get("auth"),
        cookies={**cookies, **dict(own)} if own is not None else None,
    ).prepare()
    if any(prepared.hooks.values()):
        return None  # an authentication that answers a challenge, such as HTTPDigestAuth
    body = prepared.body or b""
    if not isinstance(body, bytes | str):
        return None
    headers = {**(request.headers or {}), **prepared.headers}
    headers.pop("Content-Length", None)
    content = body.encode() if isinstance(body, str) else body
    return str(prepared.url), headers, content
