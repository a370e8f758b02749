"""Does a doubling's factor, or the throughput itself, drift from round to round? PURE.

A straight line through ln D over the rounds, for each doubling (least squares). How far the points
scatter about their line is taken from all doublings of a workload together: they were measured in
the same rounds, and one doubling alone has so few points that they lie on a line by chance now and
then (seen once in five clean runs of six rounds: p = 0.0003 from the line alone).
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
from loadtests.analysis.core_speed import MOST_SLOPE, as_measured
from loadtests.analysis.intervals import student_chance
from loadtests.model.plan import Cell, Plan
from loadtests.model.trial import Trial

Floats = npt.NDArray[np.float64]

FEWEST_ROUNDS = 4
"""Rounds below which a trend cannot be told from noise."""


@dataclass(frozen=True, kw_only=True)
class Drift:
    """How much a doubling's factor changed from the first round to the last, as a ratio.

    ``chance`` is the probability of as much or more without any trend, over all doublings that
    were looked at (Bonferroni).
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
    """Give the drift of every doubling that has enough rounds."""
    lines = _lines(plan, trials)
    squares: dict[str, float] = defaultdict(float)
    freedom: dict[str, int] = defaultdict(int)
    for line in lines:
        squares[line.small.workload] += line.residual_squares
        freedom[line.small.workload] += line.freedom
    found = []
    for line in lines:
        free = freedom[line.small.workload]
        error = math.sqrt(squares[line.small.workload] / free / line.round_squares)
        chance = student_chance(line.slope / error, free) if error else float(not line.slope)
        found.append(
            Drift(
                what=f"{line.small} → ×{line.large.replicas}",
                ratio=math.expm1(line.slope * line.span),
                chance=min(1.0, chance * len(lines)),
            )
        )
    return tuple(found)


def wear(trials: Sequence[Trial]) -> Drift | None:
    """Give by how much all cells became faster or slower together from the first trial to the last.

    One slope of ln X on time inside cells, common to all cells of the trials (analysis of
    covariance, as in ``corespeed``); None for too few trials, or where they are all of one moment.
    Where core speeds are known, the slopes on time and on core speed are found together, from the
    throughputs as they were measured: a machine that grows faster over the run would else hide a
    system that grows slower.
    """
    measured = [as_measured(trial) for trial in trials if trial.throughput_rps > 0]
    mine = estimates.trials_by_cell(measured)
    known = all(trial.core_speed for trial in measured)
    rows = [row for by_round in mine.values() for row in _centred(by_round.values(), known=known)]
    times, speeds, logs = np.array(rows).reshape(-1, 3).T
    if len(rows) - len(mine) - 1 < FEWEST_ROUNDS or not times.any():
        return None
    free, fit = len(rows) - len(mine) - 2, _fit(np.column_stack((times, speeds)), logs)
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


def _centred(trials: Iterable[Trial], *, known: bool) -> list[tuple[float, ...]]:
    """Give time, ln core speed and ln throughput of a cell's trials, against their means."""
    rows = [
        (
            trial.started_at_s,
            math.log(trial.core_speed) if known and trial.core_speed else 0.0,
            math.log(trial.throughput_rps),
        )
        for trial in trials
    ]
    means = [math.fsum(column) / len(rows) for column in zip(*rows, strict=True)]
    return [tuple(value - mean for value, mean in zip(row, means, strict=True)) for row in rows]


@dataclass(frozen=True, kw_only=True)
class _Fit:
    """A least-squares fit: its slopes, and the sum of squares that it leaves.

    ``spread`` is the variance of the first slope where the logs scatter with a variance of 1.
    """

    slopes: tuple[float, ...]
    left: float
    spread: float


def _fit(columns: Floats, logs: Floats) -> _Fit | None:
    """Fit ``logs`` by the columns; None where these do not tell them apart."""
    slopes, _, rank, _ = np.linalg.lstsq(columns, logs, rcond=None)
    if rank < columns.shape[1]:
        return None
    rest = logs - columns @ slopes
    return _Fit(
        slopes=tuple(map(float, slopes)),
        left=float(rest @ rest),
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
