"""A store's sessions are looked at only where a replica is connected to it."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import SimpleNamespace

import pytest

from loadtests.measurement.profiles import store_sessions
from loadtests.measurement.profiles.looking import Seen
from loadtests.measurement.profiles.store_sessions import StoreLooking
from loadtests.model.errors import EnvironmentFailure
from loadtests.model.profiles.records import Stack, Totals, Waiting
from loadtests.tools import procfs
from loadtests.tools.postgres import activity
from loadtests.tools.postgres.access import Access, accesses_in
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
def test_stores_that_are_not_looked_at_are_named(variables: Mapping[str, str], told: str) -> None:
    sentence = store_sessions.others_told(variables)

    assert sentence.removeprefix("Only PostgreSQL's sessions are looked at, not those of ") == told


class Tree:
    """Stands for the processes of a machine: each one's parent, and the variables of some."""

    def __init__(self, parents: Mapping[int, int], variables: Mapping[int, dict[str, str]]) -> None:
        self._parents, self._variables = parents, variables

    def environment_of(self, pid: int) -> Mapping[str, str]:
        return self._variables.get(pid, {})

    def facts_of(self, pid: int) -> SimpleNamespace | None:
        return SimpleNamespace(parent=self._parents[pid]) if pid in self._parents else None


SHOP = {"DATABASE_URL": "postgresql://db/shop"}
OTHER = {"DATABASE_URL": "postgresql://other/shop"}


@pytest.mark.parametrize(
    ("tree", "given", "told"),
    [
        (Tree({9: 8}, {9: SHOP}), OTHER, SHOP),
        (Tree({9: 8, 8: 1}, {1: OTHER}), SHOP, SHOP),
        (Tree({9: 8, 8: 1}, {1: SHOP}), {}, SHOP),
        (Tree({9: 8, 8: 1, 1: 0}, {}), {}, {}),
        (Tree({}, {}), {}, {}),
    ],
)
def test_variables_that_a_title_was_written_over_are_those_of_the_start(
    monkeypatch: pytest.MonkeyPatch, tree: Tree, given: Mapping[str, str], told: Mapping[str, str]
) -> None:
    monkeypatch.setattr(procfs, "environment_of", tree.environment_of)
    monkeypatch.setattr(procfs, "facts_of", tree.facts_of)

    assert store_sessions.variables_of([9], given) == told
    assert store_sessions.variables_of([], given) == given


def seen(*stacks: Stack) -> Seen:
    return Seen(stacks=stacks, looks=(), failures={}, processes=1, looking_s=0.0, span_s=2.0)


def waiting(peer: str, kind: Waiting = Waiting.STORE) -> Stack:
    return Stack(frames=(), kind=kind, peer=peer)


@pytest.mark.parametrize(
    ("stacks", "told"),
    [
        (
            [waiting("10.0.0.2:5432"), waiting("10.0.0.2:5432"), waiting("10.0.0.3:6379")],
            "Requests waited for PostgreSQL at 10.0.0.2:5432. No variable of the replicas says how"
            " to ask it: set DATABASE_URL.",
        ),
        ([waiting("10.0.0.3:6379")], ""),
        ([waiting("10.0.0.2:5432", Waiting.SOCKET)], ""),
        ([], ""),
    ],
)
def test_a_postgresql_that_no_variable_names_is_told_with_the_way_out(
    stacks: list[Stack], told: str
) -> None:
    assert store_sessions.told_of_store({}, None, seen(*stacks)) == told


def test_a_host_that_may_be_another_stores_is_not_said_to_be_postgresqls(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    connected(monkeypatch)
    looking = StoreLooking(accesses_in({"DB_HOST": "db"}), [7])
    looking.start()
    looking.stop()

    assert looking.failure == ""
    assert store_sessions.told_of_store({}, looking, seen()) == ""
    told = store_sessions.told_of_store({}, looking, seen(waiting("10.0.0.2:5432")))
    assert "set DATABASE_URL" in told


def behind_socket(monkeypatch: pytest.MonkeyPatch, *paths: str, folder: str | None) -> None:
    """Let process 7 be connected to local sockets, in a folder that is here another one."""
    monkeypatch.setattr(connections, "folder_from_here", lambda *_: folder)
    monkeypatch.setattr(
        connections, "is_connected_to_socket", lambda pid, path: pid == 7 and path in paths
    )


def test_a_server_behind_a_local_socket_is_asked_in_its_folder(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    connected(monkeypatch)
    path = "/var/run/postgresql/.s.PGSQL.5432"
    accesses = accesses_in({"DATABASE_URL": "postgresql:///shop"})

    behind_socket(monkeypatch, path, folder="/proc/7/root/var/run/postgresql")
    access = store_sessions.proved(accesses, (6, 7))
    assert access is not None
    assert (str(access), access.reached) == (path, "/proc/7/root/var/run/postgresql")

    behind_socket(monkeypatch, path, folder=None)
    assert store_sessions.proved(accesses, (6, 7)) is None
    behind_socket(monkeypatch, "/run/other/.s.PGSQL.5432", folder="/var/run/postgresql")
    assert store_sessions.proved(accesses, (6, 7)) is None


def test_of_a_local_socket_it_is_told_that_no_connection_could_be_seen(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    connected(monkeypatch)
    behind_socket(monkeypatch, folder=None)
    looking = StoreLooking(accesses_in({"DATABASE_URL": "postgresql:///shop"}), [7])
    looking.start()
    looking.stop()

    assert looking.failure == store_sessions.NOT_SEEN


@pytest.mark.parametrize(
    ("variables", "meant"),
    [
        ({"A": "postgresql://app@db:6543/x", "B": "postgresql://app@other:6543/x"}, (":6543",)),
        ({"A": "postgresql:///shop"}, ("a local socket",)),
        ({}, ()),
    ],
)
def test_a_store_is_known_before_anything_is_connected_to_it(
    variables: Mapping[str, str], meant: tuple[str, ...]
) -> None:
    assert store_sessions.peers_meant(accesses_in(variables)) == meant
