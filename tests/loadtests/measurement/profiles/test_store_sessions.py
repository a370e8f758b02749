"""A store's sessions are looked at only where a replica is connected to it."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import pytest

from loadtests.measurement.profiles import store_sessions
from loadtests.measurement.profiles.store_sessions import StoreLooking
from loadtests.model.errors import EnvironmentFailure
from loadtests.model.profiles.records import Totals
from loadtests.tools import procfs
from loadtests.tools.postgres import activity
from loadtests.tools.postgres.activity import Access
from loadtests.tools.procfs import connections

KNOWN_HERE = {"prod.example": frozenset({"10.9.9.9"}), "test.example": frozenset({"10.0.0.3"})}


def access(host: str, port: int = 5432) -> Access:
    return Access(host=host, port=port, user="ada", password="", database="shop")


def connected(monkeypatch: pytest.MonkeyPatch, *peers: tuple[str, int], same: bool = True) -> None:
    """Let process 7 be connected to peers."""
    monkeypatch.setattr(
        connections, "peers_of", lambda pid: frozenset(peers) if pid == 7 else frozenset()
    )
    monkeypatch.setattr(
        connections,
        "addresses_of",
        lambda host, _: KNOWN_HERE.get(host, frozenset({host} if host[0].isdigit() else ())),
    )
    monkeypatch.setattr(connections, "is_same_from_here", lambda *_: same)


def proved(*accesses: Access, pids: Sequence[int] = (6, 7)) -> str | None:
    access = store_sessions.proved(accesses, pids)
    return str(access) if access else None


def test_a_server_that_no_replica_is_connected_to_is_never_asked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    connected(monkeypatch, ("10.0.0.3", 5432))

    assert proved(access("prod.example")) is None
    assert proved(access("10.9.9.9")) is None
    assert proved(access("10.0.0.3", 5433)) is None
    assert proved(access("test.example"), pids=(6,)) is None


def test_of_several_servers_the_one_that_is_connected_to_is_asked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    connected(monkeypatch, ("10.0.0.3", 5432))

    assert proved(access("prod.example"), access("test.example")) == "10.0.0.3:5432"


def test_a_name_of_the_replicas_own_network_is_the_only_one_on_its_port(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    connected(monkeypatch, ("172.18.0.2", 5432), ("172.18.0.3", 6379))
    assert proved(access("db")) == "172.18.0.2:5432"

    connected(monkeypatch, ("172.18.0.2", 5432), ("172.18.0.4", 5432))
    assert proved(access("db")) is None


def test_an_address_that_leads_elsewhere_from_here_is_not_asked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    connected(monkeypatch, ("127.0.0.1", 5432), same=False)

    assert proved(access("127.0.0.1")) is None


class Server:
    """Stands for a server: whether it was asked, and how it fails."""

    def __init__(self, error: str = "", *, counts: bool = False) -> None:
        self.asked: list[str] = []
        self.counts = counts
        self._error = error

    @contextmanager
    def watched(self, access: Access) -> Iterator[Server]:
        self.asked.append(str(access))
        if self._error:
            raise EnvironmentFailure(self._error)
        yield self

    def sessions(self) -> Sequence[tuple[str, str, str]]:
        return [("Lock", "tuple", "UPDATE stock SET n = 7")]

    def totals(self, *, with_text: bool) -> Totals | None:
        if not self.counts:
            return None
        text = "UPDATE stock SET n = $1" if with_text else ""
        return {(10, 5, 1): (30 if with_text else 10, 90.0 if with_text else 50.0, text)}


def looked(monkeypatch: pytest.MonkeyPatch, server: Server) -> StoreLooking:
    monkeypatch.setattr(activity, "watched", server.watched)
    monkeypatch.setattr(store_sessions, "LOOKS_PER_S", 200.0)
    looking = StoreLooking([access("test.example")], [7])
    looking.start()
    time.sleep(0.1)
    looking.stop()
    return looking


def test_what_sessions_do_is_counted_under_the_address_of_the_connection(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    connected(monkeypatch, ("10.0.0.3", 5432))

    seen = looked(monkeypatch, Server()).seen()

    assert seen is not None
    assert seen.address == "10.0.0.3:5432"
    assert {session.statement for session in seen.sessions} == {"UPDATE stock SET n = ?"}


@pytest.mark.parametrize(
    ("counts", "told"), [(True, [("UPDATE stock SET n = $1", 20, 40.0)]), (False, [])]
)
def test_the_stores_own_counts_are_read_before_and_after_where_it_has_them(
    monkeypatch: pytest.MonkeyPatch, counts: bool, told: list[tuple[str, int, float]]
) -> None:
    connected(monkeypatch, ("10.0.0.3", 5432))

    seen = looked(monkeypatch, Server(counts=counts)).seen()

    assert seen is not None
    assert [(each.statement, each.calls, each.ms) for each in seen.statements] == told


def test_nothing_is_sent_to_a_server_without_a_connection_and_that_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    connected(monkeypatch)
    server = Server()

    looking = looked(monkeypatch, server)

    assert (server.asked, looking.seen()) == ([], None)
    assert looking.failure == store_sessions.NOT_CONNECTED


def test_a_server_that_refuses_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    connected(monkeypatch, ("10.0.0.3", 5432))

    looking = looked(monkeypatch, Server("The store at 10.0.0.3:5432 cannot be asked: no.\nMore."))

    assert looking.failure == "The store at 10.0.0.3:5432 cannot be asked: no."
    assert looking.seen() is None


@pytest.mark.parametrize(
    ("variables", "told"),
    [
        ({"A": "mysql+pymysql://db/shop", "B": "redis://cache:6379/0"}, "MySQL, Redis."),
        ({"A": "rediss://cache"}, "Redis."),
        ({"A": "postgresql://db/shop"}, ""),
        ({"A": "see redis://cache"}, ""),
    ],
)
def test_stores_that_are_not_looked_at_are_named(
    monkeypatch: pytest.MonkeyPatch, variables: Mapping[str, str], told: str
) -> None:
    monkeypatch.setattr(procfs, "environment_of", lambda _: variables)

    sentence = store_sessions.others_told([7])

    assert sentence.removeprefix("Only PostgreSQL's sessions are looked at, not those of ") == told


def test_an_unusual_access_has_no_server(monkeypatch: pytest.MonkeyPatch) -> None:
    variables = {"DATABASE_URL": "postgresql://ada:s/3@db/shop", "PGHOST": "db", "PGPORT": "x"}
    monkeypatch.setattr(procfs, "environment_of", lambda _: variables)

    assert store_sessions.accesses_of([7]) == ()
    assert store_sessions.accesses_of([]) == ()


@pytest.mark.parametrize(
    ("variables", "meant"),
    [
        ({"A": "postgresql://app@db:6543/x", "B": "postgresql://app@other:6543/x"}, (":6543",)),
        ({"A": "postgresql:///shop"}, (":5432", "a local socket")),
        ({}, ()),
    ],
)
def test_a_store_is_known_before_anything_is_connected_to_it(
    monkeypatch: pytest.MonkeyPatch, variables: Mapping[str, str], meant: tuple[str, ...]
) -> None:
    monkeypatch.setattr(procfs, "environment_of", lambda _: variables)

    assert store_sessions.peers_meant(store_sessions.accesses_of([7]), [7]) == meant
