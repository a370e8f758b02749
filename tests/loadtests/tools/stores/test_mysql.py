"""What MySQL's client is asked, and how its answers are read."""

from __future__ import annotations

from pathlib import Path

import pytest

from loadtests.model.tested.shared import StoreSessions
from loadtests.tools.stores import mysql

ADDRESSES = {"10.0.0.1": "web-1", "10.0.0.2": "web-2"}

ANSWER = """most\t20
Connection_errors_max_connections\t3
deadlocks\t1
session\t10.0.0.1:51000\tQuery\tLOCK WAIT\tupdating\tUPDATE stock SET n = n - 1\\nWHERE id = 1
session\t10.0.0.1:51001\tSleep\tRUNNING\t\t
session\t10.0.0.2:51000\tQuery\tLOCK WAIT\tUpdating\tUPDATE stock SET n = n - 1 WHERE id = 1
session\t10.0.0.2:51001\tSleep\t\t\t
session\tlocalhost\tQuery\t\tWaiting for table metadata lock\tALTER TABLE stock ADD m INT
"""


SESSIONS = """mysql: [Warning] Using a password on the command line interface can be insecure.
mode\tSTRICT_TRANS_TABLES,NO_ENGINE_SUBSTITUTION
session\tLOCK WAIT\tupdating\tUPDATE stock\\nSET note = 'it\\\\'s'
session\tRUNNING\tSending data\tSELECT 1
session\t\tUser sleep\tSELECT SLEEP(1)
session\t\tWaiting for table metadata lock\tALTER TABLE stock ADD m INT
session\t\tUser lock\tSELECT GET_LOCK('a', 1)
session\tRUNNING\twaiting for handler commit\tCOMMIT
"""


def test_each_active_session_has_its_wait_and_its_whole_statement() -> None:
    assert mysql.sessions_in(SESSIONS) == [
        ("Lock", "tuple", "UPDATE stock\nSET note = 'it\\'s'"),
        ("", "", "SELECT 1"),
        ("Timeout", "", "SELECT SLEEP(1)"),
        ("Lock", "table", "ALTER TABLE stock ADD m INT"),
        ("Lock", "GET_LOCK()", "SELECT GET_LOCK('a', 1)"),
        ("IO", "", "COMMIT"),
    ]
    assert mysql.sessions_in("") == []


def test_statements_whose_values_cannot_be_told_are_not_read() -> None:
    answer = SESSIONS.replace("STRICT_TRANS_TABLES", "NO_BACKSLASH_ESCAPES")

    with pytest.raises(ValueError, match="sql_mode has NO_BACKSLASH_ESCAPES"):
        mysql.sessions_in(answer)


def test_sessions_are_counted_by_replica_and_by_what_they_wait_for() -> None:
    assert mysql.parse("db", ANSWER, ADDRESSES) == StoreSessions(
        member="db",
        program="MySQL",
        connections=5,
        active=4,
        waiting=3,
        by_replica={"web-1": 2, "web-2": 2},
        most=20,
        lock="row lock",
        statement="UPDATE stock SET n = n - 1 WHERE id = 1",
        refused=3,
        deadlocks=1,
    )


def test_an_idle_server_has_no_lock_to_name() -> None:
    seen = mysql.parse("db", "most\t151\n", {})

    assert (seen.connections, seen.waiting, seen.lock, seen.statement) == (0, 0, None, "")
    assert (seen.most, seen.refused, seen.deadlocks) == (151, None, None)


@pytest.mark.parametrize(
    ("transaction", "state", "lock"),
    [
        ("LOCK WAIT", "updating", "row lock"),
        ("RUNNING", "Waiting for table level lock", "table lock"),
        ("", "Waiting for schema metadata lock", "table lock"),
        ("", "User lock", "lock of GET_LOCK()"),
        ("RUNNING", "Sending data", None),
        ("", "Waiting for next activation", None),
    ],
)
def test_a_wait_is_named_by_its_lock(transaction: str, state: str, lock: str | None) -> None:
    assert mysql.lock_of(transaction, state) == lock


@pytest.mark.parametrize(
    ("command", "is_one"),
    [
        ("mysqld", True),
        ("/usr/sbin/mysqld --user=mysql", True),
        ("mariadbd --bind-address=0.0.0.0", True),
        ("mysqldump shop", False),
        ("python -m mysqld", False),
    ],
)
def test_a_server_is_known_by_its_command(command: str, *, is_one: bool) -> None:
    assert mysql.is_server([command]) is is_one


def test_a_real_servers_answer_is_read() -> None:
    """MariaDB 11.8 of Debian, while one transaction waits for the row of another."""
    answer = (Path(__file__).parent / "answers/mariadb-11.8.txt").read_text()

    seen = mysql.parse("db", answer, {})

    assert (seen.connections, seen.active, seen.waiting, seen.most) == (2, 2, 1, 40)
    assert (seen.lock, seen.statement) == ("row lock", "UPDATE stock SET n = n - 1 WHERE id = 1")
    assert (seen.refused, seen.deadlocks) == (0, 0)
