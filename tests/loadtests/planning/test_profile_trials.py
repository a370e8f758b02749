"""How much time profile trials get."""

import pytest

from loadtests.planning.profile_trials import (
    BUDGET_S,
    DRAIN_S,
    LONGEST_WINDOW_S,
    SETTLE_S,
    plan_profiles,
    timing_of,
)


@pytest.mark.parametrize("series", range(1, 40))
def test_a_run_never_takes_more_than_half_a_minute_longer(series: int) -> None:
    planned = plan_profiles((1, 2, 4), series)

    assert planned.expected_s <= BUDGET_S + 0.01
    assert 1 <= planned.series_most <= series


def test_every_count_is_looked_at_where_there_is_time_and_else_the_ends() -> None:
    assert plan_profiles((1, 2, 4), 1).replica_counts == (1, 2, 4)
    assert plan_profiles((1, 2, 4), 3).replica_counts == (1, 4)


def test_three_variants_are_all_looked_at_and_ten_are_not() -> None:
    assert plan_profiles((1, 2), 1).window_s == LONGEST_WINDOW_S
    assert plan_profiles((1, 2), 3).series_most == 3
    assert plan_profiles((1, 2), 10).series_most < 10


def test_fast_requests_have_the_planned_window() -> None:
    planned = plan_profiles((1, 2), 1)

    timing = timing_of(planned, 0.1, 15.0)

    assert (timing.settle_s, timing.window_s) == (SETTLE_S, planned.window_s)


def test_slow_requests_are_waited_for_and_seen_in_two_waves() -> None:
    timing = timing_of(plan_profiles((1, 2), 1), 3.0, 15.0)

    assert timing.settle_s == pytest.approx(4.0)
    assert timing.window_s == pytest.approx(6.0)


@pytest.mark.parametrize("series", [1, 2, 3, 10])
@pytest.mark.parametrize("answer_s", [0.0, 0.5, 2.0, 5.0, 60.0])
def test_slow_requests_get_no_more_time_than_there_is_for_all(series: int, answer_s: float) -> None:
    planned = plan_profiles((1, 2, 4), series)
    timing = timing_of(planned, answer_s, 15.0)

    trials = planned.series_most * len(planned.replica_counts)
    assert trials * (timing.settle_s + timing.window_s + DRAIN_S) <= BUDGET_S + 0.01
    assert timing.window_s >= planned.window_s - 1e-9
    assert timing.settle_s >= SETTLE_S - 1e-9
