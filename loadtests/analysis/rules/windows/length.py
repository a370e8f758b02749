"""Were the windows long enough for several answers, one after another? PURE.

All users begin together, so slots that take equally long answer together, in waves. A window with
two waves or three has a whole number of them, whatever the true throughput is. All rounds may then
agree on a wrong factor, with an interval of no width.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from loadtests.analysis.rules.finding import found
from loadtests.analysis.shared.service_time import service_s
from loadtests.model.plan import Cell, Plan
from loadtests.model.result import Finding
from loadtests.model.trial import Trial
from loadtests.model.vocabulary import RuleCode
from loadtests.planning import trial_timing
from loadtests.planning.trial_timing import FEWEST_SERVICE_TIMES

WAVES_RATIO = 0.5
"""Share of the windows with a quarter without any answer from which answers come in waves. Three
waves leave a quarter empty in every window. Slots that take turns leave none."""


def window_length(plan: Plan, cell: Cell, trials: Sequence[Trial]) -> Finding | None:
    """Check that a window holds about three service times; None where requests are not slow.

    Slow requests that do not come in waves count one by one, and need no more of the window.
    """
    taken_s = median(service_s(plan, trial) for trial in trials)
    window_s = median(trial.window_s for trial in trials)
    if taken_s < trial_timing.SLOW_RATIO * plan.timing.window_s:
        return None
    held = window_s / taken_s
    empty = sum(min(trial.quarters_rps, default=0.0) == 0 for trial in trials)
    broken = held < FEWEST_SERVICE_TIMES and empty >= WAVES_RATIO * len(trials)
    detail = (
        f"A request takes {taken_s:.1f} s, without its time in a queue, and a window"
        f" {window_s:.1f} s."
    )
    if broken:
        detail += (
            f" In {empty} of {len(trials)} windows a quarter passed without any answer. So answers"
            " come in waves, and one wave more or less decides. To get a verdict,"
            f" {trial_timing.remedy(plan.timing.window_s)}."
        )
    return found(
        RuleCode.WINDOW_LENGTH,
        cell,
        broken=broken,
        figure=held,
        limit=FEWEST_SERVICE_TIMES,
        detail=detail,
    )
