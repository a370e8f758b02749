"""Load generators to compare with: ``rivals.py bare|fasthttpuser|FILE URL USERS WINDOW_S [RATE]``.

``FILE`` is a locustfile for stock Locust. It prints one JSON object: ``requests`` and ``cpu_s`` of
the window. For Locust it also has the percentiles that it reports, in milliseconds; for a file, the
failures.
"""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Callable
from time import process_time
from typing import Any
from urllib.parse import urlsplit

import gevent
from gevent import socket

SETTLE_S = 0.5


def main(kind: str, url: str, users: int, window_s: float, rate_rps: float) -> None:
    """Run one rival and print its figures."""
    if kind.endswith(".py"):
        count, ended = start_file(kind, url, users)
    elif kind == "bare":
        count, ended = start_bare(url, users)
    else:
        count, ended = start_fasthttpuser(url, users, rate_rps)
    gevent.sleep(SETTLE_S)
    before, cpu_before_s = count(), process_time()
    gevent.sleep(window_s)
    figures = {"requests": count() - before, "cpu_s": process_time() - cpu_before_s}
    print(json.dumps(figures | ended()), flush=True)


def start_bare(url: str, users: int) -> tuple[Callable[[], int], Callable[[], dict[str, Any]]]:
    """Start loops that send and receive without parsing: the least that gevent's sockets cost."""
    parts = urlsplit(url)
    request = f"GET {parts.path or '/'} HTTP/1.1\r\nHost: {parts.netloc}\r\n\r\n".encode()
    counts = [0] * users

    def ask(number: int) -> None:
        connection = socket.create_connection((parts.hostname, parts.port))
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while True:
            connection.sendall(request)
            connection.recv(65_536)
            counts[number] += 1

    for number in range(users):
        gevent.spawn(ask, number)
    return lambda: sum(counts), dict


def start_fasthttpuser(
    url: str, users: int, rate_rps: float
) -> tuple[Callable[[], int], Callable[[], dict[str, Any]]]:
    """Start stock Locust users, without a wait time or, given a rate, at constant throughput."""
    from locust import FastHttpUser, constant, constant_throughput, task  # patches the process
    from locust.env import Environment

    parts = urlsplit(url)

    class StockUser(FastHttpUser):
        host = f"{parts.scheme}://{parts.netloc}"
        wait_time = constant_throughput(rate_rps / users) if rate_rps else constant(0)

        @task
        def ask(self) -> None:
            self.client.get(parts.path or "/")

    logging.disable(logging.CRITICAL)
    environment = Environment(user_classes=[StockUser])
    runner: Any = environment.create_local_runner()
    runner.start(users, spawn_rate=users)
    stats = environment.stats  # its total is another object after the start

    def stated() -> dict[str, Any]:
        return {
            f"p{percent}_ms": stats.total.get_response_time_percentile(percent / 100)
            for percent in (50, 99)
        }

    return lambda: stats.total.num_requests, stated


def start_file(
    path: str, url: str, users: int
) -> tuple[Callable[[], int], Callable[[], dict[str, Any]]]:
    """Start stock Locust with a locustfile."""
    import locust  # patches the process
    from locust.env import Environment
    from locust.util.load_locustfile import load_locustfile

    logging.disable(logging.CRITICAL)
    classes, _ = load_locustfile(path)
    events: Any = locust.events
    environment = Environment(user_classes=list(classes.values()), events=events, host=url)
    runner: Any = environment.create_local_runner()
    runner.start(users, spawn_rate=users)
    stats = environment.stats
    return lambda: stats.total.num_requests, lambda: {"failures": stats.total.num_failures}


if __name__ == "__main__":
    main(
        sys.argv[1],
        sys.argv[2],
        int(sys.argv[3]),
        float(sys.argv[4]),
        float(sys.argv[5]) if len(sys.argv) > 5 else 0.0,
    )
