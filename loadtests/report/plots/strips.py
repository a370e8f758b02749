"""Intervals as rows of a table: doubling factors, and worker models compared. PURE."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from loadtests.analysis.estimates import trials_by_cell
from loadtests.model.plan import Cell
from loadtests.model.result import ComparisonResult, DoublingResult, Estimate, RunResult
from loadtests.model.trial import Trial
from loadtests.report.plots.drawing import Axis, Dot, Reference, Strip, Tick
from loadtests.report.plots.scale import Scale, span, ticks
from loadtests.report.rounding import factor
from loadtests.report.text.comparison import among_all

PERFECT = 2.0

LEAST_LOG_REACH = 0.2
"""The axis of ratios spans at least ±2^0.2, or 15 %, so that small differences look small."""

NEAR_TICKS = (0.8, 0.9, 1, 1.1, 1.25)
FAR_TICKS = (0.01, 0.1, 0.25, 0.5, 1, 2, 4, 10, 100)
FAR_LOG_WIDTH = 1.5
"""Width in octaves from which the ticks near 1 would touch one another."""


@dataclass(frozen=True, kw_only=True)
class Forest:
    """The strips of one table and the axis that they share."""

    axis: Axis
    strips: tuple[Strip, ...]


def doublings(result: RunResult, trials: Sequence[Trial], numbers: Mapping[str, int]) -> Forest:
    """Return the doubling factors, with a dot for each round."""
    by_cell = trials_by_cell(trials)
    rounds = [_rounds(doubling, by_cell) for doubling in result.doublings]
    bounds = [value for doubling in result.doublings for value in _known(doubling.factor)]
    single_rounds = [ratio for ratios in rounds for ratio in ratios.values()]
    low, high = span(bounds + single_rounds, around=(result.plan.target - 0.2, PERFECT + 0.2))
    x = Scale(low=low - 0.05, high=high + 0.05, start=0, end=100)
    target = Reference(
        at=x(result.plan.target), text=f"target {result.plan.target:g}", anchor="end"
    )
    perfect = Reference(at=x(PERFECT), text="perfect 2", anchor="start")
    return Forest(
        axis=Axis(
            ticks=tuple(Tick(at=x(value), text=f"{value:g}") for value in ticks(x.low, x.high)),
            references=(target, perfect),
        ),
        strips=tuple(
            _strip(numbers[doubling.worker], doubling.factor, x, ratios)
            for doubling, ratios in zip(result.doublings, rounds, strict=True)
        ),
    )


def comparisons(ratios: Sequence[ComparisonResult], numbers: Mapping[str, int]) -> Forest:
    """Return the ratios of one workload's worker models, on a logarithmic axis around 1.

    Their intervals hold for all pairs together, as those in the advice.
    """
    logs = [math.log2(value) for comparison in ratios for value in _known(among_all(comparison))]
    low, high = span(logs, around=(-LEAST_LOG_REACH, LEAST_LOG_REACH))
    x = Scale(low=low - LEAST_LOG_REACH / 4, high=high + LEAST_LOG_REACH / 4, start=0, end=100)
    values = FAR_TICKS if high - low > FAR_LOG_WIDTH else NEAR_TICKS
    shown = [value for value in values if x.low <= math.log2(value) <= x.high]
    return Forest(
        axis=Axis(
            ticks=tuple(Tick(at=x(math.log2(value)), text=f"{value:g}") for value in shown),
            references=(Reference(at=x(0), text="equal", anchor="middle"),),
        ),
        strips=tuple(
            _strip(numbers[comparison.worker], _log2(among_all(comparison)), x)
            for comparison in ratios
        ),
    )


def _strip(
    number: int, estimate: Estimate, x: Scale, rounds: Mapping[int, float] | None = None
) -> Strip:
    return Strip(
        series=number,
        estimate=None if estimate.estimate is None else x(estimate.estimate),
        low=None if estimate.low is None else x(estimate.low),
        high=None if estimate.high is None else x(estimate.high),
        dots=tuple(
            Dot(x=x(ratio), y=0, tip=f"round {number}: {factor(ratio)}")
            for number, ratio in (rounds or {}).items()
        ),
    )


def _known(estimate: Estimate) -> list[float]:
    values = (estimate.low, estimate.estimate, estimate.high)
    return [value for value in values if value is not None]


def _log2(estimate: Estimate) -> Estimate:
    low, middle, high = (
        None if value is None else math.log2(value)
        for value in (estimate.low, estimate.estimate, estimate.high)
    )
    return Estimate(estimate=middle, low=low, high=high)


def _rounds(
    doubling: DoublingResult, by_cell: Mapping[Cell, Mapping[int, Trial]]
) -> dict[int, float]:
    small, large = (
        by_cell.get(Cell(worker=doubling.worker, workload=doubling.workload, replicas=count), {})
        for count in (doubling.replicas_from, doubling.replicas_to)
    )
    return {
        number: large[number].throughput_rps / small[number].throughput_rps
        for number in sorted(small.keys() & large.keys())
        if small[number].throughput_rps
    }
