"""Notes, logins and the count of visits, kept in PostgreSQL for all replicas."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from app.store import Store

if TYPE_CHECKING:
    from typing import LiteralString


class StateStore:
    """State in the store. Each method is one SQL statement, so it is atomic.

    Every method raises what :meth:`app.store.Store.row` raises.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    def put_note(self, key: str, body: str) -> None:
        """Save ``body`` as the note ``key``; replace the note if there is one."""
        query = """INSERT INTO notes VALUES (%s, %s)
                   ON CONFLICT (key) DO UPDATE SET body = excluded.body RETURNING key"""
        self._store.row(query, key, body)

    def note(self, key: str) -> str | None:
        """Return the body of the note ``key``, or None if there is no such note."""
        row = self._store.row("SELECT body FROM notes WHERE key = %s", key)
        return row[0] if row else None

    def log_in(self, name: str) -> str:
        """Save a new login of the user ``name`` and return its id, which is hard to guess."""
        login = secrets.token_urlsafe()
        self._store.row("INSERT INTO logins VALUES (%s, %s) RETURNING id", login, name)
        return login

    def who(self, login: str) -> str | None:
        """Return the user's name for a login id, or None if there is no such login."""
        row = self._store.row("SELECT name FROM logins WHERE id = %s", login)
        return row[0] if row else None

    def visit(self) -> int:
        """Add one to the count of visits and return the new count."""
        query = "UPDATE counters SET value = value + 1 WHERE name = 'visits' RETURNING value"
        return self._count(query)

    def visits(self) -> int:
        """Return the count of visits."""
        return self._count("SELECT value FROM counters WHERE name = 'visits'")

    def _count(self, query: LiteralString) -> int:
        row = self._store.row(query)
        assert row, "schema.sql creates the row"
        return int(row[0])
