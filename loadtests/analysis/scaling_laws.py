"""Fits scalability laws to the throughputs of one worker model and workload.

PURE. Two laws, both fitted to the logarithm of throughput by least squares:

- Amdahl's law (Amdahl 1967): X(n) = λ·n / (1 + σ(n − 1)); σ is the serial share.
- the Universal Scalability Law (Gunther 2007, *Guerrilla Capacity Planning*, chapter 4):
  X(n) = λ·n / (1 + σ(n − 1) + κn(n − 1)); κ is the coherency cost.

The intervals come from leaving out one round at a time (the jackknife, Tukey 1958), because the
round is the unit, and contain how far off the correction for the core's speed may be. They say how
precise the fit is, not whether the law is true. They reach further by what may be the shared cores'
(:mod:`loadtests.analysis.shared.machine_share`): the law is fitted again to the throughputs at
either end of that reach.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from loadtests.analysis.estimates import trials_by_cell
from loadtests.analysis.intervals import student_quantile
from loadtests.analysis.shared import machine_share
from loadtests.model.plan import Cell, Plan
from loadtests.model.result import DoublingResult, Estimate, LawResult
from loadtests.model.trial import Trial

USL_COUNTS = 4
"""Replica counts that a USL fit needs. Its three parameters fit any three points exactly, so the
fourth is the first that could contradict the law."""

SMALLEST_CAPACITY_LOSS = 1e-9
"""Least value of the laws' denominator while the fit searches."""

PARAMETER_TOLERANCE = 1e-10
"""A fit ends when no parameter moves by more than this."""

MOST_STEPS = 100
MOST_HALVINGS = 40
"""A fit that does not converge within these returns its best parameters so far."""

THE_MACHINES = (
    "CPU per request grew with the replicas, and the loss may be no more than shared cores add to"
    " it. So there is no bound and no extrapolation."
)
"""The end of the note of a law from which nothing follows for more replicas."""

Floats = NDArray[np.float64]


def fit(
    plan: Plan, trials: Sequence[Trial], doublings: Sequence[DoublingResult] = ()
) -> tuple[LawResult, ...]:
    """Return the law of every worker model and workload that has enough replica counts.

    ``doublings`` say how far throughputs reach for what may be the shared cores'. Only rounds count
    in which every replica count has a trial with a success. Without such a round, or with fewer
    than two replica counts, there is no law.
    """
    by_cell = trials_by_cell(trials)
    pairs = dict.fromkeys((cell.worker, cell.workload) for cell in plan.cells)
    fitted = []
    for worker, workload in pairs:
        cells = sorted(
            cell for cell in plan.cells if (cell.worker, cell.workload) == (worker, workload)
        )
        trials_of = [by_cell.get(cell, {}) for cell in cells]
        logs = _log_throughputs(trials_of)
        if len(cells) > 1 and len(logs) > 0:
            reaches = [machine_share.reach(cell, doublings) for cell in cells]
            fitted.append(_fit_one(cells, logs, reaches, _correction_margins(trials_of)))
    return tuple(fitted)


def speedup(replicas: float, *, sigma: float, kappa: float = 0.0) -> float:
    """Return S(n) = X(n)/X(1) of the USL (Gunther 2007); with κ = 0 it is Amdahl's law."""
    loss = 1 + sigma * (replicas - 1) + kappa * replicas * (replicas - 1)
    return replicas / max(loss, SMALLEST_CAPACITY_LOSS)


def _log_throughputs(cells: Sequence[Mapping[int, Trial]]) -> Floats:
    """Return ln X as an array of rounds × replica counts, complete rounds only."""
    rounds = sorted(set.intersection(*(set(cell) for cell in cells)))
    rates = np.array([[cell[number].throughput_rps for cell in cells] for number in rounds])
    logs: Floats = np.log(rates[(rates > 0).all(axis=1)]) if len(rates) else rates
    return logs


def _correction_margins(cells: Sequence[Mapping[int, Trial]]) -> Floats:
    """Return by how much the logarithm of each cell's throughput may be off; all err together."""
    return np.array(
        [np.mean([trial.speed_correction_margin for trial in cell.values()]) for cell in cells]
    )


