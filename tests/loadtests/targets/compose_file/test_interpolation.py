"""Variables in a text, as Compose replaces them."""

from __future__ import annotations

import pytest

from loadtests.targets.compose_file.interpolation import MOST_LEVELS, replaced

VALUES = {"A": "a", "EMPTY": "", "_2": "two"}


@pytest.mark.parametrize(
    ("text", "value", "unset"),
    [
        ("$A-${A}", "a-a", ()),
        ("$_2${_2}", "twotwo", ()),
        ("$$A", "$A", ()),
        ("$$$A", "$a", ()),
        ("${GONE}", "", ("GONE",)),
        ("${GONE?}${GONE:?say it}", "", ("GONE",)),
        ("${GONE-b}${GONE:-c}", "bc", ()),
        ("${EMPTY-b}${EMPTY:-c}", "c", ()),
        ("${A:+on}${A+on}${GONE:+on}${EMPTY:+on}${EMPTY+on}", "ononon", ()),
        ("${GONE:-${EMPTY:-c}}", "c", ()),
        ("${GONE:-$A/${A}}!", "a/a!", ()),
        ("${GONE:-${LOST}}", "", ("LOST",)),
        ("${A:-${LOST}}", "a", ()),
        ("${A:+${A}${GONE-b}}", "ab", ()),
        ('${GONE:-{"a": {"b": 1}}}', '{"a": {"b": 1}}', ()),
        ("${GONE:-a:-b}", "a:-b", ()),
        ("${GONE:-}", "", ()),
        ("100 $ and ${} and ${1} and ${A b}", "100 $ and ${} and ${1} and ${A b}", ()),
        ("$A ${A:-b $A", "a ${A:-b $A", ()),
    ],
)
def test_a_variable_is_replaced_by_its_value_or_what_stands_for_it(
    text: str, value: str, unset: tuple[str, ...]
) -> None:
    missing: dict[str, None] = {}

    assert (replaced(text, VALUES, missing), tuple(missing)) == (value, unset)


def test_defaults_that_are_nested_without_end_are_left_as_they_are() -> None:
    text = "${GONE:-" * 5000 + "}" * 5000

    assert replaced(text, VALUES, {}).startswith("${GONE:-" * (4999 - MOST_LEVELS))
