"""Latency against throughput: the median and the 99th percentile at each count. PURE."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from loadtests.model.result import CellResult, Estimate
from loadtests.report.plots.axes import Series, mark, value_ticks
from loadtests.report.plots.drawing import BOTTOM, LEFT, RIGHT, TOP, Line, Panel, Tick, points
from loadtests.report.plots.scale import Scale, ticks
from loadtests.report.rounding import figure

PERCENTILES: tuple[tuple[str, Callable[[CellResult], float | None], float], ...] = (
    ("p50", lambda cell: cell.p50_ms, 12.0),
    ("p99", lambda cell: cell.p99_ms, -4.0),
)
"""Name, value, and the distance of a line's name below its first point: the names never touch."""


def panel(series: Series) -> Panel | None:
    """Return the plot of one worker model and workload, None where nothing succeeded."""
    cells = [cell for cell in series.cells if cell.p99_ms is not None]
    if not cells:
        return None
    x = Scale(low=0, high=1.12 * max(_rate(cell) for cell in cells) or 1, start=LEFT, end=RIGHT)
    y = Scale(low=0, high=1.15 * max(cell.p99_ms or 0 for cell in cells), start=BOTTOM, end=TOP)
    return Panel(
        title=series.worker,
        series=series.number,
        description="; ".join(
            f"{cell.cell}: p50 {figure(cell.p50_ms)} ms, p99 {figure(cell.p99_ms)} ms"
            for cell in cells
        ),
        x_title="requests/s",
        y_title="ms",
        x_ticks=tuple(Tick(at=x(value), text=f"{value:g}") for value in ticks(x.low, x.high)),
        y_ticks=value_ticks(y),
        lines=tuple(
            _line(name, [value(cell) or 0.0 for cell in cells], cells, x, y, below)
            for name, value, below in PERCENTILES
        ),
        marks=tuple(
            mark(
                x(_rate(cell)),
                Estimate(estimate=value(cell), low=None, high=None),
                y,
                f"×{cell.cell.replicas}" if name == "p50" else "",
            )
            for name, value, _ in PERCENTILES
            for cell in cells
        ),
    )


def _rate(cell: CellResult) -> float:
    return cell.throughput_rps.estimate or 0.0


def _line(
    name: str,
    values: Sequence[float],
    cells: Sequence[CellResult],
    x: Scale,
    y: Scale,
    below: float,
) -> Line:
    places = [(x(_rate(cell)), y(value)) for cell, value in zip(cells, values, strict=True)]
    return Line(
        points=points(places),
        kind="path",
        text=name,
        text_x=places[0][0] - 9,
        text_y=places[0][1] + below,
        anchor="end",
    )
