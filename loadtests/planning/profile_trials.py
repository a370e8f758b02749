"""Plans the profile trials: few, short, and at most half a minute together. PURE."""

from __future__ import annotations

from collections.abc import Sequence

from loadtests.model.plan import Timing
from loadtests.model.profiles.planned import ProfilePlan
from loadtests.planning.trial_timing import ANSWERS
from loadtests.planning.trial_timing import MOST_S as MOST_SETTLE_S

BUDGET_S = 28.0
"""All profile trials together: a run may take half a minute longer."""

SETTLE_S = 0.6
"""A profile trial's warm-up, where requests take no longer."""

DRAIN_S = 0.7
"""Its drain and messages."""

OVERHEAD_S = 1.3
"""Both of them."""

WAVES = 2
"""A window has at least so many mean response times, if there is time for them."""

LONGEST_WINDOW_S = 4.5
"""Some 70 looks: an interval of 10 points around a share of 80 %."""

SHORTEST_WINDOW_S = 2.2
"""Some 35 looks; with fewer, nothing is called certain."""


def plan_profiles(counts: Sequence[int], series: int) -> ProfilePlan:
    """Return the profile trials of so many series (variant × workload), at each number of replicas.

    Where there is no time for all, only the fewest and the most replicas are looked at. Where that
    is too much, each has the shortest window, and only some series are looked at.
    """
    looked_at = tuple(counts)
    if series * len(counts) * (SHORTEST_WINDOW_S + OVERHEAD_S) > BUDGET_S:
        looked_at = (counts[0], counts[-1])
    each_s = BUDGET_S / (len(looked_at) * series) - OVERHEAD_S
    # Rounded down, so that all series fit.
    window_s = int(10 * min(LONGEST_WINDOW_S, max(SHORTEST_WINDOW_S, each_s)) + 1e-9) / 10
    trial_s = window_s + OVERHEAD_S
    most = min(series, max(1, int(BUDGET_S / (len(looked_at) * trial_s))))
    return ProfilePlan(
        replica_counts=looked_at,
        window_s=window_s,
        series_most=most,
        expected_s=most * len(looked_at) * trial_s,
    )


def timing_of(planned: ProfilePlan, answer_s: float, drain_limit_s: float) -> Timing:
    """Return the timing of a profile trial whose requests take ``answer_s`` seconds.

    No request ends before the first answers, and slow ones end in waves. So warm-up and window are
    longer for them, as far as the time for all profile trials allows.
    """
    trials = planned.series_most * len(planned.replica_counts)
    room_s = max(SETTLE_S + planned.window_s, BUDGET_S / trials - DRAIN_S)
    settle_s = min(room_s - planned.window_s, max(SETTLE_S, ANSWERS * answer_s), MOST_SETTLE_S)
    window_s = min(room_s - settle_s, max(planned.window_s, WAVES * answer_s))
    return Timing(settle_s=settle_s, window_s=window_s, drain_limit_s=drain_limit_s)
