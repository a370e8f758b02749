"""Takes the changes of the machine's speed out of the trials. PURE.

The cores of a shared machine change their speed by tens of per cent from one window to the next,
and with it what a CPU budget is worth. The metronome measures that speed in every window, on the
replicas' own cores, with work that shares nothing else with the system under test. Each trial's
throughput is then stated for the run's mean speed, by analysis of covariance (Fisher 1932; Cochran
1957, Biometrics 13:261):

    ln X' = ln X − b (ln v − mean ln v)

with v the speed and b the slope of ln X on ln v inside cells, pooled over the cells of one worker
model and workload. Inside cells, because differences between cells are what is asked for. Where CPU
is what is full, b comes out near 1; where slots are, near 0, and next to nothing is changed.

The metronome tells two speeds, h of hashing in the core's own caches and m of reading memory. How
much of either requests feel depends on the machine and its neighbours. So ln v = (1 − w) ln h + w
ln m, with one w for the whole run: the one that leaves least of the throughputs unexplained.

The slope is an estimate, and all corrections of a group err together. So each corrected trial says
how far off its correction may be, and intervals contain it (:func:`margin_between`). The slope is
cut off at 0 and ``MOST_SLOPE`` only where it is certainly beyond them. Cut off always, its mean
would be too high where slots are full. Taken as 0 unless it is significant, it would be too low
where CPU is full, and the intervals would hold the truth less often
(``docs/measurements.md``, "How much the correction adds").

Replicas on servers of their own would not share a core, so what slows the core is never theirs.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from loadtests.analysis.intervals import student_quantile
from loadtests.model.plan import Cell
from loadtests.model.trial import Trial

Floats = npt.NDArray[np.float64]

Core = TypeVar("Core")
"""What a core is called."""

Counts = tuple[float, float, float]
"""The metronome's pieces of work, and their CPU-seconds of hashing and of reading memory."""

FEWEST_FREE = 6
"""Trials beyond one a cell that a slope needs; with fewer it would be noise: nothing changes."""

WEIGHTS = tuple(twentieth / 20 for twentieth in range(21))
"""The weights of memory that are tried."""

FEWEST_WEIGHED = 3 * FEWEST_FREE
"""Trials beyond those that cells and slopes take, from which a weight can be found."""

USUAL_WEIGHT = 0.1
"""The weight of memory where there are too few trials to find one."""

MOST_SLOPE = 1.5
"""A slope beyond this, or below 0, is no effect of the clock but chance."""


@dataclass(frozen=True, kw_only=True)
class Slope:
    """The slope of ln throughput on ln core speed inside cells, as it was fitted.

    ``error`` is its standard error, from so many ``degrees`` of freedom.
    """

    fitted: float
    error: float
    degrees: int

    @property
    def margin(self) -> float:
        """The half-width of its interval."""
        return student_quantile(self.degrees) * self.error

    @property
    def used(self) -> float:
        """The slope for the correction: cut off where it is certainly no effect of the clock."""
        if self.fitted + self.margin < 0:
            return 0.0
        return MOST_SLOPE if self.fitted - self.margin > MOST_SLOPE else self.fitted


@dataclass(frozen=True, kw_only=True)
class CoreSpeed:
    """The metronome's pieces of work per CPU-second of hashing, and of reading memory."""

    hashing: float
    reading: float

    @property
    def both(self) -> float:
        """Pieces per CPU-second of both."""
        return 1 / (1 / self.hashing + 1 / self.reading)


def between(
    opened: Mapping[Core, Counts] | None, closed: Mapping[Core, Counts] | None
) -> CoreSpeed | None:
    """Give the metronome's speeds between two counts, as geometric means over the cores.

    None where a core did nothing meanwhile, or where there is none.
    """
    before = opened or {}
    hashing, reading = [], []
    for core, counts in (closed or {}).items():
        if core not in before:
            return None
        work, hashing_s, reading_s = (
            after - earlier for after, earlier in zip(counts, before[core], strict=True)
        )
        if min(work, hashing_s, reading_s) <= 0:
            return None
        hashing.append(math.log(work / hashing_s))
        reading.append(math.log(work / reading_s))
    if not hashing:
        return None
    return CoreSpeed(hashing=math.exp(fmean(hashing)), reading=math.exp(fmean(reading)))


