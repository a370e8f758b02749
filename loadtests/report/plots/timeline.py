"""The trials over time: a row a cell, each trial against the cell's own mean. PURE."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from loadtests.analysis.estimates import trials_by_cell
from loadtests.model.result import CellResult, RunResult
from loadtests.model.trial import Trial
from loadtests.report.plots.axes import worker_numbers
from loadtests.report.plots.drawing import Dot, Tick
from loadtests.report.plots.scale import Scale, ticks
from loadtests.report.rounding import figure, percent

ROW_TOP, ROW_BOTTOM = 4.0, 30.0
"""The edges of a row, in pixels."""

LEAST_SPREAD = 0.05
"""A row spans at least ±5 %, so that small noise looks small."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """One cell's trials: ``x`` of the dots in per cents, ``y`` in pixels."""

    cell: CellResult
    series: int
    dots: tuple[Dot, ...]


@dataclass(frozen=True, kw_only=True)
class Timeline:
    """All rows, the ticks of the seconds, and the half-height of a row, as a share of the mean."""

    rows: tuple[Row, ...]
    ticks: tuple[Tick, ...]
    reach: float


def timeline(result: RunResult, trials: Sequence[Trial]) -> Timeline:
    """Return every trial at its time, as a deviation from its cell's estimate."""
    first = min((trial.started_at_s for trial in trials), default=0.0)
    last = max((trial.started_at_s for trial in trials), default=1.0)
    by_cell = trials_by_cell(trials)
    means = {cell.cell: cell.throughput_rps.estimate for cell in result.cells}
    gaps = [abs(_gap(trial, means.get(trial.spec.cell))) for trial in trials]
    reach = max([LEAST_SPREAD, *gaps])
    x = Scale(low=0, high=last - first, start=1, end=99)
    y = Scale(low=-reach, high=reach, start=ROW_BOTTOM, end=ROW_TOP)
    numbers = worker_numbers(result)
    rows = tuple(
        Row(
            cell=cell,
            series=numbers[cell.cell.worker],
            dots=tuple(
                _dot(trial, trial.started_at_s - first, _gap(trial, means[cell.cell]), x, y)
                for trial in by_cell.get(cell.cell, {}).values()
            ),
        )
        for cell in result.cells
    )
    seconds = tuple(Tick(at=x(value), text=f"{value:g} s") for value in ticks(0, last - first))
    return Timeline(rows=rows, ticks=seconds, reach=reach)


def _gap(trial: Trial, mean: float | None) -> float:
    return trial.throughput_rps / mean - 1 if mean else 0.0


def _dot(trial: Trial, after_s: float, gap: float, x: Scale, y: Scale) -> Dot:
    tip = (
        f"{trial.spec.cell}, round {trial.spec.round}, position {trial.spec.position}: "
        f"{figure(trial.throughput_rps)}/s ({percent(gap)} from the mean)"
    )
    return Dot(x=x(after_s), y=y(gap), tip=tip)
