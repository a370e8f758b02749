"""The body of a form is read and written as the standard library does it."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtests.analysis.consistency.bodies import form

TEXTS = st.text(st.characters(codec="utf-8"))


@given(st.dictionaries(TEXTS, TEXTS))
def test_texts_come_back_as_they_were(texts: dict[str, str]) -> None:
    assert form.parsed(form.encoded(texts)) == texts
    assert form.parsed(urlencode(texts)) == texts
    pairs = parse_qsl(form.encoded(texts), keep_blank_values=True)
    assert dict(pairs) == texts


@pytest.mark.parametrize(
    ("body", "texts"),
    [
        ("", {}),
        ("a", {"a": ""}),
        ("a=1=2&&b=%", {"a": "1=2", "b": "%"}),
        ("a=%ff", {"a": "\N{REPLACEMENT CHARACTER}"}),
        ("a=1&a=2", None),
    ],
)
def test_what_no_browser_sends_is_read_all_the_same(
    body: str, texts: dict[str, str] | None
) -> None:
    assert form.parsed(body) == texts