def speed_of(trial: Trial) -> float | None:
    """Return the speed by which a trial is corrected; None where it is not known."""
    if not trial.core_speed or not trial.memory_speed:
        return trial.core_speed
    weight = trial.memory_weight
    return float(trial.core_speed ** (1 - weight) * trial.memory_speed**weight)


def weighed(trials: Sequence[Trial]) -> tuple[Trial, ...]:
    """Give the trials with the weight of memory that leaves least of their throughputs unexplained.

    Of few trials, they have the usual one. A trial whose speed of memory is not known has none.
    """
    known = [trial for trial in trials if trial.core_speed and trial.memory_speed]
    groups = _grouped(known)
    weight, fitted = USUAL_WEIGHT, len({trial.spec.cell for trial in known}) + len(groups)
    if len(known) - fitted >= FEWEST_WEIGHED:
        products = [_products(its) for its in groups.values()]
        weight = min(WEIGHTS, key=lambda tried: sum(_unexplained(of, tried) for of in products))
    return tuple(
        replace(trial, memory_weight=weight if trial.memory_speed else 0.0) for trial in trials
    )


def _products(trials: Sequence[Trial]) -> Floats:
    """Return the sums of products, inside cells, of ln hashing, ln reading and ln throughput."""
    by_cell: dict[Cell, list[tuple[float, float, float]]] = defaultdict(list)
    for trial in trials:
        if trial.core_speed and trial.memory_speed and trial.throughput_rps > 0:
            row = (trial.core_speed, trial.memory_speed, trial.throughput_rps)
            by_cell[trial.spec.cell].append((math.log(row[0]), math.log(row[1]), math.log(row[2])))
    rows = np.array([row for cell in by_cell.values() for row in centred(cell)]).reshape(-1, 3)
    products: Floats = rows.T @ rows
    return products


def _unexplained(products: Floats, weight: float) -> float:
    """Return the squares that a group's slope leaves with a weight of memory."""
    parts = np.array((1 - weight, weight))
    squares, product = parts @ products[:2, :2] @ parts, parts @ products[:2, 2]
    return float(products[2, 2] - (product**2 / squares if squares else 0.0))


def centred(rows: Sequence[tuple[float, ...]]) -> list[tuple[float, ...]]:
    """Return the rows of a cell, each value less the mean of its column."""
    means = [fmean(column) for column in zip(*rows, strict=True)]
    return [tuple(value - mean for value, mean in zip(row, means, strict=True)) for row in rows]


def at_mean_speed(trials: Sequence[Trial]) -> tuple[Trial, ...]:
    """Give the trials with their throughput at the run's mean core speed, in the same order.

    A trial whose speed is not known stays as it is. Asked again for trials that were corrected, it
    starts from what was measured.
    """
    measured = weighed([as_measured(trial) for trial in trials])
    speeds = [math.log(speed) for speed in map(speed_of, measured) if speed]
    if not speeds:
        return measured
    middle = fmean(speeds)
    slopes = _slopes(measured)
    return tuple(_corrected(trial, slopes, middle) for trial in measured)


def as_measured(trial: Trial) -> Trial:
    """Give a trial as it was measured, whatever was corrected."""
    if trial.speed_correction == 1.0 and not trial.speed_correction_margin:
        return trial
    factor = 1 / trial.speed_correction
    return replace(
        trial,
        throughput_rps=trial.throughput_rps * factor,
        quarters_rps=tuple(rate * factor for rate in trial.quarters_rps),
        speed_correction=1.0,
        speed_correction_margin=0.0,
    )


def margin_between(above: Sequence[Trial], below: Sequence[Trial]) -> float:
    """Return the half-width of the interval of what corrections did to ln of a ratio of two cells.

    Inside a worker model and workload all corrections have one slope, so they err together, and
    what the cells' core speeds have in common cancels. Between two of them it does not.
    """
    means = [fmean(trial.speed_correction_margin for trial in of) for of in (above, below) if of]
    groups = {_group(trial) for of in (above, below) for trial in of}
    if len(means) < 2:
        return abs(means[0]) if means else 0.0
    return abs(means[0] - means[1]) if len(groups) == 1 else math.hypot(*means)


