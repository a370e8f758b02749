"""Rows of text for latency under load, shared by all formats that people read. PURE."""

from __future__ import annotations

from collections.abc import Iterator

from loadtests.model.latency import LatencyResult, LevelResult, Quantile, SloDoubling, SloResult
from loadtests.model.result import Estimate, RunResult
from loadtests.report.rounding import UNKNOWN, factor, figure, figures, interval, percent

LEVEL_COLUMNS = (
    "cell",
    "load",
    "rate/s",
    "p50 ms",
    "p90 ms",
    "p99 ms",
    "p99.9 ms",
    "service p99 ms",
    "dropped",
    "note",
)
SLO_COLUMNS = ("cell", "rate/s [between]", "of capacity", "how it was decided")
SLO_DOUBLING_COLUMNS = ("doubling", "factor [between]", "verdict", "why")

INTRODUCTION = (
    "Response times from when each request was due, in an open loop: requests are sent when they"
    " are due, even before earlier ones are answered. The users of the closed loop wait for their"
    " answers, which hides stalls; its row comes first."
)


def level_rows(result: RunResult) -> Iterator[list[str]]:
    """Yield a row for the closed loop and one for cell load of every cell."""
    for cell in result.latency:
        yield _closed(cell)
        for level in cell.levels:
            yield _level(cell, level)


def _closed(cell: LatencyResult) -> list[str]:
    return [
        cell_name(cell),
        "closed loop",
        figure(cell.capacity_rps),
        figure(cell.closed_p50_ms),
        UNKNOWN,
        figure(cell.closed_p99_ms),
        *[UNKNOWN] * 3,
        "users wait for their answers",
    ]


def _level(cell: LatencyResult, level: LevelResult) -> list[str]:
    return [
        cell_name(cell),
        f"{level.share_ratio:.0%}",
        figure(level.rate_rps or None),
        *(
            quantile(value)
            for value in (
                level.response.p50,
                level.response.p90,
                level.response.p99,
                level.response.p999,
                level.service.p99,
            )
        ),
        str(level.dropped),
        note(level),
    ]


def note(level: LevelResult) -> str:
    """Return why a level is invalid or incomplete, and how many requests failed; else empty."""
    if level.state == "invalid":
        return f"invalid: {level.reason}"
    failed = f"{level.failed} of {level.requests} requests failed" if level.failed else ""
    return " ".join(part for part in (level.reason, failed) if part)


def quantile(value: Quantile) -> str:
    """Return ``23.4 [21.0, 30.2]``, or ``23.4 [21.0, ?]`` without an upper bound."""
    if value.ms is not None and value.low_ms is not None and value.high_ms is None:
        return f"{figure(value.ms)} [{figure(value.low_ms)}, ?]"
    return figures(Estimate(estimate=value.ms, low=value.low_ms, high=value.high_ms))


def slo_rows(result: RunResult) -> Iterator[list[str]]:
    """Yield a row a cell: its capacity under the objective."""
    for slo in result.slo:
        share = None
        if slo.estimate_rps and slo.capacity_rps:
            share = slo.estimate_rps / slo.capacity_rps
        yield [cell_name(slo), bracket(slo), percent(share), slo.decided]


def bracket(slo: SloResult) -> str:
    """Return ``84.1 [80.2, 88.3]``: the rate between those that met and missed the objective."""
    if slo.estimate_rps is None and slo.high_rps is not None:
        return f"below {figure(slo.high_rps)}"
    return figures(Estimate(estimate=slo.estimate_rps, low=slo.low_rps, high=slo.high_rps))


def slo_doubling_rows(result: RunResult) -> Iterator[list[str]]:
    """Yield a row a doubling of the capacity under the objective."""
    for doubling in result.slo_doublings:
        yield [
            str(doubling),
            _factor(doubling),
            doubling.verdict.replace("_", " "),
            doubling.reason,
        ]


def _factor(doubling: SloDoubling) -> str:
    if doubling.factor is None and doubling.low is not None and doubling.high is None:
        return f"at least {factor(doubling.low)}"
    if doubling.factor is None and doubling.high is not None and doubling.low is None:
        return f"at most {factor(doubling.high)}"
    return interval(
        Estimate(estimate=doubling.factor, low=doubling.low, high=doubling.high), factor
    )


def ceiling(result: RunResult) -> str:
    """Return a sentence on the share of the generator's ceiling that was needed, or nothing."""
    if result.ceiling is None or not result.ceiling.throughput_rps:
        return ""
    cells = [cell for cell in result.cells if cell.ceiling_ratio is not None]
    sentence = (
        f"The load generator's ceiling here is {figure(result.ceiling.throughput_rps)} requests per"
        " second (a static answer of the same proxy)"
    )
    if not cells:
        return f"{sentence}."
    largest = max(cells, key=lambda cell: cell.ceiling_ratio or 0.0)
    return f"{sentence}; {largest.cell} needed the largest share, {percent(largest.ceiling_ratio)}."


def cell_name(cell: LatencyResult | SloResult) -> str:
    """Return the cell's name as it is written everywhere."""
    return f"{cell.worker} {cell.workload} ×{cell.replicas}"
