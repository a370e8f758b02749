"""The change of the median of all requests, and each start's part in it."""

from __future__ import annotations

import math
from statistics import fmean, stdev

import numpy as np
import pytest

from loadtests.gate.analysis import medians
from loadtests.gate.analysis.medians import Start, Times, changes, median_ms, quantile_levels


def times(values_ms: np.ndarray) -> Times:
    found = np.quantile(values_ms, quantile_levels(len(values_ms)))
    return Times(len(values_ms), tuple(found.tolist()))


def drawn(
    rng: np.random.Generator, pairs: int, *, change: float = 0.0, requests: int = 150
) -> list[Start]:
    """Pairs of two windows a side; in a third of the windows most requests have to wait."""

    in_windows = (pairs, 4, requests)
    median_ms = 5.0 * np.exp([[0.0], [0.0], [-change], [-change]])
    waiting = rng.random(in_windows) < rng.choice([0.1, 0.6], (pairs, 4, 1), p=[2 / 3, 1 / 3])
    values_ms = rng.lognormal(np.log(median_ms), 0.4, in_windows)
    levels = quantile_levels(requests)
    quantiles_ms = np.quantile(np.where(waiting, 5 * values_ms, values_ms), levels, axis=-1)
    windows = [
        [Times(requests, tuple(window)) for window in pair]
        for pair in np.moveaxis(quantiles_ms, 0, -1).tolist()
    ]
    return [(pair[:2], pair[2:]) for pair in windows]


def test_it_is_the_change_of_the_median_of_all_requests() -> None:
    rng = np.random.default_rng(1)
    base, head = rng.lognormal(1.6, 0.5, (6, 500)), rng.lognormal(1.5, 0.5, (6, 500))
    starts = [([times(one)], [times(other)]) for one, other in zip(base, head, strict=True)]

    wanted = math.log(np.median(base) / np.median(head))
    assert fmean(changes(starts)) == pytest.approx(wanted, abs=0.01)
    assert median_ms([start[0] for start in starts]) == pytest.approx(np.median(base), rel=0.005)


def test_requests_weigh_the_same_whatever_window_they_are_in() -> None:
    slow, quick = times(np.full(300, 9.0)), times(np.full(100, 3.0))

    assert median_ms([[slow, quick]]) == pytest.approx(9.0, rel=0.01)
    assert median_ms([[slow], [quick]]) == pytest.approx(9.0, rel=0.01)


def test_swapping_the_sides_mirrors_every_value() -> None:
    starts = drawn(np.random.default_rng(2), 9)
    swapped = changes([(head, base) for base, head in starts])

    assert swapped == tuple(-value for value in changes(starts))


def test_the_order_of_the_starts_does_not_matter() -> None:
    starts = drawn(np.random.default_rng(3), 9)

    assert sorted(changes(starts[::-1])) == pytest.approx(sorted(changes(starts)))


def test_a_service_that_always_takes_as_long_is_compared_to_a_part_in_a_thousand() -> None:
    starts = [
        ([times(50.0 + 0.01 * np.arange(30))], [times(51.0 + 0.01 * np.arange(30))])
        for _ in range(8)
    ]

    assert fmean(changes(starts)) == pytest.approx(math.log(50.15 / 51.15), abs=0.0005)


def test_few_and_single_requests_have_a_median_too() -> None:
    one = Times(1, (4.0,))

    assert list(changes([([one], [Times(1, (8.0,))])])) == pytest.approx([-math.log(2)])
    assert changes([]) == ()
    assert median_ms([]) is None


@pytest.fixture(scope="module")
def gates() -> list[list[Start]]:
    rng = np.random.default_rng(4)
    return [drawn(rng, 16) for _ in range(300)]


@pytest.fixture(scope="module")
def found(gates: list[list[Start]]) -> list[tuple[float, ...]]:
    return [changes(starts) for starts in gates]


def test_starts_tell_how_much_the_ratio_varies(found: list[tuple[float, ...]]) -> None:
    """The error that the pseudo-values say is that of the estimate, seen again and again."""
    estimates = [fmean(values) for values in found]
    said = [stdev(values) / 4 for values in found]

    assert fmean(said) == pytest.approx(stdev(estimates), rel=0.15)


def test_it_varies_less_than_the_mean_of_the_windows_own_medians(
    gates: list[list[Start]], found: list[tuple[float, ...]]
) -> None:
    def own(start: Start) -> float:
        logs = [[math.log(np.median(each.quantiles_ms)) for each in side] for side in start]
        return fmean(logs[0]) - fmean(logs[1])

    pooled = stdev(fmean(values) for values in found)

    assert pooled < 0.8 * stdev(fmean(map(own, starts)) for starts in gates)


def test_only_so_many_times_are_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    starts = drawn(np.random.default_rng(6), 12, change=-0.1)
    whole = fmean(changes(starts))
    monkeypatch.setattr(medians, "GRID", 500)

    assert fmean(changes(starts)) == pytest.approx(whole, abs=0.01)
