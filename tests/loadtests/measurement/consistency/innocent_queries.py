"""Applications that answer as one, asked by GraphQL, and some that escape texts in several ways."""

from __future__ import annotations

import base64
import html
import itertools
import json
import os
import random
import re
from collections.abc import Callable, Sequence
from typing import Any

from flask import Flask, Response, request

from tests.loadtests.measurement.consistency.plain_app import Store, app_of_one_key


def graphql_of(notes: list[str], shown: Callable[[Sequence[str]], Sequence[str]]) -> Flask:
    """One path for everything: a mutation adds a note, and the query ``notes`` shows some."""
    app = app_of_one_key()

    @app.post("/graphql")
    def graphql() -> dict[str, Any]:
        sent = request.get_json()
        document, text = sent["query"], sent.get("variables", {}).get("text", "")
        if document.startswith("mutation"):
            text = text or json.loads(re.findall(r'text: ("[^"]*")', document)[0])
            notes.append(text)
            return {"data": {"add": {"id": str(len(notes))}}}
        if "search" in document:
            found = [note for note in notes if text in note]
            return {"data": {"search": {"text": text, "by": os.urandom(4).hex()}}, "n": len(found)}
        return {"data": {"notes": shown(notes)}}

    return app


def graphql_in_a_database(shared: Store, own: Store) -> Flask:
    return graphql_of(shared.setdefault("notes", []), list)


def graphql_of_the_newest(shared: Store, own: Store) -> Flask:
    return graphql_of(shared.setdefault("notes", []), lambda notes: notes[-3:])


def graphql_by_chance(shared: Store, own: Store) -> Flask:
    """Some of many notes, in any order."""

    def some(notes: Sequence[str]) -> Sequence[str]:
        return random.sample(notes, k=min(3, len(notes)))

    return graphql_of(shared.setdefault("notes", [f"note {n}" for n in range(6)]), some)


def escaped_in_several_ways(shared: Store, own: Store) -> Flask:
    """Each answer escapes the shared texts otherwise."""
    app, texts = app_of_one_key(), shared.setdefault("texts", [])
    turn = own.setdefault("turn", itertools.count(next(shared.setdefault("n", itertools.count()))))

    def as_html(texts: Sequence[str]) -> str:
        items = (html.escape(text).replace("&#x27;", "&#39;") for text in texts)
        return "".join(f"<li>{item}</li>" for item in items)

    ways: Sequence[Callable[[Sequence[str]], str]] = (
        json.dumps,
        lambda texts: json.dumps(texts, ensure_ascii=False),
        lambda texts: json.dumps(texts).replace("/", "\\/").replace("<", "\\u003C"),
        as_html,
        lambda texts: as_html(texts).replace("\r\n", "\n"),
        lambda texts: json.dumps({"page": as_html(texts)}),
    )

    @app.post("/texts")
    def write() -> str:
        texts.append(request.get_json()["text"])
        return "kept"

    @app.get("/texts")
    def read() -> str:
        return str(ways[next(turn) % len(ways)](texts[-5:]))

    return app


def base64_of_texts(shared: Store, own: Store) -> Flask:
    """The shared texts are returned in Base64, which begins otherwise in each answer."""
    app, texts = app_of_one_key(), shared.setdefault("texts", [])

    @app.post("/texts")
    def write() -> dict[str, str]:
        text = request.get_json()["text"]
        texts.append(text)
        return {"kept": base64.b64encode(text.encode()).decode()}

    @app.get("/texts")
    def read() -> Response:
        start = os.urandom(random.randint(1, 6))
        coded = base64.b64encode(start + "\n".join(texts[-3:]).encode()).decode()
        return Response(json.dumps({"all": coded}).replace("/", "\\/"))

    return app


INNOCENT_QUERIES: dict[Callable[[Store, Store], Flask], tuple[str, ...]] = {
    graphql_in_a_database: ("POST /graphql?add", "POST /graphql?all", "POST /graphql?search"),
    graphql_of_the_newest: ("POST /graphql?add", "POST /graphql?all"),
    graphql_by_chance: ("POST /graphql?all", "POST /graphql?add"),
    escaped_in_several_ways: ("POST /texts", "GET /texts"),
    base64_of_texts: ("POST /texts", "GET /texts"),
}
"""Each application with the requests of its load."""
