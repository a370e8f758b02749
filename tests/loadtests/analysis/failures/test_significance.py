"""The error rates that ``significance`` states, by simulation, and what it finds."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

from loadtests.analysis.failures import significance
from loadtests.analysis.failures.significance import (
    LEAST_RATIO,
    REQUEST_LEVEL,
    WINDOW_LEVEL,
    Sides,
    is_break,
    visible_ratio,
)

ROUNDS = 12
Totals = tuple[int, ...]
Draw = Callable[[np.random.Generator, int], int]


def sides(below: list[tuple[int, int]], above: list[tuple[int, int]]) -> Sides:
    return Sides(below=tuple(below), above=tuple(above))


def broken_ratio(
    below: Totals, above: Totals, draw_below: Draw, draw_above: Draw, *, runs: int
) -> float:
    """Give the share of simulated runs that are called a break."""
    rng = np.random.default_rng(7)
    broken = 0
    for _ in range(runs):
        drawn = sides(
            [(draw_below(rng, total), total) for total in below],
            [(draw_above(rng, total), total) for total in above],
        )
        broken += is_break(drawn, REQUEST_LEVEL)
    return broken / runs


def failing(ratio: float) -> Draw:
    return lambda rng, total: int(rng.binomial(total, ratio))


def in_bursts(ratio: float, windows: float) -> Draw:
    """Give failures of this share in a part of the windows, and none in the others."""
    return lambda rng, total: int(rng.binomial(total, ratio) if rng.random() < windows else 0)


@pytest.mark.parametrize("ratio", [0.0003, 0.001, 0.01, 0.3])
@pytest.mark.parametrize("rounds", [4, ROUNDS])
def test_equal_shares_are_hardly_ever_called_a_break(ratio: float, rounds: int) -> None:
    broken = broken_ratio(
        (125,) * rounds, (250,) * rounds, failing(ratio), failing(ratio), runs=3000
    )

    assert broken <= REQUEST_LEVEL


@pytest.mark.parametrize("windows", [0.05, 0.2, 0.4, 0.7])
@pytest.mark.parametrize("rounds", [4, 6, ROUNDS])
def test_failures_that_come_in_bursts_at_every_count_are_hardly_ever_called_a_break(
    windows: float, rounds: int
) -> None:
    """A whole window fails or none: 20 % of some windows, and nothing in the others."""
    burst = in_bursts(0.2, windows)

    assert broken_ratio((125,) * rounds, (250,) * rounds, burst, burst, runs=2000) <= WINDOW_LEVEL


@pytest.mark.parametrize(("one_in", "window"), [(20, 250), (100, 500), (1000, 5000)])
def test_a_fault_that_can_be_seen_is_found_in_99_of_100(one_in: int, window: int) -> None:
    below, above = (window // 2,) * ROUNDS, (window,) * ROUNDS
    visible = visible_ratio(below, above)
    assert visible is not None
    assert visible <= 1 / one_in

    assert broken_ratio(below, above, failing(0.0), failing(1 / one_in), runs=300) >= 0.99


def test_a_fault_of_the_smallest_visible_share_is_found_as_often_as_promised() -> None:
    below, above = (125,) * ROUNDS, (250,) * ROUNDS
    visible = visible_ratio(below, above)
    assert visible is not None
    assert 0.008 < visible < 0.015

    assert broken_ratio(below, above, failing(0.0), failing(visible), runs=1500) >= 0.98
    assert broken_ratio(below, above, failing(0.0), failing(visible / 2), runs=500) < 0.9


def test_with_three_rounds_no_share_is_visible() -> None:
    assert visible_ratio((125,) * 3, (250,) * 3) is None
    assert visible_ratio((125,) * 3, (250,) * 3 + (500,) * 3) is not None  # six windows above


def test_one_request_in_five_thousand_is_no_break() -> None:
    none = [(0, 2500)] * ROUNDS

    assert not is_break(sides(none, [(0, 5000)] * (ROUNDS - 1) + [(1, 5000)]), REQUEST_LEVEL)
    many = [(200, 1_000_000)] * ROUNDS  # certain, and still no more than 1 in 5,000
    assert significance.log_chance(sides([(0, 500_000)] * ROUNDS, many)) < math.log(1e-9)
    assert not is_break(sides([(0, 500_000)] * ROUNDS, many), REQUEST_LEVEL)


def test_one_burst_is_not_taken_for_many_failures() -> None:
    none = [(0, 100)] * 6

    assert not is_break(sides(none, [(150, 200), *[(0, 200)] * 5]), REQUEST_LEVEL)
    assert not is_break(sides(none, [(150, 200), *[(1, 200)] * 5]), REQUEST_LEVEL)
    assert is_break(sides(none, [(25, 200)] * 6), REQUEST_LEVEL)


def test_a_stray_failure_below_does_not_hide_a_break() -> None:
    assert is_break(sides([(1, 1000), *[(0, 1000)] * 5], [(500, 2000)] * 6), REQUEST_LEVEL)
    assert not is_break(sides([(60, 1000)] * 6, [(500, 2000)] * 6), REQUEST_LEVEL)


def test_the_level_counts_only_tests_that_could_be_significant() -> None:
    certain, never = math.log(1e-9), math.log(0.5)

    assert significance.level([]) == REQUEST_LEVEL
    assert significance.level([certain]) == REQUEST_LEVEL
    assert significance.level([certain] * 4 + [never] * 50) == REQUEST_LEVEL / 4


def test_the_p_value_is_fishers() -> None:
    """7 of 9 failures among 300 of 500 requests: the hypergeometric tail, by hand."""
    chance = sum(math.comb(300, k) * math.comb(200, 9 - k) for k in (7, 8, 9)) / math.comb(500, 9)

    found = significance.log_chance(sides([(1, 100), (1, 100)], [(4, 150), (3, 150)]))

    # The worst window counts as the second worst: 3 + 3 of 8.
    capped = sum(math.comb(300, k) * math.comb(200, 8 - k) for k in (6, 7, 8)) / math.comb(500, 8)
    assert math.exp(found) == pytest.approx(capped)
    assert capped > chance


def test_no_share_below_the_least_is_called_visible() -> None:
    assert visible_ratio((10**7,) * ROUNDS, (10**7,) * ROUNDS) == pytest.approx(
        LEAST_RATIO, rel=0.15
    )
