"""Bodies of all connections together fit into the generator's memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from loadtests.generator.http import connection as module
from loadtests.generator.http.outcome import Outcome
from tests.loadtests.generator.conftest import Serve
from tests.loadtests.generator.http.test_connection import connected, exchange

Handle = Callable[[Any], None]


@pytest.fixture(autouse=True)
def limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_HELD_BYTES", 1_000_000)
    monkeypatch.setattr(module, "_held", {"bytes": 0})


def answering_in_parts(size: int) -> Handle:
    def handle(link: Any) -> None:
        while link.recv(65_536):
            link.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size)
            for _ in range(size // 10_000):
                link.sendall(b"x" * 10_000)

    return handle


def test_bodies_of_many_users_are_given_up_before_they_fill_the_memory(serve: Serve) -> None:
    address = serve(answering_in_parts(600_000))

    outcomes = [exchange(connected(address)) for _ in range(2)]

    assert outcomes == [Outcome.OK, Outcome.BODY_TOO_LARGE]


def test_a_user_who_asks_again_gives_back_what_the_last_answer_took(serve: Serve) -> None:
    link = connected(serve(answering_in_parts(600_000)))

    assert [exchange(link) for _ in range(4)] == [Outcome.OK] * 4


def test_a_closed_connection_holds_nothing(serve: Serve) -> None:
    address = serve(answering_in_parts(600_000))
    for _ in range(4):
        link = connected(address)
        assert exchange(link) is Outcome.OK
        link.close()
    assert module._held == {"bytes": 0}
