"""Asks some URLs once each, for the harness: it has no way into the stack's network itself."""

from __future__ import annotations

from time import monotonic
from typing import Any

import gevent

from loadtests.generator.connection import ConnectFailed
from loadtests.generator.head import final_head, headers_of
from loadtests.generator.outcome import Outcome
from loadtests.generator.pool import Origin, UnusableUrl, host_and_port
from loadtests.generator.request import prepare


def fetch_all(urls: list[str], timeout_s: float) -> list[dict[str, Any]]:
    """Return an answer for each of ``urls``, in their order; all are asked at once."""
    asking = [gevent.spawn(fetch, url, timeout_s) for url in urls]
    gevent.joinall(asking)
    return [greenlet.get() for greenlet in asking]


def fetch(url: str, timeout_s: float) -> dict[str, Any]:
    """Ask ``url`` once, on a connection of its own; ``error`` says why there is no answer."""
    answer: dict[str, Any] = {"url": url, "status": None, "headers": {}, "body": "", "error": None}
    deadline = monotonic() + timeout_s
    try:
        connection = Origin(*host_and_port(url)).take(timeout_s)
    except (UnusableUrl, ConnectFailed) as error:
        return answer | {"error": str(error)}
    request = prepare("GET", url, headers={"Connection": "close"})
    limit = gevent.spawn_later(deadline - monotonic(), connection.fail, Outcome.TIMEOUT)
    outcome = connection.exchange(request.wire, deadline)
    limit.kill()
    connection.close()
    if outcome is not Outcome.OK:
        return answer | {"error": outcome.name.lower()}
    return answer | {
        "status": connection.status,
        "headers": headers_of(final_head(connection.raw) or b""),
        "body": connection.body().decode("utf-8", "replace"),
    }
