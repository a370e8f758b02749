"""Latency under load, as rows of text: the same for every format that people read. PURE."""

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
    "Response times from the moment at which each request was due, in an open loop: nobody waits"
    " for a slow server before asking again. The closed loop, whose users do wait, hides that; its"
    " line stands first."
)


def level_rows(result: RunResult) -> Iterator[list[str]]:
    """Yield a row for the closed loop and one for each load of every cell."""
    for each in result.latency:
        yield _closed(each)
        for level in each.levels:
            yield _level(each, level)


def _closed(each: LatencyResult) -> list[str]:
    return [
        cell_name(each),
        "closed loop",
        figure(each.capacity_rps),
        figure(each.closed_p50_ms),
        UNKNOWN,
        figure(each.closed_p99_ms),
        *[UNKNOWN] * 3,
        "its users wait for their answers",
    ]


def _level(each: LatencyResult, level: LevelResult) -> list[str]:
    return [
        cell_name(each),
        f"{level.share_ratio:.0%}",
        figure(level.rate_rps or None),
        *(
            quantile(found)
            for found in (
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
    """Say what must be known of a level before its figures are believed."""
    if level.state == "invalid":
        return f"invalid: {level.reason}"
    failed = f"{level.failed} of {level.requests} requests failed" if level.failed else ""
    return " ".join(part for part in (level.reason, failed) if part)


def quantile(found: Quantile) -> str:
    """Return ``23.4 [21.0, 30.2]``; ``[21.0, ?]`` where nothing bounds it from above."""
    if found.ms is not None and found.low_ms is not None and found.high_ms is None:
        return f"{figure(found.ms)} [{figure(found.low_ms)}, ?]"
    return figures(Estimate(estimate=found.ms, low=found.low_ms, high=found.high_ms))


def slo_rows(result: RunResult) -> Iterator[list[str]]:
    """Yield a row a cell: its capacity under the objective."""
    for each in result.slo:
        share = None
        if each.estimate_rps and each.capacity_rps:
            share = each.estimate_rps / each.capacity_rps
        yield [cell_name(each), bracket(each), percent(share), each.decided]


def bracket(each: SloResult) -> str:
    """Return ``84.1 [80.2, 88.3]``, whose ends kept and broke the objective."""
    if each.estimate_rps is None and each.high_rps is not None:
        return f"below {figure(each.high_rps)}"
    return figures(Estimate(estimate=each.estimate_rps, low=each.low_rps, high=each.high_rps))


def slo_doubling_rows(result: RunResult) -> Iterator[list[str]]:
    """Yield a row a doubling of the capacity under the objective."""
    for each in result.slo_doublings:
        yield [str(each), _factor(each), each.verdict.replace("_", " "), each.reason]


def _factor(each: SloDoubling) -> str:
    if each.factor is None and each.low is not None and each.high is None:
        return f"at least {factor(each.low)}"
    if each.factor is None and each.high is not None and each.low is None:
        return f"at most {factor(each.high)}"
    return interval(Estimate(estimate=each.factor, low=each.low, high=each.high), factor)


def ceiling(result: RunResult) -> str:
    """Say how much of the generator's ceiling was needed, in a sentence; empty if not measured."""
    if result.ceiling is None or not result.ceiling.throughput_rps:
        return ""
    known = [each for each in result.cells if each.ceiling_ratio is not None]
    told = (
        f"The load generator's ceiling here is {figure(result.ceiling.throughput_rps)} requests per"
        " second (a static answer of the same proxy)"
    )
    if not known:
        return f"{told}."
    most = max(known, key=lambda each: each.ceiling_ratio or 0.0)
    return f"{told}; {most.cell} needed most of it, {percent(most.ceiling_ratio)}."


def cell_name(each: LatencyResult | SloResult) -> str:
    """Return the cell's name as it is written everywhere."""
    return f"{each.worker} {each.workload} ×{each.replicas}"
