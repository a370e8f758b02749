"""Applications that share what is written, and whose every write replaces what was there before."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from flask import Flask, Response, request

from tests.loadtests.measurement.consistency.plain_app import Store, app_of_one_key


def stamped_item(shared: Store, own: Store) -> Flask:
    """An item says when it was changed, to the microsecond."""
    app, items = app_of_one_key(), shared.setdefault("items", {})

    @app.put("/items/<number>")
    def change(number: str) -> dict[str, str]:
        items[number] = {"updated_at": datetime.now(UTC).isoformat()}
        return items[number]  # type: ignore[no-any-return]  # it is what the line above put there

    @app.get("/items/<number>")
    def read(number: str) -> Any:
        return items.get(number) or ("no such item", 404)

    return app


def profile(shared: Store, own: Store) -> Flask:
    """A profile has what was sent last."""
    app = app_of_one_key()

    @app.put("/profile")
    def change() -> str:
        shared["city"] = request.get_json()["city"]
        return "kept"

    @app.get("/profile")
    def read() -> dict[str, str]:
        return {"city": shared.get("city", "nowhere")}

    return app


def stock(shared: Store, own: Store) -> Flask:
    """Each order takes one of what is left."""
    app = app_of_one_key()
    shared.setdefault("left", 9000)

    @app.post("/stock")
    def take() -> dict[str, int]:
        shared["left"] -= 1
        return {"left": shared["left"]}

    @app.get("/stock")
    def read() -> dict[str, int]:
        return {"left": shared["left"]}

    return app


def versions(shared: Store, own: Store) -> Flask:
    """Each change gives a document a new version, which its page shows."""
    app = app_of_one_key()

    @app.post("/document")
    def change() -> dict[str, str]:
        shared["version"] = f"v-{os.urandom(6).hex()}"
        return {"version": shared["version"]}

    @app.get("/document")
    def read() -> str:
        return f"<h1>Document {shared.get('version', 'unknown')}</h1>"

    return app


def one_session_a_user(shared: Store, own: Store) -> Flask:
    """A login ends the user's other sessions."""
    app, users = app_of_one_key(), shared.setdefault("users", {})

    @app.post("/login")
    def login() -> Response:
        users[request.form["user"]] = key = os.urandom(8).hex()
        answer = Response("welcome")
        answer.set_cookie("sid", key)
        return answer

    @app.get("/me")
    def me() -> tuple[str, int]:
        key = request.cookies.get("sid")
        known = [user for user, own_key in users.items() if own_key == key]
        return (known[0], 200) if known else ("who are you?", 401)

    return app


INNOCENT_WRITES: dict[Callable[[Store, Store], Flask], tuple[str, ...]] = {
    stamped_item: ("PUT /items/1", "GET /items/1"),
    profile: ("PUT /profile", "GET /profile"),
    stock: ("POST /stock", "GET /stock"),
    versions: ("POST /document", "GET /document"),
    one_session_a_user: ("POST /login", "GET /me"),
}
"""Each application with the requests of its load."""
