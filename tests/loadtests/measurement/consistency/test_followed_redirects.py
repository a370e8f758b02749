"""What redirects lead to is asked, too, and only looks like a login where it is one."""

from __future__ import annotations

import os
from typing import Any

import pytest
from flask import Flask, Response, redirect, request

from loadtests.model.consistency import ProbeKind, ProbeState
from tests.loadtests.measurement.consistency import innocent_redirects, site
from tests.loadtests.measurement.consistency.plain_app import Store, app_of_one_key
from tests.loadtests.measurement.consistency.site import asked, breaks


def posts_at(path: str) -> Any:
    """Give an application of posts on each server's disk, whose list lies at a path."""

    def make(shared: Store, own: Store) -> Flask:
        app, posts = app_of_one_key(), own.setdefault("posts", [])

        @app.post("/posts")
        def write() -> Any:
            posts.append(request.get_json()["text"])
            return redirect(path)

        @app.get(path)
        def read() -> str:
            return "<br>".join(posts)

        return app

    return make


def sent_away_to(page: str) -> Any:
    """Give an application of sessions in memory; a stranger is sent to a page with a new number."""

    def make(shared: Store, own: Store) -> Flask:
        app, sessions = app_of_one_key(), own.setdefault("sessions", set())

        @app.post("/signup")
        def signup() -> Response:
            key = os.urandom(8).hex()
            sessions.add(key)
            answer = Response("welcome")
            answer.set_cookie("sid", key)
            return answer

        @app.get("/me")
        def me() -> Any:
            is_known = request.cookies.get("sid") in sessions
            return "Your orders" if is_known else redirect(page.format(os.urandom(8).hex()))

        return app

    return make


POST = site.request("POST /posts", json={"text": "buy some milk"})


@pytest.mark.parametrize("path", ["/all", "/blog_index", "/auth/settings", "/design-inspiration"])
def test_a_write_that_leads_to_a_page_is_accepted(path: str) -> None:
    (result,) = breaks(asked(posts_at(path), POST, site.request(f"GET {path}")))

    assert result.write == "POST /posts"


def slash_on_own_disk(shared: Store, own: Store) -> Flask:
    """Flask redirects /notes to /notes/, whose notes lie on each server's disk."""
    return innocent_redirects.slash(own, {})


def dashboard(shared: Store, own: Store) -> Flask:
    """Sessions lie in each server's memory; everybody is sent to the dashboard, by two steps."""
    app, sessions = app_of_one_key(), own.setdefault("sessions", {})

    @app.post("/start")
    def start() -> Response:
        key = os.urandom(8).hex()
        sessions[key] = request.form["user"]
        answer = Response("welcome")
        answer.set_cookie("sid", key)
        return answer

    @app.get("/")
    def index() -> Any:
        return redirect("/home")

    @app.get("/home")
    def home() -> Any:
        return redirect("/dashboard")

    @app.get("/dashboard")
    def page() -> str:
        return f"Hello {sessions.get(request.cookies.get('sid', ''), 'stranger')}"

    return app


@pytest.mark.parametrize("is_old", [False, True])
def test_what_flask_redirects_for_its_slash_is_compared(*, is_old: bool) -> None:
    write = site.request("POST /notes/", json={"text": "buy some milk"})

    results = asked(
        slash_on_own_disk,
        site.request("GET /notes"),
        write,
        before=[write] if is_old else [],
    )

    (result,) = breaks(results)
    assert (result.check, result.write) == ("GET /notes/", "POST /notes/")
    assert result.kind is ProbeKind.WRITTEN


def test_so_is_the_page_behind_two_redirects_of_a_user_who_logged_in() -> None:
    start = site.request("POST /start", form={"user": "ada"})

    results = asked(dashboard, site.request("GET /"), start=[start])

    (result,) = breaks(results)
    assert result.check == "GET /dashboard"
    assert result.detail.startswith("The cookie that gthread-1 gave is refused by gthread-2.")
    assert result.write == ""


def test_a_page_behind_is_asked_once_although_the_load_asks_for_it() -> None:
    results = asked(dashboard, site.request("GET /home"), site.request("GET /dashboard"))

    assert [result.check for result in results] == ["GET /home", "GET /dashboard"]


def test_what_is_shared_behind_a_redirect_is_ok() -> None:
    write = site.request("POST /notes/", json={"text": "buy some milk"})

    results = asked(innocent_redirects.slash, site.request("GET /notes"), write, before=[write])

    assert {result.check: result.state for result in results} == {
        "GET /notes": ProbeState.OK,
        "GET /notes/": ProbeState.OK,
    }


def test_nothing_is_asked_behind_a_redirect_to_another_host() -> None:
    (result,) = asked(innocent_redirects.another_host, site.request("GET /"))

    assert result.check == "GET /"


def test_nor_behind_one_that_would_end_the_session() -> None:
    login = site.request("POST /login", form={"user": "ada"})
    me, index = site.request("GET /me"), site.request("GET /")

    results = asked(innocent_redirects.logout_behind, me, index, start=[login])

    assert {result.check for result in results} == {"GET /me", "GET /"}
    assert {result.state for result in results} == {ProbeState.OK}


@pytest.mark.parametrize(
    "page",
    [
        "/auth/oidc?next=/me&state={}",
        "/sso/start?nonce={}",
        "/index.php?page=members&nonce={}",
        "https://acme.okta.example/app/exk1/sso/saml?SAMLRequest={}",
        "https://idp.example/idp/SSO.saml2?SAMLRequest={}",
    ],
)
def test_a_redirect_of_strangers_whose_query_changes_is_one_refusal(page: str) -> None:
    start = site.request("POST /signup", form={"user": "ada"})

    (result,) = breaks(asked(sent_away_to(page), site.request("GET /me"), start=[start]))

    assert result.detail.startswith("The cookie that gthread-1 gave is refused by gthread-2.")
