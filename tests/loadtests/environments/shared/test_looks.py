"""Looks at what replicas share: titles of a store's processes, and the kernel's locks."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

import pytest

from loadtests.environments.shared.looks import MOST_QUESTIONS, SharedLooks, locked_files
from loadtests.model.errors import ProcessFailure
from loadtests.tools import postgres

TITLES = (
    "/usr/lib/postgresql/17/bin/postgres -D /data -c max_connections=20",
    "postgres: checkpointer ",
    "postgres: autovacuum launcher ",
    "postgres: shop shop 10.0.0.1(51000) UPDATE waiting",
    "postgres: shop shop 10.0.0.1(51001) idle in transaction",
    "postgres: main: shop shop 10.0.0.2(51000) idle",
    "postgres: shop shop [local] idle",
)
ADDRESSES = {"10.0.0.1": "web-1", "10.0.0.2": "web-2"}


def test_sessions_are_read_from_the_titles_of_the_processes() -> None:
    (seen,) = SharedLooks().look(stores={"db": TITLES}, addresses=ADDRESSES, replicas={}).sessions

    assert (seen.member, seen.connections, seen.active, seen.waiting) == ("db", 4, 2, 1)
    assert seen.by_replica == {"web-1": 2, "web-2": 1}
    assert (seen.most, seen.lock) == (20, None)


def test_a_server_is_asked_what_is_waited_for_a_few_times_only() -> None:
    asked: list[str] = []

    def answer(member: str, query: str) -> str:
        asked.append(query)
        return "tuple|UPDATE stock SET n = n - 1 WHERE id = 1\n"

    looks = SharedLooks(answer)
    seen = [
        looks.look(stores={"db": TITLES}, addresses={}, replicas={}).sessions[0] for _ in range(9)
    ]

    assert seen[0].lock == "row lock"
    assert seen[0].statement == "UPDATE stock SET n = n - 1 WHERE id = 1"
    assert seen[-1] == seen[0]
    assert asked == [postgres.MOST_QUERY, *[postgres.LOCKS_QUERY] * 6]


def test_a_limit_that_is_not_on_the_command_line_is_asked_for_once() -> None:
    asked: list[str] = []

    def answer(member: str, query: str) -> str:
        asked.append(query)
        return "100\n"

    looks = SharedLooks(answer)
    titles = ("postgres", *TITLES[4:])
    for _ in range(3):
        (seen,) = looks.look(stores={"db": titles}, addresses={}, replicas={}).sessions

    assert seen.most == 100
    assert seen.reserved == 3
    assert asked == [postgres.MOST_QUERY]


@pytest.mark.parametrize(
    ("answer", "reserved"), [("20|5\n", 5), ("20|0\n", 0), ("psql: error\n", 3)]
)
def test_connections_that_the_server_keeps_for_superusers_are_known(
    answer: str, reserved: int
) -> None:
    looks = SharedLooks(lambda *_: answer)

    (seen,) = looks.look(stores={"db": TITLES}, addresses={}, replicas={}).sessions

    assert (seen.most, seen.reserved) == (20, reserved)


def test_a_server_that_could_not_be_asked_keeps_none_and_is_asked_again() -> None:
    """It may have had no connection left, and its clients may be superusers."""
    answers = iter(["", "\n", "20|3\n"])
    looks = SharedLooks(lambda *_: next(answers))

    seen = [
        looks.look(stores={"db": TITLES[:1] + TITLES[4:]}, addresses={}, replicas={}).sessions[0]
        for _ in range(4)
    ]

    assert [(each.most, each.reserved) for each in seen] == [(20, 0), (20, 0), (20, 3), (20, 3)]


def test_one_that_never_answers_is_asked_a_few_times_only() -> None:
    asked: list[str] = []

    def silent(_: str, query: str) -> str:
        asked.append(query)
        return ""

    looks = SharedLooks(silent)
    for _ in range(9):
        looks.look(stores={"db": TITLES[:1] + TITLES[4:]}, addresses={}, replicas={})

    assert asked == [postgres.MOST_QUERY] * MOST_QUESTIONS


NO_ROLE = 'psql: error: connection to server failed: FATAL:  role "root" does not exist'


def looked(looks: SharedLooks, times: int, titles: tuple[str, ...] = TITLES) -> SharedLooks:
    for _ in range(times):
        (seen,) = looks.look(stores={"db": titles}, addresses={}, replicas={}).sessions
        assert seen.connections
    return looks


def test_one_that_cannot_be_asked_is_not_checked_and_says_why() -> None:
    def refuse(_: str, __: str) -> str:
        raise ProcessFailure(NO_ROLE)

    notes = looked(SharedLooks(refuse), 9).notes()

    assert notes == (
        "Not checked: how many connections db (PostgreSQL) accepts, and the kind of its locks:"
        f" {NO_ROLE}.",
    )


def test_one_that_answers_in_the_end_is_checked() -> None:
    """It may have had no connection left for the first looks."""
    failures = [ProcessFailure("FATAL:  sorry, too many clients already")] * 3

    def answer(_: str, query: str) -> str:
        if query == postgres.MOST_QUERY and failures:
            raise failures.pop()
        return "20|3\n"

    looks = SharedLooks(answer)

    assert looked(looks, 2).notes() == ()
    assert looked(looks, 7).notes() == ()


@pytest.mark.parametrize("command", ["mongod", "mysqld", "/sbin/docker-init -- x"])
def test_stores_that_nobody_asks_have_no_sessions(command: str) -> None:
    assert SharedLooks().look(stores={"db": [command]}, addresses={}, replicas={}).sessions == ()


@pytest.mark.skipif(not Path("/proc/locks").exists(), reason="the kernel shows no locks here")
def test_a_database_that_a_replica_writes_is_seen_as_locked(tmp_path: Path) -> None:
    path = tmp_path / "shop.db"
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("CREATE TABLE notes (text TEXT)")
    before = locked_files({"web-1": [os.getpid()]})
    connection.execute("BEGIN IMMEDIATE")
    try:
        held = locked_files({"web-1": [os.getpid()], "web-2": []})
        nobodys = locked_files({"web-2": [1]})
    finally:
        connection.execute("ROLLBACK")
        connection.close()

    assert str(path) not in {file.path for file in before}
    assert [(file.path, file.holder) for file in held if file.path == str(path)] == [
        (str(path), "web-1")
    ]
    assert str(path) not in {file.path for file in nobodys}


def test_clients_behind_a_pooler_are_counted_as_from_elsewhere() -> None:
    titles = (
        TITLES[0],
        "postgres: shop shop 10.0.0.9(51000) idle",
        "postgres: shop shop 10.0.0.9(51001) idle",
        "postgres: shop shop 127.0.0.1(51002) idle",
        "postgres: shop shop [local] idle",
    )
    look = SharedLooks().look

    (seen,) = look(stores={"db": titles}, addresses=ADDRESSES, replicas={}).sessions
    (unknown,) = look(stores={"db": titles}, addresses={}, replicas={}).sessions

    assert (seen.connections, seen.by_replica, seen.elsewhere) == (4, {}, 2)
    assert unknown.elsewhere == 0  # replicas have no address of their own
