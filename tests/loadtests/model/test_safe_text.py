"""Text of others is shown, and does nothing."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtests.model.safe_text import logged, one_line, printable

ANY = st.text(st.characters())


@given(ANY)
def test_no_control_character_is_left_but_line_breaks_and_tabs(text: str) -> None:
    kept = printable(text)

    kinds = {unicodedata.category(char) for char in kept if char not in "\n\t"}
    assert not kinds & {"Cc", "Cs", "Zl", "Zp"}
    assert not set("\u202e\u2066\u200b\ufeff") & set(kept)
    kept.encode()


@given(ANY)
def test_what_is_harmless_stays_as_it_is(text: str) -> None:
    assert logged(logged(text)) == logged(text)
    assert printable(printable(text)) == printable(text)


@given(st.lists(st.sampled_from([":", "::", "#", "[", " ", "\n", "\t", "error", "vso"])))
def test_no_line_is_a_command(parts: list[str]) -> None:
    lines = logged("".join(parts)).split("\n")

    assert not [line for line in lines if line.strip().startswith("::")]
    assert not [line for line in lines if "##[" in line or "##vso[" in line]


@pytest.mark.parametrize(
    "text", ["", "1 → 2: 1.98 [1.9, 2.1] ± 3 % ×", "a\tb\nc", "a::b", "# x", "naïve 日本 🙂"]
)
def test_ordinary_text_is_not_changed(text: str) -> None:
    assert logged(text) == text


def test_the_name_of_a_file_is_on_one_line() -> None:
    assert one_line("a\n::error::\tb\x1b") == "a␊::error::␉b␛"
