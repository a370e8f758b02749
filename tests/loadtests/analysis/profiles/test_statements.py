"""Statements without their values, and waits in words."""

import time

import pytest

from loadtests.analysis.profiles.statements import (
    MOST_TIMES,
    between,
    cut,
    in_words,
    largest,
    mysql_shape_of,
    shape_of,
    wait_of,
)
from loadtests.model.profiles.records import StoreProfile, StoreSession


@pytest.mark.parametrize(
    ("statement", "shape"),
    [
        ("SELECT * FROM t WHERE a = 'it''s secret'", "SELECT * FROM t WHERE a = ?"),
        ("UPDATE t2 SET n = n -  1\n WHERE id = 47", "UPDATE t2 SET n = n - ? WHERE id = ?"),
        ("SELECT $1, $2 FROM t", "SELECT $1, $2 FROM t"),
        ("SELECT /* token=abc */ 1 -- secret", "SELECT ?"),
        ("SELECT 1 WHERE id IN (1, 2, 3)", "SELECT ? WHERE id IN (?, …)"),
        ("SELECT $tag$secret$tag$", "SELECT ?"),
        ("SELECT E'it\\'s secret', 1.5e3", "SELECT ?, ?"),
        ("SELECT 'cut off in the midd", "SELECT ?"),
        (
            "SELECT n FROM t WHERE note = 'ask -- later'\n AND token = 's3cr3t'",
            "SELECT n FROM t WHERE note = ? AND token = ?",
        ),
        ("WHERE a = '/*' AND token = 's3cr3t' AND b = '*/'", "WHERE a = ? AND token = ? AND b = ?"),
        (
            "WHERE a LIKE 'x%' ESCAPE '\\' AND token = 's3cr3t' AND n=5",
            "WHERE a LIKE ? ESCAPE ? AND token = ? AND n=?",
        ),
        ("WHERE a LIKE'\\' AND token = 's3cr3t'", "WHERE a LIKE? AND token = ?"),
        ("SELECT E'a\\'b' 'x', e'a'\n 'b\\'s3cr3t'", "SELECT ? ?, ?"),
        ("SELECT \"it's\" FROM t WHERE token = 's3cr3t'", 'SELECT "it\'s" FROM t WHERE token = ?'),
        ('SELECT "a--b", 1', 'SELECT "a--b", ?'),
        ("SELECT 1 -- it's\n, 's3cr3t'", "SELECT ? , ?"),
        ("SELECT $$it's$$, 's3cr3t'", "SELECT ?, ?"),
        ("SELECT '$$', 's3cr3t', '$$'", "SELECT ?, ?, ?"),
        ("SELECT a$b$c, $1$x$", "SELECT a$b$c, $1$x$"),
        ("SELECT /* a /* b */ s3cr3t */ 1", "SELECT ?"),
        ("SELECT 1 /* s3cr3t, cut o", "SELECT ?"),
        ("SELECT 0x1F, 1_000, .5, 1.5e-3, t1.c2", "SELECT ?, ?, .?, ?, t1.c2"),
    ],
)
def test_a_statement_keeps_its_shape_and_loses_its_values(statement: str, shape: str) -> None:
    assert shape_of(statement) == shape


