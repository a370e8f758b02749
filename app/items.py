"""Views that read from the store and write to it."""

from __future__ import annotations

import random

from flask import Blueprint, render_template
from werkzeug.exceptions import NotFound

from app.application import this_app
from app.parameters import whole_number
from app.work import spin

blueprint = Blueprint("items", __name__)

ITEMS = 10_000
"""Rows in ``items`` (see ``schema.sql``): a few MB, which PostgreSQL keeps in memory."""
MIXED_ROUNDS = 5_000
"""Rounds of hashing in ``/mixed``: about 0.4 ms, as long as reading and rendering take."""


@blueprint.get("/db")
def read() -> dict[str, object]:
    """Return the item ``?id=``, or a random one."""
    return _read_item()


@blueprint.post("/db/write")
def write() -> tuple[dict[str, object], int]:
    """Insert an event for the item ``?id=``, or a random one, in a transaction."""
    with this_app().store.connection() as connection, connection.transaction():
        query = "INSERT INTO events (item_id) VALUES (%s) RETURNING id"
        row = connection.execute(query, (_item_id(),)).fetchone()
    assert row, "an INSERT … RETURNING either returns a row or raises"
    return {"event": row[0]}, 201


@blueprint.get("/mixed")
def mixed() -> str:
    """Read an item, compute a little, and render a page."""
    item = _read_item()
    digest = spin(MIXED_ROUNDS)
    return render_template("item.html", item=item, rows=enumerate(digest))


def _read_item() -> dict[str, object]:
    item_id = _item_id()
    row = this_app().store.row("SELECT id, body FROM items WHERE id = %s", item_id)
    if row is None:
        raise NotFound(f"There is no item {item_id}.")
    return {"id": row[0], "body": row[1]}


def _item_id() -> int:
    return whole_number("id", default=random.randint(1, ITEMS), low=1, high=ITEMS)
