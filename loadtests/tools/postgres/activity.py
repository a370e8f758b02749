"""What the sessions of a PostgreSQL server do: ``pg_stat_activity``, read over a connection."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, unquote, urlsplit

from loadtests.model.errors import EnvironmentFailure
from loadtests.model.profiles.records import Totals

if TYPE_CHECKING:
    import psycopg
    from psycopg.abc import Buffer

CONNECT_LIMIT_S = 3

DEFAULT_PORT = 5432

URL = re.compile(r"^postgres(?:ql)?(?:\+\w+)?://\S+$")

DATABASE_WORD = re.compile(r"(?:^|\s)dbname\s*=")
HOST_WORD = re.compile(r"(?:^|\s)host\s*=\s*'?([^\s']*)")
"""Words of a connection's text: ``dbname=shop host=/run/postgresql``."""

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


def accesses_in(variables: Mapping[str, str]) -> tuple[Access, ...]:
    """Return the accesses to servers that environment variables name, each once.

    A URL of PostgreSQL in any variable counts, with each of its hosts, and the variables of libpq
    (``PGHOST``). What cannot be read as an access is left out.
    """
    found = [access for value in variables.values() for access in _of_url(value)]
    return tuple(dict.fromkeys((*found, *_of_libpq(variables))))


def names_local_socket(variables: Mapping[str, str]) -> bool:
    """Return whether environment variables name a server that is reached over a Unix socket.

    It has no host, or a folder for one (libpq, *Connection Strings*); then ``PGHOST`` counts.
    """
    default = variables.get("PGHOST", "")
    hosts = [_host_of(value) for value in variables.values()]
    named = [host or default for host in hosts if host is not None]
    if default or variables.get("PGDATABASE"):
        named.append(default)
    return any(not host or host.startswith(("/", "@")) for host in named)


def _host_of(value: str) -> str | None:
    """Return the host of a URL or of a libpq's text; "" without one, None of another text."""
    if URL.match(value):
        place, _, query = value.partition("://")[2].partition("?")
        hosts = place.partition("/")[0].rpartition("@")[2]
        asked = dict(parse_qsl(query)).get("host", "")
        return unquote(hosts) or asked
    if not DATABASE_WORD.search(value):
        return None
    found = HOST_WORD.search(value)
    return found[1] if found else ""


def _of_url(value: str) -> Iterator[Access]:
    """Yield the access of each host of a URL (libpq, *Connection URIs*); none of another text."""
    if not URL.match(value):
        return
    place, _, path = value.partition("://")[2].partition("?")[0].partition("/")
    login, _, hosts = place.rpartition("@")
    user, _, password = login.partition(":")
    for each in hosts.split(","):
        try:
            one = urlsplit(f"//{each}")
            host, port = one.hostname or "localhost", one.port or DEFAULT_PORT
        except ValueError:  # a password with a slash: what is left of it looks like a port
            continue
        yield Access(
            host=host,
            port=port,
            user=unquote(user or "postgres"),
            password=unquote(password),
            database=unquote(path) or "postgres",
        )


def _of_libpq(variables: Mapping[str, str]) -> Iterator[Access]:
    """Yield the access of each host in libpq's variables; a folder is a socket, and no address."""
    hosts = [host for host in variables.get("PGHOST", "").split(",") if host.strip()]
    ports = variables.get("PGPORT", "").split(",")
    for index, host in enumerate(hosts):
        port = ports[index if len(ports) == len(hosts) else 0].strip() or str(DEFAULT_PORT)
        if host.startswith(("/", "@")) or not port.isdecimal():
            continue
        yield Access(
            host=host.strip(),
            port=int(port),
            user=variables.get("PGUSER") or "postgres",
            password=variables.get("PGPASSWORD", ""),
            database=variables.get("PGDATABASE") or variables.get("PGUSER") or "postgres",
        )


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
            host=access.host,
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
