"""A comma that is missing is told where it is missing, and all behind it is read."""

from __future__ import annotations

import pytest

from loadtests.config.file import syntax


@pytest.mark.parametrize(
    ("text", "values", "mistakes"),
    [
        ("a = [1 2]\nb = 3\n", {"a": [1, 2], "b": 3}, [(1, "a")]),
        ('[t]\na = [\n  "x" # one\n  # two\n\n  "y"\n]\n', {"t": {"a": ["x", "y"]}}, [(3, "t.a")]),
        ("a = [\n1\n2\n3\n]\n", {"a": [1, 2, 3]}, [(2, "a"), (3, "a")]),
        ("a = {b = 1 c = 2}\n", {"a": {"b": 1, "c": 2}}, [(1, "a")]),
    ],
)
def test_a_missing_comma_is_told_at_the_value_before_it(
    text: str, values: dict[str, object], mistakes: list[tuple[int, str]]
) -> None:
    document = syntax.parse(text)

    assert document.values == values
    assert [(each.line, each.key) for each in document.mistakes] == mistakes
    assert {each.problem for each in document.mistakes} == {"A comma is missing after this value."}


@pytest.mark.parametrize("text", ["a = [1,\n2\n[t]\nb = 3\n", "a = [1\nb = 3\n", "a = [1 b]\n"])
def test_a_bracket_that_is_not_closed_is_no_missing_comma(text: str) -> None:
    (mistake,) = syntax.parse(text).mistakes

    assert mistake.problem == "A bracket is not closed. Add its ]."
