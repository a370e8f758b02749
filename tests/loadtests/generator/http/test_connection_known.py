"""Answers that need no parser, because their header was parsed before, pass all checks too."""

from __future__ import annotations

import socket
from typing import Any

import gevent
import pytest

from loadtests.generator.http.head import known_answer
from loadtests.generator.http.outcome import Outcome
from tests.loadtests.generator.conftest import OK, Serve, answering
from tests.loadtests.generator.http.test_connection import connected, exchange

OTHER = OK.replace(b"ok", b"no")
LONGER = OK.replace(b"ok", b"okay")
CLOSING = OK.replace(b"OK\r\n", b"OK\r\nConnection: close\r\n")


@pytest.mark.parametrize(
    ("second", "outcome", "body"),
    [
        (OTHER, Outcome.OK, b"no"),
        (LONGER, Outcome.MALFORMED, b"ok"),
        (OK + OK, Outcome.MALFORMED, b"okok"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nokay", Outcome.OK, b"okay"),
        (CLOSING, Outcome.OK, b"ok"),
    ],
)
def test_an_answer_that_begins_as_one_before_is_held_against_all_checks(
    serve: Serve, second: bytes, outcome: Outcome, body: bytes
) -> None:
    link = connected(serve(answering(OK, second)))

    assert exchange(link) is Outcome.OK
    assert exchange(link) is outcome
    assert link.body() == body
    assert link.usable is (outcome is Outcome.OK and second is not CLOSING)


def test_a_connection_closes_with_a_known_answer_too(serve: Serve) -> None:
    for _ in range(2):
        link = connected(serve(answering(CLOSING)))
        assert exchange(link) is Outcome.OK
        assert (link.status, link.body(), link.usable) == (200, b"ok", False)


def test_a_known_answer_that_comes_in_parts_is_parsed(serve: Serve) -> None:
    def handle(link: Any) -> None:
        link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for cut in (len(OK), len(OK) - 1, 30, 5):
            link.recv(65_536)
            link.sendall(OK[:cut])
            gevent.sleep(0.01)
            link.sendall(OK[cut:])

    link = connected(serve(handle))

    for _ in range(4):
        assert exchange(link) is Outcome.OK
        assert (link.status, link.body()) == (200, b"ok")


def test_an_answer_to_head_makes_nothing_known(serve: Serve) -> None:
    head = b"HTTP/1.1 200 OK\r\nX-Kind: of a HEAD\r\nContent-Length: 0\r\n\r\n"
    link = connected(serve(answering(head)))

    assert exchange(link, only_head=True) is Outcome.OK
    assert known_answer(head) is None
    assert exchange(link) is Outcome.OK
    assert known_answer(head) == (200, b"", True)
    assert exchange(link, only_head=True) is Outcome.OK
    assert (link.status, link.body()) == (200, b"")
