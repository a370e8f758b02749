"""Applications that break at two servers, or at two processes; each as small as it can be.

``shared`` is what all servers have in common (a database), ``own`` what one server has (its disk).
"""

from __future__ import annotations

import os
import uuid
from typing import Any

from flask import Flask, Response, redirect, request, session

Store = dict[str, Any]


def random_secret_key(shared: Store, own: Store) -> Flask:
    """Each process signs cookies with a key of its own."""
    app = Flask(__name__)
    app.secret_key = os.urandom(24)

    @app.post("/login")
    def login() -> str:
        session["user"] = request.form["user"]
        return "welcome"

    @app.get("/me")
    def me() -> tuple[str, int]:
        return (session["user"], 200) if "user" in session else ("who are you?", 401)

    return app


def random_key_and_login_page(shared: Store, own: Store) -> Flask:
    """The same, where a stranger is sent to the login page."""
    app = random_secret_key(shared, own)

    @app.get("/account")
    def account() -> str | Any:
        return session["user"] if "user" in session else redirect("/login?next=/account")

    return app


def login_form_at_200(shared: Store, own: Store) -> Flask:
    """The same, where a stranger gets a form with status 200."""
    app = random_secret_key(shared, own)

    @app.get("/home")
    def home() -> str:
        return f"Hello {session['user']}" if "user" in session else "<form>Who are you?</form>"

    return app


def sessions_on_own_disk(shared: Store, own: Store) -> Flask:
    """Sessions lie on the server's disk (Flask-Session's filesystem)."""
    app = Flask(__name__)

    @app.post("/login")
    def login() -> Response:
        key = os.urandom(8).hex()
        own[key] = request.form["user"]
        answer = Response("welcome")
        answer.set_cookie("sid", key)
        return answer

    @app.get("/me")
    def me() -> tuple[str, int]:
        user = own.get(request.cookies.get("sid", ""))
        return (user, 200) if user else ("who are you?", 403)

    return app


def notes_in(notes: list[str]) -> Flask:
    """Notes in a list: POST /notes gives an id, GET /notes/<id> the note."""
    app = Flask(__name__)

    @app.post("/notes")
    def write() -> tuple[dict[str, int], int]:
        notes.append(request.get_json()["text"])
        return {"id": len(notes)}, 201

    @app.get("/notes/<int:number>")
    def read(number: int) -> tuple[str, int]:
        return (notes[number - 1], 200) if number <= len(notes) else ("no such note", 404)

    @app.get("/notes")
    def everything() -> list[str]:
        return notes

    return app


def sqlite_in_the_container(shared: Store, own: Store) -> Flask:
    """Each server has a file of its own."""
    return notes_in(own.setdefault("notes", []))


def notes_in_memory(shared: Store, own: Store) -> Flask:
    """Each process has a list of its own."""
    return notes_in([])


def notes_in_memory_and_a_login(shared: Store, own: Store) -> Flask:
    """The same, where a client has a cookie that all servers know, and strangers see the list."""
    app = notes_in([])
    app.secret_key = "the same everywhere"

    @app.post("/login")
    def login() -> str:
        session["user"] = request.form["user"]
        return "welcome"

    return app


def cache_that_the_writer_alone_clears(shared: Store, own: Store) -> Flask:
    """A list is cached in each process; writing clears the writer's cache alone."""
    app, notes, cache = Flask(__name__), shared.setdefault("notes", []), own

    @app.post("/notes")
    def write() -> str:
        notes.append(request.form["text"])
        cache.clear()
        return "kept"

    @app.get("/notes")
    def read() -> str:
        return str(cache.setdefault("page", ", ".join(notes)))

    return app


def profile_on_own_disk(shared: Store, own: Store) -> Flask:
    """All servers know the session; only the one that took a profile has it."""
    app = Flask(__name__)
    app.secret_key = "the same everywhere"

    @app.post("/login")
    def login() -> str:
        session["user"] = request.form["user"]
        return "welcome"

    @app.put("/profile")
    def write() -> str:
        own["city"] = request.get_json()["city"]
        return "kept"

    @app.get("/profile")
    def read() -> tuple[str, int]:
        if "user" not in session:
            return "who are you?", 401
        form = '<input name="csrf_token">'
        return f"{session['user']} lives in {own.get('city', 'no city')} {form}", 200

    return app


def uploads_on_own_disk(shared: Store, own: Store) -> Flask:
    """What is uploaded is served from the disk of the server that took it."""
    app = Flask(__name__)

    @app.post("/avatar")
    def take() -> Any:
        own["avatar.txt"] = request.get_data(as_text=True)
        return redirect("/files/avatar.txt")

    @app.get("/files/<name>")
    def give(name: str) -> tuple[str, int]:
        return (own[name], 200) if name in own else ("not found", 404)

    return app


def uploads_under_a_random_name(shared: Store, own: Store) -> Flask:
    """The same, and each has a name of its own."""
    app = Flask(__name__)

    @app.post("/avatar")
    def take() -> Any:
        name = str(uuid.uuid4())
        own[name] = request.get_data(as_text=True)
        return redirect(f"/files/{name}")

    @app.get("/files/<name>")
    def give(name: str) -> tuple[str, int]:
        return (own[name], 200) if name in own else ("not found", 404)

    return app


def one_server_without_its_tables(shared: Store, own: Store) -> Flask:
    """The second server fails at every request."""
    app, number = Flask(__name__), len(shared)
    shared[str(number)] = True

    @app.get("/")
    def index() -> tuple[str, int]:
        return ("fine", 200) if number == 0 else ("no such table: notes", 500)

    return app


def tables_dropped_at_the_start(shared: Store, own: Store) -> Flask:
    """Each server creates its tables anew when it starts."""
    app = Flask(__name__)
    shared["notes"] = {}

    @app.put("/notes/<name>")
    def write(name: str) -> str:
        shared["notes"][name] = request.get_data(as_text=True)
        return "kept"

    @app.get("/notes/<name>")
    def read(name: str) -> tuple[str, int]:
        notes = shared["notes"]
        return (notes[name], 200) if name in notes else ("no such note", 404)

    return app
