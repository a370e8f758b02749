"""Plans the profile trials: few, short, and at most half a minute together. PURE."""

from __future__ import annotations

from collections.abc import Sequence

from loadtests.model.profiles.planned import ProfilePlan

BUDGET_S = 28.0
"""All profile trials together: a run may take half a minute longer."""

OVERHEAD_S = 1.3
"""A profile trial's warm-up, drain and messages."""

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
