"""What a line's requests do, in words."""

import pytest

from loadtests.analysis.profiles.wording import doing
from loadtests.model.profiles.records import Waiting
from loadtests.model.profiles.results import LineTime, Span


def a_line(kind: Waiting, callee: str = "", peer: str = "") -> LineTime:
    return LineTime(
        file="/srv/shop/db.py",
        line=88,
        name="lock_row",
        callee=callee,
        ms=Span(estimate=10.0, low=9.0, high=11.0),
        share_ratio=1.0,
        kind=kind,
        kinds={kind: 10.0},
        peer=peer,
    )


@pytest.mark.parametrize(
    "callee", ["psycopg_pool ConnectionPool.connection", "sqlalchemy Session.execute", ""]
)
def test_only_a_pool_of_connections_is_called_one(callee: str) -> None:
    pool = a_line(Waiting.LOCK, callee, peer="a connection of its pool")

    assert doing(pool) == "waiting for a connection of its pool"
    assert doing(a_line(Waiting.LOCK, callee)) == "waiting for a lock"


@pytest.mark.parametrize(
    ("peer", "words"),
    [
        ("another thread of its own", "waiting for another thread of its own"),
        ("", "waiting for something that the kernel does not name"),
    ],
)
def test_what_is_not_known_is_named_as_far_as_it_is(peer: str, words: str) -> None:
    assert doing(a_line(Waiting.UNKNOWN, peer=peer)) == words


def test_a_service_is_told_with_its_address() -> None:
    line = a_line(Waiting.SOCKET, peer="10.0.0.3:80")

    assert doing(line) == "waiting for another service at 10.0.0.3:80"