def _fit_one(
    cells: Sequence[Cell],
    logs: Floats,
    reaches: Sequence[machine_share.Reach],
    corrections: Floats,
) -> LawResult:
    counts = np.array([cell.replicas for cell in cells], dtype=np.float64)
    parameters = 2 if len(cells) >= USL_COUNTS else 1
    fitted = _parameters(counts, logs, parameters)
    corrected = [_parameters(counts, logs + sign * corrections, parameters) for sign in (1, -1)]
    margins = [
        None if margin is None else math.hypot(margin, (high - low) / 2)
        for margin, high, low in zip(
            _jackknife_margins(counts, logs, parameters), *corrected, strict=True
        )
    ]
    ends = [
        _parameters(counts, logs + np.log([getattr(reach, end) for reach in reaches]), parameters)
        for end in ("down", "up")
    ]
    losses = [
        _interval(value, margin, reached)
        for value, margin, *reached in zip(fitted, margins, *ends, strict=True)
    ]
    shown = _is_shown(losses)
    by_chance = [_interval(value, margin) for value, margin in zip(fitted, margins, strict=True)]
    extrapolates = shown or not _is_shown(by_chance)
    return LawResult(
        worker=cells[0].worker,
        workload=cells[0].workload,
        name="usl" if len(losses) > 1 else "amdahl",
        sigma=losses[0],
        kappa=losses[1] if len(losses) > 1 else None,
        bound=_bound(*fitted) if shown else None,
        note=_note(counts, logs, fitted) + ("" if extrapolates else f" {THE_MACHINES}"),
        extrapolates=extrapolates,
    )


def _is_shown(losses: Sequence[Estimate]) -> bool:
    return any((loss.low or 0) > 0 for loss in losses)


def _parameters(counts: Floats, logs: Floats, parameters: int) -> list[float]:
    """Return (σ) or (σ, κ) of the least squares on ln X; ln λ is the residuals' mean.

    Gauss–Newton: steps by the linearised law, halved until the sum of squares no longer grows. It
    is written out here because SciPy's optimiser takes half of a report's time to import.
    """
    target = logs.mean(axis=0)
    values = np.zeros(parameters)
    misfit = _centred(target - _log_speedups(counts, values))
    for _ in range(MOST_STEPS):
        step, *_ = np.linalg.lstsq(_slopes(counts, values), -misfit, rcond=None)
        for _ in range(MOST_HALVINGS):
            moved = _centred(target - _log_speedups(counts, values + step))
            if moved @ moved <= misfit @ misfit:
                break
            step /= 2
        else:
            break
        values, misfit = values + step, moved
        if np.abs(step).max() < PARAMETER_TOLERANCE:
            break
    return [float(value) for value in values]


def _slopes(counts: Floats, values: Floats) -> Floats:
    """Return the derivatives of the centred residuals: replica counts × parameters."""
    terms = np.stack((counts - 1, counts * (counts - 1)))[: len(values)]
    losses = np.maximum(1 + values @ terms, SMALLEST_CAPACITY_LOSS)
    return _centred((terms / losses).T)


def _centred(values: Floats) -> Floats:
    centred: Floats = values - values.mean(axis=0)
    return centred


def _log_speedups(counts: Floats, values: Sequence[float] | Floats) -> Floats:
    kappa = values[1] if len(values) > 1 else 0.0
    return np.array([math.log(speedup(n, sigma=values[0], kappa=kappa)) for n in counts])


def _jackknife_margins(counts: Floats, logs: Floats, parameters: int) -> list[float | None]:
    """Return t·s of each parameter, from fits that leave out one round each (Tukey 1958)."""
    rounds = len(logs)
    if rounds == 1:
        return [None] * parameters
    left_out = np.array(
        [_parameters(counts, np.delete(logs, index, axis=0), parameters) for index in range(rounds)]
    )
    spread = left_out - left_out.mean(axis=0)
    errors = np.sqrt((rounds - 1) / rounds * (spread**2).sum(axis=0))
    return [float(student_quantile(rounds - 1) * error) for error in errors]


def _interval(value: float, margin: float | None, reached: Sequence[float] = ()) -> Estimate:
    """Return the value with an interval: from its lowest to its highest end, and the margin."""
    if margin is None:
        return Estimate(estimate=value, low=None, high=None)
    ends = (value, *reached)
    return Estimate(estimate=value, low=min(ends) - margin, high=max(ends) + margin)


def _bound(sigma: float, kappa: float = 0.0) -> float | None:
    """Return the highest speed-up: at n = √((1 − σ)/κ) of the USL, 1/σ of Amdahl's law."""
    if kappa > 0 and sigma < 1:
        return speedup(max(1.0, math.sqrt((1 - sigma) / kappa)), sigma=sigma, kappa=kappa)
    return 1 / sigma if sigma > 0 and kappa <= 0 else None


def _note(counts: Floats, logs: Floats, fitted: Sequence[float]) -> str:
    if len(counts) < USL_COUNTS:
        exact = "" if len(counts) > 2 else " It fits two points exactly, so nothing checks it."
        return (
            "The Universal Scalability Law needs four replica counts, and this run has"
            f" {len(counts)}. Amdahl's law with one parameter is fitted instead.{exact}"
        )
    misfit = logs.mean(axis=0) - _log_speedups(counts, fitted)
    worst = float(np.expm1(np.abs(misfit - misfit.mean()).max()))
    return f"The law differs from the mean throughput of a replica count by {worst:.1%} at most."
