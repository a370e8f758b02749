"""What one request leaves behind for the next: notes, logins, a count of visits.

The next request may meet another process, or another replica. So state belongs where all of them
can see it; the cookie holds nothing but the key to it, signed.
"""

from __future__ import annotations

import secrets
from typing import LiteralString, Protocol

from flask import Blueprint, request, session
from werkzeug.exceptions import BadRequest, NotFound, Unauthorized

from app.application import this_app
from app.store import Store

blueprint = Blueprint("state", __name__, url_prefix="/state")

NAME_MAX = 200
"""Characters in a key or a user's name: what fits an index entry with room to spare."""


class State(Protocol):
    """Where notes, logins and visits are kept."""

    def put_note(self, key: str, body: str) -> None:
        """Keep ``body`` under ``key``, over whatever was there."""

    def note(self, key: str) -> str | None:
        """Return what is kept under ``key``."""

    def log_in(self, name: str) -> str:
        """Keep that ``name`` is logged in, and return the key to it."""

    def who(self, login: str) -> str | None:
        """Return the name behind the key of a login."""

    def visit(self) -> int:
        """Count a visit, and return the count with it."""

    def visits(self) -> int:
        """Return the count of visits."""


class StoreState:
    """State in the store, one for all replicas. Each method is one statement, so atomic."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def put_note(self, key: str, body: str) -> None:
        """Keep ``body`` under ``key``, over whatever was there."""
        query = """INSERT INTO notes VALUES (%s, %s)
                   ON CONFLICT (key) DO UPDATE SET body = excluded.body RETURNING key"""
        self._store.row(query, key, body)

    def note(self, key: str) -> str | None:
        """Return what is kept under ``key``."""
        row = self._store.row("SELECT body FROM notes WHERE key = %s", key)
        return row[0] if row else None

    def log_in(self, name: str) -> str:
        """Keep that ``name`` is logged in, and return the key to it."""
        login = secrets.token_urlsafe()
        self._store.row("INSERT INTO logins VALUES (%s, %s) RETURNING id", login, name)
        return login

    def who(self, login: str) -> str | None:
        """Return the name behind the key of a login."""
        row = self._store.row("SELECT name FROM logins WHERE id = %s", login)
        return row[0] if row else None

    def visit(self) -> int:
        """Count a visit, and return the count with it."""
        query = "UPDATE counters SET value = value + 1 WHERE name = 'visits' RETURNING value"
        return self._count(query)

    def visits(self) -> int:
        """Return the count of visits."""
        return self._count("SELECT value FROM counters WHERE name = 'visits'")

    def _count(self, query: LiteralString) -> int:
        row = self._store.row(query)
        assert row, "schema.sql makes the row"
        return int(row[0])


@blueprint.put("/notes/<key>")
def put_note(key: str) -> dict[str, str]:
    """Keep the body of the request as the note ``key``."""
    body = request.get_data(as_text=True)
    this_app().state.put_note(_name(key), body)
    return {"key": key, "body": body}


@blueprint.get("/notes/<key>")
def note(key: str) -> dict[str, str]:
    """Return the note ``key``, or a 404."""
    body = this_app().state.note(_name(key))
    if body is None:
        raise NotFound(f"There is no note {key}.")
    return {"key": key, "body": body}


@blueprint.post("/login")
def log_in() -> dict[str, str]:
    """Log in as ``user`` (in the query or a form); the answer's cookie is the proof."""
    user = _name(request.values.get("user", ""))
    session["login"] = this_app().state.log_in(user)
    return {"user": user}


@blueprint.get("/me")
def me() -> dict[str, str]:
    """Say who is logged in by the request's cookie, or a 401."""
    login = session.get("login")
    user = login and this_app().state.who(login)
    if not user:
        raise Unauthorized("Nobody is logged in by this cookie; POST /state/login?user=<name>.")
    return {"user": user}


@blueprint.post("/counter")
def visit() -> dict[str, int]:
    """Count one more."""
    return {"count": this_app().state.visit()}


@blueprint.get("/counter")
def visits() -> dict[str, int]:
    """Return how many were counted."""
    return {"count": this_app().state.visits()}


def _name(text: str) -> str:
    if not 0 < len(text) <= NAME_MAX:
        raise BadRequest(f"A name of {len(text)} characters; it must have 1 to {NAME_MAX}.")
    return text
