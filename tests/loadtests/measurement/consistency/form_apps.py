"""Applications whose forms have a token of the session, as Flask-WTF, Rails or Django want it."""

from __future__ import annotations

import os
from typing import Any
from urllib.parse import urlencode

from flask import Flask, abort, redirect, request, session

from loadtests.model.tested.workload import RequestSpec
from tests.loadtests.measurement.consistency.plain_app import Store, app_of_one_key
from tests.loadtests.measurement.consistency.site import request as spec

FIELD = '<form method="post"><input name="csrf_token" type="hidden" value="{}"></form>'
META = "<meta content='{}' name='csrf-token'>"

OLD = "of-a-session-that-is-gone"
"""The token that the check trial sent."""


def forms(app: Flask, shared: Store, page: str = FIELD, *, login_renews: bool = False) -> Flask:
    """Let users log in and write notes that all servers share; nobody may without the token."""
    notes = shared.setdefault("notes", [])

    def token() -> str:
        return str(session.setdefault("csrf", os.urandom(16).hex()))

    def check() -> None:
        given = request.headers.get("X-CSRFToken") or request.form.get("csrf_token")
        if given != session.get("csrf"):
            abort(400, "The CSRF token is invalid.")

    @app.get("/login")
    def login_page() -> str:
        return page.format(token())

    @app.post("/login")
    def login() -> Any:
        check()
        session["user"] = request.form["user"]
        if login_renews:
            session["csrf"] = os.urandom(16).hex()
        return redirect("/notes")

    @app.get("/notes")
    def read() -> Any:
        if "user" not in session:
            return redirect("/login")
        return f"{page.format(token())} {session['user']}: {', '.join(notes)}"

    @app.post("/notes")
    def write() -> Any:
        check()
        notes.append(request.form["text"])
        return redirect("/notes")

    return app


def shared_forms(shared: Store, own: Store) -> Flask:
    return forms(app_of_one_key(), shared)


def forms_whose_login_renews_the_token(shared: Store, own: Store) -> Flask:
    """As Django does. Each server keeps the notes, and has a page without a token."""
    app = forms(app_of_one_key(), own, login_renews=True)

    @app.get("/news")
    def news() -> str:
        return "nothing new"

    return app


def forms_with_a_meta_tag(shared: Store, own: Store) -> Flask:
    return forms(app_of_one_key(), shared, META)


def forms_dropped_at_the_start(shared: Store, own: Store) -> Flask:
    """Each process that starts drops the tables and makes them anew."""
    shared.setdefault("notes", []).clear()
    return shared_forms(shared, own)


def forms_of_a_random_key(shared: Store, own: Store) -> Flask:
    app = Flask(__name__)
    app.secret_key = os.urandom(24)
    return forms(app, shared)


def recorded(line: str, *, in_header: bool = False, **fields: str) -> RequestSpec:
    """Give a request as the check trial of a locustfile recorded it, with the token of then."""
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    if in_header:
        headers["X-CSRFToken"] = OLD
    else:
        fields = {"csrf_token": OLD, **fields}
    return spec(line, headers=headers, body=urlencode(fields))
