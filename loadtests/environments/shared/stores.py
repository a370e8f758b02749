"""The stores that are asked what their sessions do: one file each, and one line here.

PostgreSQL is not among them: the titles of its processes tell as much, without a connection.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from loadtests.model.tested.shared import StoreSessions
from loadtests.tools.stores import mysql, redis


@dataclass(frozen=True, kw_only=True)
class StoreProgram:
    """A kind of store. ``parse`` takes the member, the answer and the replicas by address.

    ``script`` defines how its client is asked in its container (``loadtests.tools.stores``), and
    ``question`` is what it is asked. ``parse`` raises ``ValueError`` for an answer that is none.
    """

    name: str
    is_server: Callable[[Iterable[str]], bool]
    script: str
    question: str
    parse: Callable[[str, str, Mapping[str, str]], StoreSessions]


STORES = (
    StoreProgram(
        name=mysql.NAME,
        is_server=mysql.is_server,
        script=mysql.SCRIPT,
        question=mysql.QUESTION,
        parse=mysql.parse,
    ),
    StoreProgram(
        name=redis.NAME,
        is_server=redis.is_server,
        script=redis.SCRIPT,
        question=redis.QUESTION,
        parse=redis.parse,
    ),
)


def program_of(commands: Iterable[str]) -> StoreProgram | None:
    """Return the kind of store that has these processes; None for one that nobody can ask."""
    known = tuple(commands)
    return next((store for store in STORES if store.is_server(known)), None)
