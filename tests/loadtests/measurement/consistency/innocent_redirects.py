"""Applications that answer as one, and whose pages redirect to others."""

from __future__ import annotations

import itertools
import os
import random
from collections.abc import Callable
from typing import Any

from flask import Flask, abort, redirect, request, session

from tests.loadtests.measurement.consistency.plain_app import Store, app_of_one_key


def random_page(shared: Store, own: Store) -> Flask:
    """Few pages, so that the same one often comes twice; one that does not exist is among them."""
    app = app_of_one_key()

    @app.get("/")
    def index() -> Any:
        return redirect(f"/item/{random.randint(17, 19)}")

    @app.get("/item/<int:number>")
    def item(number: int) -> tuple[str, int]:
        return (f"item {number}", 200) if number < 19 else ("no such item", 404)

    return app


def language_of_the_browser(shared: Store, own: Store) -> Flask:
    app = app_of_one_key()

    @app.get("/")
    def index() -> Any:
        return redirect(f"{request.accept_languages.best_match(['de', 'en']) or 'en'}/")

    @app.get("/<language>/")
    def page(language: str) -> str:
        return {"de": "Guten Tag", "en": "Good day"}[language]

    return app


def token_for_one_use(shared: Store, own: Store) -> Flask:
    """Each redirect has a token that is taken once, by whatever server."""
    app, tokens = app_of_one_key(), shared.setdefault("tokens", set())

    @app.get("/")
    def index() -> Any:
        token = os.urandom(8).hex()
        tokens.add(token)
        return redirect(f"/continue?token={token}")

    @app.get("/continue")
    def go_on() -> str:
        if request.args["token"] not in tokens:
            abort(403)
        tokens.remove(request.args["token"])
        return "welcome"

    return app


def invitation_for_one_use(shared: Store, own: Store) -> Flask:
    """The page behind is always the same, and is there as often as the redirect was given."""
    app, left = app_of_one_key(), shared.setdefault("left", [])

    @app.get("/")
    def index() -> Any:
        left.append(1)
        return redirect("/invitation/ada")

    @app.get("/invitation/<name>")
    def invitation(name: str) -> str:
        if not left:
            abort(410)
        left.pop()
        return f"welcome, {name}"

    return app


def state_of_a_session(shared: Store, own: Store) -> Flask:
    """The page behind takes back what the redirect put into the client's cookie."""
    app = app_of_one_key()

    @app.get("/")
    def index() -> Any:
        session["state"] = "begun"
        return redirect("/finish")

    @app.get("/finish")
    def finish() -> str:
        if session.pop("state", None) is None:
            abort(400)
        return "done"

    return app


def another_page_of_each_server(shared: Store, own: Store) -> Flask:
    """A canary: each server leads to another page, and all servers have all pages."""
    app = app_of_one_key()
    number = own.setdefault("number", next(shared.setdefault("next", itertools.count(1))))

    @app.get("/")
    def index() -> Any:
        return redirect(f"/v{number}/")

    @app.get("/v<int:version>/")
    def page(version: int) -> str:
        return f"version {version}"

    return app


def another_host(shared: Store, own: Store) -> Flask:
    """What lies at another host, each server would answer otherwise."""
    app = app_of_one_key()

    @app.get("/")
    def index() -> Any:
        return redirect(random.choice(["//cdn.example/a", "https://cdn.example/a"]))

    @app.get("/a")
    def asset() -> tuple[str, int]:
        own["asked"] = own.get("asked", 0) + 1
        return ("an asset", 200) if own["number"] == 1 else ("none here", 404)

    own.setdefault("number", next(shared.setdefault("next", itertools.count(1))))
    return app


def redirects_without_end(shared: Store, own: Store) -> Flask:
    app = app_of_one_key()

    @app.get("/")
    def index() -> Any:
        step = int(request.args.get("step", 0))
        return redirect("/" if step > 1 else f"?step={step + 1}")

    return app


def logout_behind(shared: Store, own: Store) -> Flask:
    """A page that leads to the end of the session; all servers share sessions."""
    app, ended = app_of_one_key(), shared.setdefault("ended", set())

    @app.post("/login")
    def login() -> str:
        session["user"] = request.form["user"]
        session["key"] = os.urandom(8).hex()
        return "welcome"

    @app.get("/")
    def index() -> Any:
        return redirect("/logout")

    @app.get("/logout")
    def logout() -> str:
        ended.add(session.get("key"))
        return "bye"

    @app.get("/me")
    def me() -> tuple[str, int]:
        is_known = "key" in session and session["key"] not in ended
        return (session["user"], 200) if is_known else ("who are you?", 401)

    return app


def newest_note(shared: Store, own: Store) -> Flask:
    """The redirect leads to what was written last, by whatever server."""
    app, notes = app_of_one_key(), shared.setdefault("notes", ["nothing yet"])

    @app.post("/notes")
    def write() -> Any:
        notes.append(request.get_json()["text"])
        return redirect("/newest")

    @app.get("/newest")
    def newest() -> Any:
        return redirect(f"/notes/{len(notes)}")

    @app.get("/notes/<int:number>")
    def read(number: int) -> str:
        return str(notes[number - 1])

    return app


def slash(shared: Store, own: Store) -> Flask:
    """Flask redirects /notes to /notes/."""
    app, notes = app_of_one_key(), shared.setdefault("notes", [])

    @app.post("/notes/")
    def write() -> str:
        notes.append(request.get_json()["text"])
        return "kept"

    @app.get("/notes/")
    def read() -> str:
        return "<br>".join(notes[-20:])

    return app


READ = ("GET /",)

INNOCENT_REDIRECTS: dict[Callable[[Store, Store], Flask], tuple[str, ...]] = {
    random_page: READ,
    language_of_the_browser: READ,
    token_for_one_use: READ,
    invitation_for_one_use: READ,
    state_of_a_session: READ,
    another_page_of_each_server: READ,
    another_host: READ,
    redirects_without_end: READ,
    logout_behind: ("POST /login", "GET /me", "GET /"),
    newest_note: ("GET /newest", "POST /notes"),
    slash: ("GET /notes", "POST /notes/"),
}
"""Each application with the requests of its load."""
