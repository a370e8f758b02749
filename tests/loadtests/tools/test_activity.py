"""What the sessions of a PostgreSQL server do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import pytest
from psycopg import sql

from loadtests.model.errors import EnvironmentFailure
from loadtests.model.profiles.records import Totals
from loadtests.tools.postgres.access import Access
from loadtests.tools.postgres.activity import Activity, watched


class Server:
    """Stands for a connection: its encoding, and the sessions that it tells of."""

    def __init__(self, encoding: str, *rows: tuple[Any, ...], error: str = "") -> None:
        self.info = SimpleNamespace(encoding=encoding)
        self._rows = list(rows)
        self._error = error
        self.asked: list[object] = []
        self.found: tuple[bytes, ...] | None = (b"public", b"total_exec_time")

    @contextmanager
    def transaction(self) -> Iterator[None]:
        yield

    def execute(self, query: object) -> Server:
        self.asked.append(query)
        return self

    def fetchone(self) -> tuple[bytes, ...] | None:
        return self.found

    def fetchall(self) -> list[tuple[Any, ...]]:
        if self._error:
            raise ValueError(self._error)
        return self._rows


def sessions(server: Any) -> list[tuple[str, str, str]]:
    return list(Activity(server).sessions())


@pytest.mark.parametrize(
    ("encoding", "query", "told"),
    [
        ("ascii", "SELECT 'é'".encode(), "SELECT 'é'"),  # SQL_ASCII has no encoding of its own
        ("utf-8", b"SELECT 'caf\xe9'", "SELECT 'caf\ufffd'"),  # a session of another database
        ("iso8859-1", b"SELECT 'caf\xe9'", "SELECT 'café'"),
    ],
)
def test_a_session_is_read_whatever_the_encoding_of_its_database(
    encoding: str, query: bytes, told: str
) -> None:
    assert sessions(Server(encoding, (b"Lock", b"tuple", query))) == [("Lock", "tuple", told)]


def test_an_answer_that_cannot_be_read_is_a_failure_of_the_environment() -> None:
    with pytest.raises(EnvironmentFailure, match="does not say what its sessions do: no such"):
        sessions(Server("utf-8", error="no such encoding"))


def test_texts_are_asked_for_as_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    import psycopg

    loaders: dict[str, Any] = {}
    adapters = SimpleNamespace(register_loader=loaders.__setitem__)
    connection = SimpleNamespace(adapters=adapters, close=lambda: None)
    monkeypatch.setattr(psycopg, "connect", lambda **_: connection)

    with watched(Access(host="db", port=5432, user="ada", password="", database="shop")):
        pass

    assert loaders["text"](25).load(memoryview(b"caf\xe9")) == b"caf\xe9"


def totals(server: Any, *, with_text: bool = True) -> Totals | None:
    return Activity(server).totals(with_text=with_text)


def test_what_the_server_counted_is_added_up_by_statement() -> None:
    server = Server(
        "ascii",
        (10, 5, 77, 3, 1.5, b"SELECT 'caf\xc3\xa9'"),
        (10, 5, 77, 1, 0.5, b""),
        (10, 5, -8, 2, 4.0, b"COMMIT"),
    )

    assert totals(server) == {
        (10, 5, 77): (4, 2.0, "SELECT 'café'"),
        (10, 5, -8): (2, 4.0, "COMMIT"),
    }


@pytest.mark.parametrize("with_text", [True, False])
def test_the_extension_is_asked_where_it_is_and_for_texts_only_if_they_are_wanted(
    with_text: bool,
) -> None:
    server = Server("utf-8")
    server.found = (b"my schema", b"total_time")

    totals(server, with_text=with_text)

    asked = server.asked[-1]
    assert isinstance(asked, sql.Composed)
    text = asked.as_string(None)
    assert f'FROM "my schema".pg_stat_statements({str(with_text).lower()})' in text
    assert ' calls, "total_time", ' in text


def test_a_server_that_does_not_count_or_does_not_tell_says_nothing() -> None:
    without = Server("utf-8")
    without.found = None

    assert totals(without) is None
    assert totals(Server("utf-8", error="must be loaded")) is None
