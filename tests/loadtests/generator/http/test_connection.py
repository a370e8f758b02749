from __future__ import annotations

import socket
import sys
from time import monotonic
from typing import Any

import gevent
import pytest
from gevent.monkey import get_original

from loadtests.generator.http import connection as module
from loadtests.generator.http.connection import ConnectFailed, Connection, StaleConnection
from loadtests.generator.http.outcome import Outcome
from scripts.generator_bench.servers import stub
from tests.loadtests.generator.conftest import OK, Serve, answering

REQUEST = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"


def connected(url: str) -> Connection:
    port = int(url.rpartition(":")[2])
    return Connection(socket.AF_INET, ("127.0.0.1", port), timeout_s=2.0)


def exchange(link: Connection, request: bytes = REQUEST, **options: Any) -> Outcome:
    return link.exchange(request, monotonic() + 5.0, **options)


def in_bytes(answer: bytes) -> Any:
    def handle(link: Any) -> None:
        link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while link.recv(65_536):
            for at in range(len(answer)):
                link.sendall(answer[at : at + 1])
                gevent.sleep(0)

    return handle


@pytest.mark.parametrize(
    ("answer", "status", "body"),
    [
        (OK, 200, b"ok"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 200, b""),
        (
            b"HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n"
            b"3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nTrailer: z\r\n\r\n",
            201,
            b"abcde",
        ),
        (b"HTTP/1.1 204 No Content\r\n\r\n", 204, b""),
        (b"HTTP/1.1 304 Not Modified\r\nContent-Length: 77\r\n\r\n", 304, b""),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hints\r\nA: b\r\n\r\n" + OK, 200, b"ok"),
        (b"HTTP/1.1 500 No\r\nContent-Length: 2\r\n\r\nno", 500, b"no"),
    ],
)
@pytest.mark.parametrize("how", [answering, in_bytes])
def test_a_whole_answer_is_read_however_it_arrives(
    serve: Serve, how: Any, answer: bytes, status: int, body: bytes
) -> None:
    link = connected(serve(how(answer)))

    for _ in range(2):  # the second one on the same connection
        assert exchange(link) is Outcome.OK
        assert (link.status, link.body()) == (status, body)
        assert link.usable
    link.close()


def test_a_body_without_a_length_ends_with_the_connection(serve: Serve) -> None:
    def handle(link: Any) -> None:
        link.recv(65_536)
        link.sendall(b"HTTP/1.1 200 OK\r\n\r\npart one, ")
        gevent.sleep(0.01)
        link.sendall(b"part two")

    link = connected(serve(handle))

    assert exchange(link) is Outcome.OK
    assert link.body() == b"part one, part two"
    assert not link.usable


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
    ],
)
def test_a_connection_that_the_server_will_close_is_not_used_again(
    serve: Serve, answer: bytes
) -> None:
    link = connected(serve(answering(answer)))

    assert exchange(link) is Outcome.OK
    assert not link.usable


def test_head_has_no_body_whatever_its_header_announces(serve: Serve) -> None:
    announced = b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n"
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    link = connected(serve(answering(announced, chunked, OK)))

    assert exchange(link, only_head=True) is Outcome.OK
    assert exchange(link, only_head=True) is Outcome.OK
    assert exchange(link) is Outcome.OK
    assert link.body() == b"ok"


@pytest.mark.parametrize(
    ("part", "outcome"),
    [
        (b"", Outcome.CLOSED_EARLY),
        (b"HTTP/1.1 2", Outcome.TRUNCATED),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort", Outcome.TRUNCATED),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", Outcome.TRUNCATED),
    ],
)
def test_an_answer_that_is_cut_off_is_not_a_whole_one(
    serve: Serve, part: bytes, outcome: Outcome
) -> None:
    def handle(link: Any) -> None:
        link.recv(65_536)
        link.sendall(part)

    link = connected(serve(handle))

    assert exchange(link) is outcome
    assert not link.usable


def test_a_reset_is_told_from_a_close(serve: Serve) -> None:
    def handle(link: Any) -> None:
        link.recv(65_536)
        link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")

    assert exchange(connected(serve(handle))) is Outcome.RESET


