"""Takes the changes of the machine's speed out of the trials. PURE.

The cores of a shared machine change their speed by tens of per cent from one window to the next,
and with it what a CPU budget is worth. The metronome measures that speed in every window, on the
replicas' own cores, with work that shares nothing else with the system under test. Each trial's
throughput is then stated for the run's mean speed, by analysis of covariance (Fisher 1932; Cochran
1957, Biometrics 13:261):

    ln X' = ln X − b (ln v − mean ln v)

with v the speed and b the slope of ln X on ln v inside cells, pooled over the cells of one worker
model and workload. Inside cells, because differences between cells are what is asked for. Where CPU
is what is full, b comes out near 1; where slots are, near 0, and nothing is changed.

Replicas on servers of their own would not share a core, so what slows the core is never theirs.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from statistics import fmean
from typing import TypeVar

from loadtests.model.plan import Cell
from loadtests.model.trial import Trial

Core = TypeVar("Core")
"""What a core is called."""

FEWEST_FREE = 6
"""Trials beyond one a cell that a slope needs; with fewer it would be noise: nothing changes."""

MOST_SLOPE = 1.5
"""A slope beyond this, or below 0, is no effect of the clock but chance."""


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
    if trial.speed_correction == 1.0:
        return trial
    factor = 1 / trial.speed_correction
    return replace(
        trial,
        throughput_rps=trial.throughput_rps * factor,
        quarters_rps=tuple(rate * factor for rate in trial.quarters_rps),
        speed_correction=1.0,
    )


def slope(trials: Sequence[Trial]) -> float | None:
    """Give the slope of ln throughput on ln core speed inside cells, or None for too few trials."""
    return pooled_slope(points(trials))


def points(trials: Sequence[Trial]) -> list[list[tuple[float, float]]]:
    """Give the core speed and the throughput of each trial that has both, cell by cell."""
    by_cell: dict[Cell, list[tuple[float, float]]] = defaultdict(list)
    for trial in trials:
        if trial.core_speed and trial.throughput_rps > 0:
            by_cell[trial.spec.cell].append((trial.core_speed, trial.throughput_rps))
    return list(by_cell.values())


def pooled_slope(cells: Iterable[Sequence[tuple[float, float]]]) -> float | None:
    """Give the slope of ln throughput on ln core speed inside cells, pooled over them.

    A cell is its windows' pairs of speed and throughput, all above 0. None where there are too few
    windows, or where the speed never changed. Source: the analysis of covariance named above.
    """
    logs = [[(math.log(speed), math.log(rate)) for speed, rate in cell] for cell in cells]
    if sum(len(points) for points in logs) - len(logs) < FEWEST_FREE:
        return None
    products = squares = 0.0
    for points in logs:
        speed, rate = (fmean(values) for values in zip(*points, strict=True))
        products += math.fsum((x - speed) * (y - rate) for x, y in points)
        squares += math.fsum((x - speed) ** 2 for x, _ in points)
    if squares == 0:
        return None
    return min(MOST_SLOPE, max(0.0, products / squares))


def _slopes(trials: Sequence[Trial]) -> dict[tuple[str, str], float | None]:
    groups: dict[tuple[str, str], list[Trial]] = defaultdict(list)
    for trial in trials:
        groups[_group(trial)].append(trial)
    return {group: slope(its_trials) for group, its_trials in groups.items()}


def _group(trial: Trial) -> tuple[str, str]:
    return trial.spec.cell.worker, trial.spec.cell.workload


def _corrected(trial: Trial, slopes: dict[tuple[str, str], float | None], middle: float) -> Trial:
    slope_of_group = slopes[_group(trial)]
    if slope_of_group is None or not trial.core_speed:
        return trial
    factor = math.exp(-slope_of_group * (math.log(trial.core_speed) - middle))
    return replace(
        trial,
        throughput_rps=trial.throughput_rps * factor,
        quarters_rps=tuple(rate * factor for rate in trial.quarters_rps),
        speed_correction=factor,
    )
