from __future__ import annotations

import pytest

from scripts.generator_bench.figures import Item, excess, median_ratio


def test_bounds_that_do_not_hold_are_said_with_figure_and_bound() -> None:
    item = Item(
        figures={"times": 3.9, "share": 0.5, "lost": 9},
        bounds=(("times", "at_least", 4.0), ("share", "at_most", 0.6), ("lost", "is", 10)),
    )

    assert item.failed == ["times is 3.9, not at least 4.0", "lost is 9, not is 10"]


@pytest.mark.parametrize(("kind", "bound"), [("at_least", 5), ("at_most", 5), ("is", 5)])
def test_a_figure_on_its_bound_holds(kind: str, bound: int) -> None:
    assert Item(figures={"x": 5}, bounds=(("x", kind, bound),)).failed == []


def test_bounds_are_kept_beside_the_figures() -> None:
    item = Item(figures={"x": 5}, bounds=(("x", "at_most", 6),))

    assert item.bounds_by_figure == {"x": {"at_most": 6}}


def test_a_slow_round_cancels_in_a_ratio() -> None:
    assert median_ratio([40.0, 20.0, 44.0], [10.0, 5.0, 10.0]) == 4.0


def test_ratios_need_the_same_rounds() -> None:
    with pytest.raises(ValueError, match="zip"):
        median_ratio([1.0], [1.0, 2.0])


@pytest.mark.parametrize(
    ("measured_ms", "true_ms", "share"),
    [(1.3, 1.0, 1.0), (0.85, 1.0, 0.5), (102.0, 100.0, 1.0), (20.2, 20.0, 0.5)],
)
def test_an_error_is_a_share_of_what_is_allowed(
    measured_ms: float, true_ms: float, share: float
) -> None:
    assert excess(measured_ms, true_ms) == pytest.approx(share)
