"""What an application may send to be hard to read: it is read in time, and raises nothing."""

from __future__ import annotations

import time

import pytest

from loadtests.analysis.consistency.bodies.json_text import json_in
from loadtests.analysis.consistency.normal_form import MOST_CHARS, normal


@pytest.mark.parametrize(
    "body",
    [
        "[" * 100_000,
        "[" * 900 + "]" * 900,
        "." * MOST_CHARS,
        "-" * MOST_CHARS,
        "a" * MOST_CHARS,
        "1" * MOST_CHARS,
        "1." * (MOST_CHARS // 2),
        " " * MOST_CHARS,
        '{"a": ' * 50_000,
    ],
    ids=lambda body: f"{body[:6]!r} and so on",
)
def test_a_body_that_is_made_to_be_hard_to_read_is_read_in_time(body: str) -> None:
    began_s = time.process_time()

    normal(body)
    json_in(body)

    assert time.process_time() - began_s < 2.0


def test_tokens_are_no_difference_wherever_they_stand() -> None:
    assert normal("x=..AbCdEfGhIjKlMnOpQrStUvWxYz0123456789") == normal(
        "x=..ZyCdEfGhIjKlMnOpQrStUvWxYz0123456780"
    )


def test_json_is_compared_without_its_order() -> None:
    assert normal('{"a": [2, 1], "b": null}') == normal('{"b": null, "a": [1, 2]}')
