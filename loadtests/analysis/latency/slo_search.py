"""The highest rate that keeps a latency objective, and whether it doubles with the servers. PURE.

A search by bisection, with the same care as everything else: each step takes several windows with
other replicas, in random order among all cells. The shares of late requests lead the way; when the
gap is narrow, its ends are measured again. A rate counts as keeping or breaking the objective only
if the interval of that share says so. Rates that cannot be told stay between the two ends: the
answer is a bracket, and the truth lies in it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from random import Random

from loadtests.analysis.latency import checks
from loadtests.analysis.latency.quantiles import share_interval
from loadtests.analysis.verdict import NO_GAIN_FACTOR
from loadtests.model.latency import (
    Judged,
    LatencyPlan,
    Objective,
    SloDoubling,
    SloResult,
    SloStep,
    StepOutcome,
)
from loadtests.model.open_trial import OpenSpec, OpenTrial
from loadtests.model.plan import Cell, Plan
from loadtests.model.result import CellResult
from loadtests.planning.load_levels import open_spec

NARROW_RATIO = 0.07
"""A gap that is halved no more, as a share of its upper end: twice what replicas differ by. More
windows at its ends say more than further rates inside it."""


def results(
    plan: Plan, cells: Sequence[CellResult], trials: Sequence[OpenTrial]
) -> tuple[SloResult, ...]:
    """Give the bracket of each cell, from every open-loop trial that counts."""
    objective = plan.latency.objective if plan.latency else None
    if objective is None:
        return ()
    found = steps_by_cell(plan, objective, trials)
    return tuple(_result(objective, each, found.get(each.cell, ())) for each in cells)


def steps_by_cell(
    plan: Plan, objective: Objective, trials: Sequence[OpenTrial]
) -> dict[Cell, tuple[SloStep, ...]]:
    """Give what each rate that a cell was measured at says of the objective, from low to high."""
    by_cell: dict[Cell, dict[float, list[OpenTrial]]] = {}
    for trial in trials:
        if not trial.set_aside and trial.late is not None:
            rates = by_cell.setdefault(trial.spec.trial.cell, {})
            rates.setdefault(trial.spec.rate_rps, []).append(trial)
    return {
        cell: tuple(_step(plan, objective, cell, rate, rates[rate]) for rate in sorted(rates))
        for cell, rates in by_cell.items()
    }


def _step(
    plan: Plan, objective: Objective, cell: Cell, rate_rps: float, trials: Sequence[OpenTrial]
) -> SloStep:
    counts, totals = [each.late or 0 for each in trials], [each.due for each in trials]
    interval = share_interval(counts, totals)
    # What could not be sent counts as late here, and says no less than an answer that came late.
    state, reason = checks.judge(plan, cell, trials, may_drop=True)
    outcome: StepOutcome = "invalid"
    if state == "valid":
        outcome = _outcome(interval, allowed_ratio(objective))
        reason = "So few requests cannot tell." if outcome == "undecided" else ""
    return SloStep(
        rate_rps=rate_rps,
        windows=len(trials),
        requests=sum(totals),
        late=sum(counts),
        late_low_ratio=interval[0] if interval else None,
        late_high_ratio=interval[1] if interval else None,
        outcome=outcome,
        reason=reason,
    )


def allowed_ratio(objective: Objective) -> float:
    """Give the share of all due requests that may be late."""
    return 1 - objective.percent / 100


def _outcome(interval: tuple[float, float] | None, allowed: float) -> StepOutcome:
    if interval is not None and interval[1] <= allowed:
        return "kept"
    if interval is not None and interval[0] > allowed:
        return "broken"
    return "undecided"


# -- the search -------------------------------------------------------------------------------


def next_rate(found: Sequence[SloStep], capacity_rps: float, allowed: float) -> float | None:
    """Give the rate that a search should try next, or None where it is at its end.

    ``allowed`` is the share of requests that may be late. Between the highest rate with no more of
    them and the lowest with more the gap is halved until it is narrow; then an end that could not
    yet be told is measured again, the one with fewer requests first.
    """
    shares = [(step, step.late / step.requests) for step in found if step.requests]
    high = min((step.rate_rps for step, late in shares if late > allowed), default=capacity_rps)
    low = max(
        (step.rate_rps for step, late in shares if late <= allowed and step.rate_rps < high),
        default=0.0,
    )
    if high - low > NARROW_RATIO * high:
        middle = (low + high) / 2
        known = {step.rate_rps for step in found}
        return None if middle in known else middle
    ends = [step for step in found if step.rate_rps in (low, high) and step.outcome == "undecided"]
    return min(ends, key=lambda step: step.requests).rate_rps if ends else None


def _bracket(found: Sequence[SloStep], capacity_rps: float) -> tuple[float, float]:
    """Give the highest rate that kept and the lowest that broke; nothing lasts above capacity."""
    high = min((step.rate_rps for step in found if step.outcome == "broken"), default=capacity_rps)
    low = max(
        (step.rate_rps for step in found if step.outcome == "kept" and step.rate_rps < high),
        default=0.0,
    )
    return low, high


def step_specs(
    plan: Plan,
    latency: LatencyPlan,
    objective: Objective,
    number: int,
    found: Mapping[Cell, Sequence[SloStep]],
    known: Mapping[Cell, float],
) -> tuple[tuple[OpenSpec, ...], ...]:
    """Plan one step of the search: windows of all cells that are not at their end, in random order.

    Empty where all are. ``number`` counts from 1.
    """
    allowed = allowed_ratio(objective)
    rates: dict[Cell, float] = {}
    for cell in plan.cells:
        if cell in known:
            rate = next_rate(found.get(cell, ()), known[cell], allowed)
            if rate is not None:
                rates[cell] = rate
    rng = Random(f"{plan.seed}/step {number}")
    return tuple(
        tuple(
            open_spec(
                plan,
                latency,
                cell,
                turn=(number - 1) * latency.step_windows + window,
                position=position,
                rate_rps=rates[cell],
                share_ratio=rates[cell] / known[cell],
                seed=rng.randrange(2**31),
                step=number,
            )
            for position, cell in enumerate(rng.sample(list(rates), len(rates)), start=1)
        )
        for window in range(1, latency.step_windows + 1)
        if rates
    )


# -- what follows from it ---------------------------------------------------------------------


def _result(objective: Objective, cell: CellResult, found: tuple[SloStep, ...]) -> SloResult:
    capacity_rps = cell.throughput_rps.estimate
    low: float | None = None
    high: float | None = None
    if capacity_rps and found:
        low, high = _bracket(found, cell.throughput_rps.high or capacity_rps)
    return SloResult(
        worker=cell.cell.worker,
        workload=cell.cell.workload,
        replicas=cell.cell.replicas,
        objective=str(objective),
        percent=objective.percent,
        limit_ms=objective.limit_ms,
        capacity_rps=capacity_rps or None,
        estimate_rps=math.sqrt(low * high) if low and high else None,
        low_rps=low,
        high_rps=high,
        decided=_decided(found, low, high),
        steps=found,
    )


def _decided(found: Sequence[SloStep], low: float | None, high: float | None) -> str:
    """Say in a sentence how the bracket came about."""
    if low is None or high is None:
        return "No rate was measured."
    between = [step for step in found if low < step.rate_rps < high]
    told = f"{len(found)} rates were measured"
    if not low:
        lowest = min(step.rate_rps for step in found)
        return f"{told}, and even {lowest:.3g} a second were not shown to keep it."
    upper = f"{high:.3g} broke it"
    if not any(step.outcome == "broken" for step in found):
        upper = "the capacity itself is the upper end, since none of them broke it"
    middle = f"; {len(between)} between could not be told" if between else ""
    return f"{told}: {low:.3g} a second kept it, {upper}{middle}."


def doublings(plan: Plan, found: Sequence[SloResult]) -> tuple[SloDoubling, ...]:
    """Give by what factor the rate that keeps the objective grows with twice the replicas."""
    by_cell = {(each.worker, each.workload, each.replicas): each for each in found}
    return tuple(
        _doubling(small, large, plan.target)
        for (worker, workload, replicas), small in by_cell.items()
        if (large := by_cell.get((worker, workload, 2 * replicas))) is not None
    )


def _doubling(small: SloResult, large: SloResult, target: float) -> SloDoubling:
    low = large.low_rps / small.high_rps if large.low_rps and small.high_rps else None
    high = large.high_rps / small.low_rps if large.high_rps and small.low_rps else None
    factor = None
    if small.estimate_rps and large.estimate_rps:
        factor = large.estimate_rps / small.estimate_rps
    verdict, reason = _judge(low, high, target)
    return SloDoubling(
        worker=small.worker,
        workload=small.workload,
        replicas_from=small.replicas,
        replicas_to=large.replicas,
        factor=factor,
        low=low,
        high=high,
        verdict=verdict,
        reason=reason,
    )


def _judge(low: float | None, high: float | None, target: float) -> tuple[Judged, str]:
    """Hold a bracket against the target, as an interval is held (see ``verdict``)."""
    if low is not None and low >= target:
        return "scales", f"The whole bracket is at or above {target:g}."
    if high is not None and high < NO_GAIN_FACTOR:
        return "no_gain", f"The whole bracket is below {NO_GAIN_FACTOR:g}."
    if high is not None and high < target:
        return "falls_short", f"The whole bracket is below {target:g}."
    if low is None or high is None:
        return "inconclusive", "No rate was shown to keep the objective in one of the two cells."
    return "inconclusive", f"The bracket from {low:.2f} to {high:.2f} holds the target {target:g}."
