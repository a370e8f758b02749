"""Values of a request list: ranges, choices, and words of lists, the same for the same seed."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping

import pytest

from loadtests.generator.request_list.placeholders import (
    Draw,
    Template,
    names_in,
    parse,
    range_of,
)

VALUES: Mapping[str, tuple[str, ...]] = {
    "who": ("ada", "bob", "cyd"),
    "password": ("a1", "b2", "c3"),
    "page": ("1", "2"),
}


def draws(seed: int = 1, rows: Mapping[int, int] | None = None) -> Draw:
    return Draw(random.Random(seed), rows or {})


def template(text: str) -> Template:
    return Template([(part, str.encode) for part in parse(text, VALUES)])


def rendered(text: str, count: int = 1, seed: int = 1) -> list[str]:
    rng = random.Random(seed)
    made = template(text)
    return [made.render(Draw(rng, {})).decode() for _ in range(count)]


def test_a_range_has_both_ends_and_all_between_about_as_often() -> None:
    counts = Counter(rendered("{1..4}", 4_000))

    assert set(counts) == {"1", "2", "3", "4"}
    assert min(counts.values()) > 850


def test_leading_zeros_of_a_range_are_kept() -> None:
    assert {len(text) for text in rendered("{001..100}", 200)} == {3}
    assert set(rendered("{0..1}", 50)) == {"0", "1"}


def test_a_range_may_begin_and_end_below_nought() -> None:
    assert set(rendered("/{-2..1}", 200)) == {"/-2", "/-1", "/0", "/1"}
    assert set(rendered("{-3..-2}", 50)) == {"-3", "-2"}
    assert set(rendered("{-01..1}", 100)) == {"-01", "00", "01"}


def test_choices_may_be_empty() -> None:
    assert set(rendered("/{a|b|}", 100)) == {"/a", "/b", "/"}


def test_lists_of_the_same_length_are_read_in_the_same_row() -> None:
    pairs = set(rendered("{who}:{password}", 200))

    assert pairs == {"ada:a1", "bob:b2", "cyd:c3"}
    assert len(set(rendered("{who}:{page}", 200))) == 6


def test_a_row_that_a_user_keeps_is_used_for_its_lists() -> None:
    made = template("{who} {password}")

    assert {made.render(draws(seed, {3: 2})) for seed in range(20)} == {b"cyd c3"}


def test_the_same_seed_gives_the_same_values_and_another_one_others() -> None:
    text = "/items/{1..1000}?q={who}&sort={up|down}"

    assert rendered(text, 50, seed=7) == rendered(text, 50, seed=7)
    assert rendered(text, 50, seed=7) != rendered(text, 50, seed=8)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "/plain",
        "{unknown}",
        "{9..1}",
        "{-1..-9}",
        '{"id": 1}',
        '{"a": "x|y"}',
        "{}",
        "{1..}",
        "{ }",
        "a}b{c",
        "{1..2",
    ],
)
def test_other_braces_stay_as_they_are(text: str) -> None:
    assert parse(text, VALUES) == [text]
    assert template(text).fixed == text.encode()


def test_placeholders_inside_of_json_are_filled() -> None:
    assert rendered('{"id": {5..5}, "who": "{who}"}')[0].startswith('{"id": 5, "who": "')


def test_fixed_parts_and_values_are_encoded_each_in_its_own_way() -> None:
    pieces = [
        (part, (lambda text: f"<{text}>".encode()) if callable(part) else str.encode)
        for part in parse("/{who|who}/x", VALUES)
    ]

    assert Template(pieces).render(draws()) == b"/<who>/x"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{1..9}", (1, 9)),
        ("{007..9}", (7, 9)),
        ("{-9..-1}", (-9, -1)),
        ("x{1..9}", None),
        ("{9..1}", None),
        ("{a|b}", None),
        ("9", None),
    ],
)
def test_a_text_that_is_a_range_and_nothing_else_is_a_number(
    text: str, expected: tuple[int, int] | None
) -> None:
    assert range_of(text) == expected


def test_the_names_of_lists_in_a_text_are_known() -> None:
    assert names_in("/{who}/{1..2}/{a|b}/{gone}?p={page}", VALUES) == {"who", "page"}
