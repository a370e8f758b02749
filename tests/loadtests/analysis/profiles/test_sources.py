"""Functions and lines by a file's source."""

from __future__ import annotations

import pytest

from loadtests.analysis.profiles.sources import Source, moved_lines

TEXT = """\
class Shop:
    def get(self):
        return [x for x in
                self.rows]

class Cart:
    @cached
    def get(self):
        def inner():
            return 1
        return inner()

RATE = 3
"""


@pytest.mark.parametrize(
    ("line", "frame", "name"),
    [
        (3, "get", "Shop.get"),
        (3, "Shop.get", "Shop.get"),
        (10, "Cart.get.<locals>.inner", "Cart.get.inner"),
        (4, "Shop.get.<locals>.<listcomp>", "Shop.get"),
        (4, "<listcomp>", "Shop.get"),
        (7, "get", "Cart.get"),
        (10, "inner", "Cart.get.inner"),
        (11, "get", "Cart.get"),
        (13, "<module>", None),
        (13, "inner", "Cart.get.inner"),  # its line was read at another moment
        (13, "get", None),  # two have this name
    ],
)
def test_a_line_belongs_to_its_innermost_function(line: int, frame: str, name: str | None) -> None:
    definition = Source.of(TEXT).function_at(line, frame)

    assert (definition.name if definition else None) == name


def test_a_text_that_is_no_python_has_no_functions() -> None:
    assert Source.of("def broken(:\n").definitions == ()
    assert Source.of("\0").definitions == ()
    assert not Source.of("def broken(:\n").is_parsed
    assert Source.of("").is_parsed


def test_what_a_text_is_warned_of_is_not_told() -> None:
    assert Source.of('def f():\n    return "\\d"\n').has("f")


def test_a_source_knows_whether_it_has_a_function() -> None:
    source = Source.of(TEXT)

    assert source.has("Cart.get.inner")
    assert not source.has("get")
    assert source.has("<module>")
    assert not Source.of("").has("<module>")


def test_lines_that_moved_keep_their_identity() -> None:
    before = "one\ntwo\nthree\nfour\n"
    after = "# new\none\ntwo and more\nthree\nfour\n"

    assert moved_lines(before, after) == {1: 2, 3: 4, 4: 5}
