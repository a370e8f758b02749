"""What an answer returns is found as it is, and escaped as in JSON and HTML."""

from __future__ import annotations

import html
import json

import pytest

from loadtests.analysis.consistency.written import has

TEXTS = [
    "Молоко купить сегодня",
    "牛乳を買ってください",
    "Überraschungsfest für Zoë",
    "cake 🎂 for all",
    "first line\nsecond line",
    "first line\r\nsecond line",
    'she said "no" & left\\went',
    "https://example.com/?a=1&b=2",
    "it's <b>bold</b>",
]


@pytest.mark.parametrize("text", TEXTS)
def test_a_text_is_found_as_json_and_html_write_it(text: str) -> None:
    as_json, as_html = json.dumps({"notes": [text]}), html.escape(text)
    for body in (
        as_json,
        json.dumps({"notes": [text]}, ensure_ascii=False),
        as_json.replace("<", "\\u003c").replace("&", "\\u0026").replace("/", "\\/"),
        f"<li>{as_html}</li>",
        f"<script>const notes = {as_json};</script>",
        f"<ul data-notes='{html.escape(as_json)}'></ul>",
        json.dumps({"page": f"<li>{as_html}</li>"}),
    ):
        assert has(text, body), body


@pytest.mark.parametrize("text", TEXTS)
def test_nor_does_the_end_of_a_line_matter(text: str) -> None:
    assert has(text, text.replace("\r\n", "\n"))
    assert has(text.replace("\r\n", "\n"), json.dumps(text))


@pytest.mark.parametrize(
    "body", ["", "{}", "\\u04", "\\ud83d", "&amp;", '{"notes": ["first line"]}', "Mолоко", "\\"]
)
def test_a_text_that_is_not_there_is_not_found(body: str) -> None:
    assert not any(has(text, body) for text in TEXTS)


def test_an_escaped_backslash_begins_no_other_escape() -> None:
    assert has("\\u043c", json.dumps("\\u043c"))
    assert not has("м", json.dumps("\\u043c"))