def slope(trials: Sequence[Trial]) -> float | None:
    """Give the slope that trials are corrected by, or None for too few of them."""
    fitted = _fitted(points(trials))
    return None if fitted is None else fitted.used


def slope_error(trials: Sequence[Trial]) -> float:
    """Return the standard error of the slope; 0 where nothing is corrected."""
    fitted = _fitted(points(trials))
    return 0.0 if fitted is None else fitted.error


def speed_change(before: Iterable[Trial], after: Iterable[Trial]) -> float:
    """Return how much the mean logarithm of the core speed differs between two cells' trials."""
    first, last = (
        [math.log(speed) for speed in map(speed_of, of) if speed] for of in (before, after)
    )
    return (fmean(last) if last else 0.0) - (fmean(first) if first else 0.0)


def points(trials: Sequence[Trial]) -> list[list[tuple[float, float]]]:
    """Give the core speed and the throughput of each trial that has both, cell by cell."""
    by_cell: dict[Cell, list[tuple[float, float]]] = defaultdict(list)
    for trial in trials:
        speed = speed_of(trial)
        if speed and trial.throughput_rps > 0:
            by_cell[trial.spec.cell].append((speed, trial.throughput_rps))
    return list(by_cell.values())


def pooled_slope(cells: Iterable[Sequence[tuple[float, float]]]) -> float | None:
    """Give the slope of ln throughput on ln core speed inside cells, from 0 to ``MOST_SLOPE``.

    A cell is its windows' pairs of speed and throughput, all above 0. None where there are too few
    windows, or where the speed never changed. The gate compares two versions at equal replicas, so
    what is cut off cancels there.
    """
    fitted = _fitted(cells)
    return None if fitted is None else min(MOST_SLOPE, max(0.0, fitted.fitted))


def _fitted(cells: Iterable[Sequence[tuple[float, float]]]) -> Slope | None:
    """Fit a line with a mean for each cell; the source is the analysis of covariance named above.

    None where there are too few windows, or where the speed never changed.
    """
    cells = list(cells)
    free = sum(len(points) for points in cells) - len(cells)
    if free < FEWEST_FREE:
        return None
    squares, fitted, left = _line(cells)
    if squares == 0:
        return None
    return Slope(fitted=fitted, error=math.sqrt(left / (free - 1) / squares), degrees=free - 1)


def _line(cells: Iterable[Sequence[tuple[float, float]]]) -> tuple[float, float, float]:
    """Return the squares of ln speed inside cells, the slope, and the squares that it leaves.

    The slope is 0 where the speed never changed.
    """
    rows = [
        row
        for points in cells
        for row in centred([(math.log(speed), math.log(rate)) for speed, rate in points])
    ]
    squares = math.fsum(x**2 for x, _ in rows)
    fitted = math.fsum(x * y for x, y in rows) / squares if squares else 0.0
    return squares, fitted, math.fsum((y - fitted * x) ** 2 for x, y in rows)


def _slopes(trials: Sequence[Trial]) -> dict[tuple[str, str], Slope | None]:
    return {group: _fitted(points(its)) for group, its in _grouped(trials).items()}


def _grouped(trials: Iterable[Trial]) -> dict[tuple[str, str], list[Trial]]:
    groups: dict[tuple[str, str], list[Trial]] = defaultdict(list)
    for trial in trials:
        groups[_group(trial)].append(trial)
    return groups


def _group(trial: Trial) -> tuple[str, str]:
    return trial.spec.cell.worker, trial.spec.cell.workload


def _corrected(trial: Trial, slopes: dict[tuple[str, str], Slope | None], middle: float) -> Trial:
    slope_of_group, speed = slopes[_group(trial)], speed_of(trial)
    if slope_of_group is None or not speed:
        return trial
    faster = math.log(speed) - middle
    factor = math.exp(-slope_of_group.used * faster)
    return replace(
        trial,
        throughput_rps=trial.throughput_rps * factor,
        quarters_rps=tuple(rate * factor for rate in trial.quarters_rps),
        speed_correction=factor,
        speed_correction_margin=slope_of_group.margin * faster,
    )