@pytest.mark.parametrize(
    ("statements", "shape"),
    [
        (
            (
                "SELECT a FROM t WHERE id IN ($1)",
                "SELECT a FROM t WHERE id IN ($1, $2,$3)",
                "SELECT a FROM t WHERE id IN ('x'::uuid, 'y'::uuid)",
                "SELECT a FROM t WHERE id IN (11, 222, 3",  # cut off
                "SELECT a FROM t WHERE id IN (11, 222, ",
            ),
            "SELECT a FROM t WHERE id IN (?, …)",
        ),
        (
            ("SELECT a FROM t WHERE (a, b) IN ((1, 2), (3, 4))",),
            "SELECT a FROM t WHERE (a, b) IN (?, …)",
        ),
        (
            (
                "INSERT INTO t (a, b) VALUES ($1, NULL) RETURNING id",
                "INSERT INTO t (a, b) VALUES ($1::INTEGER, $2), ($3::INTEGER, $4) RETURNING id",
                "INSERT INTO t (a, b) VALUES (1, 'a'), (2, DEFAULT), (3, 'c') RETURNING id",
                "INSERT INTO t (a, b) VALUES ($1::NUMERIC(10, 2), $2::TIMESTAMP WITHOUT TIME ZONE),"
                " ($3::NUMERIC(10, 2), $4::character varying) RETURNING id",
            ),
            "INSERT INTO t (a, b) VALUES (?, …) RETURNING id",
        ),
        (
            (
                "INSERT INTO t (a) VALUES (1), (2)",
                "INSERT INTO t (a) VALUES ($1), ($2), ($",
                "INSERT INTO t (a) VALUES ($1), ($2), (",
            ),
            "INSERT INTO t (a) VALUES (?, …)",
        ),
    ],
)
def test_a_statement_has_one_shape_however_many_values_it_has(
    statements: tuple[str, ...], shape: str
) -> None:
    assert {shape_of(statement) for statement in statements} == {shape}


def test_a_statement_with_many_blanks_is_read_at_once() -> None:
    begun = time.process_time()

    assert shape_of(f"IN ($1, $2{' ' * 20_000}+ x)") == "IN ($1, $2 + x)"
    assert time.process_time() - begun < 2


@pytest.mark.parametrize(
    "statement",
    ["SELECT f($1), begin ($2)", "INSERT INTO t VALUES (now())", "WHERE id IN (SELECT $1, a)"],
)
def test_what_is_no_list_of_values_stays(statement: str) -> None:
    assert shape_of(statement) == statement


@pytest.mark.parametrize(
    ("statement", "shape"),
    [
        ('SELECT * FROM `t 1` WHERE a = "s3cr3t"', "SELECT * FROM `t 1` WHERE a = ?"),
        ("SELECT 'it\\'s s3cr3t', \"a\\\"s3cr3t\"", "SELECT ?, ?"),
        ("SELECT 'it''s', \"a\"\"b\"", "SELECT ?, ?"),
        (
            "UPDATE stock SET n = n - 1 WHERE id IN (1, 2)",
            "UPDATE stock SET n = n - ? WHERE id IN (?, …)",
        ),
        ("SELECT 1 # s3cr3t\n, 2 -- s3cr3t", "SELECT ? , ?"),
        ("SELECT 5--1, 'x' /* s3cr3t */", "SELECT ?-?, ?"),
        ('SELECT "cut o', "SELECT ?"),
        ("SELECT `it's`, 's3cr3t'", "SELECT `it's`, ?"),
        ("SELECT 'C:\\\\', 's3cr3t'", "SELECT ?, ?"),
    ],
)
def test_a_statement_of_mysql_loses_what_is_a_value_there(statement: str, shape: str) -> None:
    assert mysql_shape_of(statement) == shape


def a_session(**fields: object) -> StoreSession:
    defaults = {"wait_type": "", "wait_event": "", "statement": "SELECT ?", "count": 1}
    return StoreSession(**{**defaults, **fields})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("kind", "event", "words"),
    [
        ("Lock", "transactionid", "a row lock"),
        ("Lock", "tuple", "a row lock"),
        ("Lock", "relation", "a lock (relation)"),
        ("IO", "DataFileRead", "its disk"),
        ("", "", "nothing (it ran)"),
        ("Extension", "PgSleep", "Extension PgSleep"),
    ],
)
def test_a_wait_is_told_in_words(kind: str, event: str, words: str) -> None:
    assert wait_of(a_session(wait_type=kind, wait_event=event)) == words