@pytest.mark.parametrize(
    "answer",
    [b"SSH-2.0-x\r\n", OK + OK, OK + b"more", b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n"],
)
def test_what_is_not_one_answer_is_malformed(serve: Serve, answer: bytes) -> None:
    link = connected(serve(answering(answer)))

    assert exchange(link) is Outcome.MALFORMED
    assert not link.usable


def test_a_header_beyond_the_limit_is_given_up(serve: Serve) -> None:
    def handle(link: Any) -> None:
        link.recv(65_536)
        link.sendall(b"HTTP/1.1 200 OK\r\n")
        while True:
            link.sendall(b"X-Filler: " + b"a" * 1_000 + b"\r\n")

    assert exchange(connected(serve(handle))) is Outcome.HEADER_TOO_LARGE


def test_a_body_beyond_the_limit_is_given_up(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_BODY_BYTES", 100_000)

    def handle(link: Any) -> None:
        link.recv(65_536)
        link.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            link.sendall(b"x" * 10_000)

    assert exchange(connected(serve(handle))) is Outcome.BODY_TOO_LARGE


def test_a_large_request_and_a_large_answer_go_through(serve: Serve) -> None:
    size = 3_000_000

    def handle(link: Any) -> None:
        got = 0
        while got < size:
            got += len(link.recv(65_536))
        link.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size + b"y" * size)

    link = connected(serve(handle))

    assert exchange(link, b"x" * size) is Outcome.OK
    assert link.body() == b"y" * size


def test_an_answer_before_the_request_is_sent_whole_counts(serve: Serve) -> None:
    refusal = b"HTTP/1.1 413 Too Large\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"

    def handle(link: Any) -> None:
        link.recv(10)
        link.sendall(refusal)
        gevent.sleep(1)

    link = connected(serve(handle))

    assert exchange(link, b"x" * 30_000_000) is Outcome.OK
    assert link.status == 413


def test_failing_from_another_greenlet_ends_the_request_and_not_that_greenlet(
    serve: Serve,
) -> None:
    link = connected(serve(lambda link: gevent.sleep(5)))
    reached = []

    def watch() -> None:
        gevent.sleep(0.02)
        link.fail(Outcome.TIMEOUT)
        gevent.sleep(0.02)
        reached.append("after")

    watching = gevent.spawn(watch)

    assert exchange(link) is Outcome.TIMEOUT
    watching.join(1)
    assert reached == ["after"]


def test_failing_an_idle_connection_does_nothing(serve: Serve) -> None:
    link = connected(serve(answering(OK)))
    assert exchange(link) is Outcome.OK

    link.fail(Outcome.TIMEOUT)
    gevent.sleep(0.01)

    assert link.usable
    assert exchange(link) is Outcome.OK


def test_ending_the_asking_greenlet_closes_the_connection(serve: Serve) -> None:
    link = connected(serve(lambda link: gevent.sleep(5)))
    asking = gevent.spawn(exchange, link)
    gevent.sleep(0.02)

    asking.kill()

    assert not link.usable


def test_an_idle_connection_that_the_server_closes_is_known_to_be_closed(serve: Serve) -> None:
    def handle(link: Any) -> None:
        link.recv(65_536)
        link.sendall(OK)

    link = connected(serve(handle))
    assert exchange(link) is Outcome.OK
    assert link.usable

    gevent.sleep(0.02)

    assert not link.usable


def test_a_connection_closed_unseen_is_stale_if_nothing_could_be_sent(serve: Serve) -> None:
    def handle(link: Any) -> None:
        link.recv(65_536)
        link.sendall(OK)
        link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")

    link = connected(serve(handle))
    assert exchange(link) is Outcome.OK
    # The reset arrives while the loop looks at nothing: a native sleep holds all greenlets.
    gevent.get_hub().loop.run_callback(lambda: None)
    link._watcher.stop()
    gevent.sleep(0.05)

    with pytest.raises(StaleConnection):
        exchange(link)


def test_nobody_listening_is_refused() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        address = unused.getsockname()

        with pytest.raises(ConnectFailed) as caught:
            Connection(socket.AF_INET, address, timeout_s=1.0)

    assert caught.value.outcome is Outcome.REFUSED


def test_a_server_that_accepts_nothing_is_a_timeout() -> None:
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        fillers = [socket.socket() for _ in range(4)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(full.getsockname())

        with pytest.raises(ConnectFailed) as caught:
            Connection(socket.AF_INET, full.getsockname(), timeout_s=0.1)

        for filler in fillers:
            filler.close()
    assert caught.value.outcome is Outcome.TIMEOUT


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux notes when data arrived")
def test_an_answer_counts_from_its_arrival_however_late_it_is_read() -> None:
    with stub("delay", None) as (url, _):
        link = connected(url)
        sent = monotonic()
        asking = gevent.spawn(exchange, link, b"GET /20 HTTP/1.1\r\nHost: x\r\n\r\n")
        gevent.sleep(0)  # now it has been sent
        # These two block the whole process, so the answer lies in the kernel unread.
        get_original("select", "select")([link._socket], [], [], 10.0)
        arrived = monotonic()
        get_original("time", "sleep")(0.1)
        assert asking.get(timeout=2.0) is Outcome.OK

    assert sent + 0.02 <= link.done <= arrived


def test_a_time_limit_ends_a_request_then_and_not_when_its_last_part_came(serve: Serve) -> None:
    def handle(link: Any) -> None:
        link.recv(65_536)
        link.sendall(OK[:20])
        gevent.sleep(5)

    link = connected(serve(handle))
    failed_at: list[float] = []

    def fail() -> None:
        failed_at.append(monotonic())
        link.fail(Outcome.TIMEOUT)

    gevent.spawn_later(0.1, fail)

    assert exchange(link) is Outcome.TIMEOUT
    assert link.done >= failed_at[0]
