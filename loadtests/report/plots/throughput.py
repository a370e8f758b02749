"""Throughput against replicas: every trial a dot, the interval, and the ideal line. PURE."""

from __future__ import annotations

from collections.abc import Iterator

from loadtests.report.plots.axes import (
    Series,
    dots_width,
    mark,
    replica_scale,
    replica_ticks,
    spread,
    thinned,
    value_ticks,
)
from loadtests.report.plots.drawing import BOTTOM, TOP, Dot, Line, Panel, points
from loadtests.report.plots.scale import Scale
from loadtests.report.rounding import figure, figures


def panel(series: Series) -> Panel:
    """Return the plot of one worker model and workload."""
    x = replica_scale(series.most)
    y = Scale(low=0, high=_highest(series) * 1.08 or 1.0, start=BOTTOM, end=TOP)
    return Panel(
        title=series.worker,
        series=series.number,
        description="; ".join(
            f"{cell.cell}: {figures(cell.throughput_rps)}" for cell in series.cells
        ),
        x_title="replicas",
        y_title="requests/s",
        x_ticks=replica_ticks([cell.cell.replicas for cell in series.cells], x),
        y_ticks=value_ticks(y),
        lines=tuple(_ideal(series, x, y)),
        dots=tuple(_dots(series, x, y)),
        marks=thinned(
            mark(
                x(cell.cell.replicas), cell.throughput_rps, y, figure(cell.throughput_rps.estimate)
            )
            for cell in series.cells
            if cell.throughput_rps.estimate is not None
        ),
    )


def _rate_of_one(series: Series) -> float:
    first = series.cells[0]
    return (first.throughput_rps.estimate or 0.0) / first.cell.replicas


def _highest(series: Series) -> float:
    rates = [trial.throughput_rps for trials in series.trials for trial in trials.values()]
    highs = [cell.throughput_rps.high or 0.0 for cell in series.cells]
    return max([*rates, *highs, _rate_of_one(series) * series.most])


def _ideal(series: Series, x: Scale, y: Scale) -> Iterator[Line]:
    """Yield the line of perfect scaling, from 0 through the estimate of the fewest replicas."""
    rate = _rate_of_one(series)
    if rate:
        middle = series.most * 0.62
        yield Line(
            points=points([(x(0), y(0)), (x(series.most), y(rate * series.most))]),
            kind="ideal",
            text="ideal",
            text_x=x(middle) - 8,
            text_y=y(rate * middle) - 6,
        )


def _dots(series: Series, x: Scale, y: Scale) -> Iterator[Dot]:
    width = dots_width([x(cell.cell.replicas) for cell in series.cells])
    for cell, trials in zip(series.cells, series.trials, strict=True):
        for trial in trials.values():
            yield Dot(
                x=spread(x(cell.cell.replicas), trial, len(trials), width),
                y=y(trial.throughput_rps),
                tip=f"{cell.cell}, round {trial.spec.round}: {figure(trial.throughput_rps)}/s",
            )
