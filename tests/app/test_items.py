from __future__ import annotations

import hashlib

import pytest
from flask.testing import FlaskClient

from app.application import Application


@pytest.fixture
def stored(stored_app: Application) -> FlaskClient:
    return stored_app.test_client()


def test_db_reads_the_item_that_is_asked_for(stored: FlaskClient) -> None:
    body = hashlib.md5(b"7").hexdigest() * 3

    assert stored.get("/db?id=7").get_json() == {"id": 7, "body": body}


def test_db_reads_any_item_by_default(stored: FlaskClient) -> None:
    assert len({stored.get("/db").get_json()["id"] for _ in range(5)}) > 1


@pytest.mark.parametrize("wanted", ["0", "10001", "one"])
def test_an_item_that_cannot_be_is_a_bad_request(stored: FlaskClient, wanted: str) -> None:
    assert stored.get(f"/db?id={wanted}").status_code == 400


def test_an_item_that_was_removed_is_not_found(stored_app: Application) -> None:
    removed = stored_app.store.row("DELETE FROM items WHERE id = 13 RETURNING id, body")
    assert removed

    answer = stored_app.test_client().get("/db?id=13")

    stored_app.store.row("INSERT INTO items VALUES (%s, %s) RETURNING id", *removed)
    assert answer.status_code == 404


def test_a_write_inserts_one_event(stored_app: Application) -> None:
    answer = stored_app.test_client().post("/db/write?id=9")

    assert answer.status_code == 201
    query = "SELECT item_id FROM events WHERE id = %s"
    assert stored_app.store.row(query, answer.get_json()["event"]) == (9,)


def test_reading_never_writes(stored: FlaskClient) -> None:
    assert stored.get("/db/write").status_code == 405


def test_mixed_renders_the_item(stored: FlaskClient) -> None:
    page = stored.get("/mixed?id=7").text

    assert "<h1>Item 7</h1>" in page
    assert page.count("<tr>") == 64


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/db"), ("POST", "/db/write"), ("GET", "/mixed")]
)
def test_without_a_store_the_answer_says_how_to_have_one(
    client: FlaskClient, method: str, path: str
) -> None:
    answer = client.open(path, method=method)

    assert answer.status_code == 503
    assert "Start it with DATABASE_URL=postgresql://" in answer.get_json()["detail"]
