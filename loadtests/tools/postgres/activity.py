"""What the sessions of a PostgreSQL server do: ``pg_stat_activity``, read over a connection."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from loadtests.model.errors import EnvironmentFailure

CONNECT_LIMIT_S = 3

DEFAULT_PORT = 5432

URL = re.compile(r"^postgres(?:ql)?(?:\+\w+)?://\S+$")

QUERY = """
SELECT coalesce(wait_event_type, ''), coalesce(wait_event, ''), query
  FROM pg_stat_activity
 WHERE state = 'active' AND pid <> pg_backend_pid() AND backend_type = 'client backend'
"""


@dataclass(frozen=True, kw_only=True)
class Access:
    """How to reach a server; its text names the address only."""

    host: str
    port: int
    user: str
    password: str
    database: str

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"

    __repr__ = __str__


def access_in(variables: Mapping[str, str]) -> Access | None:
    """Return the access to a server that environment variables name; None if none does.

    A URL of PostgreSQL in any variable counts, and the variables of libpq (``PGHOST``).
    """
    for value in variables.values():
        if URL.match(value):
            parts = urlsplit(value)
            return Access(
                host=parts.hostname or "localhost",
                port=parts.port or DEFAULT_PORT,
                user=unquote(parts.username or "postgres"),
                password=unquote(parts.password or ""),
                database=parts.path.lstrip("/") or "postgres",
            )
    if "PGHOST" not in variables:
        return None
    return Access(
        host=variables["PGHOST"],
        port=int(variables.get("PGPORT", DEFAULT_PORT)),
        user=variables.get("PGUSER", "postgres"),
        password=variables.get("PGPASSWORD", ""),
        database=variables.get("PGDATABASE", variables.get("PGUSER", "postgres")),
    )


class Activity:
    """An open connection that looks at the others."""

    def __init__(self, connection: object) -> None:
        self._connection = connection

    def sessions(self) -> Sequence[tuple[str, str, str]]:
        """Return type of wait, wait and statement of each active session.

        Raises :class:`EnvironmentFailure` where the server no longer answers.
        """
        import psycopg

        connection = self._connection
        assert isinstance(connection, psycopg.Connection)
        try:
            rows = connection.execute(QUERY).fetchall()
        except psycopg.Error as error:
            raise EnvironmentFailure(
                f"The store does not say what its sessions do: {error}"
            ) from error
        return [(str(kind), str(event), str(query)) for kind, event, query in rows]


@contextmanager
def watched(access: Access) -> Iterator[Activity]:
    """Connect to a server; raise :class:`EnvironmentFailure` where that is not possible."""
    import psycopg  # late: 0.1 s that only this needs

    try:
        connection = psycopg.connect(
            host=access.host,
            port=access.port,
            user=access.user,
            password=access.password,
            dbname=access.database,
            connect_timeout=CONNECT_LIMIT_S,
            autocommit=True,
            options="-c statement_timeout=2000",
        )
    except psycopg.Error as error:
        raise EnvironmentFailure(f"The store at {access} cannot be asked: {error}") from error
    try:
        yield Activity(connection)
    finally:
        connection.close()
