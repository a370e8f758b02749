"""How an application reaches its store, by its environment."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import pytest
from psycopg import sql

from loadtests.model.errors import EnvironmentFailure
from loadtests.model.profiles.records import Totals
from loadtests.tools.postgres.activity import (
    Access,
    Activity,
    accesses_in,
    names_local_socket,
    watched,
)


def access_in(variables: dict[str, str]) -> Access | None:
    return next(iter(accesses_in(variables)), None)


@pytest.mark.parametrize(
    ("variables", "told"),
    [
        (
            {"DATABASE_URL": "postgresql://ada:s%40fe@db:6543/shop"},
            ("db", 6543, "ada", "s@fe", "shop"),
        ),
        ({"X": "postgres://db"}, ("db", 5432, "postgres", "", "postgres")),
        ({"X": "postgresql+psycopg2://a:b@db/c"}, ("db", 5432, "a", "b", "c")),
        ({"PGHOST": "db", "PGUSER": "ada"}, ("db", 5432, "ada", "", "ada")),
    ],
)
def test_a_url_or_libpqs_variables_name_the_server(
    variables: dict[str, str], told: tuple[object, ...]
) -> None:
    access = access_in(variables)

    assert access is not None
    assert (access.host, access.port, access.user, access.password, access.database) == told


@pytest.mark.parametrize(
    "variables", [{}, {"DATABASE_URL": "mysql://db/shop"}, {"NOTE": "see postgresql://db first"}]
)
def test_other_variables_name_none(variables: dict[str, str]) -> None:
    assert access_in(variables) is None


def test_its_text_has_no_password() -> None:
    access = access_in({"X": "postgresql://ada:secret@db/shop"})

    assert f"{access} {access!r}" == "db:5432 db:5432"


def hosts(variables: dict[str, str]) -> list[str]:
    return [str(access) for access in accesses_in(variables)]


def test_all_variables_are_read_and_each_access_is_named_once() -> None:
    variables = {
        "PRODUCTION_URL": "postgresql://ada@prod:5432/shop",
        "DATABASE_URL": "postgresql://ada@db/shop",
        "SAME_URL": "postgresql://ada@db/shop",
        "PGHOST": "here",
    }

    assert hosts(variables) == ["prod:5432", "db:5432", "here:5432"]


@pytest.mark.parametrize(
    ("variables", "told"),
    [
        (
            {"X": "postgresql://a:b@one:6001,two,[::1]:6003/shop?sslmode=disable"},
            ["one:6001", "two:5432", "::1:6003"],
        ),
        ({"X": "postgresql:///shop"}, ["localhost:5432"]),
        ({"X": "postgresql://ada:s/3[x@db/shop"}, []),
        ({"X": "postgresql://ada:s[3@db/shop"}, ["db:5432"]),
        ({"X": "postgresql://ada:s/3@db/shop"}, []),
        ({"X": "postgresql://db:port/shop"}, []),
        ({"X": "postgresql://db:99999/shop"}, []),
        ({"PGHOST": "db", "PGPORT": ""}, ["db:5432"]),
        ({"PGHOST": "db", "PGPORT": "none"}, []),
        ({"PGHOST": "one,two", "PGPORT": "6001,6002"}, ["one:6001", "two:6002"]),
        ({"PGHOST": "one,two", "PGPORT": "6001"}, ["one:6001", "two:6001"]),
        ({"PGHOST": ""}, []),
        ({"PGHOST": "/var/run/postgresql"}, []),
    ],
)
def test_an_unusual_access_is_read_or_left_out(variables: dict[str, str], told: list[str]) -> None:
    assert hosts(variables) == told


@pytest.mark.parametrize(
    ("variables", "local"),
    [
        ({"DATABASE_URL": "postgresql:///shop"}, True),
        ({"DATABASE_URL": "postgresql+psycopg2://ada@/shop?host=/run/postgresql"}, True),
        ({"DATABASE_URL": "postgresql://%2Frun%2Fpostgresql/shop"}, True),
        ({"DSN": "dbname=shop user=ada"}, True),
        ({"DSN": "host='/run/postgresql' dbname=shop"}, True),
        ({"PGHOST": "/run/postgresql"}, True),
        ({"PGDATABASE": "shop"}, True),
        ({"DATABASE_URL": "postgresql://db/shop"}, False),
        ({"DATABASE_URL": "postgresql:///shop?host=db"}, False),
        ({"DATABASE_URL": "postgresql:///shop", "PGHOST": "db"}, False),
        ({"DSN": "dbname=shop host=db"}, False),
        ({"PGDATABASE": "shop", "PGHOST": "db"}, False),
        ({"REDIS_URL": "redis:///0", "NOTE": "see postgresql:///shop"}, False),
        ({}, False),
    ],
)
def test_a_server_without_a_host_is_reached_over_a_local_socket(
    variables: dict[str, str], local: bool
) -> None:
    assert names_local_socket(variables) is local


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
