"""Applications that answer a write with an id, by which another path shows what came of it."""

from __future__ import annotations

import itertools
import secrets
import uuid
from collections.abc import Callable
from typing import Any

from flask import Flask, redirect, request, url_for

from tests.loadtests.measurement.consistency.plain_app import Store

Make = Callable[[Store, Store], Flask]


def jobs_of(jobs: Store, next_id: Callable[[], str]) -> Flask:
    """``POST /process`` answers with a task; its state is at a path, and in a query."""
    app = Flask(__name__)

    @app.post("/process")
    def process() -> Any:
        task = next_id()
        jobs[task] = "queued"
        return {"task": task, "status_url": url_for("status", task=task)}, 202

    @app.get("/status/<task>")
    def status(task: str) -> Any:
        return {"state": jobs[task]} if task in jobs else ({"error": "no such task"}, 404)

    @app.get("/status")
    def asked() -> Any:
        return status(request.args["task"])

    @app.get("/jobs/<task>/result")
    def result(task: str) -> Any:
        return status(task)

    return app


def an_uuid() -> str:
    return str(uuid.uuid4())


def a_number() -> str:
    return str(next(NUMBERS))


NUMBERS = itertools.count(7)


def jobs_in_memory(next_id: Callable[[], str]) -> Make:
    return lambda _shared, own: jobs_of(own, next_id)


def jobs_in_a_database(next_id: Callable[[], str]) -> Make:
    return lambda shared, _own: jobs_of(shared, next_id)


def games_of(games: Store) -> Flask:
    """A game is made, and then moves are written into it; a board shows those of all."""
    app = Flask(__name__)

    @app.post("/games")
    def begin() -> Any:
        game = an_uuid()
        games[game] = []
        return {"id": game}, 201

    @app.post("/games/<game>/moves")
    def move(game: str) -> Any:
        if game not in games:
            return {"error": "no such game"}, 404
        games[game].append(request.get_json()["move"])
        return {"ok": True}

    @app.get("/board")
    def board() -> dict[str, Any]:
        return {"moves": [move for moves in games.values() for move in moves]}

    return app


def games_in_memory(_shared: Store, own: Store) -> Flask:
    return games_of(own)


def games_in_a_database(shared: Store, _own: Store) -> Flask:
    return games_of(shared)


def links_in_memory(_shared: Store, own: Store) -> Flask:
    """Short links, whose last piece is the code."""
    app = Flask(__name__)

    @app.post("/shorten")
    def shorten() -> dict[str, str]:
        code = secrets.token_urlsafe(4)
        own[code] = request.form["url"]
        return {"short_url": f"https://shop.example/{code}"}

    @app.get("/<code>")
    def follow(code: str) -> Any:
        return redirect(own[code]) if code in own else ("no such link", 404)

    return app


def many_lists(asked: list[str]) -> Make:
    """Each write answers with six ids, of which no read knows any. ``asked`` gets all paths."""

    def make(_shared: Store, _own: Store) -> Flask:
        app = Flask(__name__)
        numbers = itertools.count(100)

        @app.before_request
        def count() -> None:
            asked.append(request.path)

        @app.post("/lists/<name>")
        def write(name: str) -> Any:
            return {"items": [{"id": next(numbers), "list": name} for _ in range(6)]}, 201

        return app

    return make


def always_busy(asked: list[str]) -> Make:
    """What is below a game says nothing. ``asked`` gets all paths."""

    def make(_shared: Store, _own: Store) -> Flask:
        app = Flask(__name__)

        @app.before_request
        def count() -> None:
            asked.append(request.path)

        @app.post("/games")
        def begin() -> Any:
            return {"id": an_uuid()}, 201

        @app.route("/games/<game>/moves", methods=["GET", "POST"])
        def moves(game: str) -> Any:
            return f"{game} is busy", 503

        return app

    return make


def jobs_that_count_alone(_shared: Store, own: Store) -> Flask:
    """Jobs in memory; each server begins to count at 7."""
    numbers = own.setdefault("numbers", itertools.count(7))
    return jobs_of(own, lambda: str(next(numbers)))


def jobs_beside_old_orders(shared: Store, _own: Store) -> Flask:
    """The first job and the first return are number 7. Of the orders, 1 to 20 are there."""
    numbers = shared.setdefault("numbers", itertools.count(7))
    app = jobs_of(shared, lambda: str(next(numbers)))

    @app.post("/returns")
    def give_back() -> Any:
        return {"id": next(numbers)}, 201

    @app.get("/orders/<int:order>")
    def show(order: int) -> Any:
        return {"paid": True} if order <= 20 else ({"error": "no such order"}, 404)

    return app


def titled_jobs_in_a_database(shared: Store, _own: Store) -> Flask:
    """The state of a job has its title."""
    app, jobs = Flask(__name__), shared.setdefault("jobs", [])

    @app.post("/process")
    def process() -> Any:
        jobs.append(request.get_json()["title"])
        return {"id": len(jobs)}, 202

    @app.get("/status/<int:task>")
    def status(task: int) -> Any:
        is_there = 0 < task <= len(jobs)
        return {"title": jobs[task - 1]} if is_there else ({"error": "no such task"}, 404)

    return app
