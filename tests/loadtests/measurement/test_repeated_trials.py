"""Which trials of a round are measured again, and when."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from loadtests.measurement.repeated_trials import measure_round


@dataclass(frozen=True)
class Trial:
    set_aside: str | None


def measured(specs: list[str], *disturbed: str) -> list[str]:
    """Give the trials in the order in which they are measured; those that are disturbed end so."""
    order = []

    def measure(spec: str, /, *, may_repeat: bool) -> Trial:
        order.append(spec)
        return Trial("Others took the cores." if may_repeat and spec in disturbed else None)

    measure_round(specs, measure, lambda spec, suffix: spec + suffix)
    return order


def test_each_is_measured_once_in_order() -> None:
    assert measured(["a", "b", "c"]) == ["a", "b", "c"]


def test_one_that_was_disturbed_is_measured_again_at_the_end() -> None:
    assert measured(["a", "b", "c"], "a") == ["a", "b", "c", "a-again"]


def test_one_that_is_disturbed_again_counts_as_it_is() -> None:
    assert measured(["a", "b"], "a", "a-again") == ["a", "b", "a-again"]


@pytest.mark.parametrize(("count", "repeated"), [(1, 1), (4, 1), (7, 1), (8, 2), (16, 4)])
def test_at_most_every_fourth_is_measured_again_and_one_always_may_be(
    count: int, repeated: int
) -> None:
    specs = [str(number) for number in range(count)]

    assert measured(specs, *specs)[count:] == [f"{spec}-again" for spec in specs[:repeated]]


def test_the_rest_of_a_round_is_left_out_once_it_does_not_go_on() -> None:
    order = []

    def measure(spec: str, /, *, may_repeat: bool) -> Trial:
        order.append(spec)
        return Trial("Others took the cores.")

    measure_round(
        ["a", "b", "c"],
        measure,
        lambda spec, suffix: spec + suffix,
        goes_on=lambda: order != ["a", "b"],
    )

    assert order == ["a", "b"]
