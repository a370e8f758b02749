"""Did all machines of the generator measure the same window? PURE."""

from __future__ import annotations

from collections.abc import Sequence

from loadtests.analysis.rules.finding import broad, found
from loadtests.model.plan import Cell, Plan
from loadtests.model.result import Finding
from loadtests.model.trial import Trial
from loadtests.model.vocabulary import RuleCode

EDGE_LIMIT_RATIO = 0.01
"""How far off a window's edge may be, as a part of the window: it bends the throughput by as much,
which is a quarter of the half-width that a run aims at."""

LATE_LIMIT_RATIO = 0.05
"""How late a machine may notice an edge, as a part of the window. Its load was then late, too."""

MS = 1000.0


def clocks(plan: Plan, cell: Cell, trials: Sequence[Trial]) -> Finding | None:  # noqa: ARG001
    """Check the clocks of the generator's machines; None where it is on one machine.

    Offsets are measured before and after each trial, and corrected. What is left is half of the
    shortest round trip, and what a clock gained or lost in between.
    """
    known = [trial for trial in trials if trial.generator.clock_error_ms is not None]
    if not known:
        return None
    error = broad([(trial.generator.clock_error_ms or 0) / MS / trial.window_s for trial in known])
    late = broad([(trial.generator.late_ms or 0) / MS / trial.window_s for trial in known])
    offset_ms = max(trial.generator.clock_offset_ms or 0 for trial in known)
    window_ms = known[0].window_s * MS
    if late > LATE_LIMIT_RATIO:
        return found(
            RuleCode.CLOCKS,
            cell,
            broken=True,
            figure=late,
            limit=LATE_LIMIT_RATIO,
            detail=f"A machine of the generator was {late * window_ms:.0f} ms late in windows of"
            f" {window_ms:.0f} ms, so part of the load was missing at their edges.",
        )
    return found(
        RuleCode.CLOCKS,
        cell,
        broken=error > EDGE_LIMIT_RATIO,
        figure=error,
        limit=EDGE_LIMIT_RATIO,
        detail=f"The clocks of the generator's machines are up to {offset_ms:.1f} ms off, which is"
        f" corrected to within {error * window_ms:.1f} ms of windows of {window_ms:.0f} ms.",
    )
