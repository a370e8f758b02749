"""A replica that waits now and then, and one that others keep from its CPU: both have less."""

from __future__ import annotations

import pytest

from loadtests.analysis.rules import budget
from loadtests.model.trial import Trial
from loadtests.model.vocabulary import RuleState
from tests.loadtests.builders import make_cell, make_plan, make_trial, make_usage

ONE = make_cell(replicas=1)
PLAN = make_plan()
SPAN_S = 2.5
ALL_PERIODS = 25
HOLDS, BROKEN = RuleState.HOLDS, RuleState.BROKEN


def held_with(share: float, throttled: float, periods: int | None) -> Trial:
    """Give a trial of a replica with this share of its budget, and of the periods counted."""
    usage = make_usage(
        span_s=SPAN_S, cpu_s=0.1 * SPAN_S * share, throttled_ratio=throttled, periods=periods
    )
    return make_trial(usages=(usage,))


@pytest.mark.parametrize(
    ("share", "throttled", "periods", "state"),
    [
        (0.80, 0.80, 20, HOLDS),  # idle for five periods, which the kernel did not count
        (0.82, 0.80, 21, HOLDS),  # it counts the first of them
        (0.88, 0.82, 24, HOLDS),
        (0.78, 0.80, 25, BROKEN),  # as reviewed: it wanted CPU in all periods
        (0.78, 0.80, 24, BROKEN),
        (0.85, 0.95, 25, BROKEN),
        (0.50, 0.82, 20, BROKEN),
        (0.60, 0.80, 20, BROKEN),  # it did not even get the CPU of the counted periods
        (0.89, 0.97, 30, BROKEN),  # no more is wanted than the span has
        (0.80, 0.82, None, BROKEN),  # nobody knows when it was idle
        (0.91, 0.82, None, HOLDS),
        (0.60, 0.70, 25, HOLDS),  # it is not full
    ],
)
def test_only_periods_that_the_kernel_did_not_count_were_idle(
    share: float, throttled: float, periods: int | None, state: RuleState
) -> None:
    trials = [held_with(share, throttled, periods)]

    assert budget.budget(PLAN, ONE, trials).state is state
