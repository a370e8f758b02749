"""Efficiency S(n)/n against replicas, and the law beyond what was measured.

PURE. The axis is logarithmic, so that every doubling is as wide as the next.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from loadtests.laws import speedup
from loadtests.model import CellResult, Estimate, LawResult
from loadtests.report.plots.axes import Series, dots_width, mark, spread, thinned
from loadtests.report.plots.drawing import BOTTOM, LEFT, RIGHT, TOP, Dot, Line, Panel, Tick, points
from loadtests.report.plots.scale import Scale
from loadtests.report.rounding import percent

BEYOND = 2
"""How far the law is drawn, in multiples of the most replicas measured: the next doubling."""

CURVE_POINTS = 16
HIGHEST = 1.25
SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)


def panel(series: Series, law: LawResult | None) -> Panel:
    """Return the plot of one worker model and workload whose fewest replicas are one."""
    counts = [cell.cell.replicas for cell in series.cells]
    most = series.most * (BEYOND if law else 1)
    x = Scale(low=-0.3, high=math.log2(most) + 0.15, start=LEFT, end=RIGHT)
    y = Scale(low=0, high=HIGHEST, start=BOTTOM, end=TOP)
    return Panel(
        title=series.worker,
        series=series.number,
        told="; ".join(f"{cell.cell}: {percent(cell.efficiency_ratio)}" for cell in series.cells),
        x_title="replicas",
        y_title="efficiency",
        x_ticks=tuple(
            Tick(at=x(math.log2(count)), text=str(count)) for count in sorted({*counts, most})
        ),
        y_ticks=tuple(Tick(at=y(share), text=f"{100 * share:.0f} %") for share in SHARES),
        lines=tuple(_lines(law, series.most, x, y)),
        band=_band(law, series.most, x, y),
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


def _lines(law: LawResult | None, most: int, x: Scale, y: Scale) -> Iterator[Line]:
    yield Line(
        points=points([(LEFT, y(1)), (RIGHT, y(1))]),
        kind="ideal",
        text="ideal",
        text_x=LEFT + 6,
        text_y=y(1) - 6,
        anchor="start",
    )
    if law is not None and law.sigma.estimate is not None:
        kappa = law.kappa.estimate if law.kappa else 0.0
        curve = [
            (x(math.log2(n)), y(speedup(n, sigma=law.sigma.estimate, kappa=kappa or 0.0) / n))
            for n in _counts(1, most * BEYOND)
        ]
        name = "Amdahl's law" if law.name == "amdahl" else "USL"
        yield Line(
            points=points(curve),
            kind="law",
            text=f"{name}, not measured",
            text_x=RIGHT,
            text_y=BOTTOM - 8,
        )


def _band(law: LawResult | None, most: int, x: Scale, y: Scale) -> str:
    """Return the area between the law's dearest and its cheapest parameters, beyond the data."""
    if law is None or law.sigma.low is None or law.sigma.high is None:
        return ""
    kappa = law.kappa or Estimate(estimate=0.0, low=0.0, high=0.0)
    counts = _counts(most, most * BEYOND)
    cheap = [
        (x(math.log2(n)), y(speedup(n, sigma=law.sigma.low, kappa=kappa.low or 0.0) / n))
        for n in counts
    ]
    dear = [
        (x(math.log2(n)), y(speedup(n, sigma=law.sigma.high, kappa=kappa.high or 0.0) / n))
        for n in counts
    ]
    return points(cheap + dear[::-1])


def _counts(low: float, high: float) -> list[float]:
    return [low + (high - low) * step / CURVE_POINTS for step in range(CURVE_POINTS + 1)]


def _dots(series: Series, x: Scale, y: Scale) -> Iterator[Dot]:
    """Give each round's efficiency, where one replica was measured in the same round."""
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
