"""Whether a store refused connections: by its own log, or by what explains the starts' errors."""

from __future__ import annotations

import pytest

from loadtests.gate.model import SideName
from loadtests.gate.tested import refusals
from tests.loadtests.fakes.gate import FakeGateStack, GateWorld
from tests.loadtests.gate.builders import make_gate_plan

REFUSED = "2026-01-01 12:00:00.000 UTC [90] FATAL:  sorry, too many clients already"
STARTS = 16


def seen(stores: dict[SideName, tuple[str, ...]] | None = None, **logs: str) -> dict[SideName, str]:
    """Give what is seen in the logs of members, by their names with _ for -."""
    world = GateWorld(stores=stores or {})
    world.member_logs = {name.replace("_", "-"): text for name, text in logs.items()}
    stack = FakeGateStack(world, make_gate_plan())
    stack.grow(STARTS)
    return refusals.seen(stack)


def test_a_store_says_itself_that_it_refused_connections_of_its_own_version() -> None:
    stores: dict[SideName, tuple[str, ...]] = {side: (f"with-{side}-db",) for side in SideName}
    log = f"ready\n2026-01-01T12:00:00.123456789Z {REFUSED}\nready"

    assert seen(stores, with_head_db=log, with_base_db="ready") == {SideName.HEAD: REFUSED}


@pytest.mark.parametrize(
    "line",
    [
        "psycopg.OperationalError: connection failed: FATAL: sorry, too many clients already",
        "psycopg2.OperationalError: FATAL: remaining connection slots are reserved for superusers",
        "pymysql.err.OperationalError: (1040, 'Too many connections')",
        'pymysql.err.OperationalError: (1203, "User app already has more than'
        " 'max_user_connections' active connections\")",
        "oracledb.exceptions.DatabaseError: ORA-12516: TNS:listener could not find a handler",
        "redis.exceptions.ConnectionError: max number of clients reached",
    ],
)
def test_a_store_that_writes_nothing_down_is_known_by_the_errors_of_the_last_starts(
    line: str,
) -> None:
    assert seen(head_b_8=f"Traceback (most recent call last):\n{line}\n") == {SideName.HEAD: line}


def test_other_errors_of_a_start_are_no_refusal_of_its_store() -> None:
    many = "\n".join(["KeyError: 'user'"] * 50)

    assert seen(head_b_8=f"psycopg.OperationalError: {REFUSED}\n{many}") == {}
    assert seen(head_b_8=many) == {}


def test_a_refusal_cannot_control_the_terminal() -> None:
    (line,) = seen(base_b_8=f"psycopg.OperationalError: \x1b[2J{REFUSED}").values()

    assert "\x1b" not in line


def test_what_to_do_is_said_of_a_log_with_a_refusal_alone() -> None:
    assert "max_connections=1000" in refusals.told(REFUSED)
    assert refusals.told("KeyError: 'user'") == ""
