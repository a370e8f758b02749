"""Does a doubling's factor, or the throughput itself, drift from round to round? PURE.

Each doubling gets a straight line through ln D over the rounds (least squares). The residual
variance is pooled over all doublings of a workload, each with the rounds that it has: one worker
model may end earlier than others. The few points of a doubling sometimes lie on a line by chance.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import linear_regression

import numpy as np
import numpy.typing as npt

from loadtests.analysis import estimates
from loadtests.analysis.core_speed import MOST_SLOPE, as_measured, centred, speed_of
from loadtests.analysis.intervals import student_chance
from loadtests.model.plan import Cell, Plan
from loadtests.model.trial import Trial

Floats = npt.NDArray[np.float64]

FEWEST_ROUNDS = 4
"""Rounds below which a trend cannot be distinguished from noise."""


@dataclass(frozen=True, kw_only=True)
class Drift:
    """The change of a doubling's factor from the first round to the last, as a ratio.

    ``chance`` is its p-value, corrected for all doublings that were tested (Bonferroni).
    """

    what: str
    ratio: float
    chance: float


@dataclass(frozen=True, kw_only=True)
class _Line:
    small: Cell
    large: Cell
    slope: float
    span: int
    residual_squares: float
    round_squares: float
    freedom: int


def drifts(plan: Plan, trials: Sequence[Trial]) -> tuple[Drift, ...]:
    """Return the drift of every doubling that has enough rounds."""
    lines = _lines(plan, trials)
    squares: dict[str, float] = defaultdict(float)
    freedom: dict[str, int] = defaultdict(int)
    for line in lines:
        squares[line.small.workload] += line.residual_squares
        freedom[line.small.workload] += line.freedom
    results = []
    for line in lines:
        free = freedom[line.small.workload]
        error = math.sqrt(squares[line.small.workload] / free / line.round_squares)
        chance = student_chance(line.slope / error, free) if error else float(not line.slope)
        results.append(
            Drift(
                what=f"{line.small} → ×{line.large.replicas}",
                ratio=math.expm1(line.slope * line.span),
                chance=min(1.0, chance * len(lines)),
            )
        )
    return tuple(results)


def wear(trials: Sequence[Trial]) -> Drift | None:
    """Return the common change of all cells from the first trial to the last, as a ratio.

    It is one slope of ln X on time inside cells, common to all cells (analysis of covariance, as in
    ``analysis.core_speed``). None for too few trials, or where all are of one moment. Where core
    speeds are known, the slopes on time and on core speed are fitted together, to uncorrected
    throughputs. Otherwise a machine that gets faster could hide a system that gets slower.
    """
    measured = [as_measured(trial) for trial in trials if trial.throughput_rps > 0]
    by_cell = estimates.trials_by_cell(measured)
    has_speeds = all(map(speed_of, measured))
    rows = [
        row
        for by_round in by_cell.values()
        for row in _centred(by_round.values(), has_speeds=has_speeds)
    ]
    times, speeds, logs = np.array(rows).reshape(-1, 3).T
    if len(rows) - len(by_cell) - 1 < FEWEST_ROUNDS or not times.any():
        return None
    free, fit = len(rows) - len(by_cell) - 2, _fit(np.column_stack((times, speeds)), logs)
    if fit is None or not 0 <= fit.slopes[1] <= MOST_SLOPE:
        by_speed = 0.0 if fit is None or fit.slopes[1] < 0 else MOST_SLOPE
        free, fit = free + 1, _fit(times[:, np.newaxis], logs - by_speed * speeds)
        assert fit is not None
    error = math.sqrt(fit.left / free * fit.spread)
    starts = [trial.started_at_s for trial in trials]
    return Drift(
        what="throughput",
        ratio=math.expm1(fit.slopes[0] * (max(starts) - min(starts))),
        chance=student_chance(fit.slopes[0] / error, free) if error else float(not fit.slopes[0]),
    )


def _centred(trials: Iterable[Trial], *, has_speeds: bool) -> list[tuple[float, ...]]:
    """Return time, ln core speed and ln throughput of a cell's trials, less their means."""
    rows = [
        (
            trial.started_at_s,
            math.log(speed_of(trial) or 1.0) if has_speeds else 0.0,
            math.log(trial.throughput_rps),
        )
        for trial in trials
    ]
    return centred(rows)


@dataclass(frozen=True, kw_only=True)
class _Fit:
    """A least-squares fit: its slopes, and ``left``, the residual sum of squares.

    ``spread`` is the variance of the first slope for a residual variance of 1.
    """

    slopes: tuple[float, ...]
    left: float
    spread: float


def _fit(columns: Floats, logs: Floats) -> _Fit | None:
    """Fit ``logs`` by the columns; None where the columns are linearly dependent."""
    slopes, _, rank, _ = np.linalg.lstsq(columns, logs, rcond=None)
    if rank < columns.shape[1]:
        return None
    residuals = logs - columns @ slopes
    return _Fit(
        slopes=tuple(map(float, slopes)),
        left=float(residuals @ residuals),
        spread=float(np.linalg.inv(columns.T @ columns)[0, 0]),
    )


def _lines(plan: Plan, trials: Sequence[Trial]) -> list[_Line]:
    by_cell = estimates.trials_by_cell(trials)
    lines = []
    for small, large in estimates.doubled_cells(plan):
        below, above = by_cell.get(small, {}), by_cell.get(large, {})
        rounds = sorted(
            number
            for number in below.keys() & above.keys()
            if below[number].completed and above[number].completed
        )
        if len(rounds) < FEWEST_ROUNDS:
            continue
        logs = [
            math.log(above[number].throughput_rps / below[number].throughput_rps)
            for number in rounds
        ]
        lines.append(_line(small, large, rounds, logs))
    return lines


def _line(small: Cell, large: Cell, rounds: Sequence[int], logs: Sequence[float]) -> _Line:
    slope, intercept = linear_regression(rounds, logs)
    middle = math.fsum(rounds) / len(rounds)
    return _Line(
        small=small,
        large=large,
        slope=slope,
        span=rounds[-1] - rounds[0],
        residual_squares=math.fsum(
            (log - intercept - slope * number) ** 2
            for number, log in zip(rounds, logs, strict=True)
        ),
        round_squares=math.fsum((number - middle) ** 2 for number in rounds),
        freedom=len(rounds) - 2,
    )
