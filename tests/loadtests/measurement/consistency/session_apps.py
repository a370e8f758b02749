"""Applications with sessions: a message that is shown once, and servers that end sessions."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable
from typing import Any

from flask import Flask, Response, flash, get_flashed_messages, request, session

from tests.loadtests.measurement.consistency.plain_app import KEY, Store


def messages(key: str | bytes) -> Flask:
    """A message about what was added is shown once; strangers get a page with status 200."""
    app = Flask(__name__)
    app.secret_key = key

    @app.post("/login")
    def login() -> str:
        session["user"] = request.form["user"]
        return "welcome"

    @app.post("/items")
    def add() -> str:
        flash(f"{request.form['name']} was added")
        return "kept"

    @app.get("/")
    def index() -> str:
        said = "".join(f"<p>{text}</p>" for text in get_flashed_messages())
        return f"{said}Hello {session['user']}" if "user" in session else f"{said}Log in"

    return app


def messages_of_one_key(shared: Store, own: Store) -> Flask:
    return messages(KEY)


def messages_of_a_random_key(shared: Store, own: Store) -> Flask:
    return messages(own.setdefault("key", os.urandom(24)))


def carts(rows: Store, key: Any, *, most: int = 1000) -> Flask:
    """Sessions in a database, as of Django: signed with a key, and good for ``most`` requests.

    Each page puts a cart into the session of its client. One that the key has not signed is empty.
    """
    app, numbers = Flask(__name__), rows.setdefault("numbers", itertools.count())

    def read() -> dict[str, Any]:
        signed_by, content = rows.get(request.cookies.get("sid", ""), (key, {}))
        is_good = signed_by == key and content.get("asked", 0) < most
        return dict(content) if is_good else {}

    def write(content: dict[str, Any]) -> None:
        if "sid" in request.cookies:
            asked = content.get("asked", 0) + 1
            rows[request.cookies["sid"]] = key, {**content, "cart": [], "asked": asked}

    @app.post("/login")
    def login() -> Response:
        sid = f"session-{next(numbers)}"
        rows[sid] = key, {"user": request.form["user"]}
        answer = Response("welcome")
        answer.set_cookie("sid", sid)
        return answer

    @app.get("/")
    def index() -> str:
        content = read()
        write(content)
        return f"Hello {content['user']}" if "user" in content else "Log in"

    @app.get("/account")
    def account() -> tuple[str, int]:
        return (read()["user"], 200) if "user" in read() else ("who are you?", 401)

    @app.post("/news")
    def subscribe() -> str:
        return "thanks"

    return app


def carts_of_one_key(shared: Store, own: Store) -> Flask:
    return carts(shared, KEY)


def carts_of_a_random_key(shared: Store, own: Store) -> Flask:
    return carts(shared, own.setdefault("key", os.urandom(24)))


def sessions_of(most: int) -> Callable[[Store, Store], Flask]:
    """Give sessions that all servers know, and that end after so many requests."""
    return lambda shared, own: carts(shared, KEY, most=most)
