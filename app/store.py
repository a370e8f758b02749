"""PostgreSQL, through one connection pool in each process.

The same code serves threads, processes and greenlets: psycopg waits with ``select`` and
``threading``, which gevent patches. The pool has threads of its own, which do not survive a fork,
so it is opened in the process that serves.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from importlib.resources import files
from typing import TYPE_CHECKING

from psycopg import Connection
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import TupleRow
from psycopg_pool import ConnectionPool, PoolTimeout
from werkzeug.exceptions import ServiceUnavailable

if TYPE_CHECKING:
    from typing import LiteralString  # since Python 3.11, and PyPy may be older

OPEN_LIMIT_S = 20.0
"""Seconds to wait for the store at the start. PostgreSQL in a container takes about 5 s to create
its files, or more with little CPU; gunicorn kills a worker that is not up after 30 s."""
CONNECTION_LIMIT_S = 10.0
"""Seconds that a request waits for a free connection before it fails."""
SCHEMA_LOCK = 5_318_008_114
"""Key of the advisory lock; any number that nothing else locks in this database."""


class NoStoreError(ServiceUnavailable):
    """The request needs a store and none is configured; the client gets a 503."""

    description = (
        "This service was started without a store: DATABASE_URL is not set. Start it with "
        "DATABASE_URL=postgresql://user:password@host:5432/database."
    )


class StoreError(RuntimeError):
    """The store did not answer when the service started."""


class Store:
    """A pool of ``size`` connections to ``url``. Without a ``url`` there is no store.

    All connections are opened at the start, so that no request has to wait for one. They are in
    autocommit mode, where a read takes one round trip instead of three.
    """

    def __init__(self, url: str | None, *, size: int) -> None:
        self._url = url
        self._pool = _pool(url, size) if url else None

    def open(self) -> None:
        """Connect, then create missing tables; many processes may do so at once.

        Raises:
            StoreError: nothing answered in ``OPEN_LIMIT_S``.
        """
        if not self._pool:
            return
        try:
            self._pool.open(wait=True, timeout=OPEN_LIMIT_S)
        except PoolTimeout as error:
            raise StoreError(
                f"PostgreSQL at {self._address()} did not answer in {OPEN_LIMIT_S:.0f} s. "
                "Start it first, or correct DATABASE_URL; the log above says what failed."
            ) from error
        with self.connection() as connection, connection.transaction():
            connection.execute("SELECT pg_advisory_xact_lock(%s)", (SCHEMA_LOCK,))
            connection.execute(files("app").joinpath("schema.sql").read_bytes())

    def close(self) -> None:
        """Close all connections."""
        if self._pool:
            self._pool.close()

    def connection(self) -> AbstractContextManager[Connection[TupleRow]]:
        """Lend a connection for a ``with`` block.

        Raises:
            NoStoreError: there is no store.
            psycopg.OperationalError: no connection was free in time, or the store went away.
        """
        if not self._pool:
            raise NoStoreError
        return self._pool.connection()

    def row(self, query: LiteralString, *parameters: object) -> TupleRow | None:
        """Run one statement in its own transaction, and return its first row if there is one."""
        with self.connection() as connection:
            return connection.execute(query, parameters).fetchone()

    def _address(self) -> str:
        """Return the store's host and port, without the password in its URL."""
        parts = conninfo_to_dict(self._url or "")
        return f"{parts.get('host', 'the local socket')}:{parts.get('port', 5432)}"


def _pool(url: str, size: int) -> ConnectionPool[Connection[TupleRow]]:
    return ConnectionPool(
        url,
        min_size=size,
        max_size=size,
        open=False,
        timeout=CONNECTION_LIMIT_S,
        num_workers=1,
        kwargs={"autocommit": True},
    )
