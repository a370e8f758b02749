from random import Random

import numpy as np
import pytest

from loadtests.analysis.latency.quantiles import effective_size, percentiles, share_interval


def test_nothing_late_among_few_is_not_never() -> None:
    low, high = share_interval([0, 0, 0], [100, 100, 100]) or (1, 0)

    assert low == 0
    assert high == pytest.approx(1 - 0.025 ** (1 / 300))


def test_windows_that_agree_count_each_request() -> None:
    assert effective_size([5, 5, 5], [100, 100, 100]) == 300


def test_windows_that_differ_leave_few_independent_requests() -> None:
    assert effective_size([0, 0, 30], [100, 100, 100]) < 10


def test_one_window_says_nothing_of_how_windows_differ() -> None:
    assert share_interval([1], [100]) is None
    assert share_interval([0, 0], [0, 0]) is None


@pytest.mark.parametrize("spread", [0.0, 0.5])
def test_intervals_of_shares_hold_the_truth_nineteen_times_in_twenty(spread: float) -> None:
    rng, truth, runs = np.random.default_rng(1), 0.02, 2000
    held = 0
    for _ in range(runs):
        shares = truth * rng.lognormal(-(spread**2) / 2, spread, size=4)
        counts = rng.binomial(300, np.minimum(shares, 1.0)).tolist()
        low, high = share_interval(counts, [300] * 4) or (1.0, 0.0)
        held += low <= truth <= high

    assert held / runs >= 0.94


def test_a_stall_in_one_window_of_four_is_in_the_percentile_over_all() -> None:
    calm = np.full(200, 5.0)
    stalled = np.concatenate([np.full(150, 5.0), np.linspace(20, 1000, 50)])

    found = percentiles([calm, calm, calm, stalled])

    assert found.p50.ms == 5.0
    assert found.p99.ms is not None
    assert found.p99.ms > 800
    assert found.p99.low_ms == 5.0  # three windows of four never saw it
    assert found.p99.high_ms is None


def test_too_few_requests_bound_nothing_from_above() -> None:
    windows = [np.arange(1.0, 101.0)] * 3

    found = percentiles(windows)

    assert found.p50.high_ms is not None
    assert found.p999.ms == 100.0
    assert found.p999.high_ms is None


def test_a_percentile_among_requests_without_an_answer_is_not_known() -> None:
    window = np.concatenate([np.full(95, 10.0), np.full(5, np.inf)])

    found = percentiles([window, window])

    assert found.p90.ms == 10.0
    assert (found.p99.ms, found.p99.low_ms, found.p99.high_ms) == (None, None, None)


def test_no_window_knows_nothing() -> None:
    assert percentiles([]).p50.ms is None


def test_a_single_window_has_no_interval() -> None:
    found = percentiles([np.arange(1.0, 1001.0)])

    assert (found.p99.ms, found.p99.low_ms, found.p99.high_ms) == (990.0, None, None)


def test_intervals_of_percentiles_hold_the_truth_nineteen_times_in_twenty() -> None:
    random, truth, runs = Random(1), 4.605, 400
    held = 0
    for _ in range(runs):
        rng = np.random.default_rng(random.randrange(2**31))
        found = percentiles([rng.exponential(1.0, 400) for _ in range(4)]).p99
        assert found.low_ms is not None
        held += found.low_ms <= truth <= (found.high_ms or np.inf)

    assert held / runs >= 0.93
