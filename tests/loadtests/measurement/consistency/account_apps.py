"""Applications with accounts and shared lists, right ones and broken ones."""

from __future__ import annotations

import random
import secrets
from typing import Any

from flask import Flask, redirect, request, session

from tests.loadtests.measurement.consistency.plain_app import Store, app_of_one_key

PEOPLE = {f"user{number}": f"secret{number}" for number in range(10)}

PAGE = 10


def notes_of_accounts_in_memory(_: Store, own: Store) -> Flask:
    """Ten accounts; each server keeps the notes that it was sent."""
    app = app_of_one_key()

    @app.post("/login")
    def login() -> Any:
        user = request.form["user"]
        if PEOPLE.get(user) != request.form["password"]:
            return "wrong password", 401
        session["user"] = user
        return "welcome"

    @app.post("/notes")
    def write() -> Any:
        if "user" not in session:
            return "log in first", 401
        own.setdefault(session["user"], []).append(request.form["text"])
        return "kept", 201

    @app.get("/notes")
    def read() -> Any:
        if "user" not in session:
            return "log in first", 401
        return {"notes": own.get(session["user"], [])}

    return app


def notes_with_one_token(shared: Store, own: Store) -> Flask:
    """A login replaces the user's older token, which all servers know; notes are in memory."""
    app = Flask(__name__)

    @app.post("/login")
    def login() -> Any:
        shared["token"] = secrets.token_hex(16)
        return {"user": {"id": 1}, "access_token": shared["token"]}

    def is_known() -> bool:
        return request.headers.get("Authorization") == f"Bearer {shared.get('token')}"

    @app.post("/notes")
    def write() -> Any:
        if not is_known():
            return {"error": "token expired"}, 401
        own.setdefault("notes", []).append(request.get_json()["text"])
        return {"ok": True}, 201

    @app.get("/notes")
    def read() -> Any:
        if not is_known():
            return {"error": "token expired"}, 401
        return {"notes": own.get("notes", [])}

    return app


def people_with_tokens(tokens: Store, *, header: str = "Authorization") -> Flask:
    """A login answers with a token, which is kept in ``tokens``. Strangers get no error."""
    app = Flask(__name__)

    def user() -> Any:
        return tokens.get(request.headers.get(header, "").removeprefix("Bearer "))

    @app.post("/token")
    def login() -> dict[str, str]:
        token = secrets.token_hex(16)
        tokens[token] = request.form["username"]
        return {"access_token": token}

    @app.post("/register")
    @app.post("/auth/register")
    @app.post("/auth/sign-up")
    def register() -> dict[str, str]:
        """Give a token that is good once the address is confirmed."""
        return {"access_token": secrets.token_hex(16)}

    @app.get("/me")
    def me() -> Any:
        return {"user": user()} if user() else ({"error": "who are you?"}, 401)

    @app.get("/home")
    def home() -> dict[str, Any]:
        return {"user": user(), "news": ["a new shop"]}

    return app


def tokens_in_memory(_shared: Store, own: Store) -> Flask:
    return people_with_tokens(own)


def tokens_of_each_process(_shared: Store, _own: Store) -> Flask:
    return people_with_tokens({})


def tokens_in_a_database(shared: Store, _own: Store) -> Flask:
    return people_with_tokens(shared)


def access_tokens_in_memory(_shared: Store, own: Store) -> Flask:
    return people_with_tokens(own, header="X-Access-Token")


def forms_with_laravels_token(shared: Store, own: Store) -> Flask:
    """A form has the field ``_token``; notes are in memory."""
    app = app_of_one_key()

    @app.get("/notes")
    def read() -> str:
        session.setdefault("_token", secrets.token_hex(20))
        notes = ", ".join(own.get("notes", []))
        return f'<input type="hidden" name="_token" value="{session["_token"]}">{notes}'

    @app.post("/notes")
    def write() -> Any:
        if request.form.get("_token") != session.get("_token") or "_token" not in session:
            return "Page Expired", 419
        own.setdefault("notes", []).append(request.form["text"])
        return redirect("/notes")

    return app


def songs_in_random_pages(shared: Store, _: Store) -> Flask:
    """All servers share a list; each answer is a random page of ten."""
    app, songs = Flask(__name__), shared.setdefault("songs", [f"song {n}" for n in range(20)])

    @app.post("/songs")
    def write() -> Any:
        songs.append(request.get_json()["title"])
        return "", 204

    @app.get("/next")
    def read() -> Any:
        pages = [songs[at : at + PAGE] for at in range(0, len(songs), PAGE)]
        return {"songs": random.choice(pages)}

    return app


def quotes_in_random_order(shared: Store, _: Store) -> Flask:
    """A form redirects to the front page, which shows three random ones of a shared list."""
    app, quotes = Flask(__name__), shared.setdefault("quotes", [f"quote {n}" for n in range(30)])

    @app.post("/quotes")
    def write() -> Any:
        quotes.append(request.form["text"])
        return redirect("/", 303)

    @app.get("/")
    def read() -> str:
        return "<br>".join(random.sample(quotes, 3))

    return app


def one_session_of_each_account(shared: Store, _: Store) -> Flask:
    """A login ends the account's earlier session; all servers know who is logged in."""
    app = app_of_one_key()

    @app.post("/login")
    def login() -> Any:
        user = session["user"] = request.form["user"]
        session["ticket"] = shared[user] = secrets.token_hex(8)
        return "welcome"

    @app.get("/me")
    def me() -> Any:
        user = session.get("user")
        is_known = user is not None and shared.get(user) == session["ticket"]
        return f"Hello {user}" if is_known else ("logged in elsewhere", 401)

    return app


def one_session_of_each_account_in_memory(_: Store, own: Store) -> Flask:
    return one_session_of_each_account(own, own)