def test_sessions_are_counted_at_once_and_waits_of_one_kind_together() -> None:
    locks = [
        a_session(wait_type="Lock", wait_event=e, count=10) for e in ("tuple", "transactionid")
    ]
    store = StoreProfile(address="db:5432", looks=10, sessions=(*locks, a_session(count=5)))

    assert largest(store) == [
        ("a row lock", "SELECT ?", 2.0),
        ("nothing (it ran)", "SELECT ?", 0.5),
    ]


def test_a_store_without_an_active_session_says_nothing() -> None:
    assert in_words(None) == ""
    assert in_words(StoreProfile(address="db:5432", looks=10, sessions=())) == ""


def test_sessions_that_run_are_not_said_to_wait() -> None:
    store = StoreProfile(address="db:5432", looks=10, sessions=(a_session(count=10),))

    assert in_words(store) == "Store: 1.0 of 1.0 active sessions ran on `SELECT ?`."


def test_what_most_sessions_wait_for_is_told_though_each_of_their_statements_is_a_few() -> None:
    waits = [
        a_session(wait_type="Lock", wait_event="tuple", statement=text, count=count)
        for text, count in (("UPDATE stock", 11), ("DELETE FROM stock", 10), ("SELECT n", 9))
    ]
    store = StoreProfile(address="db:5432", looks=10, sessions=(a_session(count=12), *waits))

    assert in_words(store) == (
        "Store: 3.0 of 4.2 active sessions waited for a row lock, 1.1 of them on `UPDATE stock`."
    )


def test_a_long_statement_is_cut_with_a_mark() -> None:
    assert cut("SELECT 1") == "SELECT 1"
    assert len(cut("x" * 200)) == 80
    assert cut("x" * 200).endswith("…")


COLUMNS = ", ".join(f"orders.column_{number} AS orders_column_{number}" for number in range(9))


@pytest.mark.parametrize(
    ("selected", "rest", "shown"),
    [
        (COLUMNS, "FROM orders WHERE orders.id = ?", "FROM orders WHERE orders.id = ?"),
        (f"extract(day FROM a), (SELECT n FROM u), {COLUMNS}", "FROM orders", "FROM orders"),
        (f'"a" AS "from", {COLUMNS}', 'FROM "orders"', 'FROM "orders"'),
    ],
)
def test_the_columns_of_an_orm_do_not_hide_the_table(selected: str, rest: str, shown: str) -> None:
    assert cut(f"SELECT {selected} {rest}") == f"SELECT … {shown}"
    assert cut(f"SELECT {selected}") == f"SELECT {selected}"[:79] + "…"


def key(number: int, user: int = 10) -> tuple[int, int, int]:
    return user, 5, number


def test_time_of_the_store_is_that_between_two_readings_by_statement() -> None:
    before = {key(1): (100, 5000.0, ""), key(2): (7, 70.0, ""), key(3): (9, 900.0, "")}
    after = {
        key(1): (110, 5060.0, "UPDATE stock SET n = n - $1"),
        key(2): (7, 70.0, "SELECT never"),
        key(3): (2, 1.0, "SELECT counters_were_set_back"),
        key(4): (2, 20.0, "SELECT 1"),
        key(4, user=11): (1, 20.0, "SELECT  2"),
        key(5): (80, 99.0, "SELECT query FROM pg_stat_activity"),
        key(6): (80, 99.0, "SET LOCAL statement_timeout = 2000"),
        key(7): (1, 99.0, ""),
    }

    told = between(before, after)

    assert [(each.statement, each.calls, each.ms, each.share_ratio) for each in told] == [
        ("UPDATE stock SET n = n - $1", 10, 60.0, 0.6),
        ("SELECT ?", 3, 40.0, 0.4),
    ]


def test_the_statements_with_most_time_are_kept_with_their_shares_of_all() -> None:
    names = [f"SELECT {chr(97 + number % 26)}{'x' * number}" for number in range(40)]
    after = {key(number): (1, 1.0, name) for number, name in enumerate(names)}

    told = between({}, after)

    assert len(told) == MOST_TIMES
    assert {each.share_ratio for each in told} == {1 / 40}
    assert between({}, {}) == ()
