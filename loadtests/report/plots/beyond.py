"""Speed-up against replicas: what was measured, the law fitted to it, and the next doubling.

PURE. Inside the measured range the law is a line. Beyond it, a hatched band between the law's
bounds shows what is extrapolated, not measured.
"""

from __future__ import annotations

from loadtests.analysis.scaling_laws import speedup
from loadtests.model.result import LawResult
from loadtests.report.plots.axes import Series, mark, replica_scale, replica_ticks, thinned
from loadtests.report.plots.drawing import BOTTOM, TOP, Line, Panel, Tick, points
from loadtests.report.plots.scale import Scale
from loadtests.report.rounding import factor, figures, interval
from loadtests.report.text.capacity import NEXT_DOUBLING, rate_at, reaches

CURVE_POINTS = 16

NAMES = {"amdahl": "Amdahl's law", "usl": "USL"}


def panel(series: Series, law: LawResult) -> Panel | None:
    """Return the plot of one worker model and workload, None without one replica."""
    single_rps = series.cells[0].throughput_rps.estimate
    if series.cells[0].cell.replicas != 1 or not single_rps or law.sigma.estimate is None:
        return None
    can_extrapolate = reaches(series.cells[-1], law)
    most = series.most * (NEXT_DOUBLING if can_extrapolate else 1)
    x = replica_scale(most)
    y = Scale(low=0, high=most * 1.08, start=BOTTOM, end=TOP)
    return Panel(
        title=series.worker,
        series=series.number,
        description=_description(series, law, most) if can_extrapolate else _measured(series),
        x_title="replicas",
        y_title="speed-up",
        x_ticks=replica_ticks([*(cell.cell.replicas for cell in series.cells), most], x),
        y_ticks=tuple(Tick(at=y(count), text=f"{count:g}") for count in _doubled(most)),
        lines=(*_lines(series, law, most, x, y), *(_edge(series, x) if can_extrapolate else ())),
        band=_band(series, law, most, x, y, single_rps) if can_extrapolate else "",
        marks=thinned(
            mark(x(cell.cell.replicas), cell.speedup, y, factor(cell.speedup.estimate))
            for cell in series.cells[1:]
            if cell.speedup.estimate is not None
        ),
    )


def _measured(series: Series) -> str:
    return "; ".join(f"{cell.cell}: {interval(cell.speedup, factor)}" for cell in series.cells)


def _description(series: Series, law: LawResult, most: int) -> str:
    beyond = rate_at(series.cells[-1], law, most)
    return (
        f"{_measured(series)}; extrapolated by {NAMES[law.name]}, not measured: {most} replicas"
        f" give {figures(beyond)} requests/s"
    )


def _lines(series: Series, law: LawResult, most: int, x: Scale, y: Scale) -> tuple[Line, ...]:
    middle = most * 0.5
    kappa = (law.kappa.estimate or 0.0) if law.kappa else 0.0
    sigma = law.sigma.estimate or 0.0
    curve = [
        (x(count), y(speedup(count, sigma=sigma, kappa=kappa))) for count in _counts(1, series.most)
    ]
    return (
        Line(
            points=points([(x(0), y(0)), (x(most), y(most))]),
            kind="ideal",
            text="ideal",
            text_x=x(middle) - 8,
            text_y=y(middle) - 6,
        ),
        Line(points=points(curve), kind="law"),
    )


def _doubled(most: int) -> list[int]:
    """Return 0 and the doublings up to the most replicas, the least of which are an eighth."""
    return [0, *(count for count in (most // 8, most // 4, most // 2, most) if count)]


def _edge(series: Series, x: Scale) -> tuple[Line, ...]:
    """Return the line at which the measured range ends, with the text "not measured"."""
    place = x(series.most)
    return (
        Line(
            points=points([(place, BOTTOM), (place, TOP)]),
            kind="edge",
            text="not measured",
            text_x=place + 6,
            text_y=BOTTOM - 8,
            anchor="start",
        ),
    )


def _band(series: Series, law: LawResult, most: int, x: Scale, y: Scale, single_rps: float) -> str:
    """Return the area between the law's bounds, from the last measured count on."""
    rates = [(n, rate_at(series.cells[-1], law, n)) for n in _counts(series.most, most)]
    upper = [(x(n), y((rate.high or 0.0) / single_rps)) for n, rate in rates]
    lower = [(x(n), y((rate.low or 0.0) / single_rps)) for n, rate in rates]
    return points(upper + lower[::-1])


def _counts(low: float, high: float) -> list[float]:
    return [low + (high - low) * step / CURVE_POINTS for step in range(CURVE_POINTS + 1)]
