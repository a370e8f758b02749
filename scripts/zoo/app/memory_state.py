"""The fault of keeping state in memory: notes, logins and visits that no other process sees."""

from __future__ import annotations

import secrets
import threading

from app.state_store import StateStore
from app.store import Store


class MemoryState(StateStore):
    """State in the memory of this process; ``store`` is not used."""

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self._notes: dict[str, str] = {}
        self._logins: dict[str, str] = {}
        self._visits = 0
        self._lock = threading.Lock()

    def put_note(self, key: str, body: str) -> None:
        """Save ``body`` as the note ``key``; replace the note if there is one."""
        self._notes[key] = body

    def note(self, key: str) -> str | None:
        """Return the body of the note ``key``, or None if there is no such note."""
        return self._notes.get(key)

    def log_in(self, name: str) -> str:
        """Save a new login of the user ``name`` and return its id."""
        login = secrets.token_urlsafe()
        self._logins[login] = name
        return login

    def who(self, login: str) -> str | None:
        """Return the user's name for a login id, or None if there is no such login."""
        return self._logins.get(login)

    def visit(self) -> int:
        """Add one to the count of visits and return the new count."""
        with self._lock:
            self._visits += 1
            return self._visits

    def visits(self) -> int:
        """Return the count of visits."""
        return self._visits
