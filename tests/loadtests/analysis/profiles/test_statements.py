"""Statements without their values, and waits in words."""

import pytest

from loadtests.analysis.profiles.statements import cut, in_words, largest, shape_of, wait_of
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


def test_a_long_statement_is_cut_with_a_mark() -> None:
    assert cut("SELECT 1") == "SELECT 1"
    assert len(cut("x" * 200)) == 80
    assert cut("x" * 200).endswith("…")
