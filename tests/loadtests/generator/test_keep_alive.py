"""The keep-alive probe against servers of sockets, each with one way to treat connections."""

from __future__ import annotations

import contextlib
import json
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from loadtests.generator.keep_alive import ANSWER_LIMIT_S, watch

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
CLOSING = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"

Serve = Callable[[socket.socket, int], None]


@contextmanager
def a_server(serve: Serve) -> Iterator[str]:
    """Serve each connection in a thread of its own; ``serve`` gets it with its number from 1."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=512)
    open_ones: list[socket.socket] = []

    def accept() -> None:
        for number in range(1, 10_000):
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            open_ones.append(connection)
            threading.Thread(target=serve, args=(connection, number), daemon=True).start()

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    host, port = listener.getsockname()
    try:
        yield f"{host}:{port}"
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(timeout=5)
        for connection in open_ones:
            connection.close()


def answering(answer: bytes, *, then: Callable[[socket.socket], None] = lambda _: None) -> Serve:
    def serve(connection: socket.socket, _: int) -> None:
        with contextlib.suppress(OSError):  # the test is over
            connection.recv(4096)
            connection.sendall(answer)
            then(connection)

    return serve


def close_after(seconds: float) -> Callable[[socket.socket], None]:
    def close(connection: socket.socket) -> None:
        threading.Event().wait(seconds)
        connection.shutdown(socket.SHUT_RDWR)

    return close


def test_a_server_that_keeps_all_connections_open() -> None:
    with a_server(answering(ANSWER)) as address:
        kept = watch(address, "/", connections=40, watch_s=0.2)

    assert (kept.opened, kept.answered, kept.closed_after_s) == (40, 40, None)
    assert kept.watched_s >= 0.2
    assert not kept.announced


def test_a_server_that_closes_idle_connections_after_a_while() -> None:
    with a_server(answering(CHUNKED, then=close_after(0.3))) as address:
        kept = watch(address, "/", connections=3, watch_s=5)

    assert kept.answered == 3
    assert kept.closed_after_s is not None
    assert 0.2 < kept.closed_after_s < 2


def test_connections_that_were_closed_while_others_were_opened_hide_no_short_time() -> None:
    """The proxy would keep its own for longer than the server, and requests would be lost."""

    def serve(connection: socket.socket, number: int) -> None:
        with contextlib.suppress(OSError):
            connection.recv(4096)
            threading.Event().wait(0.2)  # an application that answers slowly
            connection.sendall(ANSWER)
            close_after(0.1)(connection)

    with a_server(serve) as address:
        kept = watch(address, "/", connections=6, watch_s=1)

    assert kept.answered == 6
    assert kept.closed_after_s is not None
    assert kept.closed_after_s < 0.2


def test_a_server_that_closes_each_connection_and_does_not_say_so() -> None:
    with a_server(answering(ANSWER, then=lambda c: c.shutdown(socket.SHUT_RDWR))) as address:
        kept = watch(address, "/", connections=3, watch_s=2)

    assert not kept.announced
    assert kept.closed_after_s is not None
    assert kept.closed_after_s < 0.5


def test_an_application_that_limits_the_rate_is_not_asked_on() -> None:
    """The load needs what is left of its limit."""

    def serve(connection: socket.socket, number: int) -> None:
        limited = ANSWER.replace(b"200 OK", b"429 Too Many Requests")
        answering(ANSWER if number <= 5 else limited)(connection, number)

    with a_server(serve) as address:
        kept = watch(address, "/", connections=40, watch_s=0.1)

    assert (kept.opened, kept.answered, kept.closed_after_s) == (6, 6, None)


def test_a_server_that_says_that_it_closes() -> None:
    with a_server(answering(CLOSING)) as address:
        kept = watch(address, "/", connections=3, watch_s=2)

    assert (kept.opened, kept.answered, kept.announced) == (1, 1, True)


def test_a_server_with_few_connections_is_found_by_the_one_that_gets_no_answer() -> None:
    def serve(connection: socket.socket, number: int) -> None:
        if number <= 4:
            answering(ANSWER)(connection, number)

    with a_server(serve) as address:
        kept = watch(address, "/", connections=16, watch_s=0.1)

    assert (kept.opened, kept.answered) == (5, 4)
    assert kept.watched_s < ANSWER_LIMIT_S


def test_as_a_program_it_watches_several_servers_at_once() -> None:
    with a_server(answering(ANSWER)) as first, a_server(answering(CLOSING)) as second:
        job = {
            "replicas": {"a": first, "b": second},
            "path": "/healthz",
            "connections": 5,
            "watch_s": 0.1,
        }
        done = subprocess.run(
            (sys.executable, "-m", "loadtests.generator.keep_alive"),
            input=json.dumps(job),
            capture_output=True,
            text=True,
            check=True,
        )

    answers = json.loads(done.stdout)
    assert answers["a"]["answered"] == 5
    assert answers["b"]["announced"] is True
