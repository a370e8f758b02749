"""Applications in which one server alone finds what it wrote; all answer with status 200."""

from __future__ import annotations

import collections
import uuid
from collections.abc import Callable
from typing import Any

from flask import Flask, request

from tests.loadtests.measurement.consistency.plain_app import Store, app_of_one_key


def profiles(shared: Store, own: Store) -> Flask:
    """A profile that nobody wrote has a default."""
    app, cities = app_of_one_key(), own.setdefault("cities", {})

    @app.post("/profile")
    def add() -> dict[str, bool]:
        cities[request.get_json()["id"]] = request.get_json()["city"]
        return {"ok": True}

    @app.put("/profile/<int:number>")
    def change(number: int) -> dict[str, bool]:
        cities[number] = request.get_json()["city"]
        return {"ok": True}

    @app.get("/profile/<int:number>")
    def read(number: int) -> dict[str, str]:
        return {"city": cities.get(number, "not known")}

    return app


def carts(shared: Store, own: Store) -> Flask:
    """A cart by the user in the query."""
    app = app_of_one_key()
    things: dict[str, list[str]] = own.setdefault("things", collections.defaultdict(list))

    @app.post("/cart")
    def add() -> dict[str, bool]:
        things[request.args["user"]].append(request.get_json()["item"])
        return {"ok": True}

    @app.get("/cart")
    def read() -> list[str]:
        return things[request.args["user"]]

    return app


def stock(shared: Store, own: Store) -> Flask:
    """What is left of an item: a number that only the answer to a sale says."""
    app = app_of_one_key()
    left: dict[int, int] = own.setdefault("left", collections.defaultdict(lambda: 9000))

    @app.post("/stock/<int:number>")
    def sell(number: int) -> dict[str, int]:
        left[number] -= 1
        return {"left": left[number]}

    @app.get("/stock/<int:number>")
    def read(number: int) -> dict[str, int]:
        return {"left": left[number]}

    return app


def tags(shared: Store, own: Store) -> Flask:
    """A page with what the paths of writes named."""
    app, names = app_of_one_key(), own.setdefault("names", [])

    @app.put("/tags/<name>")
    def add(name: str) -> dict[str, bool]:
        names.append(name)
        return {"ok": True}

    @app.get("/tags")
    def read() -> dict[str, list[str]]:
        return {"tags": names}

    return app


def linked_articles(shared: Store, own: Store) -> Flask:
    """A list of links, and a page that says with status 200 that there is no such article."""
    app, slugs = app_of_one_key(), own.setdefault("slugs", [])

    @app.post("/articles")
    def write() -> tuple[str, int]:
        slugs.append(request.form["slug"] if request.form else request.get_json()["slug"])
        return "", 204

    @app.get("/articles")
    def links() -> str:
        return "".join(f'<li><a href="/articles/{slug}">read</a>' for slug in slugs)

    @app.get("/articles/<slug>")
    def read(slug: str) -> str:
        return "an article" if slug in slugs else "no such article"

    return app


def notes_by(next_id: Callable[[Any], Any]) -> Callable[[Store, Store], Flask]:
    """Give notes by their ids; one that is not there is empty."""

    def make(shared: Store, own: Store) -> Flask:
        app, notes = app_of_one_key(), own.setdefault("notes", {})

        @app.post("/notes")
        def write() -> tuple[dict[str, Any], int]:
            number = next_id(notes)
            notes[str(number)] = request.get_json()["text"]
            return {"id": number}, 201

        @app.get("/notes/<number>")
        def read(number: str) -> dict[str, Any]:
            return {"text": notes.get(number)}

        return app

    return make


numbered_notes = notes_by(lambda notes: len(notes) + 1)
notes_of_uuids = notes_by(lambda _: str(uuid.uuid4()))
