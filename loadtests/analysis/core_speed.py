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

from loadtests.analysis.intervals import student_quantile
from loadtests.model.plan import Cell
from loadtests.model.trial import Trial

Core = TypeVar("Core")
"""What a core is called."""

FEWEST_FREE = 6
"""Trials beyond one a cell that a slope needs; with fewer it would be noise: nothing changes."""

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


def between(
    opened: Mapping[Core, tuple[float, float]], closed: Mapping[Core, tuple[float, float]]
) -> float | None:
    """Give the geometric mean over cores of the metronome's work a CPU-second, between two counts.

    None where a core did nothing meanwhile, or where there is none.
    """
    logs = []
    for core, (work, cpu_s) in closed.items():
        work_before, cpu_before_s = opened[core]
        if work <= work_before or cpu_s <= cpu_before_s:
            return None
        logs.append(math.log((work - work_before) / (cpu_s - cpu_before_s)))
    return math.exp(math.fsum(logs) / len(logs)) if logs else None


def at_mean_speed(trials: Sequence[Trial]) -> tuple[Trial, ...]:
    """Give the trials with their throughput at the run's mean core speed, in the same order.

    A trial whose speed is not known stays as it is. Asked again for trials that were corrected, it
    starts from what was measured.
    """
    measured = [as_measured(trial) for trial in trials]
    speeds = [math.log(trial.core_speed) for trial in measured if trial.core_speed]
    if not speeds:
        return tuple(measured)
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
        [math.log(trial.core_speed) for trial in of if trial.core_speed] for of in (before, after)
    )
    return (fmean(last) if last else 0.0) - (fmean(first) if first else 0.0)


def points(trials: Sequence[Trial]) -> list[list[tuple[float, float]]]:
    """Give the core speed and the throughput of each trial that has both, cell by cell."""
    by_cell: dict[Cell, list[tuple[float, float]]] = defaultdict(list)
    for trial in trials:
        if trial.core_speed and trial.throughput_rps > 0:
            by_cell[trial.spec.cell].append((trial.core_speed, trial.throughput_rps))
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
    logs = [[(math.log(speed), math.log(rate)) for speed, rate in cell] for cell in cells]
    free = sum(len(points) for points in logs) - len(logs)
    if free < FEWEST_FREE:
        return None
    centred: list[tuple[float, float]] = []
    for points in logs:
        speed, rate = (fmean(values) for values in zip(*points, strict=True))
        centred += [(x - speed, y - rate) for x, y in points]
    squares = math.fsum(x**2 for x, _ in centred)
    if squares == 0:
        return None
    fitted = math.fsum(x * y for x, y in centred) / squares
    residual = math.fsum((y - fitted * x) ** 2 for x, y in centred)
    error = math.sqrt(residual / (free - 1) / squares)
    return Slope(fitted=fitted, error=error, degrees=free - 1)


def _slopes(trials: Sequence[Trial]) -> dict[tuple[str, str], Slope | None]:
    groups: dict[tuple[str, str], list[Trial]] = defaultdict(list)
    for trial in trials:
        groups[_group(trial)].append(trial)
    return {group: _fitted(points(its_trials)) for group, its_trials in groups.items()}


def _group(trial: Trial) -> tuple[str, str]:
    return trial.spec.cell.worker, trial.spec.cell.workload


def _corrected(trial: Trial, slopes: dict[tuple[str, str], Slope | None], middle: float) -> Trial:
    slope_of_group = slopes[_group(trial)]
    if slope_of_group is None or not trial.core_speed:
        return trial
    faster = math.log(trial.core_speed) - middle
    factor = math.exp(-slope_of_group.used * faster)
    return replace(
        trial,
        throughput_rps=trial.throughput_rps * factor,
        quarters_rps=tuple(rate * factor for rate in trial.quarters_rps),
        speed_correction=factor,
        speed_correction_margin=slope_of_group.margin * faster,
    )
