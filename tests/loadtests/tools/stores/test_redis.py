"""What Redis' client is asked, and how its answers are read."""

from __future__ import annotations

from pathlib import Path

import pytest

from loadtests.model.tested.shared import StoreSessions
from loadtests.tools.stores import redis

ADDRESSES = {"10.0.0.1": "web-1", "10.0.0.2": "web-2"}

ANSWER = """id=3 addr=10.0.0.1:51000 laddr=10.0.0.9:6379 fd=8 name= age=1 idle=0 flags=N cmd=get
id=4 addr=10.0.0.1:51001 laddr=10.0.0.9:6379 fd=9 name= age=1 idle=0 flags=b cmd=blpop
id=5 addr=10.0.0.2:51000 laddr=10.0.0.9:6379 fd=10 name= age=1 idle=0 flags=N cmd=set
id=6 addr=127.0.0.1:51000 laddr=127.0.0.1:6379 fd=11 name= age=0 idle=0 flags=N cmd=client|list

# Clients
connected_clients:4
blocked_clients:1

# Stats
rejected_connections:7

maxclients
10000
"""


def test_clients_are_counted_by_replica_without_our_own() -> None:
    assert redis.parse("cache", ANSWER, ADDRESSES) == StoreSessions(
        member="cache",
        program="Redis",
        connections=3,
        active=0,
        waiting=0,
        by_replica={"web-1": 2, "web-2": 1},
        most=10_000,
        refused=7,
        has_locks=False,
    )


def test_a_limit_that_is_hidden_is_unknown() -> None:
    answer = "id=3 addr=10.0.0.1:5 cmd=get\n\nERR unknown command 'CONFIG'\n"

    assert redis.parse("cache", answer, {}).most is None


@pytest.mark.parametrize(
    "line",
    [
        "NOAUTH Authentication required.",
        "(error) NOAUTH Authentication required.",
        "Could not connect to Redis at 127.0.0.1:6379: Connection refused",
        "ERR max number of clients reached",
    ],
)
def test_a_refusal_is_no_answer(line: str) -> None:
    with pytest.raises(ValueError, match=r"NOAUTH|Could not connect|max number"):
        redis.parse("cache", f"{line}\n", {})


@pytest.mark.parametrize(
    ("command", "is_one"),
    [
        ("redis-server *:6379", True),
        ("/usr/local/bin/valkey-server 0.0.0.0:6379", True),
        ("redis-sentinel *:26379", False),
    ],
)
def test_a_server_is_known_by_its_command(command: str, *, is_one: bool) -> None:
    assert redis.is_server([command]) is is_one


def test_a_real_servers_answer_is_read() -> None:
    """Redis of Debian 13 without any client but the one that asks."""
    answer = (Path(__file__).parent / "answers/redis-8.txt").read_text()

    seen = redis.parse("cache", answer, {})

    assert (seen.connections, seen.most, seen.refused) == (0, 10_000, 0)
