"""Sends single requests for the harness, which cannot reach the stack's network itself."""

from __future__ import annotations

from time import monotonic
from typing import Any

import gevent

from loadtests.generator.http.connection import ConnectFailed
from loadtests.generator.http.cookies import Cookies
from loadtests.generator.http.head import cookie_lines, final_head, headers_of
from loadtests.generator.http.outcome import Outcome
from loadtests.generator.http.pool import Origin, UnusableUrl, host_and_port
from loadtests.generator.http.request import prepare
from loadtests.generator.order import FetchRequest


def fetch_all(requests: list[FetchRequest], timeout_s: float) -> list[dict[str, Any]]:
    """Send all requests at once; return their answers in the same order."""
    greenlets = [gevent.spawn(fetch, request, timeout_s) for request in requests]
    gevent.joinall(greenlets)
    return [greenlet.get() for greenlet in greenlets]


def fetch(ask: FetchRequest, timeout_s: float) -> dict[str, Any]:
    """Send one request over its own connection; ``error`` says why there is no answer."""
    url = ask.url
    answer: dict[str, Any] = {"url": url, "status": None, "headers": {}, "body": "", "error": None}
    deadline = monotonic() + timeout_s
    try:
        connection = Origin(*host_and_port(url)).take(timeout_s)
    except (UnusableUrl, ConnectFailed) as error:
        return answer | {"error": str(error)}
    headers = {"Connection": "close"} | (ask.headers or {})
    request = prepare(ask.method, url, data=ask.body, headers=headers)
    limit = gevent.spawn_later(deadline - monotonic(), connection.fail, Outcome.TIMEOUT)
    outcome = connection.exchange(request.wire, deadline, only_head=ask.method == "HEAD")
    limit.kill()
    connection.close()
    if outcome is not Outcome.OK:
        return answer | {"error": outcome.name.lower()}
    cookies = Cookies()
    cookies.seed(url, headers.get("Cookie", ""))
    cookies.keep(url, cookie_lines(connection.raw))
    return answer | {
        "status": connection.status,
        "headers": headers_of(final_head(connection.raw) or b""),
        "cookies": cookies.header(url),
        "body": connection.body().decode("utf-8", "replace"),
    }
