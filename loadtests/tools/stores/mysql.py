"""MySQL and MariaDB: what their client is asked, and what its answers say.

The tables are those of MySQL's reference manual, *INFORMATION_SCHEMA PROCESSLIST*, *INNODB_TRX* and
*INNODB_METRICS*; MariaDB has the same.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace

from loadtests.model.tested.shared import StoreSessions
from loadtests.tools.stores import StoreProgram
from loadtests.tools.stores.clients import by_replica

NAME = "MySQL"

SERVER = re.compile(r"(\S*/)?(mysqld|mariadbd)( |$)")

SCRIPT = """
client=$(command -v mysql || command -v mariadb) ||
    client="echo 'the image has neither mysql nor mariadb'; false"
user=root
secret=${MYSQL_ROOT_PASSWORD:-${MARIADB_ROOT_PASSWORD:-}}
file=${MYSQL_ROOT_PASSWORD_FILE:-${MARIADB_ROOT_PASSWORD_FILE:-}}
empty=${MYSQL_ALLOW_EMPTY_PASSWORD:-${MARIADB_ALLOW_EMPTY_ROOT_PASSWORD:-}}
if [ -z "$secret" ] && [ -n "$file" ]; then secret=$(cat "$file"); fi
if [ -z "$secret" ] && [ -z "$empty" ]; then
    user=${MYSQL_USER:-${MARIADB_USER:-root}}
    secret=${MYSQL_PASSWORD:-${MARIADB_PASSWORD:-}}
fi
export MYSQL_PWD="$secret"
ask() {
    eval "$client" '--user="$user" --batch --skip-column-names --connect-timeout=2 --execute="$1"'
}
"""
"""The variables are those of the official images and Bitnami's."""

QUESTION = (
    "SELECT 'most', @@max_connections;"
    " SHOW GLOBAL STATUS LIKE 'Connection_errors_max_connections';"
    " SELECT 'deadlocks', `COUNT` FROM information_schema.INNODB_METRICS"
    " WHERE NAME = 'lock_deadlocks';"
    " SELECT 'session', p.HOST, p.COMMAND, COALESCE(t.TRX_STATE, ''), COALESCE(p.STATE, ''),"
    " LEFT(COALESCE(p.INFO, ''), 80) FROM information_schema.PROCESSLIST p"
    " LEFT JOIN information_schema.INNODB_TRX t ON t.TRX_MYSQL_THREAD_ID = p.ID"
    " WHERE p.ID <> CONNECTION_ID() AND p.USER NOT IN ('system user', 'event_scheduler')"
    " AND p.COMMAND NOT IN ('Daemon', 'Binlog Dump', 'Binlog Dump GTID')"
)

SESSIONS = (
    "SELECT 'mode', @@GLOBAL.sql_mode;"
    " SELECT 'session', COALESCE(t.TRX_STATE, ''), COALESCE(p.STATE, ''), p.INFO"
    " FROM information_schema.PROCESSLIST p"
    " LEFT JOIN information_schema.INNODB_TRX t ON t.TRX_MYSQL_THREAD_ID = p.ID"
    " WHERE p.ID <> CONNECTION_ID() AND p.INFO IS NOT NULL"
    " AND p.USER NOT IN ('system user', 'event_scheduler')"
    " AND p.COMMAND NOT IN ('Sleep', 'Daemon', 'Binlog Dump', 'Binlog Dump GTID')"
)
"""What the active sessions do, each with its whole statement."""

NO_ESCAPES = "NO_BACKSLASH_ESCAPES"

ROW_LOCK = "LOCK WAIT"
"""The state of a transaction that waits for a lock of InnoDB's, most often on a row."""

_STATES = re.compile(r"Waiting for .*\block\b|(?P<user>User lock)")

_ESCAPE = re.compile(r"\\(.)")
"""The client writes a statement on one line, with escapes (``--batch``)."""

_ESCAPED = {"n": "\n", "t": "\t", "0": "\0"}

_WAITS = {
    "row lock": ("Lock", "tuple"),
    "table lock": ("Lock", "table"),
    "lock of GET_LOCK()": ("Lock", "GET_LOCK()"),
}
"""Locks in PostgreSQL's words, which profiles have."""

_STATES_OF = {"User sleep": ("Timeout", ""), "waiting for handler commit": ("IO", "")}
"""Other states in which a session waits (*General Thread States*)."""

_SPACE = re.compile(r"(?:\\[nt]|\s)+")


def is_server(commands: Iterable[str]) -> bool:
    """Return whether these processes are a server's, by their command lines."""
    return any(SERVER.match(command.strip()) is not None for command in commands)


def parse(member: str, answer: str, addresses: Mapping[str, str]) -> StoreSessions:
    """Return the sessions in an answer to ``QUESTION``.

    ``addresses`` has the name of the replica at each IP address.
    """
    rows = [line.split("\t") for line in answer.splitlines()]
    sessions = [row for row in rows if row[0] == "session" and len(row) == 6]
    waits = Counter(
        (lock, _SPACE.sub(" ", statement).strip())
        for _, _, _, transaction, state, statement in sessions
        if (lock := lock_of(transaction, state)) is not None
    )
    (lock, statement), _ = waits.most_common(1)[0] if waits else ((None, ""), 0)
    hosts = [row[1].rpartition(":")[0] for row in sessions]
    named, elsewhere = by_replica(hosts, addresses)
    numbers = {row[0]: int(row[1]) for row in rows if len(row) == 2 and row[1].isdigit()}
    return StoreSessions(
        member=member,
        program=NAME,
        connections=len(sessions),
        active=sum(row[2] != "Sleep" or bool(row[3]) for row in sessions),
        waiting=waits.total(),
        by_replica=named,
        elsewhere=elsewhere,
        most=numbers.get("most"),
        lock=lock,
        statement=statement,
        refused=numbers.get("Connection_errors_max_connections"),
        deadlocks=numbers.get("deadlocks"),
    )


def lock_of(transaction: str, state: str) -> str | None:
    """Return the kind of lock that a session waits for; None if it waits for none.

    ``transaction`` is the state of its transaction, ``state`` that of its thread.
    """
    if transaction == ROW_LOCK:
        return "row lock"
    match = _STATES.match(state)
    if match is None:
        return None
    return "lock of GET_LOCK()" if match["user"] else "table lock"


def sessions_in(answer: str) -> list[tuple[str, str, str]]:
    """Return type of wait, wait and statement of each session in an answer to ``SESSIONS``.

    Raises ``ValueError`` where a statement's values cannot be told from the rest of it.
    """
    rows = [line.split("\t") for line in answer.splitlines()]
    if any(row[0] == "mode" and NO_ESCAPES in row[-1].split(",") for row in rows):
        raise ValueError(
            f"Its sql_mode has {NO_ESCAPES}, so its statements cannot be told without their values."
        )
    return [
        (*_wait_of(row[1], row[2]), _ESCAPE.sub(_unescaped, row[3]))
        for row in rows
        if row[0] == "session" and len(row) == 4
    ]


def _unescaped(escape: re.Match[str]) -> str:
    return _ESCAPED.get(escape[1], escape[1])


def _wait_of(transaction: str, state: str) -> tuple[str, str]:
    lock = lock_of(transaction, state)
    return _WAITS[lock] if lock is not None else _STATES_OF.get(state, ("", ""))


STORE = StoreProgram(name=NAME, is_server=is_server, script=SCRIPT, question=QUESTION, parse=parse)

STORE_PROFILED = replace(STORE, question=SESSIONS)
"""The same, asked what :func:`sessions_in` reads."""
