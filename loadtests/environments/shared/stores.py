"""The stores that are asked what their sessions do: one file each, and one line here.

PostgreSQL is not among them: the titles of its processes tell as much, without a connection.
"""

from __future__ import annotations

from collections.abc import Iterable

from loadtests.tools.stores import StoreProgram, mysql, redis

STORES = (mysql.STORE, redis.STORE)


def program_of(commands: Iterable[str]) -> StoreProgram | None:
    """Return the kind of store that has these processes; None for one that nobody can ask."""
    known = tuple(commands)
    return next((store for store in STORES if store.is_server(known)), None)
