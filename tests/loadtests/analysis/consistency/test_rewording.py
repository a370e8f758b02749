"""A write gets a word of its own, and stays a write of the same kind."""

from __future__ import annotations

import json
import random
import re
from typing import Any

import pytest

from loadtests.analysis.consistency.rewording import Rewording, rewordings
from loadtests.model.tested.workload import RequestSpec

RNG = random.Random(7)

JSON = {"Content-Type": "application/json; charset=utf-8"}
FORM = {"content-type": "application/x-www-form-urlencoded"}


def of(**fields: Any) -> tuple[Rewording, ...]:
    return rewordings(RequestSpec(**{"method": "POST", "path": "/notes"} | fields), RNG)


def texts(**fields: Any) -> list[str]:
    """Give the texts under the key ``text`` of a JSON document, as they may become."""
    return [found.request.json["text"] for found in of(json=fields)]


@pytest.mark.parametrize(
    ("text", "becomes"),
    [
        ("buy milk", r"buy [a-z]{6}"),
        ("Berlin", r"[A-Z][a-z]{5}"),
        ("BERLIN", r"[A-Z]{6}"),
        ("Straße 12", r"[A-Z][a-z]{5} 12"),
        ("go to it", r"[a-z]{6} to it"),
        ("see you on 2026-11-29 at 10:45", r"[a-z]{6} you on 2026-11-29 at 10:45"),
        ("user-48213", r"[a-z]{6}-48213"),
        ("牛乳", r"[a-z]{6}"),
        ("Молоко купить", r"[A-Z][a-z]{5} купить"),
        ("दूध खरीदो", r"दूध [a-z]{6}"),
        ("buy milk\nand a loaf", r"buy [a-z]{6}\nand a loaf"),
    ],
)
def test_the_longest_word_of_a_text_becomes_another_of_its_kind(text: str, becomes: str) -> None:
    (new,) = texts(text=text)

    assert re.fullmatch(becomes, new)
    assert new != text


def test_an_id_that_is_a_text_becomes_another_id() -> None:
    old = "123e4567-e89b-42d3-a456-426614174000"

    (uuid,), (digits,) = texts(text=old), texts(text="0123456789abcdef0123")

    assert re.fullmatch(r"[0-9a-f-]{36}", uuid)
    assert uuid != old
    assert re.fullmatch(r"[0-9a-f]{20}", digits)


@pytest.mark.parametrize(
    "text",
    [
        "ada@example.org",
        "https://example.org/a",
        "2026-11-29T10:45:00Z",
        "Sun, 29 Nov 2026 10:45:00 GMT",
        "12.50",
        "EUR",
        "a",
        "",
        "<b>bold</b>",
        "mutation { add(text: 1) }",
        "mutation {\n  add\n}",
        "first line\n<b>second</b> line",
        "long " * 50,
    ],
)
def test_a_text_of_another_kind_stays_as_it_is(text: str) -> None:
    assert texts(text=text) == []


@pytest.mark.parametrize(
    "key", ["id", "user_id", "slug", "csrf_token", "email", "country", "status", "created_date"]
)
def test_a_text_that_is_looked_up_or_checked_stays_as_it_is(key: str) -> None:
    assert of(json={key: "something"}) == ()


def test_a_login_and_a_registration_stay_as_they_are() -> None:
    assert of(path="/login", form={"user": "ada lovelace"}) == ()
    assert of(path="/register", form={"name": "ada lovelace", "password": "secret word"}) == ()


def test_the_longest_text_comes_first_and_one_is_changed_at_a_time() -> None:
    first, second = of(json={"title": "A walk", "tags": [{"label": "a long walk by the sea"}]})

    assert first.request.json["title"] == "A walk"
    assert first.word in first.request.json["tags"][0]["label"]
    assert second.request.json["tags"] == [{"label": "a long walk by the sea"}]
    assert second.old == "walk"


@pytest.mark.parametrize(
    ("fields", "there"),
    [
        ({"form": {"text": "buy milk"}}, r"buy [a-z]{6}"),
        ({"query": {"text": "buy milk"}}, r"buy [a-z]{6}"),
        ({"body": "buy milk"}, r"buy [a-z]{6}"),
        ({"body": '{"text": "buy milk", "n": 1}', "headers": JSON}, r"buy [a-z]{6}"),
        ({"body": "text=buy+milk&n=1", "headers": FORM}, r"buy\+[a-z]{6}"),
    ],
)
def test_a_text_is_changed_wherever_a_request_has_it(fields: dict[str, Any], there: str) -> None:
    (found,) = of(**fields)

    request = found.request
    written = f"{request.form} {request.query} {request.body}"
    assert re.search(there, written)
    assert "milk" not in written


def test_a_body_keeps_its_other_values() -> None:
    (found,) = of(body='{"text": "buy milk", "n": [1, true, null]}', headers=JSON)

    assert json.loads(found.request.body or "")["n"] == [1, True, None]


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ("some bytes", "application/octet-stream"),
        ("<note>buy milk</note>", "application/xml"),
        ("a=buy+milk&a=bread", FORM["content-type"]),
        ("--x\r\nContent-Disposition: form-data", "multipart/form-data"),
    ],
)
def test_a_body_of_another_kind_stays_as_it_is(body: str, kind: str) -> None:
    assert of(body=body, headers={"Content-Type": kind}) == ()


def test_only_the_texts_inside_a_document_of_graphql_are_changed() -> None:
    (found,) = of(json={"query": 'mutation Add { add(id: "lamp shade", text: "buy milk") { id } }'})

    document = found.request.json["query"]
    assert re.fullmatch(
        r'mutation Add \{ add\(id: "lamp shade", text: "buy [a-z]{6}"\) \{ id \} \}', document
    )
    assert (found.old, found.word in document) == ("milk", True)


def test_a_registration_by_graphql_stays_as_it_is() -> None:
    document = 'mutation { join(name: "ada lovelace", password: "secret word") { id } }'

    assert of(json={"query": document}) == ()
