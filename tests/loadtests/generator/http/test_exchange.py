"""When a request is sent again, against servers that close a used connection in different ways."""

from __future__ import annotations

import socket
from time import monotonic
from typing import Any

import gevent
import pytest

from loadtests.generator.http import pool as pool_module
from loadtests.generator.http.exchange import send
from loadtests.generator.http.outcome import Outcome
from loadtests.generator.http.pool import Origin, host_and_port
from tests.loadtests.generator.conftest import OK, Handler, Serve, answering

GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nab"
ABORT = b"\1\0\0\0\0\0\0\0"
"""SO_LINGER: a close is a reset."""


def ask(origin: Origin, wire: bytes = GET) -> Outcome:
    return send(origin, wire, monotonic() + 5.0, 2.0, only_head=False)[0]


def unseen(origin: Origin) -> None:
    """Let what has arrived go unnoticed by the event loop, as while other greenlets run."""
    for connection in origin._idle:
        connection._watcher.stop()
    gevent.sleep(0.02)
    for connection in origin._idle:
        connection._watcher.start(connection._readable)


def closing_each(requests: list[bytes], *, abort: bool = False) -> Handler:
    """Answer once on each connection, and close it without saying so."""

    def handle(link: Any) -> None:
        requests.append(link.recv(65_536))
        if abort:
            link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, ABORT)
        link.sendall(OK)

    return handle


def failing_second(requests: list[bytes], *, abort: bool = False) -> Handler:
    """Answer the first request of a connection, read the second one, and close."""

    def handle(link: Any) -> None:
        requests.append(link.recv(65_536))
        link.sendall(OK)
        requests.append(link.recv(65_536))
        if abort:
            link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, ABORT)

    return handle


@pytest.mark.parametrize("wire", [GET, POST])
def test_a_request_that_meets_a_closed_connection_is_sent_again_and_read_once(
    serve: Serve, wire: bytes
) -> None:
    requests: list[bytes] = []
    origin = Origin(*host_and_port(serve(closing_each(requests))))
    assert ask(origin) is Outcome.OK
    unseen(origin)
    origin.keeps = True  # so that the used connection is taken whatever is asked

    assert ask(origin, wire) is Outcome.OK
    assert requests == [GET, wire]


def test_a_server_that_closes_each_and_does_not_say_so_is_soon_known(serve: Serve) -> None:
    requests: list[bytes] = []
    origin = Origin(*host_and_port(serve(closing_each(requests))))

    outcomes: list[Outcome] = []

    def user() -> None:
        outcomes.extend(ask(origin) for _ in range(20))

    gevent.joinall([gevent.spawn(user) for _ in range(4)], timeout=5, raise_error=True)

    assert outcomes == [Outcome.OK] * 80
    assert requests == [GET] * 80
    assert not origin._idle


@pytest.mark.parametrize("wire", [GET, POST])
def test_a_request_that_was_read_and_not_answered_has_failed(serve: Serve, wire: bytes) -> None:
    requests: list[bytes] = []
    origin = Origin(*host_and_port(serve(failing_second(requests))))
    assert ask(origin) is Outcome.OK
    origin.keeps = True

    assert ask(origin, wire) is Outcome.CLOSED_EARLY
    assert requests == [GET, wire]


def test_a_reset_is_a_failure_of_a_server_that_keeps_connections(serve: Serve) -> None:
    requests: list[bytes] = []
    origin = Origin(*host_and_port(serve(failing_second(requests, abort=True))))
    assert ask(origin) is Outcome.OK
    origin.keeps = True

    assert ask(origin) is Outcome.RESET
    assert len(requests) == 2


@pytest.mark.parametrize("wire", [GET, POST])
def test_a_first_request_is_not_sent_again(serve: Serve, wire: bytes) -> None:
    requests: list[bytes] = []
    origin = Origin(*host_and_port(serve(lambda link: requests.append(link.recv(65_536)))))

    assert ask(origin, wire) is Outcome.CLOSED_EARLY
    assert requests == [wire]


def test_what_may_not_be_sent_twice_gets_a_new_connection_until_the_server_keeps_them(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool_module, "REST_S", 0.05)
    links: list[Any] = []

    def counted(link: Any) -> None:
        links.append(link)
        answering(OK)(link)

    origin = Origin(*host_and_port(serve(counted)))

    assert [ask(origin, POST) for _ in range(3)] == [Outcome.OK] * 3
    assert (len(links), len(origin._idle), origin.keeps) == (3, 1, None)
    gevent.sleep(0.06)
    assert [ask(origin, POST) for _ in range(3)] == [Outcome.OK] * 3
    assert (len(links), origin.keeps) == (3, True)


@pytest.mark.parametrize("dead", [1, 2])
def test_connections_that_died_while_idle_do_not_make_each_post_open_another(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, dead: int
) -> None:
    monkeypatch.setattr(pool_module, "REST_S", 0.02)
    links: list[Any] = []

    def first_ones_die(link: Any) -> None:
        links.append(link)
        if len(links) <= dead:
            link.recv(65_536)
            link.sendall(OK)
        else:
            answering(OK)(link)

    origin = Origin(*host_and_port(serve(first_ones_die)))
    used = [origin.connect(2.0) for _ in range(dead)]
    for connection in used:
        assert connection.exchange(POST, monotonic() + 5.0, only_head=False) is Outcome.OK
        origin.give(connection)
    gevent.sleep(0.03)

    for _ in range(4):
        assert ask(origin, POST) is Outcome.OK
        gevent.sleep(0.03)

    assert (len(links), origin.keeps) == (dead + 1, True)
    assert not origin.open & set(used)


def test_a_server_that_keeps_connections_for_a_while_is_not_taken_for_one_that_closes_each(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool_module, "REST_S", 0.01)
    origin = Origin(*host_and_port(serve(closing_each([]))))
    assert ask(origin) is Outcome.OK
    unseen(origin)

    assert ask(origin) is Outcome.OK
    assert origin.keeps is None
