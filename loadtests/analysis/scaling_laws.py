"""Scalability laws fitted to one worker model and workload.

PURE. Two laws, both fitted to the logarithm of throughput by least squares:

- Amdahl's law (Amdahl 1967): X(n) = λ·n / (1 + σ(n − 1)); σ is the share that cannot be divided.
- the Universal Scalability Law (Gunther 2007, *Guerrilla Capacity Planning*, chapter 4):
  X(n) = λ·n / (1 + σ(n − 1) + κn(n − 1)); κ is the cost of keeping n servers consistent.

The intervals come from leaving out one round at a time (the jackknife, Tukey 1958), because the
round is the unit; they say how certain the fit is, not whether the law is true.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from loadtests.analysis.estimates import trials_by_cell
from loadtests.analysis.intervals import student_quantile
from loadtests.model.plan import Cell, Plan
from loadtests.model.result import Estimate, LawResult
from loadtests.model.trial import Trial

USL_COUNTS = 4
"""Replica counts that a USL fit needs: its three parameters pass exactly through three points, so
the fourth is the first one that could contradict the law."""

SMALLEST_CAPACITY_LOSS = 1e-9
"""Where the laws' denominator would reach zero while the fit searches, it is held here."""

PARAMETER_TOLERANCE = 1e-10
"""A fit is done when no parameter moves by more; they are told to four digits after the point."""

MOST_STEPS = 100
MOST_HALVINGS = 40
"""Where the fit does not settle, what it has then is the best so far; seen for neither law."""

Floats = NDArray[np.float64]


def fit(plan: Plan, trials: Sequence[Trial]) -> tuple[LawResult, ...]:
    """Return the law of every worker model and workload that the replica counts allow.

    Only rounds count in which every replica count has a trial with a success; without one of them,
    or with fewer than two replica counts, there is no law.
    """
    found = trials_by_cell(trials)
    pairs = dict.fromkeys((cell.worker, cell.workload) for cell in plan.cells)
    fitted = []
    for worker, workload in pairs:
        cells = sorted(
            cell for cell in plan.cells if (cell.worker, cell.workload) == (worker, workload)
        )
        logs = _log_throughputs([found.get(cell, {}) for cell in cells])
        if len(cells) > 1 and len(logs) > 0:
            fitted.append(_fit_one(cells, logs))
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


def _fit_one(cells: Sequence[Cell], logs: Floats) -> LawResult:
    counts = np.array([cell.replicas for cell in cells], dtype=np.float64)
    parameters = 2 if len(cells) >= USL_COUNTS else 1
    found = _parameters(counts, logs, parameters)
    margins = _jackknife_margins(counts, logs, parameters)
    sigma, *kappa = (_interval(value, margin) for value, margin in zip(found, margins, strict=True))
    return LawResult(
        worker=cells[0].worker,
        workload=cells[0].workload,
        name="usl" if kappa else "amdahl",
        sigma=sigma,
        kappa=kappa[0] if kappa else None,
        bound=_bound(*found) if any((loss.low or 0) > 0 for loss in (sigma, *kappa)) else None,
        note=_note(counts, logs, found),
    )


def _parameters(counts: Floats, logs: Floats, parameters: int) -> list[float]:
    """Return (σ) or (σ, κ) of the least squares on ln X; ln λ is the residuals' mean.

    Gauss's method: steps by the linearised law, halved until the sum of squares grows no more. (An
    optimiser from a library gives the same and takes half of a report's time to be imported.)
    """
    target = logs.mean(axis=0)
    found = np.zeros(parameters)
    misfit = _centred(target - _log_speedups(counts, found))
    for _ in range(MOST_STEPS):
        step, *_ = np.linalg.lstsq(_slopes(counts, found), -misfit, rcond=None)
        for _ in range(MOST_HALVINGS):
            moved = _centred(target - _log_speedups(counts, found + step))
            if moved @ moved <= misfit @ misfit:
                break
            step /= 2
        else:
            break
        found, misfit = found + step, moved
        if np.abs(step).max() < PARAMETER_TOLERANCE:
            break
    return [float(value) for value in found]


def _slopes(counts: Floats, values: Floats) -> Floats:
    """Return how the centred residuals change with each parameter: replica counts × parameters."""
    grown = np.stack((counts - 1, counts * (counts - 1)))[: len(values)]
    losses = np.maximum(1 + values @ grown, SMALLEST_CAPACITY_LOSS)
    return _centred((grown / losses).T)


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


def _interval(value: float, margin: float | None) -> Estimate:
    if margin is None:
        return Estimate(estimate=value, low=None, high=None)
    return Estimate(estimate=value, low=value - margin, high=value + margin)


def _bound(sigma: float, kappa: float = 0.0) -> float | None:
    """Return the greatest speed-up: at n = √((1 − σ)/κ) of the USL, 1/σ of Amdahl's law."""
    if kappa > 0 and sigma < 1:
        return speedup(max(1.0, math.sqrt((1 - sigma) / kappa)), sigma=sigma, kappa=kappa)
    return 1 / sigma if sigma > 0 and kappa <= 0 else None


def _note(counts: Floats, logs: Floats, found: Sequence[float]) -> str:
    if len(counts) < USL_COUNTS:
        checked = "" if len(counts) > 2 else " Even that has two points for two parameters."
        return (
            f"{len(counts)} replica counts leave a fit of the Universal Scalability Law nothing "
            f"to check it, so Amdahl's law with one parameter is given instead.{checked}"
        )
    misfit = logs.mean(axis=0) - _log_speedups(counts, found)
    worst = float(np.expm1(np.abs(misfit - misfit.mean()).max()))
    return f"The law misses the mean throughput of a replica count by {worst:.1%} at most."
