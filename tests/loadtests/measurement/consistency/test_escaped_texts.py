"""What is written is recognised although the answer escapes it."""

from __future__ import annotations

import html
import json
from typing import Any

import pytest
from flask import Flask, Response, redirect, request

from loadtests.model.consistency import ProbeState
from tests.loadtests.measurement.consistency import site
from tests.loadtests.measurement.consistency.plain_app import Store, app_of_one_key
from tests.loadtests.measurement.consistency.site import Make, asked, breaks

SENTENCES = (
    "Молоко купить сегодня",
    "牛乳を買ってください",
    "牛乳",
    "दूध खरीदो",
    "Überraschungsfest für Zoë",
    "first line\nsecond line",
)
LINK = "https://example.com/?a=1&b=2"


def notes_in(notes: list[str]) -> Flask:
    """Notes that JSON returns in ASCII, as jsonify does."""
    app = app_of_one_key()

    @app.post("/notes")
    def write() -> tuple[dict[str, bool], int]:
        notes.append(request.get_json()["text"])
        return {"ok": True}, 201

    @app.get("/notes")
    def read() -> Response:
        return Response(json.dumps({"notes": notes}), content_type="application/json")

    return app


def links_in(links: list[str]) -> Flask:
    """Links that a page shows."""
    app = app_of_one_key()

    @app.post("/shorten")
    def write() -> Any:
        links.append(request.form["url"])
        return redirect("/")

    @app.get("/")
    def read() -> str:
        return "".join(f"<li>{html.escape(link)}" for link in links)

    return app


def own_notes(shared: Store, own: Store) -> Flask:
    return notes_in(own.setdefault("notes", []))


def notes_of_a_process(shared: Store, own: Store) -> Flask:
    return notes_in([])


def shared_notes(shared: Store, own: Store) -> Flask:
    return notes_in(shared.setdefault("notes", []))


def own_links(shared: Store, own: Store) -> Flask:
    return links_in(own.setdefault("links", []))


def shared_links(shared: Store, own: Store) -> Flask:
    return links_in(shared.setdefault("links", []))


@pytest.mark.parametrize("is_old", [False, True])
@pytest.mark.parametrize("text", SENTENCES)
def test_a_text_that_json_escapes_breaks_where_each_server_has_its_own(
    text: str, *, is_old: bool
) -> None:
    write = site.request("POST /notes", json={"text": text})

    results = asked(own_notes, write, site.request("GET /notes"), before=[write] if is_old else [])

    (result,) = breaks(results)
    assert (result.check, result.write) == ("GET /notes", "POST /notes")


@pytest.mark.parametrize("text", SENTENCES)
def test_so_it_does_where_each_process_has(text: str) -> None:
    write = site.request("POST /notes", json={"text": text})

    (result,) = breaks(asked(notes_of_a_process, write, site.request("GET /notes"), processes=3))

    assert result.one_server


def test_so_does_a_link_that_a_page_escapes() -> None:
    (result,) = breaks(asked(own_links, site.request("POST /shorten", form={"url": LINK})))

    assert result.write == "POST /shorten"


@pytest.mark.parametrize("servers", [1, 2, 4])
@pytest.mark.parametrize("make", [shared_notes, shared_links])
def test_what_all_share_is_ok_and_has_the_loads_own_text_again(make: Make, servers: int) -> None:
    for text in SENTENCES:
        shared: dict[str, Any] = {}
        write = site.request("POST /notes", json={"text": text})
        if make is shared_links:
            write = site.request("POST /shorten", form={"url": LINK})

        results = asked(
            make, write, site.request("GET /notes"), before=[write], servers=servers, shared=shared
        )

        assert breaks(results) == []
        (last,) = {kept[-1] for kept in shared.values()}
        assert last == (LINK if make is shared_links else text)
    assert ProbeState.OK in {result.state for result in results}
