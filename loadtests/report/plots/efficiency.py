"""Efficiency S(n)/n against replicas.

PURE. The axis is logarithmic, so all doublings are equally wide.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from loadtests.model.result import CellResult, Estimate
from loadtests.report.plots.axes import Series, dots_width, mark, spread, thinned
from loadtests.report.plots.drawing import BOTTOM, LEFT, RIGHT, TOP, Dot, Line, Panel, Tick, points
from loadtests.report.plots.scale import Scale
from loadtests.report.rounding import percent

HIGHEST = 1.25
SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)


def panel(series: Series) -> Panel:
    """Return the plot of one worker model and workload whose fewest replicas are one."""
    counts = [cell.cell.replicas for cell in series.cells]
    x = Scale(low=-0.3, high=math.log2(series.most) + 0.3, start=LEFT, end=RIGHT)
    y = Scale(low=0, high=HIGHEST, start=BOTTOM, end=TOP)
    return Panel(
        title=series.worker,
        series=series.number,
        description="; ".join(
            f"{cell.cell}: {percent(cell.efficiency_ratio)}" for cell in series.cells
        ),
        x_title="replicas",
        y_title="efficiency",
        x_ticks=tuple(Tick(at=x(math.log2(count)), text=str(count)) for count in counts),
        y_ticks=tuple(Tick(at=y(share), text=f"{100 * share:.0f} %") for share in SHARES),
        lines=(_ideal(y),),
        dots=tuple(_dots(series, x, y)),
        marks=thinned(
            mark(
                x(math.log2(cell.cell.replicas)), _estimate(cell), y, percent(cell.efficiency_ratio)
            )
            for cell in series.cells[1:]
            if cell.efficiency_ratio is not None
        ),
    )


def _estimate(cell: CellResult) -> Estimate:
    low, high = cell.speedup.low, cell.speedup.high
    count = cell.cell.replicas
    return Estimate(
        estimate=cell.efficiency_ratio,
        low=None if low is None else low / count,
        high=None if high is None else high / count,
    )


def _ideal(y: Scale) -> Line:
    return Line(
        points=points([(LEFT, y(1)), (RIGHT, y(1))]),
        kind="ideal",
        text="ideal",
        text_x=LEFT + 6,
        text_y=y(1) - 6,
        anchor="start",
    )


def _dots(series: Series, x: Scale, y: Scale) -> Iterator[Dot]:
    """Yield the efficiency of each round in which a single replica was measured, too."""
    singles = series.trials[0]
    width = dots_width([x(math.log2(cell.cell.replicas)) for cell in series.cells])
    for cell, trials in list(zip(series.cells, series.trials, strict=True))[1:]:
        for number, trial in trials.items():
            single = singles.get(number)
            if single is None or not single.throughput_rps:
                continue
            share = trial.throughput_rps / single.throughput_rps / cell.cell.replicas
            yield Dot(
                x=spread(x(math.log2(cell.cell.replicas)), trial, len(trials), width),
                y=y(share),
                tip=f"{cell.cell}, round {number}: {percent(share)}",
            )
