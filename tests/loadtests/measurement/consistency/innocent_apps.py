"""Applications that answer as one, however many servers there are, and look as if they did not."""

from __future__ import annotations

import gzip
import itertools
import os
import random
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from flask import Flask, Response, abort, jsonify, redirect, request, session

from tests.loadtests.measurement.consistency.fixed_apps import INNOCENT_NAMES
from tests.loadtests.measurement.consistency.innocent_limits import (
    limit_in_a_shared_store,
    limit_in_memory,
    notes_that_expire,
    quota_of_home,
)
from tests.loadtests.measurement.consistency.innocent_queries import INNOCENT_QUERIES
from tests.loadtests.measurement.consistency.innocent_redirects import INNOCENT_REDIRECTS
from tests.loadtests.measurement.consistency.innocent_writes import INNOCENT_WRITES
from tests.loadtests.measurement.consistency.plain_app import Store, app_of_one_key


def time_stamps(shared: Store, own: Store) -> Flask:
    app = app_of_one_key()

    @app.get("/")
    def index() -> dict[str, Any]:
        return {"at": datetime.now(UTC).isoformat(), "epoch": time.time(), "price": 12}

    return app


def random_ids(shared: Store, own: Store) -> Flask:
    app = app_of_one_key()

    @app.get("/")
    def index() -> Response:
        answer = jsonify(request_id=str(uuid.uuid4()), trace=os.urandom(8).hex())
        answer.headers["X-Request-Id"] = str(uuid.uuid4())
        return answer

    return app


def ab_test_by_chance(shared: Store, own: Store) -> Flask:
    """Every second visitor is sent elsewhere, at random, at every visit."""
    app = app_of_one_key()

    @app.get("/")
    def index() -> Any:
        return redirect("/login-b") if random.random() < 0.5 else "variant A"

    return app


def ab_test_by_turns(shared: Store, own: Store) -> Flask:
    """Each process sends every second request elsewhere."""
    app, turn = app_of_one_key(), itertools.count()

    @app.get("/")
    def index() -> Any:
        return redirect("/login-b") if next(turn) % 2 else "variant A"

    return app


def ab_test_by_cookie(shared: Store, own: Store) -> Flask:
    app = app_of_one_key()

    @app.get("/")
    def index() -> Response:
        variant = request.cookies.get("variant") or random.choice("AB")
        answer = Response(f"variant {variant}")
        answer.set_cookie("variant", variant)
        return answer

    return app


def etags(shared: Store, own: Store) -> Flask:
    app = app_of_one_key()

    @app.get("/")
    def index() -> Response:
        answer = Response("a page")
        answer.set_etag(os.urandom(8).hex())
        return answer

    return app


def server_timing(shared: Store, own: Store) -> Flask:
    app = app_of_one_key()

    @app.get("/")
    def index() -> Response:
        took = f"{random.random() * 20:.2f}"
        return Response(f"rendered in {took} ms", headers={"Server-Timing": f"db;dur={took}"})

    return app


def metrics_of_each_process(shared: Store, own: Store) -> Flask:
    app, served, name = app_of_one_key(), itertools.count(), os.urandom(3).hex()

    @app.get("/")
    def index() -> dict[str, Any]:
        return {"process": name, "served": next(served)}

    return app


def gzip_if_asked(shared: Store, own: Store) -> Flask:
    app = app_of_one_key()

    @app.get("/")
    def index() -> Response:
        if "gzip" in request.headers.get("Accept-Encoding", ""):
            return Response(gzip.compress(b"a page"), headers={"Content-Encoding": "gzip"})
        return Response("a page")

    return app


def csrf_tokens(shared: Store, own: Store) -> Flask:
    """A form with a token; what is posted without it is refused, everywhere."""
    app = app_of_one_key()

    @app.get("/form")
    def form() -> str:
        session["csrf"] = os.urandom(16).hex()
        return f'<form><input name="csrf_token" value="{session["csrf"]}"></form>'

    @app.post("/form")
    def post() -> str:
        if request.form.get("csrf_token") != session.get("csrf"):
            abort(400)
        return "thanks"

    return app


def shuffled_lists(shared: Store, own: Store) -> Flask:
    app = app_of_one_key()

    @app.get("/")
    def index() -> list[str]:
        return random.sample(["apple", "pear", "plum", "quince", "sloe"], k=5)

    return app


def random_picks(shared: Store, own: Store) -> Flask:
    """Recommendations: three of many items, and what was written may be among them."""
    app, items = app_of_one_key(), shared.setdefault("items", [f"item {n:04d}" for n in range(6)])

    @app.post("/items")
    def add() -> str:
        items.append(request.form["name"])
        return "kept"

    @app.get("/items")
    def some() -> list[str]:
        return random.sample(items, k=3)

    return app


