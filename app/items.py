"""Requests that read and write in the store."""

from __future__ import annotations

import random

from flask import Blueprint, render_template
from werkzeug.exceptions import NotFound

from app.application import this_app
from app.parameters import whole_number
from app.work import spin

blueprint = Blueprint("items", __name__)

ITEMS = 10_000
"""Rows in ``items``, see ``schema.sql``: a few MB, which PostgreSQL keeps in memory."""
MIXED_ROUNDS = 5_000
"""Rounds of hashing in ``/mixed``: about 0.4 ms, about as much as reading and rendering."""


@blueprint.get("/db")
def read() -> dict[str, object]:
    """Read the item ``?id=``, by default any, by its primary key."""
    return _read_item()


@blueprint.post("/db/write")
def write() -> tuple[dict[str, object], int]:
    """Insert an event of the item ``?id=``, by default any, in a transaction."""
    with this_app().store.connection() as connection, connection.transaction():
        query = "INSERT INTO events (item_id) VALUES (%s) RETURNING id"
        row = connection.execute(query, (_asked_id(),)).fetchone()
    assert row, "an INSERT that RETURNs has a row, or has failed"
    return {"event": row[0]}, 201


@blueprint.get("/mixed")
def mixed() -> str:
    """Read an item, compute a little, and render a page: a bit of everything."""
    item = _read_item()
    digest = spin(MIXED_ROUNDS)
    return render_template("item.html", item=item, rows=enumerate(digest))


def _read_item() -> dict[str, object]:
    wanted = _asked_id()
    row = this_app().store.row("SELECT id, body FROM items WHERE id = %s", wanted)
    if row is None:
        raise NotFound(f"There is no item {wanted}.")
    return {"id": row[0], "body": row[1]}


def _asked_id() -> int:
    return whole_number("id", default=random.randint(1, ITEMS), low=1, high=ITEMS)
