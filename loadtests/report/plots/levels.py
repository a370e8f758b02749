"""Latency against offered load, from the moment at which each request was due. PURE.

The axis of times is logarithmic, because queueing makes them grow by orders of magnitude. A dashed
line shows the same percentile of the service time, from when a request was sent.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence

from loadtests.model.latency import LatencyResult, LevelResult, Quantile
from loadtests.report.plots.drawing import BOTTOM, LEFT, RIGHT, TOP, Line, Mark, Panel, Tick, points
from loadtests.report.plots.scale import Scale, ticks
from loadtests.report.rounding import figure

LINES: tuple[tuple[str, str, Callable[[LevelResult], Quantile]], ...] = (
    ("p50", "path", lambda level: level.response.p50),
    ("p99", "path", lambda level: level.response.p99),
    ("p99 from sending", "sent", lambda level: level.service.p99),
)
"""Name, CSS class and value of each line."""

ROUND_MS = tuple(step * 10.0**power for power in range(-2, 6) for step in (1, 2, 5))
"""The possible values of ticks, in milliseconds."""

MOST_TICKS = 5


def panel(cell: LatencyResult, number: int, objective_ms: float | None) -> Panel | None:
    """Return the plot of one cell in its worker model's colour; None where no level counts."""
    levels = [level for level in cell.levels if level.state == "valid"]
    times = [value for level in levels for value in _times(level)]
    if not times:
        return None
    if objective_ms is not None:
        times.append(objective_ms)
    widest = max([cell.capacity_rps or 0.0, *(level.rate_rps for level in levels)])
    x = Scale(low=0, high=1.1 * widest, start=LEFT, end=RIGHT)
    y = Scale(
        low=math.log10(min(times)) - 0.1,
        high=math.log10(max(times)) + 0.1,
        start=BOTTOM,
        end=TOP,
    )
    return Panel(
        title=f"{cell.worker} ×{cell.replicas}",
        series=number,
        description="; ".join(map(_description, levels)),
        x_title="offered requests/s",
        y_title="ms",
        x_ticks=tuple(Tick(at=x(value), text=f"{value:g}") for value in ticks(x.low, x.high)),
        y_ticks=_time_ticks(y),
        lines=(
            *_limits(cell, objective_ms, x, y),
            *(
                _line(name, kind, [(level, value(level)) for level in levels], x, y)
                for name, kind, value in LINES
            ),
        ),
        marks=tuple(_marks(levels, x, y)),
    )


def _times(level: LevelResult) -> Iterator[float]:
    for _, _, value in LINES:
        quantile = value(level)
        yield from (time for time in (quantile.low_ms, quantile.ms, quantile.high_ms) if time)


def _description(level: LevelResult) -> str:
    named = ", ".join(f"{name} {figure(value(level).ms)} ms" for name, _, value in LINES)
    return f"{figure(level.rate_rps)} requests/s: {named}"


def _time_ticks(y: Scale) -> tuple[Tick, ...]:
    """Return round times; where they are many, the powers of ten alone."""
    times = [time for time in ROUND_MS if y.low <= math.log10(time) <= y.high]
    if len(times) > MOST_TICKS:
        times = [time for time in times if math.log10(time).is_integer()]
    return tuple(Tick(at=y(math.log10(time)), text=f"{time:g}") for time in times)


def _limits(cell: LatencyResult, objective_ms: float | None, x: Scale, y: Scale) -> Iterator[Line]:
    """Yield the line of the closed loop's capacity, and that of the objective if there is one."""
    if cell.capacity_rps:
        place = x(cell.capacity_rps)
        yield Line(
            points=points([(place, BOTTOM), (place, TOP)]),
            kind="edge",
            text="capacity",
            text_x=place - 4,
            text_y=BOTTOM - 6,
        )
    if objective_ms is not None:
        place = y(math.log10(objective_ms))
        yield Line(
            points=points([(LEFT, place), (RIGHT, place)]),
            kind="ideal",
            text=f"objective {objective_ms:g} ms",
            text_x=LEFT + 6,
            text_y=place - 4,
            anchor="start",
        )


def _line(
    name: str, kind: str, values: Sequence[tuple[LevelResult, Quantile]], x: Scale, y: Scale
) -> Line:
    places = [(x(level.rate_rps), y(math.log10(value.ms))) for level, value in values if value.ms]
    if not places or kind == "sent":
        return Line(points=points(places), kind=kind)
    return Line(
        points=points(places),
        kind=kind,
        text=name,
        text_x=places[0][0] - 8,
        text_y=places[0][1] + 4,
    )


def _marks(levels: Sequence[LevelResult], x: Scale, y: Scale) -> Iterator[Mark]:
    for _, kind, value in LINES:
        for level in levels:
            quantile = value(level)
            if quantile.ms and kind == "path":
                low, high = quantile.low_ms or quantile.ms, quantile.high_ms or quantile.ms
                yield Mark(
                    x=x(level.rate_rps),
                    y=y(math.log10(quantile.ms)),
                    low=y(math.log10(low)),
                    high=y(math.log10(high)),
                    text="",
                    text_x=0.0,
                    text_y=0.0,
                )
