from typing import Any

import pytest

from scripts.generator_team import failed


def figures(**fields: Any) -> dict[str, Any]:
    row = {"offered_rps": 300.0}
    defaults: dict[str, Any] = {
        "rate": {"one": row, "two": row},
        "delays": [{"delay_ms": 5, "one": {"p50_ms": 5.4}, "two": {"p50_ms": 5.9}}],
        "kills": [{"lost": 1, "lost_in_the_next": 0}],
    }
    return defaults | fields


def test_two_machines_that_are_as_good_as_one_hold() -> None:
    assert failed(figures()) == []


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"rate": {"one": {"offered_rps": 300.0}, "two": {"offered_rps": 299.0}}}, "offered rates"),
        (
            {"delays": [{"delay_ms": 5, "one": {"p50_ms": 5.0}, "two": {"p50_ms": 8.0}}]},
            "the medians are 3.0 ms apart",
        ),
        ({"kills": [{"lost": 0, "lost_in_the_next": 0}]}, "0 of 1 killed"),
        ({"kills": [{"lost": 1, "lost_in_the_next": 1}]}, "0 of 1 killed"),
    ],
)
def test_each_bound_has_a_sentence(fields: dict[str, Any], told: str) -> None:
    (sentence,) = failed(figures(**fields))
    assert told in sentence
