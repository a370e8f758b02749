"""How much time profile trials get."""

import pytest

from loadtests.planning.profile_trials import BUDGET_S, LONGEST_WINDOW_S, plan_profiles


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
