"""Were the windows long enough for several answers, one after another? PURE.

All users begin together, so slots that take equally long answer together, in waves. A window with
two waves or three has a whole number of them, whatever the true throughput is. All rounds may then
agree on a wrong factor, with an interval of no width.

Slots that share a full CPU take one another's time, and each request moves the others. So their
waves do not keep step, and rounds with a wave more or less show it in a wide interval. There the
time of one user alone counts, unless hardly one wave fits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from loadtests.analysis import bottleneck
from loadtests.analysis.rules.finding import found
from loadtests.analysis.shared.service_time import alone_s, service_s
from loadtests.model.plan import Cell, Plan
from loadtests.model.result import Finding
from loadtests.model.trial import Trial
from loadtests.model.vocabulary import Bottleneck, RuleCode
from loadtests.planning import trial_timing
from loadtests.planning.trial_timing import FEWEST_SERVICE_TIMES

WAVES_RATIO = 0.5
"""Share of the windows with a quarter without any answer from which answers come in waves. Three
waves leave a quarter empty in every window. Slots that take turns leave none."""

FEWEST_SHARED = 1.2
"""Fewest service times in a window where slots share a full CPU. Simulated with requests that vary
by 2 %: at one, a factor of 1.75 was called ``scales`` in 15 % of runs, and from 1.2 on in 5 % or
fewer."""


@dataclass(frozen=True, kw_only=True)
class _Taken:
    """How long a request takes, how many of them a window needs, and what to say of it."""

    taken_s: float
    fewest: float
    words: str
    remedy: str


def window_length(plan: Plan, cell: Cell, trials: Sequence[Trial]) -> Finding | None:
    """Check that a window holds about three service times; None where requests are not slow.

    Slow requests that do not come in waves count one by one, and need no more of the window.
    """
    window_s = median(trial.window_s for trial in trials)
    slot_s = median(service_s(plan, trial) for trial in trials)
    if slot_s < trial_timing.SLOW_RATIO * plan.timing.window_s:
        return None
    taken = _taken(plan, cell, trials, slot_s=slot_s, window_s=window_s)
    held = window_s / taken.taken_s
    empty = sum(min(trial.quarters_rps, default=0.0) == 0 for trial in trials)
    broken = held < taken.fewest and empty >= WAVES_RATIO * len(trials)
    detail = f"{taken.words}, and a window {window_s:.1f} s."
    if broken:
        detail += (
            f" In {empty} of {len(trials)} windows a quarter passed without any answer. So answers"
            " come in waves, and one wave more or less decides. To get a verdict,"
            f" {taken.remedy}."
        )
    return found(
        RuleCode.WINDOW_LENGTH,
        cell,
        broken=broken,
        figure=held,
        limit=taken.fewest,
        detail=detail,
    )


def _taken(
    plan: Plan, cell: Cell, trials: Sequence[Trial], *, slot_s: float, window_s: float
) -> _Taken:
    """Return by which time the windows are judged; ``slot_s`` is for how long a slot is held."""
    single_s = median(alone_s(trial) for trial in trials)
    if not (single_s and _shares_a_cpu(plan, cell, trials)):
        return _Taken(
            taken_s=slot_s,
            fewest=FEWEST_SERVICE_TIMES,
            words=f"A request takes {slot_s:.1f} s, without its time in a queue",
            remedy=trial_timing.remedy(plan.timing.window_s),
        )
    if window_s < FEWEST_SERVICE_TIMES * single_s:
        return _Taken(
            taken_s=single_s,
            fewest=FEWEST_SERVICE_TIMES,
            words=f"A request of one user alone takes {single_s:.1f} s",
            remedy=trial_timing.remedy(plan.timing.window_s),
        )
    most_s = single_s * window_s / slot_s / FEWEST_SHARED
    return _Taken(
        taken_s=slot_s,
        fewest=FEWEST_SHARED,
        words=f"Requests share a full CPU, so one takes {slot_s:.1f} s without its time in a queue",
        remedy=f"measure requests that take less than {1000 * most_s:.0f} ms with one user alone",
    )


def _shares_a_cpu(plan: Plan, cell: Cell, trials: Sequence[Trial]) -> bool:
    """Return whether requests share a CPU that is full: that of their replica, or of a store."""
    own = [trial for trial in trials if trial.spec.cell == cell]
    full, _ = bottleneck.judge(bottleneck.resources(plan, cell, own))
    return full in {Bottleneck.REPLICA_CPU, Bottleneck.STORE}
