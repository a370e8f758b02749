"""Pages that only count or log what was asked, and things that differ for another good reason."""

from __future__ import annotations

import collections
import itertools
import os
import random
from collections.abc import Callable
from typing import Any

from flask import Flask, Response, request, session
from markupsafe import escape

from tests.loadtests.measurement.consistency.plain_app import Store, app_of_one_key


def shop(shared: Store) -> Flask:
    """Orders, purchases and prices that all servers share."""
    app = app_of_one_key()

    @app.post("/checkout")
    @app.post("/items/<number>/buy")
    def buy(number: str = "all") -> tuple[dict[str, bool], int]:
        shared.setdefault("bought", []).append(number)
        return {"ok": True}, 201

    @app.post("/items")
    def add() -> tuple[str, int]:
        shared[str(request.get_json()["id"])] = request.get_data(as_text=True)
        return "", 204

    @app.put("/items/<number>")
    def price(number: str) -> tuple[str, int]:
        shared[number] = request.get_data(as_text=True)
        return "", 204

    @app.get("/items/<number>")
    def item(number: str) -> Any:
        return shared.get(number) or ("no such item", 404)

    return app


def metrics_by_path(shared: Store, own: Store) -> Flask:
    """Each process counts its requests by path, as exporters for Prometheus do."""
    app, seen = shop(shared), collections.Counter[tuple[str, str]]()

    @app.before_request
    def count() -> None:
        seen[request.method, request.path] += 1

    @app.get("/metrics")
    def metrics() -> str:
        return "".join(
            f'http_requests_total{{method="{method}",path="{path}"}} {times}.0\n'
            for (method, path), times in seen.items()
        )

    return app


def metrics_by_label(shared: Store, own: Store) -> Flask:
    """Each process counts its requests by route, with a label for each parameter of it."""
    app, seen = shop(shared), collections.Counter[str]()

    @app.before_request
    def count() -> None:
        labels = {"method": request.method, "endpoint": request.endpoint}
        labels |= request.view_args or {}
        seen[",".join(f'{name}="{text}"' for name, text in labels.items())] += 1

    @app.get("/metrics")
    def metrics() -> str:
        return "".join(f"requests_total{{{labels}}} {times}\n" for labels, times in seen.items())

    return app


def metrics_by_route(shared: Store, own: Store) -> Flask:
    """Each process counts its requests by route, and names them without a slash, too."""
    app, seen = shop(shared), collections.Counter[str]()

    @app.before_request
    def count() -> None:
        seen[str(request.url_rule)] += 1
        seen["http" + request.path.replace("/", ".")] += 1

    @app.get("/metrics")
    def metrics() -> dict[str, int]:
        return dict(seen)

    return app


def last_requests(shared: Store, own: Store) -> Flask:
    """Each process shows its last requests, with their queries."""
    app, seen = shop(shared), collections.deque[str](maxlen=50)

    @app.before_request
    def log() -> None:
        seen.append(f"{request.method} {request.full_path}")

    @app.get("/metrics")
    def page() -> str:
        return f"<ul>{''.join(f'<li>{escape(line)}</li>' for line in seen)}</ul>"

    return app


def answer_with_the_path(shared: Store, own: Store) -> Flask:
    """What was bought is named in the answer, and its path in each process's metrics."""
    app, seen = app_of_one_key(), collections.Counter[str]()

    @app.before_request
    def count() -> None:
        seen[request.path] += 1

    @app.post("/items/<int:number>/buy")
    def buy(number: int) -> dict[str, int]:
        return {"item_id": number}

    @app.get("/metrics")
    def metrics() -> dict[str, int]:
        return dict(seen)

    return app


def profiles(shared: Store, own: Store) -> Flask:
    """Profiles that all share; where there is none, the city is drawn, and each process counts."""
    app, views = app_of_one_key(), itertools.count(1000)

    @app.put("/profile/<number>")
    def change(number: str) -> dict[str, str]:
        shared[number] = request.get_json()["city"]
        return {"id": number}

    @app.get("/profile/<number>")
    def read(number: str) -> dict[str, Any]:
        city = shared.get(number) or random.choice(["Berlin", "Paris", "Oslo"])
        return {"city": city, "views": next(views), "by": os.urandom(4).hex()}

    return app