def shared_database(shared: Store, own: Store) -> Flask:
    """A login, notes and a counter in a store that all servers share."""
    app, notes = app_of_one_key(), shared.setdefault("notes", [])

    @app.post("/login")
    def login() -> Any:
        session["user"] = request.form["user"]
        return redirect("/me")

    @app.get("/me")
    def me() -> Any:
        return session["user"] if "user" in session else redirect("/login")

    @app.post("/notes")
    def write() -> tuple[dict[str, int], int]:
        notes.append(request.get_json()["text"])
        return {"id": len(notes)}, 201

    @app.get("/notes/<int:number>")
    def read(number: int) -> tuple[str, int]:
        return (notes[number - 1], 200) if number <= len(notes) else ("no such note", 404)

    return app


def registration_once(shared: Store, own: Store) -> Flask:
    """A name can be taken once, by whatever server; then it is a conflict."""
    app, names = app_of_one_key(), shared.setdefault("names", set())

    @app.post("/register")
    def register() -> tuple[str, int]:
        name = request.form["name"]
        if name in names:
            return "taken", 409
        names.add(name)
        return "welcome", 201

    return app


def toggle(shared: Store, own: Store) -> Flask:
    """Every second request undoes the one before, and says so by its status."""
    app = app_of_one_key()

    @app.post("/like")
    def like() -> tuple[str, int]:
        shared["liked"] = not shared.get("liked", False)
        return ("liked", 201) if shared["liked"] else ("there was a like already", 409)

    @app.get("/like")
    def is_liked() -> tuple[str, int]:
        return ("yes", 200) if shared.get("liked") else ("no", 404)

    return app


def cycle_of_four(shared: Store, own: Store) -> Flask:
    """One request of four fails, whoever answers."""
    app, turn = app_of_one_key(), shared.setdefault("turn", itertools.count())

    @app.get("/")
    def index() -> tuple[str, int]:
        return ("fine", 200) if next(turn) % 4 else ("busy", 500)

    return app


def fails_now_and_then(shared: Store, own: Store) -> Flask:
    app = app_of_one_key()

    @app.get("/")
    def index() -> tuple[str, int]:
        return ("fine", 200) if random.random() < 0.7 else ("oops", 500)

    return app


def message_shown_once(shared: Store, own: Store) -> Flask:
    """A message about what was written is shown at the next visit alone."""
    app, messages = app_of_one_key(), shared.setdefault("messages", [])

    @app.post("/items")
    def add() -> str:
        messages.append(f"{request.form['name']} was added")
        return "kept"

    @app.get("/")
    def index() -> str:
        return messages.pop() if messages else "nothing new"

    return app


def session_that_changes_with_each_answer(shared: Store, own: Store) -> Flask:
    """Each answer gives a new key, and the old one is worth nothing."""
    app, sessions = app_of_one_key(), shared.setdefault("sessions", {})

    @app.post("/login")
    def login() -> Response:
        return renewed(request.form["user"])

    @app.get("/me")
    def me() -> Response:
        user = sessions.pop(request.cookies.get("sid", ""), None)
        return renewed(user) if user else Response("who are you?", 401)

    def renewed(user: str) -> Response:
        key = os.urandom(8).hex()
        sessions[key] = user
        answer = Response(user)
        answer.set_cookie("sid", key)
        return answer

    return app


def warming_up(shared: Store, own: Store) -> Flask:
    """Each process fails at its first request."""
    app, turn = app_of_one_key(), itertools.count()

    @app.get("/")
    def index() -> tuple[str, int]:
        return ("fine", 200) if next(turn) else ("starting", 500)

    return app


def worker_number(shared: Store, own: Store) -> Flask:
    """Each process says its number, which is the same on every server; clients have cookies."""
    app, number = app_of_one_key(), own.setdefault("next", itertools.count())
    mine = next(number)

    @app.get("/")
    def index() -> str:
        session["visits"] = session.get("visits", 0) + 1
        return f"I am worker {mine}"

    return app


READ = ("GET /",)

INNOCENT: dict[Callable[[Store, Store], Flask], tuple[str, ...]] = {
    time_stamps: READ,
    random_ids: READ,
    ab_test_by_chance: READ,
    ab_test_by_turns: READ,
    ab_test_by_cookie: READ,
    etags: READ,
    server_timing: READ,
    metrics_of_each_process: READ,
    gzip_if_asked: READ,
    csrf_tokens: ("GET /form", "POST /form"),
    shuffled_lists: READ,
    random_picks: ("GET /items", "POST /items"),
    shared_database: ("POST /login", "GET /me", "POST /notes", "GET /notes/{1..9999}"),
    registration_once: ("POST /register",),
    toggle: ("POST /like", "GET /like"),
    cycle_of_four: READ,
    fails_now_and_then: READ,
    message_shown_once: ("GET /", "POST /items"),
    session_that_changes_with_each_answer: ("POST /login", "GET /me"),
    warming_up: READ,
    worker_number: READ,
    limit_in_a_shared_store: READ,
    limit_in_memory: READ,
    quota_of_home: READ,
    notes_that_expire: ("PUT /notes/a", "GET /notes/a"),
    **INNOCENT_QUERIES,
    **INNOCENT_REDIRECTS,
    **INNOCENT_WRITES,
    **INNOCENT_NAMES,
}
"""Each application with the requests of its load."""
