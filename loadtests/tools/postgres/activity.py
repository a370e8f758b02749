"""What the sessions of a PostgreSQL server do: ``pg_stat_activity``, read over a connection."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from loadtests.model.errors import EnvironmentFailure
from loadtests.model.profiles.records import Totals
from loadtests.tools.postgres.access import Access

if TYPE_CHECKING:
    import psycopg
    from psycopg.abc import Buffer

CONNECT_LIMIT_S = 3

LIMIT = "SET LOCAL statement_timeout = 2000"
"""For one transaction: behind PgBouncer, the next one on its connection is the application's. It
also refuses the setting where a connection starts with it."""

QUERY = """
SELECT coalesce(wait_event_type, ''), coalesce(wait_event, ''), query
  FROM pg_stat_activity
 WHERE state = 'active' AND pid <> pg_backend_pid() AND backend_type = 'client backend'
"""


FIND = """
SELECT space.nspname::text, field.attname::text
  FROM pg_extension extension
  JOIN pg_namespace space ON space.oid = extension.extnamespace
  JOIN pg_class view ON view.relnamespace = space.oid AND view.relname = 'pg_stat_statements'
  JOIN pg_attribute field ON field.attrelid = view.oid
 WHERE extension.extname = 'pg_stat_statements'
   AND field.attname IN ('total_exec_time', 'total_time')
"""
"""Where the extension is, and what it calls the time of a statement: that changed with version 13
of PostgreSQL."""

TOTALS = """
SELECT userid::int8, dbid::int8, queryid, calls, {time}, coalesce(query, '')
  FROM {schema}.pg_stat_statements({with_text})
 WHERE queryid IS NOT NULL
"""
"""Statements of other users have no number where this one may not read them."""


class Activity:
    """An open connection that looks at the others."""

    def __init__(self, connection: psycopg.Connection[tuple[bytes, ...]]) -> None:
        self._connection = connection

    def sessions(self) -> Sequence[tuple[str, str, str]]:
        """Return type of wait, wait and statement of each active session.

        Raises :class:`EnvironmentFailure` where the server no longer answers.
        """
        import psycopg

        connection = self._connection
        try:
            with connection.transaction():
                connection.execute(LIMIT)
                rows = connection.execute(QUERY).fetchall()
            encoding = connection.info.encoding
        except (psycopg.Error, ValueError) as error:
            raise EnvironmentFailure(
                f"The store does not say what its sessions do: {error}"
            ) from error
        return [
            (text(kind, encoding), text(event, encoding), text(query, encoding))
            for kind, event, query in rows
        ]

    def totals(self, *, with_text: bool) -> Totals | None:
        """Return what the server has counted for each statement (``pg_stat_statements``).

        None where it does not count, or does not tell. The texts are a file of the server's, so
        they are read only if they are wanted.
        """
        import psycopg
        from psycopg import sql

        connection = self._connection
        try:
            with connection.transaction():
                connection.execute(LIMIT)
                found = connection.execute(FIND).fetchone()
                if found is None:
                    return None
                encoding = connection.info.encoding
                schema, time = (sql.Identifier(text(name, encoding)) for name in found)
                query = sql.SQL(TOTALS).format(
                    schema=schema, time=time, with_text=sql.Literal(with_text)
                )
                rows = connection.execute(query).fetchall()
        except (psycopg.Error, ValueError):
            return None
        totals: dict[tuple[int, int, int], tuple[int, float, str]] = {}
        for user, database, number, calls, ms, query_text in rows:
            key = (int(user), int(database), int(number))
            before = totals.get(key, (0, 0.0, ""))  # one for calls from inside of functions, too
            shown = text(query_text, encoding)
            totals[key] = (before[0] + int(calls), before[1] + float(ms), shown or before[2])
        return totals


def text(data: bytes, encoding: str) -> str:
    """Return a text of the server, in the encoding that the connection has.

    A session of another database may have another encoding, and a database of ``SQL_ASCII`` has
    none. What cannot be read is replaced.
    """
    return data.decode("utf-8" if encoding == "ascii" else encoding, errors="replace")


@contextmanager
def watched(access: Access) -> Iterator[Activity]:
    """Connect to a server; raise :class:`EnvironmentFailure` where that is not possible."""
    import psycopg  # late: 0.1 s that only this needs
    from psycopg.adapt import Loader

    class AsBytes(Loader):
        """Leaves a text as the server sent it: see :func:`text`."""

        def load(self, data: Buffer) -> bytes:
            return bytes(data)

    try:
        connection = psycopg.connect(
            host=access.reached or access.host,
            port=access.port,
            user=access.user,
            password=access.password,
            dbname=access.database,
            connect_timeout=CONNECT_LIMIT_S,
            autocommit=True,
            prepare_threshold=None,  # PgBouncer gives the next transaction another connection
        )
    except (psycopg.Error, ValueError) as error:
        raise EnvironmentFailure(f"The store at {access} cannot be asked: {error}") from error
    connection.adapters.register_loader("text", AsBytes)
    try:
        yield Activity(connection)
    finally:
        connection.close()
