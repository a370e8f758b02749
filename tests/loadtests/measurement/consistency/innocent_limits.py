"""Applications that limit what they answer, and answer as one all the same."""

from __future__ import annotations

import itertools
import time

from flask import Flask, Response, request

from tests.loadtests.measurement.consistency.plain_app import Store, app_of_one_key

LASTS_S = 1.0


def limit_in_a_shared_store(shared: Store, own: Store) -> Flask:
    """Ten requests, then 429 for everybody."""
    app, turn = app_of_one_key(), shared.setdefault("turn", itertools.count())

    @app.get("/")
    def index() -> tuple[str, int]:
        return ("fine", 200) if next(turn) < 10 else ("slow down", 429)

    return app


def limit_in_memory(shared: Store, own: Store) -> Flask:
    """Each process allows ten requests, and says how many are left."""
    app, turn = app_of_one_key(), itertools.count(1)

    @app.get("/")
    def index() -> Response:
        left = 10 - next(turn)
        headers = {"X-RateLimit-Limit": "10", "X-RateLimit-Remaining": str(max(0, left))}
        return Response("fine" if left >= 0 else "slow down", 200 if left >= 0 else 429, headers)

    return app


def quota_of_home(shared: Store, own: Store) -> Flask:
    """Each server forbids more than thirty requests; home is asked most, and forbids first."""
    app, turn = app_of_one_key(), own.setdefault("turn", itertools.count())

    @app.get("/")
    def index() -> tuple[str, int]:
        return ("fine", 200) if next(turn) < 2 else ("your quota is used up", 403)

    return app


def notes_that_expire(shared: Store, own: Store) -> Flask:
    """A note lasts for a second; a further server takes longer to start."""
    app, notes = app_of_one_key(), shared.setdefault("notes", {})

    @app.put("/notes/<name>")
    def write(name: str) -> str:
        notes[name] = time.monotonic(), request.get_data(as_text=True)
        return "kept"

    @app.get("/notes/<name>")
    def read(name: str) -> tuple[str, int]:
        at_s, text = notes.get(name, (0.0, ""))
        return (text, 200) if time.monotonic() - at_s < LASTS_S else ("no such note", 404)

    return app
