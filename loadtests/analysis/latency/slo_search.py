"""Finds the highest rate that meets a latency objective, and whether it doubles. PURE.

The search is a bisection. Each step takes several windows with other replicas, in random order
among all cells. The share of late requests decides which half to search. When the gap is narrow,
its ends are measured again. A rate meets or misses the objective only if the interval of that share
shows it. Undecided rates stay inside the bracket, which is the answer.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from random import Random

from loadtests.analysis.digits import figure
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
"""Gap that is not halved further, as a share of its upper end: twice what replicas differ by. From
here on, more windows at the ends are more informative than further rates between them."""


def results(
    plan: Plan, cells: Sequence[CellResult], trials: Sequence[OpenTrial]
) -> tuple[SloResult, ...]:
    """Return the bracket of each cell, from all valid open-loop trials."""
    objective = plan.latency.objective if plan.latency else None
    if objective is None:
        return ()
    steps = steps_by_cell(plan, objective, trials)
    return tuple(_result(objective, result, steps.get(result.cell, ())) for result in cells)


def steps_by_cell(
    plan: Plan, objective: Objective, trials: Sequence[OpenTrial]
) -> dict[Cell, tuple[SloStep, ...]]:
    """Return the outcome of each rate that a cell was measured at, from low to high."""
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
    counts, totals = [trial.late or 0 for trial in trials], [trial.due for trial in trials]
    interval = share_interval(counts, totals)
    # A request that could not be sent counts as late here, so it makes no trial invalid.
    state, reason = checks.judge(plan, cell, trials, may_drop=True)
    outcome: StepOutcome = "invalid"
    if state == "valid":
        outcome = _outcome(interval, allowed_ratio(objective))
        reason = "There are too few requests to decide." if outcome == "undecided" else ""
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
    """Return the share of all due requests that may be late."""
    return 1 - objective.percent / 100


def _outcome(interval: tuple[float, float] | None, allowed: float) -> StepOutcome:
    if interval is not None and interval[1] <= allowed:
        return "kept"
    if interval is not None and interval[0] > allowed:
        return "broken"
    return "undecided"


# -- the search -------------------------------------------------------------------------------


def next_rate(steps: Sequence[SloStep], capacity_rps: float, allowed: float) -> float | None:
    """Return the rate in requests per second to try next, or None where the search is done.

    ``allowed`` is the share of requests that may be late. The gap is between the highest rate with
    a smaller share and the lowest with a larger one. It is halved until it is narrow. Then an
    undecided end is measured again, the one with fewer requests first.
    """
    shares = [(step, step.late / step.requests) for step in steps if step.requests]
    high = min((step.rate_rps for step, late in shares if late > allowed), default=capacity_rps)
    low = max(
        (step.rate_rps for step, late in shares if late <= allowed and step.rate_rps < high),
        default=0.0,
    )
    if high - low > NARROW_RATIO * high:
        middle = (low + high) / 2
        measured = {step.rate_rps for step in steps}
        return None if middle in measured else middle
    ends = [step for step in steps if step.rate_rps in (low, high) and step.outcome == "undecided"]
    return min(ends, key=lambda step: step.requests).rate_rps if ends else None


def _bracket(steps: Sequence[SloStep], capacity_rps: float) -> tuple[float, float]:
    """Return the highest rate that met the objective and the lowest that missed it.

    No rate above the capacity can last, so the capacity is the default of the upper end.
    """
    high = min((step.rate_rps for step in steps if step.outcome == "broken"), default=capacity_rps)
    low = max(
        (step.rate_rps for step in steps if step.outcome == "kept" and step.rate_rps < high),
        default=0.0,
    )
    return low, high


def step_specs(
    plan: Plan,
    latency: LatencyPlan,
    objective: Objective,
    number: int,
    steps: Mapping[Cell, Sequence[SloStep]],
    capacity_of: Mapping[Cell, float],
) -> tuple[tuple[OpenSpec, ...], ...]:
    """Return the windows of one step of the search, for all cells that are not done.

    They are in random order, and empty where all cells are done. ``number`` counts from 1.
    ``capacity_of`` is in requests per second.
    """
    allowed = allowed_ratio(objective)
    rates: dict[Cell, float] = {}
    for cell in plan.cells:
        if cell in capacity_of:
            rate = next_rate(steps.get(cell, ()), capacity_of[cell], allowed)
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
                share_ratio=rates[cell] / capacity_of[cell],
                seed=rng.randrange(2**31),
                step=number,
            )
            for position, cell in enumerate(rng.sample(list(rates), len(rates)), start=1)
        )
        for window in range(1, latency.step_windows + 1)
        if rates
    )


# -- what follows from it ---------------------------------------------------------------------


def _result(objective: Objective, cell: CellResult, steps: tuple[SloStep, ...]) -> SloResult:
    capacity_rps = cell.throughput_rps.estimate
    low: float | None = None
    high: float | None = None
    if capacity_rps and steps:
        low, high = _bracket(steps, cell.throughput_rps.high or capacity_rps)
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
        decided=_decided(steps, low, high),
        steps=steps,
    )


def _decided(steps: Sequence[SloStep], low: float | None, high: float | None) -> str:
    """Return a sentence on how the bracket came about."""
    if low is None or high is None:
        return "No rate was measured."
    between = [step for step in steps if low < step.rate_rps < high]
    measured = "1 rate was measured" if len(steps) == 1 else f"{len(steps)} rates were measured"
    if not low:
        lowest = min(step.rate_rps for step in steps)
        lowest_rps = f"{figure(lowest)} requests/s"
        return f"{measured}. None was shown to meet the objective, not even {lowest_rps}."
    upper = f"{figure(high)} missed it"
    if not any(step.outcome == "broken" for step in steps):
        upper = "none missed it, so the capacity is the upper end"
    middle = f"; {len(between)} in between are undecided" if between else ""
    return f"{measured}: {figure(low)} requests/s met the objective, {upper}{middle}."


def doublings(plan: Plan, capacities: Sequence[SloResult]) -> tuple[SloDoubling, ...]:
    """Return the ratio of the rates that meet the objective, for each doubling of the replicas."""
    by_cell = {(slo.worker, slo.workload, slo.replicas): slo for slo in capacities}
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
    """Compare a bracket with the target, as ``analysis.verdict`` does with an interval."""
    if low is not None and low >= target:
        return "scales", f"The whole bracket is at or above {target:g}."
    if high is not None and high < NO_GAIN_FACTOR:
        return "no_gain", f"The whole bracket is below {NO_GAIN_FACTOR:g}."
    if high is not None and high < target:
        return "falls_short", f"The whole bracket is below {target:g}."
    if low is None or high is None:
        return "inconclusive", "In one of the two cells, no rate was shown to meet the objective."
    return (
        "inconclusive",
        f"The bracket from {low:.2f} to {high:.2f} contains the target {target:g}.",
    )
