"""Did the system stay the same from the first trial to the last? PURE."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from scipy.stats import ttest_1samp

from loadtests.model import Finding, Plan, RuleCode, Trial
from loadtests.rules.drift import FEWEST_ROUNDS, drifts
from loadtests.rules.finding import found, unchecked

TREND_LEVEL = 0.001
"""Probability below which a trend is no chance: a rule may not take away a verdict by luck."""

WINDOW_TREND_RATIO = 0.10
"""How much faster or slower the second half of windows may be than the first, in the mean."""

SAME_RATIO = 1e-9
"""Ratios that differ by less are the same but for rounding, and have no spread to test with."""


def identity(plan: Plan, trials: Sequence[Trial]) -> Finding:  # noqa: ARG001
    """Tell whether every member was the same container, or process, in all trials."""
    code = RuleCode.IDENTITY
    in_time = sorted(trials, key=lambda trial: trial.started_at_s)
    first = in_time[0].identities
    if not first:
        return unchecked(code, None, "Who answers cannot be told here.")
    for trial in in_time[1:]:
        for member in sorted({*first, *trial.identities}):
            before, after = first.get(member, "not there"), trial.identities.get(member, "gone")
            if before != after:
                return found(
                    code,
                    None,
                    broken=True,
                    figure=1,
                    limit=0,
                    detail=f"{member} changed before the end of {trial.spec.id}:"
                    f" {before} became {after}. Its log is in the run's folder.",
                )
    return found(
        code,
        None,
        broken=False,
        figure=0,
        limit=0,
        detail=f"All {len(first)} members were the same from the first trial to the last.",
    )


def steady(plan: Plan, trials: Sequence[Trial]) -> Finding:
    """Tell whether there was no trend inside windows, and none over rounds that pairing leaves."""
    code = RuleCode.STEADY
    inside = _trend_inside(trials)
    if inside is None:
        return unchecked(code, None, "Too few windows to tell a trend from noise.")
    if abs(inside[0]) > WINDOW_TREND_RATIO and inside[1] < TREND_LEVEL:
        return found(
            code,
            None,
            broken=True,
            figure=inside[0],
            limit=WINDOW_TREND_RATIO,
            detail=f"The second half of the windows was {inside[0]:+.1%} against the first:"
            " the settling time is too short, or the system tires under load.",
        )
    for drift in drifts(plan, trials):
        if abs(drift.ratio) > plan.precision_ratio and drift.chance < TREND_LEVEL:
            return found(
                code,
                None,
                broken=True,
                figure=drift.ratio,
                limit=plan.precision_ratio,
                detail=f"The factor {drift.what} drifted by {drift.ratio:+.1%} from the first round"
                " to the last, which pairing does not cancel.",
            )
    return found(
        code,
        None,
        broken=False,
        figure=inside[0],
        limit=WINDOW_TREND_RATIO,
        detail=f"The second half of the windows was {inside[0]:+.1%} against the first.",
    )


def _trend_inside(trials: Sequence[Trial]) -> tuple[float, float] | None:
    """Give by how much the second halves differ, and the chance of as much without a trend."""
    logs = []
    for trial in trials:
        half = len(trial.quarters_rps) // 2
        first, second = sum(trial.quarters_rps[:half]), sum(trial.quarters_rps[half:])
        if first > 0 and second > 0:
            logs.append(math.log(second / first))
    if len(logs) < FEWEST_ROUNDS:
        return None
    mean = float(np.mean(logs))
    if np.ptp(logs) > SAME_RATIO:
        return math.expm1(mean), float(ttest_1samp(logs, 0.0).pvalue)
    return math.expm1(mean), 0.0 if abs(mean) > SAME_RATIO else 1.0
