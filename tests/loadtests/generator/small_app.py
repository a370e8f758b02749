"""A small application behind the stub server: a login with a session, a form, a shop, failures."""

from __future__ import annotations

import gzip
import json
import re
import time
from collections import Counter
from collections.abc import Mapping
from threading import Lock

from tests.loadtests.generator.stub_server import Answering

NAMES: Mapping[int, str] = {200: "OK", 201: "Created", 302: "Found", 404: "Not Found"}


def answer(status: int, body: bytes | str | dict[str, object] = "ok", **headers: str) -> bytes:
    """Return the bytes of an answer; a mapping is sent as JSON."""
    kind = "text/html; charset=utf-8"
    if isinstance(body, dict):
        kind, body = "application/json", json.dumps(body)
    content = body.encode() if isinstance(body, str) else body
    fields = {
        "Content-Type": kind,
        "X-Upstream-Addr": "10.0.0.1:80",
        "Content-Length": str(len(content)),
        **{name.replace("_", "-"): value for name, value in headers.items()},
    }
    lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return f"HTTP/1.1 {status} {NAMES.get(status, 'Status')}\r\n{lines}\r\n".encode() + content


class SmallApp:
    """Answers requests, and counts them by method and path.

    ``secure`` marks the session's cookie so. ``login_page`` redirects to it without a session.
    ``limited_s`` is how long it refuses whoever asks (429), from its start on.
    """

    def __init__(
        self, *, secure: bool = False, login_page: bool = False, limited_s: float = 0.0
    ) -> None:
        self._limited_until = time.monotonic() + limited_s
        self.counts: Counter[str] = Counter()
        self.bodies: list[bytes] = []
        self.users: list[str] = []
        self._lock = Lock()
        self._secure = secure
        self._login_page = login_page

    @property
    def answering(self) -> Answering:
        """The function that the stub server calls, in a thread for each connection."""

        def answering(request: bytes) -> bytes:
            with self._lock:
                return self._answer(request)

        return answering

    def _answer(self, request: bytes) -> bytes:
        head, _, body = request.partition(b"\r\n\r\n")
        method, target, _ = head.split(b"\r\n")[0].decode().split(" ")
        path, _, query = target.partition("?")
        self.counts[f"{method} {path}"] += 1
        self.bodies.append(body)
        cookie = re.search(rb"\r\ncookie: ([^\r]*)", head, re.IGNORECASE)
        cookies = cookie[1].decode() if cookie else ""
        if time.monotonic() < self._limited_until:
            return answer(429)
        if path == "/login":
            return self._login(method, body)
        if self._login_page and "session=" not in cookies:
            return answer(302, "", Location="/login")
        return self._page(method, path, query, body, cookies, head)

    def _login(self, method: str, body: bytes) -> bytes:
        if method == "GET":
            return answer(200, '<form><input type="password" name="p"></form>')
        secure = "; Secure" if self._secure else ""
        return answer(302, "", Location="/", Set_Cookie=f"session=abc; Path=/; HttpOnly{secure}")

    def _page(
        self, method: str, path: str, query: str, body: bytes, cookies: str, head: bytes
    ) -> bytes:
        if path == "/form":
            return form(method, body, cookies)
        if path == "/gzip":
            assert b"gzip" in head
            return answer(200, gzip.compress(b"x" * 1000), Content_Encoding="gzip")
        if path == "/items":
            return answer(201 if method == "POST" else 200, {"id": 7, "items": [{"id": 7}]})
        if path == "/register":
            name = json.loads(body)["name"]
            known, self.users = name in self.users, [*self.users, name]
            return answer(409 if known else 201, {"name": name})
        if path == "/upload":
            return answer(200, {"bytes": len(body)})
        return PAGES.get(path) or answer(200, f"{method} {path} {query}")


PAGES: Mapping[str, bytes] = {
    "/moved": answer(302, "", Location="/"),
    "/away": answer(302, "", Location="https://elsewhere.example/"),
    "/secure": answer(302, "", Location="https://elsewhere.example/secure"),
    "/missing": answer(404, "there is none"),
    "/broken": answer(500, "error"),
}


def form(method: str, body: bytes, cookies: str) -> bytes:
    """Answer as a page with a form that a token guards."""
    token = "token-17"
    if method == "GET":
        page = f'<input name="csrf" value="{token}">'
        return answer(200, page, Set_Cookie=f"csrf={token}; Path=/")
    good = f"csrf={token}".encode() in body and f"csrf={token}" in cookies
    return answer(200 if good else 403, "thanks" if good else "no")
