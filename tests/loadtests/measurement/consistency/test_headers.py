"""The checks send what the load sends: its headers and its cookies."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask, redirect, request

from loadtests.measurement.consistency.client import joined, limit_left, retry_after_s
from loadtests.model.consistency import ProbeState
from tests.loadtests.measurement.consistency.plain_app import Store, app_of_one_key
from tests.loadtests.measurement.consistency.site import asked
from tests.loadtests.measurement.consistency.site import request as spec

KEY = {"X-Api-Key": "k-1"}
TLS = {"X-Forwarded-Proto": "https"}


def behind_a_key(shared: Store, own: Store) -> Flask:
    """Nobody gets an answer without the key; what is written is shared, and named by a redirect."""
    app, notes = app_of_one_key(), shared.setdefault("notes", [])

    @app.before_request
    def check() -> Any:
        return None if request.headers.get("X-Api-Key") == "k-1" else ("who are you?", 401)

    @app.post("/notes")
    def write() -> Any:
        notes.append(request.get_data(as_text=True))
        return redirect(f"/notes/{len(notes)}")

    @app.get("/notes/<int:number>")
    def read(number: int) -> Any:
        return notes[number - 1] if number <= len(notes) else ("no such note", 404)

    return app


def behind_tls(shared: Store, own: Store) -> Flask:
    """What does not come by https is sent there."""
    app = app_of_one_key()

    @app.get("/me")
    def me() -> Any:
        secure = request.headers.get("X-Forwarded-Proto") == "https"
        return "ada" if secure else redirect(f"https://{request.host}/me", 301)

    return app


def to_no_address(shared: Store, own: Store) -> Flask:
    """Its redirect leads nowhere: a program wrote an object where a host should be."""
    app = app_of_one_key()

    def answers(_: Any, start: Any) -> list[bytes]:
        start("302 FOUND", [("Location", "http://[object Object]/")])
        return [b""]

    app.wsgi_app = answers  # type: ignore[method-assign, assignment]  # Werkzeug would refuse to send it
    return app


def of_a_cookie(shared: Store, own: Store) -> Flask:
    app = app_of_one_key()

    @app.get("/me")
    def me() -> Any:
        return "ada" if request.cookies.get("sid") == "s-1" else ("who are you?", 401)

    return app


def test_headers_of_the_load_go_with_every_request_even_with_pages_that_answers_name() -> None:
    results = asked(behind_a_key, spec("POST /notes", body="a note"), headers=KEY)

    states = {result.check: result.state for result in results}
    assert states["GET /notes/<n>"] is ProbeState.OK


def test_a_requests_own_header_comes_before_that_of_the_load() -> None:
    (result,) = asked(behind_a_key, spec("GET /notes/1", headers={"x-api-key": "k-2"}), headers=KEY)

    assert result.state is ProbeState.UNCHECKED
    assert "401" in result.detail


@pytest.mark.parametrize(
    ("own", "of_load"),
    [({"Cookie": "sid=s-1"}, {}), ({}, {"Cookie": "sid=s-1"}), ({}, {"cookie": "a=b; sid=s-1"})],
)
def test_a_cookie_among_the_headers_is_sent(own: dict[str, str], of_load: dict[str, str]) -> None:
    (result,) = asked(of_a_cookie, spec("GET /me", headers=own), headers=of_load)

    assert result.state is ProbeState.OK


def test_a_redirect_to_the_same_page_over_https_is_nothing_to_compare() -> None:
    (result,) = asked(behind_tls, spec("GET /me"))

    assert result.state is ProbeState.UNCHECKED
    assert result.detail == (
        "gthread-1 itself answered GET /me with nothing (a redirect to the same page over https;"
        " send it with --header X-Forwarded-Proto=https), so there is nothing to compare."
    )


def test_a_redirect_to_what_is_no_address_is_an_answer_like_others() -> None:
    (result,) = asked(to_no_address, spec("GET /me"))

    assert result.state is ProbeState.OK


@pytest.mark.parametrize("text", ["\xb2", "9" * 5000, "soon", ""])
def test_a_limit_that_is_no_number_says_nothing(text: str) -> None:
    assert limit_left({"x-ratelimit-remaining": text}) is None
    assert retry_after_s({"retry-after": text}) is None


def test_a_limit_that_is_a_number_is_read() -> None:
    assert limit_left({"x-ratelimit-remaining": " 9 "}) == 9
    assert limit_left({"ratelimit": "limit=10, remaining=3"}) == 3
    assert retry_after_s({"retry-after": "60"}) == 60


def test_with_the_header_it_is_compared() -> None:
    (result,) = asked(behind_tls, spec("GET /me"), headers=TLS)

    assert result.state is ProbeState.OK
    assert "answered GET /me alike" in result.detail


@pytest.mark.parametrize(
    ("own", "cookies", "sent"),
    [
        ("", "", ""),
        ("a=1", "", "a=1"),
        ("", "b=2", "b=2"),
        ("a=1; b=1", "b=2; c=3", "a=1; b=2; c=3"),
    ],
)
def test_a_cookie_that_an_answer_set_comes_before_one_among_the_headers(
    own: str, cookies: str, sent: str
) -> None:
    assert joined(own, cookies) == sent
