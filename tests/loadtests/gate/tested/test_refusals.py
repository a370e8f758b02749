"""Whether a store refused connections: by its own log, or by what explains the starts' errors."""

from __future__ import annotations

import pytest

from loadtests.gate.model.vocabulary import SideName
from loadtests.gate.tested import refusals
from tests.loadtests.fakes.gate import FakeGateStack, GateWorld
from tests.loadtests.gate.builders import make_gate_plan

REFUSED = "2026-01-01 12:00:00.000 UTC [90] FATAL:  sorry, too many clients already"
STARTS = 16


STORES: dict[SideName, tuple[str, ...]] = {side: (f"with-{side}-db",) for side in SideName}


def seen(
    stores: dict[SideName, tuple[str, ...]] = STORES, **logs: str
) -> tuple[dict[SideName, str], str | None]:
    """Give what is seen in the logs of members, by their names with _ for -."""
    world = GateWorld(stores=stores)
    world.member_logs = {name.replace("_", "-"): text for name, text in logs.items()}
    stack = FakeGateStack(world, make_gate_plan())
    stack.grow(STARTS)
    found = refusals.seen(stack)
    return found.stores, found.by_head


def test_a_store_says_itself_that_it_refused_connections_of_its_own_version() -> None:
    log = f"ready\n2026-01-01T12:00:00.123456789Z {REFUSED}\nready"

    assert seen(with_head_db=log, with_base_db="ready") == ({SideName.HEAD: REFUSED}, None)


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
    log = f"Traceback (most recent call last):\n{line}\n"

    assert seen(base_b_8=log) == ({SideName.BASE: line}, None)


def test_what_a_start_of_head_says_is_not_what_its_store_says() -> None:
    line = "upstream.Error: too many connections"

    assert seen(head_b_8=line) == ({}, line)
    assert seen(head_b_8=line, base_b_8=line) == ({SideName.BASE: line}, line)


def test_the_starts_of_a_version_without_a_store_are_not_read() -> None:
    line = "upstream.Error: too many connections"

    assert seen({}, head_b_8=line, base_b_8=line) == ({}, None)
    of_head = {SideName.HEAD: STORES[SideName.HEAD]}
    assert seen(of_head, head_b_8=line, base_b_8=line) == ({}, line)


def test_other_errors_of_a_start_are_no_refusal_of_its_store() -> None:
    many = "\n".join(["KeyError: 'user'"] * 50)

    for start in ("base_b_8", "head_b_8"):
        log = f"psycopg.OperationalError: {REFUSED}\n{many}"
        assert seen(**{start: log}) == ({}, None)  # type: ignore[arg-type]
        assert seen(**{start: many}) == ({}, None)  # type: ignore[arg-type]


def test_a_refusal_cannot_control_the_terminal() -> None:
    log = f"psycopg.OperationalError: \x1b[2J{REFUSED}"
    stores, by_head = seen(base_b_8=log, head_b_8=log)

    assert by_head is not None
    assert not any("\x1b" in line for line in (*stores.values(), by_head))


def test_what_to_do_is_said_of_a_log_with_a_refusal_alone() -> None:
    assert "max_connections=1000" in refusals.told(REFUSED)
    assert refusals.told("KeyError: 'user'") == ""