def profiles_behind_a_cache(shared: Store, own: Store) -> Flask:
    """Profiles that all share; a server keeps what it read for a second, until it writes itself."""
    app, cache = app_of_one_key(), own
    shared.setdefault("now_s", 0.0)

    @app.put("/profile/<number>")
    def change(number: str) -> str:
        shared[number] = request.get_json()["city"]
        cache.pop(number, None)
        return "kept"

    @app.get("/profile/<number>")
    def read(number: str) -> str:
        at_s, text = cache.get(number, (-1.0, ""))
        if shared["now_s"] - at_s >= 1.0:
            text = shared.get(number, "not known")
            cache[number] = shared["now_s"], text
        return str(text)

    return app


def ignored_profiles(shared: Store, own: Store) -> Flask:
    """A write is accepted and not kept; the read is an A/B test."""
    app = app_of_one_key()

    @app.put("/profile/<number>")
    def change(number: str) -> dict[str, int]:
        return {"id": int(number)}

    @app.get("/profile/<number>")
    def read(number: str) -> str:
        return random.choice(["city: Berlin", "city: Paris", "city: Oslo"])

    return app


def notes_of_their_owner(shared: Store, own: Store) -> Flask:
    """Only who wrote a note may read it; there are others' notes, too."""
    app, notes = app_of_one_key(), shared.setdefault("notes", [("somebody", "a note")])

    @app.post("/notes")
    def write() -> tuple[dict[str, int], int]:
        owner = session.setdefault("owner", os.urandom(8).hex())
        notes.append((owner, request.get_json()["text"]))
        return {"id": len(notes), "author_id": 1}, 201

    @app.get("/notes/<int:number>")
    def read(number: int) -> Any:
        if number > len(notes):
            return {"text": None}
        owner, text = notes[number - 1]
        return {"text": text} if owner == session.get("owner") else ("not yours", 403)

    return app


def note_read_once(shared: Store, own: Store) -> Flask:
    """A note is gone when it was read."""
    app, notes, numbers = app_of_one_key(), shared.setdefault("notes", {}), itertools.count(7)
    next_number = shared.setdefault("next", numbers)

    @app.post("/notes")
    def write() -> dict[str, int]:
        number = next(next_number)
        notes[number] = request.get_json()["text"]
        return {"id": number}

    @app.get("/notes/<int:number>")
    def read(number: int) -> dict[str, Any]:
        return {"text": notes.pop(number, None)}

    return app


def registered_once(shared: Store, own: Store) -> Flask:
    """A name can be taken once."""
    app, users = app_of_one_key(), shared.setdefault("users", {})

    @app.post("/users/<name>")
    def register(name: str) -> Response:
        if name in users:
            return Response("taken", 409)
        users[name] = "here since today"
        return Response("welcome", 201)

    @app.get("/users/<name>")
    def read(name: str) -> Any:
        return users.get(name) or ("nobody", 404)

    return app


LOADS_OF_METRICS = (
    ("POST /checkout", "GET /metrics"),
    ("POST /items/{1000..9999}/buy", "GET /metrics"),
    ("PUT /items/{1000..9999}", "GET /items/{1000..9999}", "GET /metrics"),
    ("POST /items", "GET /items/{1000..9999}", "GET /metrics"),
    ("POST /items", "GET /metrics", "GET /items/{1000..9999}"),
    ("POST /checkout?item={1000..9999}&kind=lamp", "GET /metrics"),
)

INNOCENT_PAGES: dict[Callable[[Store, Store], Flask], tuple[tuple[str, ...], ...]] = {
    metrics_by_path: LOADS_OF_METRICS,
    metrics_by_label: LOADS_OF_METRICS,
    metrics_by_route: LOADS_OF_METRICS,
    last_requests: LOADS_OF_METRICS,
    answer_with_the_path: LOADS_OF_METRICS[1:2],
    profiles: (
        ("PUT /profile/{1..500}", "GET /profile/{1..500}"),
        ("PUT /profile/17", "GET /profile/230"),
    ),
    ignored_profiles: (
        ("PUT /profile/{1..500}", "GET /profile/{1..500}"),
        ("PUT /profile/17", "GET /profile/230"),
    ),
    notes_of_their_owner: (("POST /notes", "GET /notes/1"),),
    note_read_once: (("POST /notes", "GET /notes/1"), ("POST /notes", "GET /notes/{1..999}")),
    registered_once: (("POST /users/ada-{1000..9999}", "GET /users/ada-{1000..9999}"),),
}
"""Each application with the loads that are asked of it."""
