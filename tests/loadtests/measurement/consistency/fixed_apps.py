"""Applications whose loads write the same text every time, and some that name their server."""

from __future__ import annotations

import itertools
import os
import random
from collections.abc import Callable
from typing import Any

from flask import Flask, Response, redirect, request, session

from tests.loadtests.measurement.consistency.plain_app import Store, app_of_one_key

CITIES = ("Berlin", "Paris", "Oslo")


def city_in(place: Store) -> Flask:
    """A profile that lies in a place."""
    app = app_of_one_key()

    @app.put("/profile")
    def change() -> tuple[str, int]:
        city = request.get_json()["city"]
        if place.get("checks") and city not in CITIES:
            return "no such city", 400
        place["city"] = city
        return "kept", 200

    @app.get("/profile")
    def read() -> dict[str, str]:
        return {"city": place.get("city", "nowhere")}

    return app


def city_on_own_disk(shared: Store, own: Store) -> Flask:
    return city_in(own)


def city_in_memory(shared: Store, own: Store) -> Flask:
    return city_in({})


def city_in_a_database(shared: Store, own: Store) -> Flask:
    return city_in(shared)


def city_of_a_list(shared: Store, own: Store) -> Flask:
    """Only some cities are taken."""
    shared["checks"] = True
    return city_in(shared)


def sqlite_of_forms(shared: Store, own: Store) -> Flask:
    """Each server has notes of its own, which come from a form."""
    app, notes = app_of_one_key(), own.setdefault("notes", [])

    @app.post("/notes")
    def write() -> Any:
        notes.append(request.form["text"])
        return redirect("/notes")

    @app.get("/notes")
    def read() -> str:
        return "<br>".join(notes)

    return app


def served_by(shared: Store, own: Store) -> Flask:
    """All servers share the notes; each says its own name in every answer."""
    app, notes = app_of_one_key(), shared.setdefault("notes", [])
    name = own.setdefault("name", os.urandom(6).hex())

    @app.post("/notes")
    def write() -> dict[str, Any]:
        notes.append(request.get_data(as_text=True))
        return {"id": len(notes), "by": name}

    @app.get("/notes/<int:number>")
    def read(number: int) -> Any:
        if number > len(notes):
            return "no such note", 404
        return {"text": notes[number - 1], "by": name}

    return app


def host_of_a_login(shared: Store, own: Store) -> Flask:
    """The login and the page behind it name the server; a stranger is refused plainly."""
    app, name = app_of_one_key(), own.setdefault("name", os.urandom(6).hex())

    @app.post("/login")
    def login() -> dict[str, str]:
        session["user"] = "ada"
        return {"user": "ada", "node": name}

    @app.get("/me")
    def me() -> Any:
        return {"user": "ada", "node": name} if "user" in session else ("who are you?", 401)

    return app


def process_of_an_answer(shared: Store, own: Store) -> Flask:
    """Each process says its number in every answer."""
    app, notes, pid = app_of_one_key(), shared.setdefault("notes", []), random.randint(1000, 9999)

    @app.post("/notes")
    def write() -> dict[str, int]:
        notes.append("a note")
        return {"id": len(notes), "pid": pid}

    @app.get("/notes/<int:number>")
    def read(number: int) -> Any:
        return {"pid": pid} if number <= len(notes) else ("no such note", 404)

    return app


def latest_by_chance(shared: Store, own: Store) -> Flask:
    """Half of all answers show what was written last."""
    app, items = app_of_one_key(), shared.setdefault("items", [])

    @app.post("/items")
    def add() -> str:
        items.append(request.form["name"])
        return "kept"

    @app.get("/items")
    def read() -> str:
        return str(items[-1]) if items and random.random() < 0.5 else "nothing new"

    return app


def one_by_chance(shared: Store, own: Store) -> Flask:
    return one_of_the_newest(shared, 6)


def one_of_the_newest_two(shared: Store, own: Store) -> Flask:
    return one_of_the_newest(shared, 2)


def one_of_the_newest_three(shared: Store, own: Store) -> Flask:
    return one_of_the_newest(shared, 3)


def one_of_the_newest(shared: Store, count: int) -> Flask:
    """Each answer shows one of the newest items, by chance."""
    app, items = app_of_one_key(), shared.setdefault("items", ["nothing yet"])

    @app.post("/items")
    def add() -> str:
        items.append(request.form["name"])
        return "kept"

    @app.get("/items")
    def read() -> str:
        return str(random.choice(items[-count:]))

    return app


def hits_of_each_process(shared: Store, own: Store) -> Flask:
    return hits_of(itertools.count(1))


def hits_of_all(shared: Store, own: Store) -> Flask:
    return hits_of(shared.setdefault("hits", itertools.count(1)))


def hits_of(count: Any) -> Flask:
    app = app_of_one_key()

    @app.get("/hits")
    def hits() -> dict[str, int]:
        return {"hits": next(count)}

    return app


def page_with_an_anchor(shared: Store, own: Store) -> Flask:
    """A write leads to a place in a page."""
    app, notes = app_of_one_key(), shared.setdefault("notes", [])

    @app.post("/notes")
    def write() -> Any:
        notes.append(request.get_data(as_text=True))
        return redirect(f"/notes/{len(notes)}#last")

    @app.get("/notes/<int:number>")
    def read(number: int) -> Any:
        return notes[number - 1] if number <= len(notes) else Response("no such note", 404)

    return app


INNOCENT_NAMES: dict[Callable[[Store, Store], Flask], tuple[str, ...]] = {
    served_by: ("POST /notes", "GET /notes/{1..9999}"),
    host_of_a_login: ("POST /login", "GET /me"),
    process_of_an_answer: ("POST /notes", "GET /notes/{1..9999}"),
    latest_by_chance: ("POST /items", "GET /items"),
    one_of_the_newest_two: ("POST /items", "GET /items"),
    one_of_the_newest_three: ("POST /items", "GET /items"),
    one_by_chance: ("POST /items", "GET /items"),
    city_in_a_database: ("PUT /profile", "GET /profile"),
    hits_of_all: ("GET /hits",),
    hits_of_each_process: ("GET /hits",),
    page_with_an_anchor: ("POST /notes",),
}
"""Each application that answers as one, with the requests of its load."""
